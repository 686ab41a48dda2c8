"""The demo's verdict: whatever differs between our books and a ledger is said."""

from collections import Counter
from dataclasses import replace

import pytest

from giftops.money import Money
from giftops.sealing import blind_index
from orders.demo.account import NCENTIVA, PARTNERS
from orders.demo.comparing import LEDGERS, Comparison, Side, their_side

SIDE = Side(orders=1, cards=Counter(["a", "b"]), spent=Money(5000, "USD"))
AGREED = Comparison(
    ours=SIDE, theirs=SIDE, our_status="Fulfilled", their_status="Completed", is_fulfilled=True
)


def test_two_equal_sides_differ_in_nothing():
    assert AGREED.differences == []


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        ({"orders": 2}, "we wanted 2 orders, they have 1"),
        ({"cards": Counter(["a"])}, "1 of their cards are not in our books"),
        ({"cards": Counter(["a", "b", "c"])}, "1 of our cards are not in theirs"),
        ({"cards": Counter(["a", "b", "b"])}, "1 of our cards are not in theirs"),
        ({"spent": Money(4999, "USD")}, "we spent USD 49.99, they took USD 50.00"),
    ],
)
def test_one_difference_is_one_sentence(ours, sentence):
    assert replace(AGREED, ours=replace(SIDE, **ours)).differences == [sentence]


def test_swapped_cards_are_told_on_both_sides():
    swapped = replace(SIDE, cards=Counter(["a", "x"]))

    assert len(replace(AGREED, ours=swapped).differences) == 2


def test_an_order_that_never_ended_is_a_difference():
    stuck = replace(AGREED, is_fulfilled=False, our_status="Outcome unknown")

    assert stuck.differences == ["not fulfilled, but: Outcome unknown"]


def test_a_double_purchase_over_there_shows_in_every_figure():
    card = {"card_number": "4111 1111 1111 1111"}
    once = {"cards": [card], "cost_minor": 2500, "completed_at": 1.0}
    twice = their_side(
        [once, {**once, "cards": [{"card_number": "4222"}]}], "USD", LEDGERS[NCENTIVA]
    )

    expected = Counter([blind_index("4111111111111111", field="card.code")])
    expected[blind_index("4222", field="card.code")] += 1
    assert twice == Side(orders=2, cards=expected, spent=Money(5000, "USD"))


def test_an_order_that_is_not_completed_there_has_cost_nothing_yet():
    waiting = {"cards": [], "cost_minor": 2500, "completed_at": None}

    assert their_side([waiting], "USD", LEDGERS[NCENTIVA]).spent == Money(0, "USD")


def test_a_link_is_told_by_its_index_and_plastic_by_the_line_it_was_sent_for():
    link = "https://claim.example.com/e/a-b-c"
    order = {
        "cards": [{"claim_link": link, "line": 1}, *[{"claim_link": None, "line": 2}] * 2],
        "lines": [{"external_id": "aa"}, {"external_id": "bb"}],
        "cost_minor": 7000,
        "refunded_minor": 0,
    }

    told = their_side([order], "USD", LEDGERS[PARTNERS])

    assert told.cards == {blind_index(link, field="card.code"): 1, "by post for bb": 2}


def test_what_they_gave_back_for_a_line_was_not_taken():
    order = {"cards": [], "lines": [], "cost_minor": 7000, "refunded_minor": 2500}

    assert their_side([order], "USD", LEDGERS[PARTNERS]).spent == Money(4500, "USD")
