"""The page of an order: only the buttons that make sense now, each pressed once."""

from typing import Any

import pytest
from django.urls import reverse

from giftops.models import User
from giftops.once import new_token
from orders.models import Order
from tests.conftest import PASSWORD
from tests.orders.admin.conftest import said


def buttons(answer: Any) -> set[str]:
    return {button.name for button in answer.context["buttons"]}


@pytest.fixture
def unknown(shop: Any, mira: User) -> Order:
    """An order that was sent and not answered."""
    shop.arm("http_504", commit=False)
    order = shop.buy(mira)
    shop.work()
    order.refresh_from_db()
    assert order.status == "unknown"
    return order


@pytest.fixture
def held(shop: Any, unknown: Order) -> Order:
    """An order that only two people may decide about: it is not there, and was sent."""
    settings = shop.account.settings | {"reference_is_unique": False}
    type(shop.account).objects.filter(pk=shop.account.pk).update(settings=settings)
    shop.pass_time(minutes=40)
    unknown.refresh_from_db()
    assert unknown.status == "needs_review"
    return unknown


def test_a_draft_can_be_sent_or_withdrawn_by_a_maker_only(
    shop: Any, mira: User, desk_of: Any
) -> None:
    order = shop.draft(mira).orders.get()

    for role, expected in (
        (mira, {"submit", "withdraw"}),
        ("finance_approver", set()),
        ("support_agent", set()),
        ("auditor", set()),
        ("administrator", set()),
    ):
        assert buttons(desk_of(role).get("orders_order_change", order.pk)) == expected


def test_a_fulfilled_order_offers_nothing_that_could_spend(
    fulfilled: Order, mira: User, desk_of: Any
) -> None:
    assert buttons(desk_of(mira).get("orders_order_change", fulfilled.pk)) == set()


def test_an_unknown_outcome_says_so_and_can_only_be_asked_about(
    unknown: Order, mira: User, desk_of: Any
) -> None:
    answer = desk_of(mira).get("orders_order_change", unknown.pk)

    assert buttons(answer) == {"ask"}
    assert "do not order it again" in answer.content.decode()


def test_submitting_a_draft_queues_it_once(shop: Any, mira: User, desk_of: Any) -> None:
    order, token, desk = shop.draft(mira).orders.get(), new_token(), desk_of(mira)

    first = desk.press("orders_order_submit", order.pk, once=token, follow=True)
    second = desk.press("orders_order_submit", order.pk, once=token, follow=True)
    shop.work()

    assert said(first) == said(second) == "1 order queued · USD 25.00. It is sent in a moment."
    assert len(shop.bought()) == 1


def test_whoever_comes_second_hears_who_was_first(
    shop: Any, mira: User, user: Any, desk_of: Any
) -> None:
    order = shop.draft(mira).orders.get()
    jon = user("finance_maker", username="jon", first_name="Jon")

    desk_of(mira).press("orders_order_withdraw", order.pk)
    answer = desk_of(jon).press("orders_order_submit", order.pk)

    assert answer.status_code == 409
    assert "already withdrawn by Mira" in answer.content.decode()


def test_asking_the_provider_says_where_the_order_stands(
    shop: Any, mira: User, desk_of: Any
) -> None:
    order = shop.buy(mira)
    shop.work()

    answer = desk_of(mira).press("orders_order_ask", order.pk, follow=True)

    assert f"{order.reference}: on its way." in said(answer)
    assert "The provider says “" in said(answer)


def test_asking_while_the_provider_is_away_is_a_sentence_not_an_error(
    unknown: Order, shop: Any, mira: User, desk_of: Any
) -> None:
    shop.arm("http_503", operation="getOrderByCustomerReference", times=50)

    answer = desk_of(mira).press("orders_order_ask", unknown.pk, follow=True)

    assert answer.status_code == 200
    assert "outcome unknown" in said(answer)


def test_a_cancelled_order_is_retried_as_a_new_draft(shop: Any, mira: User, desk_of: Any) -> None:
    shop.arm("cancelled")
    order = shop.buy(mira)
    shop.pass_time(minutes=30)

    answer = desk_of(mira).press("orders_order_retry", order.pk, follow=True)

    retry = Order.objects.get(retry_of=order)
    assert retry.status == "draft"
    assert reverse("admin:orders_batch_change", args=[retry.batch_id]) in said(answer)
    assert "retry" not in buttons(desk_of(mira).get("orders_order_change", order.pk))


def test_two_people_decide_about_a_held_order(
    held: Order, shop: Any, mira: User, tom: User, desk_of: Any
) -> None:
    desk_of(mira).press(
        "orders_order_propose", held.pk, decision="reject", reason="Their portal has no such order"
    )
    seen = {"proposal": held.resolutions.get().pk, "password": PASSWORD}
    own = desk_of(mira).press("orders_order_confirm", held.pk, **seen)
    answer = desk_of(tom).press("orders_order_confirm", held.pk, follow=True, **seen)

    held.refresh_from_db()
    assert own.status_code == 409
    assert "A second person has to confirm this" in own.content.decode()
    assert "Confirmed and carried out." in said(answer)
    assert (held.status, held.held_minor) == ("rejected", 0)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [("", "Give your password again"), ("guess", "That is not your password")],
)
def test_confirming_takes_the_password_of_who_confirms(
    held: Order, mira: User, tom: User, desk_of: Any, password: str, sentence: str
) -> None:
    desk_of(mira).press("orders_order_propose", held.pk, decision="reject", reason="Not there")

    answer = desk_of(tom).press("orders_order_confirm", held.pk, password=password)

    held.refresh_from_db()
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert held.status == "needs_review"
    assert held.resolutions.get().state == "open"


def test_only_the_proposal_that_was_seen_is_confirmed(
    held: Order, mira: User, tom: User, desk_of: Any
) -> None:
    desk_of(mira).press("orders_order_propose", held.pk, decision="resend", reason="Not there")
    seen = held.resolutions.get()
    desk_of(mira).press("orders_order_drop", held.pk)
    desk_of(mira).press("orders_order_propose", held.pk, decision="reject", reason="Not there")

    answer = desk_of(tom).press(
        "orders_order_confirm", held.pk, password=PASSWORD, proposal=seen.pk
    )

    held.refresh_from_db()
    assert answer.status_code == 409
    assert "Something else is proposed now" in answer.content.decode()
    assert held.status == "needs_review"


def test_an_order_of_a_chain_that_cannot_be_retried_says_why(
    shop: Any, mira: User, desk_of: Any
) -> None:
    shop.arm("cancelled")
    order = shop.buy(mira)
    shop.pass_time(minutes=30)
    desk = desk_of(mira)
    desk.press("orders_order_retry", order.pk)
    retry = Order.objects.get(retry_of=order)

    again = desk.press("orders_order_retry", order.pk)
    early = desk.press("orders_order_retry", retry.pk)
    several = desk.press("orders_order_bulk", act="retry", order=[str(order.pk), str(retry.pk)])

    taken = f"{retry.reference} already takes the place of {order.reference}"
    assert (again.status_code, early.status_code, several.status_code) == (409, 409, 200)
    assert taken in again.content.decode()
    assert "may be retried as a new one" in early.content.decode()
    assert taken in several.content.decode()
    assert Order.objects.count() == 2


def test_a_retry_of_a_card_that_is_no_longer_sold_says_so(
    shop: Any, mira: User, desk_of: Any
) -> None:
    shop.arm("cancelled")
    order = shop.buy(mira)
    shop.pass_time(minutes=30)
    order.lines.get().product.__class__.objects.update(is_listed=False)

    answer = desk_of(mira).press("orders_order_retry", order.pk)

    assert answer.status_code == 409
    assert not Order.objects.filter(retry_of=order).exists()


def test_a_refused_proposal_keeps_what_was_typed(held: Order, mira: User, desk_of: Any) -> None:
    answer = desk_of(mira).press(
        "orders_order_propose", held.pk, decision="adopt", external_id="", reason="It is there"
    )

    assert answer.status_code == 409
    assert "Give the provider's number" in said(answer)
    assert ">It is there</textarea>" in answer.content.decode()


@pytest.mark.parametrize("decision", ["", "nonsense"])
def test_a_proposal_without_a_decision_is_refused(
    held: Order, mira: User, desk_of: Any, decision: str
) -> None:
    answer = desk_of(mira).press("orders_order_propose", held.pk, decision=decision, reason="x")

    assert answer.status_code == 409
    assert not held.resolutions.exists()


def test_dropping_a_proposal_leaves_the_order_held(
    held: Order, mira: User, tom: User, desk_of: Any
) -> None:
    desk_of(mira).press("orders_order_propose", held.pk, decision="reject", reason="Not there")

    desk_of(tom).press("orders_order_drop", held.pk)
    again = desk_of(tom).press("orders_order_confirm", held.pk, password=PASSWORD)

    held.refresh_from_db()
    assert held.status == "needs_review"
    assert again.status_code == 409


def test_the_timeline_tells_who_did_what(fulfilled: Order, mira: User, desk_of: Any) -> None:
    page = desk_of(mira).text("orders_order_change", fulfilled.pk)

    for words in ("Drafted", "(finance maker)", "Sent, attempt 1", "1 card stored", " UTC"):
        assert words in page


def test_cards_are_masked_and_revealed_only_by_support(
    fulfilled: Order, mira: User, desk_of: Any
) -> None:
    card = fulfilled.cards.get()
    reveal = reverse("admin:orders_order_reveal", args=[card.pk])

    makers = desk_of(mira).text("orders_order_change", fulfilled.pk)
    support = desk_of("support_agent").text("orders_order_change", fulfilled.pk)

    assert card.mask in makers
    assert card.mask in support
    assert card.code.reveal() not in makers + support
    assert reveal not in makers
    assert reveal in support


def test_a_press_without_a_token_does_nothing(shop: Any, mira: User, desk_of: Any) -> None:
    order = shop.draft(mira).orders.get()

    answer = desk_of(mira).press("orders_order_withdraw", order.pk, once="")

    order.refresh_from_db()
    assert answer.status_code == 400
    assert order.status == "draft"


def test_an_order_that_does_not_exist_is_not_found(shop: Any, mira: User, desk_of: Any) -> None:
    answer = desk_of(mira).get("orders_order_change", "01a20000-0000-0000-0000-000000000000")

    assert answer.status_code == 404
