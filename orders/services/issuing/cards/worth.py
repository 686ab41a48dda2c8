"""What a card is and was worth: from its history where that adds up, else from what was read.

Nothing is guessed: before the first day that anything is known of there is no value.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from giftops.clock import db_now
from giftops.money import Money
from orders.models import BalanceCheck, Card, CardMovement
from orders.weighing import worth as weighing
from orders.weighing.balances import is_pending
from orders.weighing.worth import Level

MOST_READINGS = 5000


@dataclass(frozen=True, slots=True)
class Series:
    """The days on which a card's worth changed, oldest first, and where that is known from."""

    levels: tuple[Level, ...]
    currency: str
    is_told: bool
    """By its history at the issuer; else only the readings say it."""
    until: date
    """The day of the last reading: nothing newer is known."""

    @property
    def first(self) -> date:
        return self.levels[0].day

    def on(self, day: date) -> Money | None:
        """What it was worth at the end of that day; None where that is not known."""
        minor = weighing.level_on(self.levels, day) if day <= self.until else None
        return None if minor is None else Money(minor, self.currency)

    @property
    def source(self) -> str:
        """Where the figures come from, in a sentence for the page."""
        if self.is_told:
            return "By its history at the provider, which adds up to its balance."
        return (
            f"By what was read, for the first time on {self.first.day} {self.first:%b %Y}: its "
            "history at the provider is not whole, or does not add up to its balance."
        )


def series(card: Card) -> Series | None:
    """How its worth went; None if nothing is known of it. Two queries at most."""
    if card.asked_at is None or card.balance_minor is None:
        return None
    told = weighing.told_levels(_entries(card), card.balance_minor)
    levels = told or weighing.read_levels(_readings(card))
    if not levels:
        levels = [Level(_day(card.asked_at), card.balance_minor)]
    return Series(tuple(levels), card.currency, bool(told), _day(card.asked_at))


def worth_at(card: Card, day: date) -> Money | None:
    """What it was worth at the end of a day; None before anything is known, and for the future.

    A day is one in UTC, or as the issuer dates its history.
    """
    if day > db_now().date():
        return None
    known = series(card)
    return known.on(min(day, known.until)) if known else None


def _entries(card: Card) -> list[weighing.Entry]:
    rows = CardMovement.objects.filter(card=card, superseded_at=None, currency=card.currency)
    columns = rows.values_list("activity", "on", "amount_minor")
    return [(day, minor) for activity, day, minor in columns if not is_pending(activity)]


def _readings(card: Card) -> list[tuple[date, int]]:
    """(day, balance) of the latest readings, oldest first."""
    found = BalanceCheck.objects.filter(card=card, is_found=True, currency=card.currency)
    columns = found.order_by("-asked_at", "-id").values_list("asked_at", "balance_minor")
    latest = columns[:MOST_READINGS]
    return [(_day(at), minor) for at, minor in reversed(latest) if minor is not None]


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
