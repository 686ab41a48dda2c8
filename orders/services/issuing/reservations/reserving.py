"""Numbers are reserved: what people ask for, top up, take back and decide.

How a request is sent and what becomes of it is told in `fetching` and `receiving`; what becomes of
the numbers in `stock`.
"""

from django.db import transaction
from django.db.models import F

from giftops import audit
from giftops.clock import db_now
from giftops.identity import new_id, reference_for
from giftops.models import User
from giftops.queue import enqueue
from orders.issuing_states import ReservationState
from orders.models import Pool, Reservation
from orders.services import breaking
from orders.services.issuing import stepping
from orders.services.issuing.reservations.fetching import (
    RESERVE,
    resolve_reservation,
    send_reservation,
    sweep,
)
from orders.services.issuing.reservations.opening import (
    MAKES,
    SEND_RESERVATION,
    missing_of,
    open_reservation,
    top_up_of,
)
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from orders.services.wording import plainly
from orders.weighing.reservations import MOST_ASKED
from providers import services as providers
from providers.gateways.base import Issuer, ReservationType, ReserveRequest
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount
from providers.registry import spec_for

__all__ = [
    "RESERVE",
    "ask_again",
    "change_pool",
    "leave_it",
    "request_pool",
    "request_single",
    "resolve_reservation",
    "send_reservation",
    "sweep",
    "top_up",
    "withdraw_reservation",
]

LONGEST_NAME = 60
ONE_NUMBER = "One number"


def request_pool(
    account: ProviderAccount,
    *,
    actor: User,
    agency: str,
    name: str,
    count: int,
    low_stock_at: int = 0,
    tops_up: bool = False,
) -> Reservation:
    """Ask for `count` numbers for the pool of that agency and name; a new pool if there is none.

    A pool that exists keeps its alert and its topping up unless others are given. Raises
    `InvalidOrder` with the field, `Refused`.
    """
    _require(actor)
    agency, name = _text(agency, "agency", "company"), _text(name, "name", "pool")
    _check_count(count)
    if low_stock_at < 0:
        raise InvalidOrder("Warn at a number of nought or more.", "low_stock_at")
    _check_with_issuer(account, agency, ReservationType.POOL, count)
    with transaction.atomic():
        pool, is_new = Pool.objects.get_or_create(
            account=account, agency=agency, name=name,
            defaults={"low_stock_at": low_stock_at, "tops_up": tops_up, "created_at": db_now()},
        )  # fmt: skip
        if not is_new and (low_stock_at or tops_up):
            change_pool(
                pool, actor=actor, low_stock_at=low_stock_at or pool.low_stock_at,
                tops_up=tops_up or pool.tops_up,
            )  # fmt: skip
        return open_reservation(
            account, maker=actor, actor=actor, agency=agency, name=name, count=count, pool=pool
        )


def request_single(
    account: ProviderAccount, *, actor: User, agency: str, name: str = ""
) -> Reservation:
    """Ask for one number for the next hour. Raises `InvalidOrder` with the field, `Refused`."""
    _require(actor)
    agency = _text(agency, "agency", "company")
    name = _text(name or ONE_NUMBER, "name", "number")
    _check_with_issuer(account, agency, ReservationType.SINGLE, 1)
    return open_reservation(account, maker=actor, actor=actor, agency=agency, name=name)


def top_up(reservation: Reservation, *, actor: User) -> Reservation:
    """Ask for what the provider cut off a request. Raises `Refused`, `LostTheRace`."""
    _require(actor)
    if not missing_of(reservation):
        raise Refused("Nothing is missing here that was not asked for again already.")
    with transaction.atomic():
        same = Reservation.objects.filter(pk=reservation.pk, version=reservation.version)
        if same.update(version=F("version") + 1) != 1:
            raise LostTheRace(stepping.who_was_first(reservation))
        return top_up_of(reservation, maker=actor, actor=actor)


def change_pool(pool: Pool, *, actor: User, low_stock_at: int, tops_up: bool) -> Pool:
    """From how many numbers left a pool runs low, and whether it tops itself up."""
    _require(actor)
    if low_stock_at < 0:
        raise InvalidOrder("Warn at a number of nought or more.", "low_stock_at")
    with transaction.atomic():
        pool.low_stock_at, pool.tops_up = low_stock_at, tops_up
        pool.save(update_fields=["low_stock_at", "tops_up"])
        audit.record(
            "pool.changed", actor=actor, obj=pool, low_stock_at=low_stock_at, tops_up=tops_up
        )
    return pool


def withdraw_reservation(reservation: Reservation, *, actor: User) -> Reservation:
    """Take back a request that was not sent (again) yet. Raises `Refused`, `LostTheRace`."""
    _require(actor)
    with transaction.atomic():
        stepping.step(
            reservation, ReservationState.WITHDRAWN, kind="withdrawn", text="Withdrawn",
            actor=actor, reason="", next_look_at=None,
        )  # fmt: skip
    return reservation


def ask_again(reservation: Reservation, *, actor: User, reason: str) -> Reservation:
    """A person has a pool that nobody heard of asked for once more; what was lost stays listed."""
    _require(actor, reason)
    with transaction.atomic():
        stepping.step(
            reservation, ReservationState.REQUESTED, kind="asked_again",
            text=f"Is asked for again. {reason.strip()}", actor=actor, reason="", refusals=0,
            next_look_at=db_now(),
        )  # fmt: skip
        breaking.close_all_of(reservation, note=f"Asked for again: {reason.strip()}")
        enqueue(SEND_RESERVATION, reservation.pk)
    return reservation


def leave_it(reservation: Reservation, *, actor: User, reason: str) -> Reservation:
    """A person gives up a pool that nobody heard of; what was lost stays listed."""
    _require(actor, reason)
    with transaction.atomic():
        stepping.step(
            reservation, ReservationState.LAPSED, kind="left", text=f"Left. {reason.strip()}",
            actor=actor, reason=reason.strip()[:300], next_look_at=None,
        )  # fmt: skip
        breaking.close_all_of(reservation, note=f"Left: {reason.strip()}")
    return reservation


def _require(actor: User, reason: str = "-") -> None:
    if not actor.has_perm(MAKES):
        raise Refused("Your role may not reserve numbers.")
    if not reason.strip():
        raise Refused("Say what you found out and where.")


def _text(value: str, field: str, what: str) -> str:
    text = " ".join(value.split())
    if not text or not text.isprintable():
        raise InvalidOrder(f"Name the {what}.", field)
    if len(text) > LONGEST_NAME:
        raise InvalidOrder(f"The name of the {what} has at most {LONGEST_NAME} characters.", field)
    return text


def _check_count(count: int) -> None:
    if not 1 <= count <= MOST_ASKED:
        raise InvalidOrder(f"Ask for 1 to {MOST_ASKED:,} numbers.", "count")


def _check_with_issuer(
    account: ProviderAccount, agency: str, kind: ReservationType, count: int
) -> None:
    """Whether this account takes such a request; nobody is asked."""
    if not account.is_active:
        raise InvalidOrder(f"{account} is switched off.", "account")
    if "issuer" not in spec_for(account.provider).capabilities:
        raise InvalidOrder(f"{account.provider_label} issues no cards for us.", "account")
    request = ReserveRequest(name=reference_for(new_id()), agency=agency, type=kind, count=count)
    try:
        gateway: Issuer = providers.gateway_for(account)
        gateway.check_reserve(request)
    except ProviderError as error:
        raise InvalidOrder(plainly(error, account), "account") from None
    except ValueError as problem:
        raise InvalidOrder(str(problem)) from None
