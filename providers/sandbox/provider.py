"""What all simulated providers share: the way of a request from arrival to reply."""

import base64
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from providers.sandbox.clock import AdjustableClock, Clock, SystemClock
from providers.sandbox.control import Control, Route
from providers.sandbox.faults import Armed, Armoury, Commits, Kind
from providers.sandbox.kinds import common_kinds
from providers.sandbox.ledger import Ledger, Row
from providers.sandbox.mutations import Targets
from providers.sandbox.outbox import Outbox
from providers.sandbox.reading import BadRequest
from providers.sandbox.wire import Post, Reply, Request

CONTROL = "/_control/"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract. `path` is its template below the provider's prefix."""

    id: str
    method: str
    path: str
    writes: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """The decoded path parameters, or None when `path` (percent-encoded) is another one."""
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        found: dict[str, str] = {}
        for part, text in zip(wanted, given, strict=True):
            if part.startswith("{") and text:
                found[part.strip("{}")] = unquote(text, errors="replace")
            elif part != text:
                return None
        return found


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through an operation.

    `at` is Unix time, `shaping` the faults that shape its effect.
    """

    operation: Operation
    request: Request
    params: Mapping[str, str]
    at: float
    shaping: Sequence[Armed] = ()


class Refusal(Exception):
    """The provider says no; carries the whole reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(slots=True)
class Entry:
    """What the journal says about one arrival."""

    id: int = 0
    operation: str | None = None
    reference: str | None = None
    admitted: bool = False
    executed: Commits = Commits.NEVER
    subject: str | None = None
    faults: list[str] = field(default_factory=list)


class SimulatedProvider(ABC):
    """One provider. `handle` is a call from values to values: no socket, no thread, no sleep.

    `ledger_path` is a file, or ":memory:". `clock` tells the time on top of which the provider
    keeps its own offset. A new ledger takes `seed` for everything that looks random; an old one
    keeps its own.
    """

    slug: ClassVar[str]
    prefix: ClassVar[str]
    operations: ClassVar[tuple[Operation, ...]]
    kinds: ClassVar[tuple[Kind, ...]] = ()
    targets: ClassVar[Targets] = Targets()
    own_tables: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}
    make_ledger: ClassVar[type[Ledger]] = Ledger
    paths_are_secret: ClassVar[bool] = False  # card numbers stand in them

    def __init__(
        self,
        ledger_path: str | Path = ":memory:",
        *,
        clock: Clock | None = None,
        seed: str | int = "sandbox",
    ) -> None:
        self.ledger = self.make_ledger(ledger_path)
        self.outbox = Outbox(self.ledger)
        saved = self.ledger.setting("clock", {})
        self.clock = AdjustableClock(clock or SystemClock(), **saved)
        writes = [operation.id for operation in self.operations if operation.writes]
        self.faults = Armoury(
            self.ledger,
            [*common_kinds(writes, self.refuse), *self.kinds],
            [operation.id for operation in self.operations],
        )
        with self.ledger.transaction():
            if self.ledger.setting("seed") is None:
                self._begin(str(seed))

    # What a provider has to say for itself

    @abstractmethod
    def execute(self, call: Call) -> tuple[Reply, str | None]:
        """Do the operation; returns the reply and the name of its order, if any. Raises Refusal."""

    @abstractmethod
    def authenticate(self, request: Request) -> Reply | None:
        """None, or the refusal."""

    @abstractmethod
    def refuse(self, status: int, message: str) -> Reply:
        """A refusal in the provider's own shape, by its HTTP status."""

    @abstractmethod
    def reference_of(
        self, operation: Operation, params: Mapping[str, str], request: Request
    ) -> str | None:
        """The customer's reference that a request is about."""

    @abstractmethod
    def controls(self) -> Mapping[tuple[str, str], Route]:
        """The provider's own control end points, by method and first part of the path."""

    @abstractmethod
    def next_event_at(self) -> float | None:
        """When something is due by itself next, or None."""

    @abstractmethod
    def run_event(self, at: float) -> None:
        """Do what is due at that time."""

    @abstractmethod
    def stock(self) -> None:
        """Fill an empty ledger."""

    def damage(self, armed: Armed, reply: Reply, call: Call) -> Reply | None:
        """The reply as the fault leaves it, or None when it has nothing to bite on."""
        if armed.kind.answer is not None:
            return armed.kind.answer(armed.params)
        assert armed.kind.damage is not None  # noqa: S101 - kinds without both are shaping ones
        return armed.kind.damage(reply, armed.params, self.targets)

    # The way of a request

    def handle(self, request: Request) -> Reply:
        """Answer one request, with the path as seen below the provider's mount point."""
        with self.ledger.transaction():
            self.settle()
            if request.path.startswith(CONTROL):
                return Control(self).handle(request.below(CONTROL.rstrip("/")))
            return self._serve(request)

    def shown(self, path: str) -> str:
        """A path as a log may have it: without what is secret in it."""
        if path.startswith(CONTROL):
            return CONTROL + path.removeprefix(CONTROL).partition("/")[0]
        if not self.paths_are_secret:
            return path
        below = path.removeprefix(self.prefix)
        found = [one.path for one in self.operations if one.match(below) is not None]
        return self.prefix + (found[0] if found else "/…")

    def settle(self) -> None:
        """Let everything happen that is due by now, in the order of its time."""
        now = self.clock.now()
        while True:
            late = self.ledger.row(
                "SELECT * FROM postponed WHERE done_at IS NULL AND due_at <= ?"
                " ORDER BY due_at, id LIMIT 1",
                now,
            )
            event = self.next_event_at()
            if event is not None and event <= now and (late is None or event <= late["due_at"]):
                self.run_event(event)
            elif late is not None:
                self._run_late(late)
            else:
                return

    def _serve(self, request: Request) -> Reply:
        entry = Entry(
            id=self.ledger.insert(
                "journal",
                {
                    "at": self.clock.now(),
                    "method": request.method,
                    "path": clean(request.path),
                },
            )
        )
        reply = self._answer(request, entry)
        self.ledger.run(
            "UPDATE journal SET operation = ?, reference = ?, admitted = ?, executed = ?,"
            " subject = ?, faults = ?, status = ?, misbehaviour = ? WHERE id = ?",
            entry.operation,
            entry.reference,
            entry.admitted,
            entry.executed.value,
            entry.subject,
            ",".join(entry.faults),
            reply.status,
            reply.misbehaviour.kind.value if reply.misbehaviour else None,
            entry.id,
        )
        return reply

    def _answer(self, request: Request, entry: Entry) -> Reply:
        path = (
            request.path.removeprefix(self.prefix) if request.path.startswith(self.prefix) else ""
        )
        matches = [
            (one, params) for one in self.operations if (params := one.match(path)) is not None
        ]
        if not matches:
            return self.refuse(404, "Data not found")
        template = matches[0][0].path
        allowed = {one.method: (one, params) for one, params in matches if one.path == template}
        if request.method not in allowed:
            refusal = self.refuse(405, "Method not allowed")
            return Reply(
                405, {**refusal.headers, "Allow": ", ".join(sorted(allowed))}, refusal.body
            )
        operation, params = allowed[request.method]
        entry.operation = operation.id
        entry.reference = clean(self.reference_of(operation, params, request))
        if (no := self.authenticate(request) or self._throttle()) is not None:
            return no
        entry.admitted = True
        return self._perform(Call(operation, request, params, self.clock.now()), entry)

    def _throttle(self) -> Reply | None:
        """429 when this admission would be one too many in a sliding second or minute."""
        now, waits = self.clock.now(), [0.0]
        for window, name in ((1.0, "per_second"), (60.0, "per_minute")):
            limit = self.setting(name)
            if limit is None:
                continue
            earlier = self.ledger.rows(
                "SELECT at FROM journal WHERE admitted AND at > ? AND at <= ?"
                " ORDER BY at DESC, id DESC LIMIT ?",
                now - window,
                now,
                limit,
            )
            if len(earlier) >= limit:
                waits.append(earlier[-1]["at"] + window - now if earlier else window)
        if max(waits) <= 0:
            return None
        refusal = self.refuse(429, "Too many requests")
        headers = {**refusal.headers, "Retry-After": str(max(1, math.ceil(max(waits))))}
        return Reply(429, headers, refusal.body)

    def _perform(self, call: Call, entry: Entry) -> Reply:
        armed, shaping = self.faults.choose(call.operation.id, entry.reference)
        if armed is not None and armed.commits != Commits.FIRST:
            return self._without_effect(armed, shaping, call, entry)
        call = Call(call.operation, call.request, call.params, call.at, shaping)
        reply, entry.subject = self._run(call)
        if reply.status < 300:
            entry.executed = Commits.FIRST
            self._note(entry, shaping)
        if armed is not None and (damaged := self.damage(armed, reply, call)) is not None:
            self._note(entry, [armed])
            reply = damaged
        return reply

    def _without_effect(
        self, armed: Armed, shaping: Sequence[Armed], call: Call, entry: Entry
    ) -> Reply:
        """Answer with the fault; the request takes effect later, or never."""
        if armed.commits == Commits.LATER:
            entry.executed = Commits.LATER
            self._postpone(call, armed, shaping, entry)
            self._note(entry, shaping)
        self._note(entry, [armed])
        assert armed.kind.answer is not None  # noqa: S101 - only such kinds withhold the effect
        return armed.kind.answer(armed.params)

    def _run(self, call: Call) -> tuple[Reply, str | None]:
        try:
            with self.ledger.transaction():
                return self.execute(call)
        except Refusal as refusal:
            return refusal.reply, None
        except BadRequest as bad:
            return self.refuse(400, str(bad)), None

    def _note(self, entry: Entry, armed: Sequence[Armed]) -> None:
        entry.faults += [one.kind.name for one in armed]
        self.faults.applied(armed)

    def _postpone(self, call: Call, armed: Armed, shaping: Sequence[Armed], entry: Entry) -> None:
        self.ledger.insert(
            "postponed",
            {
                "due_at": call.at + float(armed.params["delay"]),
                "journal_id": entry.id,
                "operation": call.operation.id,
                "path": call.request.path,
                "body": base64.b64encode(call.request.body).decode(),
                "faults": json.dumps([[one.kind.name, one.params] for one in shaping]),
            },
        )

    def _run_late(self, row: Row) -> None:
        operation = next(one for one in self.operations if one.id == row["operation"])
        path, body = row["path"], base64.b64decode(row["body"])
        request = Request(operation.method, path, {}, {"Content-Type": "application/json"}, body)
        shaping = [
            Armed(id=0, kind=self.faults.kinds[name], params=params)
            for name, params in json.loads(row["faults"])
        ]
        params = operation.match(path.removeprefix(self.prefix)) or {}
        reply, subject = self._run(Call(operation, request, params, row["due_at"], shaping))
        outcome = f"committed {subject or ''}".strip() if reply.status < 300 else "refused"
        self.ledger.run(
            "UPDATE postponed SET done_at = ?, outcome = ? WHERE id = ?",
            row["due_at"],
            outcome,
            row["id"],
        )
        self.ledger.run("UPDATE journal SET subject = ? WHERE id = ?", subject, row["journal_id"])

    # What it sends of its own accord

    def due_posts(self) -> list[Post]:
        """Let time pass; returns what has to be sent by now."""
        with self.ledger.transaction():
            self.settle()
            return self.outbox.due(self.clock.now())

    def note_post(self, post: Post, outcome: str, delivered: bool) -> None:
        """Remember how a post went."""
        with self.ledger.transaction():
            self.outbox.note(post, outcome, delivered, self.clock.now())

    # Settings and starting over

    def setting(self, name: str) -> Any:
        """A setting, or its default."""
        return self.ledger.setting(name, self.defaults[name])

    def reset(self) -> None:
        """Forget everything but the seed; settings, clock and stock are as at the beginning."""
        seed = self.ledger.setting("seed")
        self.ledger.empty([*self.own_tables, "posts", "postponed", "faults", "journal", "settings"])
        self.clock.offset, self.clock.frozen_at = 0.0, None
        self._begin(seed)

    def _begin(self, seed: str) -> None:
        self.ledger.keep("seed", seed)
        self.stock()

    def advance(self, seconds: float) -> None:
        """Move the provider's clock, and let happen what is due."""
        self.clock.advance(seconds)
        self.save_clock()

    def save_clock(self) -> None:
        """Store the clock and let happen what is due by it."""
        with self.ledger.transaction():
            self.ledger.keep("clock", self.clock.saved())
            self.settle()

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()


def clean(text: str | None) -> str | None:
    """Text that a database can store: lone surrogates are replaced."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """User name and password of HTTP Basic (RFC 7617), or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = (
            base64.b64decode(token.strip(), validate=True).decode().partition(":")
        )
    except ValueError:
        return None
    return (user, password) if colon else None
