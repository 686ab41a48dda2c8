"""Our gateway and the simulated CP Extender over real HTTP: the main road, every fault."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from giftops.identity import new_id
from giftops.money import Money
from providers import services
from providers.gateways.base import (
    CardStanding,
    CreateRequest,
    HoldRequest,
    ReservationType,
    ReserveRequest,
)
from providers.gateways.errors import (
    DuplicateReference,
    HoldIsOver,
    NotReserved,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    TokenRefused,
    UnknownRefusal,
)
from providers.models import CallPermit, ProviderAccount, ProviderCall, SharedToken
from tests.providers.conftest import MakeAccount
from tests.sandbox_client import SandboxProcess, running_sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

MAY_EXIST = (OutcomeUnknown, DuplicateReference, UnknownRefusal)
HALF_A_MINUTE = timedelta(seconds=31)
SIGNED_IN = {"user_name": "sandbox", "password": "sandbox"}
PERMANENT = {"token": "sandbox-permanent"}
CUSTOMER = "2059378440"
LATE = 1300  # seconds after which what commits later has committed


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(process: SandboxProcess) -> Iterator[Any]:
    control = process.cp_extender
    control.clear()
    yield control
    control.clear()


@pytest.fixture
def connect(
    make_account: MakeAccount, process: SandboxProcess, sandbox: Any, settings: Any
) -> MakeAccount:
    settings.GIFTOPS_WRITE_DEADLINE = settings.GIFTOPS_READ_DEADLINE = 1

    def make(**fields: Any) -> ProviderAccount:
        values: dict[str, Any] = {
            "provider": "cp_extender",
            "base_url": f"{process.url}/cp_extender",
            "credentials": PERMANENT,
            "per_second": 1000,
            "per_minute": 10_000,
        }
        return make_account(**values | fields)

    return make


@pytest.fixture
def till(connect: MakeAccount) -> ProviderAccount:
    return connect()


def reserve(account: ProviderAccount, count: int = 1) -> tuple[str, ...]:
    kind = ReservationType.SINGLE if count == 1 else ReservationType.POOL
    request = ReserveRequest(name=new_id().hex, agency="Website", type=kind, count=count)
    gateway = services.gateway_for(account)
    numbers: tuple[str, ...] = gateway.reserve(request, slot=gateway.reserve_slot()).numbers
    return numbers


def wish(number: str, **fields: Any) -> CreateRequest:
    values = {
        "number": number,
        "code": "GC",
        "value": Money(10_000, "USD"),
        "customer_id": CUSTOMER,
    }
    return CreateRequest(**values | {"sale_id": new_id().hex} | fields)


def create(account: ProviderAccount, request: CreateRequest, attempt: str = "") -> str:
    gateway = services.gateway_for(account, attempt_ref=attempt)
    return str(gateway.create(request, slot=gateway.reserve_slot()).number)


def new_card(account: ProviderAccount, **fields: Any) -> str:
    (number,) = reserve(account)
    return create(account, wish(number, **fields))


def authorize(account: ProviderAccount, number: str, minor: int = 4000, attempt: str = "") -> Any:
    gateway = services.gateway_for(account, attempt_ref=attempt)
    request = HoldRequest(number=number, sale_id=new_id().hex, amount=Money(minor, "USD"))
    return gateway.authorize(request, slot=gateway.reserve_slot())


def finish(account: ProviderAccount, how: str, number: str, code: str) -> None:
    gateway = services.gateway_for(account)
    getattr(gateway, how)(number, code, slot=gateway.reserve_slot())


def look(account: ProviderAccount, number: str) -> Any:
    return services.gateway_for(account).check_balance(number)


def amounts(account: ProviderAccount, number: str) -> tuple[int, int, int]:
    found = look(account, number)
    return found.balance.minor, found.held.minor, found.available.minor


# --- The main road ------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [SIGNED_IN, PERMANENT])
def test_the_connection_is_tried(connect: MakeAccount, credentials: dict[str, str]) -> None:
    said = services.test_connection(connect(credentials=credentials))

    assert said.startswith("CP Extender ")
    assert ProviderCall.objects.filter(operation="login").count() == ("user_name" in credentials)


def test_a_wrong_password_and_a_wrong_token_stop_the_account(connect: MakeAccount) -> None:
    wrong = (SIGNED_IN | {"password": "wrong"}, {"token": "wrong"})
    for number, credentials in enumerate(wrong):
        account = connect(name=f"wrong-{number}", credentials=credentials)

        with pytest.raises(ProviderMisconfigured) as caught:
            services.test_connection(account)
        assert caught.value.opens_breaker


def test_a_card_is_created_on_a_single_number_and_read(till: ProviderAccount, sandbox: Any) -> None:
    (number,) = reserve(till)
    request = wish(number)

    assert look(till, number) is None
    assert create(till, request) == number
    found = look(till, number)

    assert found.standing == CardStanding.ACTIVE
    assert [(move.activity, move.amount) for move in found.history] == [("Issued", request.value)]
    assert amounts(till, number) == (10_000, 0, 10_000)
    assert sandbox.card(number)["sale_id"] == request.sale_id


def test_a_pool_is_cut_silently(till: ProviderAccount) -> None:
    assert len(set(reserve(till, 10))) == 10
    assert len(reserve(till, 501)) == 500


def test_a_card_is_paid_with_points(till: ProviderAccount, sandbox: Any) -> None:
    sandbox.set_points(CUSTOMER, 9000)

    number = new_card(till, value=Money(5000, "USD"), sale_id="", points=5000)

    assert sandbox.card(number)["points"] == 5000
    assert sandbox.ledger()["points"][CUSTOMER] == 4000


def test_the_same_number_again_and_numbers_of_nobody_are_refused(
    till: ProviderAccount, sandbox: Any
) -> None:
    number = new_card(till)
    (lapsed,) = reserve(till)
    sandbox.lapse(lapsed)

    with pytest.raises(DuplicateReference):
        create(till, wish(number))
    for unknown in (lapsed, "99-1"):
        with pytest.raises(NotReserved):
            create(till, wish(unknown))


@pytest.mark.parametrize("error_body", ["Message", "message", "string", "text"])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"code": "NONE"}, "Gift Card Code Not Found"),
        ({"customer_id": "NONE"}, "Customer Not Found"),
        ({"code": "GC50"}, "GiftCardCode specified does not allow value change"),
    ],
)
def test_what_they_refuse_is_refused_with_their_reason(
    till: ProviderAccount, sandbox: Any, error_body: str, fields: dict[str, str], reason: str
) -> None:
    (number,) = reserve(till)
    sandbox.settings(error_body=error_body)

    try:
        with pytest.raises(ProviderRejected) as caught:
            create(till, wish(number, **fields))
        assert look(till, number) is None
    finally:
        sandbox.settings(error_body="Message")

    assert (type(caught.value), caught.value.reason) == (ProviderRejected, reason)


def test_money_is_held_taken_and_given_back(till: ProviderAccount) -> None:
    number = new_card(till)

    taken, given_back = authorize(till, number), authorize(till, number, 1000)
    assert amounts(till, number) == (10_000, 5000, 5000)
    finish(till, "confirm", number, taken.auth_code)
    finish(till, "cancel", number, given_back.auth_code)

    assert amounts(till, number) == (6000, 0, 6000)
    finish(till, "confirm", number, taken.auth_code)  # the same again is no harm
    assert amounts(till, number) == (6000, 0, 6000)
    for how, code in (("cancel", taken.auth_code), ("confirm", given_back.auth_code)):
        with pytest.raises(HoldIsOver):
            finish(till, how, number, code)
    with pytest.raises(HoldIsOver):
        finish(till, "confirm", number, "GDA0")


def test_less_is_held_than_asked_and_nothing_of_nothing(till: ProviderAccount) -> None:
    number = new_card(till)

    hold = authorize(till, number, 15_000)
    with pytest.raises(ProviderRejected) as caught:
        authorize(till, number, 1)

    assert hold.amount == Money(10_000, "USD")
    assert caught.value.reason == "No Balance Remaining"


@pytest.mark.parametrize(
    ("act", "standing", "reason"),
    [
        ("void", CardStanding.VOIDED, "GiftCard has been voided"),
        ("expire", CardStanding.EXPIRED, "GiftCard has expired"),
    ],
)
def test_a_card_that_is_over_says_so(
    till: ProviderAccount, sandbox: Any, act: str, standing: CardStanding, reason: str
) -> None:
    number = new_card(till)
    sandbox.act(number, act)

    with pytest.raises(ProviderRejected) as caught:
        authorize(till, number)

    assert look(till, number).standing == standing
    assert caught.value.reason == reason


def test_a_certificate_is_fetched_and_not_kept(till: ProviderAccount) -> None:
    number = new_card(till)

    picture = services.gateway_for(till).get_certificate(number)

    assert picture.content.startswith(b"\xff\xd8\xff")
    assert services.gateway_for(till).get_certificate("99-1") is None
    kept = ProviderCall.objects.filter(operation="get_certificate", http_status=200).get()
    assert kept.response_body == ""


def test_customers_are_found(till: ProviderAccount) -> None:
    gateway = services.gateway_for(till)

    found = gateway.find_customer(external_id=CUSTOMER)

    assert found.external_id == CUSTOMER
    assert gateway.find_customer(email=found.email) == found
    assert gateway.find_customer(external_id="NONE") is None
    assert gateway.find_customer(email="no.one@example.com") is None


def test_revoked_tokens_are_replaced(connect: MakeAccount, sandbox: Any) -> None:
    account = connect(credentials=SIGNED_IN)
    (number,) = reserve(account)
    sandbox.revoke_tokens()
    token = SharedToken.objects.get()
    SharedToken.objects.update(
        issued_at=token.issued_at - HALF_A_MINUTE,  # type: ignore[operator]
        tried_at=token.tried_at - HALF_A_MINUTE,  # type: ignore[operator]
    )

    with pytest.raises(TokenRefused):
        create(account, wish(number))

    assert create(account, wish(number)) == number
    assert ProviderCall.objects.filter(operation="login").count() == 2


# --- Every fault --------------------------------------------------------------------------------


def faults_of(operation: str) -> list[str]:
    """Every kind of fault that strikes this operation, asked of the simulator."""
    from providers.sandbox.cp_extender import SimulatedCPExtender

    kinds = SimulatedCPExtender(":memory:").faults.kinds
    return sorted(
        name
        for name, kind in kinds.items()
        if kind.operations is None or operation in kind.operations
    )


def every_fault_of(operation: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", faults_of(operation))


@pytest.fixture(autouse=True)
def _no_place_is_kept(db: None) -> Iterator[None]:
    yield
    assert not CallPermit.objects.filter(held_until__isnull=False).exists()


@every_fault_of("createGiftcard")
def test_whatever_goes_wrong_no_card_is_called_dead_that_lives(
    till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    (number,) = reserve(till)
    request, error = wish(number), None
    sandbox.arm(kind, operation="createGiftcard")

    try:
        create(till, request, attempt="a")
    except ProviderError as problem:
        error = problem
    sandbox.clear()
    sandbox.advance(LATE)

    real = [card for card in sandbox.ledger()["cards"] if card["sale_id"] == request.sale_id]
    assert len(real) <= 1
    if error is None:
        assert len(real) == 1
    elif not isinstance(error, MAY_EXIST):
        assert not real, f"{kind}: {error!r} says that nothing was created"
    assert ProviderCall.objects.of_attempt("a").count() == 1
    assert number not in str(error)


@every_fault_of("authorizeGiftcard")
def test_whatever_goes_wrong_no_hold_is_called_dead_that_lives(
    till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    number, error, hold = new_card(till), None, None
    sandbox.arm(kind, operation="authorizeGiftcard")

    try:
        hold = authorize(till, number, attempt="a")
    except ProviderError as problem:
        error = problem
    sandbox.clear()
    sandbox.advance(LATE)

    real = [one for one in sandbox.holds(number) if not one["stranger"]]
    assert len(real) <= 1
    if hold is not None:
        assert [(one["auth_code"], one["held_minor"]) for one in real] == [
            (hold.auth_code, hold.amount.minor)
        ]
    elif not isinstance(error, MAY_EXIST):
        assert not real, f"{kind}: {error!r} says that nothing is held"
    assert ProviderCall.objects.of_attempt("a").count() == 1


# A 204 says that it was done, and one answer cannot be seen through: the balance tells, afterwards.
LIES_ABOUT_HOLDS = {"no_effect", "opposite_effect"}


@pytest.mark.parametrize("how", ["confirm", "cancel"])
@pytest.mark.parametrize(
    "kind", [kind for kind in faults_of("confirmAuthorization") if kind not in LIES_ABOUT_HOLDS]
)
def test_whatever_goes_wrong_a_hold_is_finished_as_is_said_or_in_doubt(
    till: ProviderAccount, sandbox: Any, kind: str, how: str
) -> None:
    number, error = new_card(till), None
    hold = authorize(till, number)
    sandbox.arm(kind, operation=f"{how}Authorization")

    try:
        finish(till, how, number, hold.auth_code)
    except ProviderError as problem:
        error = problem
    sandbox.clear()
    sandbox.advance(LATE)

    (real,) = [one for one in sandbox.holds(number) if not one["stranger"]]
    done = "confirmed" if how == "confirm" else "cancelled"
    if error is None:
        assert real["state"] == done
    elif not isinstance(error, (*MAY_EXIST, HoldIsOver)):
        assert real["state"] == "open", f"{kind}: {error!r} says that nothing was done"


# What is readable and adds up cannot be told from the truth; the next reading shows it.
LIES_ABOUT_CARDS = {"not_found_known"}


@pytest.mark.parametrize(
    "kind", [kind for kind in faults_of("balanceCheck") if kind not in LIES_ABOUT_CARDS]
)
def test_whatever_goes_wrong_no_card_is_called_absent_that_is_there(
    till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    number = new_card(till)
    sandbox.arm(kind, operation="balanceCheck", count=None)

    try:
        found = look(till, number)
    except ProviderError:
        return  # an error proves nothing, and says so

    assert found is not None, f"{kind} made a card that exists look absent"
    assert (found.balance.minor, found.held.minor) == (10_000, 0)


@every_fault_of("certificate")
def test_whatever_goes_wrong_a_certificate_is_a_picture_or_an_error(
    till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    number = new_card(till)
    true = services.gateway_for(till).get_certificate(number)
    sandbox.arm(kind, operation="certificate", count=None)

    try:
        found = services.gateway_for(till).get_certificate(number)
    except ProviderError:
        return

    assert found == true or (found is None and kind == "not_found_known")


# Numbers in a bad form come as they are, so that the whole batch can be quarantined.
LIES_ABOUT_NUMBERS = {"number_malformed"}


@pytest.mark.parametrize(
    "kind", [kind for kind in faults_of("reserveIds") if kind not in LIES_ABOUT_NUMBERS]
)
def test_whatever_goes_wrong_with_a_reservation_numbers_come_or_an_error(
    till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    sandbox.arm(kind, operation="reserveIds")

    try:
        numbers = reserve(till, 5)
    except ProviderError:
        return

    real = {one["number"] for one in sandbox.ledger()["reservations"]}
    assert set(numbers) <= real


@every_fault_of("login")
def test_whatever_goes_wrong_with_signing_in_nothing_is_called_doubtful(
    connect: MakeAccount, till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    signed_in = connect(name="signed-in", credentials=SIGNED_IN)
    (number,) = reserve(till)
    sandbox.arm(kind, operation="login")
    error = None

    try:
        create(signed_in, wish(number))
    except ProviderError as problem:
        error = problem

    assert not isinstance(error, MAY_EXIST)
    assert (sandbox.card(number) is not None) == (error is None)
