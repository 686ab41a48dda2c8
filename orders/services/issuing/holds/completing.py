"""The errands that bring a hold to its end, and what their answers mean."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F

from giftops import guard
from giftops.clock import db_now
from giftops.identity import jitter
from giftops.models import User
from giftops.queue import enqueue
from orders import decisions
from orders.decisions import Verdict
from orders.issuing_states import HoldState
from orders.models import Attempt, Authorization, BreakKind, Phase
from orders.services import breaking
from orders.services.issuing import proposals, sending, stepping
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import granting, holding
from orders.services.issuing.holds.holding import CHECK_END, FINISH_HOLD, RESOLVE_FINISH
from orders.services.problems import LostTheRace
from orders.services.wording import plainly
from orders.weighing import holds as weighing
from providers.gateways.base import Issuer, RawAnswer, Slot
from providers.gateways.errors import HoldIsOver, ProviderError


@dataclass(frozen=True, slots=True)
class FinishRequest:
    """What is sent to finish a hold: its code, and the card it is on."""

    number: str = field(repr=False)
    auth_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Way:
    """One of the two ends that a hold can be brought to."""

    operation: str
    wish: str  # the event that says who pressed it
    going: HoldState
    doubt: HoldState
    done: HoldState
    past: str  # "confirmed"


CONFIRM = Way(
    "confirm", "confirm_asked", HoldState.CONFIRMING, HoldState.CONFIRM_UNKNOWN,
    HoldState.CONFIRMED, "confirmed",
)  # fmt: skip
CANCEL = Way(
    "cancel", "cancel_asked", HoldState.CANCELLING, HoldState.CANCEL_UNKNOWN,
    HoldState.RELEASED, "cancelled",
)  # fmt: skip
WAYS = (CONFIRM, CANCEL)
WAY_OF_WISH = {way.wish: way for way in WAYS}
WAY_OF_STATE = {state: way for way in WAYS for state in (way.going, way.doubt)}


def problem_with(hold: Authorization, who: User | None) -> str:
    """Why a hold may not be finished (any more), in a sentence; "" if it may."""
    if not hold.account.is_active:
        return f"{hold.account} is switched off."
    if who and not (who.is_active and who.has_perm("orders.add_authorization")):
        return f"{who} may no longer finish holds."
    return ""


class Finish(sending.Errand[Authorization, None]):
    """Send the code of a hold, to take it or to give it back."""

    subject = "authorization"
    job = FINISH_HOLD
    model = Authorization
    way: Way

    def reference_of(self, hold: Authorization) -> str:
        return hold.reference

    def problem_with(self, hold: Authorization) -> str:
        return guard.status() if guard.is_quarantined() else problem_with(hold, None)

    def request_of(self, hold: Authorization) -> FinishRequest:
        number = balances.number_of(hold.card)
        return FinishRequest(number=number, auth_code=hold.auth_code.reveal())

    def begin(self, hold: Authorization, at: datetime, attempt_id: uuid.UUID) -> dict[str, Any]:
        """The state is there already; the version says that it is still ours to send."""
        same = Authorization.objects.filter(pk=hold.pk, state=self.way.going, version=hold.version)
        sent = same.update(
            version=F("version") + 1, fence=F("fence") + 1, finishes=F("finishes") + 1,
            sent_at=at, send_slot_at=None, next_look_at=None, looks=0, seen="", reason="",
            changed_at=at,
        )  # fmt: skip
        if sent != 1:
            raise LostTheRace(stepping.who_was_first(hold))
        hold.refresh_from_db()
        text = f"{hold.granted} to be {self.way.past}: sent"
        stepping.tell(hold, "sent", text, facts={"attempt": str(attempt_id)})
        return {}

    def apply(self, attempt: Attempt, hold: Authorization, answer: None | ProviderError) -> None:
        if answer is None:
            if attempt.phase not in granting.ANSWERED:
                _take_success(attempt, hold, self.way)
        elif attempt.phase != Phase.SENDING:
            return  # applied before; readings decide what is in doubt
        elif hold.state == self.way.going and attempt.fence == hold.fence:
            _take_failure(attempt, hold, self.way, answer)
        else:
            sending.close_without(attempt, _verdict_of(answer), answer)


class Confirm(Finish):
    """Take the whole of a hold."""

    operation = CONFIRM.operation
    way = CONFIRM

    def ask(self, gateway: Issuer, request: FinishRequest, slot: Slot) -> None:
        gateway.confirm(request.number, request.auth_code, slot=slot)

    def read(self, gateway: Issuer, raw: RawAnswer, request: FinishRequest) -> None:
        gateway.read_confirmed(raw)


class Cancel(Finish):
    """Give the whole of a hold back."""

    operation = CANCEL.operation
    way = CANCEL

    def ask(self, gateway: Issuer, request: FinishRequest, slot: Slot) -> None:
        gateway.cancel(request.number, request.auth_code, slot=slot)

    def read(self, gateway: Issuer, raw: RawAnswer, request: FinishRequest) -> None:
        gateway.read_cancelled(raw)


ERRANDS: dict[str, Finish] = {"confirm": Confirm(), "cancel": Cancel()}
for one in ERRANDS.values():
    sending.register(one)


def _verdict_of(error: ProviderError) -> Verdict:
    """Only what was not carried out says anything; every refusal is judged by readings."""
    verdict = decisions.verdict_of(error)
    return verdict if verdict is Verdict.NOT_EXECUTED else Verdict.UNKNOWN


def _take_success(attempt: Attempt, hold: Authorization, way: Way) -> None:
    if hold.state in (way.going, way.doubt, HoldState.NEEDS_REVIEW):
        end(hold, way.done, text=f"{hold.granted} {way.past}", kind=way.past, answered=attempt)
        proposals.lapse(hold)
    elif hold.state != way.done:
        text = f"They say now that it was {way.past}, while it is {hold.get_state_display()!r} here"
        report_contradiction(hold, text)
    is_late = attempt.phase != Phase.SENDING
    sending.close(attempt, Phase.RESOLVED_SUCCESS if is_late else Phase.APPLIED, Verdict.PLACED)


def end(
    hold: Authorization, to: HoldState, *, kind: str, text: str, answered: Attempt | None = None
) -> None:
    """It is over: taken, or given back. In the caller's transaction.

    `answered` is the attempt that said so, which the caller closes; a reading checks their word.
    """
    at = db_now()
    stepping.step(hold, to, kind=kind, text=text, reason="", finished_at=at, next_look_at=None)
    holding.close_doubtful(hold, Phase.RESOLVED_SUCCESS, at, but=answered)
    breaking.close_all_of(hold, note=f"The hold is over: {hold.get_state_display().lower()}.")
    if answered:
        enqueue(CHECK_END, hold.pk)


def report_contradiction(hold: Authorization, text: str) -> None:
    """Raise the alarm: the provider, or somebody there, did something else than we asked for."""
    breaking.open_break(
        BreakKind.CONTRADICTION, hold.account, authorization=hold, text=f"{hold.card}: {text}."
    )


def _take_failure(attempt: Attempt, hold: Authorization, way: Way, error: ProviderError) -> None:
    verdict = _verdict_of(error)
    if verdict is Verdict.NOT_EXECUTED:
        _back(hold, way, error)
    else:
        _become_unknown(hold, way, error)
    sending.close_without(attempt, verdict, error)


def _back(hold: Authorization, way: Way, error: ProviderError) -> None:
    """Not carried out: the hold stands as before this send, and the wish is kept; not for ever."""
    words = plainly(error, hold.account)
    sends, refusals = hold.finishes - 1, hold.refusals + decisions.counts_as_refusal(error)
    wish = getattr(error, "retry_after", None)
    look = db_now() + decisions.backoff(max(refusals, 2), jitter(), at_least=wish)
    is_in_doubt = sends > 0
    is_over = refusals >= decisions.MAX_REFUSALS and not is_in_doubt
    stepping.step(
        hold, way.doubt if is_in_doubt else holding.standing_of(hold), kind="not_executed",
        text=f"Not carried out. {words}", reason=words[:300], finishes=sends, refusals=refusals,
        next_look_at=None if is_over else look,
    )  # fmt: skip
    if not is_over:
        enqueue(RESOLVE_FINISH if is_in_doubt else FINISH_HOLD, hold.pk, run_after=look)


def _become_unknown(hold: Authorization, way: Way, error: ProviderError) -> None:
    at, words = db_now(), plainly(error, hold.account)
    is_told = isinstance(error, HoldIsOver)  # nothing is under way any more: look at once
    look = at if is_told else weighing.next_look(hold.sent_at or at, at)
    stepping.step(
        hold, way.doubt, kind="outcome_unknown", text=f"Whether it was {way.past} is unknown. "
        f"{words}", reason=words[:300], next_look_at=look,
    )  # fmt: skip
    granting.report_contract(hold, error)
    enqueue(RESOLVE_FINISH, hold.pk, run_after=look)
