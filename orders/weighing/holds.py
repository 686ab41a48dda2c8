"""What readings say about a hold whose answer was lost: no clock, no database, no provider.

A hold has neither key nor look-up. What is left is the difference between the card right before
the request and the card afterwards. It is evidence for people, never a reason to ask again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from giftops.money import Money
from orders import decisions
from orders.decisions import Verdict
from orders.issuing_states import HoldState
from providers.gateways.base import RemoteHold

LOOKS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20))
"""When the card is read after a send without an answer; before the first nothing counts."""
SETTLE = LOOKS[0]
READINGS = 3
"""So many must agree."""
PATIENCE = timedelta(days=1)
"""How long a card that cannot be read is tried before people are called."""
MOST_SENDS = 2
"""How often the same code is sent at most to finish a hold."""
PRE_IMAGE_KEEPS = timedelta(minutes=1)
"""How old the reading before a send may be when it is sent."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a card read as; minor units."""

    balance: int
    held: int
    history: str = ""
    status: str = "active"

    @property
    def available(self) -> int:
        return self.balance - self.held


class Effect(StrEnum):
    """What a request for a hold seems to have done."""

    NO_EFFECT = "no_effect"
    HELD = "held"
    AMBIGUOUS = "ambiguous"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Delta:
    """The difference that one reading shows; `held` in minor units, of a hold only."""

    effect: Effect
    held: int = 0

    def __str__(self) -> str:
        return f"{self.effect}:{self.held}" if self.held else self.effect.value


def delta(
    before: Reading | None, now: Reading | None, requested: int, *, history_is_ours: bool = False
) -> Delta:
    """Hold a reading against the one right before the request.

    `history_is_ours`: all that came into the history since names this very request.
    """
    if before is None or now is None or now.status != before.status:
        return Delta(Effect.GONE)
    if now.balance != before.balance:
        return Delta(Effect.AMBIGUOUS)
    has_same_history = now.history == before.history
    more = now.held - before.held
    if more == 0 and has_same_history:
        return Delta(Effect.NO_EFFECT)
    if 0 < more <= requested and (has_same_history or history_is_ours):
        return Delta(Effect.HELD, more)
    return Delta(Effect.AMBIGUOUS)


def unbroken(deltas: Sequence[Delta]) -> int:
    """How many of the last readings say the same."""
    run = 0
    while run < len(deltas) and deltas[-1 - run] == deltas[-1]:
        run += 1
    return run


def conclusion(deltas: Sequence[Delta], last_after: timedelta) -> HoldState | None:
    """What all settled readings together say; None: too few yet.

    `last_after`: how long after the send the last of them was asked for. One that disagrees leaves
    nothing to tell.
    """
    if len(deltas) < READINGS or last_after < LOOKS[-1]:
        return None
    if unbroken(deltas) < len(deltas):
        return HoldState.AMBIGUOUS
    match deltas[-1].effect:
        case Effect.NO_EFFECT:
            return HoldState.NO_EFFECT_SEEN
        case Effect.HELD:
            return HoldState.HELD_CODE_LOST
        case _:
            return HoldState.AMBIGUOUS


class Finish(StrEnum):
    """What became of a hold that was to be taken or given back."""

    TAKEN = "taken"
    GIVEN_BACK = "given_back"
    UNCHANGED = "unchanged"
    UNCLEAR = "unclear"
    GONE = "gone"


def finish_of(before: Reading | None, now: Reading | None, amount: int) -> Finish:
    """Hold a reading against the one before the code was first sent; `amount` is what is held."""
    if before is None or now is None or now.status != before.status:
        return Finish.GONE
    match before.balance - now.balance, before.held - now.held:
        case (0, 0):
            return Finish.UNCHANGED
        case (spent, freed) if spent == freed == amount:
            return Finish.TAKEN
        case (0, freed) if freed == amount:
            return Finish.GIVEN_BACK
        case _:
            return Finish.UNCLEAR


class Next(StrEnum):
    """What to do about a hold whose end is in doubt."""

    TAKEN = "taken"
    GIVEN_BACK = "given_back"
    LOOK_AGAIN = "look_again"
    SEND_AGAIN = "send_again"
    REVIEW = "review"


def next_of_finish(
    last: Finish, settled: Sequence[Finish], *, last_after: timedelta, sends: int
) -> Next:
    """What a look at a hold in doubt leads to.

    That it is over shows at once; that nothing has changed counts in `settled` readings only, and
    the same code is then sent once more: it names this hold and no other.
    """
    if last in (Finish.TAKEN, Finish.GIVEN_BACK):
        return Next(last.value)
    if len(settled) < READINGS or last_after < LOOKS[-1]:
        return Next.LOOK_AGAIN
    is_unchanged = all(one is Finish.UNCHANGED for one in settled)
    return Next.SEND_AGAIN if is_unchanged and sends < MOST_SENDS else Next.REVIEW


def is_out_of_reach(sent_at: datetime, now: datetime) -> bool:
    """Whether a card that cannot be read has kept us waiting for long enough."""
    return now - sent_at >= PATIENCE


def next_look(sent_at: datetime, now: datetime) -> datetime:
    """When to read the card next: 5, 10 and 20 minutes after the send, later every 5."""
    return decisions.next_look_up(sent_at, now, LOOKS)


def state_after(verdict: Verdict, *, earlier_unresolved: bool) -> HoldState:
    """The state after an answer that is not a grant.

    A "no" tells nothing while an earlier request on the card is unresolved: its hold may have
    taken what was left.
    """
    if earlier_unresolved or verdict is Verdict.UNKNOWN:
        return HoldState.UNKNOWN
    if verdict is Verdict.NOT_EXECUTED:
        return HoldState.REQUESTED
    return HoldState.DECLINED


def is_sane(grant: RemoteHold, requested: Money) -> bool:
    """Whether that can be a grant of this request: a code, and something up to the whole."""
    has_currency = grant.amount.currency == requested.currency
    return bool(grant.auth_code) and has_currency and 0 < grant.amount.minor <= requested.minor


def problem_with_amount(available: Money, requested: Money, *, takes_partial: bool) -> str:
    """Why that much cannot be held on a card with so much left, in a sentence; "" if it can."""
    if available.minor <= 0:
        return "Nothing is left on this card that could be held."
    if available < requested and not takes_partial:
        return f"Only {available.format()} is left on this card, {requested.format()} was asked."
    return ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the card reads now, held against a hold that two people decide about."""

    before: Reading | None
    now: Reading | None
    delta: Delta  # as if only the request were in doubt
    finish: Finish  # as if only its end were in doubt
    is_finishing: bool  # its code was sent: the reading before is that of its end

    @property
    def is_still_held(self) -> bool:
        if self.is_finishing:
            return self.finish is Finish.UNCHANGED
        return self.delta.effect is Effect.HELD

    @property
    def was_taken(self) -> bool:
        return self.is_finishing and self.finish is Finish.TAKEN

    @property
    def was_given_back(self) -> bool:
        return self.is_finishing and self.finish is Finish.GIVEN_BACK

    @property
    def has_no_effect(self) -> bool:
        return not self.is_finishing and self.delta.effect is Effect.NO_EFFECT

    def has_fallen_by(self, amount: int) -> bool:
        """Whether at least so much has left the card; True where nothing can be read."""
        if self.before is None or self.now is None:
            return True
        return self.before.balance - self.now.balance >= amount

    def could_hold(self, amount: int) -> bool:
        """Whether so much is held on the card, by whomever."""
        return self.now is not None and self.now.held >= amount
