"""A pulse through the pool: a test task that shows whether work still flows.

It is put in where the pusher takes tasks from the broker, runs in a worker, and is noted as a
heartbeat where the monitor acknowledges it. It never enters the shared queue, so with several
workers on one queue each proves only itself.
"""

import time
from typing import Any

import structlog
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from django_q.brokers import Broker
from django_q.signing import SignedPackage

from giftops import clock
from giftops.queue import heartbeat

log = structlog.get_logger(__name__)

PULSE = "pulse"


def feel() -> None:
    """What the pulse does in a worker: reach the database, as a job would have to."""
    clock.db_now()


class PulsingBroker:
    """A broker that adds a pulse every `every` seconds and notes its return for `worker`."""

    def __init__(self, broker: Broker, *, worker: str, every: float, pid: int) -> None:
        self._broker = broker
        self._worker = worker
        self._every = every
        self._pid = pid
        self._next = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def dequeue(self) -> Any:
        """The pulse when it is time for one, else what the broker has."""
        if time.monotonic() < self._next:
            return self._broker.dequeue()
        self._next = time.monotonic() + self._every
        return [(PULSE, SignedPackage.dumps(_pulse()))]

    def acknowledge(self, task_id: Any) -> None:
        """Note the heartbeat if it is the pulse that came through, else tell the broker."""
        if task_id == PULSE:
            self._beat()
        else:
            self._broker.acknowledge(task_id)

    def fail(self, task_id: Any) -> None:
        """Tell the broker, unless it is the pulse, which it never had."""
        if task_id != PULSE:
            self._broker.fail(task_id)

    def _beat(self) -> None:
        close_old_connections()
        try:
            heartbeat.beat(self._worker, self._pid)
        except DatabaseError as error:  # would end the monitor; without heartbeats the watch acts
            log.warning("heartbeat_not_written", error=type(error).__name__)


def _pulse() -> dict[str, Any]:
    """A task as django-q2 packs it; a failed one is not acknowledged, so it is no heartbeat."""
    return {
        "id": PULSE,
        "name": PULSE,
        "func": "giftops.worker.pulse.feel",
        "args": (),
        "kwargs": {},
        "started": timezone.now(),
        "save": False,
        "ack_failure": False,
    }
