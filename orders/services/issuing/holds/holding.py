"""What everything that is done to a hold has in common: who is in the way, what was read before."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from giftops.models import User
from giftops.money import Money
from giftops.sealing import StoredToken, seal
from orders.issuing_states import UNFINISHED_HOLDS, HoldState
from orders.models import (
    Attempt,
    Authorization,
    BalanceCheck,
    BreakKind,
    Card,
    CardMovement,
    Phase,
)
from orders.models.attempt import UNRESOLVED
from orders.services import breaking
from orders.services.issuing import sending, stepping
from orders.services.problems import LostTheRace, Refused
from orders.weighing import holds as weighing
from orders.weighing.holds import Delta, Finish, Reading

AUTHORIZE_HOLD = "orders.tasks_issuing.authorize_hold"
RESOLVE_HOLD = "orders.tasks_issuing.resolve_hold"
FINISH_HOLD = "orders.tasks_issuing.finish_hold"
RESOLVE_FINISH = "orders.tasks_issuing.resolve_finish"
CHECK_END = "orders.tasks_issuing.check_end"
SOON = timedelta(seconds=15)
"""When to come back to a card that somebody else is busy with for a moment."""
MOMENTARY = (
    HoldState.PRECHECKED,
    HoldState.SENDING,
    HoldState.CONFIRMING,
    HoldState.CANCELLING,
)
"""Unfinished, but over in a moment: who comes second waits."""


def read_hold(authorization_id: str | UUID) -> Authorization:
    """Read a hold with all that acting on it needs."""
    holds = Authorization.objects.select_related(
        "account", "maker", "card__account", "card__number"
    )
    return holds.get(pk=authorization_id)


def require(actor: User) -> None:
    """Raise `Refused` unless this person may hold, take and give back money on cards."""
    if not actor.has_perm("orders.add_authorization"):
        raise Refused("Your role may not hold money on cards.")


def who_is_busy(card: Card, *, but: Authorization | None = None) -> Authorization | None:
    """The hold on this card that is unfinished; there is at most one."""
    unfinished = Authorization.objects.filter(card=card, state__in=UNFINISHED_HOLDS)
    return (unfinished.exclude(pk=but.pk) if but else unfinished).first()


def why_busy(other: Authorization) -> str:
    """One sentence for whoever comes second."""
    if other.state in MOMENTARY:
        return (
            f"Card busy: a hold of {other.requested.format()} on it is under way. Try again soon."
        )
    since = other.sent_at or other.changed_at
    return f"Card busy: the outcome of a hold on it is unknown since {since:%H:%M} UTC."


def has_turn(errand: sending.Errand[Authorization, Any], hold: Authorization) -> bool:
    """Take a place in the account's budget, so that the card is only read when it can be sent.

    False if it has to wait: then its job comes back.
    """
    turn = sending.turn_of(errand, hold)
    if turn is None:
        return False
    _, slot = turn
    noted = stepping.note(hold, send_slot_at=slot.at)
    hold.refresh_from_db()
    return noted


def standing_of(hold: Authorization) -> HoldState:
    """How a known hold stands: less than was asked for is never the whole."""
    is_whole = hold.granted_minor == hold.requested_minor
    return HoldState.AUTHORIZED if is_whole else HoldState.AUTHORIZED_PARTIAL


def sealed_code(hold: Authorization, code: str) -> StoredToken:
    """The code of a hold, sealed for its row: for an UPDATE, which seals nothing by itself."""
    table = Authorization._meta.db_table
    return StoredToken(seal(code, table=table, row=hold.pk, column="auth_code"))


def is_known_code(card: Card, code: str, *, but: Authorization | None = None) -> bool:
    """Whether a hold of ours on this card has this code."""
    holds = Authorization.objects.filter(card=card).exclude(auth_code="")
    others = holds.exclude(pk=but.pk) if but else holds
    return any(other.auth_code.reveal() == code for other in others)


# --- Readings -----------------------------------------------------------------------------------


def reading_of(check: BalanceCheck | None) -> Reading | None:
    """A stored reading as the plain choices want it; None if the card was not found."""
    if check is None or check.balance_minor is None or check.held_minor is None:
        return None
    return Reading(
        balance=check.balance_minor, held=check.held_minor, history=check.history_hash,
        status=check.provider_text,
    )  # fmt: skip


def before(hold: Authorization) -> Reading | None:
    """The reading that silence is judged against; None if there is none."""
    if hold.before_at is None:
        return None
    checks = BalanceCheck.objects.filter(
        authorization=hold, asked_at=hold.before_at, balance_minor=hold.before_balance_minor,
        held_minor=hold.before_held_minor, history_hash=hold.before_history,
    )  # fmt: skip
    return reading_of(checks.first())


def keep_before(hold: Authorization, check: BalanceCheck) -> None:
    """Note what was read right before a send; raises `LostTheRace` if the hold moved."""
    noted = stepping.note(
        hold, before_at=check.asked_at, before_balance_minor=check.balance_minor,
        before_held_minor=check.held_minor, before_history=check.history_hash,
    )  # fmt: skip
    if not noted:
        raise LostTheRace(stepping.who_was_first(hold))
    hold.refresh_from_db()


def settled_readings(hold: Authorization) -> list[BalanceCheck]:
    """What was read for this hold since its last send, and late enough to count; oldest first."""
    assert hold.sent_at is not None  # noqa: S101 - only what was sent is looked at
    checks = BalanceCheck.objects.filter(
        authorization=hold, asked_at__gte=hold.sent_at + weighing.SETTLE
    )
    return list(checks.order_by("asked_at", "id"))


def delta_of(hold: Authorization, check: BalanceCheck) -> Delta:
    """What one reading says about a request without an answer."""
    return weighing.delta(
        before(hold), reading_of(check), hold.requested_minor,
        history_is_ours=_has_history_of_ours(hold),
    )  # fmt: skip


def finish_of(hold: Authorization, check: BalanceCheck) -> Finish:
    """What one reading says about an end without an answer."""
    amount = hold.granted_minor or hold.requested_minor
    return weighing.finish_of(before(hold), reading_of(check), amount)


def _has_history_of_ours(hold: Authorization) -> bool:
    """Whether all that came into the card's history since the send, or left it, names this hold."""
    since = Q(seen_at__gt=hold.sent_at) | Q(superseded_at__gt=hold.sent_at)
    moved = CardMovement.objects.filter(since, card=hold.card_id)
    return moved.exists() and not moved.exclude(document=hold.reference).exists()


def in_words(check: BalanceCheck) -> str:
    """What a reading said, for a timeline: "USD 25.00, USD 10.00 of it held"."""
    if check.balance_minor is None or check.held_minor is None:
        return "no such card"
    worth = Money(check.balance_minor, check.currency).format()
    held = Money(check.held_minor, check.currency).format()
    return f"“{check.provider_text}”, {worth}, {held} of it held"


# --- Ends that a person must find ---------------------------------------------------------------


def park(hold: Authorization, to: HoldState, text: str, **fields: Any) -> None:
    """Nobody but two people can end it: say so, keep its attempts, open a break for its maker.

    In the caller's transaction.
    """
    stepping.step(
        hold, to, kind="held_for_a_person", text=text, reason=text[:300], next_look_at=None,
        **fields,
    )  # fmt: skip
    doubtful = Attempt.objects.filter(authorization=hold, phase=Phase.UNKNOWN)
    doubtful.update(phase=Phase.PARKED)
    sentence = f"{hold.card}, {hold.requested.format()}: {text}"
    breaking.open_break(BreakKind.HOLD_IN_DOUBT, hold.account, authorization=hold, text=sentence)


def close_doubtful(
    hold: Authorization, phase: Phase, at: datetime, *, but: Attempt | None = None
) -> None:
    """The doubt is over, so it is for every attempt that had no usable answer."""
    doubtful = Attempt.objects.filter(authorization=hold, phase__in=UNRESOLVED - {Phase.SENDING})
    others = doubtful.exclude(pk=but.pk) if but else doubtful
    others.update(phase=phase, closed_at=at)
