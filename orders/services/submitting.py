"""From draft to approved: submit, approve, decline, withdraw. Money is held on approval.

An approval is bound to a fingerprint of what was approved and lapses after 24 hours. Every step
of a batch moves all of its orders or none. Transactions take rows in one order, so that no two wait
for each other: the batch, the deposit, the orders, the end of the audit trail, breaks and jobs.
"""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from giftops import audit
from giftops.clock import db_now
from giftops.models import User
from giftops.money import Money
from giftops.queue import enqueue
from orders.models import Approval, Attempt, Batch, Order, OrderLine, Phase
from orders.services import funding, limits, moving, withdrawing
from orders.services.problems import LostTheRace, Refused
from orders.statuses import DEAD, Status

APPROVAL_LASTS = timedelta(hours=24)


def submit_batch(batch: Batch, *, actor: User) -> Batch:
    """Hand a draft in. Below the limit it is approved by rule, above it waits for an approver.

    Raises `Refused`, `LostTheRace` (already submitted) or `NotEnoughMoney`.
    """
    _require(actor, "orders.add_order", "submit orders")
    if not batch.account.is_active:
        raise Refused(f"{batch.account} is switched off. Nothing can be ordered there.")
    funding.freshen(batch.account)
    with transaction.atomic():
        if needs_approval(batch):
            drafts = moving.those_in(_orders(batch), Status.DRAFT)
            _hand_in(batch, drafts, actor)
            return batch
        ready = moving.those_in(_orders(batch), Status.DRAFT, Status.AWAITING_APPROVAL)
        funding.hold(batch.account, _total(ready), ready)
        _hand_in(batch, [order for order in ready if order.status == Status.DRAFT], actor)
        text = f"No approval needed below {_in_words(limit_of(batch))}"
        _release_to_send(batch, ready, actor, text, kind="released_by_rule")
    return batch


def approve_batch(batch: Batch, *, actor: User, fingerprint: str) -> Batch:
    """A second person says yes to exactly what they saw; money is held, the orders go out."""
    _require(actor, "orders.approve_batch", "approve orders")
    _require_other(actor, batch)
    funding.freshen(batch.account)
    with transaction.atomic():
        ready = moving.those_in(_orders(batch), Status.AWAITING_APPROVAL)
        if fingerprint != batch.fingerprint or fingerprint != fingerprint_of(batch):
            raise Refused(f"{batch} was changed after you opened it. Look at it again.")
        funding.hold(batch.account, _total(ready), ready)
        _release_to_send(batch, ready, actor, f"Approved; fingerprint {batch.fingerprint[:8]}")
        _answer(batch, actor, is_approved=True)
    return batch


def decline_batch(batch: Batch, *, actor: User, reason: str) -> Batch:
    """A second person says no, and why; nothing is sent."""
    _require(actor, "orders.approve_batch", "decline orders")
    _require_other(actor, batch)
    if not reason.strip():
        raise Refused("Say why, so that the maker knows what to change.")
    with transaction.atomic():
        ready = moving.those_in(_orders(batch), Status.AWAITING_APPROVAL)
        _step(ready, Status.DECLINED, "declined", f"Declined: {reason}"[:300], actor,
              reason=reason[:300])  # fmt: skip
        _answer(batch, actor, is_approved=False, reason=reason)
    return batch


def withdraw_order(order: Order, *, actor: User) -> Order:
    """Take an order back before it is sent; its hold is released."""
    _require(actor, "orders.add_order", "withdraw orders")
    if order.status == Status.AWAITING_FUNDS:
        return withdrawing.withdraw_unfunded(order, actor=actor)
    with transaction.atomic():
        order = Order.objects.get(pk=order.pk)
        if order.status in DEAD:
            raise LostTheRace(moving.who_was_first(order))
        if order.status not in (Status.DRAFT, Status.AWAITING_APPROVAL, Status.APPROVED):
            raise Refused(
                f"{order.reference} is {order.get_status_display().lower()} and cannot be "
                "withdrawn: it may exist at the provider."
            )
        if Attempt.objects.filter(order=order, phase__in=(Phase.SENDING, Phase.UNKNOWN)).exists():
            raise Refused(f"{order.reference} is being sent right now. Look again in a minute.")
        funding.release(order)
        return moving.move(
            order, Status.WITHDRAWN, kind="withdrawn", text="Withdrawn", actor=actor,
            held_minor=0, reason="", is_held_back=False,
        )  # fmt: skip


def send_again(order: Order, *, actor: User) -> None:
    """Put an approved order that was tried in vain too often back on its way."""
    _require(actor, "orders.add_order", "send orders")
    with transaction.atomic():
        rows = Order.objects.filter(pk=order.pk, status=Status.APPROVED, is_held_back=True)
        if not rows.update(
            is_held_back=False,
            refusals=0,
            reason="",
            next_look_at=db_now(),
            version=F("version") + 1,
        ):
            raise Refused(moving.who_was_first(order))
        moving.tell(order, "sent_again", "To be sent again", actor=actor)
        enqueue("orders.tasks.place_order", order.pk)


def lapse_approval(order: Order, *, because: str) -> None:
    """An approval that no longer holds: the money is released, the order waits for a new one."""
    with transaction.atomic():
        funding.release(order)
        moving.move(
            order, Status.AWAITING_APPROVAL, kind="approval_lapsed", text=because,
            held_minor=0, reason=because, is_held_back=False, send_slot_at=None,
        )  # fmt: skip
        Approval.objects.filter(batch=order.batch, voided_at=None).update(voided_at=db_now())


def needs_approval(batch: Batch) -> bool:
    """Whether a second person must look: what is at stake is not below the maker's limit."""
    return not limits.is_below(at_stake(batch), limit_of(batch))


def at_stake(batch: Batch) -> Money:
    """What the batch costs or what its cards are worth, whichever is more: a discount hides none.

    Minor units are added up line by line; both are in the currency of the batch.
    """
    value = F("face_value_minor") * F("quantity")
    worth = OrderLine.objects.filter(order__batch=batch).aggregate(sum=Sum(value))["sum"] or 0
    return Money(max(batch.total_minor, worth), batch.currency)


def limit_of(batch: Batch) -> Money | None:
    """From which total on a batch of this maker needs an approver there; None: always."""
    return limits.limit_for(batch.account, batch.maker.role, batch.currency)


def fingerprint_of(batch: Batch) -> str:
    """SHA-256 over everything an approver agrees to: where, what, how much, for whom, how sent."""
    orders = batch.orders.order_by("id").prefetch_related("lines")
    lines = [
        [o.reference, o.type, o.total_minor, o.note, o.department_id,
         li.product_external_id, li.face_value_minor, li.currency, li.quantity,
         li.recipient_name, li.recipient_email, li.recipient_phone, li.address,
         li.shipping_method_id, li.carrier_id, li.branding_id,
         li.from_name, li.from_email, li.message, str(li.deliver_on or "")]
        for o in orders
        for li in o.lines.all()
    ]  # fmt: skip
    account = batch.account
    facts = [account.provider, account.environment, account.base_url, str(account.pk), lines]
    text = json.dumps(facts, separators=(",", ":"), sort_keys=True)  # an address is a dictionary
    return hashlib.sha256(text.encode()).hexdigest()


def _in_words(limit: Money | None) -> str:
    return limit.format() if limit else "any limit"


def _require(actor: User, permission: str, what: str) -> None:
    if not actor.has_perm(permission):
        raise Refused(f"Your role may not {what}.")


def _require_other(actor: User, batch: Batch) -> None:
    if actor.pk in (batch.maker_id, batch.last_editor_id):
        raise Refused("Nobody approves their own work. Ask another approver.")


def _orders(batch: Batch) -> list[Order]:
    """The orders as they stand, with the batch to ourselves until the transaction ends.

    Who comes second waits here and can be told who was first. Nothing else hangs on the lock (and
    SQLite, with one writer at a time, has none): each order moves by its own compare-and-set.
    """
    Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    return list(batch.orders.order_by("id"))


def _answer(batch: Batch, actor: User, *, is_approved: bool, reason: str = "") -> None:
    Approval.objects.create(
        batch=batch, fingerprint=batch.fingerprint, maker=batch.maker,
        last_editor=batch.last_editor, approver=actor, is_approved=is_approved,
        reason=reason[:300], at=db_now(),
    )  # fmt: skip
    verb = "approved" if is_approved else "declined"
    audit.record(f"batch.{verb}", actor=actor, obj=batch, fingerprint=batch.fingerprint)


def _total(orders: list[Order]) -> Money:
    return sum((order.total for order in orders[1:]), orders[0].total)


def _hand_in(batch: Batch, drafts: list[Order], actor: User) -> None:
    batch.fingerprint, batch.submitted_at = fingerprint_of(batch), db_now()
    batch.save(update_fields=["fingerprint", "submitted_at"])
    _step(drafts, Status.AWAITING_APPROVAL, "submitted", "Submitted", actor)


def _release_to_send(
    batch: Batch, orders: list[Order], actor: User, text: str, *, kind: str = "approved"
) -> None:
    at = db_now()
    batch.approval_lapses_at = at + APPROVAL_LASTS
    batch.save(update_fields=["approval_lapses_at"])
    _step(
        orders, Status.APPROVED, kind, text, actor,
        approved_at=at, held_minor=F("total_minor"), reason="", next_look_at=at,
    )  # fmt: skip
    for order in orders:
        enqueue("orders.tasks.place_order", order.pk)


def _step(
    orders: list[Order], to: Status, kind: str, text: str, actor: User, **changes: Any
) -> None:
    """Move all of them or, if one has moved meanwhile, none; then tell the story of each."""
    for order in orders:
        old = order.status
        moving.shift(order, to, **changes)
    if orders:
        moving.tell_all(orders, kind, text, actor=actor, old=old, new=to)
