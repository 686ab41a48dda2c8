"""What one of two people has proposed about a card or a hold, until it is decided or lapses.

Every transaction takes the card or hold first, then its proposal, then the audit trail. So whoever
moves it sees each proposal that was made before, and none is made afterwards.
"""

from django.db.models import QuerySet

from giftops.clock import db_now
from giftops.models import User
from orders.models import Authorization, Card, Resolution
from orders.services.issuing import stepping
from orders.services.problems import LostTheRace

LAPSED = "Proposal lapsed: the provider's answer came after all, and settles the matter"
State = Resolution.State


def require_open(proposal: Resolution) -> None:
    """Raise `LostTheRace`, with what became of it, unless it still waits for a second person."""
    if not Resolution.objects.filter(pk=proposal.pk, state=State.OPEN).exists():
        raise LostTheRace(_what_became_of(proposal))


def confirm(proposal: Resolution, thing: Card | Authorization, actor: User) -> None:
    """A second person agrees, about a thing as it was read; in the caller's transaction.

    Raises `LostTheRace` if the thing moved, or the proposal waits no more.
    """
    if not stepping.note(thing, reason=thing.reason):
        raise LostTheRace(stepping.who_was_first(thing))
    _decide(proposal, State.CONFIRMED, actor)


def drop(proposal: Resolution, thing: Card | Authorization, actor: User) -> None:
    """Take it off the table, in the caller's transaction. Raises `LostTheRace`."""
    stepping.have_alone(thing)
    _decide(proposal, State.DROPPED, actor)
    stepping.tell(thing, "resolution_dropped", "Proposal dropped", actor=actor)


def lapse(thing: Card | Authorization) -> None:
    """The provider's own word has just moved the thing: nothing is left to decide about it.

    In the caller's transaction.
    """
    if _close(thing.resolutions.all(), State.DROPPED, None):
        stepping.tell(thing, "resolution_lapsed", LAPSED)


def _decide(proposal: Resolution, state: Resolution.State, actor: User) -> None:
    if not _close(Resolution.objects.filter(pk=proposal.pk), state, actor):
        raise LostTheRace(_what_became_of(proposal))


def _close(proposals: QuerySet[Resolution], state: Resolution.State, actor: User | None) -> bool:
    waiting = proposals.filter(state=State.OPEN)
    return waiting.update(state=state, decided_by=actor, decided_at=db_now()) == 1


def _what_became_of(proposal: Resolution) -> str:
    """One sentence for whoever comes second."""
    fresh = Resolution.objects.select_related("decided_by").get(pk=proposal.pk)
    if fresh.decided_by is None:
        return f"{LAPSED}. Nothing was done a second time."
    who = fresh.decided_by.get_short_name() or fresh.decided_by.username
    when = f"{fresh.decided_at:%H:%M:%S} UTC"
    return f"{who} has already {fresh.state} this at {when}. Nothing was done a second time."
