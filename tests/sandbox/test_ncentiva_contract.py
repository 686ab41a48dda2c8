"""The edges of the simulated Ncentiva: who may ask, how often, and in which words."""

import base64
from typing import Any

import pytest

from providers.sandbox.ncentiva import SimulatedNcentiva
from providers.sandbox.wire import Request
from tests.sandbox.conftest import HEADERS, Purchaser, basic

OPERATIONS = [
    ("GET", "/inventory"),
    ("GET", "/account/balance"),
    ("GET", "/orders"),
    ("POST", "/orders"),
    ("GET", "/orders/NCT-PO-P-099624"),
    ("GET", "/orders/customer-reference/ref-1"),
    ("GET", "/orders/NCT-PO-P-099624/cards"),
    ("GET", "/cart"),
    ("POST", "/cart/items"),
    ("DELETE", "/cart/items/1"),
    ("POST", "/cart/checkout"),
]
STRANGERS = ["", "Basic", "Basic !!!", basic("sandbox", "wrong"), basic("sandböx", "sandbox")]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("authorization", [*STRANGERS, "Bearer sandbox"])
def test_only_the_key_of_the_portal_opens(
    purchaser: Purchaser, method: str, path: str, authorization: str
) -> None:
    refused = purchaser.ask(method, path, {}, Authorization=authorization)

    assert refused.status == 401
    assert refused.json() == {"code": "UNAUTHORIZED", "message": "Unauthorized"}
    assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_a_key_without_a_colon_is_no_key(purchaser: Purchaser) -> None:
    token = "Basic " + base64.b64encode(b"sandbox").decode()

    assert purchaser.ask("GET", "/cart", Authorization=token).status == 401


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/orders", "GET, POST"),
        ("DELETE", "/orders/NCT-PO-P-099624", "GET"),
        ("POST", "/orders/customer-reference/x", "GET"),
        ("GET", "/cart/items", "POST"),
        ("HEAD", "/cart", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    purchaser: Purchaser, method: str, path: str, allow: str
) -> None:
    refused = purchaser.ask(method, path)

    assert (refused.status, refused.headers["Allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/nothing", "/orders/", "/orders/a/b", "/cart/", "/orders/customer-reference/"],
)
def test_an_unknown_path_is_not_found(purchaser: Purchaser, path: str) -> None:
    assert purchaser.get(path).status == 404


def test_the_prefix_is_part_of_the_path(purchaser: Purchaser) -> None:
    assert purchaser.provider.handle(Request.to("GET", "/orders", HEADERS)).status == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not valid JSON"),
        (b"{", "The body is not valid JSON"),
        (b"[]", "The body must be a JSON object"),
        (b"null", "The body must be a JSON object"),
        (b"\xff", "The body is not valid JSON"),
        (b"[" * 100_000, "The body is not valid JSON"),
        (b'{"giftCardTypeId":NaN,"amount":25}', "The body is not valid JSON"),
        (b'{"amount":25,"amount":26,"giftCardTypeId":1234}', "The body is not valid JSON"),
        (b'{"amount":' + b"9" * 5000 + b"}", "The body is not valid JSON"),
        ({"amount": 25}, "giftCardTypeId must be an integer"),
        ({"giftCardTypeId": "1234", "amount": 25}, "giftCardTypeId must be an integer"),
        ({"giftCardTypeId": True, "amount": 25}, "giftCardTypeId must be an integer"),
        ({"giftCardTypeId": 1234, "amount": 25.5}, "amount must be an integer"),
        ({"giftCardTypeId": 1234, "amount": None}, "amount must be an integer"),
        ({"giftCardTypeId": 1234, "amount": -25}, "amount must be at least 1"),
        ({"giftCardTypeId": 2**70, "amount": 25}, f"Gift Card Type with ID {2**70} not found"),
        ({"giftCardTypeId": -1, "amount": 25}, "Gift Card Type with ID -1 not found"),
        ({"orderReference": None}, "orderReference must be a string"),
        ({"orderReference": 5}, "orderReference must be a string"),
        ({"orderReference": "x" * 65}, "orderReference must not be longer than 64 characters"),
        ({"orderReference": "\ud800"}, "orderReference must be valid text"),
    ],
)
def test_a_malformed_order_is_refused(purchaser: Purchaser, body: Any, message: str) -> None:
    if isinstance(body, dict) and "orderReference" in body:
        body = {"giftCardTypeId": 1234, "amount": 25, **body}

    refused = purchaser.ask("POST", "/orders", body)

    assert (refused.status, refused.json()) == (400, {"code": "BAD_REQUEST", "message": message})
    assert purchaser.ledger() == []


def test_the_longest_reference_is_taken(purchaser: Purchaser) -> None:
    assert purchaser.order("x" * 64).status == 200


def test_orders_without_a_reference_do_not_collide(purchaser: Purchaser) -> None:
    statuses = [purchaser.order(None).status, purchaser.order(None).status]

    assert statuses == [200, 200]
    assert purchaser.get("/orders").json()["data"][0]["customerReference"] is None


def test_only_json_is_taken(purchaser: Purchaser) -> None:
    refused = purchaser.ask("POST", "/orders", {}, **{"Content-Type": "text/plain"})

    assert (refused.status, refused.json()["message"]) == (
        400,
        "Content-Type must be application/json",
    )


@pytest.mark.parametrize("path", ["/orders", "/inventory"])
@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=", "page=1.0", "page=%D9%A1", "page=1&page=2"]
    + ["pageSize=0", "pageSize=2001", "size=5"],
)
def test_a_page_that_cannot_be_is_refused(purchaser: Purchaser, path: str, query: str) -> None:
    assert purchaser.get(f"{path}?{query}").status == 400


def test_the_history_is_read_in_pages_newest_first(purchaser: Purchaser) -> None:
    for number in range(5):
        purchaser.order(f"ref-{number}")

    pages = [purchaser.get(f"/orders?page={page}&pageSize=2").json() for page in (1, 2, 3, 4)]

    references = [[one["customerReference"] for one in page.pop("data")] for page in pages]
    assert references == [["ref-4", "ref-3"], ["ref-2", "ref-1"], ["ref-0"], []]
    assert pages[0] == {"page": 1, "pageSize": 2, "totalRecords": 5, "totalPages": 3}


def test_a_page_far_behind_the_end_is_empty(purchaser: Purchaser) -> None:
    far = purchaser.get(f"/orders?page={10**29}&pageSize=2000")

    assert (far.status, far.json()["data"]) == (200, [])


def test_the_catalogue_has_what_a_buyer_may_meet(purchaser: Purchaser) -> None:
    items = purchaser.get("/inventory").json()["data"]

    assert len(items) == 12
    assert {item["currency"] for item in items} == {"USD", "EUR", "CAD"}
    assert {item["denominationType"] for item in items} == {"fixed", "variable"}
    assert [item["giftCardTypeId"] for item in items if not item["available"]] == [1803]
    assert items[0] == {
        "giftCardTypeId": 1234,
        "name": "Amazon US $25",
        "brand": "Amazon",
        "currency": "USD",
        "denominationType": "fixed",
        "cardValue": 25.0,
        "minAmount": None,
        "maxAmount": None,
        "available": True,
    }


def test_some_cards_come_as_a_claim_link_and_some_as_a_claim_code(purchaser: Purchaser) -> None:
    link = purchaser.order("link", product=1633, amount=20).json()["name"]
    code = purchaser.order("code", product=1234).json()["name"]
    purchaser.clock.advance(6)

    [by_link], [by_code] = purchaser.cards(link), purchaser.cards(code)

    assert by_link["claimUrl"].startswith("https://claim.example.com/g/")
    assert (by_code["claimUrl"], by_code["pin"], len(by_code["cardNumber"])) == (None, None, 16)


def at_production_limits(purchaser: Purchaser) -> None:
    """Undo the fixture's lifting of the limits."""
    purchaser.settings(environment="production")


def test_the_third_request_of_a_second_is_too_many(purchaser: Purchaser) -> None:
    at_production_limits(purchaser)

    replies = [purchaser.get("/cart") for _ in range(3)]
    purchaser.clock.advance(1.01)

    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[2].headers["Retry-After"] == "1"
    assert purchaser.get("/cart").status == 200


def test_the_sixty_first_request_of_a_minute_is_too_many(purchaser: Purchaser) -> None:
    at_production_limits(purchaser)
    statuses = []
    for _ in range(61):
        statuses.append(purchaser.get("/cart").status)
        purchaser.clock.advance(0.75)
    refused = purchaser.get("/cart")
    purchaser.clock.advance(float(refused.headers["Retry-After"]))

    assert statuses == [200] * 60 + [429]
    assert refused.headers["Retry-After"] == "15"
    assert purchaser.get("/cart").status == 200


def test_uat_allows_less(purchaser: Purchaser) -> None:
    purchaser.settings(environment="uat")

    assert [purchaser.get("/cart").status for _ in range(2)] == [200, 429]
    assert purchaser.provider.setting("per_minute") == 20


def test_production_limits_are_the_default() -> None:
    fresh = SimulatedNcentiva()

    assert (fresh.setting("per_second"), fresh.setting("per_minute")) == (2, 60)


def test_refused_requests_and_strangers_use_up_nothing(purchaser: Purchaser) -> None:
    at_production_limits(purchaser)
    for _ in range(5):
        purchaser.ask("GET", "/cart", Authorization=basic("a", "b"))

    assert [purchaser.get("/cart").status for _ in range(2)] == [200, 200]


def test_every_arrival_is_noted_with_its_time(purchaser: Purchaser) -> None:
    at_production_limits(purchaser)
    purchaser.order()
    purchaser.clock.advance(0.25)
    purchaser.get("/cart")
    purchaser.get("/cart")

    noted = purchaser.journal()

    keys = ("at", "method", "operation", "reference", "admitted", "status")
    start = 1767225600.0
    assert [tuple(one[key] for key in keys) for one in noted] == [
        (start, "POST", "createOrder", "ref-1", True, 200),
        (start + 0.25, "GET", "getCart", None, True, 200),
        (start + 0.25, "GET", "getCart", None, False, 429),
    ]
    assert noted[0]["path"] == "/api/purchasers/v1/orders"
