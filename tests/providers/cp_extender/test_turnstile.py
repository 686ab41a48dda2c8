"""Two calls at a time to one account, over all processes; whoever dies holds nobody up for long."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from providers import services
from providers.gateways.errors import NotSent, OutcomeUnknown, ProviderError, RateLimited
from providers.models import CallPermit, ProviderAccount
from providers.turnstile import Turnstile
from tests.providers.conftest import MakeAccount, MovingClock
from tests.providers.cp_extender.conftest import PERMANENT, wish
from tests.recorded import recorded
from tests.stubs import StubProvider

HALF_A_MINUTE = timedelta(seconds=30)
LEASE = 50  # seconds: half a minute and the margin


@pytest.fixture
def account(make_account: MakeAccount) -> ProviderAccount:
    return make_account(
        provider="cp_extender",
        base_url="http://127.0.0.1:8001/cp_extender",
        credentials=PERMANENT,
        per_second=1000,
        per_minute=100_000,
    )


@pytest.fixture
def stub() -> Iterator[StubProvider]:
    """Carries the requests of every account."""
    provider = StubProvider()
    with services.use_transport(lambda account: provider):
        yield provider


@pytest.fixture
def turnstile(account: ProviderAccount) -> Turnstile:
    return Turnstile(account.pk, 2, HALF_A_MINUTE)


@pytest.fixture
def both_taken(turnstile: Turnstile, moving_clock: MovingClock) -> Iterator[ExitStack]:
    """Both places are held until the stack is closed."""
    with ExitStack() as stack:
        stack.enter_context(turnstile.passage(0))
        stack.enter_context(turnstile.passage(0))
        yield stack


def held() -> int:
    return CallPermit.objects.filter(held_until__isnull=False).count()


def look(account: ProviderAccount) -> Any:
    return services.gateway_for(account).check_balance("WEB-9198262557214413")


def make(account: ProviderAccount) -> Any:
    gateway = services.gateway_for(account)
    return gateway.create(wish(), slot=gateway.reserve_slot())


@pytest.mark.django_db
def test_two_may_pass_and_the_third_may_not(
    turnstile: Turnstile, both_taken: ExitStack, moving_clock: MovingClock
) -> None:
    with pytest.raises(RateLimited, match="nothing was sent") as caught, turnstile.passage(5):
        pytest.fail("three at a time")

    assert 5 <= sum(moving_clock.slept) < 5.2
    assert caught.value.retry_after
    assert held() == 2


@pytest.mark.django_db
def test_a_place_is_free_again_however_the_call_ended(
    turnstile: Turnstile, moving_clock: MovingClock
) -> None:
    for _ in range(3):
        with pytest.raises(OutcomeUnknown), turnstile.passage(0):
            raise OutcomeUnknown("silence")

    assert held() == 0


@pytest.mark.django_db
def test_accounts_do_not_stand_in_each_others_way(
    make_account: MakeAccount, both_taken: ExitStack
) -> None:
    other = make_account(name="other")

    with Turnstile(other.pk, 2, HALF_A_MINUTE).passage(0):
        assert held() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(("after", "is_free"), [(LEASE - 1, False), (LEASE, True)])
def test_whoever_died_holds_a_place_until_the_lease_is_over(
    turnstile: Turnstile,
    both_taken: ExitStack,
    moving_clock: MovingClock,
    after: int,
    is_free: bool,
) -> None:
    died = both_taken.pop_all()  # nobody gives them back
    moving_clock.pass_(after)

    with nullcontext() if is_free else pytest.raises(RateLimited), turnstile.passage(0):
        assert is_free

    died.close()


@pytest.mark.django_db
def test_a_place_that_was_taken_over_is_not_given_back_by_who_lost_it(
    turnstile: Turnstile, moving_clock: MovingClock
) -> None:
    late = turnstile.passage(0)
    late.__enter__()
    moving_clock.pass_(LEASE + 1)
    with turnstile.passage(0):
        late.__exit__(None, None, None)

        assert held() == 1


@pytest.mark.django_db
def test_a_clock_that_was_set_back_blocks_nobody(
    turnstile: Turnstile, both_taken: ExitStack, moving_clock: MovingClock
) -> None:
    moving_clock.pass_(-24 * 3600)

    with turnstile.passage(0):
        pass


@pytest.mark.django_db
@pytest.mark.parametrize("call", [look, make])
def test_a_call_that_finds_no_place_was_not_sent(
    account: ProviderAccount, both_taken: ExitStack, stub: StubProvider, call: Any
) -> None:
    stub.answers(503)

    with pytest.raises(RateLimited):
        call(account)

    assert stub.requests == []
    both_taken.close()
    with pytest.raises(ProviderError):
        call(account)
    assert stub.requests


class Watching(StubProvider):
    """Notes how many places are held while it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[int] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        self.held.append(held())
        return super().send(request, **options)


@pytest.mark.django_db
def test_reads_writes_and_sign_ins_hold_one_place_each_and_repetitions_one_more_time(
    make_account: MakeAccount, account: ProviderAccount, moving_clock: MovingClock
) -> None:
    provider = Watching()
    provider.answers(200, b'{"APItoken": "CANARY"}')
    provider.answers(503)
    provider.answers(200, recorded("cp_extender/balance"))
    provider.answers(200, recorded("cp_extender/created"))
    named = make_account(
        name="named",
        provider="cp_extender",
        base_url=account.base_url,
        credentials={"user_name": "ours", "password": "CANARY"},
        per_second=1000,
    )

    with services.use_transport(lambda account: provider):
        look(named)
        make(named)

    assert provider.held == [1, 1, 1, 1]
    assert held() == 0


@pytest.mark.django_db
def test_a_call_whose_turn_in_the_rate_budget_is_far_away_gives_its_place_back(
    make_account: MakeAccount, stub: StubProvider, moving_clock: MovingClock
) -> None:
    slow = make_account(
        name="slow",
        provider="cp_extender",
        base_url="http://127.0.0.1:8001/cp_extender",
        credentials=PERMANENT,
        per_second=1,
        per_minute=1,
    )
    stub.answers(200, recorded("cp_extender/balance"))
    look(slow)

    with pytest.raises(RateLimited, match="rate limit"):
        look(slow)

    assert len(stub.requests) == 1
    assert held() == 0


@pytest.mark.django_db
def test_a_database_that_is_down_before_the_call_means_not_sent(
    turnstile: Turnstile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **given: Any) -> Any:
        raise DatabaseError("down")

    monkeypatch.setattr(QuerySet, "update", fails)

    with pytest.raises(NotSent), turnstile.passage(0):
        pytest.fail("it passed")


@pytest.mark.django_db
def test_a_database_that_is_down_after_the_call_does_not_lose_the_answer(
    turnstile: Turnstile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **given: Any) -> Any:
        raise DatabaseError("down")

    with turnstile.passage(0):
        monkeypatch.setattr(QuerySet, "update", fails)
        answer = "kept"

    assert answer == "kept"


@pytest.mark.django_db(transaction=True)
def test_nobody_passes_inside_a_transaction(turnstile: Turnstile) -> None:
    with pytest.raises(RuntimeError), transaction.atomic(), turnstile.passage(0):
        pytest.fail("it passed")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_the_same_moment_two_pass(account: ProviderAccount) -> None:
    start, over = threading.Barrier(6), threading.Event()
    results: list[bool] = []

    def pass_once() -> None:
        start.wait(10)
        try:
            with Turnstile(account.pk, 2, HALF_A_MINUTE).passage(0):
                results.append(True)
                over.wait(10)
        except RateLimited:
            results.append(False)
        finally:
            if len(results) == 6:
                over.set()
            connection.close()

    threads = [threading.Thread(target=pass_once) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(results) == [False] * 4 + [True] * 2
    assert held() == 0
    assert CallPermit.objects.count() == 2
