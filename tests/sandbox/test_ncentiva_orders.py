"""Buying one card at the simulated Ncentiva."""

import pytest

from tests.sandbox.conftest import Purchaser


def test_an_order_is_accepted_first_and_completed_later(purchaser: Purchaser) -> None:
    placed = purchaser.order()
    seen = [placed.json()["status"]]

    for _ in range(2):
        purchaser.clock.advance(2.5)
        seen.append(purchaser.status())

    assert placed.status == 200
    assert placed.json() == {
        "name": "NCT-PO-P-099624",
        "status": "Open",
        "customerReference": "ref-1",
        "giftCardTypeId": 1234,
        "amount": 25,
        "quantity": 1,
        "currency": "USD",
        "createdDate": "2026-01-01T00:00:00Z",
    }
    assert seen == ["Open", "Processing", "Completed"]


def test_the_money_goes_when_the_order_is_completed(purchaser: Purchaser) -> None:
    before = purchaser.balance()
    purchaser.order()
    purchaser.clock.advance(4)
    processing = purchaser.balance()

    purchaser.clock.advance(4)

    assert processing == before
    assert purchaser.balance() == before - 25
    assert purchaser.get("/account/balance").json() == {"balance": before - 25, "currency": "USD"}


def test_cards_are_there_only_once_the_order_is_completed(purchaser: Purchaser) -> None:
    name = purchaser.order(product=1301, amount=50).json()["name"]
    early = purchaser.get(f"/orders/{name}/cards")

    purchaser.clock.advance(6)
    late = purchaser.get(f"/orders/{name}/cards")

    assert (early.status, early.json()["message"]) == (
        404,
        "Data is not available for the given order",
    )
    assert late.json()["name"] == name
    [card] = late.json()["cards"]
    assert (len(card["cardNumber"]), len(card["pin"]), card["amount"], card["currency"]) == (
        16,
        4,
        50,
        "USD",
    )
    assert card["expiryDate"] == "2030-12-31"


def test_a_reference_buys_once(purchaser: Purchaser) -> None:
    purchaser.order()

    again = purchaser.order()

    assert (again.status, again.json()) == (
        400,
        {"code": "BAD_REQUEST", "message": "Duplicate customer reference"},
    )
    assert len(purchaser.ledger()) == 1


def test_a_lost_name_is_found_again_by_the_reference(purchaser: Purchaser) -> None:
    placed = purchaser.order("a/b ü")

    found = purchaser.get("/orders/customer-reference/a%2Fb%20%C3%BC")

    assert found.json() == placed.json()


def test_every_code_is_there_once_and_a_seed_repeats_them(purchaser: Purchaser) -> None:
    for number in range(30):
        purchaser.order(f"ref-{number}", product=(1235, 1302, 1633)[number % 3], amount=20)
    purchaser.clock.advance(6)
    codes = [card["card_number"] for order in purchaser.ledger() for card in order["cards"]]

    purchaser.provider.reset()
    purchaser.settings(environment="unlimited")
    for number in range(30):
        purchaser.order(f"ref-{number}", product=(1235, 1302, 1633)[number % 3], amount=20)
    purchaser.clock.advance(6)

    assert len(set(codes)) == 30
    assert codes == [card["card_number"] for order in purchaser.ledger() for card in order["cards"]]


def test_without_funds_an_order_parks_until_they_come(purchaser: Purchaser) -> None:
    purchaser.settings(balance=30)
    purchaser.order("first")
    purchaser.order("second")
    purchaser.clock.advance(6)
    parked = purchaser.status("first"), purchaser.status("second")

    purchaser.control("POST", "funds", {"amount": "20.00"})
    purchaser.clock.advance(4)

    assert parked == ("Completed", "API Low Fund")
    assert purchaser.status("second") == "Completed"
    assert purchaser.balance() == 0


def test_out_of_stock_parks_until_the_shelf_is_filled(purchaser: Purchaser) -> None:
    purchaser.order(product=1803, amount=100)
    purchaser.clock.advance(6)
    parked = purchaser.status()

    purchaser.settings(available={"1803": True})
    purchaser.clock.advance(4)

    assert parked == "Temporary Out Of Stock"
    assert purchaser.status() == "Completed"


def test_another_currency_is_paid_at_the_set_rate(purchaser: Purchaser) -> None:
    before = purchaser.balance()
    purchaser.order(product=1704, amount=15)

    purchaser.clock.advance(6)

    assert purchaser.balance() == before - 16.5
    assert purchaser.ledger()[0]["currency"] == "EUR"


@pytest.mark.parametrize(
    ("product", "amount", "message"),
    [
        (99, 25, "Gift Card Type with ID 99 not found"),
        (1410, 25, "Card value not match. CardType value should be 5.00"),
        (1302, 501, "Card value not match. CardType value should be between 5.00 and 500.00"),
        (1302, 0, "amount must be at least 1"),
    ],
)
def test_a_wrong_order_is_refused_in_the_providers_words(
    purchaser: Purchaser, product: int, amount: int, message: str
) -> None:
    refused = purchaser.order(product=product, amount=amount)

    assert (refused.status, refused.json()) == (400, {"code": "BAD_REQUEST", "message": message})
    assert purchaser.ledger() == []
