"""A late answer and whoever gives the request up meet: the second waits, and nobody deadlocks.

Only PostgreSQL locks rows, so `test_nobody_deadlocks_on_postgresql` runs the rest there.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import NoneType
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection, transaction

from orders.issuing_states import ReservationState
from orders.models import Attempt
from orders.services.issuing import sending, stepping
from orders.services.issuing.reservations import fetching, receiving, reserving
from orders.services.problems import LostTheRace
from providers.gateways.base import ReservedNumbers
from tests.giftops.test_on_postgresql import database_url
from tests.orders.issuing.scripted import number

__all__ = ["database_url"]

HALF_WAY = 0.5  # seconds in which the other one comes half way, too


def slowly(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Have a function pause after it has taken its locks."""
    original = getattr(module, name)

    def paused(*args: Any, **kwargs: Any) -> Any:
        given = original(*args, **kwargs)
        time.sleep(HALF_WAY)
        return given

    monkeypatch.setattr(module, name, paused)


def together(*acts: Callable[[], None]) -> list[Exception | None]:
    """Do all of it at once, each on a connection of its own; what each of them raised."""
    raised: list[Exception | None] = [None] * len(acts)

    def run(place: int) -> None:
        try:
            acts[place]()
        except Exception as problem:
            raised[place] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.django_db(transaction=True)
def test_a_late_answer_and_giving_up_do_not_wait_for_each_other(
    desk, mira, monkeypatch, on_postgresql
):
    if not on_postgresql:
        pytest.skip("no row locks here")
    desk.says("reserve", requests.ReadTimeout())
    reservation = reserving.request_pool(desk.account, actor=mira, agency="A", name="P", count=1)
    desk.work()
    reservation.refresh_from_db()
    attempt, answer = Attempt.objects.get(), ReservedNumbers(numbers=(number(1),))
    slowly(monkeypatch, sending, "close")
    slowly(monkeypatch, stepping, "step")

    @transaction.atomic
    def hear() -> None:
        receiving.apply(attempt, type(reservation).objects.get(pk=reservation.pk), answer)

    problems = together(hear, lambda: fetching._park(reservation))

    assert {type(one) for one in problems} <= {NoneType, LostTheRace}, problems
    sending.apply(attempt.pk, answer)  # who lost the race reads all anew
    reservation.refresh_from_db()
    assert (reservation.state, reservation.received) == (ReservationState.RESERVED, 1)


@pytest.mark.postgres
def test_nobody_deadlocks_on_postgresql(database_url):
    environment = {name: it for name, it in os.environ.items() if not name.startswith("PYTEST_")}

    run = subprocess.run(  # noqa: S603 - our own command
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "giving_up",
            __file__,
        ],
        cwd=settings.BASE_DIR,
        env=environment | {"TEST_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-5000:]
    assert "1 passed" in run.stdout
