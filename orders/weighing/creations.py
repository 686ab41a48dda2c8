"""The choices about a card that is to be created, as pure functions of plain values.

The rules are those of docs/issued-cards.md: the number is the key, silence means in doubt, and a
refusal means little while an earlier try is unresolved.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from giftops.money import Money
from orders.issuing_states import CardState
from providers.gateways import errors
from providers.gateways.base import CardReading, CardStanding, CreatedCard

LOOKS = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800))
"""When a card in doubt is asked about, counted from the last send; then every five minutes."""
ABSENT_LOOKS = 3
ABSENT_FOR = timedelta(minutes=10)
"""So many times "no such card", the last so long after the send: it did not arrive."""
FINAL_LOOK = timedelta(minutes=30)
"""Before that no other number is taken for the same card."""
OUT_OF_SIGHT = timedelta(hours=2)
"""How long a card that they say exists may stay unseen before a person has to ask."""
PATIENCE = timedelta(days=1)
"""How long nothing can be read about a number before people are called."""
MOST_SENDS = 8
ONE_DAY = timedelta(days=1)  # their dates have no time and no zone
ISSUED = "issued"


class Verdict(StrEnum):
    """What an answer means for the one request that it answers."""

    CREATED = "created"
    NOT_EXECUTED = "not_executed"
    REFUSED = "refused"
    NOT_RESERVED = "not_reserved"
    EXISTS = "exists"
    UNKNOWN = "unknown"


def verdict_of(
    answer: CreatedCard | errors.ProviderError, *, pays_with_points: bool = False
) -> Verdict:
    """What happened to this request.

    With points only what never left us is tried again by itself; any other "not now" is a no.
    """
    match answer:
        case CreatedCard():
            return Verdict.CREATED
        case errors.DuplicateReference():
            return Verdict.EXISTS
        case errors.NotReserved():
            return Verdict.NOT_RESERVED
        case errors.UnknownRefusal():
            return Verdict.UNKNOWN
        case errors.ProviderRejected():
            return Verdict.REFUSED
        case errors.ProviderUnavailable() | errors.ProviderMisconfigured():
            has_left = answer.http_status is not None
            return Verdict.REFUSED if pays_with_points and has_left else Verdict.NOT_EXECUTED
        case _:
            return Verdict.UNKNOWN


def state_after(verdict: Verdict, *, earlier_unresolved: bool) -> CardState:
    """The card's next state. Only good news counts while an earlier try is unresolved."""
    if verdict is Verdict.CREATED:
        return CardState.ACTIVE
    if earlier_unresolved or verdict is Verdict.UNKNOWN:
        return CardState.IN_DOUBT
    match verdict:
        case Verdict.EXISTS:
            return CardState.NEEDS_REVIEW
        case Verdict.REFUSED:
            return CardState.REFUSED
        case _:
            return CardState.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The card as it was asked for, and when: the first and the last send on its number."""

    value: Money
    sale_id: str
    first_sent_at: datetime
    last_sent_at: datetime
    may_be_reissued: bool = False
    """The hour of the number is over: only our sale proves that the card is not somebody else's."""


def objection_to(reading: CardReading, wanted: Wanted) -> str:
    """Why the card on our number may not be ours, in a sentence; "" if it surely is."""
    if reading.standing is not CardStanding.ACTIVE:
        return f"The provider says “{reading.status_text[:60]}” about it; a new card is active."
    if reading.balance != wanted.value:
        return f"It is worth {reading.balance.format()}, not {wanted.value.format()}."
    if reading.held:
        return f"{reading.held.format()} is held on it already."
    if len(reading.history) != 1:
        return f"Its history has {len(reading.history)} entries; that of a new card has one."
    return _objection_to_birth(reading, wanted)


def _objection_to_birth(reading: CardReading, wanted: Wanted) -> str:
    issued = reading.history[0]
    if issued.activity.strip().casefold() != ISSUED:
        return f"Its only entry reads “{issued.activity[:60]}”; that of a new card says Issued."
    if issued.amount != wanted.value:
        return f"It was not issued with {wanted.value.format()}."
    if issued.on is None:
        return "Its history does not say when it was issued."
    earliest = (wanted.first_sent_at - ONE_DAY).date()
    latest = (wanted.last_sent_at + ONE_DAY).date()
    if not earliest <= issued.on <= latest:
        return f"It was issued on {issued.on:%Y-%m-%d}, when we did not ask for it."
    if is_foreign_sale(reading, wanted.sale_id):
        return "It was issued for another sale than ours."
    if wanted.may_be_reissued and not is_our_sale(reading, wanted.sale_id):
        return "The hour of its number is over: it may be somebody else's card by now."
    return ""


def is_foreign_sale(reading: CardReading, sale_id: str) -> bool:
    """Whether they say that it was issued for a sale, and name another one."""
    return any(sale != sale_id for sale in _sales_of(reading))


def is_our_sale(reading: CardReading, sale_id: str) -> bool:
    """Whether they say that it was issued for our sale, and no other."""
    return _sales_of(reading) == {sale_id}


def _sales_of(reading: CardReading) -> set[str]:
    issued = (row for row in reading.history if row.activity.strip().casefold() == ISSUED)
    return {row.document.strip() for row in issued} - {""}


class Absence(StrEnum):
    """What to do about a card that they do not know."""

    LOOK_AGAIN = "look_again"
    SAME_NUMBER = "same_number"
    ANOTHER_NUMBER = "another_number"
    PARK = "park"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What is known of a creation whose card is not found."""

    looks: int
    """In a row that said "no such card", this one included."""
    since_send: timedelta
    sends: int
    is_in_time: bool
    """The number is still reserved for us, by a safe margin."""
    is_said_to_exist: bool = False
    pays_with_points: bool = False
    was_sent_elsewhere: bool = False


def after_absence(silence: Silence) -> Absence:
    """The same number is harmless to repeat while it is ours; another one only when all is over."""
    if silence.looks < ABSENT_LOOKS or silence.since_send < ABSENT_FOR:
        return Absence.LOOK_AGAIN
    if silence.is_said_to_exist:
        is_over = silence.since_send >= OUT_OF_SIGHT
        return Absence.PARK if is_over else Absence.LOOK_AGAIN
    if silence.pays_with_points or silence.was_sent_elsewhere or silence.sends >= MOST_SENDS:
        return Absence.PARK
    if silence.is_in_time:
        return Absence.SAME_NUMBER
    is_final = silence.since_send >= FINAL_LOOK
    return Absence.ANOTHER_NUMBER if is_final else Absence.LOOK_AGAIN
