"""What goes over the wire, without a socket: a request, a reply, and what may go wrong with it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Headers(Mapping[str, str]):
    """Header fields; names are compared without regard to case (RFC 9110, 5.1)."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self._fields = {name.lower(): value for name, value in (fields or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._fields)})"  # names only: Authorization is a secret


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived. `path` is still percent-encoded, `client` is the caller's address,
    `connection` says which of its connections it came by ("": there is none).

    A query parameter given twice arrives joined by a comma, as repeated header fields would.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)
    client: str = "127.0.0.1"
    connection: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.headers, Headers):
            object.__setattr__(self, "headers", Headers(self.headers))

    @classmethod
    def to(
        cls,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        client: str = "127.0.0.1",
        connection: str = "",
    ) -> "Request":
        """Make a request from a request target such as `/orders?page=2` (or from a whole URL)."""
        parts = urlsplit("//host" + target if target.startswith("/") else target)
        query: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query[name] = f"{query[name]},{value}" if name in query else value
        return cls(method, parts.path or "/", query, Headers(headers), body, client, connection)

    def below(self, prefix: str) -> "Request":
        """The same request as seen by whoever is mounted at `prefix`."""
        rest = self.path.removeprefix(prefix) or "/"
        return replace(self, path=rest)


class Wrong(StrEnum):
    """What can go wrong below HTTP; `size` and `seconds` are those of the Misbehaviour."""

    RESET = "reset"  # connection reset before the first byte
    HANG = "hang"  # no byte until the client goes, or `seconds` are over
    HALF_HEADERS = "half_headers"  # the head stops in the middle, then the connection closes
    TRUNCATED = "truncated"  # full Content-Length, half of the body, then the connection closes
    DRIP = "drip"  # one byte of the body every `seconds`
    OVERLONG = "overlong"  # no Content-Length; blanks follow the body until `size` bytes were sent
    WRONG_LENGTH = "wrong_length"  # Content-Length is `size` too large (or, negative, too small)


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One thing the server does wrong while it sends a reply."""

    kind: Wrong
    seconds: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `delay` is in seconds and passes before the first byte.

    The HTTP server performs `misbehaviour` on the real socket; whoever drives a provider in-process
    maps it to what its HTTP library would have raised.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    misbehaviour: Misbehaviour | None = None
    delay: float = 0.0

    def json(self) -> Any:
        """The body, decoded. Raises ValueError when it is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Post:
    """One POST of JSON that a provider makes itself, such as a webhook."""

    id: int
    url: str = field(repr=False)  # its path may be a secret
    body: bytes = field(repr=False)


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply whose body is `value` as JSON."""
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, dump(value))


def html_reply(status: int, text: str) -> Reply:
    """A reply whose body is a page."""
    page = f"<!doctype html><html><body>{text}</body></html>"
    return Reply(status, {"Content-Type": "text/html; charset=utf-8"}, page.encode())


def dump(value: Any) -> bytes:
    """JSON as the providers write it: compact, unescaped, lone surrogates kept readable."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
