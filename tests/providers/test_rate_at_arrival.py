"""Several processes, one account, a real server: the limits hold where the provider counts."""

import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from providers.models import ProviderAccount
from tests.providers.conftest import MakeAccount
from tests.providers.raw_server import RawServer, answer
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)

STORES = ["database", "redis"]


class Noise:
    """How far this machine is from punctual: the worst oversleep of a thread that sleeps 5 ms.

    On a machine that is busy with other things a request may arrive late, or be counted late, and
    nobody is to blame; windows are judged shorter by that much.
    """

    def __init__(self) -> None:
        self.worst = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Noise":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._over.is_set():
            before = time.monotonic()
            time.sleep(0.005)
            self.worst = max(self.worst, time.monotonic() - before - 0.005)


class Counter:
    """Notes when each request arrived, and answers it."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.noise = 0.0
        self._lock = threading.Lock()

    def __call__(self, sock: Any) -> None:
        with self._lock:
            self.arrivals.append(time.monotonic())
        sock.sendall(answer(b'{"name": "NCT-1", "balance": 1, "currency": "USD"}'))

    def most_in(self, seconds: float) -> int:
        """The most that arrived in any such span (less the noise of the machine)."""
        stamps, seconds = sorted(self.arrivals), seconds - self.noise
        return max(sum(1 for at in stamps if start <= at < start + seconds) for start in stamps)

    def within(self, seconds: float) -> int:
        """How many arrived in that time after the first."""
        first = min(self.arrivals)
        return sum(1 for at in self.arrivals if at < first + seconds)


def database_url() -> str:
    """The test's own database, for a child process."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    user = f"{values['USER']}:{values['PASSWORD']}@" if values["USER"] else ""
    return f"postgres://{user}{values['HOST']}:{values['PORT']}/{values['NAME']}"


def hammer(processes: int, seconds: float, redis_url: str) -> list[str]:
    """Run that many processes for so long; gives what they complained about."""
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.hammer_settings",
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
    }
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-m", "tests.providers.hammer"],
                    env=env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(processes)
        ]
        stack.callback(lambda: [process.kill() for process in running])
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:  # all at once
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        told = [process.communicate(timeout=seconds + 90)[0] for process in running]
    return [line for output in told for line in output.splitlines()]


def measure(
    make_account: MakeAccount, store: str, processes: int, seconds: float, limits: tuple[int, int]
) -> Counter:
    counter = Counter()
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer()).url if store == "redis" else ""
        server = stack.enter_context(RawServer(counter))
        account: ProviderAccount = make_account(
            base_url=server.url, per_second=limits[0], per_minute=limits[1]
        )
        with Noise() as noise:
            complaints = hammer(processes, seconds, redis)
        counter.noise = max(0.0, noise.worst - 0.02)
        assert complaints == []
        if counter.noise > 0.3:
            pytest.skip(f"this machine is too busy to judge ({noise.worst:.2f} s late)")
        assert account.rate_window.keeper == store
    return counter


@pytest.mark.parametrize("store", STORES)
def test_four_processes_keep_the_limit_of_a_second(make_account: MakeAccount, store: str) -> None:
    counter = measure(make_account, store, processes=4, seconds=4, limits=(5, 1000))

    assert counter.most_in(1.0) <= 5
    assert counter.within(4.0) >= 17  # of 19 that the margin leaves


@pytest.mark.prove
@pytest.mark.parametrize("store", STORES)
def test_eight_processes_use_the_minute_to_the_full(make_account: MakeAccount, store: str) -> None:
    counter = measure(make_account, store, processes=8, seconds=121, limits=(2, 60))

    assert counter.most_in(1.0) <= 2
    assert counter.most_in(60.0) <= 60
    assert counter.within(120.0) >= 118  # 98 % of two minutes
