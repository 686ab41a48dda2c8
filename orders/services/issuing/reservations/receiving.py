"""What came back to a request for numbers: judged, sealed, stored.

Numbers are never thrown away: those of an answer that cannot be right are stored in quarantine, and
an answer that comes late is taken in whatever became of the reservation meanwhile.

Whoever changes a reservation takes its row first, then its numbers and attempts, then the audit
trail: so nobody waits for somebody who waits for them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from giftops.clock import db_now
from giftops.sealing import blind_index, last_four
from orders.issuing_states import RESERVATION_STEPS, NumberState, ReservationState
from orders.models import Attempt, BreakKind, Phase, Reservation, ReservedNumber
from orders.services import breaking
from orders.services.issuing import sending, stepping
from orders.services.issuing.reservations import empty_handed
from orders.services.issuing.reservations.opening import missing_of, top_up_of
from orders.services.problems import LostTheRace
from orders.weighing import reservations as weighing
from providers.gateways.base import ReservedNumbers
from providers.gateways.errors import ProviderError, ProviderRejected
from providers.registry import spec_for

log = structlog.get_logger(__name__)

INDEX = "reserved_number.number"
"""The blind index field under which we know a number again."""
AT_ONCE = 500
ANSWERED = (Phase.APPLIED, Phase.RESOLVED_SUCCESS)
S = ReservationState


def apply(
    attempt: Attempt, reservation: Reservation, answer: ReservedNumbers | ProviderError
) -> None:
    """Draw the consequences of an answer, in the caller's transaction; safe to repeat."""
    stepping.have_alone(reservation)
    if isinstance(answer, ReservedNumbers):
        if not answer.numbers:
            answer = ProviderRejected("no number was given")
        elif attempt.phase not in ANSWERED:
            _take_in(attempt, reservation, answer.numbers)
            return
    if attempt.phase != Phase.SENDING or isinstance(answer, ReservedNumbers):
        return  # applied before, or a late "no" that says nothing about the others
    if reservation.state == S.SENDING and attempt.fence == reservation.fence:
        empty_handed.come_away(attempt, reservation, answer)
    else:
        empty_handed.close(attempt, answer)
    _count_what_may_be_lost(reservation)


def _take_in(attempt: Attempt, reservation: Reservation, numbers: Sequence[str]) -> None:
    is_late = attempt.phase != Phase.SENDING
    fault = _store(attempt, reservation, numbers)
    phase = Phase.RESOLVED_SUCCESS if is_late else Phase.APPLIED
    sending.close(attempt, phase, "quarantined" if fault else "reserved", note=fault)
    if fault:
        _quarantine(attempt, reservation, len(numbers), fault)
    else:
        _reserve(attempt, reservation, len(numbers))
    _count_what_may_be_lost(reservation)


def _store(attempt: Attempt, reservation: Reservation, numbers: Sequence[str]) -> str:
    """Seal and store them; the fault for which they are in quarantine, or ""."""
    indexes = [blind_index(number, field=INDEX) for number in numbers]
    known = _known_of(reservation, indexes)
    fault = weighing.fault_of(numbers, indexes, asked=reservation.asked, known=known)
    if reservation.state == S.QUARANTINED:
        fault = fault or "numbers for a request whose first answer is in quarantine"
    rows = list(_rows(attempt, reservation, numbers, indexes, is_in_order=not fault))
    try:
        with transaction.atomic():
            ReservedNumber.objects.bulk_create(rows, batch_size=AT_ONCE)
    except IntegrityError:  # another answer with one of them was stored this very moment
        fault = "numbers that we have already"
        for row in rows:
            row.state = NumberState.QUARANTINED
        ReservedNumber.objects.bulk_create(rows, batch_size=AT_ONCE)
    return fault


def _known_of(reservation: Reservation, indexes: Sequence[str]) -> set[str]:
    ours = ReservedNumber.objects.filter(account=reservation.account_id)
    slices = (indexes[at : at + AT_ONCE] for at in range(0, len(indexes), AT_ONCE))
    return {
        index
        for some in slices
        for index in ours.filter(number_index__in=some).values_list("number_index", flat=True)
    }


def _rows(
    attempt: Attempt,
    reservation: Reservation,
    numbers: Sequence[str],
    indexes: Sequence[str],
    *,
    is_in_order: bool,
) -> Iterator[ReservedNumber]:
    at, first = db_now(), reservation.numbers.count() + 1
    lives = spec_for(reservation.account.provider).gateway_class.single_lives
    expires = weighing.expires_at(reservation.type, attempt.sent_at, lives)
    state = weighing.state_of_number(is_in_order=is_in_order, expires=expires, now=at)
    for position, (number, index) in enumerate(zip(numbers, indexes, strict=True), first):
        yield ReservedNumber(
            account=reservation.account, reservation=reservation, position=position,
            number=number, number_index=index, last_four=last_four(number), state=state,
            expires_at=expires, changed_at=at,
        )  # fmt: skip


def _reserve(attempt: Attempt, reservation: Reservation, count: int) -> None:
    """Numbers that are ours from now on; what is missing may be asked for at once."""
    received = reservation.received + count
    text = f"{count} of {reservation.asked} came" + _how_late(attempt)
    short = received < reservation.asked
    reason = f"Asked for {reservation.asked}, got {received}: they cut it." if short else ""
    _become(
        attempt, reservation, S.RESERVED, kind="reserved", text=text, reason=reason,
        received=F("received") + count,
    )  # fmt: skip
    if reservation.state != S.RESERVED:
        return
    empty_handed.park_unheard(reservation)
    breaking.close_all_of(reservation, note="Its numbers came.")
    if reservation.pool and reservation.pool.tops_up and missing_of(reservation):
        top_up_of(reservation, maker=reservation.maker)


def _quarantine(attempt: Attempt, reservation: Reservation, count: int, fault: str) -> None:
    """Nobody may use any of them; a person has to ask the provider what happened."""
    words = f"They gave {fault}: all {count} are in quarantine and are never used."
    _become(attempt, reservation, S.QUARANTINED, kind="quarantined", text=words, reason=words)
    breaking.open_break(
        BreakKind.NUMBERS, reservation.account, reservation=reservation,
        text=f"{reservation.reference}: {words}",
    )  # fmt: skip
    log.error("reservation.quarantined", reservation=str(reservation.pk), fault=fault)


def _become(
    attempt: Attempt, reservation: Reservation, to: S, *, kind: str, text: str, **changes: Any
) -> None:
    """Step on if its state allows; while a repeat is under way, or it has ended, only note it."""
    is_elsewhere = reservation.state == S.SENDING and attempt.fence != reservation.fence
    if (reservation.state, to) in RESERVATION_STEPS and not is_elsewhere:
        stepping.step(reservation, to, kind=kind, text=text, next_look_at=None, **changes)
        return
    changes.pop("reason", None)
    rows = Reservation.objects.filter(pk=reservation.pk, version=reservation.version)
    if rows.update(version=F("version") + 1, **changes) != 1:
        raise LostTheRace(stepping.who_was_first(reservation))
    reservation.refresh_from_db()
    stepping.tell(reservation, kind, text)


def _how_late(attempt: Attempt) -> str:
    return "" if attempt.phase == Phase.SENDING else ", in an answer that came late"


def _count_what_may_be_lost(reservation: Reservation) -> None:
    """As many as each send asked for of which nothing was heard."""
    unheard = Attempt.objects.filter(
        reservation=reservation, phase__in=(Phase.UNKNOWN, Phase.PARKED)
    )
    Reservation.objects.filter(pk=reservation.pk).update(
        may_be_lost=unheard.count() * reservation.asked
    )
