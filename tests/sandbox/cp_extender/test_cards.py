"""Cards at the simulated CP Extender: how one comes into being, and what a look-up tells."""

import re
from typing import Any

import pytest

from tests.sandbox.cp_extender.conftest import DANA, Merchant, refusal

PLAIN = (400, "Bad Request")


def test_a_card_has_the_number_that_was_reserved_for_it(merchant: Merchant) -> None:
    number = merchant.number()

    created = merchant.create(number)

    assert (created.status, created.json()) == (200, {"GiftCard": {"Id": number}})
    assert merchant.get(f"/Giftcard/{number}/BalanceCheck").json() == {
        "GiftCard": {
            "Id": number,
            "Type": "giftcard",
            "Status": "active",
            "Balance": 100.0,
            "OpenAuthorizations": 0.0,
            "AvailableBalance": 100.0,
            "History": [
                {
                    "Activity": "Issued",
                    "Date": "01/01/2026",
                    "Amount": 100.0,
                    "Location": "Harbor Street Gifts",
                    "Document": None,
                }
            ],
        }
    }


def test_a_card_without_a_number_gets_one_each_time(merchant: Merchant) -> None:
    one, two = (merchant.create().json()["GiftCard"]["Id"] for _ in range(2))

    assert re.fullmatch(r"WEB-[0-9]{16}", one)
    assert one != two
    assert merchant.look(one)["Balance"] == 100.0


def test_the_issue_may_name_its_sale(merchant: Merchant) -> None:
    merchant.settings(issued_document=True)

    assert merchant.look(merchant.card())["History"][0]["Document"] == "sale-1"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"SaleId": None}, (400, "SaleId is Required")),
        ({"SaleId": ""}, (400, "SaleId is Required")),
        ({"GiftCardValue": 0}, (400, "Gift Card Value must be greater than 0")),
        ({"GiftCardValue": -5}, (400, "Gift Card Value must be greater than 0")),
        ({"GiftCardValue": "100"}, PLAIN),
        ({"GiftCardValue": True}, PLAIN),
        ({"GiftCardValue": 10.005}, PLAIN),
        ({"GiftCardValue": 1e300}, PLAIN),
        ({"GiftCardCode": "GC50"}, (400, "GiftCardCode specified does not allow value change")),
        ({"GiftCardCode": "NONE"}, (404, "Gift Card Code Not Found")),
        ({"CustomerNumber": "nobody"}, (404, "Customer Not Found")),
        ({"CustomerNumber": 2059378440}, PLAIN),
        ({"CustomerNumber": None}, PLAIN),
        ({"PointsToRedeem": "10000"}, PLAIN),
        ({"SaleId": None, "PointsToRedeem": "5000"}, PLAIN),
        ({"SaleId": None, "PointsToRedeem": "many"}, PLAIN),
        ({"SaleId": None, "PointsToRedeem": 10000}, PLAIN),
        ({"SaleId": "\ud800"}, PLAIN),
    ],
)
def test_what_cannot_be_created_is_refused_in_their_words(
    merchant: Merchant, fields: dict[str, Any], expected: tuple[int, str]
) -> None:
    number = merchant.number()

    answer = merchant.create(number, **fields)

    assert refusal(answer) == expected
    assert merchant.ledger()["cards"] == []
    assert merchant.create(number).status == 200


def test_a_fixed_code_takes_its_own_value_only(merchant: Merchant) -> None:
    assert merchant.create(GiftCardCode="GC50", GiftCardValue=50).status == 200


@pytest.mark.parametrize("number", ["99-00000000000000000", "", "another thing/../"])
def test_a_number_that_nobody_reserved_is_refused(merchant: Merchant, number: str) -> None:
    assert refusal(merchant.create(number)) == (400, "GiftcardId Not Reserved")


def test_a_number_is_used_once(merchant: Merchant) -> None:
    number = merchant.card()

    assert refusal(merchant.create(number)) == (400, "GiftcardId Already Exists")
    assert len(merchant.ledger()["cards"]) == 1


def test_points_pay_for_a_card_and_are_gone(merchant: Merchant) -> None:
    number = merchant.card(SaleId=None, PointsToRedeem="10000")

    again = merchant.create(merchant.number(), SaleId=None, PointsToRedeem="10000")

    assert merchant.look(number)["Balance"] == 100.0
    assert refusal(again) == PLAIN
    assert merchant.ledger()["points"][DANA] == 2500


def test_a_refused_card_costs_no_points(merchant: Merchant) -> None:
    merchant.create("99-1", SaleId=None, PointsToRedeem="10000")

    assert merchant.ledger()["points"][DANA] == 12_500


def test_an_unknown_number_is_not_found(merchant: Merchant) -> None:
    reserved = merchant.number()

    for number in (reserved, "WEB-1", "a%2Fb", "%F0%9F%8E%81", "%ED%A0%80"):
        assert refusal(merchant.get(f"/Giftcard/{number}/BalanceCheck")) == (404, "Id not found")


@pytest.mark.parametrize("act", ["void", "expire"])
def test_a_card_that_is_over_keeps_its_balance_and_says_so(merchant: Merchant, act: str) -> None:
    number = merchant.card()

    merchant.told("POST", f"cards/{number}", {"act": act})

    found = merchant.look(number)
    assert (found["Status"], found["Balance"]) == (
        {"void": "voided", "expire": "expired"}[act],
        100,
    )


def test_dates_are_those_of_utc(merchant: Merchant) -> None:
    merchant.clock.advance(86_399)
    before = merchant.card()
    merchant.clock.advance(1)
    after = merchant.card()

    dates = [merchant.look(number)["History"][0]["Date"] for number in (before, after)]
    assert dates == ["01/01/2026", "01/02/2026"]
