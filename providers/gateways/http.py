"""The one door to the network: a session that cannot forget its manners.

- The deadline is total. A socket timeout counts from read to read, so a server that sends a byte a
  second would hold us for ever; here a watchdog shuts the socket when the time is over, whether
  the TLS handshake, the headers or the body are dripping.
- Every call has its own connection. On a reused one "connection aborted" could mean that the
  server had closed it before our request or after it; on a fresh one there is no such doubt.
- It goes only to the addresses that were checked before (`providers.egress`), ignores proxies,
  `.netrc` and cookies, follows no redirect, verifies TLS, and reads at most `max_body` bytes.
- It hands every exchange to `record` before anybody parses it.
- It repeats nothing. Reads are repeated by `client.Client`, where the repetition is counted against
  the rate budget and recorded; writes are never repeated.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from urllib.parse import quote, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import NewConnectionError

from giftops import clock
from providers.gateways.base import RawAnswer
from providers.gateways.bodies import BrokenAnswer, LongAnswer, kept_headers, read_body
from providers.gateways.connection import CONNECT_TIMEOUT, PinnedAdapter, Trip
from providers.gateways.errors import (
    AnswerTooLong,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
)

log = logging.getLogger(__name__)

USER_AGENT = "giftops/1.0"
NOT_MADE = "no connection came about"
BROKE_OFF = "the connection broke off"
Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request in our words. Only operation, method and route may appear in logs and errors."""

    operation: str  # "place_order"
    method: str
    route: str  # "/orders/{transactionId}"
    ids: Mapping[str, str] = field(default_factory=dict, repr=False)  # fill the route
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # never recorded
    body: bytes | None = field(default=None, repr=False)
    subject: str = ""  # our order reference, for the journal
    is_sign_in: bool = False  # asks for a token: buys nothing, and its answer is not recorded
    is_public: bool = False  # needs no token
    max_body: int | None = None  # bytes its answer may have; None: as every other's

    @property
    def is_write(self) -> bool:
        return self.method != "GET" and not self.is_sign_in

    @property
    def target(self) -> str:
        """The filled path and query, every id percent-encoded as one segment."""
        names = {name for _, name, _, _ in Formatter().parse(self.route) if name}
        filled = self.route.format(**{name: segment(self.ids[name]) for name in names})
        return f"{filled}?{urlencode(self.query)}" if self.query else filled

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds and bytes that one call may take."""

    write_seconds: float = 40.0  # above the 29 s at which an API gateway gives up
    read_seconds: float = 15.0
    max_body: int = 8 * 1024 * 1024  # after decompression


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What happened to one call, for the journal. `partial` is what came of a broken answer."""

    call: Call
    outcome: str  # a value of models.Outcome
    duration_ms: int
    answer: RawAnswer | None = None
    partial: bytes = field(default=b"", repr=False)
    error: str = ""


Record = Callable[[Exchange], None]


def segment(value: str) -> str:
    """Percent-encode one id for a path; ValueError for one that would change the path."""
    if value in ("", ".", ".."):
        raise ValueError("an id must not be empty or dots")
    return quote(value, safe="")


class ProviderSession(requests.Session):
    """One account's way to its provider."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        record: Record,
        resolve: Resolve,
        limits: Limits | None = None,
        transport: BaseAdapter | None = None,
        verify: bool | str = True,
    ) -> None:
        super().__init__()
        self.trust_env = False  # no proxies, no .netrc, no REQUESTS_CA_BUNDLE
        self.verify = verify
        self.base_url = base_url.rstrip("/")
        self.headers.clear()
        self.headers.update(
            {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Connection": "close", **headers}
        )
        self._record = record
        self._resolve = resolve
        self._limits = limits or Limits()
        self._transport = transport

    def __repr__(self) -> str:
        return "<ProviderSession>"

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No answer is a redirect to us: not followed, and its body not read behind our back."""
        return

    def exchange(self, call: Call) -> RawAnswer:
        """Send once and give whatever status came back, after it was recorded.

        Raises NotSent if provably no byte of the request left us; otherwise, without a whole
        answer, OutcomeUnknown for a write and ProviderUnavailable for a read.
        """
        seconds = self._limits.write_seconds if call.is_write else self._limits.read_seconds
        trip, started, problem = Trip(seconds), time.monotonic(), None
        try:
            with trip:
                answer = self._travel(call, trip)
        except Exception as caught:  # whatever it is, it must be told from "never sent"
            problem = caught
        if problem is not None:  # raised from here, so that no error with an address rides along
            error = _error_for(call, trip, problem)
            outcome = _outcome(problem, error, trip)
            log.warning("%s: %s, %s", call, outcome, type(problem).__name__)
            self._record(_failed_exchange(call, trip, error, outcome, _ms_since(started)))
            raise error
        self._record(
            Exchange(call=call, outcome="answered", duration_ms=_ms_since(started), answer=answer)
        )
        return answer

    def _travel(self, call: Call, trip: Trip) -> RawAnswer:
        self._mount(trip)
        self.cookies = RequestsCookieJar()
        with self.request(
            call.method,
            self.base_url + call.target,
            data=call.body,
            headers=_headers(call),
            timeout=(CONNECT_TIMEOUT, trip.seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = read_body(response, trip, call.max_body or self._limits.max_body)
            return RawAnswer(
                status=response.status_code,
                headers=kept_headers(response.headers),
                body=body,
                received_at=clock.now(),  # not the database's: it may be down just now
            )

    def _mount(self, trip: Trip) -> None:
        adapter = self._transport
        if adapter is None:
            address = urlsplit(self.base_url)
            port = address.port or (443 if address.scheme == "https" else 80)
            adapter = PinnedAdapter(trip, self._resolve(address.hostname or "", port))
        else:
            trip.has_connected = None  # somebody else's transport: only its exception can tell
        self.adapters.clear()
        self.mount("https://", adapter)
        self.mount("http://", adapter)


def _headers(call: Call) -> dict[str, str]:
    kind = {"Content-Type": "application/json"} if call.body is not None else {}
    return {**kind, **call.headers}


# --- What a failure means -----------------------------------------------------------------------


def _error_for(call: Call, trip: Trip, problem: Exception) -> ProviderError:
    if isinstance(problem, ProviderError):
        return problem
    if never_sent(problem, trip.has_connected):
        return NotSent(f"{call}: nothing was sent, {_describe(problem, trip, NOT_MADE)}")
    sentence = f"{call}: no usable answer, {_describe(problem, trip, BROKE_OFF)}"
    if call.is_write:
        return OutcomeUnknown(sentence)
    is_long = isinstance(problem, LongAnswer)
    return AnswerTooLong(sentence) if is_long else ProviderUnavailable(sentence)


def never_sent(problem: Exception, has_connected: bool | None) -> bool:
    """Is it proven that no byte of the request left us?

    Our own connections know whether they were established (TLS included) before anything was
    written. For a foreign transport (None) only two failures prove it.
    """
    if has_connected is not None:
        return not has_connected
    if isinstance(problem, requests.ConnectTimeout):
        return True
    causes = [getattr(cause, "reason", cause) for cause in problem.args]
    return any(isinstance(cause, NewConnectionError) for cause in causes)


def _describe(problem: Exception, trip: Trip, otherwise: str) -> str:
    """What happened, for people; the class of the error stands in the log."""
    if trip.is_over:
        return f"the {trip.seconds:g} seconds for it were over"
    if isinstance(problem, BrokenAnswer):
        return str(problem)
    sentences: dict[type[Exception], str] = {
        requests.ConnectTimeout: "the connection was not answered",
        requests.ReadTimeout: "the answer did not come in time",
        requests.exceptions.SSLError: "TLS failed",
        requests.exceptions.ChunkedEncodingError: "the answer broke off",
    }
    return sentences.get(type(problem), otherwise)


def _outcome(problem: Exception, error: ProviderError, trip: Trip) -> str:
    if isinstance(error, NotSent):
        return "not_sent"
    return "timed_out" if trip.is_over or isinstance(problem, requests.Timeout) else "broken"


def _failed_exchange(
    call: Call, trip: Trip, error: ProviderError, outcome: str, duration_ms: int
) -> Exchange:
    return Exchange(
        call=call,
        outcome=outcome,
        duration_ms=duration_ms,
        partial=bytes(trip.partial),
        error=error.message,
    )


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
