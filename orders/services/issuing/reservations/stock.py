"""Reserved numbers: which are left, who takes one, which have expired, which may be lost."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from giftops.clock import db_now
from orders.issuing_states import NumberState, ReservationState
from orders.models import Card, Pool, Reservation, ReservedNumber
from orders.services.issuing import stepping
from orders.services.problems import LostTheRace, Refused
from orders.weighing import reservations as weighing

log = structlog.get_logger(__name__)

TRIES = 20
"""How often somebody else may take the number that was looked at."""
BATCH = 500
IN_USE = (NumberState.CREATING, NumberState.IN_DOUBT, NumberState.NEEDS_REVIEW)
ASKED_IN_VAIN = (ReservationState.REJECTED, ReservationState.WITHDRAWN)


class OutOfNumbers(Refused):
    """No number is left that a card could be created on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """How the numbers of a pool, or of one reservation, stand.

    `received` = left + created + in_use + expired + retired; `quarantined` and `may_be_lost` come
    beside it.
    """

    asked: int
    received: int
    created: int
    left: int
    expired: int
    in_use: int
    retired: int
    quarantined: int
    may_be_lost: int
    is_low: bool = False


# --- Taking one ---------------------------------------------------------------------------------


def take(
    *, card: Card, pool: Pool | None = None, reservation: Reservation | None = None
) -> ReservedNumber:
    """A number for this card, from now on being created; in the caller's transaction.

    The card's own if it has one that is still good, else the oldest of the pool or reservation.
    Whoever comes second gets another one. Raises `OutOfNumbers`, `Refused` for a foreign pool.
    """
    source = pool or reservation
    if source is None:
        raise ValueError("Say where the number is to come from.")
    if source.account_id != card.account_id:
        raise Refused(f"{source} is not at the account of this card.")
    for _ in range(TRIES):
        number = _next(card, source)
        if number is None:
            break
        try:
            stepping.shift(number, NumberState.CREATING)
        except LostTheRace:
            continue
        _warn_if_low(pool)
        return number
    raise OutOfNumbers(_why_none(source))


def give_back(number: ReservedNumber) -> None:
    """Nothing was created on it: it is left again, or expired by now. Raises `LostTheRace`."""
    is_good = weighing.is_usable(number.expires_at, db_now())
    stepping.shift(number, NumberState.RESERVED if is_good else NumberState.EXPIRED)


def usable(
    numbers: QuerySet[ReservedNumber] | Pool | Reservation, now: datetime
) -> QuerySet[ReservedNumber]:
    """Those that a card may be created on: left, and not about to expire."""
    if isinstance(numbers, Pool | Reservation):
        numbers = _numbers_of(numbers)
    lives = Q(expires_at__isnull=True) | Q(expires_at__gt=now + weighing.MARGIN)
    return numbers.filter(lives, state=NumberState.RESERVED)


def _numbers_of(source: Pool | Reservation) -> QuerySet[ReservedNumber]:
    if isinstance(source, Pool):
        return ReservedNumber.objects.filter(reservation__pool=source)
    return ReservedNumber.objects.filter(reservation=source)


def _next(card: Card, source: Pool | Reservation) -> ReservedNumber | None:
    """The card's own, else the oldest that nobody has; others' that are being taken are passed by.

    (Where the database knows no row locks it has one writer at a time.)
    """
    now = db_now()
    own = usable(ReservedNumber.objects.filter(card=card), now).first()
    if own is not None:
        return own
    free = usable(source, now).filter(card__isnull=True).order_by("reservation_id", "position")
    return free.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()


def _why_none(source: Pool | Reservation) -> str:
    if isinstance(source, Pool):
        return f"No number is left in {source}. Reserve more."
    return "Its number is used, or too close to its end. Reserve another one."


def _warn_if_low(pool: Pool | None) -> None:
    """Log once that a pool runs low, if this very number did it; Start shows it while it lasts."""
    if pool is None or not pool.low_stock_at:
        return
    left = usable(pool, db_now()).count()
    if left == pool.low_stock_at:
        transaction.on_commit(
            partial(
                log.warning, "pool.low", pool=str(pool.pk), left=left,
                low_stock_at=pool.low_stock_at,
            )
        )  # fmt: skip


# --- Expiry -------------------------------------------------------------------------------------


def expire_old(now: datetime) -> int:
    """Give up single numbers that are about to be somebody else's; count them."""
    old = ReservedNumber.objects.filter(
        state=NumberState.RESERVED, expires_at__lte=now + weighing.MARGIN
    )
    return sum(_expire(one) for one in old.select_related("reservation").order_by("id")[:BATCH])


def _expire(number: ReservedNumber) -> bool:
    try:
        with transaction.atomic():
            stepping.shift(number, NumberState.EXPIRED)
            stepping.tell(number.reservation, "expired", f"{number} expired unused")
    except LostTheRace:
        return False  # it was taken this very moment
    return True


# --- Counting -----------------------------------------------------------------------------------


def stock_of(source: Pool | Reservation) -> Stock:
    """How the numbers of one pool or reservation stand."""
    found = stocks([source]) if isinstance(source, Pool) else stocks_of_reservations([source])
    return found[source.pk]


def stocks(pools: Iterable[Pool]) -> dict[UUID, Stock]:
    """The stock of each pool by its id, in two queries. What tops up is not asked for twice."""
    pools = list(pools)
    requests = Reservation.objects.filter(pool__in=pools).order_by()
    counted = requests.values("pool").annotate(
        asked=Sum(
            "asked", filter=Q(tops_up__isnull=True) & ~Q(state__in=ASKED_IN_VAIN), default=0
        ),
        received=Sum("received"), may_be_lost=Sum("may_be_lost"),
    )  # fmt: skip
    sums: dict[UUID, Mapping[str, Any]] = {row["pool"]: row for row in counted}
    numbers = _by_state("reservation__pool", [pool.pk for pool in pools])
    return {
        pool.pk: _stock(sums.get(pool.pk, {}), numbers[pool.pk], pool.low_stock_at)
        for pool in pools
    }


def stocks_of_reservations(reservations: Iterable[Reservation]) -> dict[UUID, Stock]:
    """The stock of each reservation by its id, in one query."""
    reservations = list(reservations)
    numbers = _by_state("reservation", [reservation.pk for reservation in reservations])
    return {
        one.pk: _stock(
            {"asked": one.asked, "received": one.received, "may_be_lost": one.may_be_lost},
            numbers[one.pk],
        )
        for one in reservations
    }


def low_pools() -> list[tuple[Pool, Stock]]:
    """Pools of active accounts that run low, each with its stock."""
    watched = Pool.objects.filter(low_stock_at__gt=0, account__is_active=True)
    pools = list(watched.select_related("account"))
    found = stocks(pools)
    return [(pool, found[pool.pk]) for pool in pools if found[pool.pk].is_low]


def leaks() -> QuerySet[Reservation]:
    """Requests whose lost answers may have reserved numbers that nobody can use, newest first."""
    lost = Reservation.objects.filter(may_be_lost__gt=0)
    return lost.select_related("account", "pool").order_by("-sent_at", "-id")


def _by_state(owner: str, ids: Sequence[UUID]) -> Mapping[UUID, Counter[str]]:
    """How many numbers of each owner are in which state; those about to expire as expired."""
    numbers = ReservedNumber.objects.filter(**{f"{owner}__in": ids}).order_by()
    is_over = Q(state=NumberState.RESERVED, expires_at__lte=db_now() + weighing.MARGIN)
    rows = numbers.values_list(owner, "state").annotate(
        count=Count("pk"), over=Count("pk", filter=is_over)
    )
    found: dict[UUID, Counter[str]] = defaultdict(Counter)
    for pk, state, count, over in rows:
        found[pk] += Counter({state: count - over, NumberState.EXPIRED.value: over})
    return found


def _stock(sums: Mapping[str, Any], states: Counter[str], low_stock_at: int = 0) -> Stock:
    left = states[NumberState.RESERVED]
    return Stock(
        asked=sums.get("asked", 0), received=sums.get("received", 0),
        may_be_lost=sums.get("may_be_lost", 0), left=left,
        created=states[NumberState.CREATED], expired=states[NumberState.EXPIRED],
        in_use=sum(states[state] for state in IN_USE), retired=states[NumberState.RETIRED],
        quarantined=states[NumberState.QUARANTINED],
        is_low=weighing.is_low(left, low_stock_at),
    )  # fmt: skip
