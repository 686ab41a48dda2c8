"""Cards on their way: what the tests of creating, proving and deciding share."""

from collections import Counter
from typing import Any

from giftops.models import User
from giftops.money import Money
from orders.issuing_states import CardState
from orders.models import Card, Issuance, ReservedNumber
from orders.services.issuing.cards import issuing
from orders.services.issuing.cards.card_wishes import CardWish
from providers.gateways.base import RemoteCustomer
from tests.orders.issuing.conftest import Desk

USD_25 = Money(2500, "USD")


def wish(**fields: Any) -> CardWish:
    return CardWish(**{"customer_id": "1001", "code": "GC", "value": USD_25} | fields)


def know(desk: Desk, *customers: str) -> None:
    """The issuer has these customers."""
    for number in customers:
        desk.script.customers[number] = RemoteCustomer(
            external_id=number, name=f"Customer {number}", email=f"c{number}@example.com"
        )


def under_way(desk: Desk, maker: User, count: int = 1, **fields: Any) -> Issuance:
    """Cards below the limit that are about to be sent, on numbers of a pool with two to spare."""
    pool = fields.pop("pool", None) or desk.pool(maker, count + 2)
    wishes = [wish(customer_id=str(1001 + i), row=i + 1, **fields) for i in range(count)]
    issuance = issuing.draft_issuance(desk.account, actor=maker, wishes=wishes, pool=pool)
    return issuing.submit_issuance(issuance, actor=maker)


def only_card(issuance: Issuance) -> Card:
    return Card.objects.select_related("number").get(issuance=issuance)


def states(issuance: Issuance) -> list[str]:
    return list(issuance.cards.order_by("position").values_list("state", flat=True))


def numbers() -> dict[str, int]:
    """How many numbers stand where."""
    return dict(Counter(ReservedNumber.objects.values_list("state", flat=True)))


def living(desk: Desk) -> list[str]:
    """The numbers that have a card at the issuer."""
    return sorted(desk.script.cards)


def codes() -> list[str]:
    """The numbers of the cards that are ours to use."""
    cards = Card.objects.filter(state=CardState.ACTIVE)
    return sorted(card.code.reveal() for card in cards)
