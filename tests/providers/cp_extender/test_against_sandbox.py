"""Our gateway and the simulated CP Extender over real HTTP: what is peculiar to it.

What any issuer can do wrong is played by `tests/conformance`; here are its two ways to sign in, its
pools that are cut short, points, words of its own, and what is read of answers that look good.
"""

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
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    TokenRefused,
    UnknownRefusal,
)
from providers.models import CallPermit, ProviderAccount, ProviderCall, SharedToken
from providers.sandbox.cp_extender import SimulatedCPExtender
from tests.providers.conftest import MakeAccount
from tests.sandbox_client import SandboxProcess, running_sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.prove]

MAY_EXIST = (OutcomeUnknown, DuplicateReference, UnknownRefusal)
HALF_A_MINUTE = timedelta(seconds=31)
SIGNED_IN = {"user_name": "sandbox", "password": "sandbox"}
PERMANENT = {"token": "sandbox-permanent"}
CUSTOMER = "2059378440"
REFUSED = [
    ({"code": "NONE"}, "Gift Card Code Not Found"),
    ({"customer_id": "NONE"}, "Customer Not Found"),
    ({"code": "GC50"}, "GiftCardCode specified does not allow value change"),
]


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
    settings.GIFTOPS_WRITE_DEADLINE = settings.GIFTOPS_READ_DEADLINE = 0.5

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


@pytest.fixture(autouse=True)
def _no_place_is_kept(db: None) -> Iterator[None]:
    yield
    assert not CallPermit.objects.filter(held_until__isnull=False).exists()


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


@pytest.mark.parametrize("error_body", ["Message", "message", "string", "text"])
def test_what_they_refuse_is_refused_with_their_reason(
    till: ProviderAccount, sandbox: Any, error_body: str
) -> None:
    (number,) = reserve(till)
    sandbox.settings(error_body=error_body)

    try:
        said = [(fields, refusal_of(till, wish(number, **fields))) for fields, _ in REFUSED]
        assert look(till, number) is None
    finally:
        sandbox.settings(error_body="Message")

    assert said == REFUSED


def refusal_of(account: ProviderAccount, request: CreateRequest) -> str:
    """Their reason; it is a refusal in words that we know."""
    with pytest.raises(ProviderRejected) as caught:
        create(account, request)
    assert type(caught.value) is ProviderRejected
    return caught.value.reason


def test_the_same_end_again_is_no_harm_and_a_code_of_nobody_is_over(till: ProviderAccount) -> None:
    number = new_card(till)
    taken, given_back = authorize(till, number), authorize(till, number, 1000)

    for _ in range(2):
        finish(till, "confirm", number, taken.auth_code)
        finish(till, "cancel", number, given_back.auth_code)
    with pytest.raises(HoldIsOver):
        finish(till, "confirm", number, "GDA0")

    assert amounts(till, number) == (6000, 0, 6000)


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


def test_a_certificate_is_not_kept(till: ProviderAccount) -> None:
    number = new_card(till)

    picture = services.gateway_for(till).get_certificate(number)

    assert picture.content.startswith(b"\xff\xd8\xff")
    kept = ProviderCall.objects.filter(operation="get_certificate", http_status=200).get()
    assert kept.response_body == ""


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


# --- Faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["authorized_partial", "stranger_spends", "stranger_holds", "stranger_releases"]
)
def test_a_hold_that_is_told_is_the_one_that_lives(
    till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    number = new_card(till)
    sandbox.arm(kind, operation="authorizeGiftcard")

    hold = authorize(till, number)

    real = [one for one in sandbox.holds(number) if not one["stranger"]]
    assert [(one["auth_code"], one["held_minor"]) for one in real] == [
        (hold.auth_code, hold.amount.minor)
    ]


@pytest.mark.parametrize(
    "kind",
    [
        *("numbers_capped", "numbers_extra", "numbers_twice", "numbers_repeated"),
        *("reservation_lapses", "reissued_to_stranger"),
    ],
)
def test_numbers_that_are_told_were_really_set_aside(
    till: ProviderAccount, sandbox: Any, kind: str
) -> None:
    sandbox.arm(kind, operation="reserveIds")

    numbers = reserve(till, 5)

    real = {one["number"] for one in sandbox.ledger()["reservations"]}
    assert numbers
    assert set(numbers) <= real


@pytest.mark.parametrize(
    "kind",
    [
        name
        for name, kind in SimulatedCPExtender(":memory:").faults.kinds.items()
        if kind.operations is None or "login" in kind.operations
    ],
)
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
