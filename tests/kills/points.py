"""Where a process dies. The product has no switches: the harness wraps its functions from outside.

The points and their variants are listed in `plan`. `arm` patches the right function of this
process, so that it sends itself SIGKILL there: no `except`, no `finally`, no buffer written.
"""

import os
import random
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from types import ModuleType
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from giftops.queue import running
from orders.services import answering, collecting, placing, resolving
from orders.services.issuing import sending
from providers.gateways import connection as wire
from providers.gateways import http

PLACE, CARDS, ORDER, FIND = "place_order", "get_cards", "get_order", "find_order"
TASKS = {"K": "orders.tasks.place_order", "C": "orders.tasks.follow_order"}
TASKS["L"] = "orders.tasks.resolve_order"
ISSUING = "orders.tasks_issuing."
LONGEST_COMMIT = 0.004  # seconds; a timed kill falls within this span

_inside: list[str] = []  # what this process is doing, the innermost last
_doom: list[threading.Thread] = []  # who will kill it in a moment


def die() -> None:
    """Now."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal may take a moment to arrive


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write whose sender dies: who commits its intent and its answer, its job."""

    sender: ModuleType
    applier: ModuleType
    operation: str
    task: str


WRITES = {
    one.operation: one
    for one in (
        Write(sender=placing, applier=answering, operation=PLACE, task=TASKS["K"]),
        *(
            Write(sender=sending, applier=sending, operation=operation, task=ISSUING + task)
            for operation, task in (
                ("reserve", "send_reservation"),
                ("create", "create_card"),
                ("authorize", "authorize_hold"),
                ("confirm", "finish_hold"),
                ("cancel", "finish_hold"),
            )
        ),
    )
}


def arm(point: str, variant: str, seed: int, write: str = PLACE) -> None:
    """Let this process die at that point; of the senders, the one of this write."""
    chance = random.Random(seed)
    note_operations()
    if point.startswith("K"):
        _arm_sender(WRITES[write], point, variant, chance)
    else:
        _arm_follower(point, variant, chance)


def _arm_sender(write: Write, point: str, variant: str, chance: random.Random) -> None:
    operation = write.operation
    match point, variant:
        case "K1", "call":
            before(write.sender, "_write_intent")
        case "K1", "commit-before":
            at_commit_of(write.sender, "_write_intent", "before", chance)
        case "K2", "commit-during" | "commit-after":
            moment = variant.removeprefix("commit-")
            at_commit_of(write.sender, "_write_intent", moment, chance)
        case "K2", _:
            before(wire.Pinned, "_new_conn", during=operation)
        case "K3", _:
            after(wire.Pinned, "connect", during=operation)
        case "K4", "head" | "half":
            at_sending(operation, half=variant == "half")
        case "K4", _:
            before(HTTPConnection, "getresponse", during=operation)
        case "K5", _:
            once_readable(operation)
        case "K6", _:
            at_reading(operation, chance.randrange(1, 60) if variant == "half" else 0)
        case "K7", _:
            after(http.ProviderSession, "_travel", during=operation)
        case "K8", _:
            at_journal_of(operation, variant, chance)
        case "K9", _:
            before(write.applier, "_apply")
        case "K10", _:
            at_commit_of(write.applier, "_apply", variant, chance)
        case "K11", _:
            before(running, "_finish", when=is_job(write.task))
        case "K12", _:
            after(running, "_finish", when=is_job(write.task))
        case _:
            raise ValueError(f"There is no point {point} {variant}.")


def _arm_follower(point: str, variant: str, chance: random.Random) -> None:
    match point, variant:
        case "C1", _:
            before(http.ProviderSession, "exchange", when=is_call(ORDER))
        case "C2", _:
            before(http.ProviderSession, "exchange", when=is_call(CARDS))
        case "C3", _:
            after(http.ProviderSession, "_travel", during=CARDS)
        case "C4", _:
            at_journal_of(CARDS, variant, chance)
        case "C5", _:
            before(collecting, "take_in")
        case "C6", _:
            at_commit_of(collecting, "_fulfil", variant, chance)
        case "L1", _:
            before(http.ProviderSession, "exchange", when=is_call(FIND))
        case "L2", _:
            before(resolving, "adopt")
        case "L3", _:
            at_commit_of(resolving, "adopt", variant, chance)
        case ("C7", _) | ("L4", _):
            before(running, "_finish", when=is_job(TASKS[point[0]]))
        case _:
            raise ValueError(f"There is no point {point} {variant}.")


# --- How functions are wrapped ------------------------------------------------------------------

When = Callable[..., bool]


def always(*_: Any, **__: Any) -> bool:
    return True


def is_job(task: str) -> When:
    return lambda job, *_: job.name == task


def is_call(operation: str) -> When:
    return lambda _session, call: call.operation == operation


def before(owner: Any, name: str, *, during: str = "", when: When = always) -> None:
    """Die when `owner.name` is called (while the operation `during` goes on)."""
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if is_during(during) and when(*args, **kwargs):
            die()
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)


def after(owner: Any, name: str, *, during: str = "", when: When = always) -> None:
    """Die when `owner.name` has returned."""
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        if is_during(during) and when(*args, **kwargs):
            die()
        return answer

    setattr(owner, name, wrapped)


def is_during(operation: str) -> bool:
    return not operation or operation in _inside


@contextmanager
def inside(what: str) -> Iterator[None]:
    _inside.append(what)
    try:
        yield
    finally:
        _inside.remove(what)


def note_operations() -> None:
    """From now on `_inside` knows which provider operation is going on."""
    original = http.ProviderSession.exchange

    def exchange(self: Any, call: http.Call) -> Any:
        with inside(call.operation):
            return original(self, call)

    http.ProviderSession.exchange = exchange  # type: ignore[method-assign]


# --- The database -------------------------------------------------------------------------------


def at_commit_of(owner: Any, name: str, moment: str, chance: random.Random) -> None:
    """Die before, during or after the commit of the transaction that `owner.name` opens.

    A function that runs inside a wider transaction would not be this point; none here does.
    """
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with inside(name):
            answer = original(*args, **kwargs)
        if moment == "after":
            die()
        return answer

    setattr(owner, name, wrapped)
    on_commit_while(name, moment, chance)


def on_commit_while(what: str, moment: str, chance: random.Random) -> None:
    original = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def commit(self: Any) -> Any:
        if what in _inside and moment == "before":
            die()
        if what in _inside and moment == "during":
            die_within(LONGEST_COMMIT, chance)
        return original(self)

    BaseDatabaseWrapper._commit = commit  # type: ignore[attr-defined]


def at_journal_of(operation: str, moment: str, chance: random.Random) -> None:
    """Die around the commit by which the answer to `operation` gets into the journal."""
    original = http.ProviderSession._travel
    done = http.ProviderSession.exchange

    def travel(self: Any, *args: Any) -> Any:
        answer = original(self, *args)
        if operation in _inside:
            _inside.append("journal")
        return answer

    def exchange(self: Any, call: http.Call) -> Any:
        answer = done(self, call)
        if call.operation == operation and moment == "after":
            die()
        return answer

    http.ProviderSession._travel = travel  # type: ignore[method-assign]
    http.ProviderSession.exchange = exchange  # type: ignore[method-assign]
    on_commit_while("journal", moment, chance)
    on_insert_while("journal", moment, chance)


def on_insert_while(what: str, moment: str, chance: random.Random) -> None:
    """The same for an INSERT that commits by itself."""
    original = CursorWrapper.execute

    def execute(self: Any, sql: str, params: Any = None) -> Any:
        alone = not connection.in_atomic_block and sql.startswith("INSERT")
        if what in _inside and alone and moment == "before":
            die()
        if what in _inside and alone and moment == "during":
            die_within(LONGEST_COMMIT, chance)
        return original(self, sql, params)

    CursorWrapper.execute = execute  # type: ignore[method-assign]


def die_within(seconds: float, chance: random.Random) -> None:
    """Die at a random moment of the next `seconds`, whatever this thread does then."""
    delay = chance.uniform(0, seconds)

    def wait_and_die() -> None:
        time.sleep(delay)
        die()

    _doom.append(threading.Thread(target=wait_and_die, daemon=True))
    _doom[-1].start()


def await_doom() -> None:
    """At the end of a life: whoever was doomed dies, even if all its work was done before."""
    for thread in _doom:
        thread.join()


# --- The wire -----------------------------------------------------------------------------------


def at_sending(operation: str, *, half: bool) -> None:
    """Die when the head of the request has left, or half of its body."""
    original = HTTPConnection.send

    def send(self: HTTPConnection, data: Any) -> None:
        if operation not in _inside:
            return original(self, data)
        is_body = not bytes(data).startswith(b"POST ")
        if is_body and half:
            data = data[: len(data) // 2]
        original(self, data)
        if is_body or not half:
            die()
        return None

    HTTPConnection.send = send  # type: ignore[method-assign]


def once_readable(operation: str) -> None:
    """Die when the answer has begun to arrive, so the provider has acted, and nothing is read."""
    original = HTTPConnection.getresponse

    def getresponse(self: HTTPConnection) -> Any:
        if operation in _inside:
            select.select([self.sock], [], [], 30)
            die()
        return original(self)

    HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]


def at_reading(operation: str, size: int) -> None:
    """Die when the head of the answer and `size` bytes of its body were read."""
    original = http.read_body

    def read_body(response: Any, *args: Any) -> bytes:
        if operation in _inside:
            response.raw._fp.read(size)
            die()
        return original(response, *args)

    http.read_body = read_body
