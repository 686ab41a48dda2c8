"""What needs a person: each with how many, since when, why, and the list that shows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Min, Q
from django.urls import reverse

from giftops.money import Money
from giftops.show import AMBER, RED
from orders.admin.pills import STANDINGS
from orders.models import Break, BreakKind, Deposit, Order
from orders.statuses import Status
from providers.gateways.base import Standing


@dataclass(frozen=True, slots=True)
class Need:
    """One line of the list: orders of one kind that somebody should look at."""

    tone: str
    count: int
    what: str
    why: str
    link: str
    oldest: datetime | None = None
    next_look: datetime | None = None


WHY: dict[str, tuple[str, str, str]] = {
    Status.UNKNOWN: (
        RED,
        "outcome unknown",
        "Sent, and no usable answer came. We keep asking; do not order it again.",
    ),
    Status.NEEDS_REVIEW: (RED, "held for review", "Two people decide what became of it."),
    Status.PARTLY_FULFILLED: (RED, "partly fulfilled", "Fewer cards came than were bought."),
    Status.AWAITING_FUNDS: (AMBER, "waiting for funds", "Refused for lack of funds there."),
    Status.APPROVED: (AMBER, "held back", "Tried in vain too often; say when to send again."),
}
WHY_STANDING: dict[str, str] = {
    Standing.OUT_OF_STOCK: "It lives on there and comes when the card is back in stock.",
    Standing.LOW_FUNDS: "The provider waits for funds on the deposit.",
    Standing.ON_HOLD: "The provider holds it. Ask them if it lasts.",
    Standing.UNMAPPED: "The provider says something we do not know.",
}
KINDS = dict(BreakKind.choices)


def needs_of_orders() -> list[Need]:
    """The kinds of orders that need a person, the most urgent first. Two queries."""
    rows = (
        Order.objects.filter(
            Q(status__in=(Status.UNKNOWN, Status.NEEDS_REVIEW, Status.PARTLY_FULFILLED))
            | Q(status=Status.AWAITING_FUNDS)
            | Q(status=Status.APPROVED, is_held_back=True)
            | Q(status=Status.PLACED, standing__in=list(WHY_STANDING))
        )
        .order_by()
        .values("status", "standing")
        .annotate(count=Count("id"), oldest=Min("changed_at"), next_look=Min("next_look_at"))
    )
    found = _merged(rows)
    return sorted(found, key=lambda need: (need.tone != RED, -need.count))


def deposits_running_low() -> list[Need]:
    """Deposits with less free than somebody wants to have. One query."""
    low = Deposit.objects.filter(
        account__is_active=True,
        available_minor__lt=F("alert_below_minor") + F("shortfall_minor"),
    )
    return [_low(deposit) for deposit in low.select_related("account").order_by("account__name")]


def _low(deposit: Deposit) -> Need:
    limit = Money(deposit.alert_below_minor or 0, deposit.currency)
    return Need(
        tone=AMBER,
        count=1,
        what=f"deposit low at {deposit.account.name}",
        why=f"{deposit.free.format()} is free; you want to know below {limit.format()}. Add funds.",
        link=reverse("admin:orders_deposit_change", args=[deposit.pk]),
    )


def _merged(rows: Any) -> list[Need]:
    """One need per kind: for placed orders the standing is the kind, for others the status."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        standing = row["standing"] if row["status"] == Status.PLACED else ""
        kinds.setdefault((row["status"], standing), []).append(row)
    reasons = _reasons_for_review() if (Status.NEEDS_REVIEW, "") in kinds else ""
    return [_need(status, standing, rows, reasons) for (status, standing), rows in kinds.items()]


def _need(status: str, standing: str, rows: list[dict[str, Any]], reasons: str) -> Need:
    if standing:
        tone, what = STANDINGS[standing]
        why, link = WHY_STANDING[standing], _list(status=status, standing=standing)
    else:
        tone, what, why = WHY[status]
        link = _list(status=status, **({"held_back": "1"} if status == Status.APPROVED else {}))
    if status == Status.NEEDS_REVIEW and reasons:
        why = reasons
    return Need(
        tone=tone,
        count=sum(row["count"] for row in rows),
        what=what.lower(),
        why=why,
        link=link,
        oldest=min(row["oldest"] for row in rows),
        next_look=_earliest(rows) if status == Status.UNKNOWN else None,
    )


def _earliest(rows: list[dict[str, Any]]) -> datetime | None:
    return min((row["next_look"] for row in rows if row["next_look"]), default=None)


def _list(**filters: str) -> str:
    address = reverse("admin:orders_order_changelist")
    return f"{address}?{'&'.join(f'{name}={value}' for name, value in filters.items())}"


def _reasons_for_review() -> str:
    """Why orders are held, by their open breaks: "Codes do not match the order (1) …"."""
    rows = (
        Break.objects.filter(closed_at=None, order__status=Status.NEEDS_REVIEW)
        .order_by()
        .values_list("kind")
        .annotate(count=Count("id"))
    )
    return " · ".join(f"{KINDS[kind]} ({count})" for kind, count in rows)


def now_on_the_way() -> dict[str, int]:
    """How many orders move by themselves, and how many drafts wait for their maker."""
    moving = (Status.APPROVED, Status.SUBMITTING, Status.PLACED, Status.DRAFT)
    rows = Order.objects.filter(status__in=moving).order_by().values_list("status")
    counts = dict(rows.annotate(count=Count("id")))
    drafts = counts.pop(Status.DRAFT, 0)
    return {"moving": sum(counts.values()), "drafts": drafts}


def open_breaks() -> list[dict[str, Any]]:
    """Open breaks by kind: how many, how old the oldest is, the list that shows them."""
    rows = (
        Break.objects.filter(closed_at=None)
        .order_by()
        .values("kind")
        .annotate(count=Count("id"), oldest=Min("opened_at"))
    )
    address = reverse("admin:orders_break_changelist")
    return [
        row | {"label": KINDS[row["kind"]], "link": f"{address}?state=open&kind={row['kind']}"}
        for row in sorted(rows, key=lambda row: row["oldest"])
    ]
