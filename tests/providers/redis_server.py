"""A Redis of a test's own: started on a free port, stopped by its own handle."""

import shutil
import socket
import subprocess
import time
from typing import Self

import pytest
import redis


class RedisServer:
    """`with RedisServer() as server:` ... `server.url`; `stop()` and `start()` in between."""

    def __init__(self) -> None:
        self._program = shutil.which("redis-server")
        if self._program is None:
            pytest.skip("there is no redis-server on this machine")
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start empty, and wait until it answers."""
        command = [self._program, "--port", str(self.port), "--bind", "127.0.0.1"]
        options = ["--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments
            [*command, *options],  # type: ignore[list-item]
            stdout=subprocess.DEVNULL,
        )
        for _ in range(100):
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError("redis-server did not start")

    def stop(self) -> None:
        """Stop it at once; everything it knew is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with redis.Redis(port=self.port) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
