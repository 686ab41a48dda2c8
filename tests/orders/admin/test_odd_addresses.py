"""Addresses and forms that nobody gets by clicking: answered with a sentence, never with a fault.

An address also asks for nothing beyond the filters of its list: a filter by a part of a column is
a way to find out what stands in it.
"""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.urls import reverse

from giftops.desk import CalmList
from giftops.models import User
from giftops.once import new_token
from orders.admin.orders import OrderDesk
from orders.models import Order
from tests.orders.admin.conftest import said

LISTS = sorted(
    f"{model._meta.app_label}_{model._meta.model_name}"
    for model in admin.site._registry
    if model._meta.app_label in ("orders", "providers", "giftops")
)
HUGE = "9" * 400


@pytest.fixture
def everybody(desk_of: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The desk of somebody who may look at everything."""
    monkeypatch.setattr(User, "has_perm", lambda self, perm, obj=None: True)
    return desk_of("administrator")


def test_every_list_is_a_calm_one() -> None:
    lists = [admin.site._registry[model] for model in admin.site._registry]

    for desk in lists:
        filters = list(desk.list_filter)
        assert isinstance(desk, CalmList), desk
        assert all(issubclass(each, SimpleListFilter) for each in filters), desk


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        "id=x", f"id={HUGE}", "created_at__year=-1", f"created_at__year={HUGE}",
        f"at__year={HUGE}", f"actor={HUGE}", f"user={HUGE}", "ids__contains=x",
        "reference__regex=(", "fingerprint__regex=[", "password__startswith=a",
        "pk__in=1,x", "account__credentials__contains=s", "q=%00", f"p={HUGE}", f"o={HUGE}.-1",
        "_to_field=x", "_popup=1", "period=%00", f"account={HUGE}", "state=%27",
    ],
)  # fmt: skip
def test_an_odd_address_shows_a_list(
    shop: Any, mira: User, everybody: Any, listing: str, query: str
) -> None:
    shop.draft(mira)
    address = f"{reverse(f'admin:{listing}_changelist')}?{query}"

    answer = everybody.client.get(address, follow=True)

    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["reference__startswith", "lines__recipient_email__startswith"])
def test_a_list_filters_by_nothing_that_it_does_not_declare(
    shop: Any, mira: User, desk_of: Any, query: str
) -> None:
    order = shop.draft(mira).orders.get()
    address = reverse("admin:orders_order_changelist")

    answer = desk_of(mira).client.get(address, {query: "nobody", "status": "draft"}, follow=True)

    assert order.reference in answer.content.decode()
    assert answer.redirect_chain == [(f"{address}?status=draft", 302)]
    assert "no such filter" in said(answer)


def test_a_value_that_the_database_cannot_take_shows_the_whole_list(
    shop: Any, mira: User, desk_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.draft(mira).orders.get()

    def stumble(self: Any, request: Any, rows: Any, text: str) -> Any:
        if text:
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return rows, False

    monkeypatch.setattr(OrderDesk, "get_search_results", stumble)

    answer = desk_of(mira).client.get(
        reverse("admin:orders_order_changelist"), {"q": "anything"}, follow=True
    )

    assert "could not be read" in said(answer)
    assert order.reference in answer.content.decode()


@pytest.mark.parametrize("chosen", ["x", "", "\0", HUGE, "1"])
def test_rows_that_are_no_keys_are_refused(
    shop: Any, mira: User, desk_of: Any, chosen: str
) -> None:
    order = shop.draft(mira).orders.get()

    answer = desk_of(mira).press(
        "orders_order_changelist", action="withdraw",
        _selected_action=[str(order.pk), chosen], follow=True,
    )  # fmt: skip

    assert answer.status_code == 200
    assert "does not name rows of this list" in said(answer)
    order.refresh_from_db()
    assert order.status == "draft"


@pytest.mark.parametrize(
    ("name", "field"), [("orders_order_find", "q"), ("orders_order_quote", "title")]
)
def test_a_nul_byte_is_refused(shop: Any, mira: User, desk_of: Any, name: str, field: str) -> None:
    answer = desk_of(mira).press(name, **{field: "a\0b"})

    assert answer.status_code == 400


def test_a_nul_byte_in_a_token_acts_on_nothing(shop: Any, mira: User, desk_of: Any) -> None:
    answer = desk_of(mira).press(
        "orders_order_buy", once=new_token()[:-1] + "\0", product=str(shop.variable().pk),
        face_value="25.00", quantity="1", send="1",
    )  # fmt: skip

    assert answer.status_code == 422
    assert "This page has expired" in answer.content.decode()
    assert not Order.objects.exists()


def test_a_nul_byte_in_the_choice_of_cards_is_left_out(shop: Any, mira: User, desk_of: Any) -> None:
    assert "Starbucks" in desk_of(mira).text("orders_order_products", find="star\0b")
