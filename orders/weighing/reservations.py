"""What an answer to a request for numbers means, and what is done without one.

Reserving moves no money: what an unseen answer wastes is numbers. So, unlike a purchase, the same
may be asked for again, a few times; an unseen single number lapses there by itself, an unseen pool
is nobody's for ever.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from orders.decisions import Verdict
from orders.issuing_states import NumberState, ReservationState
from providers.gateways.base import ReservationType

MARGIN = timedelta(minutes=10)
"""How long before its end a number is left alone: for clocks that differ, and calls under way."""
LAPSES_AFTER = timedelta(minutes=70)
"""How long after the last send a single number that nobody saw is surely free again."""
MOST_ASKED = 10_000
MOST_REFUSALS = 8
"""After so many sends that were not carried out somebody has to look at the account first."""
SENDS = {ReservationType.SINGLE: 3, ReservationType.POOL: 2}
"""How often it is sent without an answer before nothing more happens by itself."""
SENDS_ASKED_FOR = 1
"""The same once a person has said "ask again"."""
AGAIN_AFTER = {
    ReservationType.SINGLE: timedelta(seconds=15),
    ReservationType.POOL: timedelta(minutes=1),
}
NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


def fault_of(
    numbers: Sequence[str], indexes: Sequence[str], *, asked: int, known: Collection[str]
) -> str:
    """Why these numbers cannot be right, as the end of a sentence; "" if they can.

    `indexes` are their blind indexes, `known` those of numbers that we have already. One that
    cannot be right makes all of them doubtful: two customers might get the same number.
    """
    if len(numbers) > asked:
        return "more numbers than were asked for"
    if not all(NUMBER.fullmatch(number) for number in numbers):
        return "numbers that can be none"
    if len(set(indexes)) < len(indexes):
        return "the same number twice"
    if set(indexes) & set(known):
        return "numbers that we have already"
    return ""


def state_after(
    verdict: Verdict, *, earlier_unresolved: bool, has_numbers: bool, refusals: int
) -> ReservationState:
    """The state after a send that brought no numbers.

    `has_numbers`: an earlier send's answer came meanwhile. `refusals` counts this send, too.
    """
    if has_numbers:
        return ReservationState.RESERVED
    if earlier_unresolved or verdict is Verdict.UNKNOWN:
        return ReservationState.UNKNOWN
    if verdict is Verdict.NOT_EXECUTED and refusals < MOST_REFUSALS:
        return ReservationState.REQUESTED
    return ReservationState.REJECTED


class Course(StrEnum):
    """What to do about numbers that were asked for and of which nothing was heard."""

    AGAIN = "again"
    LAPSE = "lapse"  # wait until an unseen single number is free again
    REVIEW = "review"


def course_of(
    kind: str, *, unheard: int, was_asked_again: bool, may_be_sent: bool = True
) -> Course:
    """`unheard` sends brought no answer, of those since a person last said "ask again".

    `may_be_sent` is False where asking again makes no sense or is not allowed any more.
    """
    most = SENDS_ASKED_FOR if was_asked_again else SENDS[ReservationType(kind)]
    if may_be_sent and unheard < most:
        return Course.AGAIN
    return Course.LAPSE if kind == ReservationType.SINGLE else Course.REVIEW


def again_at(kind: str, heard_at: datetime) -> datetime:
    """When to ask again, counted from the moment we gave up waiting."""
    return heard_at + AGAIN_AFTER[ReservationType(kind)]


def lapses_at(sent_at: datetime) -> datetime:
    """When a single number of a send that nobody heard of is surely free again."""
    return sent_at + LAPSES_AFTER


def expires_at(kind: str, sent_at: datetime, lives: timedelta) -> datetime | None:
    """When the provider gives a number to somebody else; None: never.

    It counts from the send, because the answer may have been long under way.
    """
    return sent_at + lives if kind == ReservationType.SINGLE else None


def is_usable(expires: datetime | None, now: datetime) -> bool:
    """Whether a card may still be created on a number that expires then."""
    return expires is None or expires - MARGIN > now


def state_of_number(*, is_in_order: bool, expires: datetime | None, now: datetime) -> NumberState:
    """The first state of a number that came."""
    if not is_in_order:
        return NumberState.QUARANTINED
    return NumberState.RESERVED if is_usable(expires, now) else NumberState.EXPIRED


def is_low(left: int, low_stock_at: int) -> bool:
    """Whether a pool runs low; 0 as the limit: never."""
    return low_stock_at > 0 and left <= low_stock_at
