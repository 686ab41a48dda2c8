"""A deposit day by day: what the provider said, what was added, what was spent; how long it lasts.

A day is a day in UTC. The database sums and picks up by day, so ten thousand readings cost no more
than ten.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Max, Min, Q, Sum
from django.db.models.functions import TruncDate

from giftops.clock import db_now
from giftops.money import Money
from orders.models import Book, Deposit, LedgerEvent, LedgerPosting
from providers.models import BalanceReading

SPANS = (30, 90)
RATE_DAYS = 30
FAR_OFF = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Day:
    """One day. `seen`: the last reading of the day, None without one; `added` and `spent` by our
    own books."""

    day: date
    seen: Money | None
    added: Money
    spent: Money

    @property
    def is_worth_telling(self) -> bool:
        """Whether the table has something to say about it."""
        return bool(self.seen is not None or self.added or self.spent)


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long what is free lasts if spending goes on as it did over the last `days` days."""

    free: Money
    spent: Money
    days: int
    today: date

    @property
    def until(self) -> date | None:
        """About when nothing is left; None if that is too far off to be told."""
        left = timedelta(days=min(max(self.free.minor, 0) * self.days // self.spent.minor, 10**5))
        return self.today + left if left < FAR_OFF else None

    @property
    def sentence(self) -> str:
        """For the page: "Lasts until about 4 Dec at the rate of the last 30 days (…)"."""
        days = "24 hours" if self.days == 1 else f"{self.days} days"
        rate = f"at the rate of the last {days} ({self.spent.format()} spent)"
        if self.free.minor <= 0:
            return "Nothing is free any more."
        if self.until is None:
            return f"Lasts for more than two years {rate}."
        year = f" {self.until.year}" if self.until.year != self.today.year else ""
        return f"Lasts until about {self.until.day} {self.until:%b}{year} {rate}."


def history(deposit: Deposit, span: int) -> list[Day]:
    """The last `span` days up to today, oldest first; three queries."""
    today = db_now().date()
    first = today - timedelta(days=span - 1)
    seen, moved = _seen(deposit, first), _moved(deposit, first)
    return [
        Day(
            day=day,
            seen=Money(seen[day], deposit.currency) if day in seen else None,
            added=Money(moved[day]["added"], deposit.currency),
            spent=Money(moved[day]["spent"], deposit.currency),
        )
        for day in (first + timedelta(days=number) for number in range(span))
    ]


def lasting(deposit: Deposit, days: Sequence[Day]) -> Lasting | None:
    """How long it lasts, from the last thirty of these days; None if nothing was spent in them."""
    latest = days[-RATE_DAYS:]
    spent = Money(sum(day.spent.minor for day in latest), deposit.currency)
    began = deposit.transactions.aggregate(first=Min("at"))["first"]
    if spent.minor <= 0 or began is None:
        return None
    today = latest[-1].day
    age = (today - began.date()).days + 1
    return Lasting(deposit.free, spent, min(len(latest), max(age, 1)), today)


def _seen(deposit: Deposit, first: date) -> dict[date, int]:
    """The last reading of each day, in minor units."""
    readings = BalanceReading.objects.filter(
        account=deposit.account_id, currency=deposit.currency, asked_at__gte=_midnight(first)
    )
    days = readings.order_by().annotate(day=TruncDate("asked_at", tzinfo=UTC)).values("day")
    last = days.annotate(last=Max("asked_at")).values_list("last", flat=True)
    rows = readings.filter(asked_at__in=list(last)).values_list("asked_at", "available_minor")
    return {asked_at.date(): minor for asked_at, minor in rows}


def _moved(deposit: Deposit, first: date) -> dict[date, dict[str, int]]:
    """What was added and spent on each day, in minor units."""
    postings = LedgerPosting.objects.filter(
        Q(book=Book.SPENT) | Q(book=Book.AVAILABLE, transaction__event=LedgerEvent.FUND),
        transaction__deposit=deposit, transaction__at__gte=_midnight(first),
    )  # fmt: skip
    by_day = postings.order_by().annotate(day=TruncDate("transaction__at", tzinfo=UTC))
    moved: dict[date, dict[str, int]] = defaultdict(lambda: {"added": 0, "spent": 0})
    for row in by_day.values("day", "book").annotate(sum=Sum("amount_minor")):
        moved[row["day"]]["spent" if row["book"] == Book.SPENT else "added"] = row["sum"]
    return moved


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
