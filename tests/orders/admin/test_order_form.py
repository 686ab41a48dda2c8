"""The order form: what it costs before it is sent, one effect however often it is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from giftops.models import User
from giftops.money import MoneyError
from giftops.once import new_token
from orders.admin import buying
from orders.admin.buy_form import amount_of
from orders.models import Batch, Order
from orders.services.submitting import submit_batch
from tests.orders.admin.conftest import said

Form = Callable[..., dict[str, Any]]


@pytest.fixture
def form(shop: Any) -> Form:
    def fill(**changes: Any) -> dict[str, Any]:
        whole = {
            "product": str(shop.variable().pk), "face_value": "25.00", "quantity": "2",
            "title": "Thank you", "recipient_name": "Ann", "recipient_email": "ann@example.com",
            "send": "1",
        }  # fmt: skip
        return whole | changes

    return fill


def test_one_press_drafts_submits_and_leads_to_the_batch(
    form: Form, desk_of: Any, mira: User
) -> None:
    answer = desk_of(mira).press("orders_order_buy", **form())

    batch = Batch.objects.get()
    assert answer.url == reverse("admin:orders_batch_change", args=[batch.pk])
    assert (batch.order_count, str(batch.total), batch.maker) == (2, "USD 50.00", mira)
    assert {order.status for order in batch.orders.all()} == {"approved"}


def test_a_single_order_is_watched_on_its_own_page(form: Form, desk_of: Any, mira: User) -> None:
    answer = desk_of(mira).press("orders_order_buy", follow=True, **form(quantity="1"))

    order = Order.objects.get()
    page = reverse("admin:orders_order_change", args=[order.pk])
    assert answer.redirect_chain == [(page, 302)]
    assert "1 order queued · USD 25.00." in said(answer)
    assert page in said(answer)


def test_the_same_form_sent_twice_buys_once_and_shows_the_first_result(
    shop: Any, form: Form, desk_of: Any, mira: User
) -> None:
    desk, token = desk_of(mira), new_token()

    first = desk.press("orders_order_buy", once=token, **form(quantity="1"))
    second = desk.press("orders_order_buy", once=token, follow=True, **form(quantity="1"))
    shop.work()

    assert Batch.objects.count() == 1
    assert len(shop.bought()) == 1
    assert second.redirect_chain == [(first.url, 302)]
    assert "sent before" in said(second)


def test_a_token_of_somebody_else_buys_nothing(
    form: Form, desk_of: Any, mira: User, user: Any
) -> None:
    token = new_token()
    desk_of(mira).press("orders_order_buy", once=token, **form())

    answer = desk_of(user("finance_maker")).press("orders_order_buy", once=token, **form())

    assert answer.status_code == 422
    assert Batch.objects.count() == 1


def test_a_draft_is_kept_and_not_sent(shop: Any, form: Form, desk_of: Any, mira: User) -> None:
    wanted = form(draft="1")
    del wanted["send"]

    desk_of(mira).press("orders_order_buy", **wanted)
    shop.work()

    assert {order.status for order in Order.objects.all()} == {"draft"}
    assert shop.bought() == []


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"product": ""}, "product", "Choose a card."),
        ({"product": "nonsense"}, "product", "cannot be ordered any more"),
        ({"face_value": "25,0x"}, "face_value", "That is not an amount"),
        ({"face_value": "12,50"}, "face_value", "with a point and without a comma"),
        ({"face_value": "1,5"}, "face_value", "with a point and without a comma"),
        ({"face_value": "0,125"}, "face_value", "with a point and without a comma"),
        ({"face_value": "1234,567"}, "face_value", "with a point and without a comma"),
        ({"face_value": "25.50"}, "face_value", "whole"),
        ({"face_value": "-25"}, "face_value", "more than nothing"),
        ({"face_value": "9000000000000"}, "face_value", "too much"),
        ({"face_value": "99999"}, "face_value", "largest value"),
        ({"quantity": "0"}, "quantity", "between 1 and 500"),
        ({"quantity": "501"}, "quantity", "between 1 and 500"),
        ({"quantity": "many"}, "quantity", "whole number"),
        ({"quantity": "9" * 5000}, "quantity", "whole number"),
        ({"recipient_email": "ann@"}, "recipient_email", "not an e-mail address"),
        ({"title": "x" * 121}, "title", "120"),
    ],
)
def test_what_cannot_be_bought_is_said_at_its_field_and_stores_nothing(
    form: Form, desk_of: Any, mira: User, changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = desk_of(mira).press("orders_order_buy", **form(**changes))

    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert 'value="Ann"' in answer.content.decode()
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1,234", "USD 1234.00"), ("1,234.50", "USD 1234.50"), ("12.5", "USD 12.50")],
)
def test_thousands_may_be_separated_where_the_groups_are_whole(typed: str, amount: str) -> None:
    assert str(amount_of(typed, "USD")) == amount


def test_a_comma_is_not_guessed_where_three_digits_may_follow_the_point() -> None:
    with pytest.raises(MoneyError, match="without a comma"):
        amount_of("1,234", "KWD")


def test_a_press_overtaken_by_its_own_repeat_leads_to_what_came_of_it(
    form: Form, desk_of: Any, mira: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(batch: Batch, *, actor: User) -> Batch:
        submit_batch(Batch.objects.get(pk=batch.pk), actor=actor)  # what the repeat did
        return submit_batch(batch, actor=actor)

    monkeypatch.setattr(buying, "submit_batch", overtaken)

    answer = desk_of(mira).press("orders_order_buy", follow=True, **form(quantity="1"))

    order = Order.objects.get()
    page = reverse("admin:orders_order_change", args=[order.pk])
    assert answer.redirect_chain == [(page, 302)]
    assert "This form was sent before" in said(answer)
    assert order.status == "approved"


def test_a_batch_that_the_deposit_does_not_cover_is_kept_as_a_draft(
    shop: Any, form: Form, desk_of: Any, mira: User, settings: Any
) -> None:
    settings.GIFTOPS_APPROVAL_LIMITS = {"USD": "1000000"}

    answer = desk_of(mira).press(
        "orders_order_buy", follow=True, **form(face_value="2000", quantity="26")
    )
    shop.work()

    assert "The deposit does not cover this" in said(answer)
    assert {order.status for order in Order.objects.all()} == {"draft"}
    assert shop.bought() == []


def test_the_quote_says_the_cost_what_is_free_and_what_would_be_left(
    form: Form, desk_of: Any, mira: User
) -> None:
    page = desk_of(mira).press("orders_order_quote", **form(quantity="4")).content.decode()

    for figure in ("USD 100.00", "USD 50,000.00", "USD 49,900.00", "Send 4 orders · USD 100.00"):
        assert figure in page
    assert not Batch.objects.exists()


def test_the_quote_says_when_somebody_has_to_approve(form: Form, desk_of: Any, mira: User) -> None:
    page = desk_of(mira).press("orders_order_quote", **form(quantity="40")).content.decode()

    assert "Needs an approval" in page
    assert "Submit 40 orders for approval · USD 1,000.00" in page


def test_a_large_batch_waits_for_an_approver(
    shop: Any, form: Form, desk_of: Any, mira: User
) -> None:
    answer = desk_of(mira).press("orders_order_buy", follow=True, **form(quantity="40"))
    shop.work()

    assert "waiting for an approver" in said(answer)
    assert shop.bought() == []


def test_cards_are_found_by_a_part_of_their_name(shop: Any, desk_of: Any, mira: User) -> None:
    found = desk_of(mira).text("orders_order_products", find="starb")
    nothing = desk_of(mira).text("orders_order_products", find="<b>nonsense")

    assert "Starbucks" in found
    assert "Amazon" not in found
    assert "No card has “&lt;b&gt;nonsense”" in nothing


def test_what_people_type_is_never_taken_for_markup(form: Form, desk_of: Any, mira: User) -> None:
    evil = '"><script>alert(1)</script>'

    answer = desk_of(mira).press("orders_order_buy", follow=True, **form(title=evil))

    assert "<script>alert" not in answer.content.decode()
    assert "&lt;script&gt;alert" in answer.content.decode()
