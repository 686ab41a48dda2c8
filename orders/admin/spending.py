"""Spend by day over the last thirty days, per currency: figures, and bars to see their shape."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum
from django.db.models.functions import TruncDate

from giftops.clock import db_now
from giftops.money import Money
from orders.models import Book, LedgerEvent, LedgerPosting

DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """What was spent on one day, and how that compares with the most of any day (per cent)."""

    day: date
    amount: Money
    height: int


@dataclass(frozen=True, slots=True)
class Spending:
    """Thirty days in one currency."""

    currency: str
    days: list[Day]
    total: Money

    @property
    def busiest(self) -> list[Day]:
        """Days on which something was spent, newest first: the table beside the bars."""
        return [day for day in reversed(self.days) if day.amount]


def by_day() -> list[Spending]:
    """One picture per currency in which something was spent."""
    today = db_now().date()
    first = today - timedelta(days=DAYS - 1)
    rows = (
        LedgerPosting.objects.filter(
            book=Book.SPENT,
            transaction__event=LedgerEvent.SETTLE,
            transaction__at__date__gte=first,
        )
        .order_by()
        .annotate(day=TruncDate("transaction__at"))
        .values_list("transaction__deposit__currency", "day")
        .annotate(sum=Sum("amount_minor"))
    )
    spent: dict[str, dict[date, int]] = defaultdict(dict)
    for currency, day, total in rows:
        spent[currency][day] = total
    return [_picture(currency, days, first) for currency, days in sorted(spent.items())]


def _picture(currency: str, spent: dict[date, int], first: date) -> Spending:
    most = max(spent.values())
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return Spending(
        currency=currency,
        days=[
            Day(day, Money(spent.get(day, 0), currency), round(100 * spent.get(day, 0) / most))
            for day in days
        ],
        total=Money(sum(spent.values()), currency),
    )
