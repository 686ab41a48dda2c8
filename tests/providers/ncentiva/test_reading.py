"""Looking things up: orders, cards, balance, inventory, history."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from giftops.money import Money
from providers.gateways import errors
from providers.gateways.base import (
    ProductKind,
    RemoteCard,
    RemoteProduct,
    Standing,
    UnreadableItem,
)
from providers.gateways.ncentiva import NcentivaGateway
from tests.providers.ncentiva.conftest import REFERENCE, FakeBreaker, FakeBudget
from tests.recorded import recorded, recorded_json
from tests.stubs import StubProvider

NAME = "NCT-PO-P-099623"
HTML = b"<html>log in</html>"
BASE = "/ncentiva/api/purchasers/v1"


def test_an_order_is_found_by_our_reference(gateway: NcentivaGateway, stub: StubProvider) -> None:
    stub.answers(200, recorded("ncentiva/order_completed"))

    order = gateway.find_order("a/b?c ü")

    assert stub.sent == [("GET", f"{BASE}/orders/customer-reference/a%2Fb%3Fc%20%C3%BC")]
    assert order is not None
    assert (order.external_id, order.standing) == (NAME, Standing.COMPLETED)
    assert order.placed_at == datetime(2025, 1, 2, 8, 56, 48, tzinfo=UTC)


def test_an_order_they_do_not_know_is_none(gateway: NcentivaGateway, stub: StubProvider) -> None:
    stub.answers(404, recorded("ncentiva/error_order_not_found"))

    assert gateway.find_order(REFERENCE) is None


@pytest.mark.parametrize(
    "body", [HTML, b"", b"{}", b'{"message": "Not Found"}', b'{"message": "no Route matched"}']
)
def test_a_404_of_something_on_the_way_does_not_count_as_absent(
    gateway: NcentivaGateway, stub: StubProvider, body: bytes
) -> None:
    stub.answers(404, body)

    with pytest.raises(errors.ProviderRejected):
        gateway.find_order(REFERENCE)


READ_FAILURES: dict[str, tuple[int, bytes, type[errors.ProviderError]]] = {
    "HTML 200": (200, HTML, errors.MalformedResponse),
    "empty 200": (200, b"", errors.MalformedResponse),
    "204": (204, b"", errors.MalformedResponse),
    "302": (302, b"", errors.MalformedResponse),
    "400 maintenance": (400, recorded("ncentiva/error_maintenance"), errors.Maintenance),
    "400": (400, b"{}", errors.ProviderRejected),
    "401": (401, b"{}", errors.ProviderMisconfigured),
    "403": (403, b"{}", errors.ProviderMisconfigured),
    "409": (409, b"{}", errors.ProviderUnavailable),
    "429": (429, b"{}", errors.RateLimited),
    "500": (500, b"{}", errors.ProviderUnavailable),
    "502": (502, HTML, errors.ProviderUnavailable),
    "504": (504, b"", errors.ProviderUnavailable),
}
READS = {
    "find_order": lambda gateway: gateway.find_order(REFERENCE),
    "get_order": lambda gateway: gateway.get_order(NAME),
    "get_cards": lambda gateway: gateway.get_cards(NAME),
    "get_balance": lambda gateway: gateway.get_balance(),
    "list_products": lambda gateway: list(gateway.list_products()),
    "list_orders": lambda gateway: gateway.list_orders(1),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(("status", "body", "expected"), READ_FAILURES.values(), ids=READ_FAILURES)
def test_no_read_is_ever_an_unknown_outcome_or_an_absence(
    gateway: NcentivaGateway,
    stub: StubProvider,
    read: Any,
    status: int,
    body: bytes,
    expected: type[errors.ProviderError],
) -> None:
    stub.answers(status, body)

    with pytest.raises(errors.ProviderError) as caught:
        read(gateway)

    assert type(caught.value) is expected


@pytest.mark.parametrize("name", ["get_order", "list_orders", "get_balance", "list_products"])
def test_a_404_is_a_refusal_where_nothing_may_be_missing(
    gateway: NcentivaGateway, stub: StubProvider, name: str
) -> None:
    stub.answers(404, recorded("ncentiva/error_order_not_found"))

    with pytest.raises(errors.ProviderRejected):
        READS[name](gateway)


def test_a_read_is_tried_twice_and_each_try_takes_its_place_in_the_budget(
    gateway: NcentivaGateway, stub: StubProvider, budget: FakeBudget, breaker: FakeBreaker
) -> None:
    stub.answers(503, b"").answers(200, recorded("ncentiva/balance"))

    gateway.get_balance()

    assert budget.seen == ["read", "read"]
    assert breaker.seen == [503, 200]


def test_a_read_is_tried_again_after_a_reset_and_not_a_third_time(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.fails(requests.ConnectionError())

    with pytest.raises(errors.ProviderUnavailable):
        gateway.get_balance()

    assert len(stub.requests) == 2


def test_another_order_than_the_one_asked_for_is_a_mismatch(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("ncentiva/order_completed"))

    with pytest.raises(errors.AnswerMismatch):
        gateway.get_order("NCT-PO-P-000001")


def test_an_order_that_does_not_say_what_was_bought_has_no_lines(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, {"name": NAME, "status": "Open"})

    order = gateway.get_order(NAME)

    assert (order.lines, order.reference) == ((), None)


def test_cards_are_read_and_never_shown(gateway: NcentivaGateway, stub: StubProvider) -> None:
    stub.answers(200, recorded("ncentiva/cards"))

    cards = gateway.get_cards(NAME)

    assert cards == [
        RemoteCard(
            code="6006491234567890",
            pin="1234",
            face_value=Money(2500, "USD"),
            expires_on=date(2030, 12, 31),
        ),
        RemoteCard(
            code="6006491234567891",
            claim_url="https://claim.example.com/abc",
            face_value=Money(2500, "USD"),
        ),
    ]
    assert not [word for word in ("6006", "1234", "claim.example") if word in repr(cards)]


def test_cards_that_are_not_ready_are_none(gateway: NcentivaGateway, stub: StubProvider) -> None:
    stub.answers(404, recorded("ncentiva/error_cards_not_ready"))

    assert gateway.get_cards(NAME) is None


@pytest.mark.parametrize(
    "card",
    [
        {"cardNumber": ""},
        {"cardNumber": None},
        {"cardNumber": 6006491234567890},
        {"amount": None},
        {"amount": "25"},
        {"currency": "dollars"},
        {"expiryDate": "12/31"},
        {"pin": 1234},
    ],
)
def test_a_card_that_cannot_be_read_is_an_alarm_and_not_a_smaller_delivery(
    gateway: NcentivaGateway, stub: StubProvider, card: dict[str, Any]
) -> None:
    answer = recorded_json("ncentiva/cards")
    answer["cards"][0] |= card
    stub.answers(200, answer)

    with pytest.raises(errors.MalformedResponse) as caught:
        gateway.get_cards(NAME)

    assert "6006" not in str(caught.value)


def test_the_cards_of_another_order_are_a_mismatch(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("ncentiva/cards"))

    with pytest.raises(errors.AnswerMismatch):
        gateway.get_cards("NCT-PO-P-000001")


def test_the_balance_is_read_to_the_cent(gateway: NcentivaGateway, stub: StubProvider) -> None:
    stub.answers(200, b'{"balance": 12500.07, "currency": "USD"}')

    assert gateway.get_balance().available == Money(1250007, "USD")


@pytest.mark.parametrize(
    "body", [b'{"balance": "12500"}', b'{"balance": 1e400}', b'{"currency": "USD"}', b"[1]"]
)
def test_a_balance_that_cannot_be_read_is_no_balance(
    gateway: NcentivaGateway, stub: StubProvider, body: bytes
) -> None:
    stub.answers(200, body)

    with pytest.raises(errors.MalformedResponse):
        gateway.get_balance()


def test_a_balance_in_another_currency_is_a_mismatch(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, {"balance": 1, "currency": "EUR"})

    with pytest.raises(errors.AnswerMismatch):
        gateway.get_balance()


def test_the_connection_is_told_in_a_sentence(gateway: NcentivaGateway, stub: StubProvider) -> None:
    stub.answers(200, recorded("ncentiva/balance"))

    assert gateway.test_connection() == "Ncentiva answered: USD 12,500.00 available."


def test_the_inventory_is_read_and_what_cannot_be_read_is_set_aside(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("ncentiva/inventory"))

    amazon, uber, *unreadable = gateway.list_products()

    assert isinstance(amazon, RemoteProduct)
    assert (amazon.external_id, amazon.kind) == ("1234", ProductKind.FIXED)
    assert amazon.face_value == Money(2500, "USD")
    assert isinstance(uber, RemoteProduct)
    assert (uber.kind, uber.is_available) == (ProductKind.VARIABLE, False)
    assert (uber.minimum, uber.maximum) == (Money(1500, "USD"), Money(50000, "USD"))
    assert unreadable == [
        UnreadableItem(
            position="page 1, item 3", problem="cardValue is missing", external_id="1301"
        ),
        UnreadableItem(
            position="page 1, item 4", problem="giftCardTypeId is missing", external_id=""
        ),
    ]


def page_of(number: int, pages: int, *ids: int, total: int | None = None) -> dict[str, Any]:
    item = recorded_json("ncentiva/inventory")["data"][0]
    data = [item | {"giftCardTypeId": identity} for identity in ids]
    return {"page": number, "totalPages": pages, "totalRecords": total, "data": data}


def test_every_page_is_read_to_the_end(gateway: NcentivaGateway, stub: StubProvider) -> None:
    stub.answers(200, page_of(1, 2, 1, 2, total=3)).answers(200, page_of(2, 2, 3, total=3))

    products = list(gateway.list_products())

    assert [product.external_id for product in products] == ["1", "2", "3"]  # type: ignore[union-attr]
    assert [path for _, path in stub.sent] == [
        f"{BASE}/inventory?page=1&pageSize=1000",
        f"{BASE}/inventory?page=2&pageSize=1000",
    ]


@pytest.mark.parametrize(
    "second",
    [
        page_of(2, 2),
        page_of(1, 2, 3),
        page_of(2, 2, 3, total=9),
        {"page": 2, "totalPages": "2", "data": []},
        {"page": 2, "data": []},
        {"page": 2, "totalPages": 2, "data": {}},
        {"page": 2, "totalPages": 2},
    ],
    ids=["fewer", "same page again", "fewer than told", "text", "no count", "no list", "nothing"],
)
def test_a_listing_whose_end_is_uncertain_does_not_end_normally(
    gateway: NcentivaGateway, stub: StubProvider, second: dict[str, Any]
) -> None:
    stub.answers(200, page_of(1, 2, 1, 2, total=3)).answers(200, second)

    with pytest.raises(errors.MalformedResponse):
        list(gateway.list_products())


def test_an_empty_page_before_the_last_is_not_the_end(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, page_of(1, 2))

    with pytest.raises(errors.MalformedResponse):
        list(gateway.list_products())


def test_the_history_is_read_whoever_placed_the_orders(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("ncentiva/order_history"))

    page = gateway.list_orders(1)

    assert [(order.external_id, order.reference) for order in page.items] == [
        (NAME, REFERENCE),
        ("NCT-PO-P-099622", None),
    ]
    assert page.items[1].lines[0].face_value == Money(500, "EUR")
    assert [bad.problem for bad in page.unreadable] == ["amount is not a number"]
    assert page.is_last


def test_credentials_go_out_and_are_shown_nowhere(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("ncentiva/balance"))

    gateway.get_balance()

    assert stub.requests[0].headers["Authorization"].startswith("Basic b3Vyczp")
    assert "CANARY" not in repr(vars(gateway))
