"""What the provider said to an attempt: applied now, late, or from the journal; never lost."""

import uuid
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from giftops.clock import db_now, sleep
from giftops.identity import jitter
from giftops.models import User
from giftops.queue import enqueue
from orders import decisions
from orders.decisions import Verdict
from orders.models import Attempt, BreakKind, Order, Phase
from orders.models.attempt import UNRESOLVED
from orders.services import breaking, finding, funding, moving, reopening
from orders.services.drafting import request_of
from orders.services.problems import LostTheRace
from orders.services.wording import plainly
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import RemoteOrder, Seller, Standing
from providers.gateways.errors import (
    AnswerMismatch,
    DuplicateReference,
    OutcomeUnknown,
    ProviderError,
    UnknownRefusal,
)

PAUSES = (0.1, 1.0)
"""Seconds between the tries to apply an answer to a database that does not take it."""
ANSWERED = (Phase.APPLIED, Phase.RESOLVED_SUCCESS)
MOST_RACES = 20
DO_NOT_REPEAT = "The order may exist there; do not order it again."
READ_DEPOSIT = "orders.tasks.read_deposit"
LONGEST_NUMBER = 64


def apply_answer(attempt_id: uuid.UUID, answer: RemoteOrder | ProviderError) -> None:
    """Apply what the provider said to one attempt. Safe to repeat; a late answer is never lost."""
    pauses, races = iter(PAUSES), iter(range(MOST_RACES))
    while True:
        try:
            return _apply(attempt_id, answer)
        except LostTheRace:
            if next(races, None) is None:
                raise  # not a race any more: leave it to the sweep, which says so in the log
            # the order moved between our read and our write: read it again
        except OperationalError:
            # The session ended, or the commit is in doubt: a fresh one sees how things stand.
            pause = next(pauses, None)
            if pause is None or connection.in_atomic_block:
                raise
            connection.close()
            sleep(pause)


def settle_lapsed(attempt: Attempt) -> None:
    """An attempt whose worker is gone: read the journal if an answer came, else it is unknown."""
    if not apply_journaled(attempt):
        silence = OutcomeUnknown("The program that sent it ended before an answer was recorded.")
        apply_answer(attempt.pk, silence)


def apply_journaled(attempt: Attempt) -> bool:
    """Apply the answer the journal holds for an attempt; False if none was recorded."""
    raw = providers.journaled_answer(str(attempt.pk))
    if raw is None or attempt.order is None:
        return False
    gateway: Seller = providers.gateway_for(attempt.order.account)
    request = request_of(attempt.order)
    apply_answer(attempt.pk, answer_of(lambda: gateway.read_placed(raw, request)))
    return True


def answer_of(ask: Callable[[], RemoteOrder]) -> RemoteOrder | ProviderError:
    """What the provider said, an error being one of the things it may say."""
    try:
        return ask()
    except ProviderError as error:
        return error


@transaction.atomic(durable=True)
def _apply(attempt_id: uuid.UUID, answer: RemoteOrder | ProviderError) -> None:
    attempt = Attempt.objects.get(pk=attempt_id)
    order = Order.objects.select_related("account", "batch__maker").get(attempts=attempt)
    if isinstance(answer, RemoteOrder) and finding.is_taken(order, answer):
        answer = AnswerMismatch("The answer names another order of ours.")
    if isinstance(answer, RemoteOrder):
        if attempt.phase not in ANSWERED:
            _apply_success(attempt, order, answer)
    elif attempt.phase != Phase.SENDING:
        return  # applied before, or a late "no" for an order whose look-ups decide
    elif order.status == Status.SUBMITTING and attempt.fence == order.fence:
        _apply_failure(attempt, order, answer)
    else:
        _close_overtaken(attempt, order, answer)


def _apply_success(attempt: Attempt, order: Order, remote: RemoteOrder) -> None:
    if order.status == Status.SUBMITTING:
        text = f"Accepted as {remote.external_id}, “{remote.status_text}”"
        take_over(order, remote, kind="answered", text=text)
    elif order.status == Status.UNKNOWN:
        take_over(order, remote, kind="adopted", text=f"Its answer came late: {remote.external_id}")
    elif order.external_id != remote.external_id:
        reopening.report_late_truth(order, remote)
    is_late = attempt.phase != Phase.SENDING
    _close(attempt, Phase.RESOLVED_SUCCESS if is_late else Phase.APPLIED, Verdict.PLACED)
    close_doubtful(order, Phase.RESOLVED_SUCCESS)


def close_doubtful(order: Order, phase: Phase) -> None:
    """The doubt about an order is over: so it is for every attempt that had no usable answer."""
    doubtful = Attempt.objects.filter(order=order, phase__in=UNRESOLVED - {Phase.SENDING})
    doubtful.update(phase=phase, closed_at=db_now())


def take_over(
    order: Order, remote: RemoteOrder, *, kind: str, text: str, actor: User | None = None
) -> None:
    """The provider has this order: note its number and standing, and follow it from now on."""
    standing = Standing.ACCEPTED if remote.standing is Standing.CANCELLED else remote.standing
    at = db_now()
    look = at + decisions.poll_delay(standing, timedelta(), cards=number_of_cards(order))
    if remote.standing in (Standing.COMPLETED, Standing.CANCELLED):
        look = at
    moving.move(
        order, Status.PLACED, kind=kind, text=text, actor=actor,
        external_id=remote.external_id, standing=standing, provider_text=remote.status_text[:200],
        placed_at=order.placed_at or at, asked_at=at, next_look_at=look, reason="",
        absent_looks=0,
    )  # fmt: skip
    if standing is Standing.UNMAPPED:
        report_unmapped(order, remote.status_text)
    enqueue("orders.tasks.follow_order", order.pk, run_after=look)


def number_of_cards(order: Order) -> int:
    """How many cards were bought with it, in all its lines."""
    return order.lines.aggregate(sum=Sum("quantity"))["sum"] or 0


def report_unmapped(order: Order, text: str) -> None:
    breaking.open_break(
        BreakKind.UNMAPPED_STATUS, order.account, order=order,
        text=f"{order.reference}: the provider says “{text[:80]}”, which we do not know.",
    )  # fmt: skip


def _apply_failure(attempt: Attempt, order: Order, error: ProviderError) -> None:
    verdict = decisions.verdict_of(error)
    others = Attempt.objects.filter(order=order, phase__in=UNRESOLVED).exclude(pk=attempt.pk)
    match decisions.status_after(verdict, earlier_unresolved=others.exists()):
        case Status.APPROVED:
            _back_to_approved(order, error)
        case Status.REJECTED:
            _reject(order, error)
        case Status.AWAITING_FUNDS:
            _wait_for_funds(order, error)
        case _:
            _become_unknown(order, error)
    _close_by(attempt, error, _phase_after(verdict))


def _close_overtaken(attempt: Attempt, order: Order, error: ProviderError) -> None:
    """The order was found or decided meanwhile: only the attempt closes."""
    verdict = decisions.verdict_of(error)
    is_known_there = verdict is Verdict.UNKNOWN and order.external_id
    phase = Phase.RESOLVED_SUCCESS if is_known_there else _phase_after(verdict)
    _close_by(attempt, error, phase)


def _phase_after(verdict: Verdict) -> Phase:
    if verdict is Verdict.UNKNOWN:
        return Phase.UNKNOWN
    return Phase.NOT_SENT if verdict is Verdict.NOT_EXECUTED else Phase.APPLIED


def _verdict_text(error: ProviderError) -> str:
    match error:
        case UnknownRefusal():
            return finding.REFUSED_UNCLEARLY
        case DuplicateReference():
            return finding.DUPLICATE
        case _:
            return decisions.verdict_of(error)


def _named_by(error: ProviderError) -> str:
    """The order that they say has our reference; "" if they named none, or nothing like a number.

    The first of several is the initial order.
    """
    named = error.external_ids[:1] if isinstance(error, DuplicateReference) else ()
    return named[0] if named and len(named[0]) <= LONGEST_NUMBER else ""


def _back_to_approved(order: Order, error: ProviderError) -> None:
    refusals = order.refusals + decisions.counts_as_refusal(error)
    is_held_back = refusals >= decisions.MAX_REFUSALS
    wait = decisions.backoff(
        max(refusals, 2), jitter(), at_least=getattr(error, "retry_after", None)
    )
    look = None if is_held_back else db_now() + wait
    words = plainly(error, order.account)
    moving.move(
        order, Status.APPROVED, kind="not_executed", text=f"Not carried out. {words}",
        reason=words[:300], refusals=refusals, is_held_back=is_held_back, next_look_at=look,
    )  # fmt: skip
    if look is not None:
        enqueue("orders.tasks.place_order", order.pk, run_after=look)


def _wait_for_funds(order: Order, error: ProviderError) -> None:
    """Nothing was bought, and nothing is held: the same reference again once the money is there."""
    refusals = order.refusals + 1
    is_held_back = refusals >= decisions.MAX_REFUSALS
    at = db_now()
    words = plainly(error, order.account)
    funding.release(order)
    moving.move(
        order, Status.AWAITING_FUNDS, kind="waits_for_funds", text=words, reason=words[:300],
        held_minor=0, refusals=refusals, is_held_back=is_held_back,
        next_look_at=None if is_held_back else at + decisions.backoff(refusals, jitter()),
    )  # fmt: skip
    enqueue(READ_DEPOSIT, order.account_id, run_after=at + funding.FRESH)


def _reject(order: Order, error: ProviderError) -> None:
    words = plainly(error, order.account)
    reject(order, kind="rejected", text=f"Refused. {words}", reason=words)


def reject(order: Order, *, kind: str, text: str, reason: str, actor: User | None = None) -> None:
    """Nothing exists at the provider and nothing will: close the order and release its hold."""
    funding.release(order)
    moving.move(
        order, Status.REJECTED, kind=kind, text=text, actor=actor, reason=reason[:300],
        held_minor=0, next_look_at=None,
    )  # fmt: skip


def _become_unknown(order: Order, error: ProviderError) -> None:
    at = db_now()
    look = at if isinstance(error, DuplicateReference) else finding.next_look(order, at)
    words = plainly(error, order.account)
    moving.move(
        order, Status.UNKNOWN, kind="outcome_unknown", text=f"Outcome unknown. {words}",
        reason=f"{words} {DO_NOT_REPEAT}"[:300], next_look_at=look, absent_looks=0,
    )  # fmt: skip
    if getattr(error, "is_contract_alarm", False):
        text = f"{order.reference}: {words}"
        breaking.open_break(BreakKind.CONTRACT, order.account, order=order, text=text)
    enqueue("orders.tasks.resolve_order", order.pk, run_after=look)


def _close_by(attempt: Attempt, error: ProviderError, phase: Phase) -> None:
    _close(attempt, phase, _verdict_text(error), note=str(error), named=_named_by(error))


def _close(
    attempt: Attempt, phase: Phase, verdict: str, *, note: str = "", named: str = ""
) -> None:
    """Close an attempt by compare-and-set, so that a zombie cannot reopen or overwrite it."""
    rows = Attempt.objects.filter(pk=attempt.pk, phase=attempt.phase, fence=attempt.fence)
    changed = rows.update(
        phase=phase, verdict=verdict, note=note[:300], named_external_id=named,
        closed_at=None if phase == Phase.UNKNOWN else db_now(),
    )  # fmt: skip
    if changed != 1:
        raise LostTheRace("This attempt was closed meanwhile.")
