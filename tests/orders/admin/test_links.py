"""No page of what is issued shows a link to somebody who may not follow it."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import pytest
from django.test import Client
from django.urls import reverse

from giftops.models import User
from orders.admin.linking import page_of
from orders.issuing_states import CardState, HoldState, IssuanceState, ReservationState
from orders.models import BreakKind, Card
from orders.services import breaking
from tests.orders.admin.test_holds_desk import stored

PEOPLE = ("finance_maker", "finance_approver", "support_agent", "auditor", "administrator")
LISTS = ("pool", "reservation", "issuance", "card", "authorization", "break", "batch", "reveal")
TABS_OF_A_CARD = ("history", "holds", "source", "certificate", "looks")
LINK = re.compile(r'<a\s[^>]*?href="([^"]*)"')


@pytest.fixture
def pages(issuer: Any, mira: User) -> list[str]:
    """The addresses of everything that is issued, in the states that say most."""
    pool = issuer.pool(mira, 3, low_stock_at=5)
    cut = issuer.reserved(mira, count=1)
    lost = issuer.reserved(mira, pool=pool, state=ReservationState.NEEDS_REVIEW, may_be_lost=4)
    many = issuer.issuance(mira, 2, pool=pool, title="Autumn")
    draft = issuer.issuance(mira, 1, state=IssuanceState.AWAITING_APPROVAL, pool=pool)
    cards = [
        issuer.card(mira, state=state, issuance=many, position=position, reason="Something is odd.")
        for position, state in enumerate(
            (CardState.ACTIVE, CardState.IN_DOUBT, CardState.NEEDS_REVIEW, CardState.REFUSED), 3
        )
    ]
    holds = [
        stored(issuer.card(mira), mira, state, sent_at=issuer.time.moment)
        for state in (HoldState.AUTHORIZED, HoldState.UNKNOWN, HoldState.NO_EFFECT_SEEN)
    ]
    _breaks(issuer, cards, holds, lost)
    return [
        reverse("admin:index"),
        *(reverse(f"admin:orders_{name}_changelist") for name in LISTS),
        reverse("admin:orders_pool_request"), reverse("admin:orders_issuance_issue"),
        reverse("admin:orders_authorization_ask"),
        *(page_of("pool", each.pk) for each in (pool,)),
        *(page_of("reservation", each.pk) for each in (cut, lost)),
        *(page_of("issuance", each.pk) for each in (many, draft)),
        *(page_of("authorization", each.pk) for each in holds),
        *(f"{page_of('card', cards[0].pk)}?tab={tab}" for tab in TABS_OF_A_CARD),
        *(address for card in (*cards, holds[1].card, holds[2].card) for address in _of(card)),
    ]  # fmt: skip


def _breaks(issuer: Any, cards: list[Card], holds: list[Any], lost: Any) -> None:
    kind = BreakKind.HOLD_IN_DOUBT
    for card in cards:
        breaking.open_break(kind, issuer.account, card=card, text=f"{card}: it is odd.")
    for hold in holds:
        breaking.open_break(kind, issuer.account, authorization=hold, text="It is odd.")
    breaking.open_break(kind, issuer.account, reservation=lost, text="It is odd.")


def _of(card: Card) -> list[str]:
    return [
        page_of("card", card.pk),
        reverse("admin:orders_issuance_card", args=[card.pk]),
        reverse("admin:orders_card_reveal", args=[card.pk]),
        reverse("admin:orders_card_certificate", args=[card.pk]),
    ]


def links_on(client: Client, address: str) -> set[str]:
    """Where the links of a page lead; none if this person may not open it."""
    answer = client.get(address)
    if answer.status_code != 200:
        return set()
    found = {urljoin(address, unescape(link)) for link in LINK.findall(answer.content.decode())}
    return {link.partition("#")[0] for link in found if link.startswith("/admin/")}


@pytest.mark.parametrize("role", PEOPLE)
def test_every_link_leads_somewhere(pages: list[str], client_of: Any, role: str) -> None:
    client = client_of(role)
    shown = {address: links_on(client, address) for address in pages}

    dead = {
        link: status
        for link in set().union(*shown.values())
        if (status := client.get(link).status_code) != 200
    }

    assert {link: [page for page in pages if link in shown[page]] for link in dead} == {}
    assert sum(map(bool, shown.values())) > 5
