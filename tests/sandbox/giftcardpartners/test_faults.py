"""Faults of the simulated GiftCard Partners: what an answer says, and what really happened."""

from typing import Any

import pytest

from providers.sandbox.faults import Commits, Kind
from providers.sandbox.giftcardpartners import SimulatedGiftCardPartners
from providers.sandbox.wire import Reply
from tests.sandbox.giftcardpartners.conftest import PAIR, Customer, claims, line

KINDS = list(SimulatedGiftCardPartners().faults.kinds.values())
OPERATIONS = [one.id for one in SimulatedGiftCardPartners.operations]
WAITS_FOR_A_CONFLICT = {"conflict_without_ids", "conflict_html", "conflict_foreign_id"}
ON_A_PURCHASE = [
    kind
    for kind in KINDS
    if (kind.operations is None or "createOrder" in kind.operations)
    and kind.name not in WAITS_FOR_A_CONFLICT
]
ANYWHERE = [kind for kind in KINDS if kind.operations is None]
NO_NUMBERS = {"listCarriers", "listBrandings", "listDepartments", "getStatus"}
ON_A_NUMBER = {
    "bool",
    "string_number",
    "nan",
    "nested",
    "duplicate_key",
    "huge_int",
    "negative",
    "float",
}


@pytest.mark.parametrize("kind", ON_A_PURCHASE, ids=lambda kind: kind.name)
def test_a_fault_commits_the_order_exactly_when_it_says_so(customer: Customer, kind: Kind) -> None:
    customer.arm(kind.name, operation="createOrder")

    customer.order()
    at_once = len([one for one in customer.ledger() if not one["stranger"]])
    customer.clock.advance(901)
    in_the_end = len([one for one in customer.ledger() if not one["stranger"]])

    arrival = customer.told("GET", "journal")[-1]
    expected = {Commits.NEVER: (0, 0), Commits.FIRST: (1, 1), Commits.LATER: (0, 1)}
    assert (at_once, in_the_end) == expected[kind.commits]
    assert arrival["executed"] == kind.commits.value
    assert arrival["faults"] == [kind.name]
    assert (arrival["reference"], arrival["operation"]) == ("po-1", "createOrder")
    assert (arrival["subject"] is None) == (kind.commits == Commits.NEVER)


def send(customer: Customer, operation: str, po_number: str) -> Reply:
    """One good request of that operation."""
    found = next(one for one in SimulatedGiftCardPartners.operations if one.id == operation)
    if operation == "createOrder":
        return customer.order(po_number)
    subject = "PRODUCTA" if operation == "getProduct" else customer.ledger()[0]["id"]
    return customer.ask(found.method, found.path.replace("{id}", subject), **PAIR)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_can_suffer_every_common_fault(customer: Customer, operation: str) -> None:
    customer.order()
    for kind in ANYWHERE:
        customer.told("DELETE", "faults")
        customer.arm(kind.name, operation=operation)
        customer.clock.advance(1)

        send(customer, operation, kind.name)

        struck = customer.told("GET", "journal")[-1]["faults"] == [kind.name]
        nothing_there = operation in NO_NUMBERS and kind.name.removeprefix("mutate_") in ON_A_NUMBER
        assert struck != nothing_there, kind.name


@pytest.mark.parametrize("name", ["http_401", "http_403", "http_404", "rate_limited", "http_504"])
def test_every_refusal_speaks_as_the_contract_does(customer: Customer, name: str) -> None:
    customer.arm(name)

    refused = customer.order()

    assert refused.status >= 400
    assert refused.json().keys() == {"Message"}


def test_a_conflict_can_hide_the_earlier_order(customer: Customer) -> None:
    first = customer.order().json()["Id"]
    for name in ("conflict_without_ids", "conflict_html", "conflict_foreign_id"):
        customer.arm(name)

    bare, page, foreign = customer.order(), customer.order(), customer.order()

    assert [bare.status, page.status, foreign.status] == [409, 409, 409]
    assert bare.json().keys() == {"Message"}
    assert page.headers["Content-Type"].startswith("text/html")
    [other] = foreign.json()["PreviousOrderIds"]
    assert other != first
    assert customer.get(f"/Orders/{other}").json()["PONumber"].startswith("STRANGER")


def test_a_conflict_can_be_invented(customer: Customer) -> None:
    customer.arm("conflict_spurious", {"id": "abc"})

    told = customer.order()

    assert (told.status, told.json()["PreviousOrderIds"]) == (409, ["abc"])
    assert customer.ledger() == []
    assert customer.order().status == 201


def test_insufficient_funds_can_be_invented(customer: Customer) -> None:
    before = customer.available()
    customer.arm("insufficient_funds")

    refused = customer.order()

    assert (refused.status, refused.json()) == (422, {"Message": "Insufficient funds"})
    assert customer.available() == before


@pytest.mark.parametrize(
    ("fault", "params", "seen", "paid"),
    [
        ("pending", {}, ["Pending", "Completed", "Completed"], True),
        ("pending_forever", {}, ["Pending", "Pending", "Pending"], True),
        ("failed", {}, ["Pending", "Failed", "Failed"], False),
        ("cancelled", {"after": 8}, ["Pending", "Pending", "Cancelled"], False),
        ("status_unknown", {"text": "Gone fishing"}, ["Gone fishing"] * 3, True),
        (
            "status_unknown",
            {"resume_after": 20},
            ["Awaiting Fulfilment Partner"] * 2 + ["Completed"],
            True,
        ),
        ("status_regression", {}, ["Completed", "Pending", "Pending"], True),
        ("status_regression", {"to": "Cancelled"}, ["Completed", "Cancelled", "Cancelled"], False),
        ("status_regression", {"resume_after": 9}, ["Completed", "Pending", "Completed"], True),
    ],
)
def test_an_order_takes_the_way_that_was_armed(
    customer: Customer, fault: str, params: dict[str, Any], seen: list[str], paid: bool
) -> None:
    before = customer.available()
    customer.arm(fault, params)
    placed = customer.order()
    found = [placed.json()["Status"]]

    for seconds in (6, 30):
        customer.clock.advance(seconds)
        found.append(customer.look(placed)["Status"])

    assert found == seen
    assert customer.available() == pytest.approx(before - (24.25 if paid else 0))


def test_a_large_order_can_be_completed_at_once(customer: Customer) -> None:
    customer.arm("status_jump")

    assert customer.order("po-1", line(quantity=50)).json()["Status"] == "Completed"


def test_a_line_can_fail_alone(customer: Customer) -> None:
    before = customer.available()
    customer.arm("line_failed", {"position": 2})

    order = customer.order("po-1", line(), line("UBER-L", 15)).json()

    assert (order["Status"], [one["Status"] for one in order["LineItems"]]) == (
        "Completed",
        ["Completed", "Failed"],
    )
    assert len(claims(order)) == 1
    assert customer.available() == pytest.approx(before - 24.25)


@pytest.mark.parametrize(
    ("fault", "params", "there", "different"),
    [
        ("extra_claim_data", {"cards": 2}, 5, 5),
        ("short_claim_data", {"cards": 2}, 1, 1),
        ("short_claim_data", {"cards": 9}, 0, 0),
        ("duplicate_claim_link", {}, 3, 2),
        ("foreign_claim_link", {}, 3, 3),
    ],
)
def test_claim_links_can_be_wrong(
    customer: Customer, fault: str, params: dict[str, Any], there: int, different: int
) -> None:
    customer.arm(fault, params)

    links = claims(customer.order("po-1", line(quantity=3)).json())

    assert (len(links), len(set(links))) == (there, different)


@pytest.mark.parametrize("someone_bought_before", [True, False])
def test_a_claim_link_can_be_that_of_another_order(
    customer: Customer, someone_bought_before: bool
) -> None:
    if someone_bought_before:
        customer.order("earlier")
    customer.arm("foreign_claim_link")

    links = claims(customer.order("mine", line(quantity=2)).json())

    others = [
        card["claim_link"]
        for order in customer.ledger()
        if order["reference"] != "mine"
        for card in order["cards"]
    ]
    assert links[-1] in others
    assert links[0] not in others


@pytest.mark.parametrize(
    ("fault", "params", "field", "value"),
    [
        ("line_value_off", {}, "Value", 26.0),
        ("line_value_off", {"by": -0.01}, "Value", 24.99),
        ("quantity_off", {}, "Quantity", 2),
        ("line_product_swapped", {}, "ProductId", "UBER-L"),
    ],
)
@pytest.mark.parametrize("operation", ["createOrder", "getOrder", "listOrders"])
def test_an_answer_can_lie_about_a_true_line(
    customer: Customer, operation: str, fault: str, params: dict[str, Any], field: str, value: Any
) -> None:
    customer.arm(fault, params, operation=operation)
    told = customer.order().json()
    if operation == "getOrder":
        told = customer.get(f"/Orders/{told['Id']}").json()
    elif operation == "listOrders":
        [told] = customer.get("/Orders").json()["Data"]

    assert told["LineItems"][0][field] == value
    truth = customer.ledger()[0]["lines"][0]
    assert (truth["value_minor"], truth["quantity"], truth["product"]) == (2500, 1, "PRODUCTA")


def test_an_order_can_come_without_its_id_or_with_a_strangers_number(customer: Customer) -> None:
    customer.arm("missing_id")
    customer.arm("echo_other_reference", {"reference": "x"})

    first, second = customer.order("one").json(), customer.order("two").json()

    assert "Id" not in first
    assert second["PONumber"] == "x"


def test_keys_can_come_in_camel_case_everywhere(customer: Customer) -> None:
    customer.arm("camel_case", count=None)

    token = customer.fresh_token().json()
    order = customer.order().json()
    conflict = customer.order().json()

    assert token.keys() == {"value", "expiresIn"}
    assert {"id", "poNumber", "lineItems"} <= order.keys()
    assert "claimLinkChallengeAnswer" in order["lineItems"][0]["claimData"][0]
    assert conflict.keys() == {"message", "previousOrderIds"}


@pytest.mark.parametrize(("by_id", "status"), [(False, 200), (True, 404)])
def test_the_list_can_be_late(customer: Customer, by_id: bool, status: int) -> None:
    customer.arm("delayed_visibility", {"seconds": 1200, "by_id": by_id})
    placed = customer.order()
    customer.clock.advance(1199)
    hidden = [
        customer.get("/Orders").json()["TotalCount"],
        customer.get(f"/Orders/{placed.json()['Id']}").status,
        customer.order().json()["PreviousOrderIds"],
    ]

    customer.clock.advance(2)

    assert hidden == [0, status, [placed.json()["Id"]]]
    assert customer.get("/Orders").json()["TotalCount"] == 1


def test_a_late_order_appears_after_its_delay_and_pays_then(customer: Customer) -> None:
    before = customer.available()
    customer.arm("late_commit", {"delay": 900})
    answer = customer.order()
    customer.clock.advance(899)
    early = customer.ledger(), customer.available()

    customer.clock.advance(2)

    assert (answer.status, early) == (504, ([], before))
    assert customer.order().status == 409
    assert customer.available() == pytest.approx(before - 24.25)


def test_strangers_shift_the_pages_while_they_are_read(customer: Customer) -> None:
    for number in range(4):
        customer.order(f"po-{number}")
    customer.arm("paging_shift", {"rows": 1})

    first = customer.get("/Orders?pageSize=2").json()["Data"]
    second = customer.get("/Orders?pageSize=2&pageIndex=2").json()

    assert [one["PONumber"] for one in first] == ["po-3", "po-2"]
    assert [one["PONumber"] for one in second["Data"]] == ["po-2", "po-1"]
    assert second["TotalCount"] == 5
