"""The colours of what is issued: every state has one, and each means the same."""

import pytest

from giftops.show import AMBER, RED
from orders.admin.issuing.issuing_pills import CARD_GROUPS, TONES, pill_of, shares, tone_of
from orders.issuing_states import (
    HOLDS_FOR_TWO,
    CardState,
    HoldState,
    IssuanceState,
    NumberState,
    ReservationState,
)
from orders.models import Authorization, Card, Issuance, Reservation, ReservedNumber

STATES = {
    Reservation: ReservationState, ReservedNumber: NumberState, Issuance: IssuanceState,
    Card: CardState, Authorization: HoldState,
}  # fmt: skip


@pytest.mark.parametrize("kind", STATES)
def test_every_state_has_its_colour(kind: type) -> None:
    assert set(TONES[kind]) == set(STATES[kind])


def test_what_waits_for_a_person_is_red_and_nothing_else_alarms() -> None:
    red = {(kind, state) for kind, tones in TONES.items() for state in tones
           if tone_of(kind, state) == RED}  # fmt: skip

    assert {(Authorization, state) for state in HOLDS_FOR_TWO} <= red
    assert {(kind, "needs_review") for kind in STATES if kind is not Issuance} <= red
    assert not {(Card, "active"), (Reservation, "reserved"), (Issuance, "running")} & red


def test_a_pill_says_our_state_and_the_words_of_the_issuer() -> None:
    card = Card(state="active", provider_text="<Active>")

    assert pill_of(card) == (
        '<span class="g-pill g-pill--green">Active</span> '
        '<q class="g-quote">&lt;Active&gt;</q>'
    )  # fmt: skip


def test_each_state_of_an_issued_card_stands_in_one_part_of_a_bar() -> None:
    members = [state for _, _, states in CARD_GROUPS for state in states]

    assert sorted(members) == sorted(set(CardState) - {CardState.BOUGHT})


def test_a_bar_leaves_out_what_is_not_there() -> None:
    parts = shares(CARD_GROUPS, {"active": 3, "depleted": 1, "refused": 2})

    assert [(part.tone, part.label, part.count) for part in parts] == [
        ("green", "created", 4),
        (AMBER, "refused", 2),
    ]
