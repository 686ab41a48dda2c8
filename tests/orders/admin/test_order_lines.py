"""Orders of many lines on pages: who got what, page by page, with no query per line."""

from typing import Any

import pytest
from django.urls import reverse

from giftops.models import User
from giftops.sealing import blind_index
from orders.models import Card, Order
from orders.services.collecting import CODE
from orders.services.drafting import Recipient, create_batch
from orders.services.submitting import submit_batch
from tests.conftest import PASSWORD
from tests.orders.admin.conftest import said
from tests.orders.partners import HOME

URL = "https://claims.example.com/c/Abc-123-xyz"


def crowd(count: int) -> tuple[Recipient, ...]:
    return tuple(
        Recipient(name=f"Guest {i}", email=f"g{i}@example.com") for i in range(1, count + 1)
    )


@pytest.fixture
def large(partners: Any, mira: User) -> Order:
    """An order of 130 lines."""
    return create_batch(mira, partners.digital(*crowd(130))).orders.get()


@pytest.fixture
def linked(partners: Any, mira: User) -> Order:
    """A fulfilled order of two claim links."""
    order = submit_batch(create_batch(mira, partners.wish()), actor=mira).orders.get()
    partners.pass_time(minutes=5)
    order.refresh_from_db()
    assert order.status == "fulfilled"
    return order


def test_lines_come_in_pages(large: Order, mira: User, desk_of: Any) -> None:
    desk = desk_of(mira)

    first = desk.text("orders_order_change", large.pk)
    last = desk.text("orders_order_change", large.pk, p=3)

    assert "130 cards for 130 recipients" in first
    assert "Page 1 of 3" in first
    assert "g50@example.com" in first
    assert "g51@example.com" not in first
    assert "g130@example.com" in last


def test_the_page_takes_as_many_queries_for_a_crowd_as_for_two(
    large: Order, partners: Any, mira: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    few = create_batch(mira, partners.digital(*crowd(2))).orders.get()
    desk = desk_of(mira)
    desk.text("orders_order_change", few.pk)

    with django_assert_max_num_queries(45) as small:
        desk.text("orders_order_change", few.pk)
    with django_assert_max_num_queries(len(small)):
        desk.text("orders_order_change", large.pk)


def test_lists_say_for_whom_and_how_many_without_reading_the_lines(
    large: Order, mira: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    desk = desk_of(mira)

    with django_assert_max_num_queries(20):
        orders = desk.text("orders_order_changelist")
    with django_assert_max_num_queries(35):
        batch = desk.text("orders_batch_change", large.batch_id)

    assert "for Guest 1 and 129 more" in orders
    assert "Guest 1 and 129 more" in batch
    assert "130 cards" in batch


def test_plastic_shows_its_address_and_that_no_code_will_come(
    partners: Any, mira: User, desk_of: Any
) -> None:
    order = create_batch(mira, partners.plastic(HOME)).orders.get()

    page = desk_of(mira).text("orders_order_change", order.pk)

    assert "1 Main Street, Springfield, IL 62701, US" in page
    assert "these are plastic cards, sent to the recipients by post" in page


def test_what_the_provider_says_of_a_line_stands_beside_it(
    large: Order, partners: Any, mira: User, desk_of: Any
) -> None:
    large.lines.filter(position=1).update(
        standing="completed", provider_text="Completed", delivered_at=partners.time.now()
    )
    large.lines.filter(position=2).update(standing="cancelled", provider_text="Failed")

    page = desk_of(mira).text("orders_order_change", large.pk)

    for words in ("Delivered", "“Completed”", "Not delivered", "Failed", "1 done"):
        assert words.strip("“”") in page


def test_claim_links_are_masked_everywhere_and_revealed_one_secret_at_a_time(
    linked: Order, mira: User, desk_of: Any
) -> None:
    card = linked.cards.all()[0]
    url, answer = card.claim_url.reveal(), card.challenge.reveal()
    desk = desk_of("support_agent")
    why = {"ticket": "CASE-1", "reason": "The holder lost the mail", "password": PASSWORD}

    page = desk.text("orders_order_change", linked.pk)
    shown = desk.press("orders_order_reveal", card.pk, secret="claim_url", **why).content.decode()
    told = desk.press("orders_order_reveal", card.pk, secret="challenge", **why).content.decode()
    looks = desk_of("auditor").text("orders_reveal_changelist")

    assert page.count("link ••••") == 2
    assert "claim link, answer for the claim link" in page
    assert url not in page + told + looks
    assert answer not in page + shown + looks
    assert url in shown
    assert answer in told
    assert "link ••••" in looks
    assert [look.get_secret_display() for look in card.reveals.order_by("at")] == [
        "Claim link", "Answer for the claim link",
    ]  # fmt: skip


def test_a_claim_link_has_no_last_four_and_is_found_by_itself_alone(
    linked: Order, mira: User, desk_of: Any
) -> None:
    card = linked.cards.all()[0]
    url = card.claim_url.reveal()
    page = reverse("admin:orders_order_change", args=[linked.pk])

    whole = desk_of(mira).press("orders_order_find", q=url)
    part = desk_of(mira).press("orders_order_find", q=url[:-6], follow=True)

    assert (card.last_four, str(card)) == ("", "link ••••")
    assert card.code_index == blind_index(url, field=CODE)
    assert whole.url == page
    assert "Nothing fits" in part.content.decode()
    assert url[:-6] not in part.content.decode()


def test_many_cards_come_in_pages(linked: Order, mira: User, desk_of: Any) -> None:
    line = linked.lines.get()
    Card.objects.bulk_create(
        Card(
            order=linked, line=line, claim_url=f"{URL}{number}", code_index=f"{number:064}",
            currency="USD", face_value_minor=2500,
        )
        for number in range(60)
    )  # fmt: skip

    first = desk_of(mira).text("orders_order_change", linked.pk)
    second = desk_of(mira).text("orders_order_change", linked.pk, c=2)

    assert first.count("link ••••") == 50
    assert second.count("link ••••") == 12
    assert "?c=2" in first


@pytest.fixture
def unfunded(partners: Any, mira: User) -> Order:
    """An order that the provider refused for lack of funds."""
    partners.arm("insufficient_funds")
    order = submit_batch(create_batch(mira, partners.wish()), actor=mira).orders.get()
    partners.work()
    order.refresh_from_db()
    assert order.status == "awaiting_funds"
    return order


def test_an_order_that_waits_for_funds_can_be_sent_again_by_a_maker(
    unfunded: Order, partners: Any, mira: User, desk_of: Any
) -> None:
    desk = desk_of(mira)
    offered = [
        button.name
        for button in desk.get("orders_order_change", unfunded.pk).context["buttons"]
    ]  # fmt: skip

    answer = desk.press("orders_order_resume", unfunded.pk, follow=True)
    partners.pass_time(minutes=2)

    unfunded.refresh_from_db()
    assert offered == ["resume", "withdraw"]
    assert "is sent again in a moment" in said(answer)
    assert unfunded.status == "fulfilled"


def test_an_order_that_waits_for_funds_can_be_withdrawn_once_it_is_surely_not_there(
    unfunded: Order, mira: User, desk_of: Any
) -> None:
    desk_of(mira).press("orders_order_withdraw", unfunded.pk)

    unfunded.refresh_from_db()
    assert unfunded.status == "withdrawn"


def test_sending_again_is_not_for_everybody(unfunded: Order, desk_of: Any) -> None:
    answer = desk_of("auditor").press("orders_order_resume", unfunded.pk)

    assert answer.status_code == 403
