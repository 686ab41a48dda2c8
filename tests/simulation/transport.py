"""From `requests` to the simulated provider and back, in-process, in virtual time.

The provider answers from values to values; what goes wrong on the wire is turned into what
`requests` and urllib3 would have raised or delivered on a real socket.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import requests
from django.db import connection
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError, ProtocolError
from urllib3.response import HTTPResponse

from providers.sandbox.provider import SimulatedProvider
from providers.sandbox.wire import Misbehaviour, Reply, Request, Wrong
from tests.simulation.crashes import Interference
from tests.simulation.faults import FaultPlan, Struck
from tests.simulation.scheduler import Call, Scheduler, Violation
from tests.simulation.sent import Sent

if TYPE_CHECKING:
    from tests.simulation.operations.base import Operation

CONNECT_SECONDS = 5.0
ENOUGH = 9 * 1024 * 1024  # bytes of an endless body, above our cap of 8 MiB


@dataclass
class Wire:
    """What every adapter of one operation shares in a run."""

    operation: "Operation"
    scheduler: Scheduler
    interference: Interference
    plan: FaultPlan
    random: Random
    tell: Callable[[str], None]
    on_departure: Callable[[Sent], None] = lambda _sent: None
    on_fault: Callable[[str, str], None] = lambda _operation, _fault: None
    sent: list[Sent] = field(default_factory=list)
    everything: list[Sent] = field(default_factory=list)  # of all wires

    @property
    def provider(self) -> SimulatedProvider:
        return self.operation.provider


class InProcess(BaseAdapter):
    """The transport of a gateway's session."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def close(self) -> None:
        """Nothing to close."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        wire, sent = self._wire, self._depart(request)
        struck = wire.plan.strike(sent.operation)
        try:
            response = _Journey(wire, request, sent, struck).go()
        except Exception as failure:
            wire.tell(f"  {sent.operation} {_short(sent.reference)} {type(failure).__name__}")
            raise
        wire.tell(f"  {sent.operation} {_short(sent.reference)} {response.status_code}")
        return response

    def _depart(self, request: requests.PreparedRequest) -> Sent:
        if connection.in_atomic_block:
            raise Violation("R1", f"{request.method} to the provider inside a transaction")
        wire, actor = self._wire, self._wire.scheduler.current
        operation = operation_of(wire.provider, request)
        sent = Sent(
            at=wire.scheduler.time.elapsed,
            operation=operation,
            reference=wire.operation.reference_in(_arrival(request)),
            actor=actor.name if actor else "",
            body=_body_of(request),
            call=Call(wire.operation.cell(operation)),
        )
        if actor is not None:
            actor.call = sent.call
        wire.interference.reach("K2")
        wire.on_departure(sent)
        wire.sent.append(sent)
        wire.everything.append(sent)
        return sent


class _Journey:
    """One request on its way there and back."""

    def __init__(
        self, wire: Wire, request: requests.PreparedRequest, sent: Sent, struck: Struck | None
    ) -> None:
        self._wire = wire
        self._request = request
        self._sent = sent
        self._struck = struck
        is_read, one = request.method == "GET", wire.operation
        self._seconds = one.read_seconds if is_read else one.write_seconds

    def go(self) -> requests.Response:
        wire = self._wire
        if self._struck is not None and self._struck.kind.is_on_the_way:
            self._fail_on_the_way(self._struck.kind.name)
        wire.interference.reach("K3", "K4")
        self._pass(wire.random.choice((0.0, 0.01, 0.08, 0.3)))
        reply, fault = self._ask()
        if fault:
            self._note(fault)
        wire.interference.reach("K5")
        self._sent.fate = "unknown"
        response = self._deliver(reply)
        if _is_whole(reply, self._seconds):
            self._sent.fate = wire.operation.fate_of(self._sent.operation, reply)
        return response

    def _ask(self) -> tuple[Reply, str]:
        """The provider's reply, and the fault that really shaped it ("" for none)."""
        provider = self._wire.provider
        armed = self._arm()
        reply = provider.handle(_arrival(self._request))
        if armed is None:
            return reply, ""
        applied = provider.ledger.value("SELECT applied FROM faults WHERE id = ?", armed)
        provider.faults.clear(armed)
        return reply, self._struck.kind.name if applied and self._struck else ""

    def _arm(self) -> int | None:
        struck = self._struck
        if struck is None or struck.kind.is_on_the_way:
            return None
        return self._wire.provider.faults.arm(
            struck.kind.name, struck.params, operation=self._sent.operation
        )

    def _fail_on_the_way(self, name: str) -> None:
        self._note(name)
        self._wire.interference.reach("K3")
        self._sent.fate = "not executed" if name in SURELY_NOT_SENT else "unknown"
        self._pass(CONNECT_SECONDS if name == "connect_timeout" else 0.01)
        raise FAILURES[name]()

    def _deliver(self, reply: Reply) -> requests.Response:
        wrong = reply.misbehaviour
        if reply.delay >= self._seconds:
            self._pass(self._seconds)
            raise requests.ReadTimeout("read timed out")
        self._pass(reply.delay + self._wire.random.choice((0.0, 0.02, 0.2, 0.9)))
        if wrong is not None:
            self._break_connection(wrong)
        self._wire.interference.reach("K6") if wrong is None else None
        raw = HTTPResponse(
            _body(reply, wrong, self._seconds),
            headers=_headers(reply, wrong),
            status=reply.status,
            preload_content=False,
            enforce_content_length=True,
        )
        return HTTPAdapter().build_response(self._request, raw)

    def _break_connection(self, wrong: Misbehaviour) -> None:
        """Raise what comes before any status line."""
        match wrong.kind:
            case Wrong.RESET:
                raise requests.ConnectionError(ProtocolError("aborted", ConnectionResetError()))
            case Wrong.HALF_HEADERS:
                raise requests.ConnectionError(ProtocolError("aborted", "damaged headers"))
            case Wrong.HANG:
                self._pass(self._seconds)
                raise requests.ReadTimeout("read timed out")
            case Wrong.DRIP:
                self._pass(self._seconds)

    def _pass(self, seconds: float) -> None:
        self._wire.scheduler.wait(seconds)
        self._wire.interference.reach()

    def _note(self, fault: str) -> None:
        if self._sent.call is not None:
            self._sent.call.fault = fault
        self._wire.on_fault(self._sent.operation, fault)


def operation_of(provider: SimulatedProvider, request: requests.PreparedRequest) -> str:
    """The name of the provider's operation that a request is for."""
    path = _path(request).partition("?")[0].removeprefix(provider.prefix)
    for operation in provider.operations:
        if operation.method == request.method and operation.match(path) is not None:
            return operation.id
    raise Violation("R2", f"a request the contract does not know: {request.method}")


def _arrival(request: requests.PreparedRequest) -> Request:
    headers = {name: _text(value) for name, value in request.headers.items()}
    return Request.to(str(request.method), _path(request), headers, _body_of(request))


def _body_of(request: requests.PreparedRequest) -> bytes:
    return request.body.encode() if isinstance(request.body, str) else request.body or b""


def _path(request: requests.PreparedRequest) -> str:
    return request.path_url


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _short(reference: str) -> str:
    return reference[-6:]


# --- What goes wrong on the way, in the words of requests and urllib3 -----------------------------


def _nobody() -> HTTPConnection:
    return HTTPConnection("provider.invalid")


FAILURES: dict[str, Callable[[], Exception]] = {
    "refused": lambda: requests.ConnectionError(NewConnectionError(_nobody(), "refused")),
    "no_such_host": lambda: requests.ConnectionError(
        NameResolutionError("provider.invalid", _nobody(), OSError("no such host"))  # type: ignore[arg-type]
    ),
    "connect_timeout": lambda: requests.ConnectTimeout("timed out"),
    "tls_failure": lambda: requests.exceptions.SSLError("certificate verify failed"),
    "aborted_sending": lambda: requests.ConnectionError(
        ProtocolError("aborted", BrokenPipeError())
    ),
}
SURELY_NOT_SENT = {"refused", "no_such_host", "connect_timeout"}


class _Interrupted(io.BytesIO):
    """A body whose connection is shut before its end."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            raise ConnectionResetError("shut down")
        return found


def _is_whole(reply: Reply, seconds: float) -> bool:
    """Whether all of an answer came, and nothing else; a drip may be just fast enough."""
    wrong = reply.misbehaviour
    if wrong is None:
        return True
    return wrong.kind is Wrong.DRIP and _dripped(wrong, seconds) >= len(reply.body)


def _dripped(wrong: Misbehaviour, seconds: float) -> int:
    """Bytes that come within the deadline."""
    return int(seconds / max(wrong.seconds, 0.001))


def _body(reply: Reply, wrong: Misbehaviour | None, seconds: float) -> io.BytesIO:
    body = reply.body
    match wrong.kind if wrong else None:
        case Wrong.TRUNCATED:
            return io.BytesIO(body[: len(body) // 2])
        case Wrong.OVERLONG:
            return io.BytesIO(body + b" " * ENOUGH)
        case Wrong.WRONG_LENGTH if wrong and wrong.size < 0:
            return io.BytesIO(body[: wrong.size])
        case Wrong.DRIP if wrong:
            came = _dripped(wrong, seconds)
            return io.BytesIO(body) if came >= len(body) else _Interrupted(body[:came])
        case _:
            return io.BytesIO(body)


def _headers(reply: Reply, wrong: Misbehaviour | None) -> dict[str, str]:
    length = len(reply.body)
    match wrong.kind if wrong else None:
        case Wrong.OVERLONG:
            return dict(reply.headers)
        case Wrong.WRONG_LENGTH if wrong:
            length += wrong.size
    return {**reply.headers, "Content-Length": str(length)}
