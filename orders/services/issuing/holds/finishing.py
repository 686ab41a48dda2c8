"""Taking what is held (confirm) or giving it back (cancel): pressed by a person, sent by a job.

The code names one hold and no other, so the same may be sent once more when an answer was lost;
before that, three readings of the card must show that nothing has changed.
"""

from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from giftops import guard
from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from orders.issuing_states import OPEN_HOLDS, HoldState
from orders.models import Attempt, Authorization, IssuingEvent, Phase
from orders.services.issuing import sending, stepping
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import holding
from orders.services.issuing.holds.completing import (
    CANCEL,
    CONFIRM,
    ERRANDS,
    WAY_OF_STATE,
    WAY_OF_WISH,
    Finish,
    Way,
    problem_with,
)
from orders.services.issuing.holds.holding import FINISH_HOLD, RESOLVE_FINISH
from orders.services.problems import LostTheRace, Refused
from orders.weighing import holds as weighing
from providers.gateways.errors import ProviderError

log = structlog.get_logger(__name__)


# --- What a person asks for ---------------------------------------------------------------------


def confirm_hold(authorization: Authorization, *, actor: User) -> None:
    """Have the whole of what was granted taken. Raises `Refused`, `LostTheRace`."""
    _press(authorization, CONFIRM, actor)


def cancel_hold(authorization: Authorization, *, actor: User) -> None:
    """Have the whole of what was granted given back. Raises `Refused`, `LostTheRace`."""
    _press(authorization, CANCEL, actor)


def _press(authorization: Authorization, way: Way, actor: User) -> None:
    holding.require(actor)
    if guard.is_quarantined():
        raise Refused(guard.status())
    hold = holding.read_hold(authorization.pk)
    _check(hold, way)
    at = db_now()
    with transaction.atomic():
        noted = stepping.note(
            hold, next_look_at=at, refusals=0, finishes=0, reason="", send_slot_at=None
        )
        if not noted:
            raise LostTheRace(stepping.who_was_first(hold))
        text = f"{hold.granted} to be {way.past}"
        stepping.tell(hold, way.wish, text, actor=actor)
        enqueue(FINISH_HOLD, hold.pk)


def _check(hold: Authorization, way: Way) -> None:
    if hold.state not in OPEN_HOLDS:
        raise LostTheRace(stepping.who_was_first(hold))
    wish = wish_of(hold)
    if wish and wish.kind == way.wish:
        who = wish.actor.get_short_name() or wish.actor.username if wish.actor else "somebody"
        raise LostTheRace(f"{hold}: {who} has already asked for that at {wish.at:%H:%M:%S} UTC.")
    if not hold.account.is_active:
        raise Refused(f"{hold.account} is switched off.")
    if busy := holding.who_is_busy(hold.card, but=hold):
        raise Refused(holding.why_busy(busy))


def wish_of(hold: Authorization) -> IssuingEvent | None:
    """Who wants a known hold to end, and how; None if nobody does."""
    if hold.state not in OPEN_HOLDS or hold.next_look_at is None:
        return None
    return _last_wish(hold)


def _last_wish(hold: Authorization) -> IssuingEvent | None:
    wishes = IssuingEvent.objects.filter(authorization=hold, kind__in=list(WAY_OF_WISH))
    return wishes.select_related("actor").order_by("id").last()


# --- Reading, then sending ----------------------------------------------------------------------


def finish_hold(authorization_id: str | UUID) -> None:
    """Carry out what a person asked for: read the card, then send the code."""
    hold = holding.read_hold(authorization_id)
    wish = wish_of(hold)
    if wish is None or guard.is_quarantined():
        return
    way = WAY_OF_WISH[wish.kind]
    if problem := problem_with(hold, wish.actor):
        _forget(hold, problem)
    elif holding.has_turn(ERRANDS[way.operation], hold) and _is_mine(hold, way, wish):
        _send(hold, way)


def send_again(hold: Authorization) -> None:
    """The same code once more, for a hold whose end is in doubt and seems not to have come."""
    way = WAY_OF_STATE[HoldState(hold.state)]
    try:
        with transaction.atomic():
            text = f"Nothing has changed: to be {way.past} once more, with the same code"
            stepping.step(hold, way.going, kind="again", text=text, next_look_at=None)
    except LostTheRace as second:
        log.info("hold.taken", reference=hold.reference, sentence=str(second))
    else:
        _send(hold, way)


def _forget(hold: Authorization, why: str) -> None:
    """The wish is dropped: the hold stands as before, and says why."""
    with transaction.atomic():
        if stepping.note(hold, next_look_at=None, reason=why[:300]):
            stepping.tell(hold, "not_finished", why)


def _is_mine(hold: Authorization, way: Way, wish: IssuingEvent) -> bool:
    """Become the card's one unfinished hold, unless the person has thought better of it."""
    try:
        with transaction.atomic():
            stepping.step(
                hold, way.going, kind="finishing", text="The card is read first",
                next_look_at=None, reason="",
            )  # fmt: skip
            if _last_wish(hold) != wish:
                raise LostTheRace("Another end was asked for this very moment.")
    except IntegrityError:
        fresh = holding.read_hold(hold.pk)
        at = db_now() + holding.SOON
        sending.come_back(ERRANDS[way.operation], fresh, at=at, why="Card busy.")
        return False
    except LostTheRace as second:
        log.info("hold.taken", reference=hold.reference, sentence=str(second))
        return False
    return True


def _send(hold: Authorization, way: Way) -> None:
    """Read the card under the lease, keep that reading, send the code; step back if it waits."""
    errand = ERRANDS[way.operation]
    try:
        if _is_read(hold, errand):
            sending.run(errand, hold)
    except Refused as no:
        log.info("hold.not_sent", reference=hold.reference, sentence=str(no))
    fresh = holding.read_hold(hold.pk)
    if fresh.version == hold.version:
        step_back(fresh)


def _is_read(hold: Authorization, errand: Finish) -> bool:
    """Read the card; what was read before the first send stays what silence is judged against."""
    try:
        check = balances.read_card(hold.card, authorization=hold)
    except ProviderError as error:
        sending.wait_for_the_provider(errand, hold, error)
        return False
    if not hold.finishes:
        holding.keep_before(hold, check)
    elif holding.finish_of(hold, check) is not weighing.Finish.UNCHANGED:
        return False  # it has moved after all: that is judged, nothing is sent
    return True


def step_back(hold: Authorization) -> None:
    """Nothing was sent: the hold stands as before, or in doubt as before; its job comes back."""
    way = WAY_OF_STATE.get(HoldState(hold.state))
    on_the_wire = Attempt.objects.filter(authorization=hold, phase=Phase.SENDING)
    if way is None or hold.state != way.going or on_the_wire.exists():
        return
    look = hold.next_look_at or db_now() + holding.SOON
    to, job = (
        (way.doubt, RESOLVE_FINISH) if hold.finishes else (holding.standing_of(hold), FINISH_HOLD)
    )
    try:
        with transaction.atomic():
            words = hold.reason or "Nothing was sent"
            stepping.step(hold, to, kind="stepped_back", text=words, next_look_at=look)
            enqueue(job, hold.pk, run_after=look)
    except LostTheRace as second:
        log.info("hold.taken", reference=hold.reference, sentence=str(second))
