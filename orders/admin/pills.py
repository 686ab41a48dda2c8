"""One meaning per colour: how an order's status and standing are shown on every page."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.utils.safestring import SafeString

from giftops import show
from giftops.show import AMBER, BLUE, DARK, GREEN, GREY, RED
from orders.models import Order
from orders.statuses import Status
from providers.gateways.base import Standing

TONES: dict[str, str] = {
    Status.DRAFT: GREY,
    Status.AWAITING_APPROVAL: GREY,
    Status.APPROVED: GREY,
    Status.SUBMITTING: BLUE,
    Status.UNKNOWN: RED,
    Status.PLACED: BLUE,
    Status.PARTLY_FULFILLED: RED,
    Status.FULFILLED: GREEN,
    Status.AWAITING_FUNDS: AMBER,
    Status.NEEDS_REVIEW: RED,
    Status.REJECTED: DARK,
    Status.CANCELLED: DARK,
    Status.DECLINED: DARK,
    Status.WITHDRAWN: DARK,
}
STANDINGS: dict[str, tuple[str, str]] = {
    Standing.ON_HOLD: (AMBER, "On hold there"),
    Standing.LOW_FUNDS: (AMBER, "Low funds there"),
    Standing.OUT_OF_STOCK: (AMBER, "Out of stock"),
    Standing.COMPLETED: (BLUE, "Fetching the cards"),
    Standing.UNMAPPED: (RED, "Status not understood"),
}
REMOTE_TONES: dict[str, str] = {
    Standing.COMPLETED: GREEN,
    Standing.CANCELLED: DARK,
    Standing.UNMAPPED: RED,
    Standing.ON_HOLD: AMBER,
    Standing.LOW_FUNDS: AMBER,
    Standing.OUT_OF_STOCK: AMBER,
}
HELD_BACK = (AMBER, "Held back")
NOT_DONE_YET = frozenset(
    {
        Status.APPROVED,
        Status.SUBMITTING,
        Status.UNKNOWN,
        Status.PLACED,
        Status.AWAITING_FUNDS,
    }
)
"""Statuses that change by themselves, so that a page that shows one refreshes."""


def tone_and_label(order: Order) -> tuple[str, str]:
    """The colour and the words for an order as it stands now."""
    if order.status == Status.PLACED and order.standing in STANDINGS:
        return STANDINGS[order.standing]
    if order.status == Status.APPROVED and order.is_held_back:
        return HELD_BACK
    return TONES[order.status], Status(order.status).label


def pill_of(order: Order) -> SafeString:
    """Our status, and beside it what the provider says, in quotes."""
    tone, label = tone_and_label(order)
    return show.pill(tone, label, order.provider_text)


def tone_of_status(status: str) -> str:
    """The colour of a status alone, for lines of a timeline."""
    return TONES.get(status, GREY)


@dataclass(frozen=True, slots=True)
class Share:
    """So many orders of a batch in one colour."""

    tone: str
    label: str
    count: int


GROUPS: tuple[tuple[str, str, frozenset[Status]], ...] = (
    (GREEN, "done", frozenset({Status.FULFILLED})),
    (
        BLUE,
        "on their way",
        frozenset({Status.APPROVED, Status.SUBMITTING, Status.PLACED}),
    ),
    (AMBER, "waiting for funds", frozenset({Status.AWAITING_FUNDS})),
    (
        RED,
        "need a person",
        frozenset({Status.UNKNOWN, Status.NEEDS_REVIEW, Status.PARTLY_FULFILLED}),
    ),
    (
        DARK,
        "not bought",
        frozenset({Status.REJECTED, Status.CANCELLED, Status.DECLINED, Status.WITHDRAWN}),
    ),
    (GREY, "not sent yet", frozenset({Status.DRAFT, Status.AWAITING_APPROVAL})),
)


def shares_of(counts: Iterable[tuple[str, int]]) -> list[Share]:
    """Gather (status, count) pairs into the coloured parts of a bar; empty parts are left out."""
    by_status = dict(counts)
    parts = (
        Share(tone, label, sum(by_status.get(status, 0) for status in statuses))
        for tone, label, statuses in GROUPS
    )
    return [part for part in parts if part.count]


def shares_of_batches(batch_ids: Iterable[object]) -> dict[object, list[Share]]:
    """The bar of each of these batches, in one query."""
    rows = (
        Order.objects.filter(batch__in=list(batch_ids))
        .order_by()
        .values_list("batch", "status")
        .annotate(count=Count("id"))
    )
    counts: dict[object, list[tuple[str, int]]] = {}
    for batch, status, count in rows:
        counts.setdefault(batch, []).append((status, count))
    return {batch: shares_of(pairs) for batch, pairs in counts.items()}
