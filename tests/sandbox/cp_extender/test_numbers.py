"""Numbers that the simulated CP Extender sets aside."""

import re
from typing import Any

import pytest

from tests.sandbox.cp_extender.conftest import Merchant, refusal


def test_a_single_number_looks_like_one(merchant: Merchant) -> None:
    answer = merchant.reserve(RequestName="Web001")

    [number] = answer.json()["GiftCards"]
    assert answer.status == 200
    assert re.fullmatch(r"99-[0-9]{17}", number)
    assert merchant.ledger()["reservations"] == [
        {
            "number": number,
            "batch": 1,
            "request_name": "Web001",
            "agency": "Website",
            "type": "single",
            "reserved_at": 1767225600.0,
            "lapses_at": 1767229200.0,
            "lapsed": False,
            "used": False,
            "stranger": False,
        }
    ]


def test_a_pool_has_as_many_numbers_as_asked_for(merchant: Merchant) -> None:
    numbers = merchant.reserve(RequestType="pool", PoolCount=20).json()["GiftCards"]

    assert len(set(numbers)) == len(numbers) == 20


@pytest.mark.parametrize(("cap", "expected"), [(500, 500), (7, 7)])
def test_a_large_pool_is_cut_silently(merchant: Merchant, cap: int, expected: int) -> None:
    merchant.settings(pool_cap=cap)

    answer = merchant.reserve(RequestType="pool", PoolCount=501)

    assert (answer.status, len(answer.json()["GiftCards"])) == (200, expected)
    assert len(merchant.ledger()["reservations"]) == expected


def test_a_single_ignores_the_count_and_a_repeat_sets_aside_another(merchant: Merchant) -> None:
    one = merchant.reserve(RequestType="single", PoolCount=9, RequestName="same").json()
    two = merchant.reserve(RequestType="single", PoolCount=9, RequestName="same").json()

    assert len(one["GiftCards"]) == len(two["GiftCards"]) == 1
    assert one != two


@pytest.mark.parametrize(
    "fields",
    [
        {"Agency": None},
        {"Agency": ""},
        {"Agency": 5},
        {"RequestType": "several"},
        {"RequestType": None},
        {"RequestType": "pool"},
        {"RequestType": "pool", "PoolCount": 0},
        {"RequestType": "pool", "PoolCount": "10"},
        {"RequestType": "pool", "PoolCount": 1.5},
        {"RequestType": "pool", "PoolCount": True},
        {"RequestType": "single", "PoolCount": -1},
        {"RequestName": 7},
        {"RequestName": "\ud800"},
    ],
)
def test_what_cannot_be_read_is_refused(merchant: Merchant, fields: dict[str, Any]) -> None:
    assert merchant.reserve(**fields).status == 400
    assert merchant.ledger()["reservations"] == []


def test_a_single_lapses_after_an_hour(merchant: Merchant) -> None:
    early, late = merchant.number(), merchant.number()

    merchant.clock.advance(3599)
    in_time = merchant.create(early)
    merchant.clock.advance(1)

    assert in_time.status == 200
    assert refusal(merchant.create(late)) == (400, "GiftcardId Not Reserved")


def test_a_pool_does_not_lapse(merchant: Merchant) -> None:
    number = merchant.reserve(RequestType="pool", PoolCount=1).json()["GiftCards"][0]

    merchant.clock.advance(10**7)

    assert merchant.create(number).status == 200


def test_the_hour_can_be_shorter(merchant: Merchant) -> None:
    merchant.settings(reservation_lifetime=10)
    number = merchant.number()

    merchant.clock.advance(10)

    assert merchant.create(number).status == 400
    assert merchant.ledger()["reservations"][0]["lapsed"] is True


def test_a_lapsed_number_may_become_somebody_elses_card(merchant: Merchant) -> None:
    merchant.arm("reissued_to_stranger", {"after": 3600})
    number = merchant.number()

    merchant.clock.advance(3600)
    found = merchant.look(number)

    [reservation] = merchant.ledger()["reservations"]
    assert refusal(merchant.create(number)) == (400, "GiftcardId Already Exists")
    assert (found["Balance"], found["History"][0]["Location"]) == (25.0, "Main Street Counter")
    assert (reservation["stranger"], reservation["lapsed"]) == (True, True)


def test_a_stranger_takes_no_number_that_has_a_card(merchant: Merchant) -> None:
    merchant.arm("reissued_to_stranger", {"after": 3600})
    number = merchant.number()
    merchant.create(number)

    merchant.clock.advance(3600)

    [card] = merchant.ledger()["cards"]
    assert (merchant.look(number)["Balance"], card["stranger"]) == (100.0, False)


def test_a_strangers_number_is_not_ours_to_use(merchant: Merchant) -> None:
    theirs = merchant.told("POST", "stranger/reserve")["number"]

    assert refusal(merchant.create(theirs)) == (400, "GiftcardId Not Reserved")
