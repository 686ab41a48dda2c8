"""`python -m tests.kills.zygote`: everything is imported once; every command gets a fresh fork.

A line of JSON on stdin names a function (of `life`, or by its dotted path) and its arguments; a
line on stdout says how the fork ended. The zygote keeps no connection, so a fork starts like a
fresh process: no order in its memory, its own connections.
"""

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402 - after the setup
from django.utils.module_loading import import_string  # noqa: E402

from tests.kills import life, points  # noqa: E402 - after the setup


def serve() -> None:
    """Fork for every command until stdin ends."""
    say("ready")
    for line in sys.stdin:
        command = json.loads(line)
        say(json.dumps(run_here(command) if command.get("is_here") else run(command)))


def say(line: str) -> None:
    """One line to whoever started us."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run_here(command: dict[str, Any]) -> dict[str, Any]:
    """Run it in this process, and keep nothing of it but warm code."""
    ended = {"result": None, "signal": 0, "status": 0, "error": ""}
    try:
        find(command["do"])(**command["arguments"])
    except Exception:
        ended["error"] = traceback.format_exc()
    connections.close_all()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(10)  # only a thread that called fork lives on in the fork
    gc.collect()
    gc.freeze()
    return ended


def find(name: str) -> Callable[..., Any]:
    """A function of `life`, or one by its dotted path."""
    found: Callable[..., Any] = import_string(name) if "." in name else getattr(life, name)
    return found


def run(command: dict[str, Any]) -> dict[str, Any]:
    """Fork, perhaps kill, wait, and say how it ended."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        live(command, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        if (delay := command["kill_after_us"]) is not None:
            answers.read(1)  # it has begun
            time.sleep(delay / 1e6)
            os.kill(pid, signal.SIGKILL)
        text = answers.read().lstrip(b"!")
    _, status = os.waitpid(pid, 0)
    answer = json.loads(text) if text.endswith(b"}") else {"result": None, "error": ""}
    code = os.waitstatus_to_exitcode(status)
    return {**answer, "signal": max(-code, 0), "status": code}


def live(command: dict[str, Any], writing: int) -> None:
    """The fork's whole life; never returns."""
    answer: dict[str, Any] = {"result": None, "error": ""}
    status = 0
    try:
        os.write(writing, b"!")
        answer["result"] = find(command["do"])(**command["arguments"])
        points.await_doom()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        answer["error"], status = traceback.format_exc(), 70
    with os.fdopen(writing, "wb") as answers:
        answers.write(json.dumps(answer).encode())
    os._exit(status)


if __name__ == "__main__":
    serve()
