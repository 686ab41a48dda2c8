"""What the issuer said to a creation: applied now, late, or from the journal; never lost."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from giftops.clock import db_now
from giftops.identity import jitter
from giftops.models import User
from giftops.queue import enqueue
from giftops.sealing import blind_index
from orders import decisions
from orders.issuing_states import CardState, NumberState
from orders.models import Attempt, BreakKind, Card, Phase, ReservedNumber
from orders.models.attempt import UNRESOLVED
from orders.services import breaking
from orders.services.collecting import CODE
from orders.services.issuing import proposals, sending, stepping
from orders.services.issuing.cards.card_steps import close_doubtful, has_pool, step_both
from orders.services.issuing.cards.issuance_steps import CREATE_CARD, RESOLVE_CARD
from orders.services.issuing.reservations import stock
from orders.services.wording import plainly
from orders.weighing import creations
from orders.weighing.creations import Verdict
from providers.gateways.base import CreatedCard
from providers.gateways.errors import AnswerMismatch, DuplicateReference, ProviderError

ANSWERED = (Phase.APPLIED, Phase.RESOLVED_SUCCESS)
REOPENED = (CardState.WAITING, CardState.REFUSED, CardState.WITHDRAWN)
FIRST_READING = timedelta(hours=1)
"""When a card that was just created is read for the first time."""
DO_NOT_REPEAT = "The card may exist; do not have it created again."


def apply(attempt: Attempt, card: Card, answer: CreatedCard | ProviderError) -> None:
    """Draw the consequences of an answer, in the caller's transaction. Safe to repeat."""
    number = attempt.number_sent
    if number is None:
        raise ValueError("A card is created on a number.")
    other = ""
    if isinstance(answer, CreatedCard) and answer.number != number.number.reveal():
        other = answer.number
        answer = AnswerMismatch("The answer names another number than the one we sent.")
    if isinstance(answer, CreatedCard):
        if attempt.phase not in ANSWERED:
            _apply_success(attempt, card, number)
    elif attempt.phase != Phase.SENDING:
        _keep_late_other(card, other)  # a late "no" says nothing: readings decide
    elif card.state == CardState.CREATING and attempt.fence == card.fence:
        _apply_failure(attempt, card, number, answer)
        _keep_other(card, other)
    else:
        _close_overtaken(attempt, card, answer)


def activate(
    card: Card, number: ReservedNumber, *, kind: str, text: str, actor: User | None = None
) -> None:
    """The card exists on this number: seal its code, which is the number, and release it.

    In the caller's transaction; closes the attempts that were in doubt and the breaks.
    """
    plain = number.number.reveal()
    at = db_now()
    step_both(
        card, CardState.ACTIVE, number, NumberState.CREATED, kind=kind, text=text, actor=actor,
        number=number, code_index=blind_index(plain, field=CODE), last_four=number.last_four,
        is_releasable=True, issued_at=at, moved_at=at, reason="", absent_looks=0,
        balance_minor=F("face_value_minor"), held_minor=0, next_look_at=at + FIRST_READING,
    )  # fmt: skip
    card.code = plain
    card.save(update_fields=["code"])
    close_doubtful(card, Phase.RESOLVED_SUCCESS, at)
    breaking.close_all_of(card, note="The card is there.", but=[BreakKind.LATE_TRUTH])


def park(card: Card, kind: BreakKind, text: str) -> None:
    """Nobody but two people can decide: hold card and number, open a break.

    In the caller's transaction.
    """
    step_both(
        card, CardState.NEEDS_REVIEW, card.number, NumberState.NEEDS_REVIEW,
        kind="held_for_a_person", text=text, reason=text[:300], next_look_at=None,
    )  # fmt: skip
    Attempt.objects.filter(card=card, phase=Phase.UNKNOWN).update(phase=Phase.PARKED)
    breaking.open_break(kind, sending.account_of(card), card=card, text=f"{card.sale_id}: {text}")


def points_may_be_gone(card: Card) -> bool:
    """Whether a request that carried its points ever had no usable answer."""
    return card.attempts.filter(verdict=Verdict.UNKNOWN).exists()


def _apply_success(attempt: Attempt, card: Card, number: ReservedNumber) -> None:
    is_on_it = card.number_id == number.pk
    if is_on_it and card.state == CardState.CREATING:
        activate(card, number, kind="created", text=f"Created as {number}")
    elif is_on_it and card.state in (CardState.IN_DOUBT, CardState.NEEDS_REVIEW):
        activate(card, number, kind="adopted", text=f"Its answer came late: created as {number}")
        proposals.lapse(card)
    elif not (is_on_it and card.is_releasable):
        _report_late_truth(card, number)
    attempt.refresh_from_db()
    is_late = attempt.phase != Phase.SENDING
    phase = Phase.RESOLVED_SUCCESS if is_late else Phase.APPLIED
    sending.close(attempt, phase, Verdict.CREATED)


def _report_late_truth(card: Card, number: ReservedNumber) -> None:
    """We gave the number up, and the card lives on it: back to life, in front of a person."""
    text = f"A card was created on {number} after all."
    if card.state in REOPENED:
        stepping.step(card, CardState.NEEDS_REVIEW, kind="late_truth", text=text,
                      reason=text, number=number, next_look_at=None)  # fmt: skip
    else:
        stepping.tell(card, "late_truth", text)
    account = sending.account_of(card)
    breaking.open_break(BreakKind.LATE_TRUTH, account, card=card, text=f"{card.sale_id}: {text}")


def _apply_failure(
    attempt: Attempt, card: Card, number: ReservedNumber, error: ProviderError
) -> None:
    verdict = _verdict_of(card, error)
    others = Attempt.objects.filter(card=card, phase__in=UNRESOLVED).exclude(pk=attempt.pk)
    words = plainly(error, sending.account_of(card))
    match creations.state_after(verdict, earlier_unresolved=others.exists()):
        case CardState.WAITING if verdict is Verdict.NOT_RESERVED:
            _give_number_up(card, number, words)
        case CardState.WAITING:
            _wait(card, number, error, words)
        case CardState.REFUSED:
            _refuse(card, number, words)
        case CardState.NEEDS_REVIEW:
            park(card, BreakKind.CREATE_CONFLICT, f"{number} had a card before we asked for one.")
        case _:
            _doubt(card, number, error, words)
    sending.close_without(attempt, verdict, error)


def _close_overtaken(attempt: Attempt, card: Card, error: ProviderError) -> None:
    """The card was found or decided meanwhile: only the attempt closes."""
    verdict = _verdict_of(card, error)
    if verdict is Verdict.UNKNOWN and card.is_releasable:
        sending.close(attempt, Phase.RESOLVED_SUCCESS, verdict, note=str(error))
    else:
        sending.close_without(attempt, verdict, error)


def _verdict_of(card: Card, error: ProviderError) -> Verdict:
    return creations.verdict_of(error, pays_with_points=card.points is not None)


def _wait(card: Card, number: ReservedNumber, error: ProviderError, words: str) -> None:
    """Nothing was done over there: the same again later. The number stays promised to the card."""
    refusals = card.refusals + decisions.counts_as_refusal(error)
    is_held_back = refusals >= decisions.MAX_REFUSALS
    wish = getattr(error, "retry_after", None)
    wait = decisions.backoff(max(refusals, 2), jitter(), at_least=wish)
    look = None if is_held_back else db_now() + wait
    _back(card, number, CardState.WAITING, kind="not_executed", text=f"Not carried out. {words}",
          reason=words[:300], refusals=refusals, next_look_at=look)  # fmt: skip
    if look is not None:
        enqueue(CREATE_CARD, card.pk, run_after=look)


def _refuse(card: Card, number: ReservedNumber, words: str) -> None:
    """Refused in words we know: nothing was created, and the number is free for another card."""
    _back(card, number, CardState.REFUSED, kind="refused", text=f"Refused. {words}",
          number=None, reason=words[:300], next_look_at=None)  # fmt: skip


def _back(
    card: Card, reserved: ReservedNumber, to: CardState, *, kind: str, text: str, **changes: Any
) -> None:
    """Nothing exists on the number: it is left again, or by now expired."""
    old = card.state
    at = stepping.shift(card, to, **changes)
    stock.give_back(reserved)
    stepping.tell(card, kind, text, at=at, old=old, new=to)


def _give_number_up(card: Card, number: ReservedNumber, words: str) -> None:
    """They say that it is not ours: never again. A pool gives another, a single one a person."""
    refusals = card.refusals + 1
    waits = has_pool(card) and refusals < decisions.MAX_REFUSALS
    look = db_now() + decisions.backoff(refusals, jitter()) if waits else None
    step_both(
        card, CardState.WAITING, number, NumberState.RETIRED, kind="not_reserved",
        text=f"{number} is not reserved any more. {words}", number=None, reason=words[:300],
        refusals=refusals, next_look_at=look,
    )  # fmt: skip
    if look is not None:
        enqueue(CREATE_CARD, card.pk, run_after=look)


def _doubt(card: Card, number: ReservedNumber, error: ProviderError, words: str) -> None:
    at = db_now()
    exists = isinstance(error, DuplicateReference)
    look = at if exists else decisions.next_look_up(card.in_doubt_since, at, creations.LOOKS)
    step_both(
        card, CardState.IN_DOUBT, number, NumberState.IN_DOUBT, kind="outcome_unknown",
        text=f"Outcome unknown. {words}", reason=f"{words} {DO_NOT_REPEAT}"[:300],
        next_look_at=look, absent_looks=0,
    )  # fmt: skip
    if getattr(error, "is_contract_alarm", False):
        text = f"{card.sale_id}: {words}"
        breaking.open_break(BreakKind.CONTRACT, sending.account_of(card), card=card, text=text)
    enqueue(RESOLVE_CARD, card.pk, run_after=look)


def _keep_other(card: Card, other: str) -> None:
    if other:
        card.other_code = other
        card.save(update_fields=["other_code"])


def _keep_late_other(card: Card, other: str) -> None:
    """A late answer names another number: whoever looks at the card asks about that one too."""
    if not other or card.other_code:
        return
    _keep_other(card, other)
    text = f"{card.sale_id}: a late answer to its creation names another number than its own."
    breaking.open_break(BreakKind.CONTRACT, sending.account_of(card), card=card, text=text)
