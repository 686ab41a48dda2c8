"""Breaks: differences that somebody has to explain. One open row per kind and thing."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from giftops import audit
from giftops.clock import db_now
from giftops.models import User
from orders.models import Authorization, Break, BreakKind, Card, Order, Reservation
from orders.services.problems import Refused
from providers.models import ProviderAccount


def open_break(
    kind: BreakKind,
    account: ProviderAccount,
    *,
    text: str,
    order: Order | None = None,
    reservation: Reservation | None = None,
    card: Card | None = None,
    authorization: Authorization | None = None,
) -> Break:
    """Open a break, or answer the one that is open. Its first owner is who made the thing."""
    things = {
        "order": order, "reservation": reservation, "card": card, "authorization": authorization,
    }  # fmt: skip
    owner = _owner_of(order, card, reservation or authorization)
    found, is_new = Break.objects.get_or_create(
        kind=kind, account=account, **things, closed_at=None,
        defaults={"text": text[:300], "owner": owner, "opened_at": db_now()},
    )  # fmt: skip
    if is_new:
        audit.record("break.opened", actor=None, obj=found, kind=kind, text=text)
    return found


def _owner_of(
    order: Order | None, card: Card | None, made: Reservation | Authorization | None
) -> User | None:
    if order:
        return order.batch.maker
    if card:
        return card.issuance.maker if card.issuance else None
    return made.maker if made else None


def close(
    kind: BreakKind,
    account: ProviderAccount,
    *,
    note: str,
    order: Order | None = None,
    card: Card | None = None,
) -> None:
    """Close the open break of this kind, if there is one, because the difference went away."""
    breaks = Break.objects.filter(
        kind=kind, account=account, order=order, card=card, reservation=None, authorization=None
    )
    _close(breaks, note)


def close_all_of(
    thing: Order | Reservation | Card | Authorization, note: str, *, but: Sequence[BreakKind] = ()
) -> None:
    """Close every break of a thing: what was in doubt about it is decided.

    Those of the kinds in `but` are about something beside it, and stay.
    """
    found = Break.objects.filter(**{type(thing).__name__.lower(): thing}).exclude(kind__in=but)
    _close(found, note)


def explain(found: Break, *, actor: User, note: str) -> None:
    """A person closes a break with an explanation."""
    if not note.strip():
        raise Refused("Say in a sentence what explains the difference.")
    _close_one(found, note, actor)


def _close(breaks: QuerySet[Break], note: str) -> None:
    for found in breaks.filter(closed_at=None):
        try:
            _close_one(found, note, None)
        except Refused:
            continue  # somebody else closed it this very moment


def _close_one(found: Break, note: str, actor: User | None) -> None:
    """The audit entry first: who closes a break along with an order holds the trail's end already,
    and would wait for us while we wait for it."""
    with transaction.atomic():
        audit.record("break.closed", actor=actor, obj=found, note=note)
        rows = Break.objects.filter(pk=found.pk, closed_at=None)
        if not rows.update(closed_at=db_now(), closing_note=note[:300]):
            raise Refused("This break is closed already.")
