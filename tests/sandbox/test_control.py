"""The control end points: a look behind the curtain, for callers on the same machine."""

from typing import Any

import pytest

from providers.sandbox.clock import VirtualClock
from providers.sandbox.ncentiva import SimulatedNcentiva
from tests.sandbox.conftest import Purchaser


@pytest.mark.parametrize("client", ["192.168.1.5", "10.0.0.1", "2001:db8::1", "nonsense"])
def test_other_machines_are_not_let_in(purchaser: Purchaser, client: str) -> None:
    refused = purchaser.control("GET", "ledger", client=client)

    assert refused.status == 403
    assert b"orders" not in refused.body


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_let_in(purchaser: Purchaser, client: str) -> None:
    assert purchaser.control("GET", "state", client=client).status == 200


def test_the_state_is_a_summary_without_secrets(purchaser: Purchaser) -> None:
    purchaser.order()
    purchaser.clock.advance(6)
    code = purchaser.ledger()[0]["cards"][0]["card_number"]
    purchaser.arm("late_commit")
    purchaser.order("late")

    state = purchaser.control("GET", "state")

    assert state.json() == {
        "provider": "ncentiva",
        "now": 1767225606.0,
        "balance": 49975.0,
        "orders": {"Completed": 1},
        "cards": 1,
        "arrivals": 2,
        "postponed": 1,
        "faults_armed": 0,
    }
    assert code.encode() not in state.body


def test_the_ledger_tells_everything_about_an_order(purchaser: Purchaser) -> None:
    purchaser.order(product=1301, amount=50)
    purchaser.clock.advance(6)

    [order] = purchaser.ledger()

    [card] = order.pop("cards")
    assert order == {
        "name": "NCT-PO-P-099624",
        "reference": "ref-1",
        "status": "Completed",
        "currency": "USD",
        "cost_minor": 5000,
        "committed_at": 1767225600.0,
        "visible_at": 1767225600.0,
        "completed_at": 1767225605.0,
        "waits_for": None,
        "stranger": False,
        "lines": [{"product": 1301, "amount": 50, "quantity": 1, "reference": None}],
        "cards_count": 1,
    }
    assert card["card_number"] == purchaser.cards(order["name"])[0]["cardNumber"]
    assert (card["copy_of"], card["issued_at"]) == (None, 1767225605.0)


def test_all_kinds_of_faults_are_listed_with_their_parameters(purchaser: Purchaser) -> None:
    kinds = {one["name"]: one for one in purchaser.control("GET", "faults").json()["kinds"]}

    assert len(kinds) == len(purchaser.provider.faults.kinds)
    assert kinds["late_commit"] == {
        "name": "late_commit",
        "what": "504 (answer=hang: silence for `seconds`); done `delay` seconds later (0 to 900)",
        "commits": "later",
        "parameters": {"delay": 600.0, "answer": "504", "seconds": 120.0},
        "operations": ["addCartItem", "checkoutCart", "createOrder", "removeCartItem"],
    }


def test_one_fault_can_be_disarmed(purchaser: Purchaser) -> None:
    first = purchaser.control("POST", "faults", {"name": "http_500"}).json()["id"]
    purchaser.arm("http_503")

    purchaser.control("DELETE", f"faults/{first}")

    assert purchaser.get("/cart").status == 503


def test_the_clock_goes_on_from_where_it_was_put(purchaser: Purchaser) -> None:
    purchaser.order()

    moved = purchaser.control("POST", "clock", {"advance": 3}).json()

    assert moved == {
        "now": 1767225603.0,
        "iso": "2026-01-01T00:00:03Z",
        "offset": 3.0,
        "frozen": False,
    }
    assert purchaser.status() == "Processing"


def test_a_frozen_clock_stands_until_it_thaws(purchaser: Purchaser) -> None:
    purchaser.control("POST", "clock", {"frozen": True})
    purchaser.clock.advance(100)
    frozen = purchaser.control("POST", "clock", {"advance": 1}).json()["now"]

    purchaser.control("POST", "clock", {"frozen": False})
    purchaser.clock.advance(10)

    assert frozen == 1767225601.0
    assert purchaser.control("GET", "clock").json()["now"] == 1767225611.0


def test_settings_are_read_and_changed(purchaser: Purchaser) -> None:
    purchaser.settings(processing_after=0, completed_after=1, balance="10.50", seed="other")
    settings = purchaser.control("GET", "settings").json()

    placed = purchaser.order(product=1410, amount=5)
    purchaser.clock.advance(1)

    assert placed.json()["status"] == "Processing"
    assert purchaser.status() == "Completed"
    assert settings.pop("available")["1803"] is False
    assert settings == {
        "processing_after": 0,
        "completed_after": 1,
        "per_second": None,
        "per_minute": None,
        "currency": "USD",
        "exchange_rates": {"EUR": 1.1, "CAD": 0.75},
        "seed": "other",
        "balance": 10.5,
    }


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("settings", {"nonsense": 1}, "There is no setting 'nonsense'."),
        ("settings", {"processing_after": -1}, "processing_after cannot be -1."),
        ("settings", {"processing_after": None}, "processing_after cannot be None."),
        ("settings", {"per_second": True}, "per_second cannot be True."),
        ("settings", {"environment": "moon"}, "production, uat, unlimited"),
        ("settings", {"available": {"7": True}}, "There is no product 7."),
        ("settings", {"balance": 0.001}, "remainder below the cent"),
        ("clock", {"speed": 2}, "The clock has no speed."),
        ("clock", {"advance": "x"}, "ValueError"),
        ("orders/NCT-1", {"status": "Cancelled"}, "There is no order 'NCT-1'."),
        ("orders/NCT-PO-P-099624", {}, "KeyError"),
        ("funds", {}, "KeyError"),
        ("stranger", {"giftCardTypeId": 7}, "There is no product 7."),
        ("stranger", {"reference": "ref-1"}, "This reference is taken."),
        ("faults", [1], "The body must be a JSON object."),
    ],
)
def test_a_control_request_that_makes_no_sense_changes_nothing(
    purchaser: Purchaser, path: str, body: Any, words: str
) -> None:
    purchaser.order()
    before = purchaser.control("GET", "settings").body, purchaser.ledger()

    refused = purchaser.control("POST", path, body)

    assert refused.status == 400
    assert words in refused.json()["error"]
    assert (purchaser.control("GET", "settings").body, purchaser.ledger()) == before


def test_half_a_change_of_settings_is_no_change(purchaser: Purchaser) -> None:
    purchaser.control("POST", "settings", {"completed_after": 99, "nonsense": 1})

    assert purchaser.provider.setting("completed_after") == 5.0


def test_an_unknown_control_end_point_names_the_known_ones(purchaser: Purchaser) -> None:
    refused = purchaser.control("PUT", "state")

    assert refused.status == 404
    assert "GET state" in refused.json()["known"]


@pytest.mark.parametrize("status", ["Temporary Out Of Stock", "Cancelled", "Gone fishing"])
def test_a_forced_status_stays(purchaser: Purchaser, status: str) -> None:
    name = purchaser.order().json()["name"]

    purchaser.control("POST", f"orders/{name}", {"status": status})
    purchaser.clock.advance(3600)

    assert purchaser.status() == status


def test_a_forced_completion_issues_the_cards_whatever_the_funds(purchaser: Purchaser) -> None:
    purchaser.settings(balance=0)
    name = purchaser.order().json()["name"]

    for _ in range(2):
        purchaser.control("POST", f"orders/{name}", {"status": "Completed"})

    assert len(purchaser.cards(name)) == 1
    assert purchaser.balance() == -25


def test_a_completed_order_can_be_cancelled_with_its_money_back(purchaser: Purchaser) -> None:
    before = purchaser.balance()
    name = purchaser.order().json()["name"]
    purchaser.clock.advance(6)

    purchaser.control("POST", f"orders/{name}", {"status": "Cancelled", "refund": True})

    assert purchaser.status() == "Cancelled"
    assert purchaser.balance() == before


def test_a_strangers_order_shows_in_the_history_and_costs_us_nothing(purchaser: Purchaser) -> None:
    before = purchaser.balance()

    made = purchaser.control(
        "POST", "stranger", {"reference": "theirs", "giftCardTypeId": 1301, "amount": 50}
    ).json()

    [listed] = purchaser.get("/orders").json()["data"]
    assert (made["stranger"], listed["customerReference"], listed["amount"]) == (True, "theirs", 50)
    assert purchaser.status("theirs") == "Completed"
    assert purchaser.balance() == before


def test_a_reset_leaves_nothing_but_the_seed(purchaser: Purchaser) -> None:
    purchaser.settings(completed_after=99, seed="mine")
    purchaser.order()
    purchaser.add()
    purchaser.arm("http_500")
    purchaser.control("POST", "clock", {"advance": 100})

    purchaser.control("POST", "reset")
    fresh = SimulatedNcentiva(clock=VirtualClock(), seed="mine")

    for path in ("state", "ledger", "settings", "clock", "journal", "faults"):
        expected = Purchaser(fresh, VirtualClock()).control("GET", path).json()
        assert purchaser.control("GET", path).json() == expected
