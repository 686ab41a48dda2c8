"""What a reading of a card means, as pure choices: no clock, no database, no provider."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders.issuing_states import LIVING_CARDS, CardState
from providers.gateways.base import CardMovement, CardReading, CardStanding

SOONEST, LATEST = timedelta(hours=3), timedelta(days=7)
"""How long a card in use is left alone at least, and a quiet one at most."""
WHILE_HELD = timedelta(hours=6)
OVER = timedelta(days=30)
"""An empty, expired or voided card hardly ever comes back."""
WHILE_MISSING = timedelta(days=1)
PENDING = "pending"
"""How the activity of an entry begins that only stands there until its hold is finished."""

Key = tuple[str, int]
"""A movement: the hash of its content, and the how manieth with that content it is."""

STANDINGS: dict[CardStanding, CardState] = {
    CardStanding.EXPIRED: CardState.EXPIRED,
    CardStanding.VOIDED: CardState.VOIDED,
}


def state_after(state: CardState, reading: CardReading | None) -> CardState:
    """The state of a living card once this was read of it; no other state is changed by a reading.

    A status that we do not know changes nothing.
    """
    if state not in LIVING_CARDS:
        return state
    if reading is None:
        return CardState.MISSING
    if reading.standing is CardStanding.UNMAPPED:
        return state
    if reading.standing is CardStanding.ACTIVE:
        return CardState.ACTIVE if reading.balance.minor > 0 else CardState.DEPLETED
    return STANDINGS[reading.standing]


def next_look(state: CardState, *, held_minor: int, moved_at: datetime, at: datetime) -> datetime:
    """When to ask again: who moved lately is asked soon, who lies still ever more rarely."""
    if state == CardState.MISSING:
        return at + WHILE_MISSING
    if state != CardState.ACTIVE:
        return at + OVER
    latest = WHILE_HELD if held_minor else LATEST
    return at + min(max((at - moved_at) / 4, SOONEST), latest)


def content_hash(movement: CardMovement) -> str:
    """SHA-256 over everything that they tell of one entry."""
    amount = None if movement.amount is None else [movement.amount.minor, movement.amount.currency]
    day = None if movement.on is None else movement.on.isoformat()
    content = [movement.activity, day, amount, movement.location, movement.document]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def history_hash(reading: CardReading | None) -> str:
    """SHA-256 over the entries of a history, in whatever order they stand; "" without a card."""
    if reading is None:
        return ""
    hashes = sorted(map(content_hash, reading.history))
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def keyed(history: Iterable[CardMovement]) -> Iterator[tuple[Key, CardMovement]]:
    """Each entry with its key, in the order they are told."""
    seen: Counter[str] = Counter()
    for movement in history:
        content = content_hash(movement)
        seen[content] += 1
        yield (content, seen[content]), movement


@dataclass(frozen=True, slots=True)
class Changes:
    """How a history differs from the one that was stored: keys that came, keys that went."""

    came: frozenset[Key]
    went: frozenset[Key]

    def __bool__(self) -> bool:
        return bool(self.came or self.went)


def changes(stored: Iterable[Key], told: Iterable[Key]) -> Changes:
    """Hold a history against the stored one, as multisets of contents."""
    before, now = frozenset(stored), frozenset(told)
    return Changes(came=now - before, went=before - now)


def is_pending(activity: str) -> bool:
    """Whether an entry only stands there as long as a hold is open: it may vanish."""
    return activity.strip().lower().startswith(PENDING)
