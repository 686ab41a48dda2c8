"""A request for numbers that brought none: refused, not carried out, or nobody knows."""

from giftops.clock import db_now
from giftops.identity import jitter
from giftops.queue import enqueue
from orders import decisions
from orders.decisions import Verdict
from orders.issuing_states import ReservationState
from orders.models import Attempt, BreakKind, Phase, Reservation
from orders.models.attempt import UNRESOLVED
from orders.services import breaking
from orders.services.issuing import sending, stepping
from orders.services.issuing.reservations.opening import SEND_RESERVATION
from orders.services.wording import plainly
from orders.weighing import reservations as weighing
from providers.gateways.errors import ProviderError

RESOLVE_RESERVATION = "orders.tasks_issuing.resolve_reservation"
S = ReservationState


def come_away(attempt: Attempt, reservation: Reservation, error: ProviderError) -> None:
    """Draw the consequences for the attempt that is under way and for its reservation."""
    verdict = _verdict_of(error)
    others = Attempt.objects.filter(reservation=reservation, phase__in=UNRESOLVED)
    refusals = reservation.refusals + decisions.counts_as_refusal(error)
    becomes = weighing.state_after(
        verdict, earlier_unresolved=others.exclude(pk=attempt.pk).exists(),
        has_numbers=reservation.received > 0, refusals=refusals,
    )  # fmt: skip
    close(attempt, error)
    match becomes:
        case S.REQUESTED:
            _wait(reservation, error, refusals)
        case S.REJECTED:
            _give_up(reservation, error, verdict, refusals)
        case S.RESERVED:
            _keep_what_came(reservation, error)
        case _:
            _become_unknown(reservation, error, verdict, refusals)


def _verdict_of(error: ProviderError) -> Verdict:
    """As everywhere; there is no deposit that could be too small."""
    verdict = decisions.verdict_of(error)
    return Verdict.REJECTED if verdict is Verdict.NO_FUNDS else verdict


def close(attempt: Attempt, error: ProviderError) -> None:
    """Close an attempt that brought nothing."""
    sending.close_without(attempt, _verdict_of(error), error)


def _wait(reservation: Reservation, error: ProviderError, refusals: int) -> None:
    words = plainly(error, reservation.account)
    wish = getattr(error, "retry_after", None)
    look = db_now() + decisions.backoff(max(refusals, 2), jitter(), at_least=wish)
    stepping.step(
        reservation, S.REQUESTED, kind="not_executed", text=f"Not carried out. {words}",
        reason=words[:300], refusals=refusals, next_look_at=look,
    )  # fmt: skip
    enqueue(SEND_RESERVATION, reservation.pk, run_after=look)


def _give_up(
    reservation: Reservation, error: ProviderError, verdict: Verdict, refusals: int
) -> None:
    """Nothing was reserved, and asking once more would bring the same."""
    words = plainly(error, reservation.account)
    said = "Refused" if verdict is Verdict.REJECTED else f"Given up after {refusals} tries"
    stepping.step(
        reservation, S.REJECTED, kind="rejected", text=f"{said}. {words}", reason=words[:300],
        refusals=refusals, next_look_at=None,
    )  # fmt: skip


def _keep_what_came(reservation: Reservation, error: ProviderError) -> None:
    """A repeat brought nothing, but the answer to the first send has come meanwhile."""
    words = plainly(error, reservation.account)
    stepping.step(
        reservation, S.RESERVED, kind="reserved", text=f"Its numbers are there. {words}",
        next_look_at=None,
    )  # fmt: skip
    park_unheard(reservation)


def _become_unknown(
    reservation: Reservation, error: ProviderError, verdict: Verdict, refusals: int
) -> None:
    words = plainly(error, reservation.account)
    wish = getattr(error, "retry_after", None)
    at = db_now()
    look = weighing.again_at(reservation.type, at)
    if verdict is Verdict.NOT_EXECUTED:
        look = at + decisions.backoff(max(refusals, 2), jitter(), at_least=wish)
    stepping.step(
        reservation, S.UNKNOWN, kind="outcome_unknown", text=f"Outcome unknown. {words}",
        reason=words[:300], refusals=refusals, next_look_at=look,
    )  # fmt: skip
    if getattr(error, "is_contract_alarm", False):
        breaking.open_break(
            BreakKind.CONTRACT, reservation.account, reservation=reservation,
            text=f"{reservation.reference}: {words}",
        )  # fmt: skip
    enqueue(RESOLVE_RESERVATION, reservation.pk, run_after=look)


def park_unheard(reservation: Reservation) -> None:
    """What sends that nobody heard of may have reserved is only listed from now on."""
    unheard = Attempt.objects.filter(reservation=reservation, phase=Phase.UNKNOWN)
    unheard.update(phase=Phase.PARKED, closed_at=db_now())
