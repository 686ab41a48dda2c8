"""What one of two people proposed, as the page shows it and as the second one saw it."""

from typing import Any

from orders.models import Resolution
from orders.services.problems import LostTheRace

NOTHING_OPEN = (
    "There is no open proposal any more: somebody or the provider's own answer decided meanwhile."
)
CHANGED = "Something else is proposed now than what you saw. Look at it again."


def proposal_of(thing: Any) -> Resolution | None:
    """The decision that waits for a second person; without its code, which nobody is shown."""
    waiting = thing.resolutions.filter(state=Resolution.State.OPEN)
    found: Resolution | None = waiting.select_related("proposed_by").defer("auth_code").first()
    return found


def open_proposal(thing: Any) -> Resolution:
    """The decision that waits. Raises `LostTheRace` if none does any more."""
    proposal = proposal_of(thing)
    if proposal is None:
        raise LostTheRace(NOTHING_OPEN)
    return proposal


def seen_proposal(thing: Any, seen: str) -> Resolution:
    """The decision that waits, if it is the one (by its key) that a person has before them.

    Raises `LostTheRace` otherwise.
    """
    proposal = open_proposal(thing)
    if str(proposal.pk) != seen:
        raise LostTheRace(CHANGED)
    return proposal
