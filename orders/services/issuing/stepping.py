"""Changing the state of what is issued: from the state and version that were read, or not at all.

The same for reservations, their numbers, issuances, cards and holds; orders have `moving`.
"""

from datetime import datetime
from typing import Any

from django.db.models import F

from giftops import audit
from giftops.clock import db_now
from giftops.models import User
from orders.issuing_states import (
    CARD_STEPS,
    HOLD_STEPS,
    ISSUANCE_STEPS,
    NUMBER_STEPS,
    RESERVATION_STEPS,
)
from orders.models import (
    Authorization,
    Card,
    Issuance,
    IssuingEvent,
    Reservation,
    ReservedNumber,
)
from orders.services.problems import LostTheRace, Refused

Thing = Reservation | ReservedNumber | Issuance | Card | Authorization
Told = Reservation | Issuance | Card | Authorization

STEPS: dict[type, frozenset[tuple[Any, Any]]] = {
    Reservation: RESERVATION_STEPS,
    ReservedNumber: NUMBER_STEPS,
    Issuance: ISSUANCE_STEPS,
    Card: CARD_STEPS,
    Authorization: HOLD_STEPS,
}
NAMES: dict[type, str] = {
    Reservation: "reservation",
    Issuance: "issuance",
    Card: "card",
    Authorization: "authorization",
}


def step(
    thing: Told,
    to: str,
    *,
    kind: str,
    text: str,
    actor: User | None = None,
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Change its state and tell timeline and audit trail, in the caller's transaction.

    Raises `Refused` if its table knows no such step, `LostTheRace` if it has changed since it was
    read. The row in hand is read anew.
    """
    old = thing.state
    at = shift(thing, to, **changes)
    tell(thing, kind, text, at=at, actor=actor, old=old, new=to, facts=facts)


def shift(thing: Thing, to: str, **changes: Any) -> datetime:
    """The compare-and-set itself: exactly one row, at exactly the version that was read."""
    if (thing.state, to) not in STEPS[type(thing)]:
        raise Refused(f"{thing} is {thing.get_state_display().lower()}: not possible now.")
    at = db_now()
    changes = {"changed_at": at} | changes | {"state": to, "version": F("version") + 1}
    rows = type(thing)._default_manager.filter(
        pk=thing.pk, state=thing.state, version=thing.version
    )
    if rows.update(**changes) != 1:
        raise LostTheRace(who_was_first(thing))
    thing.refresh_from_db()
    return at


def have_alone(thing: Thing) -> None:
    """Have its row to ourselves until the transaction ends, and read it anew; others wait here.

    Safety does not hang on this lock (SQLite, with one writer at a time, has none): each row moves
    by compare-and-set. It keeps who changes a thing together with rows of it in one order.
    """
    type(thing)._default_manager.select_for_update(no_key=True).get(pk=thing.pk)
    thing.refresh_from_db()


def tell(
    thing: Told,
    kind: str,
    text: str,
    *,
    at: datetime | None = None,
    actor: User | None = None,
    old: str = "",
    new: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    """Add a line to the timeline; a change of state also goes into the audit trail."""
    facts, name = facts or {}, NAMES[type(thing)]
    IssuingEvent.objects.create(
        **{name: thing}, at=at or db_now(), kind=kind, text=text[:500], actor=actor,
        old_state=old, new_state=new, facts=facts,
    )  # fmt: skip
    if new or actor is not None:
        audit.record(f"{name}.{kind}", actor=actor, obj=thing, old=old, new=new, text=text, **facts)


def note(thing: Thing, **fields: Any) -> bool:
    """Store what a look taught us, keeping the state; False if it moved meanwhile."""
    rows = type(thing)._default_manager.filter(
        pk=thing.pk, state=thing.state, version=thing.version
    )
    return rows.update(**fields) == 1


def who_was_first(thing: Thing) -> str:
    """One sentence for whoever came second: what happened meanwhile, by whom, when."""
    name = NAMES.get(type(thing))
    last = name and (
        IssuingEvent.objects.filter(**{name: thing}).exclude(new_state="").order_by("id").last()
    )
    if not last:
        return f"{thing} has just been changed. Nothing was done; look again."
    fresh = type(thing)._default_manager.get(pk=thing.pk)
    who = f" by {last.actor.get_short_name() or last.actor.username}" if last.actor else ""
    return (
        f"{thing}: already {fresh.get_state_display().lower()}{who} at {last.at:%H:%M:%S} UTC. "
        "Nothing was done a second time."
    )
