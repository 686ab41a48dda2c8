"""Our gateway and the simulated GiftCard Partners over real HTTP: the main road, every fault."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from giftops.identity import new_id, reference_for
from giftops.money import Money
from providers import services
from providers.gateways.base import (
    OptionKind,
    OrderRequest,
    OrderType,
    PostalAddress,
    RemoteCard,
    RequestLine,
    Standing,
    UnreadableItem,
)
from providers.gateways.errors import (
    DuplicateReference,
    InsufficientFunds,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    TokenRefused,
    UnknownRefusal,
)
from providers.models import ProviderAccount, ProviderCall, SharedToken
from tests.providers.conftest import MakeAccount
from tests.sandbox_client import SandboxProcess, running_sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

MAY_EXIST = (OutcomeUnknown, DuplicateReference, UnknownRefusal)
HALF_A_MINUTE = timedelta(seconds=31)
CREDENTIALS = {"email": "sandbox@example.com", "access_token": "sandbox"}
ADDRESS = PostalAddress(
    name="Ann Lee", line_1="1 Main St", city="Boston", state="MA", postcode="02101"
)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        sandbox.giftcardpartners.settings(webhooks=False)
        yield sandbox


@pytest.fixture
def sandbox(process: SandboxProcess) -> Iterator[Any]:
    control = process.giftcardpartners
    control.clear()
    yield control
    control.enable(True)
    control.clear()


@pytest.fixture
def real_account(
    make_account: MakeAccount, process: SandboxProcess, sandbox: Any, settings: Any
) -> ProviderAccount:
    settings.GIFTOPS_WRITE_DEADLINE = settings.GIFTOPS_READ_DEADLINE = 1
    return make_account(
        provider="giftcardpartners",
        base_url=f"{process.url}/giftcardpartners",
        credentials=CREDENTIALS,
        per_second=1000,
        per_minute=10_000,
    )


def line(**fields: Any) -> RequestLine:
    values = {"product_id": "PRODUCTA", "face_value": Money(2500, "USD"), "quantity": 1}
    return RequestLine(**values | {"line_id": new_id().hex} | fields)


def request(*lines: RequestLine, **fields: Any) -> OrderRequest:
    values = {"reference": reference_for(new_id()), "type": OrderType.LINKS}
    return OrderRequest(lines=lines or (line(),), **values | fields)


def buy(account: ProviderAccount, request_: OrderRequest, attempt: str = "") -> Any:
    gateway = services.gateway_for(account, attempt_ref=attempt)
    return gateway.place_order(request_, slot=gateway.reserve_slot())


def ordered(sandbox: Any, reference: str) -> list[dict[str, Any]]:
    """What the provider really has under this reference."""
    return [order for order in sandbox.ledger()["orders"] if order["reference"] == reference]


# --- The main road ------------------------------------------------------------------------------


def test_connection_catalogue_and_lists_are_read(real_account: ProviderAccount) -> None:
    gateway = services.gateway_for(real_account)

    products, options = list(gateway.list_products()), list(gateway.list_options())

    assert services.test_connection(real_account).startswith("GiftCard Partners answered: USD ")
    assert len(products) >= 12
    assert {option.kind for option in options} == set(OptionKind)
    assert not any(isinstance(item, UnreadableItem) for item in [*products, *options])
    assert {kind for product in products for kind in product.order_types} == {
        OrderType.DIGITAL, OrderType.LINKS, OrderType.PHYSICAL,
    }  # fmt: skip
    assert any(product.needs_carrier for product in products)


def test_links_for_two_recipients_are_bought_and_fetched(real_account: ProviderAccount) -> None:
    wish = request(line(quantity=2), line(recipient_name="Ann"))

    placed = buy(real_account, wish)
    gateway = services.gateway_for(real_account)
    cards = gateway.get_cards(placed.external_id)
    found = gateway.find_order(wish.reference)

    assert (placed.standing, placed.type) == (Standing.COMPLETED, OrderType.LINKS)
    assert {told.line_id for told in placed.lines} == {asked.line_id for asked in wish.lines}
    assert found is not None
    assert (found.external_id, found.lines) == (placed.external_id, placed.lines)
    assert all(isinstance(card, RemoteCard) and card.challenge for card in cards)
    assert len({card.identity for card in cards}) == 3
    assert [card.line_id for card in cards].count(wish.lines[0].line_id) == 2


def test_a_large_order_is_pending_first(real_account: ProviderAccount, sandbox: Any) -> None:
    placed = buy(real_account, request(line(quantity=11)))
    gateway = services.gateway_for(real_account)

    early = gateway.get_cards(placed.external_id)
    sandbox.advance(600)
    done = gateway.get_order(placed.external_id)

    assert (placed.standing, early) == (Standing.PROCESSING, None)
    assert done.standing == Standing.COMPLETED
    assert len(gateway.get_cards(placed.external_id)) == 11


def test_mails_and_plastic_are_ordered(real_account: ProviderAccount) -> None:
    digital = request(
        line(recipient_email="ann@example.com", from_name="Bob", message="Thanks"),
        type=OrderType.DIGITAL,
        department_id="D1",
        doorbell_url="https://gift.example.com/webhooks/abc/",
    )
    parcel = line(
        product_id="SBUX-P", address=ADDRESS, shipping_method_id="STANDARD", carrier_id="DEFAULT"
    )
    plastic = request(parcel, type=OrderType.PHYSICAL, note="for the team")

    placed = [buy(real_account, each) for each in (digital, plastic)]

    assert [each.type for each in placed] == [OrderType.DIGITAL, OrderType.PHYSICAL]
    assert services.gateway_for(real_account).get_cards(placed[1].external_id) == []


def test_funds_pay_for_orders_and_a_deposit_that_is_too_small_says_so(
    real_account: ProviderAccount, sandbox: Any
) -> None:
    before = services.read_balance(real_account.pk).available
    placed = buy(real_account, request())
    after = services.read_balance(real_account.pk).available
    too_much = request(line(face_value=Money(10_000, "USD"), quantity=9_000))

    with pytest.raises(InsufficientFunds):
        buy(real_account, too_much)

    assert before - after == placed.lines[0].cost
    assert ordered(sandbox, too_much.reference) == []


def test_a_second_order_with_the_same_reference_names_the_first(
    real_account: ProviderAccount, sandbox: Any
) -> None:
    wish = request()
    placed = buy(real_account, wish)

    with pytest.raises(DuplicateReference) as caught:
        buy(real_account, wish)
    for kind in ("conflict_without_ids", "conflict_html"):
        sandbox.arm(kind)
        with pytest.raises(DuplicateReference) as nameless:
            buy(real_account, wish)
        assert nameless.value.external_ids == ()

    assert caught.value.external_ids == (placed.external_id,)
    assert len(ordered(sandbox, wish.reference)) == 1


def test_an_order_that_was_never_placed_is_none(real_account: ProviderAccount) -> None:
    assert services.gateway_for(real_account).find_order("GO-TEST-NEVER") is None


def test_the_history_shows_orders_of_others(real_account: ProviderAccount, sandbox: Any) -> None:
    stranger = sandbox.stranger()

    names = [order.external_id for order in services.gateway_for(real_account).list_orders().items]

    assert stranger["id"] in names


def test_what_they_refuse_is_refused_with_their_reason(real_account: ProviderAccount) -> None:
    with pytest.raises(ProviderRejected) as caught:
        buy(real_account, request(line(product_id="NO-SUCH")))

    assert type(caught.value) is ProviderRejected
    assert caught.value.reason


def test_revoked_tokens_are_replaced(real_account: ProviderAccount, sandbox: Any) -> None:
    gateway = services.gateway_for(real_account)
    gateway.get_balance()
    sandbox.revoke_tokens()
    token = SharedToken.objects.get()
    SharedToken.objects.update(
        issued_at=token.issued_at - HALF_A_MINUTE,  # type: ignore[operator]
        tried_at=token.tried_at - HALF_A_MINUTE,  # type: ignore[operator]
    )

    with pytest.raises(TokenRefused):
        buy(real_account, request())
    placed = buy(real_account, request())

    assert placed.external_id
    assert ProviderCall.objects.filter(operation="create_token").count() == 2


def test_access_that_was_switched_off_stops_the_account(
    real_account: ProviderAccount, sandbox: Any
) -> None:
    sandbox.enable(False)

    with pytest.raises(ProviderMisconfigured) as caught:
        services.gateway_for(real_account).get_balance()

    assert caught.value.opens_breaker


# --- Every fault --------------------------------------------------------------------------------


def faults_of(operation: str) -> list[str]:
    """Every kind of fault that strikes this operation, asked of the simulator."""
    from providers.sandbox.giftcardpartners import SimulatedGiftCardPartners

    kinds = SimulatedGiftCardPartners(":memory:").faults.kinds
    return sorted(
        name
        for name, kind in kinds.items()
        if kind.operations is None or operation in kind.operations
    )


@pytest.mark.parametrize("kind", faults_of("createOrder"))
def test_whatever_goes_wrong_no_purchase_is_called_dead_that_lives(
    real_account: ProviderAccount, sandbox: Any, kind: str
) -> None:
    wish = request()
    sandbox.arm(kind, operation="createOrder")
    error = None

    try:
        remote = buy(real_account, wish, attempt="a")
    except ProviderError as problem:
        error = problem
    sandbox.clear()
    sandbox.advance(1300)  # what commits later has committed by now

    real = ordered(sandbox, wish.reference)
    assert len(real) <= 1
    if error is None:
        assert [order["id"] for order in real] == [remote.external_id]
    elif not isinstance(error, MAY_EXIST):
        assert not real, f"{kind}: {error!r} says that nothing was bought"
    if services.journaled_answer("a") is not None:
        assert ProviderCall.objects.of_attempt("a").count() == 1


# A history that shows our order under the reference of somebody else denies it, and one look cannot
# see through that; the id in a duplicate's refusal can.
LIES = {"echo_other_reference"}


@pytest.mark.parametrize("kind", [kind for kind in faults_of("listOrders") if kind not in LIES])
def test_whatever_goes_wrong_a_look_up_never_says_absent_of_what_is_there(
    real_account: ProviderAccount, sandbox: Any, kind: str
) -> None:
    wish = request()
    buy(real_account, wish)
    sandbox.arm(kind, operation="listOrders", count=None)

    try:
        found = services.gateway_for(real_account).find_order(wish.reference)
    except ProviderError:
        return  # an error proves nothing, and says so

    assert found is not None, f"{kind} made an order that exists look absent"


@pytest.mark.parametrize("kind", faults_of("createToken"))
def test_whatever_goes_wrong_with_signing_in_nothing_is_called_doubtful(
    real_account: ProviderAccount, sandbox: Any, kind: str
) -> None:
    wish = request()
    sandbox.arm(kind, operation="createToken")
    error = None

    try:
        buy(real_account, wish)
    except ProviderError as problem:
        error = problem

    assert not isinstance(error, MAY_EXIST)
    assert len(ordered(sandbox, wish.reference)) == (1 if error is None else 0)
