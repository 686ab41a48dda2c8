"""The circuit breaker: when it opens, who may probe, what closes it."""

from typing import Any

import pytest
import requests

from providers import services, tasks
from providers.gateways.errors import (
    NotSent,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
)
from providers.models import CircuitState, ProviderAccount
from providers.probes import circuits
from tests.providers.conftest import MovingClock
from tests.providers.test_journal import REFERENCE, REQUEST
from tests.recorded import recorded
from tests.stubs import StubProvider

pytestmark = pytest.mark.django_db

BALANCE = recorded("ncentiva/balance")


@pytest.fixture(autouse=True)
def _by_hand(moving_clock: MovingClock) -> None:
    """Time moves only by hand, and waiting takes none."""


def says(stub: StubProvider, status: int, body: bytes = b"{}") -> StubProvider:
    stub._script.clear()
    return stub.answers(status, body)


def buy(account: ProviderAccount) -> None:
    gateway = services.gateway_for(account)
    gateway.place_order(REQUEST, slot=gateway.reserve_slot())


def fail(account: ProviderAccount, times: int, error: type[ProviderError]) -> None:
    for _ in range(times):
        with pytest.raises(error):
            buy(account)


def is_open(account: ProviderAccount) -> bool:
    return CircuitState.objects.filter(account=account, opened_at__isnull=False).exists()


def test_five_failures_in_a_row_open_it_and_four_do_not(
    account: ProviderAccount, stub: StubProvider
) -> None:
    says(stub, 503)
    fail(account, 4, OutcomeUnknown)
    assert not is_open(account)

    fail(account, 1, OutcomeUnknown)

    assert is_open(account)
    assert "503" in CircuitState.objects.get().reason
    assert "main is held back since 2026-01-02" in circuits().sentence


def test_in_quarantine_nothing_is_bought_even_with_a_slot_promised_before(
    account: ProviderAccount, stub: StubProvider, settings: Any
) -> None:
    says(stub, 200, BALANCE)
    gateway = services.gateway_for(account)
    slot = gateway.reserve_slot()
    settings.GIFTOPS_EPOCH += 1

    for attempt in (
        lambda: gateway.place_order(REQUEST, slot=slot),
        lambda: gateway.renew_slot(slot),
        gateway.reserve_slot,
    ):
        with pytest.raises(NotSent, match="in quarantine; nothing is sent"):
            attempt()

    assert stub.requests == []
    assert services.read_balance(account.pk).account == account


def test_silence_counts_like_a_5xx(account: ProviderAccount, stub: StubProvider) -> None:
    stub.fails(requests.ReadTimeout())

    fail(account, 5, OutcomeUnknown)

    assert is_open(account)


def test_an_answer_in_between_starts_the_count_again(
    account: ProviderAccount, stub: StubProvider
) -> None:
    says(stub, 500)
    fail(account, 4, OutcomeUnknown)
    services.read_balance(_with(stub, account))
    says(stub, 500)
    fail(account, 4, OutcomeUnknown)

    assert not is_open(account)


def _with(stub: StubProvider, account: ProviderAccount) -> object:
    says(stub, 200, BALANCE)
    return account.pk


@pytest.mark.parametrize(("status", "enough"), [(403, 1), (401, 2)])
def test_refused_credentials_open_it(
    account: ProviderAccount, stub: StubProvider, status: int, enough: int
) -> None:
    says(stub, status)
    fail(account, enough - 1, ProviderMisconfigured)
    assert not is_open(account)

    fail(account, 1, ProviderMisconfigured)

    assert is_open(account)


def test_while_it_is_open_no_purchase_leaves_us_and_no_slot_is_taken(
    account: ProviderAccount, stub: StubProvider
) -> None:
    says(stub, 403)
    fail(account, 1, ProviderMisconfigured)
    sent = len(stub.requests)

    with pytest.raises(NotSent) as caught:
        services.gateway_for(account).reserve_slot()

    assert len(stub.requests) == sent
    assert caught.value.retry_after == 60
    assert "held back" in str(caught.value)


def test_one_read_at_a_time_probes_first_after_a_minute_then_less_often(
    account: ProviderAccount, stub: StubProvider, moving_clock: MovingClock
) -> None:
    says(stub, 403)
    fail(account, 1, ProviderMisconfigured)
    gateway, waits = services.gateway_for(account), []

    with pytest.raises(ProviderUnavailable):
        gateway.get_balance()
    for _ in range(6):
        state = CircuitState.objects.get()
        waits.append(round((state.probe_at - moving_clock.db_now()).total_seconds()))
        moving_clock.moment = state.probe_at
        with pytest.raises(ProviderMisconfigured):
            gateway.get_balance()
        with pytest.raises(ProviderUnavailable):
            gateway.find_order(REFERENCE)  # the next one is not a probe any more

    assert waits == [60, 120, 240, 480, 900, 900]


def test_a_probe_that_succeeds_lets_purchases_through_again(
    account: ProviderAccount, stub: StubProvider, moving_clock: MovingClock
) -> None:
    says(stub, 403)
    fail(account, 1, ProviderMisconfigured)
    says(stub, 200, BALANCE)

    assert services.probe_circuits() == 0  # it is not time yet
    moving_clock.pass_(61)
    assert services.probe_circuits() == 1

    says(stub, 200, recorded("ncentiva/order_open"))
    buy(account)
    assert circuits().ok


def test_purchases_alone_would_never_close_it_so_a_job_probes(
    account: ProviderAccount, stub: StubProvider, moving_clock: MovingClock
) -> None:
    says(stub, 403)
    fail(account, 1, ProviderMisconfigured)
    moving_clock.pass_(3600)
    fail(account, 1, NotSent)

    tasks.probe_circuits()

    assert [request.method for request in stub.requests] == ["POST", "GET"]


def test_accounts_that_are_switched_off_are_not_probed(
    account: ProviderAccount, stub: StubProvider, moving_clock: MovingClock
) -> None:
    says(stub, 403)
    fail(account, 1, ProviderMisconfigured)
    services.update_account(account, is_active=False)
    moving_clock.pass_(61)

    assert services.probe_circuits() == 0
    assert len(stub.requests) == 1
    assert circuits().ok


@pytest.mark.parametrize("status", [400, 404, 409, 422, 429])
def test_a_refusal_is_a_sign_of_life(
    account: ProviderAccount, stub: StubProvider, status: int
) -> None:
    says(stub, status)

    for _ in range(6):
        with pytest.raises(ProviderError):
            services.gateway_for(account).get_order("X")

    assert not is_open(account)
