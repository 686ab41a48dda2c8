"""Tasks that only tests know. What they do shows in `calls` and, across processes, in a file."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

from django_q.exceptions import TimeoutException

from giftops.money import MoneyError
from giftops.queue import Periodic, enqueue

PREFIX = "tests.giftops.effects."
PERIODIC = [Periodic(f"{PREFIX}note", timedelta(minutes=5))]
NO_PERIODIC: list[Periodic] = []

calls: list[tuple[str, ...]] = []


def note(*ids: str) -> None:
    """Say that it ran, by whom."""
    calls.append(ids)
    if path := os.environ.get("EFFECTS_FILE"):
        with Path(path).open("a") as file:
            file.write(f"{' '.join(ids)} {os.getpid()}\n")


def fail(*ids: str) -> None:
    raise LookupError("card 6006491286999929 is in this text")


def fail_politely(*ids: str) -> None:
    raise MoneyError("12.345 has more than two decimals\nand a second line")


def come_later(*ids: str) -> None:
    error = MoneyError("not now")
    error.retry_after = 120
    raise error


def leave(*ids: str) -> None:
    raise SystemExit(3)


def run_out_of_time(*ids: str) -> None:
    try:
        raise LookupError("card 6006491286999929 is in this text")
    except LookupError:
        raise TimeoutException("too long") from None


def queue_itself_and_fail(*ids: str) -> None:
    enqueue(f"{PREFIX}queue_itself_and_fail", *ids)
    raise LookupError


def queue_a_note(*ids: str) -> None:
    enqueue(f"{PREFIX}note", *ids)


def sleep_and_note(seconds: str, *ids: str) -> None:
    time.sleep(float(seconds))
    note(*ids)


def kill_own_worker(*ids: str) -> None:
    note(*ids)
    os.kill(os.getpid(), signal.SIGKILL)


def _hidden(*ids: str) -> None:
    raise AssertionError("a name with an underscore is no task")
