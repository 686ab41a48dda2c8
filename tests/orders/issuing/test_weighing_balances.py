"""What a reading means, row by row."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from giftops.money import Money
from orders.issuing_states import LIVING_CARDS, CardState
from orders.weighing import balances
from providers.gateways.base import CardMovement, CardReading, CardStanding

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ISSUED = CardMovement(activity="Issued", on=date(2026, 3, 1), amount=Money(2500, "USD"))
SPENT = CardMovement(activity="Redeemed", on=date(2026, 3, 2), amount=Money(-500, "USD"))
C, S = CardState, CardStanding


def reading(minor=2500, standing=S.ACTIVE, history=(ISSUED,)):
    return CardReading(
        number="99-1", kind="giftcard", status_text="as it came", standing=standing,
        balance=Money(minor, "USD"), held=Money(0, "USD"), available=Money(minor, "USD"),
        history=history,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("read", "after"),
    [
        (reading(), C.ACTIVE),
        (reading(1), C.ACTIVE),
        (reading(0), C.DEPLETED),
        (reading(0, S.EXPIRED), C.EXPIRED),
        (reading(2500, S.VOIDED), C.VOIDED),
        (None, C.MISSING),
    ],
)
@pytest.mark.parametrize("before", LIVING_CARDS)
def test_a_living_card_is_what_the_reading_says(before, read, after):
    assert balances.state_after(before, read) is after


@pytest.mark.parametrize("before", LIVING_CARDS)
def test_a_status_that_nobody_knows_changes_nothing(before):
    assert balances.state_after(before, reading(0, S.UNMAPPED)) is before


@pytest.mark.parametrize("before", sorted(set(CardState) - set(LIVING_CARDS)))
def test_a_card_that_does_not_live_stays_what_it_is(before):
    assert balances.state_after(before, None) is before
    assert balances.state_after(before, reading()) is before


@pytest.mark.parametrize(
    ("state", "held", "lay_still", "wait"),
    [
        (C.ACTIVE, 0, timedelta(), balances.SOONEST),
        (C.ACTIVE, 0, timedelta(days=2), timedelta(hours=12)),
        (C.ACTIVE, 0, timedelta(days=400), balances.LATEST),
        (C.ACTIVE, 100, timedelta(days=400), balances.WHILE_HELD),
        (C.DEPLETED, 0, timedelta(), balances.OVER),
        (C.EXPIRED, 100, timedelta(), balances.OVER),
        (C.VOIDED, 0, timedelta(), balances.OVER),
        (C.MISSING, 0, timedelta(), balances.WHILE_MISSING),
    ],
)
def test_who_moves_is_asked_about_soon_and_who_lies_still_rarely(state, held, lay_still, wait):
    look = balances.next_look(state, held_minor=held, moved_at=AT - lay_still, at=AT)

    assert look - AT == wait


def test_the_order_of_a_history_says_nothing():
    one, other = reading(history=(ISSUED, SPENT)), reading(history=(SPENT, ISSUED))

    assert balances.history_hash(one) == balances.history_hash(other)
    assert not balances.changes(
        dict(balances.keyed(one.history)), dict(balances.keyed(other.history))
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"activity": "Redeemed"},
        {"on": None},
        {"on": date(2026, 3, 2)},
        {"amount": None},
        {"amount": Money(2501, "USD")},
        {"amount": Money(2500, "CAD")},
        {"location": "Elsewhere"},
        {"document": "GO-1"},
    ],
)
def test_an_entry_is_all_that_it_says(changed):
    other = replace(ISSUED, **changed)

    assert balances.content_hash(other) != balances.content_hash(ISSUED)
    assert balances.history_hash(reading(history=(other,))) != balances.history_hash(reading())


def test_the_same_entry_twice_is_two():
    once, twice = (dict(balances.keyed([SPENT] * times)) for times in (1, 2))

    changes = balances.changes(once, twice)

    assert [occurrence for _, occurrence in changes.came] == [2]
    assert not changes.went
    assert balances.changes(twice, once).went == changes.came


def test_no_card_has_no_history():
    assert balances.history_hash(None) == ""
    assert balances.history_hash(reading(history=())) != ""
