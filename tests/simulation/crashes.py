"""Where a program may die (K1 to K12) and what else the database may do to it.

K1 before the intent is committed · K2 before it connects · K3 connected, nothing sent · K4 sent,
nothing done there · K5 done there, nothing came back · K6 half an answer · K7 a whole answer, not
recorded · K8 around the commit of the record · K9 recorded, not applied · K10 around the commit
that applies it · K11 applied, the job not settled · K12 settled.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from django.db import OperationalError

from tests.simulation.database import MemoryDatabase
from tests.simulation.scheduler import Actor, Crash, Scheduler

POINTS = tuple(f"K{number}" for number in range(1, 13))
INTENT, JOURNAL, JOB = "orders_attempt", "providers_providercall", "giftops_job"
CLEANING_UP = ("ROLLBACK", "RELEASE", "SAVEPOINT", "PRAGMA")


def table_of(sql: str) -> str:
    """The table that a statement writes to, "" for one that only reads."""
    if sql.startswith(('INSERT INTO "', 'UPDATE "', 'DELETE FROM "')):
        return sql.split('"', 2)[1]
    return ""


class Interference:
    """The hooks of the database: places to change, to die and to be lied to.

    Rates are chances for one transaction or statement.
    """

    def __init__(self, database: MemoryDatabase, scheduler: Scheduler, random: Random) -> None:
        self._database = database
        self._scheduler = scheduler
        self._random = random
        self.changes_places = 0.15
        self.stalls = 0.0
        self.commit_lost = 0.0
        self.commit_fails = 0.0
        self.locked = 0.0
        self.journal_down = 0.0
        self.seen: Counter[str] = Counter()

    # What the database asks

    def before_begin(self) -> None:
        actor = self._living()
        if actor is None:
            return
        self._perhaps_stall(actor)
        self._scheduler.maybe_change_places(self.changes_places)
        actor.written.clear()
        if self._happens(self.locked):
            self.seen["database locked"] += 1
            raise OperationalError("database is locked")

    def before_commit(self) -> None:
        actor = self._living()
        if actor is None:
            return
        if self._dies_at_commit(actor) and (actor.dies_at == "K1" or self._random.random() < 0.5):
            self._database.raw.rollback()
            self.die(actor, actor.dies_at)
        if self._happens(self.commit_fails):
            self.seen["commit failed"] += 1
            raise OperationalError("disk I/O error")

    def after_commit(self) -> None:
        actor = self._living()
        if actor is None:
            return
        dies_here = self._dies_at_commit(actor)
        if JOURNAL in actor.written and actor.call is not None:
            actor.call.is_recorded = True
        if dies_here:
            self.die(actor, actor.dies_at)
        actor.written.clear()
        if self._happens(self.commit_lost):
            self.seen["answer to commit lost"] += 1
            raise OperationalError("server closed the connection unexpectedly")

    def after_end(self) -> None:
        actor = self._scheduler.current
        if actor is not None and not actor.is_dead:
            self._scheduler.maybe_change_places(self.changes_places)

    def around_statement(self, run: Callable[[], Any], sql: str) -> Any:
        actor = self._scheduler.current
        if actor is None:
            return run()
        if actor.is_dead and not sql.startswith(CLEANING_UP):
            raise Crash(actor.dies_at or "timeout")
        table = table_of(sql)
        if not table:
            return run()
        self._before_write(actor, table)
        if self._database.wrapper.in_atomic_block:
            actor.written.add(table)
            return run()
        return self._autocommitted(actor, table, run)

    # What it means

    def reach(self, *points: str) -> None:
        """The acting program is at one of these points: it dies there if it was to."""
        actor = self._scheduler.current
        if actor is not None and (actor.is_dead or actor.dies_at in points):
            self.die(actor, actor.dies_at)

    def die(self, actor: Actor, point: str) -> None:
        """End the acting program."""
        actor.is_dead = True
        raise Crash(point)

    def _living(self) -> Actor | None:
        actor = self._scheduler.current
        if actor is not None and actor.is_dead:
            raise Crash(actor.dies_at or "timeout")
        return actor

    def _before_write(self, actor: Actor, table: str) -> None:
        if actor.call is None:
            return
        if table == JOURNAL:
            self.reach("K7")
            if self._happens(self.journal_down):
                self.seen["journal down"] += 1
                raise OperationalError("database or disk is full")
        elif actor.call.is_recorded:
            self.reach("K9")

    def _autocommitted(self, actor: Actor, table: str, run: Callable[[], Any]) -> Any:
        point = self._point_of(actor, table)
        is_here = bool(point) and actor.dies_at == point
        if is_here and self._random.random() < 0.5:
            self.die(actor, point)
        if actor.dies_at == "K11" and self._settles(actor, table):
            self.die(actor, "K11")
        result = run()
        if table == JOURNAL and actor.call is not None:
            actor.call.is_recorded = True
        if is_here or (actor.dies_at == "K12" and self._settles(actor, table)):
            self.die(actor, actor.dies_at)
        return result

    def _dies_at_commit(self, actor: Actor) -> bool:
        return bool(actor.dies_at) and actor.dies_at == self._point_of(actor, *actor.written)

    def _point_of(self, actor: Actor, *tables: str) -> str:
        """The crash point that a commit of these tables is."""
        if INTENT in tables:
            return "K1"
        if actor.call is None:
            return ""
        if JOURNAL in tables:
            return "K8"
        return "K10" if actor.call.is_recorded and set(tables) - {JOB} else ""

    def _settles(self, actor: Actor, table: str) -> bool:
        return table == JOB and actor.kind == "worker" and actor.call is not None

    def _perhaps_stall(self, actor: Actor) -> None:
        """The machine stands still for minutes; afterwards the program is a zombie."""
        if actor.call is not None and self._happens(self.stalls):
            self.seen["stalled"] += 1
            actor.is_zombie = True
            self._scheduler.wait(self._random.choice((90.0, 400.0, 1500.0)))

    def _happens(self, chance: float) -> bool:
        return chance > 0 and not self._scheduler.is_calm and self._random.random() < chance
