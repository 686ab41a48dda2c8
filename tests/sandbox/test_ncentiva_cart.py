"""The bulk cart of the simulated Ncentiva."""

import pytest

from tests.sandbox.conftest import Purchaser


def test_a_cart_is_filled_and_emptied_line_by_line(purchaser: Purchaser) -> None:
    purchaser.add()
    filled = purchaser.add(giftCardTypeId=1235, amount=10, quantity=3, orderReference="line-2")

    emptied = purchaser.ask("DELETE", "/cart/items/1")

    second = {"itemId": 2, "giftCardTypeId": 1235, "amount": 10, "quantity": 3}
    assert filled.json() == {
        "items": [
            {"itemId": 1, "giftCardTypeId": 1234, "amount": 25, "quantity": 2},
            {**second, "orderReference": "line-2"},
        ],
        "total": 80,
    }
    assert emptied.json() == {"items": [{**second, "orderReference": "line-2"}], "total": 30}
    assert purchaser.get("/cart").json() == emptied.json()


def test_a_checked_out_cart_is_one_order_and_leaves_nothing_behind(purchaser: Purchaser) -> None:
    before = purchaser.balance()
    purchaser.add()

    placed = purchaser.ask("POST", "/cart/checkout", {"orderReference": "bulk"}).json()
    purchaser.clock.advance(6)

    assert (placed["customerReference"], placed["quantity"], placed["amount"]) == ("bulk", 2, 25)
    assert purchaser.get("/cart").json() == {"items": [], "total": 0}
    assert len(purchaser.cards(placed["name"])) == 2
    assert purchaser.balance() == before - 50


def test_an_order_of_several_products_names_none_of_them(purchaser: Purchaser) -> None:
    purchaser.add()
    purchaser.add(giftCardTypeId=1410, amount=5, quantity=1)

    placed = purchaser.ask("POST", "/cart/checkout", {}).json()

    assert (placed["quantity"], placed["customerReference"]) == (3, None)
    assert placed.keys() & {"giftCardTypeId", "amount"} == set()


def test_an_order_is_found_by_the_reference_of_a_line_too(purchaser: Purchaser) -> None:
    purchaser.add(orderReference="line-1")
    name = purchaser.ask("POST", "/cart/checkout", {"orderReference": "bulk"}).json()["name"]

    found = [
        purchaser.get(f"/orders/customer-reference/{one}").json() for one in ("bulk", "line-1")
    ]

    assert [one["name"] for one in found] == [name, name]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"quantity": 0}, "quantity must be at least 1"),
        ({"quantity": None}, "quantity must be an integer"),
        ({"quantity": 10_001}, "A cart cannot hold more than 10000 cards"),
        ({"amount": 24}, "Card value not match. CardType value should be 25.00"),
        ({"giftCardTypeId": 7}, "Gift Card Type with ID 7 not found"),
        ({"orderReference": "taken"}, "Duplicate customer reference"),
        (
            {"giftCardTypeId": 1705, "amount": 50},
            "All items of a cart must have the same currency",
        ),
    ],
)
def test_a_wrong_line_is_refused(
    purchaser: Purchaser, line: dict[str, object], message: str
) -> None:
    purchaser.order("taken")
    filled = purchaser.add(quantity=1).json()

    refused = purchaser.add(**line)

    assert (refused.status, refused.json()["message"]) == (400, message)
    assert purchaser.get("/cart").json() == filled


@pytest.mark.parametrize("item", ["9", "x", "-1", "9" * 40])
def test_a_line_that_is_not_there_cannot_be_removed(purchaser: Purchaser, item: str) -> None:
    assert purchaser.ask("DELETE", f"/cart/items/{item}").status == 404


def test_an_empty_cart_cannot_be_checked_out(purchaser: Purchaser) -> None:
    refused = purchaser.ask("POST", "/cart/checkout", {"orderReference": "bulk"})

    assert (refused.status, refused.json()["message"]) == (400, "Cart is empty")


def test_a_taken_reference_leaves_the_cart_as_it_was(purchaser: Purchaser) -> None:
    purchaser.order("taken")
    filled = purchaser.add().json()

    refused = purchaser.ask("POST", "/cart/checkout", {"orderReference": "taken"})

    assert (refused.status, refused.json()["message"]) == (400, "Duplicate customer reference")
    assert purchaser.get("/cart").json() == filled


def test_a_late_checkout_takes_the_cart_as_it_is_by_then(purchaser: Purchaser) -> None:
    purchaser.add(quantity=1)
    purchaser.arm("late_commit", {"delay": 60})
    purchaser.ask("POST", "/cart/checkout", {"orderReference": "bulk"})
    still_full = purchaser.get("/cart").json()["total"]

    purchaser.clock.advance(61)

    assert still_full == 25
    assert purchaser.get("/cart").json()["total"] == 0
    assert purchaser.status("bulk") == "Open"
