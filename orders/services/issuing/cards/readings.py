"""Keeping what was read of a card, and what follows from it: figures, history, state, breaks.

Nothing here asks a provider. Only the newest reading draws consequences, and only on a living card.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from giftops.money import Money
from orders.issuing_states import LIVING_CARDS, CardState
from orders.models import Authorization, BalanceCheck, BreakKind, Card
from orders.services import breaking
from orders.services.issuing import stepping
from orders.services.issuing.cards import histories
from orders.services.issuing.sending import account_of
from orders.weighing import balances as weighing
from providers.gateways.base import CardReading, CardStanding


@transaction.atomic
def store_reading(
    card: Card,
    reading: CardReading | None,
    *,
    asked_at: datetime,
    authorization: Authorization | None = None,
) -> BalanceCheck:
    """Keep what was read, None being "no such card", and draw the consequences for a living card.

    An older reading than the last is kept as evidence and changes nothing. Takes the card's row
    first. The card in hand is read anew unless somebody changed its state meanwhile.
    """
    kept = Card.objects.select_for_update(no_key=True).get(pk=card.pk)
    is_as_in_hand = (kept.state, kept.version) == (card.state, card.version)
    check = _keep(kept, reading, asked_at, authorization)
    if kept.state in LIVING_CARDS and (kept.asked_at is None or kept.asked_at <= asked_at):
        _draw_consequences(kept, reading, asked_at)
    if is_as_in_hand:
        card.refresh_from_db()
    return check


def _keep(
    card: Card,
    reading: CardReading | None,
    asked_at: datetime,
    authorization: Authorization | None,
) -> BalanceCheck:
    return BalanceCheck.objects.create(
        card=card, authorization=authorization, asked_at=asked_at, is_found=reading is not None,
        provider_text=reading.status_text[:60] if reading else "",
        balance_minor=reading.balance.minor if reading else None,
        held_minor=reading.held.minor if reading else None,
        history_hash=weighing.history_hash(reading),
        currency=reading.balance.currency if reading else card.currency,
    )  # fmt: skip


def _draw_consequences(card: Card, reading: CardReading | None, asked_at: datetime) -> None:
    """What the newest reading means for a living card: figures, history, state, breaks."""
    if reading is not None and reading.balance.currency != card.currency:
        _report(
            card,
            BreakKind.CONTRACT,
            f"Its balance came in {reading.balance.currency}, it was issued in {card.currency}.",
        )
        return
    to = weighing.state_after(CardState(card.state), reading)
    has_moved = reading is not None and histories.take_in(card, reading.history, asked_at=asked_at)
    figures = _figures(card, reading, asked_at, to, has_moved=has_moved)
    if not _note(card, asked_at, figures):
        return  # a newer reading was stored this very moment
    if to != card.state:
        _step(card, to, reading)
    elif reading is not None and _differs(card, reading):
        stepping.tell(card, "moved", _movement(card, reading))
    _watch(card, to, reading)


def _figures(
    card: Card, reading: CardReading | None, asked_at: datetime, to: CardState, *, has_moved: bool
) -> dict[str, Any]:
    """The columns that a reading fills; a card that is not found keeps its last figures."""
    has_moved = has_moved or to != card.state or (reading is not None and _differs(card, reading))
    moved_at = asked_at if has_moved or card.moved_at is None else card.moved_at
    held = reading.held.minor if reading else 0
    look = weighing.next_look(to, held_minor=held, moved_at=moved_at, at=asked_at)
    figures: dict[str, Any] = {"asked_at": asked_at, "moved_at": moved_at, "next_look_at": look}
    if reading is not None:
        figures |= {
            "balance_minor": reading.balance.minor,
            "held_minor": reading.held.minor,
            "provider_text": reading.status_text[:60],
        }
    return figures


def _note(card: Card, asked_at: datetime, figures: dict[str, Any]) -> bool:
    """Compare-and-set by the time of asking: an older answer never covers a newer one."""
    older = Q(asked_at=None) | Q(asked_at__lte=asked_at)
    return Card.objects.filter(older, pk=card.pk).update(**figures) == 1


def _differs(card: Card, reading: CardReading) -> bool:
    """Whether balance or holds are others than those last read."""
    return (card.balance_minor, card.held_minor) != (reading.balance.minor, reading.held.minor)


def _movement(card: Card, reading: CardReading) -> str:
    """What changed, in a sentence for the timeline."""
    held = f", {reading.held.format()} of it held" if reading.held else ""
    if card.balance_minor is None:
        return f"First read: {reading.balance.format()}{held}"
    before = Money(card.balance_minor, card.currency)
    if before == reading.balance:
        return f"{reading.held.format()} is held now"
    return f"{reading.balance.format()}{held}; it was {before.format()}"


def _step(card: Card, to: CardState, reading: CardReading | None) -> None:
    words = "The provider knows no such card any more"
    if reading is not None:
        words = f"The provider says “{reading.status_text}”, {reading.balance.format()}"
    stepping.step(card, to, kind=to.value, text=words)


def _watch(card: Card, to: CardState, reading: CardReading | None) -> None:
    """Open the breaks that a person must explain; close those whose cause went away."""
    if reading is None:
        _report(card, BreakKind.CARD_MISSING, "The provider knows no such card any more.")
        return
    account = account_of(card)
    breaking.close(BreakKind.CARD_MISSING, account, card=card, note="It is found again.")
    if reading.standing is CardStanding.UNMAPPED:
        text = f"The provider says “{reading.status_text}”, which we do not know."
        _report(card, BreakKind.UNMAPPED_STATUS, text)
    else:
        note = "Its status is known again."
        breaking.close(BreakKind.UNMAPPED_STATUS, account, card=card, note=note)


def _report(card: Card, kind: BreakKind, text: str) -> None:
    breaking.open_break(kind, account_of(card), card=card, text=f"{card}: {text}")
