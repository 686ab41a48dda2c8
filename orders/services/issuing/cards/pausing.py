"""An issuance that is under way: pause it, go on, take back what was not sent yet."""

from django.db import transaction

from giftops.models import User
from orders.issuing_states import ISSUANCE_STEPS, IssuanceState
from orders.models import Attempt, Issuance
from orders.services.issuing import stepping
from orders.services.issuing.cards.issuance_steps import (
    held,
    require,
    ring_for_the_waiting,
    withdraw_cards,
)
from orders.services.issuing.cards.progress import finish_if_done
from orders.services.problems import LostTheRace, Refused

MAY_ISSUE = "orders.add_issuance"


def pause_issuance(issuance: Issuance, *, actor: User) -> Issuance:
    """No further card begins; what is on its way arrives. Raises `Refused`, `LostTheRace`."""
    require(actor, MAY_ISSUE, "pause cards")
    with transaction.atomic():
        held(issuance, IssuanceState.RUNNING)
        stepping.step(issuance, IssuanceState.PAUSED, kind="paused", text="Paused", actor=actor)
    return issuance


def resume_issuance(issuance: Issuance, *, actor: User) -> Issuance:
    """Go on with the cards that wait. Raises `Refused`, `LostTheRace`."""
    require(actor, MAY_ISSUE, "resume cards")
    with transaction.atomic():
        held(issuance, IssuanceState.PAUSED)
        stepping.step(issuance, IssuanceState.RUNNING, kind="resumed", text="Resumed", actor=actor)
        ring_for_the_waiting(issuance)
    return issuance


def withdraw_issuance(issuance: Issuance, *, actor: User) -> Issuance:
    """Take back what was not sent yet; what is under way is paused first. Raises `Refused`.

    A paused one of which cards were sent stays until nothing of it is in doubt, and is then done.
    """
    require(actor, MAY_ISSUE, "withdraw cards")
    with transaction.atomic():
        held(issuance)
        if issuance.state == IssuanceState.RUNNING:
            raise Refused(f"{issuance} is under way. Pause it first.")
        if (issuance.state, IssuanceState.WITHDRAWN) not in ISSUANCE_STEPS:
            raise LostTheRace(stepping.who_was_first(issuance))
        withdraw_cards(issuance, "Withdrawn", actor)
        if issuance.state == IssuanceState.PAUSED and _was_sent(issuance):
            text = "What was not sent is withdrawn"
            stepping.tell(issuance, "rest_withdrawn", text, actor=actor)
        else:
            to = IssuanceState.WITHDRAWN
            stepping.step(issuance, to, kind="withdrawn", text="Withdrawn", actor=actor)
    finish_if_done(issuance.pk)
    issuance.refresh_from_db()
    return issuance


def _was_sent(issuance: Issuance) -> bool:
    return Attempt.objects.filter(card__issuance=issuance).exists()
