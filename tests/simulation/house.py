"""What all seeds of one process share: the migrated template with people, accounts, products."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import override_settings

from giftops import audit, clock, guard, identity, queue
from giftops.models import User
from providers import services as providers
from tests.simulation import steps
from tests.simulation.crashes import Interference
from tests.simulation.database import MemoryDatabase
from tests.simulation.faults import FaultPlan
from tests.simulation.house_rules import HOST, TILL
from tests.simulation.operations import OPERATIONS, telltale_secrets
from tests.simulation.operations.base import Operation
from tests.simulation.scheduler import Actor, Scheduler
from tests.simulation.time import START, VirtualTime
from tests.simulation.transport import InProcess, Wire

PEOPLE = {
    "maker-1": "finance_maker",
    "maker-2": "finance_maker",
    "approver-1": "finance_approver",
    "approver-2": "finance_approver",
    "support-1": "support_agent",
    "auditor-1": "auditor",
}


class SimulatedClock:
    """The clock of `giftops.clock`: the process's own may be off, the database's never is."""

    def __init__(self, time: VirtualTime, scheduler: Scheduler) -> None:
        self._time = time
        self._scheduler = scheduler

    def now(self) -> Any:
        actor: Actor | None = self._scheduler.current
        return self._time.moment + timedelta(seconds=actor.skew if actor else 0)

    def db_now(self) -> Any:
        return self._time.moment

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._scheduler.wait(seconds)


class Captured(logging.Handler):
    """Everything that would have been written to the log, as it would have been written."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.alarms: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict):
            self.alarms.append(dict(record.msg))
        self.lines.append(self.format(record))

    @contextmanager
    def installed(self) -> Iterator["Captured"]:
        """Take the place of the root logger's handlers."""
        root = logging.getLogger()
        usual = root.handlers[:]
        formatters = [one.formatter for one in usual if one.formatter is not None]
        self.setFormatter(formatters[0] if formatters else None)
        root.handlers[:] = [self]
        try:
            yield self
        finally:
            root.handlers[:] = usual


class House:
    """The database template of one process; `open()` once, then any number of seeds."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self._anchor = b""

    @contextmanager
    def open(self) -> Iterator["House"]:
        """Install the database and the secrets that can be searched for."""
        with ExitStack() as stack:
            stack.enter_context(self.database.installed())
            stack.enter_context(override_settings(GIFTOPS_PROVIDER_HOSTS=[HOST, TILL]))
            for telltale in telltale_secrets:
                stack.enter_context(telltale())
            self._remove_files()
            self.database.build(_furnish)
            self._anchor = audit.anchor_path().read_bytes()
            yield self

    def restore(self) -> None:
        """Everything as it was when the house was furnished, the files beside the database too."""
        self._remove_files()
        audit.anchor_path().write_bytes(self._anchor)
        self.database.restore()

    def _remove_files(self) -> None:
        audit.anchor_path().unlink(missing_ok=True)
        shutil.rmtree(settings.GIFTOPS_SPOOL, ignore_errors=True)


def _furnish() -> None:
    random, time = Random("the house"), VirtualTime(START - timedelta(hours=2))
    scheduler = Scheduler(time, random)
    with (
        clock.use(SimulatedClock(time, scheduler)),
        identity.use(random.randbytes),
        Captured().installed(),
    ):
        guard.initialise()
        for username, role in PEOPLE.items():
            User.objects.create(username=username, role=role, is_staff=True)
        for kind in OPERATIONS:
            _open(kind, kind("the house", time, random), scheduler)
        queue.sync_periodic()
    steps.watch(connection.cursor())


def _open(kind: type[Operation], operation: Operation, scheduler: Scheduler) -> None:
    """The account of one operation, with everything that is sold there."""
    random = scheduler.random
    account = kind.open_account()
    plan = FaultPlan([], frozenset(), random)
    interference = Interference(MemoryDatabase(), scheduler, random)
    wire = Wire(operation, scheduler, interference, plan, random, lambda _line: None)
    with providers.use_transport(lambda _account: InProcess(wire)):
        kind.mirror(account)
    operation.provider.close()
