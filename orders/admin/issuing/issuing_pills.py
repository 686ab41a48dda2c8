"""One meaning per colour: how what is issued stands, on every page."""

from collections.abc import Iterable

from django.utils.safestring import SafeString

from giftops import show
from giftops.show import AMBER, BLUE, DARK, GREEN, GREY, RED
from orders.admin.pills import Share
from orders.issuing_states import (
    CardState,
    HoldState,
    IssuanceState,
    NumberState,
    ReservationState,
)
from orders.models import Authorization, Card, Issuance, Reservation, ReservedNumber

Shown = Reservation | ReservedNumber | Issuance | Card | Authorization

TONES: dict[type, dict[str, str]] = {
    Reservation: {
        ReservationState.REQUESTED: GREY,
        ReservationState.SENDING: BLUE,
        ReservationState.RESERVED: GREEN,
        ReservationState.UNKNOWN: RED,
        ReservationState.LAPSED: DARK,
        ReservationState.NEEDS_REVIEW: RED,
        ReservationState.REJECTED: DARK,
        ReservationState.QUARANTINED: RED,
        ReservationState.WITHDRAWN: DARK,
    },
    ReservedNumber: {
        NumberState.RESERVED: GREY,
        NumberState.CREATING: BLUE,
        NumberState.CREATED: GREEN,
        NumberState.IN_DOUBT: RED,
        NumberState.EXPIRED: DARK,
        NumberState.RETIRED: DARK,
        NumberState.NEEDS_REVIEW: RED,
        NumberState.QUARANTINED: RED,
    },
    Issuance: {
        IssuanceState.DRAFT: GREY,
        IssuanceState.AWAITING_APPROVAL: GREY,
        IssuanceState.RUNNING: BLUE,
        IssuanceState.PAUSED: AMBER,
        IssuanceState.DONE: GREEN,
        IssuanceState.DECLINED: DARK,
        IssuanceState.WITHDRAWN: DARK,
    },
    Card: {
        CardState.BOUGHT: GREEN,
        CardState.DRAFT: GREY,
        CardState.WAITING: GREY,
        CardState.CREATING: BLUE,
        CardState.IN_DOUBT: RED,
        CardState.ACTIVE: GREEN,
        CardState.DEPLETED: DARK,
        CardState.EXPIRED: DARK,
        CardState.VOIDED: DARK,
        CardState.MISSING: RED,
        CardState.NEEDS_REVIEW: RED,
        CardState.REFUSED: AMBER,
        CardState.WITHDRAWN: DARK,
    },
    Authorization: {
        HoldState.REQUESTED: GREY,
        HoldState.PRECHECKED: GREY,
        HoldState.SENDING: BLUE,
        HoldState.AUTHORIZED: BLUE,
        HoldState.AUTHORIZED_PARTIAL: AMBER,
        HoldState.DECLINED: DARK,
        HoldState.WITHDRAWN: DARK,
        HoldState.UNKNOWN: RED,
        HoldState.NO_EFFECT_SEEN: RED,
        HoldState.HELD_CODE_LOST: RED,
        HoldState.AMBIGUOUS: RED,
        HoldState.CONFIRMING: BLUE,
        HoldState.CONFIRM_UNKNOWN: RED,
        HoldState.CONFIRMED: GREEN,
        HoldState.CANCELLING: BLUE,
        HoldState.CANCEL_UNKNOWN: RED,
        HoldState.RELEASED: DARK,
        HoldState.NEEDS_REVIEW: RED,
        HoldState.ABANDONED: DARK,
        HoldState.RELEASED_BY_PROVIDER: DARK,
    },
}


def pill_of(thing: Shown) -> SafeString:
    """How it stands; of a card also what its issuer says, in quotes."""
    says = thing.provider_text if isinstance(thing, Card) else ""
    return show.pill(tone_of(type(thing), thing.state), thing.get_state_display(), says)


def tone_of(kind: type, state: str) -> str:
    """The colour of a state of one kind of thing."""
    return TONES[kind].get(state, GREY)


Group = tuple[str, str, frozenset[str]]
CARD_GROUPS: tuple[Group, ...] = (
    (
        GREEN,
        "created",
        frozenset({CardState.ACTIVE, CardState.DEPLETED, CardState.EXPIRED, CardState.VOIDED}),
    ),
    (BLUE, "being created", frozenset({CardState.CREATING})),
    (AMBER, "refused", frozenset({CardState.REFUSED})),
    (
        RED,
        "need a person",
        frozenset({CardState.IN_DOUBT, CardState.NEEDS_REVIEW, CardState.MISSING}),
    ),
    (DARK, "withdrawn", frozenset({CardState.WITHDRAWN})),
    (GREY, "to be created", frozenset({CardState.WAITING, CardState.DRAFT})),
)


def shares(groups: Iterable[Group], counts: dict[str, int]) -> list[Share]:
    """Gather counts by state into the coloured parts of a bar; empty parts are left out."""
    parts = (
        Share(tone, label, sum(counts.get(state, 0) for state in states))
        for tone, label, states in groups
    )
    return [part for part in parts if part.count]
