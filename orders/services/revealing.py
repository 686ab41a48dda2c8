"""Showing a secret of a card: one door, and the look is written down before anything is shown."""

from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import transaction

from giftops import audit
from giftops.clock import db_now
from giftops.models import User
from orders.issuing_states import LIVING_CARDS
from orders.models import Card, Reveal
from orders.services.problems import Refused
from orders.statuses import Status

SHOWN_FOR_SECONDS = 30
AT_THE_LIMIT = "You have looked at as many cards in 24 hours as one person may."
SEALED = (
    Reveal.Secret.CODE,
    Reveal.Secret.PIN,
    Reveal.Secret.CLAIM_URL,
    Reveal.Secret.CHALLENGE,
)
"""The secrets that we keep ourselves; a certificate is asked for when it is looked at."""
DELIVERED = (Status.FULFILLED, Status.PARTLY_FULFILLED)


def reveal(card: Card, *, secret: str, actor: User, ticket: str, reason: str) -> str:
    """The number, PIN or claim link of a card, in the clear, once; never two of them in one look.

    Raises `Refused` (also recorded) if the role, the daily cap, the state of the delivery or a
    missing reason stands against it.
    """
    problem = problem_with_look(card, actor, ticket, reason)
    if not problem and secret not in dict(secrets_of(card)):
        problem = "This card has no such secret."
    if problem:
        refuse(card, actor, problem)
    write_down(card, secret=secret, actor=actor, ticket=ticket, reason=reason)
    return getattr(card, secret).reveal()


def refuse(card: Card, actor: User, problem: str) -> NoReturn:
    """Record that somebody was not shown a secret, and raise `Refused`."""
    audit.record("card.reveal", actor=actor, obj=card, outcome="refused", why=problem)
    raise Refused(problem)


def write_down(card: Card, *, secret: str, actor: User, ticket: str, reason: str) -> None:
    """Record a look, committed before anything is shown. Raises `Refused` at the daily cap."""
    source: dict[str, Any] = (
        {"order": card.order.reference} if card.order else {"sale": card.sale_id}
    )
    with transaction.atomic(durable=True):
        Reveal.objects.create(
            card=card, secret=secret, user=actor, ticket=ticket.strip()[:60],
            reason=reason.strip()[:300], at=db_now(),
        )  # fmt: skip
        audit.record(
            "card.reveal", actor=actor, obj=card, shown=secret, ticket=ticket, reason=reason,
            **source,
        )  # fmt: skip
        if Reveal.objects.filter(user=actor, at__gte=_a_day_ago()).count() > _cap():
            raise Refused(AT_THE_LIMIT)  # others looked at this very moment: this look is undone


def reveals_left(actor: User) -> int:
    """How many looks this person has left today (a running day of 24 hours)."""
    done = Reveal.objects.filter(user=actor, at__gte=_a_day_ago()).count()
    return max(0, _cap() - done)


def _a_day_ago() -> datetime:
    return db_now() - timedelta(hours=24)


def _cap() -> int:
    return settings.GIFTOPS_REVEALS_A_DAY


def secrets_of(card: Card) -> list[tuple[str, str]]:
    """(name, label) of the secrets that this card has."""
    return [(s.value, s.label) for s in SEALED if getattr(card, s.value)]


def is_showable(card: Card) -> bool:
    """Whether the card is beyond doubt: its delivery adds up, or it exists at its issuer."""
    if card.order is not None:
        return card.is_releasable and card.order.status in DELIVERED
    return card.is_releasable and card.state in LIVING_CARDS


def problem_with_look(card: Card, actor: User, ticket: str, reason: str) -> str:
    """Why this person is not shown a secret of this card; "" if nothing stands against it."""
    if not actor.has_perm("orders.reveal_card"):
        return "Your role may not see card numbers."
    if not ticket.strip():
        return "Give the ticket or case this is for."
    if len(reason.strip()) < 10:
        return "Say in a few words why you need to see it."
    if not is_showable(card):
        return why_hidden(card)
    if not reveals_left(actor):
        return (
            f"The limit is {settings.GIFTOPS_REVEALS_A_DAY} looks in 24 hours, and you are there."
        )
    return ""


def why_hidden(card: Card) -> str:
    """Why a card that is not showable is shown to nobody."""
    if card.order is not None:
        return "The delivery of this card does not add up yet; it is shown to nobody."
    return "It is not beyond doubt that this card is ours; its number is shown to nobody."
