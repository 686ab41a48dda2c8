"""Connections that go to a checked address only, know whether they were established, and end."""

import http.client
import logging
import socket
import threading
import time
from collections.abc import Sequence
from email.errors import MultipartInvariantViolationDefect, StartBoundaryNotFoundDefect
from functools import partial
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

CONNECT_TIMEOUT = 5.0  # seconds, TLS handshake included

# It writes filled addresses (and with them ids and card numbers) into its log lines.
URLLIB3_LEVEL = logging.CRITICAL
logging.getLogger("urllib3").setLevel(URLLIB3_LEVEL)


class Trip:
    """One call on its way: its total deadline and how far it came.

    Inside `with trip:` a watchdog shuts every watched socket when the time is over. It works on a
    duplicate of the file descriptor, so that it never touches the TLS object of another thread.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_connected: bool | None = False  # TLS included; None: not our connection
        self.is_over = False
        self.partial = bytearray()
        self._started = time.monotonic()
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def watch(self, sock: socket.socket) -> None:
        """Shut this socket too when the time is over; at once if it is over already."""
        if self._timer is None:
            self._timer = self._watchdog()
        with self._lock:
            handle = sock.dup()
            self._handles.append(handle)
            if self.is_over:
                _shut(handle)

    def _watchdog(self) -> threading.Timer:
        remaining = self.seconds - (time.monotonic() - self._started)
        timer = threading.Timer(max(remaining, 0.0), self._end)
        timer.daemon = True
        timer.start()
        return timer

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            for handle in self._handles:
                _shut(handle)


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster; the reader sees the end either way


class WholeHeaders(http.client.HTTPResponse):
    """An answer whose headers must be whole; the standard library takes half of them for all."""

    def begin(self) -> None:
        super().begin()
        harmless = (StartBoundaryNotFoundDefect, MultipartInvariantViolationDefect)
        if any(not isinstance(defect, harmless) for defect in self.msg.defects):
            raise http.client.HTTPException("damaged headers")


class Pinned:
    """Connect to one of the checked addresses, whatever the name resolves to by now."""

    response_class: Any = WholeHeaders

    def __init__(self, *args: Any, trip: Trip, addresses: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._trip = trip
        self._addresses = addresses

    def _new_conn(self) -> socket.socket:
        sock = self._connect_to_any()
        self._trip.watch(sock)
        return sock

    def _connect_to_any(self) -> socket.socket:
        deadline = time.monotonic() + CONNECT_TIMEOUT
        for address in self._addresses:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            try:
                sock = socket.create_connection((address, self.port), timeout=remaining)  # type: ignore[attr-defined]
            except OSError:
                continue  # the next address may answer; if none does, that is raised below
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        raise NewConnectionError(self, "no checked address answered")  # type: ignore[arg-type]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._trip.has_connected = True  # before the first byte of the request is written


class PinnedHTTPConnection(Pinned, HTTPConnection):
    pass


class PinnedHTTPSConnection(Pinned, HTTPSConnection):
    pass


class PinnedAdapter(HTTPAdapter):
    """An adapter for exactly one call; its pool opens pinned connections and repeats nothing."""

    def __init__(self, trip: Trip, addresses: Sequence[str]) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._trip = trip
        self._addresses = addresses

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind = PinnedHTTPSConnection if pool.scheme == "https" else PinnedHTTPConnection
        pool.ConnectionCls = partial(kind, trip=self._trip, addresses=self._addresses)
        return pool
