"""What a card was worth on a day: exact where that is known, and nothing where it is not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from giftops.money import Money
from orders.services.issuing.cards import balances, worth
from orders.weighing.worth import Level, level_on, read_levels, told_levels
from providers.gateways.base import CardMovement

ISSUED, SPENT, AGAIN = date(2025, 9, 1), date(2025, 9, 20), date(2025, 10, 3)


def moved(day, minor, activity="Redeemed", currency="USD"):
    amount = None if minor is None else Money(minor, currency)
    return CardMovement(activity=activity, on=day, amount=amount)


LIVELY = (moved(ISSUED, 10000, "Issued"), moved(SPENT, -1500), moved(AGAIN, -6000))


@pytest.fixture
def card(desk, mira):
    """A card of USD 100.00 of which USD 25.00 are left."""
    return desk.card(mira, Money(10000, "USD"))


def tell(desk, card, minor, history):
    there = desk.script.cards[card.code.reveal()]
    desk.script.cards[there.number] = replace(
        there, balance=Money(minor, "USD"), available=Money(minor, "USD"), history=tuple(history)
    )
    balances.read_card(card)


@pytest.mark.parametrize(
    ("day", "minor"),
    [
        (date(2025, 8, 31), None),
        (ISSUED, 10000),
        (date(2025, 9, 19), 10000),
        (SPENT, 8500),
        (date(2025, 9, 30), 8500),
        (AGAIN, 2500),
        (date(2026, 3, 2), 2500),
        (date(2026, 3, 3), None),
    ],
)
def test_a_history_that_adds_up_tells_each_day(desk, card, day, minor):
    tell(desk, card, 2500, LIVELY)

    assert worth.worth_at(card, day) == (None if minor is None else Money(minor, "USD"))
    assert worth.series(card).is_told


@pytest.mark.parametrize(
    "history",
    [
        LIVELY[1:],
        (*LIVELY[:2], moved(AGAIN, None)),
        (*LIVELY[:2], moved(None, -6000)),
        (*LIVELY[:2], moved(AGAIN, -6000, currency="CAD")),
        (),
    ],
)
def test_otherwise_only_what_was_read_counts(desk, card, history):
    tell(desk, card, 2500, history)
    first = card.asked_at.date()
    desk.time.moment += timedelta(days=2)
    tell(desk, card, 2000, history)

    known = worth.series(card)

    assert not known.is_told
    assert [(level.day, level.minor) for level in known.levels] == [
        (first, 2500), (first + timedelta(days=2), 2000)
    ]  # fmt: skip
    assert worth.worth_at(card, AGAIN) is None
    assert worth.worth_at(card, first + timedelta(days=1)) == Money(2500, "USD")
    assert "for the first time on 2 Mar 2026" in known.source


def test_a_charge_that_is_pending_is_not_spent(desk, card):
    tell(desk, card, 2500, (*LIVELY, moved(AGAIN, -500, "Pending Charge")))

    assert worth.worth_at(card, AGAIN) == Money(2500, "USD")


def test_of_a_card_that_was_never_read_nothing_is_known(desk, mira):
    waiting = desk.issuance(mira).cards.get()

    assert worth.series(waiting) is None
    assert worth.worth_at(waiting, date(2026, 3, 2)) is None


def test_days_since_the_last_reading_are_worth_what_it_said(desk, card):
    tell(desk, card, 2500, LIVELY)
    desk.time.moment += timedelta(days=5)

    assert worth.worth_at(card, date(2026, 3, 6)) == Money(2500, "USD")
    assert worth.series(card).on(date(2026, 3, 6)) is None


def test_entries_of_one_day_count_together():
    levels = told_levels([(ISSUED, 1000), (SPENT, -300), (SPENT, -200), (SPENT, 300)], 800)

    assert levels == [Level(ISSUED, 1000), Level(SPENT, 800)]


def test_the_last_reading_of_a_day_counts():
    assert read_levels([(ISSUED, 5), (ISSUED, 4), (SPENT, 4)]) == [Level(ISSUED, 4)]
    assert level_on([], ISSUED) is None
