"""The demo's verdict about what we issue: whatever differs from the issuer's ledger is said."""

import pytest

from giftops.sealing import blind_index
from orders.demo.comparing_issued import compare_issued
from orders.issuing_states import CardState, HoldState, ReservationState
from orders.models import Authorization, Card, Reservation

CARD = {
    "number": "WEB-1", "sale_id": "S1", "value_minor": 2500, "balance_minor": 1000,
    "held_minor": 300,
}  # fmt: skip
HOLD = {"sale_id": "H1", "state": "confirmed", "held_minor": 700}


def card(**fields) -> Card:
    usual = {
        "state": CardState.ACTIVE, "sale_id": "S1", "face_value_minor": 2500, "balance_minor": 1000,
        "held_minor": 300, "code_index": blind_index("WEB-1", field="card.code"),
    }  # fmt: skip
    return Card(**usual | fields)


def hold(**fields) -> Authorization:
    usual = {"state": HoldState.CONFIRMED, "reference": "H1", "granted_minor": 700}
    return Authorization(**usual | fields)


def test_a_card_that_is_the_same_on_both_sides_differs_in_nothing():
    like = compare_issued([card()], {"cards": [CARD]}, "USD")

    assert (like.ours, like.theirs, like.differences) == ("1 card\nUSD 10.00",) * 2 + ([],)


@pytest.mark.parametrize(
    ("ours", "theirs", "sentence"),
    [
        (card(), [], "the card S1 is not there"),
        (card(state=CardState.REFUSED), [CARD], "the card S1 is not ours"),
        (card(balance_minor=999), [CARD], "the card S1 differs"),
        (card(held_minor=0), [CARD], "the card S1 differs"),
        (card(code_index="another"), [CARD], "the card S1 differs"),
        (card(), [CARD, CARD], "a sale of ours paid for two of their cards"),
    ],
)
def test_one_difference_of_a_card_is_one_sentence(ours, theirs, sentence):
    assert compare_issued([ours], {"cards": theirs}, "USD").differences == [sentence]


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (hold(), [HOLD], []),
        (hold(state=HoldState.RELEASED), [HOLD], ["the hold H1 differs"]),
        (hold(granted_minor=600), [HOLD], ["the hold H1 differs"]),
        (hold(state=HoldState.UNKNOWN), [HOLD], ["the hold H1 differs"]),
        (hold(), [HOLD, HOLD], ["one of our holds is there twice"]),
    ],
)
def test_a_hold_is_compared_by_state_and_amount(ours, theirs, found):
    assert compare_issued([ours], {"holds": theirs}, "USD").differences == found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lost", "found"),
    [(2, []), (0, ["2 of their numbers are not ours, 0 are listed as lost"])],
)
def test_of_their_numbers_we_lack_just_those_that_are_listed_as_lost(lost, found):
    asked = Reservation(
        reference="R1", may_be_lost=lost, received=0, state=ReservationState.NEEDS_REVIEW
    )
    there = [{"number": f"WEB-{n}", "request_name": "R1"} for n in (1, 2)]

    assert compare_issued([asked], {"reservations": there}, "USD").differences == found
