"""The rate budget in the database and in Redis: the same promises, whoever keeps it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from giftops import clock
from providers import services
from providers.gateways.errors import NotSent, RateLimited
from providers.models import ProviderAccount, RateWindow
from providers.rates import limits_of
from providers.redis_window import RedisWindow, connect
from providers.stores import RateBudget
from tests.providers.conftest import START, MovingClock
from tests.providers.redis_server import RedisServer
from tests.stubs import StubProvider

pytestmark = pytest.mark.django_db

LIMITS = limits_of(2, 60)


@pytest.fixture(scope="module")
def server() -> Any:
    with RedisServer() as running:
        yield running


@pytest.fixture(params=["database", "redis"])
def budget(request: pytest.FixtureRequest, account: ProviderAccount, moving_clock: Any) -> Any:
    if request.param == "database":
        return RateBudget(account.pk, LIMITS)
    return RateBudget(account.pk, LIMITS, window_in(request.getfixturevalue("server"), account))


def window_in(server: RedisServer, account: ProviderAccount) -> RedisWindow:
    return RedisWindow(connect(server.url), f"rate:{account.pk}")


def test_writes_are_promised_without_waiting(budget: RateBudget, moving_clock: MovingClock) -> None:
    promised = [budget.reserve_write().at for _ in range(61)]

    assert moving_clock.slept == []
    assert promised[1] - promised[0] < timedelta(seconds=0.1)
    assert promised[2] - promised[0] > timedelta(seconds=1)
    assert promised[60] - promised[0] > timedelta(seconds=60)


def test_a_near_write_waits_and_a_far_one_is_refused(
    budget: RateBudget, moving_clock: MovingClock
) -> None:
    slots = [budget.reserve_write() for _ in range(30)]

    with pytest.raises(RateLimited) as caught:
        budget.redeem_write(slots[29], 5.0)
    for slot in slots[:4]:
        budget.redeem_write(slot, 5.0)

    assert caught.value.retry_after == pytest.approx(15, abs=1)
    assert timedelta() <= moving_clock.db_now() - slots[3].at < timedelta(seconds=0.1)


def test_a_late_slot_is_still_good(budget: RateBudget, moving_clock: MovingClock) -> None:
    slot = budget.reserve_write()
    moving_clock.pass_(600)

    budget.redeem_write(slot, 5.0)

    assert moving_clock.slept == [pytest.approx(0.01)]


def test_who_comes_back_keeps_the_turn(budget: RateBudget, moving_clock: MovingClock) -> None:
    slots = [budget.reserve_write() for _ in range(200)]
    moving_clock.pass_(3)

    renewed = budget.renew_write(slots[3])

    assert renewed.at < slots[20].at


def test_a_grant_that_was_missed_over_a_slow_commit_is_asked_for_again(
    budget: RateBudget, moving_clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget.acquire_read(5.0)
    moving_clock.pass_(10)
    delays, change = [0.3, 0.1, 0.0], budget._change

    def slow(work: Any) -> Any:
        result = change(work)
        moving_clock.pass_(delays.pop(0))
        return result

    monkeypatch.setattr(budget, "_change", slow)
    budget.acquire_read(5.0)

    assert delays == [0.0]
    assert change(lambda window, now: len(window.grants)) == 2  # the first, and the one kept


def test_a_read_that_would_wait_too_long_uses_nothing(
    budget: RateBudget, moving_clock: MovingClock
) -> None:
    for _ in range(6):
        budget.acquire_read(5.0)

    with pytest.raises(RateLimited) as caught:
        budget.acquire_read(0.5)
    moving_clock.pass_(1.1)
    budget.acquire_read(0.5)

    assert caught.value.retry_after == pytest.approx(1.06, abs=0.02)


def test_a_429_holds_everybody(budget: RateBudget, moving_clock: MovingClock) -> None:
    budget.penalise(30)

    with pytest.raises(RateLimited) as caught:
        budget.acquire_read(5.0)

    assert caught.value.retry_after == 30
    assert budget.reserve_write().at >= START + timedelta(seconds=30)


def test_redis_keeps_the_window_once_it_is_there(
    account: ProviderAccount, server: RedisServer, moving_clock: MovingClock
) -> None:
    budget = RateBudget(account.pk, LIMITS, window_in(server, account))

    budget.acquire_read(5.0)
    budget.acquire_read(5.0)

    row = RateWindow.objects.get()
    assert (row.keeper, row.version) == ("redis", 1)
    assert connect(server.url).get(f"rate:{account.pk}").count(b'"r"') == 2


def test_when_redis_forgets_the_database_takes_over_and_grants_nothing_for_a_minute(
    account: ProviderAccount, server: RedisServer, moving_clock: MovingClock
) -> None:
    budget = RateBudget(account.pk, LIMITS, window_in(server, account))
    budget.acquire_read(5.0)
    connect(server.url).flushall()

    with pytest.raises(RateLimited) as caught:
        budget.acquire_read(5.0)

    assert caught.value.retry_after == pytest.approx(66, abs=1)
    assert RateWindow.objects.get().keeper == "database"
    moving_clock.pass_(67)
    budget.acquire_read(5.0)


def test_when_redis_dies_the_database_takes_over_and_hands_back_later(
    account: ProviderAccount, moving_clock: MovingClock
) -> None:
    with RedisServer() as server:
        budget = RateBudget(account.pk, LIMITS, window_in(server, account))
        budget.acquire_read(5.0)
        server.stop()
        with pytest.raises(RateLimited):
            budget.acquire_read(5.0)
        moving_clock.pass_(67)
        budget.acquire_read(5.0)
        server.start()
        moving_clock.pass_(301)

        budget.acquire_read(5.0)

    assert RateWindow.objects.get().keeper == "redis"


def test_a_redis_that_is_not_configured_any_more_is_taken_over_from(
    account: ProviderAccount, server: RedisServer, moving_clock: MovingClock
) -> None:
    RateBudget(account.pk, LIMITS, window_in(server, account)).acquire_read(5.0)

    with pytest.raises(RateLimited):
        RateBudget(account.pk, LIMITS).acquire_read(5.0)


def test_without_a_database_nothing_is_sent(
    account: ProviderAccount, stub: StubProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("server closed the connection")

    gateway = services.gateway_for(account)
    monkeypatch.setattr(RateWindow.objects, "filter", fails)

    with pytest.raises(NotSent, match="our database did not answer"):
        gateway.get_balance()
    assert stub.requests == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", ["database", "redis"])
def test_threads_racing_for_slots_never_get_the_same_room(
    account: ProviderAccount, server: RedisServer, place: str
) -> None:
    redis = window_in(server, account) if place == "redis" else None
    budget = RateBudget(account.pk, limits_of(1, 1000), redis)
    promised: list[Any] = []

    def reserve() -> None:
        try:
            promised.extend(budget.reserve_write().at for _ in range(5))
        finally:
            connection.close()

    threads = [threading.Thread(target=reserve) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    gaps = [
        late - early for early, late in zip(sorted(promised), sorted(promised)[1:], strict=False)
    ]
    assert len(promised) == 30
    assert min(gaps) >= timedelta(seconds=1)
    assert max(promised) < clock.db_now() + timedelta(seconds=40)
    assert RateWindow.objects.get().keeper == place
