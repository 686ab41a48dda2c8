"""The request to hold money on a card, and what its answer means; a late one is never lost.

Nothing here asks twice: silence makes a hold unknown, and readings of the card judge it.
"""

import uuid
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from giftops import guard
from giftops.clock import db_now
from giftops.identity import jitter
from giftops.queue import enqueue
from orders import decisions
from orders.decisions import Verdict
from orders.issuing_states import HoldState
from orders.models import Attempt, Authorization, BreakKind, Phase
from orders.models.attempt import UNRESOLVED
from orders.services import breaking
from orders.services.issuing import proposals, sending, stepping
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import holding
from orders.services.problems import LostTheRace
from orders.services.wording import plainly
from orders.weighing import holds as weighing
from providers.gateways.base import HoldRequest, Issuer, RawAnswer, RemoteHold, Slot
from providers.gateways.errors import AnswerMismatch, ProviderError

ANSWERED = (Phase.APPLIED, Phase.RESOLVED_SUCCESS)
TAKES_A_GRANT = (
    HoldState.SENDING,
    HoldState.UNKNOWN,
    HoldState.NO_EFFECT_SEEN,
    HoldState.HELD_CODE_LOST,
    HoldState.AMBIGUOUS,
)
GIVEN_UP = (HoldState.ABANDONED, HoldState.RELEASED_BY_PROVIDER)
OVERTAKEN = {HoldState.REQUESTED: HoldState.WITHDRAWN, HoldState.PRECHECKED: HoldState.DECLINED}
"""What becomes of a hold that was to be asked for again when the first request is granted late."""
DO_NOT_REPEAT = "Do not hold it again: the money may be held already."


class Authorize(sending.Errand[Authorization, RemoteHold]):
    """Hold money on a card, right after a reading of it."""

    operation = "authorize"
    subject = "authorization"
    job = holding.AUTHORIZE_HOLD
    model = Authorization

    def reference_of(self, hold: Authorization) -> str:
        return hold.reference

    def problem_with(self, hold: Authorization) -> str:
        fresh = holding.read_hold(hold.pk)
        if guard.is_quarantined():
            return guard.status()
        if not fresh.account.is_active:
            return f"{fresh.account} is switched off."
        if not (fresh.maker.is_active and fresh.maker.has_perm("orders.add_authorization")):
            return f"{fresh.maker} may no longer hold money on cards."
        return ""

    def request_of(self, hold: Authorization) -> HoldRequest:
        number = balances.number_of(hold.card)
        return HoldRequest(number=number, sale_id=hold.reference, amount=hold.requested)

    def begin(self, hold: Authorization, at: datetime, attempt_id: uuid.UUID) -> dict[str, Any]:
        if hold.before_at is None or at - hold.before_at > weighing.PRE_IMAGE_KEEPS:
            raise LostTheRace(f"{hold}: the reading before it is too old. Nothing was sent.")
        stepping.step(
            hold, HoldState.SENDING, kind="sent", text=f"{hold.requested.format()} asked for",
            fence=F("fence") + 1, sent_at=at, send_slot_at=None, next_look_at=None, looks=0,
            seen="", reason="", facts={"attempt": str(attempt_id)},
        )  # fmt: skip
        return {}

    def ask(self, gateway: Issuer, request: HoldRequest, slot: Slot) -> RemoteHold:
        return gateway.authorize(request, slot=slot)

    def read(self, gateway: Issuer, raw: RawAnswer, request: HoldRequest) -> RemoteHold:
        return gateway.read_authorized(raw, request)

    def apply(
        self, attempt: Attempt, hold: Authorization, answer: RemoteHold | ProviderError
    ) -> None:
        if isinstance(answer, RemoteHold) and not weighing.is_sane(answer, hold.requested):
            answer = AnswerMismatch("The answer grants something else than was asked for.")
        if isinstance(answer, RemoteHold) and _is_of_another(answer, attempt, hold):
            answer = AnswerMismatch("The answer names a hold that we have already.")
        if isinstance(answer, RemoteHold):
            if attempt.phase not in ANSWERED or attempt.verdict != Verdict.PLACED:
                _take_grant(attempt, hold, answer)
        elif attempt.phase != Phase.SENDING:
            return  # applied before, or a late "no" for a hold that readings decide
        elif hold.state == HoldState.SENDING and attempt.fence == hold.fence:
            _take_failure(attempt, hold, answer)
        else:
            sending.close_without(attempt, decisions.verdict_of(answer), answer)


AUTHORIZE = sending.register(Authorize())


# --- Granted ------------------------------------------------------------------------------------


def _is_of_another(grant: RemoteHold, attempt: Attempt, hold: Authorization) -> bool:
    """Whether this would be a second hold of ours with the code of the first: one answer, twice."""
    is_taken = attempt.fence == hold.fence and hold.state in TAKES_A_GRANT
    return is_taken and holding.is_known_code(hold.card, grant.auth_code, but=hold)


def _take_grant(attempt: Attempt, hold: Authorization, grant: RemoteHold) -> None:
    """The code is kept whatever became of the hold meanwhile: nothing else can finish it.

    Also when two people have decided: the code that they entered may be another one.
    """
    is_of_this_send = attempt.fence == hold.fence
    if is_of_this_send and hold.state in TAKES_A_GRANT:
        _become_authorized(hold, grant)
    elif not holding.is_known_code(hold.card, grant.auth_code):
        _keep_late(attempt, hold, grant, is_of_this_send=is_of_this_send)
    is_late = attempt.phase != Phase.SENDING
    sending.close(attempt, Phase.RESOLVED_SUCCESS if is_late else Phase.APPLIED, Verdict.PLACED)
    enqueue(balances.READ_CARD, hold.card_id)


def _become_authorized(hold: Authorization, grant: RemoteHold) -> None:
    was_in_doubt = hold.state != HoldState.SENDING
    to, text = _in_words(hold, grant)
    stepping.step(
        hold, to, kind="late_answer" if was_in_doubt else "granted", text=text,
        reason="", next_look_at=None, refusals=0, **_columns(hold, grant),
    )  # fmt: skip
    proposals.lapse(hold)
    if was_in_doubt:
        breaking.close_all_of(hold, note="The answer came late: its code is here.")


def _in_words(hold: Authorization, grant: RemoteHold) -> tuple[HoldState, str]:
    if grant.amount == hold.requested:
        return HoldState.AUTHORIZED, f"{grant.amount.format()} held"
    return HoldState.AUTHORIZED_PARTIAL, (
        f"Only {grant.amount.format()} of {hold.requested.format()} held: confirm or cancel it"
    )


def _columns(hold: Authorization, grant: RemoteHold) -> dict[str, Any]:
    return {
        "granted_minor": grant.amount.minor,
        "external_id": grant.external_id[:64],
        "auth_code": holding.sealed_code(hold, grant.auth_code),
        "authorized_at": db_now(),
    }


def _keep_late(
    attempt: Attempt, hold: Authorization, grant: RemoteHold, *, is_of_this_send: bool
) -> None:
    is_reopened = is_of_this_send and hold.state in GIVEN_UP and _reopen(hold, grant)
    if not is_reopened:
        _keep_aside(attempt, hold, grant)


def _reopen(hold: Authorization, grant: RemoteHold) -> bool:
    """Two people gave it up, and it lives: back to people. False if the card is busy otherwise."""
    text = f"{grant.amount.format()} is held after all: the answer came late"
    try:
        with transaction.atomic():
            stepping.step(
                hold, HoldState.NEEDS_REVIEW, kind="late_answer", text=text, reason=text,
                finishes=0, **_columns(hold, grant),
            )  # fmt: skip
    except IntegrityError:
        return False
    _report_late_truth(hold, text)
    return True


def _keep_aside(attempt: Attempt, hold: Authorization, grant: RemoteHold) -> None:
    """An earlier request of this hold was granted: that is a hold of its own, to be finished.

    Where it was about to be asked for again, that ends: it would be held twice.
    """
    to, text = _in_words(hold, grant)
    late = Authorization(
        account=hold.account, card=hold.card, reference=f"{hold.reference}-{attempt.number}",
        note=hold.note, currency=hold.currency, requested_minor=hold.requested_minor, state=to,
        granted_minor=grant.amount.minor, external_id=grant.external_id[:64],
        auth_code=grant.auth_code, maker=hold.maker, sent_at=attempt.sent_at,
        authorized_at=db_now(), created_at=db_now(),
    )  # fmt: skip
    if hold.state in OVERTAKEN:
        sentence = f"An earlier request was granted after all, as {late.reference}."
        stepping.step(
            hold, OVERTAKEN[HoldState(hold.state)], kind="overtaken", text=sentence,
            reason=sentence, next_look_at=None,
        )  # fmt: skip
    late.save(force_insert=True)
    text = f"{text}. It is the answer, late, to attempt {attempt.number} of {hold.reference}"
    stepping.tell(late, "late_answer", text, new=to)
    _report_late_truth(late, text)


def _report_late_truth(hold: Authorization, text: str) -> None:
    breaking.open_break(
        BreakKind.LATE_TRUTH, hold.account, authorization=hold, text=f"{hold.card}: {text}"
    )


# --- Not granted --------------------------------------------------------------------------------


def _take_failure(attempt: Attempt, hold: Authorization, error: ProviderError) -> None:
    verdict = decisions.verdict_of(error)
    earlier = Attempt.objects.filter(authorization__card=hold.card_id, phase__in=UNRESOLVED)
    earlier = earlier.filter(operation=AUTHORIZE.operation).exclude(pk=attempt.pk)
    match weighing.state_after(verdict, earlier_unresolved=earlier.exists()):
        case HoldState.REQUESTED:
            _back_to_requested(hold, error)
        case HoldState.DECLINED:
            decline(hold, plainly(error, hold.account))
        case _:
            _become_unknown(hold, error)
    sending.close_without(attempt, verdict, error)


def _back_to_requested(hold: Authorization, error: ProviderError) -> None:
    """It was not carried out: again later, with a new reading; eight times at most."""
    words = plainly(error, hold.account)
    refusals = hold.refusals + decisions.counts_as_refusal(error)
    if refusals >= decisions.MAX_REFUSALS:
        decline(hold, f"Not carried out, {refusals} times. {words}")
        return
    wish = getattr(error, "retry_after", None)
    look = db_now() + decisions.backoff(max(refusals, 2), jitter(), at_least=wish)
    stepping.step(
        hold, HoldState.REQUESTED, kind="not_executed", text=f"Not carried out. {words}",
        reason=words[:300], refusals=refusals, next_look_at=look,
    )  # fmt: skip
    enqueue(holding.AUTHORIZE_HOLD, hold.pk, run_after=look)


def decline(hold: Authorization, words: str) -> None:
    """Nothing is held, and nothing will be. In the caller's transaction."""
    stepping.step(
        hold, HoldState.DECLINED, kind="declined", text=words, reason=words[:300],
        next_look_at=None,
    )  # fmt: skip


def _become_unknown(hold: Authorization, error: ProviderError) -> None:
    words = plainly(error, hold.account)
    look = weighing.next_look(hold.sent_at or db_now(), db_now())
    stepping.step(
        hold, HoldState.UNKNOWN, kind="outcome_unknown", text=f"Outcome unknown. {words}",
        reason=f"{words} {DO_NOT_REPEAT}"[:300], next_look_at=look,
    )  # fmt: skip
    report_contract(hold, error)
    enqueue(holding.RESOLVE_HOLD, hold.pk, run_after=look)


def report_contract(hold: Authorization, error: ProviderError) -> None:
    """Raise the alarm if the answer broke the contract."""
    if getattr(error, "is_contract_alarm", False):
        text = f"{hold.card}, {hold.reference}: {plainly(error, hold.account)}"
        breaking.open_break(BreakKind.CONTRACT, hold.account, authorization=hold, text=text)
