"""Sending an order: commit, call, commit.

One short transaction writes down what is about to be sent; then the call, with no transaction
open; then another transaction applies the answer by compare-and-set. Whatever dies in between
leaves an attempt behind whose silence means *unknown*, and the sweep finds it.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F

from giftops import guard
from giftops.clock import db_now, sleep
from giftops.health import has_disk_space
from giftops.identity import jitter, new_id
from giftops.queue import enqueue
from orders import decisions
from orders.models import Attempt, Order
from orders.services import answering, funding, moving, submitting
from orders.services.drafting import request_of
from orders.services.fingerprints import fingerprint_of_request
from orders.services.problems import Refused
from orders.services.wording import plainly
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import OrderRequest, RemoteOrder, Seller, Slot
from providers.gateways.errors import NotSent, ProviderError, ProviderMisconfigured

log = structlog.get_logger(__name__)

PLACE_ORDER = "place_order"
SLOT_IS_NEAR = timedelta(seconds=5)
WAKE_BEFORE_SLOT = timedelta(seconds=3)
DISK_PATIENCE = timedelta(minutes=1)
NOT_YOUR_TURN = "Waits for its turn: the provider takes only so many requests a minute."
DISK_IS_FULL = "Waits: this machine's disk is full, so the answer could not be written down."
PROBE = "orders.tasks.read_deposit"
"""While the breaker is open no purchase is sent; a harmless read tells whether they are back."""
PROBE_FIRST = timedelta(seconds=2)


def place_order(order_id: str) -> None:
    """Buy one approved order: take a slot, write the intent, send, apply the answer."""
    order = moving.read_order(order_id)
    if order.status != Status.APPROVED or order.is_held_back:
        return
    try:
        if _may_go(order):
            send(order, retry_job="orders.tasks.place_order")
    except Refused as second:
        log.info("order.taken", reference=order.reference, sentence=str(second))


def send(order: Order, *, retry_job: str) -> None:
    """Send an order that may be sent; `retry_job` comes back if it must wait.

    Raises `LostTheRace` if somebody else sent, withdrew or resolved it first, `Refused` if it may
    not be sent any more, `NotEnoughMoney` if it waited for funds and they do not suffice.
    """
    attempt_id = new_id()
    if not has_disk_space():
        _come_back(order, retry_job, at=db_now() + DISK_PATIENCE, why=DISK_IS_FULL)
        return
    try:
        gateway: Seller = providers.gateway_for(
            order.account, attempt_ref=str(attempt_id), subject=order.reference
        )
        slot = _kept_or_new(order, gateway)
    except ProviderError as error:
        _wait_for_the_provider(order, retry_job, error)
        return
    if slot.at - db_now() > SLOT_IS_NEAR:
        at = slot.at - WAKE_BEFORE_SLOT
        _come_back(order, retry_job, at=at, why=NOT_YOUR_TURN, send_slot_at=slot.at)
        return
    attempt = _begin(order, attempt_id)
    _call(gateway, order, attempt, slot)


def _may_go(order: Order) -> bool:
    """Re-check what may have changed since the approval; what no longer holds voids it."""
    if guard.is_quarantined():
        return False
    problem = problem_with_sending(order)
    if problem:
        submitting.lapse_approval(order, because=problem)
    return not problem


def problem_with_sending(order: Order) -> str:
    """Why this order may not be sent (any more), in a sentence; "" if it may."""
    fresh = moving.read_order(order.pk)
    maker, batch = fresh.batch.maker, fresh.batch
    if guard.is_quarantined():
        return guard.status()
    if not fresh.account.is_active:
        return f"{fresh.account} was switched off after the approval."
    if not (maker.is_active and maker.has_perm("orders.add_order")):
        return f"{maker} may no longer order."
    if batch.approval_lapses_at and db_now() >= batch.approval_lapses_at:
        return "The approval lapsed after 24 hours."
    if submitting.fingerprint_of(batch) != batch.fingerprint:
        return "The order was changed after the approval."
    return ""


def _kept_or_new(order: Order, gateway: Seller) -> Slot:
    """The order's place in the account's rate budget."""
    if order.send_slot_at is not None:
        return gateway.renew_slot(Slot(at=order.send_slot_at))
    return gateway.reserve_slot()


def _wait_for_the_provider(order: Order, retry_job: str, error: ProviderError) -> None:
    wish = getattr(error, "retry_after", None)
    at = db_now() + decisions.backoff(4, 0.5 + jitter() / 2, at_least=wish)
    enqueue(PROBE, order.account_id, run_after=at - PROBE_FIRST)
    _come_back(order, retry_job, at=at, why=plainly(error, order.account))


def _come_back(order: Order, job: str, *, at: datetime, why: str, **fields: Any) -> None:
    with transaction.atomic():
        if moving.note(order, reason=why[:300], next_look_at=at, **fields):
            enqueue(job, order.pk, run_after=at)


def _begin(order: Order, attempt_id: uuid.UUID) -> Attempt:
    """The intent, committed before a byte leaves. Raises `LostTheRace` if another was first."""
    try:
        return _write_intent(order, attempt_id)
    except OperationalError:
        # The commit itself may have been lost or only its answer: the row tells.
        connection.close()
        attempt = Attempt.objects.filter(pk=attempt_id).first()
        if attempt is None:
            raise
        return attempt


@transaction.atomic(durable=True)
def _write_intent(order: Order, attempt_id: uuid.UUID) -> Attempt:
    at = db_now()
    problem = problem_with_sending(order)
    if problem:
        raise Refused(problem)
    held_minor = _hold_if_released(order)
    number = Attempt.objects.filter(order=order).count() + 1
    moving.move(
        order, Status.SUBMITTING, kind="sent", text=f"Sent, attempt {number}",
        fence=F("fence") + 1, sent_at=at, send_slot_at=None, absent_looks=0, reason="",
        next_look_at=None, held_minor=held_minor, facts={"attempt": str(attempt_id)},
    )  # fmt: skip
    return Attempt.objects.create(
        id=attempt_id, order=order, operation=PLACE_ORDER, number=number,
        reference=order.reference, request_fingerprint=fingerprint_of_request(request_of(order)),
        account_mark=providers.account_mark(order.account), fence=order.fence, sent_at=at,
        lease_until=at + timedelta(seconds=settings.GIFTOPS_LEASE_SECONDS),
    )  # fmt: skip


def _hold_if_released(order: Order) -> int:
    """Hold the money again for an order that waited for funds; what it holds, in minor units."""
    if order.status != Status.AWAITING_FUNDS:
        return order.held_minor
    funding.hold(order.account, order.total, [order])
    return order.total_minor


def _call(gateway: Seller, order: Order, attempt: Attempt, slot: Slot) -> None:
    answer = answering.answer_of(lambda: _place(gateway, order, attempt, slot))
    answering.apply_answer(attempt.pk, answer)


def _place(gateway: Seller, order: Order, attempt: Attempt, slot: Slot) -> RemoteOrder:
    """Wait for the slot and send, unless we slept (a paused machine) into the end of our lease.

    Others take the silence for an unknown outcome then, and two people may have closed the order.
    """
    in_time = attempt.lease_until - timedelta(seconds=settings.GIFTOPS_WRITE_DEADLINE)
    try:
        sleep((slot.at - db_now()).total_seconds())
        is_too_late = db_now() > in_time
    except DatabaseError:
        raise NotSent("Nothing was sent: our database did not answer.") from None
    if is_too_late:
        raise NotSent("The program was held up for so long that it did not send it any more.")
    return gateway.place_order(_acceptable(gateway, request_of(order)), slot=slot)


def _acceptable(gateway: Seller, request: OrderRequest) -> OrderRequest:
    """The request, unless they would refuse or misread it: then nothing is sent.

    It was fit when it was drafted, but what they take may have changed since, and so may we.
    """
    try:
        gateway.check_request(request)
    except ValueError as problem:
        raise ProviderMisconfigured(f"nothing was sent. {problem}") from None
    return request
