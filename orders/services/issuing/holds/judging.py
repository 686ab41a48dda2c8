"""Holds whose answer was lost: the journal first, then readings of the card against the one before.

A reading proves nothing about a request that may still arrive, so it leads to people and never to
another request; only a code that is known may be sent once more.
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from giftops import guard
from giftops.clock import db_now
from giftops.queue import enqueue
from orders.issuing_states import HoldState
from orders.models import Attempt, Authorization, BalanceCheck, Phase
from orders.services.issuing import sending, stepping
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import completing, finishing, holding
from orders.services.issuing.holds.completing import WAY_OF_STATE
from orders.services.issuing.holds.holding import RESOLVE_FINISH, RESOLVE_HOLD
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from orders.weighing import holds as weighing
from orders.weighing.holds import Finish, Next
from providers.gateways.errors import ProviderError

WHILE_SWITCHED_OFF = timedelta(minutes=15)
"""When to see again whether an account is on."""
IN_DOUBT = (HoldState.CONFIRM_UNKNOWN, HoldState.CANCEL_UNKNOWN)
ENDS = {Next.TAKEN: HoldState.CONFIRMED, Next.GIVEN_BACK: HoldState.RELEASED}
SHOWS = {HoldState.CONFIRMED: Finish.TAKEN, HoldState.RELEASED: Finish.GIVEN_BACK}
WHAT_WAS_SEEN = {
    HoldState.NO_EFFECT_SEEN: "Three readings show no effect. That is evidence, not proof",
    HoldState.HELD_CODE_LOST: "More is held than before, and its code never came",
    HoldState.AMBIGUOUS: "The readings do not tell whether it is held",
}


def resolve_hold(authorization_id: str | UUID) -> None:
    """Judge one hold without an answer, by what the card reads now."""
    hold = holding.read_hold(authorization_id)
    if hold.state != HoldState.UNKNOWN or guard.is_quarantined() or journal_knows(hold):
        return
    check = _look(hold, RESOLVE_HOLD)
    if check is None:
        return
    try:
        _judge(hold, check)
    except LostTheRace:
        return  # a late answer was first; nothing is left to judge


def journal_knows(hold: Authorization) -> bool:
    """Whether an answer that nobody read lies in the journal, and has moved the hold."""
    unread = (Phase.UNKNOWN, Phase.PARKED)
    for attempt in Attempt.objects.filter(authorization=hold, phase__in=unread).order_by("id"):
        sending.apply_journaled(attempt)
    version = hold.version
    hold.refresh_from_db()
    return hold.version != version


def _look(hold: Authorization, job: str) -> BalanceCheck | None:
    """Read the card; None if it could not be read, and is asked about again later."""
    try:
        return balances.read_card(hold.card, authorization=hold)
    except ProviderError as error:
        words = plainly(error, hold.account)
        if weighing.is_out_of_reach(hold.sent_at or hold.changed_at, db_now()):
            _give_up(hold, f"The card could not be read for a day. {words}")
        else:
            _look_again(hold, job, f"Read again: no answer. {words}")
    except Refused as no:
        _look_again(hold, job, str(no))
    return None


def _give_up(hold: Authorization, text: str) -> None:
    """Nothing can be told as long as nothing can be read: two people."""
    to = HoldState.AMBIGUOUS if hold.state == HoldState.UNKNOWN else HoldState.NEEDS_REVIEW
    try:
        with transaction.atomic():
            holding.park(hold, to, text)
    except LostTheRace:
        return  # a late answer was first


def _look_again(hold: Authorization, job: str, text: str, **fields: object) -> None:
    look = weighing.next_look(hold.sent_at or hold.changed_at, db_now())
    with transaction.atomic():
        if stepping.note(hold, next_look_at=look, **fields):
            stepping.tell(hold, "read", text)
            enqueue(job, hold.pk, run_after=look)


def _judge(hold: Authorization, check: BalanceCheck) -> None:
    checks = holding.settled_readings(hold)
    deltas = [holding.delta_of(hold, one) for one in checks]
    said = holding.delta_of(hold, check)
    fields = {"looks": weighing.unbroken(deltas), "seen": str(said)[:24]}
    last_after = check.asked_at - (hold.sent_at or check.asked_at)
    to = weighing.conclusion(deltas, last_after)
    text = f"Read again: {holding.in_words(check)}"
    if to is None:
        _look_again(hold, RESOLVE_HOLD, text, **fields)
        return
    with transaction.atomic():
        holding.park(hold, to, f"{WHAT_WAS_SEEN[to]}. {text}", **fields)


# --- The end of a hold --------------------------------------------------------------------------


def resolve_finish(authorization_id: str | UUID) -> None:
    """Judge a hold whose confirmation or cancellation got no answer, by what the card reads now."""
    hold = holding.read_hold(authorization_id)
    if hold.state not in IN_DOUBT or guard.is_quarantined() or journal_knows(hold):
        return
    if not hold.account.is_active:
        _wait_until_it_is_on(hold)
        return
    check = _look(hold, RESOLVE_FINISH)
    if check is None:
        return
    try:
        _judge_finish(hold, check)
    except LostTheRace:
        return  # a late answer was first; nothing is left to judge


def _wait_until_it_is_on(hold: Authorization) -> None:
    """Nothing may be sent again there, whatever the card reads: told once, then it waits a day."""
    if weighing.is_out_of_reach(hold.sent_at or hold.changed_at, db_now()):
        _give_up(hold, f"{hold.account} is switched off, so the card was not read for a day.")
        return
    at = db_now() + WHILE_SWITCHED_OFF
    last = hold.events.last()
    with transaction.atomic():
        if not stepping.note(hold, next_look_at=at):
            return
        if last is None or last.kind != "waits":
            stepping.tell(hold, "waits", f"Waits until {hold.account} is switched on again")
        enqueue(RESOLVE_FINISH, hold.pk, run_after=at)


def _judge_finish(hold: Authorization, check: BalanceCheck) -> None:
    said = holding.finish_of(hold, check)
    settled = [holding.finish_of(hold, one) for one in holding.settled_readings(hold)]
    last_after = check.asked_at - (hold.sent_at or check.asked_at)
    match weighing.next_of_finish(said, settled, last_after=last_after, sends=hold.finishes):
        case (Next.TAKEN | Next.GIVEN_BACK) as end:
            _end(hold, ENDS[end], check)
        case Next.SEND_AGAIN:
            finishing.send_again(hold)
        case Next.REVIEW:
            _call_a_person(hold, check)
        case _:
            text = f"Read again: {holding.in_words(check)}"
            fields = {"looks": len(settled), "seen": said.value}
            _look_again(hold, RESOLVE_FINISH, text, **fields)


def _end(hold: Authorization, to: HoldState, check: BalanceCheck) -> None:
    """The card shows how it ended; if that is not what we asked for, with an alarm."""
    way = WAY_OF_STATE[HoldState(hold.state)]
    words = "taken" if to == HoldState.CONFIRMED else "given back"
    text = f"The card shows that {hold.granted} was {words}: {holding.in_words(check)}"
    with transaction.atomic():
        completing.end(hold, to, kind="judged", text=text)
        if to != way.done:
            text = f"{hold.granted} was to be {way.past}, and was {words}"
            completing.report_contradiction(hold, text)


def _call_a_person(hold: Authorization, check: BalanceCheck) -> None:
    way = WAY_OF_STATE[HoldState(hold.state)]
    text = f"Whether it was {way.past} cannot be told. Read again: {holding.in_words(check)}"
    with transaction.atomic():
        holding.park(hold, HoldState.NEEDS_REVIEW, text)


def check_end(authorization_id: str | UUID) -> None:
    """Read the card once more after they said that a hold is over; an alarm if it shows otherwise.

    Where another hold of ours has moved on this card meanwhile, nothing can be compared.
    """
    hold = holding.read_hold(authorization_id)
    if hold.state not in SHOWS or hold.before_at is None or guard.is_quarantined():
        return
    try:
        check = balances.read_card(hold.card, authorization=hold)
    except ProviderError:
        enqueue(balances.READ_CARD, hold.card_id)
        return
    seen = holding.finish_of(hold, check)
    others = Authorization.objects.filter(card=hold.card_id, changed_at__gte=hold.before_at)
    if others.exclude(pk=hold.pk).exists() or seen not in (*SHOWS.values(), Finish.UNCHANGED):
        return
    if seen is not SHOWS[HoldState(hold.state)]:
        text = f"They said {hold.get_state_display().lower()}, and the card shows otherwise"
        completing.report_contradiction(hold, f"{text}: {holding.in_words(check)}")
