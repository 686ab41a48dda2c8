"""What needs a person about numbers, cards of our own and holds; each with its list."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse

from giftops.clock import db_now
from giftops.models import User
from giftops.show import AMBER, RED
from orders.admin import linking
from orders.admin.everywhere import makes_cards
from orders.admin.needs import Need
from orders.issuing_states import CardState, HoldState, IssuanceState, ReservationState
from orders.models import Authorization, Card, Reservation
from orders.services.issuing.holds import ageing
from orders.services.issuing.reservations import stock

LATELY = timedelta(days=1)
STILL_LOOKING = frozenset(
    {ReservationState.UNKNOWN, CardState.IN_DOUBT, HoldState.UNKNOWN, HoldState.CONFIRM_UNKNOWN,
     HoldState.CANCEL_UNKNOWN}
)  # fmt: skip
WHY_RESERVATIONS: dict[str, tuple[str, str]] = {
    ReservationState.UNKNOWN: (
        "requests for numbers: no answer",
        "We ask again by ourselves. No money is in it.",
    ),
    ReservationState.NEEDS_REVIEW: (
        "requests for numbers: held for a person",
        "Up to {lost:,} numbers may be lost. Ask again, or leave it.",
    ),
}
WHY_CARDS: dict[str, tuple[str, str, str]] = {
    CardState.IN_DOUBT: (
        RED,
        "cards: outcome unknown",
        "Sent, and no usable answer came. We ask for the balance; do not issue them again.",
    ),
    CardState.NEEDS_REVIEW: (RED, "cards: held for review", "Two people decide what they are."),
    CardState.MISSING: (RED, "cards: no longer found", "They lived there once. Ask the provider."),
    CardState.REFUSED: (AMBER, "cards: refused since yesterday", "Correct them, or try again."),
    CardState.WAITING: (AMBER, "cards: waiting for a number", "Reserve one and try again."),
}
HOLDS: dict[str, str] = {
    HoldState.UNKNOWN: "We read the card again; do not ask for it again.",
    HoldState.CONFIRM_UNKNOWN: "Whether it was taken is not known. We read the card again.",
    HoldState.CANCEL_UNKNOWN: "Whether it was given back is not known. We read the card again.",
    HoldState.NO_EFFECT_SEEN: "Nothing seems to be held. Two people decide.",
    HoldState.HELD_CODE_LOST: "Money is held, and we lack the code. Two people decide.",
    HoldState.AMBIGUOUS: "The readings do not tell. Two people decide.",
    HoldState.NEEDS_REVIEW: "Two people decide what became of it.",
}


def needs_of_issuing(request: HttpRequest, user: User) -> list[Need]:
    """What this person may see of it, the most urgent first; nothing is asked without an issuer."""
    if not makes_cards(request):
        return []
    found: list[Need] = []
    if user.has_perm("orders.view_reservation"):
        found += [*_reservations(), *_low_pools()]
    if user.has_perm("orders.view_card"):
        found += _cards()
    if user.has_perm("orders.view_authorization"):
        found += [*_holds(), *_old_holds()]
    return sorted(found, key=lambda need: (need.tone != RED, -need.count))


def _reservations() -> list[Need]:
    rows = _counted(Reservation.objects.filter(state__in=WHY_RESERVATIONS), lost=Sum("may_be_lost"))
    return [
        _need("reservation", row, RED, what, why.format(lost=row["lost"]))
        for row in rows
        for what, why in [WHY_RESERVATIONS[row["state"]]]
    ]


def _low_pools() -> list[Need]:
    return [
        Need(
            tone=AMBER,
            count=found.left,
            what=f"left in the pool {pool.name}",
            why=f"{pool.agency} runs low; you want to know at {pool.low_stock_at:,}. Ask for more.",
            link=reverse("admin:orders_pool_change", args=[pool.pk]),
        )
        for pool, found in stock.low_pools()
    ]


def _cards() -> list[Need]:
    rows = Card.objects.filter(
        Q(state__in=(CardState.IN_DOUBT, CardState.NEEDS_REVIEW, CardState.MISSING))
        | Q(state=CardState.REFUSED, changed_at__gte=db_now() - LATELY)
        | Q(state=CardState.WAITING, next_look_at=None, issuance__state=IssuanceState.RUNNING)
    )
    return [_need("card", row, *WHY_CARDS[row["state"]]) for row in _counted(rows)]


def _holds() -> list[Need]:
    rows = _counted(Authorization.objects.filter(state__in=HOLDS))
    return [
        _need("authorization", row, RED, f"holds: {_label(row['state'])}", HOLDS[row["state"]])
        for row in rows
    ]


def _old_holds() -> list[Need]:
    """Open holds that lock a customer's money for long."""
    found = ageing.count_open()
    ages = (
        (RED, found.over_a_day, "holds: open for more than a day", ageing.Age.OVER_A_DAY),
        (AMBER, found.over_an_hour - found.over_a_day, "holds: open for more than an hour",
         ageing.Age.OVER_AN_HOUR),
    )  # fmt: skip
    why = "They lock a customer's money. Take it or give it back."
    return [
        Need(tone, count, what, why, linking.list_of("authorization", age=age))
        for tone, count, what, age in ages
        if count
    ]


def _counted(rows: QuerySet[Any], **sums: Any) -> Iterable[dict[str, Any]]:
    """By state: how many, since when, when we look next; one query."""
    found = rows.order_by().values("state")
    return found.annotate(
        count=Count("id"), oldest=Min("changed_at"), next_look=Min("next_look_at"), **sums
    )


def _need(kind: str, row: dict[str, Any], tone: str, what: str, why: str) -> Need:
    state = row["state"]
    return Need(
        tone=tone,
        count=row["count"],
        what=what,
        why=why,
        link=linking.list_of(kind, state=state),
        oldest=row["oldest"],
        next_look=row["next_look"] if state in STILL_LOOKING else None,
    )


def _label(state: str) -> str:
    return str(HoldState(state).label).lower()
