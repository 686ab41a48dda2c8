"""The list of orders: quick however long it is, and found by what somebody has in hand."""

from os.path import commonprefix
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from giftops.models import User
from orders.admin import everywhere
from orders.models import Card, Order
from tests.orders.conftest import codes_of


def reads(context: CaptureQueriesContext) -> list[str]:
    """The queries of a page, without the session's own saving."""
    return [q["sql"] for q in context.captured_queries if q["sql"].startswith("SELECT")]


@pytest.mark.parametrize("orders", [1, 49])
def test_the_list_takes_six_queries_whatever_its_length(
    shop: Any, mira: User, desk_of: Any, orders: int
) -> None:
    shop.draft(mira, quantity=orders, recipient_name="Ann")
    desk = desk_of(mira)
    desk.get("orders_order_changelist")

    with CaptureQueriesContext(connection) as context:
        answer = desk.get("orders_order_changelist")

    assert answer.content.decode().count("B-") >= orders
    assert len(reads(context)) <= 6, reads(context)


@pytest.mark.parametrize(
    "typed",
    ["reference", "prefix", "external_id", "ann@example.com", "Ann Petrov", "code", "spaced code"],
)
def test_an_order_is_found_by_any_one_thing(
    fulfilled: Order, shop: Any, mira: User, desk_of: Any, typed: str
) -> None:
    shop.draft(mira)
    code = codes_of(fulfilled)[0]
    text = {
        "reference": fulfilled.reference.lower(), "prefix": fulfilled.reference[:30],
        "external_id": fulfilled.external_id, "code": code,
        "spaced code": " ".join(code.replace("-", "").lower()),
    }.get(typed, typed)  # fmt: skip

    answer = desk_of(mira).press("orders_order_find", q=text)

    assert answer.url == reverse("admin:orders_order_change", args=[fulfilled.pk])


def test_the_last_four_lead_to_every_order_that_has_them(
    fulfilled: Order, mira: User, desk_of: Any
) -> None:
    four = Card.objects.get().last_four

    page = desk_of(mira).text("orders_order_changelist", q=four)

    assert fulfilled.reference in page


def test_a_card_number_never_comes_back_in_an_address_or_a_page(
    fulfilled: Order, mira: User, desk_of: Any
) -> None:
    code, desk = codes_of(fulfilled)[0], desk_of(mira)

    found = desk.press("orders_order_find", q=code, follow=True)
    missed = desk.press("orders_order_find", q=code[:-1] + "?", follow=True)
    by_address = desk.get("orders_order_changelist", q=code)

    for answer in (found, missed):
        assert code[:-1] not in answer.content.decode() + str(answer.redirect_chain)
    assert fulfilled.reference not in by_address.content.decode()
    assert "Nothing fits what you typed" in missed.content.decode()


@pytest.mark.parametrize("disguise", ["@{}", "GO-{}", "go-{}", "{}@example.com", " GO-{} "])
def test_a_card_number_in_disguise_never_comes_into_an_address(
    fulfilled: Order, mira: User, desk_of: Any, disguise: str
) -> None:
    code = codes_of(fulfilled)[0]
    dotted = code.replace("-", ".")

    for typed in (code, dotted, code[:12]):
        answer = desk_of(mira).press("orders_order_find", q=disguise.format(typed), follow=True)

        assert typed not in answer.content.decode() + str(answer.redirect_chain)
        assert answer.redirect_chain[-1][0] == reverse("admin:orders_order_changelist")


def test_a_reference_that_several_orders_begin_with_lists_them(
    shop: Any, mira: User, desk_of: Any
) -> None:
    orders = list(shop.draft(mira, quantity=2).orders.all())
    shared = commonprefix([order.reference for order in orders])

    page = desk_of(mira).press("orders_order_find", q=shared, follow=True).content.decode()

    assert all(order.reference in page for order in orders)


def test_what_is_not_found_says_what_was_searched(shop: Any, mira: User, desk_of: Any) -> None:
    page = desk_of(mira).press("orders_order_find", q="GO-NOBODY", follow=True).content.decode()

    assert "Nothing fits “GO-NOBODY”" in page
    assert "the last four digits" in page


def test_an_empty_list_offers_the_first_step_to_those_who_may_take_it(
    shop: Any, mira: User, desk_of: Any
) -> None:
    makers = desk_of(mira).text("orders_order_changelist")
    auditors = desk_of("auditor").text("orders_order_changelist")

    assert "No orders yet" in makers
    assert "Buy a card" in makers
    assert "Buy a card" not in auditors


@pytest.mark.parametrize("query", ["status=draft", "standing=on_hold", "period=day", "held_back=1"])
def test_filters_narrow_the_list(shop: Any, mira: User, desk_of: Any, query: str) -> None:
    draft = shop.draft(mira).orders.get()
    name, _, value = query.partition("=")

    page = desk_of(mira).text("orders_order_changelist", **{name: value})

    assert (draft.reference in page) == (query in ("status=draft", "period=day"))


@pytest.mark.parametrize(
    "query", ["status=%27", "status=nonsense", "account=1", "p=abc", "o=9.9", "nonsense=1", "q=%00"]
)
def test_odd_addresses_are_answered_calmly(shop: Any, mira: User, desk_of: Any, query: str) -> None:
    shop.draft(mira)
    address = f"{reverse('admin:orders_order_changelist')}?{query}"

    answer = desk_of(mira).client.get(address, follow=True)

    assert answer.status_code == 200


def test_a_text_of_the_provider_stands_in_quotes_and_is_never_markup(
    shop: Any, mira: User, desk_of: Any
) -> None:
    order = shop.draft(mira).orders.get()
    Order.objects.filter(pk=order.pk).update(provider_text="<i>On hold</i>")

    page = desk_of(mira).text("orders_order_changelist")

    assert "&lt;i&gt;On hold&lt;/i&gt;</q>" in page


def test_accounts_are_read_once_a_request(shop: Any, mira: User, rf: Any) -> None:
    request = rf.get("/")

    with CaptureQueriesContext(connection) as context:
        everywhere.accounts_of(request)
        everywhere.accounts_of(request)

    assert len(context) == 1
