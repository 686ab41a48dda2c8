"""A new request for numbers: its row, the first line of its timeline, its job."""

from django.db import transaction

from giftops.clock import db_now
from giftops.identity import new_id, reference_for
from giftops.models import User
from giftops.queue import enqueue
from orders.issuing_states import ReservationState
from orders.models import Pool, Reservation
from orders.services.issuing import stepping
from providers.gateways.base import ReservationType
from providers.models import ProviderAccount

MAKES = "orders.add_reservation"
"""Who may ask for numbers."""
SEND_RESERVATION = "orders.tasks_issuing.send_reservation"
ENDED_WITH_NOTHING = (
    ReservationState.LAPSED,
    ReservationState.REJECTED,
    ReservationState.QUARANTINED,
    ReservationState.WITHDRAWN,
)


def open_reservation(
    account: ProviderAccount,
    *,
    maker: User,
    agency: str,
    name: str,
    count: int = 1,
    pool: Pool | None = None,
    tops_up: Reservation | None = None,
    actor: User | None = None,
) -> Reservation:
    """Note that numbers are to be asked for, and queue it; without a pool a single one.

    `actor` is None where it happens by itself.
    """
    row, at = new_id(), db_now()
    with transaction.atomic():
        reservation = Reservation.objects.create(
            id=row, account=account, pool=pool, reference=reference_for(row), agency=agency,
            type=ReservationType.POOL if pool else ReservationType.SINGLE, name=name, asked=count,
            tops_up=tops_up, maker=maker, created_at=at, changed_at=at, next_look_at=at,
        )  # fmt: skip
        stepping.tell(
            reservation, "requested", _what(count, pool, tops_up), actor=actor,
            new=ReservationState.REQUESTED,
        )  # fmt: skip
        enqueue(SEND_RESERVATION, row)
    return reservation


def _what(count: int, pool: Pool | None, tops_up: Reservation | None) -> str:
    if tops_up:
        return f"The {count} that were missing are asked for again"
    return f"{count} asked for, for {pool}" if pool else "One number asked for, for an hour"


def missing_of(reservation: Reservation) -> int:
    """How many numbers of a pool are still to be asked for: cut off, and not asked for again."""
    if reservation.pool_id is None or reservation.state != ReservationState.RESERVED:
        return 0
    if reservation.top_ups.exclude(state__in=ENDED_WITH_NOTHING).exists():
        return 0
    return max(0, reservation.asked - reservation.received)


def top_up_of(reservation: Reservation, *, maker: User, actor: User | None = None) -> Reservation:
    """Ask for what is missing of a reservation."""
    return open_reservation(
        reservation.account, maker=maker, actor=actor, agency=reservation.agency,
        name=reservation.name, count=missing_of(reservation), pool=reservation.pool,
        tops_up=reservation,
    )  # fmt: skip
