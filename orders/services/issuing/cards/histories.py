"""A card's history at its issuer: what came is added, what they no longer tell is superseded.

Entries have no id there, so each is its content, the nth time; none is ever deleted here.
"""

from datetime import datetime

from giftops.clock import db_now
from orders.models import BreakKind, Card, CardMovement
from orders.services import breaking
from orders.weighing import balances as weighing
from orders.weighing.balances import Key
from providers.gateways import base


def take_in(card: Card, history: tuple[base.CardMovement, ...], *, asked_at: datetime) -> bool:
    """Make the stored history say what was told; whether anything differed.

    In the caller's transaction, who holds the card's row. An entry that vanished opens a break,
    unless it only stood there while a hold was open.
    """
    stored = {
        (row.content_hash, row.occurrence): row
        for row in CardMovement.objects.filter(card=card, superseded_at=None)
    }
    told = dict(weighing.keyed(history))
    changes = weighing.changes(stored, told)
    went = [stored[key] for key in changes.went]
    CardMovement.objects.filter(pk__in=[row.pk for row in went]).update(superseded_at=asked_at)
    _keep_places(stored, told)
    CardMovement.objects.bulk_create(
        _row(card, key, movement, position)
        for position, (key, movement) in enumerate(told.items(), start=1)
        if key in changes.came
    )
    lost = [row for row in went if not weighing.is_pending(row.activity)]
    if lost:
        _report(card, lost)
    return bool(changes)


def _keep_places(stored: dict[Key, CardMovement], told: dict[Key, base.CardMovement]) -> None:
    """Note where the entries that stayed stand now."""
    moved = []
    for position, key in enumerate(told, start=1):
        row = stored.get(key)
        if row is not None and row.position != position:
            row.position = position
            moved.append(row)
    CardMovement.objects.bulk_update(moved, ["position"])


def _row(card: Card, key: Key, movement: base.CardMovement, position: int) -> CardMovement:
    return CardMovement(
        card=card, position=position, content_hash=key[0], occurrence=key[1], on=movement.on,
        activity=movement.activity[:60], location=movement.location[:120],
        document=movement.document[:64], seen_at=db_now(),
        amount_minor=None if movement.amount is None else movement.amount.minor,
        currency=card.currency if movement.amount is None else movement.amount.currency,
    )  # fmt: skip


def _report(card: Card, lost: list[CardMovement]) -> None:
    assert card.account is not None  # noqa: S101 - only issued cards have a history
    entries = "1 entry" if len(lost) == 1 else f"{len(lost)} entries"
    activity = ", ".join(sorted({row.activity for row in lost}))
    text = f"{card}: {entries} of its history ({activity}) vanished or changed at the provider."
    breaking.open_break(BreakKind.CONTRADICTION, card.account, card=card, text=text)
