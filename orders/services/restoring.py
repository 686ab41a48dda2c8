"""After a restore nobody knows what was sent since, so every order in motion is doubted."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F

from giftops.clock import db_now
from giftops.identity import new_id
from giftops.queue import enqueue
from orders.models import Attempt, Order, Phase
from orders.services import finding, funding, mirroring, moving
from orders.services.drafting import request_of
from orders.services.fingerprints import fingerprint_of_request
from orders.services.resolving import RESOLVE_ORDER
from orders.statuses import Status
from providers import services as providers

log = structlog.get_logger(__name__)
IN_MOTION = (Status.APPROVED, Status.AWAITING_FUNDS)
NOT_YET_SENT = (Status.DRAFT, Status.AWAITING_APPROVAL)
WITHDRAWN = (
    "Withdrawn: after the backup it may have been sent. Draft it anew if the provider has none."
)


def doubt_orders(backup_at: datetime) -> int:
    """Let nothing of a restored database be sent again before the provider has been asked.

    What was approved counts as sent with unknown outcome: a look-up by its reference, which no
    sequence of the database can repeat, tells. What was not approved yet is withdrawn, and the
    provider's own list, mirrored at once, brings back whatever lives there after all. Answers how
    many orders were touched.
    """
    doubted = 0
    for order in Order.objects.filter(status__in=IN_MOTION).select_related("account"):
        with transaction.atomic():
            _doubt(order)
        doubted += 1
    for order in Order.objects.filter(status__in=NOT_YET_SENT):
        moving.move(order, Status.WITHDRAWN, kind="restored", text=WITHDRAWN, reason=WITHDRAWN)
        doubted += 1
    mirroring.refresh_all()
    log.warning("orders.doubted", count=doubted, backup_at=backup_at.isoformat())
    return doubted


def _doubt(order: Order) -> None:
    at = db_now()
    number = Attempt.objects.filter(order=order).count() + 1
    funding.hold_again(order)
    moving.move(
        order, Status.SUBMITTING, kind="restored", fence=F("fence") + 1, sent_at=at,
        held_minor=order.total_minor, is_held_back=False,
        text="The database was restored from a backup; it may have been sent since",
    )  # fmt: skip
    Attempt.objects.create(
        id=new_id(), order=order, operation="place_order", number=number, phase=Phase.UNKNOWN,
        reference=order.reference, request_fingerprint=fingerprint_of_request(request_of(order)),
        account_mark=providers.account_mark(order.account), fence=order.fence, sent_at=at,
        lease_until=at, verdict=finding.RESTORED,
    )  # fmt: skip
    moving.move(
        order, Status.UNKNOWN, kind="outcome_unknown", next_look_at=at,
        text="Outcome unknown until the provider has been asked", reason="Restored from a backup.",
    )  # fmt: skip
    enqueue(RESOLVE_ORDER, order.pk)
