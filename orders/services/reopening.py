"""The provider has an order that we closed: back to life, in front of a person."""

from orders.models import BreakKind, Order
from orders.services import breaking, funding, moving
from orders.statuses import DEAD, Status
from providers.gateways.base import RemoteOrder

REOPENED = (
    Status.APPROVED, Status.AWAITING_FUNDS, Status.REJECTED, Status.CANCELLED, Status.WITHDRAWN,
)  # fmt: skip
UNSENT = (Status.DRAFT, Status.AWAITING_APPROVAL, Status.APPROVED)


def report_late_truth(order: Order, remote: RemoteOrder) -> None:
    """Our order is closed or held, and the provider has it after all: hold again, call a person."""
    text = f"{order.reference} exists at the provider as {remote.external_id} after all."
    if order.status in REOPENED:
        _reopen(order, text)
    else:
        moving.tell(order, "late_truth", text)
    breaking.open_break(BreakKind.LATE_TRUTH, order.account, order=order, text=text)


def _reopen(order: Order, text: str) -> None:
    """Back to life, in front of a person; a retry that was not sent yet is called back.

    A retry that was sent stays: two orders live then, the break says so, and the reopened one gives
    up its place as the only one for the need.
    """
    rivals = Order.objects.filter(need=order.need).exclude(pk=order.pk).exclude(status__in=DEAD)
    unsent = [retry for retry in rivals.select_related("account") if retry.status in UNSENT]
    for retry in unsent:
        funding.release(retry)
    funding.hold_again(order)
    stories = [(retry, retry.status) for retry in unsent]
    why = f"Called back: {text}"
    for retry in unsent:
        moving.shift(retry, Status.WITHDRAWN, held_minor=0, reason=why[:300], is_held_back=False)
    before = order.status
    gives_way = {"need": None} if rivals.exists() else {}
    moving.shift(
        order, Status.NEEDS_REVIEW, reason=text[:300], held_minor=order.total_minor, **gives_way
    )
    moving.tell(order, "late_truth", text, old=before, new=order.status)
    for retry, old in stories:
        moving.tell(retry, "called_back", why, old=old, new=retry.status)
