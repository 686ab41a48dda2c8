"""What tests of holds say often."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests

from giftops.money import Money
from orders.models import Authorization, Break, Card
from orders.services.issuing.holds import authorizing
from tests.orders.issuing.conftest import Desk

USD_10 = Money(1000, "USD")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def held(desk: Desk, card: Card, person: Any, amount: Money = USD_10, **fields: Any):
    """A hold that was asked for and sent."""
    hold = authorizing.request_hold(card, actor=person, amount=amount, **fields)
    desk.work()
    return fresh(hold)


def fresh(hold: Authorization) -> Authorization:
    return Authorization.objects.get(pk=hold.pk)


def done_then(desk: Desk, operation: str, problem: Exception | None = None) -> Callable[..., Any]:
    """They do as they are asked, and the answer is lost."""

    def act(asked: dict[str, Any]) -> Exception:
        getattr(desk.script, f"do_{operation}")(asked)
        return problem or requests.ReadTimeout()

    return act


def change(desk: Desk, card: Card, **fields: Any) -> None:
    """Whatever a stranger does: set the figures or the standing of a card at the issuer."""
    number = card.code.reveal()
    reading = replace(desk.script.cards[number], **fields)
    available = Money(reading.balance.minor - reading.held.minor, reading.balance.currency)
    desk.script.cards[number] = replace(reading, available=available)


def kinds(hold: Authorization) -> set[str]:
    """The kinds of the open breaks of a hold."""
    return set(
        Break.objects.filter(authorization=hold, closed_at=None).values_list("kind", flat=True)
    )


def told(hold: Authorization) -> list[str]:
    """The kinds of its timeline, in order."""
    return list(hold.events.values_list("kind", flat=True))
