"""The sweep finds what was left behind, whatever the queue says. Safe to run twice."""

from datetime import datetime, timedelta

import structlog

from giftops import guard
from giftops.clock import db_now
from giftops.queue import enqueue
from orders.models import Attempt, Order, Phase
from orders.services import answering, funding, submitting
from orders.services.following import FOLLOW_ORDER
from orders.services.issuing import sending
from orders.services.problems import Refused
from orders.services.resolving import RESOLVE_ORDER
from orders.statuses import Status
from providers.models import ProviderAccount

log = structlog.get_logger(__name__)
FORGOTTEN_AFTER = timedelta(minutes=1)
BATCH = 500
JOB_OF = {
    Status.APPROVED: "orders.tasks.place_order",
    Status.UNKNOWN: RESOLVE_ORDER,
    Status.PLACED: FOLLOW_ORDER,
    Status.PARTLY_FULFILLED: FOLLOW_ORDER,
}


def sweep_orders() -> None:
    """Settle lapsed attempts, lapse old approvals, re-arm orders that nobody watches."""
    if guard.is_quarantined():
        return
    now = db_now()
    settle_lapsed_attempts(now)
    lapse_old_approvals(now)
    rearm_forgotten(now)
    ring_for_the_waiting()


def settle_lapsed_attempts(now: datetime) -> None:
    lapsed = Attempt.objects.filter(phase=Phase.SENDING, lease_until__lt=now)
    for attempt in lapsed.select_related("order__account").order_by("id")[:BATCH]:
        settler = answering if attempt.order_id else sending
        try:
            settler.settle_lapsed(attempt)
        except Exception as problem:  # one that cannot be settled must not hide the others
            log.error("attempt.not_settled", attempt=str(attempt.pk), error=type(problem).__name__)


def lapse_old_approvals(now: datetime) -> None:
    old = Order.objects.filter(status=Status.APPROVED, batch__approval_lapses_at__lt=now)
    for order in old.select_related("account", "batch").order_by("id")[:BATCH]:
        try:
            submitting.lapse_approval(order, because="The approval lapsed after 24 hours.")
        except Refused:
            continue  # it was sent or withdrawn this very moment, which is what we wanted to know


def rearm_forgotten(now: datetime) -> None:
    """Give every order that is due for a look its job back; a job that waits already stays one."""
    due = Order.objects.filter(
        status__in=list(JOB_OF), is_held_back=False, next_look_at__lt=now - FORGOTTEN_AFTER
    )
    for pk, status in due.order_by("next_look_at").values_list("pk", "status")[:BATCH]:
        enqueue(JOB_OF[Status(status)], pk)


def ring_for_the_waiting() -> None:
    """Have orders that wait for funds looked at, whatever became of the reading's own ring."""
    for account in ProviderAccount.objects.active():
        funding.ring_for_the_waiting(account)
