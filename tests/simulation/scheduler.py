"""Actors as coroutines: one runs, the others wait, and a seed says who is next.

An actor may change places with another wherever real programs could overtake each other: before and
after a transaction, while a call is on the wire, while it sleeps. Never inside a transaction: the
database would not have let the other one in, and a call in there is a violation by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.db import connection
from greenlet import getcurrent, greenlet

from tests.simulation.time import VirtualTime


class Crash(BaseException):
    """The program ends here, like by kill -9: nothing below `except Exception` sees it."""

    def __init__(self, point: str) -> None:
        super().__init__(point)
        self.point = point


class Violation(BaseException):
    """Something that must never be true was; no code under test can swallow it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule
        self.text = text


@dataclass(slots=True)
class Call:
    """One request to a provider as the actor that made it lives through it."""

    operation: str  # a cell's name, see `Operation.cell`
    fault: str = "none"
    is_recorded: bool = False
    is_lost: bool = False  # its program died before anybody wrote the answer down


@dataclass(slots=True, eq=False)
class Actor:
    """A worker, the sweeper or a person. `skew` is how many seconds its own clock is off."""

    name: str
    kind: str
    skew: float = 0.0
    dies_at: str = ""
    free_at: float = 0.0
    wakes_at: float = 0.0
    since: float = 0.0
    what: str = ""
    about: str = ""  # the cell's name of the purchase that this may be about
    call: Call | None = None
    written: set[str] = field(default_factory=set)  # tables of the open transaction
    is_dead: bool = False
    is_zombie: bool = False
    coroutine: greenlet | None = None

    @property
    def is_busy(self) -> bool:
        return self.coroutine is not None


class Scheduler:
    """Who runs, who waits until when."""

    def __init__(self, time: VirtualTime, random: Random) -> None:
        self.time = time
        self.random = random
        self.current: Actor | None = None
        self.is_calm = False  # no more changing places: quiescence
        self._root = getcurrent()

    def start(self, actor: Actor, what: str, work: Callable[[], Any]) -> None:
        """Let an idle actor begin; returns when it waits or is done."""
        actor.what, actor.since, actor.call = what, self.time.elapsed, None
        actor.is_dead = actor.is_zombie = False
        actor.coroutine = greenlet(work, self._root)
        self.resume(actor)

    def resume(self, actor: Actor, crash: Crash | None = None) -> None:
        """Let a waiting actor go on, or die where it stands."""
        coroutine = actor.coroutine
        assert coroutine is not None
        self.current = actor
        try:
            coroutine.throw(crash) if crash else coroutine.switch()
        finally:
            self.current = None
            if coroutine.dead:
                actor.coroutine = None

    def wait(self, seconds: float) -> None:
        """Let others act, and come back when `seconds` have passed. With nobody else: just wait."""
        if connection.in_atomic_block:
            raise Violation("R1", "a program waits inside a transaction")
        if self.current is None or self.is_calm:
            self.time.move_to(self.time.after(seconds))
            return
        self.current.wakes_at = self.time.after(seconds)
        self._root.switch()

    def maybe_change_places(self, chance: float) -> None:
        """Perhaps let others act first."""
        if self.current is not None and not self.is_calm and self.random.random() < chance:
            self.wait(self.random.choice((0.0, 0.001, 0.02)))
