"""Faults of the simulated CP Extender: what an answer says, and what really happened."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, UnidentifiedImageError

from providers.sandbox.cp_extender import SimulatedCPExtender
from providers.sandbox.faults import Commits, Kind
from providers.sandbox.wire import Reply
from tests.sandbox.cp_extender.conftest import DANA, LOGIN, Merchant

KINDS = list(SimulatedCPExtender().faults.kinds.values())
OPERATIONS = {one.id: one for one in SimulatedCPExtender.operations}
WRITES = [one.id for one in OPERATIONS.values() if one.writes]
ANYWHERE = [kind for kind in KINDS if kind.operations is None]
OWN = [kind for kind in KINDS if kind.operations is not None and kind.name != "late_commit"]
WITHOUT_JSON = {"certificate", "confirmAuthorization", "cancelAuthorization"}
ON_A_NUMBER = {"bool", "string_number", "nan", "nested", "duplicate_key", "huge_int"} | {
    "negative",
    "float",
}


def pairs(kinds: list[Kind], operations: list[str]) -> list[Any]:
    return [
        pytest.param(kind, operation, id=f"{kind.name}-{operation}")
        for kind in kinds
        for operation in operations
        if kind.operations is None or operation in kind.operations
    ]


class Scene:
    """A card with an open hold, and a good request of every operation."""

    def __init__(self, merchant: Merchant) -> None:
        self.merchant = merchant
        self.card = merchant.card()
        self.code = merchant.hold(self.card, 10)
        self.number = merchant.number()

    def send(self, operation: str) -> Reply:
        """One good request."""
        body: dict[str, Any] = {
            "login": LOGIN,
            "reserveIds": {"Agency": "Website", "RequestType": "pool", "PoolCount": 3},
            "authorizeGiftcard": {
                "Type": "giftcard",
                "Ref": self.card,
                "SaleId": "sale-3",
                "RequestedAmount": 20,
            },
            "confirmAuthorization": {"Ref": self.card, "AuthCode": self.code},
            "cancelAuthorization": {"Ref": self.card, "AuthCode": self.code},
        }.get(operation, {})
        if operation == "createGiftcard":
            return self.merchant.create(self.number)
        found = OPERATIONS[operation]
        path = found.path.replace("{id}", self.card).replace("{CustomerId}", DANA)
        path = path.replace("{EmailAddress}", "dana.whitfield@example.com")
        return self.merchant.ask(found.method, path, body if found.method == "POST" else None)

    def ours(self) -> tuple[int, int, tuple[str, ...]]:
        """How many numbers and cards are ours, and how our holds stand."""
        told = self.merchant.ledger()
        holds = [one["state"] for one in told["holds"] if not one["stranger"]]
        cards = [one for one in told["cards"] if not one["stranger"]]
        return len(told["reservations"]), len(cards), tuple(holds)


@pytest.fixture
def scene(merchant: Merchant) -> Scene:
    return Scene(merchant)


def test_every_kind_says_what_it_is() -> None:
    assert len(KINDS) >= 27 + 12 + 40
    assert all(kind.what for kind in KINDS)
    assert all(kind.name and kind.operations for kind in OWN)


@pytest.mark.parametrize(("kind", "operation"), pairs(KINDS, WRITES))
def test_a_write_takes_effect_exactly_when_the_fault_says_so(
    scene: Scene, kind: Kind, operation: str
) -> None:
    before = scene.ours()
    scene.merchant.arm(kind.name, operation=operation)

    scene.send(operation)
    at_once = scene.ours() != before
    scene.merchant.clock.advance(901)
    in_the_end = scene.ours() != before

    expected = {Commits.NEVER: (0, 0), Commits.FIRST: (1, 1), Commits.LATER: (0, 1)}
    arrival = scene.merchant.journal()[-1]
    assert (at_once, in_the_end) == expected[kind.commits]
    assert arrival["executed"] == kind.commits.value
    assert arrival["operation"] == operation


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_can_suffer_every_common_fault(scene: Scene, operation: str) -> None:
    for kind in ANYWHERE:
        scene.merchant.told("DELETE", "faults")
        scene.merchant.arm(kind.name, operation=operation)

        reply = scene.send(operation)

        arrival = scene.merchant.journal()[-1]
        is_mutation = kind.name.startswith("mutate_")
        assert reply.status < 600
        assert arrival["faults"] == [kind.name] or is_mutation
        assert not (is_mutation and operation in WITHOUT_JSON and arrival["faults"])


@pytest.mark.parametrize(
    ("kind", "operation"), [one for one in pairs(OWN, list(OPERATIONS)) if one.values[0] in OWN]
)
def test_every_fault_of_its_own_bites_once(scene: Scene, kind: Kind, operation: str) -> None:
    scene.merchant.arm(kind.name, operation=operation)

    scene.send(operation)
    first = scene.merchant.journal()[-1]
    scene.merchant.clock.advance(1)
    scene.send(operation)

    assert first["faults"] == [kind.name]
    assert scene.merchant.journal()[-1]["faults"] == []


@pytest.mark.parametrize("name", sorted(ON_A_NUMBER))
def test_amounts_can_be_spoilt(scene: Scene, name: str) -> None:
    scene.merchant.arm(f"mutate_{name}", {"field": "AvailableBalance"}, operation="balanceCheck")

    spoilt = scene.send("balanceCheck").body

    assert spoilt != scene.send("balanceCheck").body


# Numbers


def test_a_pool_can_be_cut_to_anything(merchant: Merchant) -> None:
    merchant.arm("numbers_capped", {"most": 0})

    nothing = merchant.reserve(RequestType="pool", PoolCount=9).json()

    assert nothing == {"GiftCards": []}
    assert merchant.ledger()["reservations"] == []


def test_more_numbers_than_asked_for_are_really_set_aside(merchant: Merchant) -> None:
    merchant.arm("numbers_extra", {"numbers": 2})

    numbers = merchant.reserve().json()["GiftCards"]

    assert len(set(numbers)) == 3
    assert [one["number"] for one in merchant.ledger()["reservations"]] == numbers


@pytest.mark.parametrize(("count", "expected"), [(1, 2), (4, 4)])
def test_a_number_can_be_in_an_answer_twice(merchant: Merchant, count: int, expected: int) -> None:
    merchant.arm("numbers_twice")

    numbers = merchant.reserve(RequestType="pool", PoolCount=count).json()["GiftCards"]

    assert len(numbers) == expected
    assert len(set(numbers)) == expected - 1


def test_an_answer_can_repeat_an_earlier_one(merchant: Merchant) -> None:
    merchant.arm("numbers_repeated", {"numbers": 2})

    alone = merchant.reserve(RequestType="pool", PoolCount=3).json()["GiftCards"]
    overlapping = merchant.reserve(RequestType="pool", PoolCount=3).json()["GiftCards"]

    assert len(set(alone) & set(overlapping)) == 2
    assert len(overlapping) == 3


@pytest.mark.parametrize("text", ["../../etc", "", None])
def test_a_number_can_be_none(merchant: Merchant, text: str | None) -> None:
    merchant.arm("number_malformed", {"text": text})

    numbers = merchant.reserve(RequestType="pool", PoolCount=2).json()["GiftCards"]

    assert (numbers[0], len(numbers)) == (text, 2)


def test_a_pool_can_lapse_too(merchant: Merchant) -> None:
    merchant.arm("reservation_lapses", {"after": 5})
    [number] = merchant.reserve(RequestType="pool", PoolCount=1).json()["GiftCards"]

    merchant.clock.advance(5)

    assert merchant.create(number).json()["Message"] == "GiftcardId Not Reserved"


# Cards


@pytest.mark.parametrize("name", ["create_other_id", "create_other_form"])
def test_the_answer_can_name_another_card_than_was_created(merchant: Merchant, name: str) -> None:
    number = merchant.number()
    merchant.arm(name)

    named = merchant.create(number).json()["GiftCard"]["Id"]

    assert named != number
    assert merchant.look(number)["Balance"] == 100.0
    assert merchant.get(f"/Giftcard/{named}/BalanceCheck").status == 404


def test_a_card_can_really_have_another_number(merchant: Merchant) -> None:
    number = merchant.number()
    merchant.arm("create_renamed")

    named = merchant.create(number).json()["GiftCard"]["Id"]

    [card] = merchant.ledger()["cards"]
    assert (card["number"], card["asked_for"]) == (named, number)
    assert merchant.look(named)["Id"] == named
    assert merchant.get(f"/Giftcard/{number}/BalanceCheck").status == 404


def test_a_card_can_have_another_value_and_another_date(merchant: Merchant) -> None:
    merchant.arm("create_value_off", {"by": -0.5})
    merchant.arm("create_dated_off", {"hours": -24})

    found = merchant.look(merchant.card())

    assert (found["Balance"], found["History"][0]["Date"]) == (99.5, "12/31/2025")


def test_a_card_can_be_out_of_sight_for_a_while(merchant: Merchant) -> None:
    merchant.arm("delayed_visibility", {"seconds": 600})
    number = merchant.card()
    path = f"/Giftcard/{number}/BalanceCheck"

    merchant.clock.advance(599)
    early = merchant.get(path).status
    merchant.clock.advance(1)

    assert (early, merchant.get(path).status) == (404, 200)
    assert merchant.create(number).json()["Message"] == "GiftcardId Already Exists"


def test_a_late_create_finds_its_number_lapsed(merchant: Merchant) -> None:
    number = merchant.number()
    merchant.arm("late_commit", {"delay": 3600}, operation="createGiftcard")
    merchant.create(number)

    merchant.clock.advance(3600)

    told = merchant.ledger()
    assert told["cards"] == []
    assert [one["outcome"] for one in told["postponed"]] == ["refused"]


# Authorizations


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("authorized_amount", {"amount": 0}, 0),
        ("authorized_amount", {"amount": -40}, -40),
        ("authorized_off", {"by": 60}, 100),
    ],
)
def test_the_answer_can_lie_about_what_is_held(
    merchant: Merchant, name: str, params: dict[str, Any], said: float
) -> None:
    number = merchant.card()
    merchant.arm(name, params)

    answer = merchant.authorize(number, 40).json()

    assert answer["AuthorizedAmount"] == said
    assert merchant.amounts(number) == (100.0, 40.0, 60.0)


def test_less_can_be_held_than_is_there(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.arm("authorized_partial", {"amount": 12.34})

    answer = merchant.authorize(number, 40).json()

    assert answer["AuthorizedAmount"] == 12.34
    assert merchant.amounts(number) == (100.0, 12.34, 87.66)


def test_a_code_can_be_missing_though_money_is_held(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.arm("auth_code_missing")
    merchant.arm("auth_code_empty")

    missing, empty = merchant.authorize(number, 1).json(), merchant.authorize(number, 2).json()

    assert ("AuthCode" in missing, empty["AuthCode"]) == (False, "")
    assert merchant.amounts(number) == (100.0, 3.0, 97.0)


@pytest.mark.parametrize("act", ["confirm", "cancel"])
def test_a_204_can_be_empty_words(merchant: Merchant, act: str) -> None:
    number = merchant.card()
    code = merchant.hold(number)
    merchant.arm("no_effect")

    answer = getattr(merchant, act)(number, code)

    assert (answer.status, answer.body) == (204, b"")
    assert merchant.amounts(number) == (100.0, 40.0, 60.0)


def test_confirm_and_cancel_can_be_mixed_up(merchant: Merchant) -> None:
    number = merchant.card()
    one, two = merchant.hold(number, 10), merchant.hold(number, 20)
    merchant.arm("opposite_effect", count=2)

    merchant.confirm(number, one)
    merchant.cancel(number, two)

    assert merchant.amounts(number) == (80.0, 0.0, 80.0)
    assert [hold["state"] for hold in merchant.ledger()["holds"]] == ["cancelled", "confirmed"]


def test_a_stranger_can_meddle_while_the_answer_is_lost(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.arm("stranger_spends", {"amount": 15})
    merchant.arm("stranger_holds", {"amount": 5})
    merchant.arm("timeout_after_commit", operation="authorizeGiftcard")

    lost = merchant.authorize(number, 40)
    arrival = merchant.journal()[-1]

    assert lost.misbehaviour is not None
    assert merchant.amounts(number) == (85.0, 45.0, 40.0)
    assert sorted(arrival["faults"]) == [
        "stranger_holds",
        "stranger_spends",
        "timeout_after_commit",
    ]


@pytest.mark.parametrize("act", ["confirm", "cancel"])
def test_a_stranger_can_meddle_right_after_a_completion(merchant: Merchant, act: str) -> None:
    number = merchant.card()
    code = merchant.hold(number)
    merchant.arm("stranger_holds", {"amount": 5})

    getattr(merchant, act)(number, code)

    assert merchant.amounts(number)[1] == 5.0


def test_a_stranger_can_spend_from_a_card_as_soon_as_there_is_one(merchant: Merchant) -> None:
    merchant.arm("stranger_spends", {"amount": 5})

    assert merchant.amounts(merchant.card()) == (95.0, 0.0, 95.0)


def test_a_stranger_can_release_what_looks_like_ours(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.told("POST", "stranger/hold", {"number": number, "amount": 40})
    merchant.arm("stranger_releases")

    merchant.authorize(number, 40)

    assert merchant.amounts(number) == (100.0, 40.0, 60.0)


# Readings


@pytest.mark.parametrize(
    ("name", "params", "key", "said"),
    [
        ("status_unknown", {}, "Status", "reserved"),
        ("type_unknown", {}, "Type", "loyalty"),
        ("foreign_card", {"id": "WEB-1"}, "Id", "WEB-1"),
        ("balance_off", {"by": 1}, "Balance", 101.0),
        ("history_null", {}, "History", None),
    ],
)
def test_a_reading_can_be_wrong(
    merchant: Merchant, name: str, params: dict[str, Any], key: str, said: Any
) -> None:
    number = merchant.card()
    merchant.arm(name, params)

    wrong, right = merchant.look(number), merchant.look(number)

    assert wrong == {**right, key: said}
    assert right[key] != said


def test_a_history_can_be_odd(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.arm("history_keys_missing")
    merchant.arm("history_foreign_row")
    merchant.arm("history_other_dates")

    bare, longer, other = (merchant.look(number)["History"] for _ in range(3))

    assert bare == [{"Activity": "Issued", "Date": "01/01/2026", "Amount": 100.0}]
    assert (longer[1]["Activity"], longer[1]["Amount"]) == ("Historical Summary", -5.0)
    assert other[0]["Date"] == "2026-01-01T00:00:00"


# Certificates


@pytest.mark.parametrize(
    ("name", "kind", "is_picture"),
    [
        ("certificate_html", "text/html; charset=utf-8", False),
        ("certificate_png", "image/png", True),
        ("certificate_mislabelled", "image/jpeg", True),
        ("certificate_unlabelled", "application/octet-stream", True),
        ("certificate_large", "image/jpeg", True),
        ("certificate_empty", "image/jpeg", False),
        ("certificate_cut", "image/jpeg", False),
    ],
)
def test_a_certificate_can_be_something_else(
    merchant: Merchant, name: str, kind: str, is_picture: bool
) -> None:
    path = f"/Giftcard/{merchant.card()}/Certificate"
    merchant.arm(name)

    odd, true = merchant.get(path), merchant.get(path)

    assert odd.headers["Content-Type"] == kind
    assert can_be_opened(odd.body) == is_picture
    assert (odd.headers, odd.body) != (true.headers, true.body)
    assert (len(odd.body) == 50 * 1024 * 1024) == (name == "certificate_large")


def test_a_fault_of_the_picture_waits_for_one(merchant: Merchant) -> None:
    merchant.arm("certificate_png")

    missing = merchant.get("/Giftcard/99-1/Certificate")
    found = merchant.get(f"/Giftcard/{merchant.card()}/Certificate")

    assert (missing.status, missing.headers["Content-Type"]) == (404, "application/json")
    assert found.headers["Content-Type"] == "image/png"


def can_be_opened(data: bytes) -> bool:
    """Whether a viewer would show it whole."""
    try:
        Image.open(BytesIO(data)).load()
    except (UnidentifiedImageError, OSError):
        return False
    return True
