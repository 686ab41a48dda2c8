"""Behind the curtain of the simulated CP Extender: the truth, its staff, and strangers."""

from pathlib import Path
from typing import Any

import pytest

from providers.sandbox.clock import VirtualClock
from providers.sandbox.cp_extender import SimulatedCPExtender
from tests.sandbox.cp_extender.conftest import NOON, Merchant, refusal


def test_the_state_is_a_summary_without_secrets(merchant: Merchant) -> None:
    number = merchant.card()
    code = merchant.hold(number)

    state = merchant.control("GET", "state")

    assert state.json() == {
        "provider": "cp_extender",
        "now": NOON,
        "reservations": 1,
        "cards": {"active": 1},
        "holds": {"open": 1},
        "arrivals": 3,
        "postponed": 0,
        "faults_armed": 0,
    }
    assert number.encode() not in state.body
    assert code.encode() not in state.body


def test_the_ledger_tells_everything_about_a_card(merchant: Merchant) -> None:
    number = merchant.card()
    answer = merchant.authorize(number, 40).json()
    merchant.clock.advance(60)
    merchant.confirm(number, answer["AuthCode"])

    told = merchant.ledger()

    [card], [hold] = told["cards"], told["holds"]
    assert [(one["minor"], one["activity"]) for one in card.pop("movements")] == [
        (10_000, "Issued"),
        (-4000, "Redeemed"),
    ]
    assert card == {
        "number": number,
        "asked_for": number,
        "code": "GC",
        "customer": "2059378440",
        "status": "active",
        "sale_id": "sale-1",
        "points": None,
        "value_minor": 10_000,
        "balance_minor": 6000,
        "held_minor": 0,
        "created_at": NOON,
        "found_at": NOON,
        "stranger": False,
    }
    assert hold == {
        "card": number,
        "sale_id": "sale-2",
        "request_id": answer["RequestId"],
        "auth_code": answer["AuthCode"],
        "state": "confirmed",
        "placed_at": NOON,
        "done_at": NOON + 60,
        "requested_minor": 4000,
        "held_minor": 4000,
        "stranger": False,
    }


def test_the_ledger_outlives_the_program(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    before = Merchant(SimulatedCPExtender(tmp_path / "ledger", clock=clock), clock)
    number = before.card()
    code = before.hold(number)
    before.provider.close()

    after = Merchant(SimulatedCPExtender(tmp_path / "ledger", clock=clock), clock)

    assert after.confirm(number, code).status == 204
    assert after.amounts(number) == (60.0, 0.0, 60.0)
    assert after.number() != number
    after.provider.close()


def test_the_same_seed_gives_the_same_numbers() -> None:
    def numbers(seed: str) -> tuple[str, str]:
        clock = VirtualClock(NOON)
        one = Merchant(SimulatedCPExtender(clock=clock, seed=seed), clock)
        number = one.card()
        return number, one.hold(number)

    assert numbers("a") == numbers("a")
    assert set(numbers("a")).isdisjoint(numbers("b"))


def test_the_staff_can_tell_a_lost_code_and_release_the_hold(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.arm("timeout_after_commit", operation="authorizeGiftcard")
    merchant.authorize(number)

    [told] = merchant.told("GET", f"holds/{number}")
    released = merchant.told("POST", f"holds/{told['auth_code']}", {"act": "release"})

    assert (told["state"], released["state"]) == ("open", "cancelled")
    assert merchant.cancel(number, told["auth_code"]).status == 204
    assert merchant.amounts(number) == (100.0, 0.0, 100.0)


def test_the_staff_can_confirm_a_hold(merchant: Merchant) -> None:
    number = merchant.card()
    code = merchant.hold(number)

    merchant.told("POST", f"holds/{code}", {"act": "confirm"})

    assert merchant.amounts(number) == (60.0, 0.0, 60.0)
    assert merchant.cancel(number, code).status == 400


def test_the_staff_can_put_money_onto_a_card_and_take_it_off(merchant: Merchant) -> None:
    number = merchant.card()

    merchant.told("POST", f"cards/{number}", {"act": "adjust", "amount": "12.50"})
    merchant.told("POST", f"cards/{number}", {"act": "adjust", "amount": -50})

    rows = merchant.look(number)["History"]
    assert merchant.amounts(number) == (62.5, 0.0, 62.5)
    assert [(one["Activity"], one["Amount"]) for one in rows[1:]] == [
        ("Adjusted", 12.5),
        ("Adjusted", -50.0),
    ]


def test_a_card_can_have_any_status(merchant: Merchant) -> None:
    number = merchant.card()

    merchant.told("POST", f"cards/{number}", {"status": "in transit"})

    assert merchant.look(number)["Status"] == "in transit"


def test_a_number_can_lapse_at_once(merchant: Merchant) -> None:
    number = merchant.number()

    lapsed = merchant.told("POST", f"reservations/{number}", {"act": "lapse"})

    assert (lapsed["lapsed"], lapsed["stranger"]) == (True, False)
    assert refusal(merchant.create(number)) == (400, "GiftcardId Not Reserved")


def test_a_number_can_go_to_a_stranger_who_creates_a_card_on_it(merchant: Merchant) -> None:
    number = merchant.number()

    taken = merchant.told("POST", "stranger/take", {"number": number, "amount": 10})

    assert (taken["stranger"], taken["value_minor"], taken["customer"]) == (True, 1000, "CASH")
    assert refusal(merchant.create(number)) == (400, "GiftcardId Already Exists")
    assert merchant.look(number)["Balance"] == 10.0


def test_a_stranger_spends_holds_and_releases(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.hold(number, 10)

    merchant.told("POST", "stranger/spend", {"number": number, "amount": 20})
    spent = merchant.amounts(number)
    merchant.told("POST", "stranger/hold", {"number": number, "amount": 30})
    held = merchant.amounts(number)
    merchant.told("POST", "stranger/release", {"number": number})

    assert (spent, held) == ((80.0, 10.0, 70.0), (80.0, 40.0, 40.0))
    assert merchant.amounts(number) == (80.0, 10.0, 70.0)


def test_a_stranger_spends_no_more_than_there_is(merchant: Merchant) -> None:
    number = merchant.card()
    merchant.hold(number, 40)

    merchant.told("POST", "stranger/spend", {"number": number, "amount": 500})

    assert merchant.amounts(number) == (40.0, 40.0, 0.0)


def test_points_can_be_given(merchant: Merchant) -> None:
    merchant.told("POST", "customers/CASH", {"points": 777})

    assert merchant.ledger()["points"]["CASH"] == 777


def test_a_reset_starts_over(merchant: Merchant) -> None:
    number = merchant.card(SaleId=None, PointsToRedeem="10000")
    merchant.hold(number)

    merchant.told("POST", "reset")

    told = merchant.ledger()
    assert [told[name] for name in ("reservations", "cards", "holds")] == [[], [], []]
    assert told["points"]["2059378440"] == 12_500
    assert merchant.number() == number


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"nothing": 1}),
        ("settings", {"pool_cap": "many"}),
        ("settings", {"error_body": "haiku"}),
        ("cards/99-1", {"act": "void"}),
        ("cards/{card}", {"act": "sing"}),
        ("cards/{card}", {"act": "adjust", "amount": "0.001"}),
        ("cards/{card}", {}),
        ("holds/GDA0", {"act": "release"}),
        ("holds/{code}", {"act": "sing"}),
        ("reservations/99-1", {"act": "lapse"}),
        ("reservations/{card}", {"act": "sing"}),
        ("customers/nobody", {"points": 1}),
        ("stranger/sing", {}),
        ("stranger/spend", {"number": "99-1", "amount": 1}),
        ("stranger/take", {"number": "{card}"}),
        ("stranger/hold", {"number": "{card}", "amount": 0}),
        ("stranger/release", {"number": "{card}"}),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    merchant: Merchant, path: str, body: dict[str, Any]
) -> None:
    number = merchant.card()
    code = merchant.hold(number, 100)
    before = merchant.ledger()
    body = {key: number if value == "{card}" else value for key, value in body.items()}

    answer = merchant.control("POST", path.format(card=number, code=code), body)

    assert (answer.status, list(answer.json())) == (400, ["error"])
    assert merchant.ledger() == before
