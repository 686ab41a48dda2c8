"""The simulated providers over real HTTP, on a socket that can be made to misbehave."""

import logging
import os
import select
import socket
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from providers.sandbox.courier import Courier
from providers.sandbox.mounts import Sandbox
from providers.sandbox.wire import Misbehaviour, Reply, Request, Wrong, json_reply

log = logging.getLogger("sandbox")

LARGEST_BODY = 1024 * 1024
BLANKS = b" " * 65536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds


class SandboxServer(ThreadingHTTPServer):
    """One thread a connection. `stopping` wakes those that are only waiting."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.stopping = threading.Event()
        self.courier = Courier(sandbox.providers.values())
        super().__init__(address, Conversation)

    def service_actions(self) -> None:
        """Between two connections, at least once a poll interval: send what is due."""
        self.courier.hand_out()

    def server_close(self) -> None:
        """Stop listening and sending."""
        self.courier.stop()
        super().server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class Conversation(BaseHTTPRequestHandler):
    """One connection: requests in, replies out, some of them spoilt on purpose."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True
    server: SandboxServer

    def serve(self) -> None:
        """Answer the request that was just read."""
        body = self._read_body()
        if body is None:
            self.close_connection = True
            reply = json_reply(400, {"code": "BAD_REQUEST", "message": "The body cannot be read"})
        else:
            reply = self._answer(body)
        path = self.server.sandbox.shown(self.path.partition("?")[0])
        log.info("%s %s %s", self.command, path, reply.status)
        try:
            self._perform(reply)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve
    do_HEAD = do_OPTIONS = do_TRACE = do_CONNECT = do_QUERY = serve

    def _read_body(self) -> bytes | None:
        """The body, or None when its length is unknown, no number, or too large."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return None
        return self.rfile.read(int(length)) if int(length) <= LARGEST_BODY else None

    def _answer(self, body: bytes) -> Reply:
        client, connection = str(self.client_address[0]), str(self.client_address[1])
        headers = {name: str(value) for name, value in self.headers.items()}
        try:
            request = Request.to(self.command, self.path, headers, body, client, connection)
        except ValueError:
            return json_reply(400, {"code": "BAD_REQUEST", "message": "The target cannot be read"})
        try:
            return self.server.sandbox.handle(request)
        except Exception:
            log.exception("The simulator itself failed at %s", self.command)
            return json_reply(500, {"code": "SIMULATOR", "message": "The simulator itself failed"})

    def _perform(self, reply: Reply) -> None:
        if reply.delay:
            self.server.stopping.wait(reply.delay)
        if reply.misbehaviour is None:
            body = b"" if self.command == "HEAD" else reply.body
            self.wfile.write(self._head(reply, len(reply.body)) + body)  # one packet if it fits
            return
        self.close_connection = True
        acts: dict[Wrong, Callable[[Reply, Misbehaviour], None]] = {
            Wrong.RESET: self._reset,
            Wrong.HANG: self._hang,
            Wrong.HALF_HEADERS: self._half_headers,
            Wrong.TRUNCATED: self._truncated,
            Wrong.DRIP: self._drip,
            Wrong.OVERLONG: self._overlong,
            Wrong.WRONG_LENGTH: self._wrong_length,
        }
        acts[reply.misbehaviour.kind](reply, reply.misbehaviour)

    def _send_head(self, reply: Reply, length: int | None) -> None:
        self.wfile.write(self._head(reply, length))

    def _head(self, reply: Reply, length: int | None) -> bytes:
        reason = HTTPStatus(reply.status).phrase
        fields = {**reply.headers, "Date": self.date_time_string()}
        if length is not None and reply.status != HTTPStatus.NO_CONTENT:
            fields["Content-Length"] = str(length)
        if self.close_connection:
            fields["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {reason}", *(f"{n}: {v}" for n, v in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _send_body(self, body: bytes) -> None:
        if self.command != "HEAD" and body:
            self.wfile.write(body)

    def _reset(self, _reply: Reply, _wrong: Misbehaviour) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        os.close(self.connection.detach())  # now: socketserver would first say goodbye with a FIN

    def _hang(self, _reply: Reply, wrong: Misbehaviour) -> None:
        waited = 0.0
        while waited < wrong.seconds and not self._client_has_gone():
            if self.server.stopping.wait(0.05):
                return
            waited += 0.05

    def _client_has_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

    def _half_headers(self, reply: Reply, _wrong: Misbehaviour) -> None:
        head = self._head(reply, len(reply.body))
        self.wfile.write(head[: len(head) * 2 // 3])

    def _truncated(self, reply: Reply, _wrong: Misbehaviour) -> None:
        self._send_head(reply, len(reply.body))
        self._send_body(reply.body[: len(reply.body) // 2])

    def _drip(self, reply: Reply, wrong: Misbehaviour) -> None:
        self._send_head(reply, len(reply.body))
        for byte in reply.body:
            self._send_body(bytes([byte]))
            if self.server.stopping.wait(wrong.seconds):
                return

    def _overlong(self, reply: Reply, wrong: Misbehaviour) -> None:
        self._send_head(reply, None)
        self._send_body(reply.body)
        left = wrong.size - len(reply.body)
        while left > 0:
            self._send_body(BLANKS[:left])
            left -= len(BLANKS)

    def _wrong_length(self, reply: Reply, wrong: Misbehaviour) -> None:
        self._send_head(reply, max(0, len(reply.body) + wrong.size))
        self._send_body(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the standard line has the query in it."""
