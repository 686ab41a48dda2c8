"""From what a person asked for to a batch of orders, checked before anything is stored."""

import uuid
from datetime import date

from django.conf import settings
from django.db import IntegrityError, transaction

from giftops import audit
from giftops.addresses import can_be_told
from giftops.clock import db_now, now
from giftops.identity import new_id, reference_for
from giftops.models import User
from orders.models import Batch, Order, OrderEvent, OrderLine
from orders.services import moving
from orders.services.doorbells import make_doorbell
from orders.services.problems import LostTheRace, Refused
from orders.services.recipients import Recipient
from orders.services.wishes import Wish, check_wish, cost_of_wish, lines_of, request_line
from orders.statuses import DEAD, Status
from providers.gateways.base import OrderRequest, OrderType, PostalAddress
from providers.models import ProviderAccount
from providers.registry import spec_for

__all__ = [
    "Recipient",
    "Wish",
    "check_wish",
    "create_batch",
    "living_for",
    "request_of",
    "retry_as_new",
]


def create_batch(maker: User, wish: Wish, *, retry_of: Order | None = None) -> Batch:
    """Draft its orders, each of as many lines as the seller takes in one.

    Raises `InvalidOrder`; nothing is sent and nothing is held yet.
    """
    check_wish(wish)
    lines, total = lines_of(wish), cost_of_wish(wish).total
    with transaction.atomic():
        batch = Batch.objects.create(
            account=wish.product.account, title=wish.title, currency=total.currency,
            total_minor=total.minor, order_count=len(lines), maker=maker, last_editor=maker,
        )  # fmt: skip
        orders = [_draft(batch, wish, own, number, retry_of) for number, own in enumerate(lines, 1)]
        Order.objects.bulk_create(orders)
        OrderLine.objects.bulk_create([line for own in lines for line in own])
        OrderEvent.objects.bulk_create(_drafted(order, maker) for order in orders)
        audit.record("batch.drafted", actor=maker, obj=batch, total=str(batch.total))
    return batch


def retry_as_new(order: Order, *, actor: User) -> Batch:
    """Draft the same need under a new reference, once the old order is dead there.

    Lines that were delivered in spite of it are left out.
    """
    if order.status not in (Status.CANCELLED, Status.REJECTED):
        raise Refused(
            f"{order.reference} is {order.get_status_display().lower()}. Only an order that is "
            "cancelled or refused may be retried as a new one."
        )
    standing_in = living_for(order.need or order.pk)
    if standing_in == order:
        raise LostTheRace(moving.who_was_first(order))
    if standing_in is not None:
        raise Refused(f"{standing_in.reference} already takes the place of {order.reference}.")
    wish = _wish_again(order)
    check_wish(wish)
    try:
        with transaction.atomic():
            if not moving.note(order, reason=order.reason):  # it may have come to life meanwhile
                raise LostTheRace(moving.who_was_first(order))
            return create_batch(actor, wish, retry_of=order)
    except IntegrityError:
        if living_for(order.need or order.pk) is None:
            raise
        raise LostTheRace(f"{order.reference} was retried by somebody else just now.") from None


def living_for(need: uuid.UUID) -> Order | None:
    """The order that may live, or come to live, for a need; None if the need is free."""
    return Order.objects.filter(need=need).exclude(status__in=DEAD).first()


def request_of(order: Order) -> OrderRequest:
    """What we send for an order; the same through every retry."""
    return OrderRequest(
        reference=order.reference,
        lines=tuple(request_line(line) for line in order.lines.all()),
        type=OrderType(order.type),
        note=order.note,
        department_id=order.department_id,
        doorbell_url=order.doorbell_url.reveal() if order.doorbell_url else "",
    )


def _wish_again(order: Order) -> Wish:
    lines = list(order.lines.select_related("product__account").filter(delivered_at=None))
    if not lines:
        raise Refused(f"All lines of {order.reference} were delivered: nothing is left to retry.")
    line = lines[0]
    return Wish(
        product=line.product, face_value=line.face_value, quantity=line.quantity,
        title=f"Retry of {order.reference}"[:120], order_type=OrderType(order.type),
        recipients=tuple(_recipient(one, row) for row, one in enumerate(lines, 1)),
        may_repeat=True, from_name=line.from_name, from_email=line.from_email,
        message=line.message, deliver_on=_not_yet_over(line), branding_id=line.branding_id,
        shipping_method_id=line.shipping_method_id, carrier_id=line.carrier_id,
        department_id=order.department_id, note=order.note,
    )  # fmt: skip


def _recipient(line: OrderLine, row: int) -> Recipient:
    return Recipient(
        name=line.recipient_name, email=line.recipient_email, phone=line.recipient_phone,
        address=PostalAddress(**line.address) if line.address else None, row=row,
    )  # fmt: skip


def _not_yet_over(line: OrderLine) -> date | None:
    """The day it was wished for; a day that is over means at once."""
    return line.deliver_on if line.deliver_on and line.deliver_on >= db_now().date() else None


def _draft(
    batch: Batch, wish: Wish, lines: list[OrderLine], position: int, retry_of: Order | None
) -> Order:
    uid = new_id()
    doorbell_url, doorbell_index = _doorbell(batch.account)
    order = Order(
        id=uid, batch=batch, account=batch.account, position=position,
        reference=reference_for(uid), currency=batch.currency,
        total_minor=sum(line.cost_minor for line in lines), type=wish.order_type, note=wish.note,
        department_id=wish.department_id, doorbell_url=doorbell_url,
        doorbell_index=doorbell_index, retry_of=retry_of,
        need=(retry_of.need or retry_of.pk) if retry_of else uid, created_at=now(),
    )  # fmt: skip
    for line in lines:
        line.order = order
    return order


def _doorbell(account: ProviderAccount) -> tuple[str, str]:
    """An address of its own for each order of a provider that rings; else two empty texts.

    None either where no provider would ring: such an order is merely polled.
    """
    rings = getattr(spec_for(account.provider).gateway_class, "rings_doorbell", False)
    return make_doorbell() if rings and can_be_told(settings.GIFTOPS_PUBLIC_URL) else ("", "")


def _drafted(order: Order, maker: User) -> OrderEvent:
    return OrderEvent(
        order=order, at=db_now(), kind="drafted", text="Drafted", actor=maker,
        new_status=Status.DRAFT,
    )  # fmt: skip
