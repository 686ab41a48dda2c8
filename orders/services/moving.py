"""Changing an order's status: from the status and version that were read, or not at all."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from giftops import audit
from giftops.clock import db_now
from giftops.models import User
from orders.models import Order, OrderEvent
from orders.services.problems import LostTheRace, Refused
from orders.statuses import Status, is_allowed


def read_order(order_id: uuid.UUID | str) -> Order:
    """An order as it stands now, with what its next step reads."""
    return Order.objects.select_related("account", "batch__maker").get(pk=order_id)


def move(
    order: Order,
    to: Status,
    *,
    kind: str,
    text: str,
    actor: User | None = None,
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> Order:
    """Change an order's status and tell timeline and audit, in the caller's transaction.

    Raises `Refused` if the table knows no such step, `LostTheRace` if the order has changed since
    it was read.
    """
    old = order.status
    at = shift(order, to, **changes)
    tell(order, kind, text, at=at, actor=actor, old=old, new=to, facts=facts)
    return order


def shift(order: Order, to: Status, **changes: Any) -> datetime:
    """The compare-and-set itself: exactly one row, at exactly the version that was read."""
    if not is_allowed(order.status, to):
        raise Refused(
            f"{order.reference} is {order.get_status_display().lower()}: not possible now."
        )
    at = db_now()
    changes = {"changed_at": at} | changes | {"status": to, "version": F("version") + 1}
    rows = Order.objects.filter(pk=order.pk, status=order.status, version=order.version)
    if rows.update(**changes) != 1:
        raise LostTheRace(who_was_first(order))
    order.refresh_from_db()
    return at


def tell(
    order: Order,
    kind: str,
    text: str,
    *,
    at: datetime | None = None,
    actor: User | None = None,
    old: str = "",
    new: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    """Add a line to the timeline; a change of status also goes into the audit trail."""
    facts = facts or {}
    OrderEvent.objects.create(
        order=order, at=at or db_now(), kind=kind, text=text[:500], actor=actor,
        old_status=old, new_status=new, facts=facts,
    )  # fmt: skip
    if new or actor is not None:
        audit.record(f"order.{kind}", actor=actor, obj=order, old=old, new=new, text=text, **facts)


def tell_all(
    orders: Sequence[Order], kind: str, text: str, *, actor: User | None, old: str, new: str
) -> None:
    """Tell the same step of many orders: one timeline line and one audit entry each."""
    at = db_now()
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order=order, at=at, kind=kind, text=text, actor=actor, old_status=old, new_status=new
        )
        for order in orders
    )
    for order in orders:
        audit.record(f"order.{kind}", actor=actor, obj=order, old=old, new=new, text=text)


def note(order: Order, **fields: Any) -> bool:
    """Store what a look taught us, keeping the status; False if the order moved meanwhile."""
    rows = Order.objects.filter(pk=order.pk, status=order.status, version=order.version)
    return rows.update(**fields) == 1


def who_was_first(order: Order) -> str:
    """One sentence for whoever came second: what happened meanwhile, by whom, when."""
    last = OrderEvent.objects.filter(order=order).exclude(new_status="").order_by("id").last()
    if last is None:
        return f"{order.reference} has just been changed. Nothing was done; look again."
    who = f" by {last.actor.get_short_name() or last.actor.username}" if last.actor else ""
    return (
        f"{order.reference}: already {Status(last.new_status).label.lower()}{who} "
        f"at {last.at:%H:%M:%S} UTC. Nothing was done a second time."
    )


def those_in(orders: Iterable[Order], *statuses: Status) -> list[Order]:
    """The orders of a batch that stand where a step begins; `LostTheRace` if none does any more."""
    orders = list(orders)
    ready = [order for order in orders if order.status in statuses]
    if not ready:
        raise LostTheRace(who_was_first(orders[0]))
    return ready
