"""Steps of a card together with the number that it is, or is to be, created on."""

import uuid
from datetime import datetime
from typing import Any

from orders.issuing_states import CardState, NumberState
from orders.models import Card, ReservedNumber
from orders.models.attempt import Attempt, Phase
from orders.services.issuing import stepping

DOUBTFUL = (Phase.UNKNOWN, Phase.PARKED)


def read_card(card_id: uuid.UUID | str) -> Card:
    """A card as it stands now, with what its next step reads."""
    cards = Card.objects.select_related("account", "issuance__maker", "issuance__account", "number")
    return cards.get(pk=card_id)


def step_both(
    card: Card,
    to: CardState,
    reserved: ReservedNumber | None,
    reserved_to: NumberState,
    *,
    kind: str,
    text: str,
    **story: Any,
) -> None:
    """Step card and number in the caller's transaction; a number that is there already stays.

    The card first, its number second, the audit trail last. Raises what `stepping.step` raises.
    """
    told = {name: story.pop(name) for name in ("actor", "facts") if name in story}
    old = card.state
    at = stepping.shift(card, to, **story)
    if reserved is not None and reserved.state != reserved_to:
        stepping.shift(reserved, reserved_to)
    stepping.tell(card, kind, text, at=at, old=old, new=to, **told)


def has_pool(card: Card) -> bool:
    """Whether another number can be had for it by itself."""
    return card.issuance is not None and card.issuance.pool_id is not None


def close_doubtful(card: Card, phase: Phase, at: datetime) -> None:
    """The doubt about a card is over: so it is for every attempt that had no usable answer."""
    Attempt.objects.filter(card=card, phase__in=DOUBTFUL).update(phase=phase, closed_at=at)
