"""What every step of an issuance shares: the row to ourselves, and its cards moved together."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import F

from giftops import audit
from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from orders.issuing_states import CARD_STEPS, CardState, IssuanceState
from orders.models import Card, Issuance, IssuingEvent
from orders.services.issuing import stepping
from orders.services.problems import LostTheRace, Refused

Facts = dict[str, Any]

CREATE_CARD = "orders.tasks_issuing.create_card"
RESOLVE_CARD = "orders.tasks_issuing.resolve_card"


def require(actor: User, permission: str, what: str) -> None:
    """Raise `Refused` unless the role may."""
    if not actor.has_perm(permission):
        raise Refused(f"Your role may not {what}.")


def held(issuance: Issuance, *states: IssuanceState) -> None:
    """Have it alone until the transaction ends. Who comes second is told who was first."""
    stepping.have_alone(issuance)
    if states and issuance.state not in states:
        raise LostTheRace(stepping.who_was_first(issuance))


def cards_in(issuance: Issuance, *states: CardState) -> list[Card]:
    """Its cards that stand in one of these states."""
    return list(issuance.cards.filter(state__in=states).order_by("id"))


def step_all(
    cards: Sequence[Card],
    to: CardState,
    kind: str,
    text: str,
    *,
    actor: User | None = None,
    facts_of: Callable[[Card], Facts] = lambda card: {},
    **changes: Any,
) -> None:
    """The same step for many cards, or for none if one of them moved meanwhile.

    All rows first, the audit trail last. `facts_of` gives what is told of each card besides.
    """
    standing = {
        state: [card for card in cards if card.state == state]
        for state in sorted({card.state for card in cards})
    }
    for state, own in standing.items():
        _shift_all(own, state, to, changes)
    for state, own in standing.items():
        _tell_all([(card, facts_of(card)) for card in own], kind, text, actor, state, to)


def withdraw_cards(issuance: Issuance, text: str, actor: User | None = None) -> None:
    """What was not sent yet is not sent any more, and lets go of the number it was promised."""
    cards = cards_in(issuance, CardState.DRAFT, CardState.WAITING)
    step_all(cards, CardState.WITHDRAWN, "withdrawn", text, actor=actor, number=None,
             next_look_at=None, send_slot_at=None, reason="")  # fmt: skip


def ring_for_the_waiting(issuance: Issuance) -> None:
    """A job for each of its cards that waits for nothing but its turn, or is in doubt."""
    waiting = issuance.cards.filter(state=CardState.WAITING, next_look_at__isnull=False)
    waiting.update(next_look_at=db_now())
    for pk in waiting.order_by("position").values_list("pk", flat=True):
        enqueue(CREATE_CARD, pk)
    for pk in issuance.cards.filter(state=CardState.IN_DOUBT).values_list("pk", flat=True):
        enqueue(RESOLVE_CARD, pk)


def _shift_all(cards: Sequence[Card], state: str, to: CardState, changes: dict[str, Any]) -> None:
    if (state, to) not in CARD_STEPS:
        raise Refused(f"{CardState(state).label}: not possible now.")
    changes = {"changed_at": db_now()} | changes | {"state": to, "version": F("version") + 1}
    rows = Card.objects.filter(pk__in=[card.pk for card in cards], state=state)
    if rows.update(**changes) != len(cards):
        raise LostTheRace("One of the cards has just moved. Nothing was done; look again.")


def _tell_all(
    told: Sequence[tuple[Card, Facts]],
    kind: str,
    text: str,
    actor: User | None,
    old: str,
    new: str,
) -> None:
    """One timeline line and one audit entry each."""
    at = db_now()
    IssuingEvent.objects.bulk_create(
        IssuingEvent(
            card=card, at=at, kind=kind, text=text[:500], actor=actor, old_state=old,
            new_state=new, facts=facts,
        )
        for card, facts in told
    )  # fmt: skip
    for card, facts in told:
        audit.record(f"card.{kind}", actor=actor, obj=card, old=old, new=new, text=text, **facts)
