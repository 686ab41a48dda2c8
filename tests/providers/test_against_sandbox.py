"""Our gateway and the simulated Ncentiva over real HTTP: the main road, and every fault."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from giftops.identity import new_id, reference_for
from giftops.money import Money
from providers import services
from providers.gateways.base import OrderRequest, RequestLine, Standing
from providers.gateways.errors import (
    DuplicateReference,
    OutcomeUnknown,
    ProviderError,
    UnknownRefusal,
)
from providers.models import ProviderAccount, ProviderCall, SyncRun
from tests.providers.conftest import MakeAccount
from tests.sandbox_client import SandboxProcess, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)

MAY_EXIST = (OutcomeUnknown, DuplicateReference, UnknownRefusal)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        sandbox.ncentiva.settings(per_second=1000, per_minute=10_000)
        yield sandbox


@pytest.fixture
def sandbox(process: SandboxProcess) -> SandboxProcess:
    process.ncentiva.clear()
    return process


@pytest.fixture
def real_account(make_account: MakeAccount, sandbox: SandboxProcess, settings: Any) -> Any:
    settings.GIFTOPS_WRITE_DEADLINE = settings.GIFTOPS_READ_DEADLINE = 1
    credentials = {"username": "sandbox", "password": "sandbox"}
    return make_account(
        base_url=f"{sandbox.url}/ncentiva",
        credentials=credentials,
        per_second=1000,
        per_minute=10_000,
    )


def request_of_one(value: int = 2500) -> OrderRequest:
    line = RequestLine(product_id="1234", face_value=Money(value, "USD"), quantity=1)
    return OrderRequest(reference=reference_for(new_id()), lines=(line,))


def buy(account: ProviderAccount, request: OrderRequest, attempt: str = "") -> Any:
    gateway = services.gateway_for(account, attempt_ref=attempt)
    return gateway.place_order(request, slot=gateway.reserve_slot())


def ordered(sandbox: SandboxProcess, reference: str) -> list[dict[str, Any]]:
    """What the provider really has under this reference."""
    orders = sandbox.ncentiva.ledger()["orders"]
    return [order for order in orders if order["reference"] == reference]


def test_the_catalogue_is_mirrored_and_then_unchanged(real_account: ProviderAccount) -> None:
    first = services.refresh_products(real_account.pk)
    second = services.refresh_products(real_account.pk)

    assert (first.state, first.failed, first.error) == (SyncRun.State.DONE, 0, "")
    assert first.new > 10
    assert (second.new, second.changed, second.same) == (0, 0, first.new)


def test_a_card_is_bought_followed_and_fetched(
    real_account: ProviderAccount, sandbox: SandboxProcess
) -> None:
    request = request_of_one()
    gateway = services.gateway_for(real_account)

    placed = buy(real_account, request)
    early = gateway.get_cards(placed.external_id)
    sandbox.ncentiva.advance(60)
    done = gateway.find_order(request.reference)
    cards = gateway.get_cards(placed.external_id)

    assert (placed.standing, early) == (Standing.ACCEPTED, None)
    assert done is not None
    assert (done.external_id, done.standing) == (placed.external_id, Standing.COMPLETED)
    assert done.lines == placed.lines
    assert cards is not None
    assert [card.face_value for card in cards] == [Money(2500, "USD")]
    assert cards[0].code not in repr(list(ProviderCall.objects.values()))


def test_balance_history_and_connection_are_read(
    real_account: ProviderAccount, sandbox: SandboxProcess
) -> None:
    placed = buy(real_account, request_of_one())
    stranger = sandbox.ncentiva.stranger()
    gateway = services.gateway_for(real_account)

    names = [order.external_id for order in gateway.list_orders(1).items]

    assert placed.external_id in names
    assert stranger["name"] in names
    assert services.read_balance(real_account.pk).available.currency == "USD"
    assert services.test_connection(real_account).startswith("Ncentiva answered: USD ")


def test_an_order_that_was_never_placed_is_none(real_account: ProviderAccount) -> None:
    assert services.gateway_for(real_account).find_order("GO-TEST-NEVER") is None


def test_a_second_order_with_the_same_reference_is_refused(real_account: ProviderAccount) -> None:
    request = request_of_one()
    buy(real_account, request)

    with pytest.raises(DuplicateReference):
        buy(real_account, request)


def fault_kinds() -> list[str]:
    """Every kind of fault of the simulator, asked of the simulator."""
    from providers.sandbox.ncentiva import SimulatedNcentiva

    return sorted(SimulatedNcentiva(":memory:").faults.kinds)


@pytest.mark.parametrize("kind", fault_kinds())
def test_whatever_goes_wrong_no_purchase_is_called_dead_that_lives(
    real_account: ProviderAccount, sandbox: SandboxProcess, kind: str
) -> None:
    request = request_of_one()
    known = sandbox.ncentiva.faults()["kinds"]
    operations = next(found["operations"] for found in known if found["name"] == kind)
    if operations is not None and "createOrder" not in operations:
        pytest.skip("does not strike purchases")
    sandbox.ncentiva.arm(kind, operation="createOrder")
    started, error = time.monotonic(), None

    try:
        remote = buy(real_account, request, attempt="a")
    except ProviderError as problem:
        error = problem
    took = time.monotonic() - started
    sandbox.ncentiva.clear()
    sandbox.ncentiva.advance(1300)  # what commits later has committed by now

    exists = bool(ordered(sandbox, request.reference))
    assert took < 4
    assert len(ordered(sandbox, request.reference)) <= 1
    if error is None:
        assert exists
        assert ordered(sandbox, request.reference)[0]["name"] == remote.external_id
    elif not isinstance(error, MAY_EXIST):
        assert not exists, f"{kind}: {error!r} says that nothing was bought"
    if services.journaled_answer("a") is not None:
        assert ProviderCall.objects.of_attempt("a").count() == 1


# A provider that denies in its own words what it has cannot be seen through by one look-up; that
# is why an order counts as absent only after twenty minutes of such answers.
LIES = {"http_404"}


@pytest.mark.parametrize("kind", [kind for kind in fault_kinds() if kind not in LIES])
def test_whatever_goes_wrong_a_look_up_never_says_absent_of_what_is_there(
    real_account: ProviderAccount, sandbox: SandboxProcess, kind: str
) -> None:
    request = request_of_one()
    buy(real_account, request)
    operation = "getOrderByCustomerReference"
    known = sandbox.ncentiva.faults()["kinds"]
    operations = next(found["operations"] for found in known if found["name"] == kind)
    if operations is not None and operation not in operations:
        pytest.skip("does not strike look-ups")
    sandbox.ncentiva.arm(kind, operation=operation, count=None)

    try:
        found = services.gateway_for(real_account).find_order(request.reference)
    except ProviderError:
        return  # an error proves nothing, and says so

    assert found is not None, f"{kind} made an order that exists look absent"
