"""Holding money on a card: a person asks, the card is read, the request is sent once.

The unique index on a card's unfinished holds says who is first; the reading right before the send
is what a lost answer is judged against.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from giftops import guard
from giftops.clock import db_now
from giftops.identity import new_id, reference_for
from giftops.models import User
from giftops.money import Money
from giftops.queue import enqueue
from orders.issuing_states import CardState, HoldState
from orders.models import Attempt, Authorization, BalanceCheck, Card, Phase
from orders.services.issuing import sending, stepping
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import finishing, granting, holding
from orders.services.issuing.holds.granting import AUTHORIZE
from orders.services.issuing.holds.holding import (
    AUTHORIZE_HOLD,
    FINISH_HOLD,
    RESOLVE_FINISH,
    RESOLVE_HOLD,
)
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from orders.weighing import holds as weighing
from providers.gateways.errors import ProviderError

log = structlog.get_logger(__name__)

FORGOTTEN_AFTER = timedelta(minutes=1)
BATCH = 500
LONGEST_NOTE = 120
SAYS_NO = {
    CardState.DEPLETED: "Nothing is left on this card that could be held.",
    CardState.EXPIRED: "This card has expired.",
    CardState.VOIDED: "This card has been voided.",
    CardState.MISSING: "The provider knows no such card any more.",
    CardState.BOUGHT: "This card was bought: money can only be held on cards that we issued.",
}
JOB_OF = {
    HoldState.REQUESTED: AUTHORIZE_HOLD,
    HoldState.UNKNOWN: RESOLVE_HOLD,
    HoldState.AUTHORIZED: FINISH_HOLD,
    HoldState.AUTHORIZED_PARTIAL: FINISH_HOLD,
    HoldState.CONFIRM_UNKNOWN: RESOLVE_FINISH,
    HoldState.CANCEL_UNKNOWN: RESOLVE_FINISH,
}


# --- What a person asks for ---------------------------------------------------------------------


def request_hold(
    card: Card, *, actor: User, amount: Money, note: str = "", takes_partial: bool = False
) -> Authorization:
    """Have `amount` held on a card; `takes_partial`: what is left will do if it is less.

    Raises `InvalidOrder` (fields "card", "amount", "note"), `Refused` for who may not.
    """
    holding.require(actor)
    if guard.is_quarantined():
        raise Refused(guard.status())
    card = Card.objects.select_related("account").get(pk=card.pk)
    _check_card(card)
    _check_amount(card, amount, takes_partial)
    if len(note) > LONGEST_NOTE:
        raise InvalidOrder(f"Use at most {LONGEST_NOTE} characters.", "note")
    uid, at = new_id(), db_now()
    with transaction.atomic():
        hold = Authorization.objects.create(
            id=uid, account=sending.account_of(card), card=card, reference=reference_for(uid),
            note=note.strip(), currency=amount.currency, requested_minor=amount.minor,
            takes_partial=takes_partial, maker=actor, created_at=at, next_look_at=at,
        )  # fmt: skip
        text = f"{amount.format()} to be held on {card}"
        stepping.tell(hold, "requested", text, actor=actor, new=HoldState.REQUESTED)
        enqueue(AUTHORIZE_HOLD, hold.pk)
    return hold


def withdraw_hold(authorization: Authorization, *, actor: User) -> None:
    """Take back a hold that was not sent yet. Raises `LostTheRace` once it was."""
    holding.require(actor)
    hold = holding.read_hold(authorization.pk)
    if hold.state != HoldState.REQUESTED:
        raise LostTheRace(stepping.who_was_first(hold))
    with transaction.atomic():
        stepping.step(
            hold, HoldState.WITHDRAWN, kind="withdrawn", text="Withdrawn: nothing was sent",
            actor=actor, next_look_at=None,
        )  # fmt: skip


def _check_card(card: Card) -> None:
    if card.state != CardState.ACTIVE:
        unissued = "This card is not issued yet: nothing can be held on it."
        raise InvalidOrder(SAYS_NO.get(CardState(card.state), unissued), "card")
    if card.account is None or not card.account.is_active:
        raise InvalidOrder(f"{card.account} is switched off.", "card")
    if busy := holding.who_is_busy(card):
        raise InvalidOrder(holding.why_busy(busy), "card")


def _check_amount(card: Card, amount: Money, takes_partial: bool) -> None:
    if amount.minor <= 0:
        raise InvalidOrder("The amount must be greater than nothing.", "amount")
    if amount.currency != card.currency:
        raise InvalidOrder(f"This card is in {card.currency}.", "amount")
    if card.available_minor is None:
        return  # never read: the reading before the send decides
    left = Money(card.available_minor, card.currency)
    if problem := weighing.problem_with_amount(left, amount, takes_partial=takes_partial):
        raise InvalidOrder(problem, "amount")


# --- Reading, then sending ----------------------------------------------------------------------


def authorize(authorization_id: str | UUID) -> None:
    """Read the card and send one hold that was asked for, or say why not."""
    hold = holding.read_hold(authorization_id)
    if hold.state != HoldState.REQUESTED or guard.is_quarantined():
        return
    try:
        if holding.has_turn(AUTHORIZE, hold) and _is_mine(hold) and _may_go(hold):
            sending.run(AUTHORIZE, hold)
    except LostTheRace as second:
        log.info("hold.taken", reference=hold.reference, sentence=str(second))
    except Refused as no:
        _decline(hold, str(no))
    _step_back(hold)


def _is_mine(hold: Authorization) -> bool:
    """Become the card's one unfinished hold; who finds another one waits, or is declined."""
    if problem := AUTHORIZE.problem_with(hold):
        _decline(hold, problem)
        return False
    try:
        with transaction.atomic():
            stepping.step(
                hold, HoldState.PRECHECKED, kind="precheck", text="The card is read first",
                next_look_at=None, reason="",
            )  # fmt: skip
    except IntegrityError:
        _come_second(hold)
        return False
    return True


def _come_second(hold: Authorization) -> None:
    """The card is busy: come back if that takes a moment, else say no. Nothing was sent."""
    hold = holding.read_hold(hold.pk)
    busy = holding.who_is_busy(hold.card, but=hold)
    if busy is None or busy.state in holding.MOMENTARY:
        why = holding.why_busy(busy) if busy else "Card busy."
        sending.come_back(AUTHORIZE, hold, at=db_now() + holding.SOON, why=why)
    else:
        _decline(hold, holding.why_busy(busy))


def _may_go(hold: Authorization) -> bool:
    """Read the card, keep that reading, and say whether the hold may be sent."""
    try:
        check = balances.read_card(hold.card, authorization=hold)
    except ProviderError as error:
        sending.wait_for_the_provider(AUTHORIZE, hold, error)
        return False
    if problem := _problem_with(hold, check):
        _decline(hold, problem)
        return False
    holding.keep_before(hold, check)
    return True


def _problem_with(hold: Authorization, check: BalanceCheck) -> str:
    """Why this reading forbids the hold, in a sentence; "" if it does not."""
    state = CardState(Card.objects.values_list("state", flat=True).get(pk=hold.card_id))
    if state != CardState.ACTIVE:
        return SAYS_NO.get(state, "This card is not active.")
    if check.available_minor is None:
        return SAYS_NO[CardState.MISSING]
    left = Money(check.available_minor, check.currency)
    if left.currency != hold.currency:
        return f"This card is in {left.currency}."
    return weighing.problem_with_amount(left, hold.requested, takes_partial=hold.takes_partial)


def _decline(hold: Authorization, words: str) -> None:
    try:
        with transaction.atomic():
            granting.decline(hold, words)
    except LostTheRace as second:
        log.info("hold.taken", reference=hold.reference, sentence=str(second))


def _step_back(hold: Authorization) -> None:
    """Nothing was sent (it waits for its turn, say): free the card, and read it anew next time."""
    fresh = holding.read_hold(hold.pk)
    if fresh.state != HoldState.PRECHECKED or fresh.version != hold.version:
        return
    look = fresh.next_look_at or db_now() + holding.SOON
    words = fresh.reason or "Nothing was sent"
    try:
        with transaction.atomic():
            stepping.step(
                fresh, HoldState.REQUESTED, kind="stepped_back", text=words, next_look_at=look
            )
            enqueue(AUTHORIZE_HOLD, fresh.pk, run_after=look)
    except LostTheRace as second:
        log.info("hold.taken", reference=hold.reference, sentence=str(second))


# --- What was left behind -----------------------------------------------------------------------


def sweep(now: datetime) -> None:
    """Step back from where a worker died before it sent; give the forgotten their job back."""
    for hold in _abandoned(now, HoldState.PRECHECKED):
        _step_back(hold)
    for hold in _abandoned(now, HoldState.CONFIRMING, HoldState.CANCELLING):
        finishing.step_back(hold)
    due = Authorization.objects.filter(
        state__in=list(JOB_OF), next_look_at__lt=now - FORGOTTEN_AFTER
    )
    for pk, state in due.order_by("next_look_at").values_list("pk", "state")[:BATCH]:
        enqueue(JOB_OF[HoldState(state)], pk)


def _abandoned(now: datetime, *states: HoldState) -> list[Authorization]:
    """Holds whose worker must be dead, although no request of them is on the wire."""
    on_the_wire = Attempt.objects.filter(authorization=OuterRef("pk"), phase=Phase.SENDING)
    dead = now - timedelta(seconds=settings.GIFTOPS_LEASE_SECONDS)
    holds = Authorization.objects.filter(~Exists(on_the_wire), state__in=states)
    return list(holds.filter(changed_at__lt=dead).order_by("id")[:BATCH])
