"""What becomes of numbers, cards and holds at an issuer, and which state may follow which.

The rules behind them are told in docs/issued-cards.md. A step that is not in its table is
refused, whoever asks for it.
"""

from django.db import models


class ReservationState(models.TextChoices):
    REQUESTED = "requested", "About to be sent"
    SENDING = "sending", "Being sent"
    RESERVED = "reserved", "Reserved"
    UNKNOWN = "unknown", "Outcome unknown"
    LAPSED = "lapsed", "Lapsed"
    NEEDS_REVIEW = "needs_review", "Held for a person"
    REJECTED = "rejected", "Refused by the provider"
    QUARANTINED = "quarantined", "In quarantine"
    WITHDRAWN = "withdrawn", "Withdrawn"


class NumberState(models.TextChoices):
    RESERVED = "reserved", "Left"
    CREATING = "creating", "Being created"
    CREATED = "created", "Created"
    IN_DOUBT = "in_doubt", "In doubt"
    EXPIRED = "expired", "Expired"
    RETIRED = "retired", "Retired"
    NEEDS_REVIEW = "needs_review", "Held for a person"
    QUARANTINED = "quarantined", "In quarantine"


class IssuanceState(models.TextChoices):
    DRAFT = "draft", "Draft"
    AWAITING_APPROVAL = "awaiting_approval", "Waiting for approval"
    RUNNING = "running", "Under way"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    DECLINED = "declined", "Declined by the approver"
    WITHDRAWN = "withdrawn", "Withdrawn"


class CardState(models.TextChoices):
    BOUGHT = "bought", "Bought"
    DRAFT = "draft", "Draft"
    WAITING = "waiting", "Waiting to be created"
    CREATING = "creating", "Being created"
    IN_DOUBT = "in_doubt", "Outcome unknown"
    ACTIVE = "active", "Active"
    DEPLETED = "depleted", "Empty"
    EXPIRED = "expired", "Expired"
    VOIDED = "voided", "Voided"
    MISSING = "missing", "No longer found"
    NEEDS_REVIEW = "needs_review", "Held for a person"
    REFUSED = "refused", "Refused by the provider"
    WITHDRAWN = "withdrawn", "Withdrawn"


class HoldState(models.TextChoices):
    REQUESTED = "requested", "About to be sent"
    PRECHECKED = "prechecked", "Balance read"
    SENDING = "sending", "Being sent"
    AUTHORIZED = "authorized", "Held"
    AUTHORIZED_PARTIAL = "authorized_partial", "Held in part"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    UNKNOWN = "unknown", "Outcome unknown"
    NO_EFFECT_SEEN = "no_effect_seen", "No effect seen"
    HELD_CODE_LOST = "held_code_lost", "Held, code lost"
    AMBIGUOUS = "ambiguous", "Cannot be told"
    CONFIRMING = "confirming", "Being confirmed"
    CONFIRM_UNKNOWN = "confirm_unknown", "Confirmation unknown"
    CONFIRMED = "confirmed", "Confirmed"
    CANCELLING = "cancelling", "Being cancelled"
    CANCEL_UNKNOWN = "cancel_unknown", "Cancellation unknown"
    RELEASED = "released", "Released"
    NEEDS_REVIEW = "needs_review", "Held for a person"
    ABANDONED = "abandoned", "Abandoned"
    RELEASED_BY_PROVIDER = "released_by_provider", "Released by the provider"


R, N, I, C, H = ReservationState, NumberState, IssuanceState, CardState, HoldState  # noqa: E741

OPEN_HOLDS = (H.AUTHORIZED, H.AUTHORIZED_PARTIAL)
"""A hold that we know of and can finish: it stands beside others."""

UNFINISHED_HOLDS = (
    H.PRECHECKED, H.SENDING, H.UNKNOWN, H.NO_EFFECT_SEEN, H.HELD_CODE_LOST, H.AMBIGUOUS,
    H.NEEDS_REVIEW, H.CONFIRMING, H.CONFIRM_UNKNOWN, H.CANCELLING, H.CANCEL_UNKNOWN,
)  # fmt: skip
"""At most one of these per card: while one is unfinished, no second one is begun."""

HOLDS_FOR_TWO = (H.NO_EFFECT_SEEN, H.HELD_CODE_LOST, H.AMBIGUOUS, H.NEEDS_REVIEW)
"""Only two people may end these."""

LIVING_CARDS = (C.ACTIVE, C.DEPLETED, C.EXPIRED, C.VOIDED, C.MISSING)
"""A card that exists, or did, at the issuer: its balance may be asked for."""

RESERVATION_STEPS = frozenset(
    {
        (R.REQUESTED, R.SENDING),
        (R.REQUESTED, R.WITHDRAWN),
        (R.SENDING, R.REQUESTED),  # not sent, not executed
        (R.SENDING, R.RESERVED),
        (R.SENDING, R.UNKNOWN),
        (R.SENDING, R.REJECTED),
        (R.SENDING, R.QUARANTINED),
        (R.UNKNOWN, R.SENDING),  # no money: again, at most thrice (single) or once (pool)
        (R.UNKNOWN, R.RESERVED),  # a late answer
        (R.UNKNOWN, R.QUARANTINED),  # a late answer that cannot be right
        (R.UNKNOWN, R.LAPSED),  # a single one, seventy minutes later
        (R.UNKNOWN, R.NEEDS_REVIEW),
        (R.NEEDS_REVIEW, R.RESERVED),
        (R.NEEDS_REVIEW, R.QUARANTINED),
        (R.NEEDS_REVIEW, R.REQUESTED),  # a person: ask again
        (R.NEEDS_REVIEW, R.LAPSED),  # a person: leave it
        (R.LAPSED, R.RESERVED),  # a late answer, kept for the record: its numbers are expired
    }
)

NUMBER_STEPS = frozenset(
    {
        (N.RESERVED, N.CREATING),
        (N.RESERVED, N.EXPIRED),
        (N.CREATING, N.RESERVED),  # not sent, not executed, in time
        (N.CREATING, N.EXPIRED),
        (N.CREATING, N.CREATED),
        (N.CREATING, N.IN_DOUBT),
        (N.CREATING, N.RETIRED),
        (N.CREATING, N.NEEDS_REVIEW),
        (N.IN_DOUBT, N.CREATING),  # proven absent, in time: the same number again
        (N.IN_DOUBT, N.CREATED),
        (N.IN_DOUBT, N.RETIRED),
        (N.IN_DOUBT, N.NEEDS_REVIEW),
        (N.NEEDS_REVIEW, N.CREATED),
        (N.NEEDS_REVIEW, N.RETIRED),
        (N.RETIRED, N.CREATED),  # a late answer: it lives after all
    }
)

ISSUANCE_STEPS = frozenset(
    {
        (I.DRAFT, I.AWAITING_APPROVAL),
        (I.DRAFT, I.RUNNING),  # below the limit
        (I.DRAFT, I.WITHDRAWN),
        (I.AWAITING_APPROVAL, I.RUNNING),
        (I.AWAITING_APPROVAL, I.DECLINED),
        (I.AWAITING_APPROVAL, I.WITHDRAWN),
        (I.RUNNING, I.PAUSED),
        (I.RUNNING, I.DONE),
        (I.RUNNING, I.AWAITING_APPROVAL),  # the approval lapsed, or no longer fits
        (I.PAUSED, I.RUNNING),
        (I.PAUSED, I.AWAITING_APPROVAL),
        (I.PAUSED, I.WITHDRAWN),
        (I.PAUSED, I.DONE),
        (I.DONE, I.RUNNING),  # a card of it is tried again
    }
)

CARD_STEPS = frozenset(
    {
        (C.DRAFT, C.WAITING),
        (C.DRAFT, C.WITHDRAWN),
        (C.WAITING, C.CREATING),
        (C.WAITING, C.DRAFT),  # the approval lapsed
        (C.WAITING, C.WITHDRAWN),
        (C.CREATING, C.WAITING),  # not sent, not executed, or on a number that is retired
        (C.CREATING, C.ACTIVE),
        (C.CREATING, C.IN_DOUBT),
        (C.CREATING, C.REFUSED),
        (C.CREATING, C.NEEDS_REVIEW),
        (C.IN_DOUBT, C.CREATING),  # proven absent: the same number again
        (C.IN_DOUBT, C.WAITING),  # proven absent, the number is retired
        (C.IN_DOUBT, C.ACTIVE),
        (C.IN_DOUBT, C.NEEDS_REVIEW),
        (C.NEEDS_REVIEW, C.ACTIVE),
        (C.NEEDS_REVIEW, C.WAITING),
        (C.NEEDS_REVIEW, C.REFUSED),
        (C.REFUSED, C.WAITING),  # a person corrects it and tries again
        (C.REFUSED, C.WITHDRAWN),  # given up for a corrected one
        (C.REFUSED, C.NEEDS_REVIEW),  # it lives after all
        (C.WAITING, C.NEEDS_REVIEW),  # it lives after all, on the number before
        (C.WITHDRAWN, C.NEEDS_REVIEW),  # it lives after all
        *((a, b) for a in LIVING_CARDS for b in LIVING_CARDS if a != b),
    }
)

HOLD_STEPS = frozenset(
    {
        (H.REQUESTED, H.PRECHECKED),
        (H.REQUESTED, H.DECLINED),  # the reading alone says no
        (H.REQUESTED, H.WITHDRAWN),
        (H.PRECHECKED, H.SENDING),
        (H.PRECHECKED, H.REQUESTED),  # died before anything was sent, or must wait its turn
        (H.PRECHECKED, H.DECLINED),
        (H.SENDING, H.REQUESTED),  # not sent, not executed
        (H.SENDING, H.AUTHORIZED),
        (H.SENDING, H.AUTHORIZED_PARTIAL),
        (H.SENDING, H.DECLINED),
        (H.SENDING, H.UNKNOWN),
        (H.UNKNOWN, H.AUTHORIZED),  # a late answer
        (H.UNKNOWN, H.AUTHORIZED_PARTIAL),
        (H.UNKNOWN, H.NO_EFFECT_SEEN),
        (H.UNKNOWN, H.HELD_CODE_LOST),
        (H.UNKNOWN, H.AMBIGUOUS),
        *((h, to) for h in (H.NO_EFFECT_SEEN, H.HELD_CODE_LOST, H.AMBIGUOUS)
          for to in (H.AUTHORIZED, H.AUTHORIZED_PARTIAL, H.ABANDONED, H.RELEASED_BY_PROVIDER)),
        (H.NO_EFFECT_SEEN, H.REQUESTED),  # two people: ask again
        *((h, H.NEEDS_REVIEW) for h in (H.ABANDONED, H.RELEASED_BY_PROVIDER)),  # late truth
        *((h, to) for h in OPEN_HOLDS for to in (H.CONFIRMING, H.CANCELLING)),
        (H.CONFIRMING, H.CONFIRMED),
        (H.CONFIRMING, H.AUTHORIZED),  # not sent, not executed
        (H.CONFIRMING, H.AUTHORIZED_PARTIAL),
        (H.CONFIRMING, H.CONFIRM_UNKNOWN),
        (H.CONFIRMING, H.NEEDS_REVIEW),
        (H.CONFIRM_UNKNOWN, H.CONFIRMING),  # the same code again
        (H.CONFIRM_UNKNOWN, H.CONFIRMED),
        (H.CONFIRM_UNKNOWN, H.AUTHORIZED),
        (H.CONFIRM_UNKNOWN, H.AUTHORIZED_PARTIAL),
        (H.CONFIRM_UNKNOWN, H.RELEASED),  # somebody cancelled it: with an alarm
        (H.CONFIRM_UNKNOWN, H.NEEDS_REVIEW),
        (H.CANCELLING, H.RELEASED),
        (H.CANCELLING, H.AUTHORIZED),
        (H.CANCELLING, H.AUTHORIZED_PARTIAL),
        (H.CANCELLING, H.CANCEL_UNKNOWN),
        (H.CANCELLING, H.NEEDS_REVIEW),
        (H.CANCEL_UNKNOWN, H.CANCELLING),
        (H.CANCEL_UNKNOWN, H.RELEASED),
        (H.CANCEL_UNKNOWN, H.AUTHORIZED),
        (H.CANCEL_UNKNOWN, H.AUTHORIZED_PARTIAL),
        (H.CANCEL_UNKNOWN, H.CONFIRMED),  # somebody confirmed it: with an alarm
        (H.CANCEL_UNKNOWN, H.NEEDS_REVIEW),
        *((H.NEEDS_REVIEW, to) for to in (
            H.AUTHORIZED, H.AUTHORIZED_PARTIAL, H.CONFIRMED, H.RELEASED, H.RELEASED_BY_PROVIDER,
            H.ABANDONED)),
    }
)  # fmt: skip
