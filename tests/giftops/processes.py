"""Real processes on the database of the running test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

PYTHON = [sys.executable, "-m"]


def database_url() -> str:
    """The address of the test's own database."""
    parts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{parts['NAME']}"
    password = f":{parts['PASSWORD']}" if parts["PASSWORD"] else ""
    host = f"{parts['HOST'] or '127.0.0.1'}:{parts['PORT'] or 5432}"
    return f"postgres://{parts['USER']}{password}@{host}/{parts['NAME']}"


def environment(**more: str) -> dict[str, str]:
    """What a child needs to work on the test's database with the tasks of `effects`."""
    inherited = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
    return {
        **inherited,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.giftops.child_settings",
        "PYTHONPATH": str(settings.BASE_DIR),
        **more,
    }


def start(*command: str, log: Path | None = None, **env: str) -> subprocess.Popen[str]:
    """Start `python -m command...` in a session of its own.

    With `log` its output goes there; without, to a pipe, and its errors to ours.
    """
    with open(log or os.devnull, "a") as file:
        return subprocess.Popen(  # noqa: S603 - our own commands
            [*PYTHON, *command],
            env=environment(**env),
            stdin=subprocess.PIPE,
            stdout=file if log else subprocess.PIPE,
            stderr=subprocess.STDOUT if log else None,
            text=True,
            start_new_session=True,
        )


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until the condition holds; fail, naming `what`, when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    """The living children of a process, the oldest first."""
    return sorted(child for child, parent, _ in _processes() if parent == pid)


def members_of(session: int) -> list[int]:
    """The living processes of a session."""
    return sorted(pid for pid, _, sid in _processes() if sid == session)


def kill(*pids: int) -> None:
    """kill -9, also of what has just ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes() -> Iterator[tuple[int, int, int]]:
    """Every living process: its id, its parent's id, its session."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent, _, session = stat.read_text().rpartition(") ")[2].split()[:4]
            if state != "Z":
                yield int(stat.parent.name), int(parent), int(session)
