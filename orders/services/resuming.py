"""Orders that the provider refused for lack of funds: sent again, same reference, once there is
enough.

A reading of the balance that is newer than the refusal decides whether to try; the conditional
UPDATE that holds the money decides who may. What allowed the first send must still hold.
"""

import structlog
from django.db import transaction
from django.db.models import F

from giftops import guard
from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from orders.models import Order
from orders.services import funding, moving, placing
from orders.services.problems import LostTheRace, NotEnoughMoney, Refused
from orders.services.wording import plainly
from orders.statuses import Status
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount

log = structlog.get_logger(__name__)
RESUME_ORDER = "orders.tasks.resume_order"
ORDER_ANEW = "Withdraw it and order anew."


def resume_orders(account_id: str) -> None:
    """Ring for every order at an account whose cost the last reading covers, the oldest first."""
    account = ProviderAccount.objects.get(pk=account_id)
    if guard.is_quarantined() or not account.is_active:
        return
    for order in _ready(account):
        if problem := placing.problem_with_sending(order):
            moving.note(order, reason=f"{problem} {ORDER_ANEW}"[:300])
        else:
            enqueue(RESUME_ORDER, order.pk)


def resume_order(order: Order, *, actor: User) -> Order:
    """A person says that the money is there: read the balance, and send it again now.

    Raises `Refused` with a sentence if it may not be sent any more or the balance cannot be read,
    `NotEnoughMoney` if that does not cover it.
    """
    if not actor.has_perm("orders.add_order"):
        raise Refused("Your role may not send orders.")
    if guard.is_quarantined():
        raise Refused(guard.status())
    _read_balance(order.account)
    order = moving.read_order(order.pk)
    if order.status != Status.AWAITING_FUNDS:
        raise LostTheRace(moving.who_was_first(order))
    if problem := placing.problem_with_sending(order):
        raise Refused(f"{problem} {ORDER_ANEW}")
    _require_funds(order)
    with transaction.atomic():
        rows = Order.objects.filter(pk=order.pk, version=order.version)
        if not rows.update(
            is_held_back=False, refusals=0, next_look_at=db_now(), version=F("version") + 1
        ):
            raise LostTheRace(moving.who_was_first(order))
        moving.tell(order, "resumed", "To be sent again", actor=actor)
        enqueue(RESUME_ORDER, order.pk)
    return order


def _read_balance(account: ProviderAccount) -> None:
    try:
        funding.ask_the_provider(account)
    except ProviderError as error:
        why = plainly(error, account)
        raise Refused(f"The balance could not be read, so nothing was sent. {why}") from None


def send_resumed(order_id: str) -> None:
    """Hold the money again and send; whoever does not fit any more goes on waiting."""
    order = moving.read_order(order_id)
    if order.status != Status.AWAITING_FUNDS or order.is_held_back:
        return
    try:
        _require_funds(order)  # before a place in the rate budget is spent on it
        placing.send(order, retry_job=RESUME_ORDER)
    except LostTheRace as second:
        log.info("order.taken", reference=order.reference, sentence=str(second))
    except Refused as problem:
        moving.note(order, reason=str(problem)[:300])


def _ready(account: ProviderAccount) -> list[Order]:
    """Those that a reading newer than their refusal covers, each on its own."""
    deposit = funding.deposit_of(account, account.currency)
    if deposit.asked_at is None or deposit.provider_minor is None:
        return []
    covered = min(deposit.free.minor, deposit.provider_minor)
    waiting = Order.objects.filter(
        account=account, status=Status.AWAITING_FUNDS, is_held_back=False,
        changed_at__lt=deposit.asked_at, next_look_at__lte=db_now(), total_minor__lte=covered,
    )  # fmt: skip
    return list(waiting.select_related("account", "batch__maker").order_by("id"))


def _require_funds(order: Order) -> None:
    deposit = funding.deposit_of(order.account, order.currency)
    if deposit.free.minor < order.total_minor:
        raise NotEnoughMoney(funding.shortage(deposit, order.total))
