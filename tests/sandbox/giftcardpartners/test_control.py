"""Behind the curtain of the simulated GiftCard Partners: the truth, and the hands of its staff."""

from typing import Any

import pytest

from providers.sandbox.clock import VirtualClock
from providers.sandbox.giftcardpartners import SimulatedGiftCardPartners
from tests.sandbox.giftcardpartners.conftest import Customer, claims, line


def test_the_state_is_a_summary_without_secrets(customer: Customer) -> None:
    [link] = claims(customer.order().json())

    state = customer.control("GET", "state")

    assert state.json() == {
        "provider": "giftcardpartners",
        "now": 1767225600.0,
        "available": 49975.75,
        "pending": 0.0,
        "orders": {"Completed": 1},
        "cards": 1,
        "webhooks_waiting": 0,
        "arrivals": 2,
        "postponed": 0,
        "faults_armed": 0,
    }
    assert link.encode() not in state.body
    assert customer.token.encode() not in state.body


def test_the_ledger_tells_everything_about_an_order(customer: Customer) -> None:
    [link] = claims(customer.order(DepartmentId="D1").json())

    told = customer.told("GET", "ledger")

    [order] = told["orders"]
    [card] = order.pop("cards")
    [item] = order.pop("lines")
    assert order == {
        "number": 1,
        "id": order["id"],
        "reference": "po-1",
        "type": "Links",
        "status": "Completed",
        "note": None,
        "department": "D1",
        "webhook": None,
        "cost_minor": 2425,
        "refunded_minor": 0,
        "committed_at": 1767225600.0,
        "listed_at": 1767225600.0,
        "completed_at": 1767225600.0,
        "stranger": False,
        "cards_count": 1,
    }
    assert (item["product"], item["value_minor"], item["quantity"]) == ("PRODUCTA", 2500, 1)
    assert (card["claim_link"], card["line"], card["copy_of"]) == (link, 1, None)
    assert [(one["why"], one["minor"]) for one in told["movements"]] == [
        ("opening", 5_000_000),
        ("order", -2425),
    ]
    assert told["available_minor"] == 4_997_575


def test_funding_is_pending_first_and_available_later(customer: Customer) -> None:
    customer.settings(available=0)
    customer.told("POST", "fund", {"amount": "100.50"})
    pending = customer.get("/AccountBalance").json()
    refused = customer.order().status

    customer.told("POST", "apply", {"amount": 60})
    some = customer.get("/AccountBalance").json()
    customer.told("POST", "apply")

    assert pending == {"Available": 0.0, "Pending": 100.5, "CurrencyCode": "USD"}
    assert refused == 422
    assert (some["Available"], some["Pending"]) == (60.0, 40.5)
    assert customer.get("/AccountBalance").json()["Available"] == 100.5


@pytest.mark.parametrize(
    ("act", "status", "back"),
    [("complete", "Completed", 0), ("fail", "Failed", 24.25), ("cancel", "Cancelled", 24.25)],
)
def test_the_staff_ends_a_pending_order(
    customer: Customer, act: str, status: str, back: float
) -> None:
    customer.settings(pending_above=0)
    placed = customer.order()
    before = customer.available()

    customer.told("POST", f"orders/{placed.json()['Id']}", {"act": act})
    customer.clock.advance(60)

    order = customer.look(placed)
    assert (order["Status"], order["LineItems"][0]["Status"]) == (status, status)
    assert len(claims(order)) == (status == "Completed")
    assert customer.available() == pytest.approx(before + back)


def test_a_line_fails_alone(customer: Customer) -> None:
    customer.settings(pending_above=0)
    placed = customer.order("po-1", line(), line("UBER-L", 15), line(quantity=2))
    before = customer.available()

    customer.told("POST", f"orders/{placed.json()['Id']}", {"act": "fail_line", "line": 2})
    customer.clock.advance(60)

    order = customer.look(placed)
    assert order["Status"] == "Completed"
    assert [one["Status"] for one in order["LineItems"]] == ["Completed", "Failed", "Completed"]
    assert [len(one["ClaimData"]) for one in order["LineItems"]] == [1, 0, 2]
    assert customer.available() == pytest.approx(before + 14.4)


def test_an_order_is_refunded_once(customer: Customer) -> None:
    customer.settings(pending_above=0)
    before = customer.available()
    order_id = customer.order("po-1", line(), line()).json()["Id"]

    customer.told("POST", f"orders/{order_id}", {"act": "fail_line", "line": 1})
    customer.told("POST", f"orders/{order_id}", {"act": "fail"})
    customer.told("POST", f"orders/{order_id}", {"status": "Cancelled", "refund": True})

    assert customer.available() == before
    assert customer.ledger()[0]["refunded_minor"] == 4850


@pytest.mark.parametrize("status", ["Pending", "Gone fishing"])
def test_a_forced_status_stays_and_hides_the_links(customer: Customer, status: str) -> None:
    placed = customer.order()

    customer.told("POST", f"orders/{placed.json()['Id']}", {"status": status})
    customer.clock.advance(3000)

    order = customer.look(placed)
    assert (order["Status"], order["LineItems"][0]["Status"], claims(order)) == (status, status, [])


def test_a_strangers_order_takes_a_po_number_and_none_of_our_money(customer: Customer) -> None:
    before = customer.available()

    made = customer.told("POST", "stranger", {"PONumber": "po-1"})

    refused = customer.order("po-1")
    assert (refused.status, refused.json()["PreviousOrderIds"]) == (409, [made["id"]])
    assert customer.get(f"/Orders/{made['id']}").json()["PONumber"] == "po-1"
    assert (made["stranger"], customer.available()) == (True, before)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("settings", {"nonsense": 1}, "There is no setting 'nonsense'."),
        ("settings", {"pending_above": -1}, "pending_above cannot be -1."),
        ("settings", {"webhooks": 1}, "webhooks cannot be 1."),
        ("settings", {"webhook_body": "poem"}, "webhook_body is one of: order, forged"),
        ("settings", {"po_number_unique_for": "x"}, "po_number_unique_for cannot be 'x'."),
        ("settings", {"available": 0.001}, "remainder below the cent"),
        ("apply", {"amount": 1}, "Only 0.00 is pending."),
        ("fund", {}, "KeyError"),
        ("orders/nothing", {"act": "fail"}, "There is no order 'nothing'."),
        ("orders/{id}", {"act": "eat"}, "The acts are: complete, fail, cancel, fail_line."),
        ("orders/{id}", {"act": "fail"}, "The order is Completed."),
        ("orders/{id}", {"act": "fail_line", "line": 2}, "There is no line 2"),
        ("orders/{id}", {}, "KeyError"),
        ("stranger", {"PONumber": "po-1"}, "This reference is taken."),
        ("stranger", {"Type": "Paper"}, "Type must be one of"),
        ("credentials", {"enabled": 0}, "enabled cannot be 0."),
        ("webhooks/{id}", {}, "The order has no webhook."),
        ("webhooks/{id}", {"body": "poem"}, "body is one of"),
    ],
)
def test_a_control_request_that_makes_no_sense_changes_nothing(
    customer: Customer, path: str, body: dict[str, Any], words: str
) -> None:
    order_id = customer.order().json()["Id"]
    before = customer.told("GET", "settings"), customer.told("GET", "ledger")

    refused = customer.control("POST", path.format(id=order_id), body)

    assert refused.status == 400
    assert words in refused.json()["error"]
    assert (customer.told("GET", "settings"), customer.told("GET", "ledger")) == before


def test_a_rate_limit_can_be_set(customer: Customer) -> None:
    customer.settings(per_second=1)
    customer.clock.advance(2)

    statuses = [customer.get("/Orders").status for _ in range(2)]

    assert statuses == [200, 429]


def test_a_reset_leaves_nothing_but_the_seed(customer: Customer) -> None:
    customer.settings(completed_after=99, seed="mine", pending=5)
    customer.order(WebhookSettings={"FulfillmentComplete": "http://127.0.0.1:9/"})
    customer.arm("http_500")
    customer.told("POST", "clock", {"advance": 100})

    customer.told("POST", "reset")
    fresh = Customer(SimulatedGiftCardPartners(clock=VirtualClock(), seed="mine"), VirtualClock())
    fresh.told("POST", "reset")

    for path in ("state", "ledger", "settings", "clock", "journal", "faults", "webhooks"):
        assert customer.told("GET", path) == fresh.told("GET", path)
    assert customer.get("/Orders").status == 401
