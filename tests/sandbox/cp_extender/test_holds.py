"""Authorizations at the simulated CP Extender."""

import re
from typing import Any
from uuid import UUID

import pytest

from tests.sandbox.cp_extender.conftest import Merchant, refusal

REQUIRED = (400, "Required: Type, Ref, SaleId, and (RequestedAmount or RequestedPoints)")


def test_an_authorization_holds_money_and_takes_none(merchant: Merchant) -> None:
    number = merchant.card()

    answer = merchant.authorize(number, 40).json()

    assert (answer["Type"], answer["AuthorizedAmount"]) == ("giftcard", 40.0)
    assert re.fullmatch(r"GDA[0-9A-F]{30}", answer["AuthCode"])
    assert str(UUID(answer["RequestId"])) == answer["RequestId"]
    assert merchant.amounts(number) == (100.0, 40.0, 60.0)
    assert len(merchant.look(number)["History"]) == 1


def test_a_short_balance_is_held_in_part_and_then_there_is_none(merchant: Merchant) -> None:
    number = merchant.card()

    merchant.authorize(number, 70)
    part = merchant.authorize(number, 70).json()["AuthorizedAmount"]
    nothing = merchant.authorize(number, 70)

    assert part == 30.0
    assert refusal(nothing) == (400, "No Balance Remaining")
    assert merchant.amounts(number) == (100.0, 100.0, 0.0)


def test_the_same_sale_holds_twice(merchant: Merchant) -> None:
    number = merchant.card()

    codes = {merchant.hold(number, 10), merchant.hold(number, 10)}

    assert len(codes) == 2
    assert merchant.amounts(number) == (100.0, 20.0, 80.0)


def test_confirm_takes_what_was_held_once(merchant: Merchant) -> None:
    number = merchant.card()
    code = merchant.hold(number, 40.5)

    answers = [merchant.confirm(number, code) for _ in range(3)]

    assert {(one.status, one.body) for one in answers} == {(204, b"")}
    assert merchant.amounts(number) == (59.5, 0.0, 59.5)
    assert merchant.look(number)["History"][1] == {
        "Activity": "Redeemed",
        "Date": "01/01/2026",
        "Amount": -40.5,
        "Location": "Harbor Street Gifts",
        "Document": "sale-2",
    }


def test_cancel_lets_it_go_once(merchant: Merchant) -> None:
    number = merchant.card()
    code = merchant.hold(number)

    answers = [merchant.cancel(number, code) for _ in range(3)]

    assert {(one.status, one.body) for one in answers} == {(204, b"")}
    assert merchant.amounts(number) == (100.0, 0.0, 100.0)
    assert len(merchant.look(number)["History"]) == 1


def test_there_is_no_way_back(merchant: Merchant) -> None:
    number = merchant.card()
    taken, gone = merchant.hold(number), merchant.hold(number)
    merchant.confirm(number, taken)
    merchant.cancel(number, gone)

    assert refusal(merchant.cancel(number, taken)) == (
        400,
        "Authorization has already been confirmed",
    )
    assert refusal(merchant.confirm(number, gone)) == (
        400,
        "Authorization has already been cancelled",
    )
    assert merchant.amounts(number) == (60.0, 0.0, 60.0)


def test_a_code_belongs_to_its_card(merchant: Merchant) -> None:
    number, other = merchant.card(), merchant.card()
    code = merchant.hold(number)

    for answer in (
        merchant.confirm(other, code),
        merchant.confirm(number, "GDA0"),
        merchant.cancel("nothing", code),
    ):
        assert refusal(answer) == (404, "Authorization not found")
    assert merchant.amounts(number) == (100.0, 40.0, 60.0)


@pytest.mark.parametrize(
    "body", [{}, {"Ref": "1"}, {"AuthCode": "1"}, {"Ref": "", "AuthCode": "1"}]
)
@pytest.mark.parametrize("path", ["/Authorize/Confirm", "/Authorize/Cancel"])
def test_both_fields_are_required(merchant: Merchant, path: str, body: dict[str, Any]) -> None:
    assert refusal(merchant.ask("POST", path, body)) == (400, "Required: Ref, AuthCode")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Type": None}, (400, "Type is required")),
        ({"Type": ""}, (400, "Type is required")),
        ({"Ref": None}, REQUIRED),
        ({"SaleId": None}, REQUIRED),
        ({"RequestedAmount": None}, REQUIRED),
        ({"RequestedAmount": 0}, REQUIRED),
        ({"RequestedAmount": -1}, (400, "Bad Request")),
        ({"RequestedAmount": "40"}, (400, "Bad Request")),
        ({"RequestedAmount": 0.001}, (400, "Bad Request")),
        ({"Type": "loyalty"}, (400, "Bad Request")),
        ({"Ref": "WEB-1"}, (404, "Id not found")),
    ],
)
def test_what_cannot_be_held_is_refused_in_their_words(
    merchant: Merchant, fields: dict[str, Any], expected: tuple[int, str]
) -> None:
    number = merchant.card()

    assert refusal(merchant.authorize(number, **fields)) == expected
    assert merchant.ledger()["holds"] == []


@pytest.mark.parametrize(
    ("act", "text"), [("void", "GiftCard has been voided"), ("expire", "GiftCard has expired")]
)
def test_a_card_that_is_over_holds_nothing_more(merchant: Merchant, act: str, text: str) -> None:
    number = merchant.card()
    code = merchant.hold(number)
    merchant.told("POST", f"cards/{number}", {"act": act})

    assert refusal(merchant.authorize(number)) == (400, text)
    assert merchant.confirm(number, code).status == 204
    merchant.told("POST", f"cards/{number}", {"act": "reactivate"})
    assert merchant.authorize(number).status == 200


def test_open_holds_can_stand_in_the_history(merchant: Merchant) -> None:
    merchant.settings(pending_in_history=True)
    number = merchant.card()
    code = merchant.hold(number)

    held = [row["Activity"] for row in merchant.look(number)["History"]]
    merchant.cancel(number, code)

    assert held == ["Issued", "Pending Charge"]
    assert [row["Activity"] for row in merchant.look(number)["History"]] == ["Issued"]
