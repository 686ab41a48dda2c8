"""Faults hit the requests they were armed for, and the ledger says what really happened."""

import gzip
import json
from typing import Any

import pytest

from providers.sandbox.faults import Commits, Kind
from providers.sandbox.mutations import MUTATIONS
from providers.sandbox.ncentiva import SimulatedNcentiva
from providers.sandbox.wire import Reply, Wrong
from tests.sandbox.conftest import Purchaser

KINDS = list(SimulatedNcentiva().faults.kinds.values())
ON_A_PURCHASE = [
    kind for kind in KINDS if kind.operations is None or "createOrder" in kind.operations
]


def test_the_library_is_whole() -> None:
    assert len(KINDS) >= 27 + 12
    assert len([kind for kind in KINDS if kind.name.startswith("mutate_")]) == 12
    assert all(kind.what for kind in KINDS)


@pytest.mark.parametrize("kind", ON_A_PURCHASE, ids=lambda kind: kind.name)
def test_a_fault_commits_the_order_exactly_when_it_says_so(
    purchaser: Purchaser, kind: Kind
) -> None:
    purchaser.arm(kind.name, operation="createOrder")

    purchaser.order()
    at_once = len(purchaser.ledger())
    purchaser.clock.advance(901)
    in_the_end = len([one for one in purchaser.ledger() if not one["stranger"]])

    [arrival] = purchaser.journal()
    expected = {Commits.NEVER: (0, 0), Commits.FIRST: (1, 1), Commits.LATER: (0, 1)}
    assert (at_once, in_the_end) == expected[kind.commits]
    assert arrival["executed"] == kind.commits.value
    assert arrival["faults"] == [kind.name]
    assert arrival["subject"] == (None if kind.commits == Commits.NEVER else "NCT-PO-P-099624")


@pytest.mark.parametrize("kind", ON_A_PURCHASE, ids=lambda kind: kind.name)
def test_a_fault_strikes_as_often_as_it_was_armed_for(purchaser: Purchaser, kind: Kind) -> None:
    purchaser.arm(kind.name, count=1, operation="createOrder")

    purchaser.order("one")
    purchaser.order("two")

    assert [one["faults"] for one in purchaser.journal()] == [[kind.name], []]


@pytest.mark.parametrize(
    "name", [kind.name for kind in ON_A_PURCHASE if "commit" in kind.parameters]
)
@pytest.mark.parametrize("commit", [True, False])
def test_a_withheld_answer_can_be_had_with_and_without_effect(
    purchaser: Purchaser, name: str, commit: bool
) -> None:
    purchaser.arm(name, {"commit": commit}, operation="createOrder")

    reply = purchaser.order()

    assert len(purchaser.ledger()) == int(commit)
    assert reply.body == b"" or "NCT-PO" not in reply.body.decode()


def test_a_fault_waits_for_its_operation_its_reference_and_its_turn(purchaser: Purchaser) -> None:
    purchaser.arm("http_503", operation="getBalance")
    purchaser.arm("http_500", reference="mine")
    purchaser.arm("http_502", operation="getCart", skip=2)

    statuses = [
        purchaser.order("other").status,
        purchaser.get("/account/balance").status,
        purchaser.order("mine").status,
        purchaser.order("mine").status,
        *(purchaser.get("/cart").status for _ in range(4)),
    ]

    assert statuses == [200, 503, 500, 200, 200, 200, 502, 200]


def test_a_reference_is_recognised_behind_the_name_of_its_order(purchaser: Purchaser) -> None:
    name = purchaser.order("mine").json()["name"]
    purchaser.arm("http_500", reference="mine", operation="getOrder")

    assert purchaser.get(f"/orders/{name}").status == 500


def test_chance_is_the_same_for_the_same_seed(purchaser: Purchaser) -> None:
    def draw() -> list[int]:
        purchaser.provider.reset()
        purchaser.settings(environment="unlimited")
        purchaser.arm("http_503", count=None, probability=0.3, seed=7)
        return [purchaser.get("/cart").status for _ in range(200)]

    first, second = draw(), draw()

    assert first == second
    assert 35 <= first.count(503) <= 85


def test_a_cleared_fault_does_not_strike(purchaser: Purchaser) -> None:
    purchaser.arm("http_500", count=None)
    purchaser.control("DELETE", "faults")

    assert purchaser.get("/cart").status == 200


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "nonsense"}, "No fault is called 'nonsense'"),
        ({"name": "http_500", "operation": "nonsense"}, "No operation is called 'nonsense'"),
        ({"name": "cancelled", "operation": "getCart"}, "does not apply to getCart"),
        ({"name": "latency", "params": {"minutes": 1}}, "no parameter 'minutes'"),
        ({"name": "latency", "params": {"seconds": "1"}}, "cannot be '1'"),
        ({"name": "http_500", "params": {"commit": 1}}, "cannot be 1"),
    ],
)
def test_a_fault_that_makes_no_sense_is_not_armed(
    purchaser: Purchaser, given: dict[str, Any], words: str
) -> None:
    answer = purchaser.control("POST", "faults", given)

    assert answer.status == 400
    assert words in answer.json()["error"]
    assert purchaser.control("GET", "faults").json()["armed"] == []


def test_a_late_order_appears_after_its_delay_and_only_then(purchaser: Purchaser) -> None:
    purchaser.arm("late_commit", {"delay": 900})
    answer = purchaser.order()
    purchaser.clock.advance(899)
    before = purchaser.status()

    purchaser.clock.advance(2)

    assert (answer.status, before) == (504, "404")
    assert purchaser.status() == "Open"
    assert purchaser.ledger()[0]["committed_at"] == 1767225600 + 900


def test_a_late_order_is_refused_when_its_reference_was_bought_meanwhile(
    purchaser: Purchaser,
) -> None:
    purchaser.arm("late_commit", {"delay": 60, "answer": "hang"})
    silent = purchaser.order()
    purchaser.order()
    purchaser.clock.advance(61)

    orders = purchaser.ledger()
    [late] = purchaser.control("GET", "ledger").json()["postponed"]

    assert silent.misbehaviour is not None
    assert silent.misbehaviour.kind == Wrong.HANG
    assert len(orders) == 1
    assert late["outcome"] == "refused"


def test_a_hidden_order_exists_but_no_look_up_sees_it(purchaser: Purchaser) -> None:
    purchaser.arm("timeout_after_commit")
    purchaser.arm("delayed_visibility", {"seconds": 1200})
    purchaser.order()
    name = purchaser.ledger()[0]["name"]
    purchaser.clock.advance(1199)
    hidden = [
        purchaser.status(),
        purchaser.get(f"/orders/{name}").status,
        purchaser.get(f"/orders/{name}/cards").status,
        purchaser.get("/orders").json()["totalRecords"],
        purchaser.order().json()["message"],
    ]

    purchaser.clock.advance(2)

    assert hidden == ["404", 404, 404, 0, "Duplicate customer reference"]
    assert purchaser.status() == "Completed"


@pytest.mark.parametrize(
    ("name", "params", "seen"),
    [
        ("out_of_stock", {}, ["Processing", "Temporary Out Of Stock", "Temporary Out Of Stock"]),
        ("low_fund", {}, ["Processing", "API Low Fund", "API Low Fund"]),
        ("on_hold", {"resume_after": 20}, ["Processing", "On hold", "Completed"]),
        ("cancelled", {}, ["Processing", "Cancelled", "Cancelled"]),
        ("status_jump", {}, ["Completed", "Completed", "Completed"]),
        ("status_unknown", {"text": "Gone fishing"}, ["Gone fishing"] * 3),
        ("status_regression", {"after": 0.5}, ["Processing", "Processing", "Processing"]),
        (
            "status_regression",
            {"after": 1, "to": "Cancelled", "resume_after": 9},
            ["Processing", "Cancelled", "Completed"],
        ),
    ],
)
def test_an_order_takes_the_way_that_was_armed(
    purchaser: Purchaser, name: str, params: dict[str, Any], seen: list[str]
) -> None:
    purchaser.arm(name, params)
    purchaser.order()

    found = []
    for seconds in (3, 4, 30):
        purchaser.clock.advance(seconds)
        found.append(purchaser.status())

    assert found == seen


def test_a_regressed_order_has_been_completed_and_is_paid_once(purchaser: Purchaser) -> None:
    before = purchaser.balance()
    purchaser.arm("status_regression", {"resume_after": 10})
    purchaser.order()

    purchaser.clock.advance(60)

    assert purchaser.status() == "Completed"
    assert purchaser.ledger()[0]["cards_count"] == 1
    assert purchaser.balance() == before - 25


def test_a_cancelled_order_costs_nothing(purchaser: Purchaser) -> None:
    before = purchaser.balance()
    purchaser.arm("cancelled")
    purchaser.order()

    purchaser.clock.advance(60)

    assert purchaser.balance() == before
    assert purchaser.ledger()[0]["cards_count"] == 0


def bulk(purchaser: Purchaser, fault: str, **params: Any) -> list[str]:
    """Buy three cards in one order that the fault shapes; returns their numbers."""
    purchaser.arm(fault, params, operation="checkoutCart")
    purchaser.add(quantity=3)
    name = purchaser.ask("POST", "/cart/checkout", {"orderReference": "bulk"}).json()["name"]
    purchaser.clock.advance(6)
    return [card["cardNumber"] for card in purchaser.cards(name)]


def test_more_and_fewer_cards_than_ordered_can_come(purchaser: Purchaser) -> None:
    more = bulk(purchaser, "extra_cards", cards=2)
    purchaser.provider.reset()
    purchaser.settings(environment="unlimited")
    fewer = bulk(purchaser, "missing_cards", cards=2)

    assert (len(set(more)), len(set(fewer))) == (5, 1)


def test_a_code_can_come_twice_in_one_order(purchaser: Purchaser) -> None:
    codes = bulk(purchaser, "duplicate_code")

    assert (len(codes), len(set(codes))) == (3, 2)


def test_a_single_card_can_come_with_a_twin(purchaser: Purchaser) -> None:
    purchaser.arm("duplicate_code")
    name = purchaser.order().json()["name"]
    purchaser.clock.advance(6)

    codes = [card["cardNumber"] for card in purchaser.cards(name)]

    assert (len(codes), len(set(codes))) == (2, 1)


@pytest.mark.parametrize("someone_bought_before", [True, False])
def test_the_code_of_another_order_can_come(
    purchaser: Purchaser, someone_bought_before: bool
) -> None:
    if someone_bought_before:
        purchaser.order("earlier")
        purchaser.clock.advance(6)

    codes = bulk(purchaser, "foreign_code")

    others = [
        card["card_number"]
        for order in purchaser.ledger()
        if order["reference"] != "bulk"
        for card in order["cards"]
    ]
    assert len(codes) == 3
    assert codes[-1] in others


@pytest.mark.parametrize(
    ("fault", "params", "field", "value"),
    [
        ("amount_off_by_one", {}, "amount", 26),
        ("amount_off_by_one", {"by": -1}, "amount", 24),
        ("quantity_off_by_one", {}, "quantity", 2),
        ("echo_other_reference", {"reference": "x"}, "customerReference", "x"),
        ("missing_name", {}, "name", None),
        ("clock_skew", {"hours": -24}, "createdDate", "2025-12-31T00:00:00Z"),
    ],
)
def test_an_answer_can_lie_about_a_true_order(
    purchaser: Purchaser, fault: str, params: dict[str, Any], field: str, value: Any
) -> None:
    purchaser.arm(fault, params)

    told = purchaser.order().json()

    assert told.get(field) == value
    truth = purchaser.ledger()[0]
    assert (truth["lines"][0]["amount"], truth["reference"]) == (25, "ref-1")


def test_strangers_shift_the_pages_while_they_are_read(purchaser: Purchaser) -> None:
    for number in range(4):
        purchaser.order(f"ref-{number}")
    purchaser.arm("paging_shift", {"rows": 1})

    first = purchaser.get("/orders?pageSize=2").json()["data"]
    second = purchaser.get("/orders?pageSize=2&page=2").json()

    assert [one["customerReference"] for one in first] == ["ref-3", "ref-2"]
    assert [one["customerReference"] for one in second["data"]] == ["ref-2", "ref-1"]
    assert second["totalRecords"] == 5


EXPECTED_MUTATIONS: dict[str, Any] = {
    "null": '"name":null',
    "bool": '"amount":true',
    "string_number": '"amount":"25"',
    "nan": '"amount":NaN',
    "nested": '"amount":{"value":25}',
    "missing": '{"status"',
    "extra": '"unexpectedField":{"deep":[1,{"er":null}]}',
    "duplicate_key": '"amount":26',
    "huge_int": '"amount":1000000000000000000000000000000',
    "unicode": "\u200fNCT-PO-P-０９９６２４\u200b",
    "negative": '"amount":-25',
    "float": '"amount":25.005',
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_answer_can_break_its_schema_in_twelve_ways(purchaser: Purchaser, name: str) -> None:
    purchaser.arm(f"mutate_{name}")

    text = purchaser.order().body.decode()

    assert EXPECTED_MUTATIONS[name] in text
    assert text.count('"amount":') == (2 if name == "duplicate_key" else 1)


@pytest.mark.parametrize("name", [name for name in MUTATIONS if name != "extra"])
def test_a_mutation_reaches_the_field_that_it_is_told(purchaser: Purchaser, name: str) -> None:
    before = purchaser.get("/inventory?pageSize=1").json()["data"][0]
    purchaser.arm(f"mutate_{name}", {"field": "cardValue"}, operation="listInventory")

    text = purchaser.get("/inventory?pageSize=1").body.decode()

    assert before["cardValue"] == 25.0
    assert text.count('"cardValue":25.0,') == int(name == "duplicate_key")


def test_a_fault_with_nothing_to_bite_on_waits(purchaser: Purchaser) -> None:
    purchaser.arm("mutate_null", {"field": "cardNumber"})
    purchaser.order()
    purchaser.clock.advance(6)

    assert purchaser.cards("NCT-PO-P-099624")[0]["cardNumber"] is None
    assert [one["faults"] for one in purchaser.journal()] == [[], ["mutate_null"]]


@pytest.mark.parametrize(
    ("fault", "params", "status", "headers", "words"),
    [
        ("html_200", {}, 200, {"Content-Type": "text/html; charset=utf-8"}, "sign in"),
        ("html_502", {}, 502, {"Content-Type": "text/html; charset=utf-8"}, "Bad gateway"),
        ("empty_200", {}, 200, {}, ""),
        ("no_content_204", {}, 204, {}, ""),
        ("redirect_301", {}, 301, {"Location": "http://127.0.0.1:9/hostile"}, ""),
        ("redirect_302", {"location": "http://x/"}, 302, {"Location": "http://x/"}, ""),
        ("redirect_307", {}, 307, {}, ""),
        ("redirect_308", {}, 308, {}, ""),
        ("bad_request_known", {}, 400, {}, "Gift Card Type with ID 1234 not found"),
        ("bad_request_unknown", {"message": "Hm"}, 400, {}, '"message":"Hm"'),
        ("bad_request_html", {}, 400, {"Content-Type": "text/html; charset=utf-8"}, "<html>"),
        ("maintenance", {}, 400, {}, "currently on maintenance"),
        ("duplicate_reference", {}, 400, {}, "Duplicate customer reference"),
        ("http_401", {}, 401, {}, "UNAUTHORIZED"),
        ("http_403", {}, 403, {}, "FORBIDDEN"),
        ("http_404", {}, 404, {}, "NOT_FOUND"),
        ("rate_limited", {"retry_after": 7}, 429, {"Retry-After": "7"}, "Too many"),
        ("http_500", {}, 500, {}, "Internal server error"),
        ("http_502", {}, 502, {}, "Bad gateway"),
        ("http_503", {}, 503, {}, "unavailable"),
        ("http_504", {}, 504, {}, "timed out"),
    ],
)
def test_an_answer_can_be_another_one(
    purchaser: Purchaser,
    fault: str,
    params: dict[str, Any],
    status: int,
    headers: dict[str, str],
    words: str,
) -> None:
    purchaser.arm(fault, params)

    reply = purchaser.order()

    assert reply.status == status
    assert headers.items() <= reply.headers.items()
    assert words in reply.body.decode()
    assert bool(reply.body) == bool(words)


def test_a_429_can_come_without_a_hint(purchaser: Purchaser) -> None:
    purchaser.arm("rate_limited_no_hint")

    reply = purchaser.order()

    assert reply.status == 429
    assert "Retry-After" not in reply.headers


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("timeout_before_commit", Wrong.HANG),
        ("timeout_after_commit", Wrong.HANG),
        ("reset_before_commit", Wrong.RESET),
        ("reset_after_commit", Wrong.RESET),
        ("half_headers", Wrong.HALF_HEADERS),
        ("truncated_json", Wrong.TRUNCATED),
        ("slow_drip", Wrong.DRIP),
        ("overlong_body", Wrong.OVERLONG),
        ("wrong_content_length", Wrong.WRONG_LENGTH),
    ],
)
def test_the_wire_is_told_what_to_do_wrong(purchaser: Purchaser, fault: str, kind: Wrong) -> None:
    purchaser.arm(fault)

    reply = purchaser.order()

    assert reply.misbehaviour is not None
    assert reply.misbehaviour.kind == kind


def test_latency_changes_nothing_but_the_time(purchaser: Purchaser) -> None:
    purchaser.arm("latency", {"seconds": 3})

    reply = purchaser.order()

    assert (reply.status, reply.delay, reply.misbehaviour) == (200, 3.0, None)
    assert reply.json()["name"] == "NCT-PO-P-099624"


def test_a_bomb_is_small_on_the_wire_and_a_true_answer_inside(purchaser: Purchaser) -> None:
    purchaser.arm("gzip_bomb", {"mebibytes": 8})

    reply: Reply = purchaser.order()
    inside = gzip.decompress(reply.body)

    assert reply.headers["Content-Encoding"] == "gzip"
    assert len(reply.body) < 64 * 1024
    assert len(inside) > 8 * 1024 * 1024
    assert json.loads(inside)["customerReference"] == "ref-1"
