"""The choices in between: pure functions of plain values, one test row per case.

Nothing here reads a clock, a database or a provider. The rules and their reasons are those of
docs/money-safety.md: silence means unknown, a refusal means little while an earlier attempt is
unresolved, and a new reference is never taken while the old one may be alive.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orders.statuses import Status
from providers.gateways import errors
from providers.gateways.base import (
    OrderRequest,
    OrderType,
    Recovery,
    RemoteLine,
    RemoteOrder,
    RequestLine,
    Standing,
)

LOOK_UPS = Recovery().look_ups
"""When an unknown outcome is looked up, counted from the last send."""
LOOK_UP_AGAIN = timedelta(minutes=5)
REPLAY_AGAIN = timedelta(minutes=15)
MOST_SENDS = 8
"""How often one reference is sent at most."""
ABSENCE_WINDOW = timedelta(minutes=20)
"""Behind the provider's gateway the work may go on for 15 minutes after a time-out."""
ABSENT_LOOKS = 2
MAX_REFUSALS = 8
MAX_BACKOFF = timedelta(minutes=15)
MIN_POLL, MAX_POLL = timedelta(seconds=15), timedelta(minutes=15)
POLL_BASE, POLL_PER_CARD = timedelta(seconds=5), timedelta(seconds=0.2)
SHORT_DELIVERY_PATIENCE = timedelta(hours=1)
STALE_AFTER = {
    Standing.ACCEPTED: timedelta(hours=12),
    Standing.PROCESSING: timedelta(hours=12),
    Standing.COMPLETED: timedelta(hours=12),
    Standing.LOW_FUNDS: timedelta(hours=72),
    Standing.ON_HOLD: timedelta(hours=72),
    Standing.OUT_OF_STOCK: timedelta(hours=72),
    Standing.UNMAPPED: timedelta(hours=12),
}
"""How long an order may stand still at the provider before a person has to look."""
STALE_LATER = timedelta(hours=48)
"""Everything but plain codes takes its time: nobody has to look earlier."""
PROGRESS = {Standing.ACCEPTED: 0, Standing.PROCESSING: 1, Standing.COMPLETED: 2}


class Verdict(StrEnum):
    """What an answer to a purchase means for the attempt that got it."""

    PLACED = "placed"
    NOT_EXECUTED = "not_executed"
    NO_FUNDS = "no_funds"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


def verdict_of(error: errors.ProviderError | None) -> Verdict:
    """What happened to this one request; `None` means a good answer."""
    match error:
        case None:
            return Verdict.PLACED
        case errors.DuplicateReference() | errors.UnknownRefusal():
            return Verdict.UNKNOWN
        case errors.InsufficientFunds():
            return Verdict.NO_FUNDS
        case errors.ProviderRejected():
            return Verdict.REJECTED
        case errors.ProviderUnavailable() | errors.ProviderMisconfigured():
            return Verdict.NOT_EXECUTED
        case _:
            return Verdict.UNKNOWN


def status_after(verdict: Verdict, *, earlier_unresolved: bool) -> Status:
    """The order's next status. Only good news counts while an earlier attempt is unresolved."""
    if verdict is Verdict.PLACED:
        return Status.PLACED
    if earlier_unresolved or verdict is Verdict.UNKNOWN:
        return Status.UNKNOWN
    match verdict:
        case Verdict.REJECTED:
            return Status.REJECTED
        case Verdict.NO_FUNDS:
            return Status.AWAITING_FUNDS
        case _:
            return Status.APPROVED


def backoff(tries: int, jitter: float, *, at_least: float | None = None) -> timedelta:
    """Full-jitter exponential wait before the next send, at most 15 minutes.

    `at_least` is the provider's own wish in seconds, and is never undercut.
    """
    ceiling = min(MAX_BACKOFF, timedelta(seconds=2 ** min(tries + 1, 12)))
    return max(ceiling * jitter, timedelta(seconds=max(at_least or 0.0, 1.0)))


def counts_as_refusal(error: errors.ProviderError) -> bool:
    """Whether a send that was not executed uses up one of the reference's eight tries.

    A provider that is down or busy does not: the order waits for it, however long.
    """
    return isinstance(error, errors.ProviderMisconfigured | errors.Maintenance)


class Match(StrEnum):
    SAME = "same"
    FOREIGN = "foreign"


def match_of(request: OrderRequest, found: RemoteOrder) -> Match:
    """Whether an order found under our reference is the one we sent: its type, and every line."""
    if found.reference not in (None, request.reference):
        return Match.FOREIGN
    if found.type not in (None, request.type):
        return Match.FOREIGN
    named = {line.line_id: line for line in request.lines if line.line_id}
    left = Counter(what_is_bought(line) for line in request.lines)
    for there in found.lines:
        ours = named.pop(there.line_id, None) if there.line_id else there
        if ours is None or what_is_bought(ours) != what_is_bought(there):
            return Match.FOREIGN
        left[what_is_bought(there)] -= 1
    return Match.FOREIGN if any(left.values()) else Match.SAME


def what_is_bought(line: RequestLine | RemoteLine) -> Hashable:
    """Product, value and quantity: equal for our line and theirs if they are the same."""
    return line.product_id, line.face_value, line.quantity


class Claim(StrEnum):
    """What to do about an order that was found under our reference and looks like ours."""

    ADOPT = "adopt"
    PARK = "park"


def claim_of(recovery: Recovery, *, is_first_duplicate: bool) -> Claim:
    """Whether to take it over.

    `is_first_duplicate`: nothing of ours may have arrived before they said that they have it.
    """
    if is_first_duplicate and not recovery.adopts_first_duplicate:
        return Claim.PARK
    return Claim.ADOPT


def next_look_up(
    since: datetime,
    now: datetime,
    look_ups: Sequence[timedelta] = LOOK_UPS,
    again: timedelta = LOOK_UP_AGAIN,
) -> datetime:
    """When to ask for an unknown outcome next: on the schedule, later every so often."""
    for wait in look_ups:
        if since + wait > now:
            return since + wait
    return now + again


@dataclass(frozen=True, slots=True)
class Sends:
    """What was sent of one order, as far as it may have arrived."""

    first_at: datetime
    count: int
    is_same_request: bool  # what would be sent now is, byte for byte, what was sent first
    was_refused: bool = False  # in words we do not know


class Replay(StrEnum):
    """Whether an order that was not found may be sent again under its reference at once."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


def replay_of(recovery: Recovery, sends: Sends, now: datetime) -> Replay:
    """Only the same bytes, only while the provider is sure to know them, on its schedule."""
    if recovery.replays_for is None or now - sends.first_at >= recovery.replays_for:
        return Replay.NEVER
    if sends.count >= MOST_SENDS or not sends.is_same_request or sends.was_refused:
        return Replay.NEVER
    is_due = now - sends.first_at >= _replay_after(recovery.look_ups, sends.count)
    return Replay.NOW if is_due else Replay.LATER


def _replay_after(look_ups: Sequence[timedelta], sends: int) -> timedelta:
    """How long after the first send the next one is due."""
    beyond = max(0, sends - len(look_ups))
    return look_ups[min(sends, len(look_ups)) - 1] + REPLAY_AGAIN * beyond


def is_proven_absent(*, sent_at: datetime, now: datetime, absent_looks: int) -> bool:
    """Whether an unbroken run of "not found" has outlasted everything that may still arrive."""
    return absent_looks >= ABSENT_LOOKS and now - sent_at >= ABSENCE_WINDOW


class Absence(StrEnum):
    """What to do about an order that is proven absent."""

    RESEND = "resend"
    REJECT = "reject"
    PARK = "park"


def after_absence(*, sends: int, was_refused: bool, reference_is_unique: bool) -> Absence:
    """One resend under the same reference, and only where a late first order makes it fail.

    `was_refused`: the one send was answered with a refusal in words we do not know.
    """
    if was_refused and sends == 1:
        return Absence.REJECT
    if reference_is_unique and sends == 1:
        return Absence.RESEND
    return Absence.PARK


class News(StrEnum):
    """What the provider's present status means for an order that is placed."""

    SAME = "same"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    CONTRADICTION = "contradiction"
    UNMAPPED = "unmapped"


def news_of(before: Standing, seen: Standing) -> News:
    """Compare the standing we know with the one just read; never goes backwards."""
    if seen is Standing.UNMAPPED:
        return News.UNMAPPED
    if before is Standing.COMPLETED and seen is not Standing.COMPLETED:
        return News.CONTRADICTION
    if seen is Standing.CANCELLED:
        return News.CANCELLED
    if seen is before:
        return News.SAME
    if before in PROGRESS and seen in PROGRESS and PROGRESS[seen] < PROGRESS[before]:
        return News.CONTRADICTION
    return News.CHANGED


class Delivery(StrEnum):
    """How the cards we were given compare with what was bought."""

    COMPLETE = "complete"
    SHORT = "short"
    MISMATCH = "mismatch"


def delivery_of(
    *,
    wanted: Sequence[Hashable],
    got: Sequence[Hashable],
    has_duplicates: bool,
    has_foreign: bool,
) -> Delivery:
    """Compare the cards that were bought and those that came, each as line, value and currency."""
    missing, surplus = Counter(wanted), Counter(got)
    if has_duplicates or has_foreign or surplus - missing:
        return Delivery.MISMATCH
    return Delivery.SHORT if missing - surplus else Delivery.COMPLETE


def must_come(order_type: OrderType, *, any_came: bool) -> bool:
    """Whether a card for each unit must come to us.

    What they deliver themselves they may show us too, all or none; plastic has nothing to show.
    """
    return order_type.must_hand_out_cards or (order_type is OrderType.DIGITAL and any_came)


def poll_delay(standing: Standing, standing_still_for: timedelta, *, cards: int = 1) -> timedelta:
    """How long until the next status question: a quarter of the age, from 15 s to 15 min.

    Many cards take longer: not before 5 s and 0.2 s a card.
    """
    patient = standing in (Standing.ON_HOLD, Standing.LOW_FUNDS, Standing.OUT_OF_STOCK)
    shortest = timedelta(minutes=1) if patient else MIN_POLL
    return min(MAX_POLL, max(shortest, POLL_BASE + POLL_PER_CARD * cards, standing_still_for / 4))


def stale_after(standing: Standing, order_type: OrderType = OrderType.CODES) -> timedelta:
    """How long an order of this type may stand still there."""
    usual = STALE_AFTER.get(standing, timedelta(hours=12))
    return usual if order_type is OrderType.CODES else max(usual, STALE_LATER)


def is_stale(
    standing: Standing,
    standing_still_for: timedelta,
    order_type: OrderType = OrderType.CODES,
) -> bool:
    return standing_still_for > stale_after(standing, order_type)


@dataclass(frozen=True, slots=True)
class Reading:
    """A provider's balance held against our books; minor units."""

    expected: int
    seen: int

    @property
    def surplus(self) -> int:
        return max(0, self.seen - self.expected)

    @property
    def shortfall(self) -> int:
        return max(0, self.expected - self.seen)
