"""Requests for numbers on their way: sent, sent again where the answer was lost, or given up.

What an answer brings is drawn in `receiving`; what people ask for comes from `reserving`.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F

from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from orders.decisions import Verdict
from orders.issuing_states import ReservationState
from orders.models import Attempt, BreakKind, Phase, Reservation
from orders.services import breaking
from orders.services.issuing import sending, stepping
from orders.services.issuing.reservations import receiving, stock
from orders.services.issuing.reservations.empty_handed import RESOLVE_RESERVATION, park_unheard
from orders.services.issuing.reservations.opening import MAKES, SEND_RESERVATION
from orders.services.problems import LostTheRace, Refused
from orders.weighing import reservations as weighing
from orders.weighing.reservations import Course
from providers.gateways.base import (
    Issuer,
    RawAnswer,
    ReservationType,
    ReservedNumbers,
    ReserveRequest,
    Slot,
)
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount

log = structlog.get_logger(__name__)

PROBLEM_PATIENCE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(minutes=1)
LATE_ANSWERS_FOR = timedelta(days=2)
"""How long an answer may lie on a machine that was down before it is looked for no more."""
BATCH = 500
JOB_OF = {
    ReservationState.REQUESTED: SEND_RESERVATION,
    ReservationState.UNKNOWN: RESOLVE_RESERVATION,
}
NOT_HEARD = "No usable answer came."
LAPSES_BY_ITSELF = "A number that may have been reserved lapses by itself; ask for another one."


class Reserve(sending.Errand[Reservation, ReservedNumbers]):
    """Have numbers set aside. Sent again it reserves more: no key, no look-up, but no money."""

    operation = "reserve_numbers"
    subject = "reservation"
    job = SEND_RESERVATION
    model = Reservation

    def reference_of(self, thing: Reservation) -> str:
        """The name that the provider shows for it."""
        return thing.reference

    def problem_with(self, thing: Reservation) -> str:
        """Account and maker as they are now."""
        account = ProviderAccount.objects.get(pk=thing.account_id)
        maker = User.objects.get(pk=thing.maker_id)
        if not account.is_active:
            return f"{account} is switched off."
        if not (maker.is_active and maker.has_perm(MAKES)):
            return f"{maker} may no longer reserve numbers."
        return ""

    def request_of(self, thing: Reservation) -> ReserveRequest:
        """The same for every send."""
        return ReserveRequest(
            name=thing.reference, agency=thing.agency, type=ReservationType(thing.type),
            count=thing.asked,
        )  # fmt: skip

    def begin(self, thing: Reservation, at: datetime, attempt_id: uuid.UUID) -> dict[str, Any]:
        """Requested, or in doubt and sent again."""
        number = thing.attempts.count() + 1
        stepping.step(
            thing, ReservationState.SENDING, kind="sent", text=f"Sent, attempt {number}",
            facts={"attempt": str(attempt_id)}, fence=F("fence") + 1, sent_at=at,
            send_slot_at=None, next_look_at=None, reason="",
        )  # fmt: skip
        return {}

    def ask(self, gateway: Issuer, request: ReserveRequest, slot: Slot) -> ReservedNumbers:
        """The call."""
        return gateway.reserve(request, slot=slot)

    def read(self, gateway: Issuer, raw: RawAnswer, request: ReserveRequest) -> ReservedNumbers:
        """A recorded answer."""
        return gateway.read_reserved(raw, request)

    def apply(
        self, attempt: Attempt, thing: Reservation, answer: ReservedNumbers | ProviderError
    ) -> None:
        """See `receiving`."""
        receiving.apply(attempt, thing, answer)


RESERVE = sending.register(Reserve())


# --- Jobs ---------------------------------------------------------------------------------------


def send_reservation(reservation_id: str) -> None:
    """Send a request; one whose outcome is unknown is resolved."""
    reservation = _read(reservation_id)
    if reservation.state == ReservationState.UNKNOWN:
        resolve_reservation(reservation_id)
    elif reservation.state == ReservationState.REQUESTED:
        problem = RESERVE.problem_with(reservation)
        if problem:
            sending.come_back(
                RESERVE, reservation, at=db_now() + PROBLEM_PATIENCE, why=f"Waits: {problem}"
            )
        else:
            _send(reservation)


def resolve_reservation(reservation_id: str) -> None:
    """Nobody heard of it: the journal first, then ask again, wait for its end, or call a person."""
    reservation = _read(reservation_id)
    if reservation.state != ReservationState.UNKNOWN or _journal_knows(reservation):
        return
    try:
        match _course_of(reservation):
            case Course.AGAIN:
                _send(reservation)
            case Course.LAPSE:
                _lapse(reservation)
            case Course.REVIEW:
                _park(reservation)
    except LostTheRace:
        return  # a late answer or a person was first; nothing is left to decide here


def _read(reservation_id: str) -> Reservation:
    return Reservation.objects.select_related("account", "pool").get(pk=reservation_id)


def _send(reservation: Reservation) -> None:
    try:
        sending.run(RESERVE, reservation)
    except Refused as second:
        log.info("reservation.taken", reference=reservation.reference, sentence=str(second))


def _journal_knows(reservation: Reservation) -> bool:
    """Whether an answer that nobody read lies in the journal and ends the doubt."""
    unheard = (Phase.UNKNOWN, Phase.PARKED)
    for attempt in Attempt.objects.filter(reservation=reservation, phase__in=unheard):
        sending.apply_journaled(attempt)
    reservation.refresh_from_db()
    return reservation.state != ReservationState.UNKNOWN


def _course_of(reservation: Reservation) -> Course:
    attempts = list(reservation.attempts.order_by("number"))
    was_refused = attempts[-1].verdict == Verdict.REJECTED
    is_worn_out = reservation.refusals >= weighing.MOST_REFUSALS
    return weighing.course_of(
        reservation.type,
        unheard=sum(attempt.phase == Phase.UNKNOWN for attempt in attempts),
        was_asked_again=any(attempt.phase == Phase.PARKED for attempt in attempts),
        may_be_sent=not (was_refused or is_worn_out or RESERVE.problem_with(reservation)),
    )


def _lapse(reservation: Reservation) -> None:
    """A single number that nobody saw: it is free again over there, once its time is up."""
    ends = weighing.lapses_at(reservation.in_doubt_since)
    if db_now() < ends:
        sending.come_back(RESERVE, reservation, at=ends, why=f"{NOT_HEARD} {LAPSES_BY_ITSELF}")
        return
    with transaction.atomic():
        stepping.step(
            reservation, ReservationState.LAPSED, kind="lapsed",
            text="Lapsed: whatever number was reserved is free again", reason=NOT_HEARD,
            next_look_at=None,
        )  # fmt: skip
        park_unheard(reservation)


def _park(reservation: Reservation) -> None:
    """Nobody can give back what may have been reserved: a person decides whether to ask again."""
    text = (
        f"{NOT_HEARD} Up to {reservation.may_be_lost} numbers may be reserved for nobody. "
        "Ask the provider, then ask again or leave it."
    )
    with transaction.atomic():
        stepping.step(
            reservation, ReservationState.NEEDS_REVIEW, kind="held_for_a_person", text=text,
            reason=text[:300], next_look_at=None,
        )  # fmt: skip
        park_unheard(reservation)
        breaking.open_break(
            BreakKind.LOST_NUMBERS, reservation.account, reservation=reservation,
            text=f"{reservation.reference}: {text}",
        )  # fmt: skip


# --- The sweep ----------------------------------------------------------------------------------


def sweep(now: datetime) -> None:
    """Give forgotten requests their job back, take in answers that lay about, expire numbers."""
    rearm_forgotten(now)
    take_in_late_answers(now)
    stock.expire_old(now)


def rearm_forgotten(now: datetime) -> None:
    """A job that waits already stays one."""
    due = Reservation.objects.filter(
        state__in=list(JOB_OF), next_look_at__lt=now - FORGOTTEN_AFTER
    ).order_by("next_look_at")
    for pk, state in due.values_list("pk", "state")[:BATCH]:
        enqueue(JOB_OF[ReservationState(state)], pk)


def take_in_late_answers(now: datetime) -> None:
    """An answer may reach the journal long after it was given up: its numbers are ours."""
    silent = Attempt.objects.filter(
        operation=RESERVE.operation, phase__in=(Phase.UNKNOWN, Phase.PARKED),
        sent_at__gte=now - LATE_ANSWERS_FOR,
    )  # fmt: skip
    for attempt in silent.select_related("reservation__account").order_by("id")[:BATCH]:
        try:
            sending.apply_journaled(attempt)
        except Exception as problem:  # one that cannot be read must not hide the others
            log.error("attempt.not_settled", attempt=str(attempt.pk), error=type(problem).__name__)
