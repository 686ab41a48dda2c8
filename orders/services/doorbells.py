"""A provider may tell us that an order is done: each order has a secret address of its own.

What arrives there is never believed, and nothing is taken from it. Its one effect is that we ask
about that order soon, at most once in five seconds however often it rings.
"""

import hashlib
import hmac
import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, QuerySet

from giftops import guard
from giftops.clock import db_now
from giftops.identity import entropy
from giftops.models import Job
from giftops.queue import enqueue
from giftops.sealing import blind_index
from orders.models import Order
from orders.statuses import Status
from providers.models import WebhookReceipt

ANSWER_DOORBELL = "orders.tasks.answer_doorbell"
FIELD = "order.doorbell"
SECRET_BYTES = 32
BETWEEN_LOOKS = timedelta(seconds=5)
LISTENING = (Status.SUBMITTING, Status.UNKNOWN, Status.PLACED, Status.PARTLY_FULFILLED)
KEPT = timedelta(days=30)
Outcome = WebhookReceipt.Outcome


def make_doorbell() -> tuple[str, str]:
    """A new secret address for one order (to be sealed) and the blind index of its secret.

    The secret is written in small hexadecimal, because the index does not tell capitals apart.
    """
    token = entropy(SECRET_BYTES).hex()
    url = f"{settings.GIFTOPS_PUBLIC_URL.rstrip('/')}/webhooks/{token}/"
    return url, blind_index(token, field=FIELD)


def find(token: str) -> Order | None:
    """The order whose secret this is; None, after the same work, for any other text."""
    index = blind_index(token, field=FIELD)
    order = Order.objects.filter(doorbell_index=index).first()
    known = _secret_of(order) if order else "0" * 2 * SECRET_BYTES
    is_right = hmac.compare_digest(known.encode(), token.encode())
    return order if is_right else None


def _secret_of(order: Order) -> str:
    url: str = order.doorbell_url.reveal()
    return url.rstrip("/").rpartition("/")[2]


@transaction.atomic
def ring(order: Order, body: bytes) -> WebhookReceipt.Outcome:
    """Note one delivery behind a right secret, and have the order looked at if it is alive.

    A look that waits already serves for this delivery too, because it has not begun.
    """
    at = db_now()
    order = Order.objects.select_for_update().get(pk=order.pk)
    is_rung = order.status in LISTENING and not guard.is_quarantined()
    if is_rung and not _looks(order).filter(state=Job.State.WAITING).exists():
        enqueue(ANSWER_DOORBELL, order.pk, run_after=_next_slot(order, at))
    outcome = _outcome(body, is_rung)
    _note(order, body, outcome, at)
    return outcome


def _next_slot(order: Order, at: datetime) -> datetime:
    """When the order may be looked at next on account of a doorbell.

    A job for a slot is made at most one pause before it, so two pauses back is far enough to look.
    """
    recent = _looks(order).filter(created_at__gte=at - 2 * BETWEEN_LOOKS)
    last: datetime | None = recent.aggregate(at=Max("run_after"))["at"]
    return at if last is None else max(at, last + BETWEEN_LOOKS)


def _looks(order: Order) -> QuerySet[Job]:
    return Job.objects.filter(name=ANSWER_DOORBELL, ids=[str(order.pk)])


def _outcome(body: bytes, is_rung: bool) -> WebhookReceipt.Outcome:
    if not _is_json(body):
        return Outcome.UNREADABLE
    return Outcome.RUNG if is_rung else Outcome.NOTHING_TO_DO


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _note(order: Order, body: bytes, outcome: WebhookReceipt.Outcome, at: datetime) -> None:
    """One row per body; the lock on the order keeps two deliveries apart."""
    digest = hashlib.sha256(body).hexdigest()
    same = WebhookReceipt.objects.filter(subject=order.reference, body_hash=digest)
    if same.update(deliveries=F("deliveries") + 1, last_received_at=at, outcome=outcome):
        return
    WebhookReceipt.objects.create(
        account_id=order.account_id, subject=order.reference, body_hash=digest,
        body_bytes=len(body), outcome=outcome, received_at=at, last_received_at=at,
    )  # fmt: skip


def purge() -> int:
    """Delete receipts whose last delivery is older than 30 days; give how many."""
    old = WebhookReceipt.objects.filter(last_received_at__lt=db_now() - KEPT)
    return old.delete()[0]
