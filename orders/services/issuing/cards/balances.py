"""What a card is worth: asked of its issuer, kept as evidence, and never taken from memory.

A reading alone says whether an issued card is active, empty, expired, voided or gone. Money
decisions ask anew; the figures on the card are only how it was when it was last asked about.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from giftops import guard
from giftops.clock import db_now
from giftops.models import User
from giftops.money import Money
from giftops.queue import enqueue
from orders.issuing_states import LIVING_CARDS
from orders.models import Authorization, BalanceCheck, Card
from orders.services.issuing.cards.readings import store_reading
from orders.services.issuing.sending import account_of
from orders.services.problems import Refused
from orders.services.wording import plainly
from orders.weighing.balances import history_hash
from providers import services as providers
from providers.gateways.base import Issuer
from providers.gateways.errors import ProviderError

__all__ = [
    "ask_now",
    "history_hash",
    "look",
    "number_of",
    "read_card",
    "refresh_due",
    "store_reading",
    "sweep",
]

READ_CARD = "orders.tasks_issuing.read_card"
MOST_A_SWEEP = 50
RING_AGAIN = timedelta(hours=1)
"""When a card that was to be read is given out again: its job may have been lost."""
COULD_NOT_ASK = timedelta(minutes=15)


def read_card(card: Card, *, authorization: Authorization | None = None) -> BalanceCheck:
    """Ask what the card is worth now and keep the answer. Raises ProviderError.

    Not inside a transaction.
    """
    gateway: Issuer = providers.gateway_for(account_of(card), subject=card.sale_id)
    asked_at = db_now()  # before the call: what moves while they answer is newer than this
    reading = gateway.check_balance(number_of(card))
    return store_reading(card, reading, asked_at=asked_at, authorization=authorization)


def number_of(card: Card) -> str:
    """The number to ask about, in the clear: of the card, or the one it is to be created on.

    Raises `Refused` if it has none yet.
    """
    if card.code:
        return card.code.reveal()
    if card.number is not None:
        return card.number.number.reveal()
    raise Refused("This card has no number yet: there is nothing to ask about.")


def look(card_id: str | UUID) -> None:
    """One scheduled look at a living card; who cannot be asked just now is asked later."""
    card = Card.objects.select_related("account", "number").get(pk=card_id)
    if card.state not in LIVING_CARDS or guard.is_quarantined():
        return
    try:
        read_card(card)
    except ProviderError as error:
        patience = timedelta(seconds=getattr(error, "retry_after", None) or 0)
        later = db_now() + max(COULD_NOT_ASK, patience)
        Card.objects.filter(pk=card.pk, asked_at=card.asked_at).update(next_look_at=later)


def ask_now(card: Card, *, actor: User) -> str:
    """A person wants to know now: look, and say in one sentence what it is worth.

    Raises `Refused`, also for whatever kept the provider from answering.
    """
    if not actor.has_perm("orders.ask_provider"):
        raise Refused("Your role may not ask the provider.")
    if card.state not in LIVING_CARDS:
        raise Refused("This card does not exist at the provider: there is nothing to ask about.")
    if guard.is_quarantined():
        raise Refused(guard.status())
    try:
        check = read_card(card)
    except ProviderError as error:
        raise Refused(plainly(error, account_of(card))) from error
    return f"{card}: {_in_words(check)}"


def _in_words(check: BalanceCheck) -> str:
    if not check.is_found or check.balance_minor is None:
        return "the provider knows no such card."
    worth = Money(check.balance_minor, check.currency).format()
    held = Money(check.held_minor or 0, check.currency)
    return f"{worth} now{f', {held.format()} of it held' if held else ''}."


def sweep(now: datetime) -> None:
    """Have the cards read whose time has come."""
    refresh_due(now)


def refresh_due(now: datetime) -> int:
    """Queue a look at the cards whose time has come, the longest waiting first; count them."""
    due = Q(next_look_at__lte=now) | Q(next_look_at=None)
    living = Card.objects.filter(due, state__in=LIVING_CARDS, account__is_active=True)
    waiting = living.order_by(F("next_look_at").asc(nulls_first=True), "id")
    cards = list(waiting.values_list("pk", flat=True)[:MOST_A_SWEEP])
    with transaction.atomic():
        Card.objects.filter(due, pk__in=cards).update(next_look_at=now + RING_AGAIN)
        for card_id in cards:
            enqueue(READ_CARD, card_id)
    return len(cards)
