"""A doorbell rang: look at the order now, in the way its status calls for."""

from datetime import timedelta

from giftops.clock import db_now
from giftops.queue import enqueue
from orders.models import Order
from orders.services import following, resolving
from orders.services.doorbells import ANSWER_DOORBELL
from orders.statuses import Status

WHILE_BEING_SENT = timedelta(seconds=2)


def answer_doorbell(order_id: str) -> None:
    """One look at an order that may be done; it never sends anything.

    A doorbell may ring before the answer to our own request is applied. It is remembered until the
    order is on its way or its outcome unknown; the lease of the attempt bounds that.
    """
    match Order.objects.values_list("status", flat=True).get(pk=order_id):
        case Status.SUBMITTING:
            enqueue(ANSWER_DOORBELL, order_id, run_after=db_now() + WHILE_BEING_SENT)
        case Status.UNKNOWN:
            resolving.resolve_order(order_id, may_send=False)
        case Status.PLACED | Status.PARTLY_FULFILLED:
            following.follow_order(order_id)
