"""Which reserved numbers an issuance may count on: enough in its pool, or one of its own.

A number is taken only when its card is sent; until then cards have a claim on the pool, so that
two issuances are not drafted for the same numbers.
"""

from django.db.models import Q, QuerySet

from giftops.clock import db_now
from orders.issuing_states import CardState, NumberState, ReservationState
from orders.models import Card, Issuance, Pool, Reservation, ReservedNumber
from orders.services.issuing.reservations import stock
from orders.services.problems import InvalidOrder, Refused
from providers.gateways.base import ReservationType
from providers.models import ProviderAccount

PROMISED = "This number is promised to another card already."
CLAIMING = (CardState.DRAFT, CardState.WAITING)


def check_source(
    account: ProviderAccount, count: int, pool: Pool | None, reservation: Reservation | None
) -> ReservedNumber | None:
    """The single number that is promised; None: they come from the pool, which has enough.

    Raises `InvalidOrder` at the field `pool` or `reservation`.
    """
    if (pool is None) == (reservation is None):
        raise InvalidOrder("Take the numbers from a pool, or one single reservation.", "pool")
    if reservation is not None:
        return _single_number(account, count, reservation)
    if pool is None or pool.account_id != account.pk:
        raise InvalidOrder(f"This pool does not belong to {account}.", "pool")
    if problem := shortage(pool, count):
        raise InvalidOrder(problem, "pool")
    return None


def require_numbers(issuance: Issuance) -> None:
    """Raise `Refused` if its cards cannot all get a number now."""
    drafts = issuance.cards.filter(state=CardState.DRAFT)
    if issuance.pool is not None:
        problem = shortage(issuance.pool, drafts.count(), but=issuance)
    else:
        problem = _lapsed(drafts)
    if problem:
        raise Refused(problem)


def shortage(pool: Pool, count: int, *, but: Issuance | None = None) -> str:
    """How many numbers the pool lacks for so many cards, in a sentence; "" if it has enough.

    `but`: an issuance whose own claim does not count.
    """
    free = free_numbers(pool, but=but)
    if free >= count:
        return ""
    return (
        f"{pool} has {free} free {_numbers(free)}, {count - free} too few for {count} cards. "
        "Reserve more first."
    )


def free_numbers(pool: Pool, *, but: Issuance | None = None) -> int:
    """Usable numbers of a pool that no other issuance has a claim on."""
    claims = Card.objects.filter(issuance__pool=pool, state__in=CLAIMING)
    if but is not None:
        claims = claims.exclude(issuance=but)
    return max(0, stock.usable(pool, db_now()).count() - claims.count())


def single_number(reservation: Reservation, *, but: Card | None = None) -> ReservedNumber | None:
    """The number of a single reservation, if it can be used and is promised to no card `but` one.

    None as well for a reservation of a pool.
    """
    if reservation.type != ReservationType.SINGLE:
        return None
    free = Q(card=None) if but is None else Q(card=None) | Q(card=but)
    return stock.usable(reservation, db_now()).filter(free).first()


def _single_number(
    account: ProviderAccount, count: int, reservation: Reservation
) -> ReservedNumber:
    if reservation.account_id != account.pk:
        raise InvalidOrder(f"This number does not belong to {account}.", "reservation")
    if reservation.type != ReservationType.SINGLE:
        raise InvalidOrder("This is not a single number: choose its pool.", "reservation")
    if count != 1:
        raise InvalidOrder("A single number is for one card. Choose a pool.", "reservation")
    number = single_number(reservation)
    if number is not None:
        return number
    raise InvalidOrder(why_not(reservation), "reservation")


def why_not(reservation: Reservation) -> str:
    """Why the number of a single reservation cannot be used."""
    number = reservation.numbers.first()
    if reservation.state != ReservationState.RESERVED or number is None:
        return f"This number is not there: {reservation.get_state_display().lower()}."
    if number.state != NumberState.RESERVED:
        return f"This number cannot be used: {number.get_state_display().lower()}."
    if Card.objects.filter(number=number).exists():
        return PROMISED
    return "The hour of this number is over, or nearly. Reserve another one."


def _lapsed(drafts: QuerySet[Card]) -> str:
    usable = stock.usable(ReservedNumber.objects.all(), db_now())
    if drafts.exclude(number__in=usable).exists():
        return "The hour of its number is over, or nearly. Reserve another one and draft it again."
    return ""


def _numbers(count: int) -> str:
    return "number" if count == 1 else "numbers"
