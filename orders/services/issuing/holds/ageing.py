"""Holds that nobody has finished yet: they lock a customer's money, so somebody has to see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, Q, QuerySet

from giftops.clock import db_now
from orders.issuing_states import OPEN_HOLDS
from orders.models import Authorization

AN_HOUR, A_DAY = timedelta(hours=1), timedelta(hours=24)


class Age(StrEnum):
    """How long a hold has been open."""

    FRESH = "fresh"
    OVER_AN_HOUR = "over_an_hour"
    OVER_A_DAY = "over_a_day"


@dataclass(frozen=True, slots=True)
class Open:
    """How many holds are open, and how many of them for longer than an hour, than a day."""

    total: int
    over_an_hour: int
    over_a_day: int


def open_holds(older_than: timedelta = timedelta()) -> QuerySet[Authorization]:
    """Holds that can be confirmed or cancelled, the oldest first; granted `older_than` ago."""
    granted_by = db_now() - older_than
    holds = Authorization.objects.filter(state__in=OPEN_HOLDS, authorized_at__lte=granted_by)
    return holds.select_related("card", "account", "maker").order_by("authorized_at", "id")


def count_open() -> Open:
    """The figures for the start page, in one query."""
    at = db_now()
    found = Authorization.objects.filter(state__in=OPEN_HOLDS).aggregate(
        total=Count("pk"),
        over_an_hour=Count("pk", filter=Q(authorized_at__lte=at - AN_HOUR)),
        over_a_day=Count("pk", filter=Q(authorized_at__lte=at - A_DAY)),
    )
    return Open(**found)


def age_of(hold: Authorization, at: datetime) -> Age:
    """How old an open hold is at that moment; fresh if it is not open."""
    if hold.state not in OPEN_HOLDS or hold.authorized_at is None:
        return Age.FRESH
    if at - hold.authorized_at >= A_DAY:
        return Age.OVER_A_DAY
    return Age.OVER_AN_HOUR if at - hold.authorized_at >= AN_HOUR else Age.FRESH
