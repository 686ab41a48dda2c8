"""The list of cards: quick however long it is, and found by what somebody has in hand."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from giftops.models import User
from orders.issuing_states import CardState
from orders.models import Card, Order
from tests.orders.admin.test_orders_list import reads
from tests.orders.conftest import codes_of
from tests.orders.issuing.conftest import Desk as IssuingDesk
from tests.orders.issuing.conftest import desk as issuing

__all__ = ["issuing"]

LONG = "Wilhelmina-Alexandrine von Hohenzollern-Sigmaringen und Nachbarn GmbH & Co. KGaA"


@pytest.fixture
def card(issuing: IssuingDesk, mira: User) -> Card:
    """A card that we issued, among others."""
    issuing.card(mira, customer_id="2002", customer_name="Ben")
    return issuing.card(
        mira, customer_id="1077", customer_name="Ann Petrov", customer_email="Ann@example.com"
    )


def page_of(card: Card) -> str:
    return reverse("admin:orders_card_change", args=[card.pk])


@pytest.mark.parametrize("cards", [1, 40])
def test_the_list_takes_few_queries_whatever_its_length(
    issuing: IssuingDesk, mira: User, desk_of: Any, cards: int
) -> None:
    for number in range(cards):
        issuing.card(mira, customer_name=f"{LONG} {number}")
    desk = desk_of(mira)
    desk.get("orders_card_changelist")

    with CaptureQueriesContext(connection) as context:
        answer = desk.get("orders_card_changelist")

    assert answer.content.decode().count("••••") >= cards
    assert len(reads(context)) <= 6, reads(context)


@pytest.mark.parametrize(
    "typed", ["number", "spaced number", "sale", "sale, small", "1077", "ann@EXAMPLE.com", "name"]
)
def test_a_card_is_found_by_any_one_thing(card: Card, mira: User, desk_of: Any, typed: str) -> None:
    number = card.code.reveal()
    text = {
        "number": number, "spaced number": " ".join(number.replace("-", "").lower()),
        "sale": card.sale_id, "sale, small": card.sale_id.lower(), "name": "Ann Petrov",
    }.get(typed, typed)  # fmt: skip

    answer = desk_of(mira).press("orders_card_find", q=text)

    assert answer.url == page_of(card)


def test_the_last_four_lead_to_every_card_that_has_them(
    card: Card, mira: User, desk_of: Any
) -> None:
    page = desk_of(mira).text("orders_card_changelist", q=card.last_four)

    assert page_of(card) in page
    assert page_of(Card.objects.get(customer_id="2002")) not in page


def test_a_number_whose_card_is_in_doubt_leads_to_it_too(
    issuing: IssuingDesk, mira: User, desk_of: Any
) -> None:
    doubtful = issuing.card(mira, state=CardState.IN_DOUBT)

    answer = desk_of(mira).press("orders_card_find", q=doubtful.number.number.reveal())

    assert answer.url == page_of(doubtful)


@pytest.mark.parametrize("typed", ["number", "last four", "1077", "ann@example.com", "Ann Petrov"])
def test_the_search_box_for_orders_leads_to_an_issued_card(
    card: Card, mira: User, desk_of: Any, typed: str
) -> None:
    text = {"number": card.code.reveal(), "last four": card.last_four}.get(typed, typed)

    answer = desk_of(mira).press("orders_order_find", q=text)

    assert answer.url == page_of(card)


def test_the_search_box_for_orders_lists_several_issued_cards(
    card: Card, issuing: IssuingDesk, mira: User, desk_of: Any
) -> None:
    issuing.card(mira, customer_id="1077")

    answer = desk_of(mira).press("orders_order_find", q="1077")

    assert answer.url == f"{reverse('admin:orders_card_changelist')}?q=1077"


def test_who_may_see_no_cards_is_told_of_none(card: Card, desk_of: Any) -> None:
    answer = desk_of("administrator").press("orders_order_find", q=card.code.reveal())

    assert answer.url == reverse("admin:orders_order_changelist")


def test_a_bought_card_is_found_by_number_and_by_its_order(
    fulfilled: Order, mira: User, desk_of: Any
) -> None:
    bought, desk = fulfilled.cards.get(), desk_of(mira)

    for typed in (codes_of(fulfilled)[0], fulfilled.reference, "Ann Petrov", "ann@example.com"):
        assert desk.press("orders_card_find", q=typed).url == page_of(bought)


def test_a_number_never_comes_back_in_an_address_or_a_page(
    card: Card, mira: User, desk_of: Any
) -> None:
    number, desk = card.code.reveal(), desk_of(mira)

    found = desk.press("orders_card_find", q=number, follow=True)
    missed = desk.press("orders_card_find", q=f"{number[:-1]}?", follow=True)
    disguised = desk.press("orders_card_find", q=f"GO-{number}", follow=True)
    by_address = desk.get("orders_card_changelist", q=number)

    for answer in (found, missed, disguised):
        assert number[:-1] not in answer.content.decode() + str(answer.redirect_chain)
    assert page_of(card) not in by_address.content.decode()
    assert "Nothing fits what you typed" in missed.content.decode()


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ({}, {"active", "bought", "in_doubt"}),
        ({"kind": "bought"}, {"bought"}),
        ({"kind": "issued"}, {"active", "in_doubt"}),
        ({"kind": "what?"}, {"active", "bought", "in_doubt"}),
        ({"state": "in_doubt"}, {"in_doubt"}),
        ({"account": "issuer"}, {"active", "in_doubt"}),
        ({"account": "shop"}, {"bought"}),
    ],
)
def test_the_list_is_narrowed(
    fulfilled: Order, issuing: IssuingDesk, mira: User, desk_of: Any, query: Any, seen: set[str]
) -> None:
    cards = {
        "active": issuing.card(mira), "in_doubt": issuing.card(mira, state=CardState.IN_DOUBT),
        "bought": fulfilled.cards.get(),
    }  # fmt: skip
    accounts = {"issuer": issuing.account.pk, "shop": fulfilled.account.pk}
    if "account" in query:
        query = {"account": accounts[query["account"]]}

    page = desk_of(mira).text("orders_card_changelist", **query)

    assert {name for name, card in cards.items() if page_of(card) in page} == seen


def test_an_empty_list_says_what_it_is_for(mira: User, desk_of: Any) -> None:
    assert "No cards yet" in desk_of(mira).text("orders_card_changelist")
