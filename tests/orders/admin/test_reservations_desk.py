"""Reservations: pools with their bars, single numbers with their clock, what may be lost."""

from typing import Any

import pytest
import requests
from django.urls import reverse

from giftops.models import AuditEntry, User
from giftops.once import new_token
from orders.issuing_states import NumberState, ReservationState
from orders.models import Pool, Reservation, ReservedNumber
from tests.orders.admin.conftest import said

LIST = "orders_pool_changelist"


def ask(desk: Any, issuer: Any, **fields: Any) -> Any:
    usual = {
        "account": issuer.account.pk, "type": "pool", "agency": "Harbor Street", "name": "Spring",
        "count": "500",
    }  # fmt: skip
    return desk.press("orders_pool_request", follow=True, **usual | fields)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_an_empty_desk_says_what_it_is_for_and_offers_the_first_step(
    issuer: Any, mira: User, tom: User, desk_of: Any
) -> None:
    assert "Ask for the first numbers" in desk_of(mira).text(LIST)
    assert "Ask for the first numbers" not in desk_of(tom).text(LIST)


def test_without_an_issuer_it_says_so(mira: User, desk_of: Any) -> None:
    page = desk_of(mira).text(LIST)

    assert "None is connected yet" in page
    assert "Ask for" not in page


def test_a_pool_is_asked_for_once_and_its_numbers_come(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    desk, token = desk_of(mira), new_token()

    first = ask(desk, issuer, once=token)
    ask(desk, issuer, once=token)
    issuer.work()

    pool = Pool.objects.get()
    assert said(first) == (
        "500 numbers are asked for at issuer-test in a moment. "
        f'<a href="{reverse("admin:orders_reservation_change", args=[pool.reservations.get().pk])}'
        '">Watch it</a>'
    )
    assert len(issuer.sent("reserve")) == 1
    page = flat(desk.text(LIST))
    assert "<b>500 numbers</b> left" in page
    assert "asked 500, received 500" in page


def test_what_was_cut_off_is_asked_for_with_one_press(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    desk = desk_of(mira)
    ask(desk, issuer, count="800")
    issuer.work()
    cut = Reservation.objects.get()

    before = flat(desk.text(LIST))
    answer = desk.press("orders_reservation_top_up", cut.pk, follow=True)
    issuer.work()
    after = flat(desk.text("orders_pool_change", cut.pool_id))

    assert "asked 800, received 500" in before
    assert "Ask for 300 more" in before
    assert "300 numbers are more asked for" in said(answer) or "300" in said(answer)
    assert "asked 800, received 800" in after
    assert "Ask for 300 more" not in after


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"account": ""}, "account", "Choose an account."),
        ({"account": "x"}, "account", "Choose an account."),
        ({"agency": " "}, "agency", "Name the company."),
        ({"name": ""}, "name", "Name the pool."),
        ({"count": ""}, "count", "Say how many numbers."),
        ({"count": "many"}, "count", "Give a whole number."),
        ({"count": "0"}, "count", "Ask for 1 to 10,000 numbers."),
        ({"count": "10001"}, "count", "Ask for 1 to 10,000 numbers."),
        ({"low_stock_at": "-1"}, "low_stock_at", "Ensure this value"),
        ({"type": "all"}, "type", "Choose one."),
    ],
)
def test_wrong_input_is_said_at_its_field_and_nothing_is_asked(
    issuer: Any, mira: User, desk_of: Any, fields: dict[str, str], field: str, sentence: str
) -> None:
    answer = ask(desk_of(mira), issuer, **fields)

    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors[field][0]
    assert not Reservation.objects.exists()


def test_a_single_number_shows_its_clock(issuer: Any, mira: User, desk_of: Any) -> None:
    desk = desk_of(mira)
    ask(desk, issuer, type="single", name="")
    issuer.work()
    issuer.pass_time(minutes=19)

    own = ("orders_reservation_change", Reservation.objects.get().pk)
    pages = flat(desk.text(LIST)), flat(desk.text(*own))
    issuer.pass_time(minutes=32)
    later = flat(desk.text(LIST)), flat(desk.text(*own))

    assert all("min left, usable for" in page for page in pages)
    assert all("Create a card on it" in page for page in pages)
    assert not any("Create a card on it" in page for page in later)


def test_numbers_are_masked_everywhere(issuer: Any, mira: User, desk_of: Any) -> None:
    pool = issuer.pool(mira, 3)
    single = issuer.reserved(mira)
    desk = desk_of(mira)

    pages = [
        desk.text(LIST),
        desk.text("orders_pool_change", pool.pk),
        desk.text("orders_reservation_change", pool.reservations.get().pk),
        desk.text("orders_reservation_change", single.pk),
    ]

    for number in ReservedNumber.objects.all():
        assert not [page for page in pages if number.number.reveal() in page]
    assert f"•••• {single.numbers.get().last_four}" in pages[0]


def test_numbers_are_paged_and_found_by_state(issuer: Any, mira: User, desk_of: Any) -> None:
    pool = issuer.pool(mira, 60)
    some = pool.reservations.get().numbers.order_by("id")[:2]
    ReservedNumber.objects.filter(pk__in=[one.pk for one in some]).update(state=NumberState.CREATED)
    desk = desk_of(mira)

    second = desk.get("orders_pool_change", pool.pk, p=2)
    created = desk.get("orders_pool_change", pool.pk, show="created")

    assert len(second.context["numbers"].object_list) == 10
    assert len(created.context["numbers"].object_list) == 2
    assert "Page 2 of 2" in second.content.decode()


def test_a_pool_that_runs_low_says_so(issuer: Any, mira: User, desk_of: Any) -> None:
    issuer.pool(mira, 3, low_stock_at=3)

    assert "Runs low" in desk_of(mira).text(LIST)


def test_the_low_line_is_changed_on_the_page_of_the_pool(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    pool, desk = issuer.pool(mira, 3), desk_of(mira)

    done = desk.press("orders_pool_line", pool.pk, low_stock_at="20", tops_up="on", follow=True)
    wrong = desk.press("orders_pool_line", pool.pk, low_stock_at="-1", follow=True)

    pool.refresh_from_db()
    assert (pool.low_stock_at, pool.tops_up) == (20, True)
    assert "20 numbers or fewer" in said(done)
    assert "whole number" in said(wrong)
    assert AuditEntry.objects.filter(action="pool.changed").count() == 1


def lose(issuer: Any, mira: User, count: int = 500) -> Reservation:
    """A pool whose two answers never came: held for a person."""
    issuer.says("reserve", requests.ReadTimeout(), requests.ReadTimeout())
    from orders.services.issuing.reservations import reserving

    asked = reserving.request_pool(
        issuer.account, actor=mira, agency="Harbor Street", name="Lost", count=count
    )
    issuer.pass_time(minutes=10)
    asked.refresh_from_db()
    assert asked.state == ReservationState.NEEDS_REVIEW
    return asked


def test_lost_answers_are_listed_and_a_person_decides(
    issuer: Any, mira: User, tom: User, desk_of: Any
) -> None:
    lost = lose(issuer, mira)
    desk = desk_of(mira)

    listing, page = desk.text(LIST), flat(desk.text("orders_reservation_change", lost.pk))
    others = desk_of(tom).text("orders_reservation_change", lost.pk)
    silent = desk.press("orders_reservation_leave", lost.pk, reason=" ")
    left = desk.press("orders_reservation_leave", lost.pk, reason="They see none", follow=True)

    lost.refresh_from_db()
    assert "May be lost" in listing
    assert "A person decides" in page
    assert "Ask again for 500 numbers" in page
    assert "A person decides" not in others
    assert silent.status_code == 409
    assert "left as it is" in said(left)
    assert lost.state == ReservationState.LAPSED


def test_asking_again_sends_it_once_more(issuer: Any, mira: User, desk_of: Any) -> None:
    lost = lose(issuer, mira)

    desk_of(mira).press("orders_reservation_ask_again", lost.pk, reason="Support saw none")
    issuer.work()

    lost.refresh_from_db()
    assert (lost.state, lost.received) == (ReservationState.RESERVED, 500)


def test_a_request_that_was_not_sent_is_withdrawn(issuer: Any, mira: User, desk_of: Any) -> None:
    desk = desk_of(mira)
    ask(desk, issuer)
    asked = Reservation.objects.get()

    answer = desk.press("orders_reservation_withdraw", asked.pk, follow=True)
    issuer.work()

    asked.refresh_from_db()
    assert "Nothing was asked for" in said(answer)
    assert asked.state == ReservationState.WITHDRAWN
    assert issuer.sent("reserve") == []


def test_a_quarantined_batch_is_red_and_its_numbers_are_not_offered(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    from providers.gateways.base import ReservedNumbers
    from tests.orders.issuing.scripted import number

    issuer.says("reserve", ReservedNumbers(numbers=(number(7), number(7))))
    desk = desk_of(mira)
    ask(desk, issuer, count="2")
    issuer.work()

    page = desk.text(LIST)

    assert "In quarantine" in page
    assert "cannot be right" in page
    assert "Issue cards from it" not in desk.text("orders_pool_change", Pool.objects.get().pk)


def test_the_desk_asks_no_more_however_many_pools_and_numbers_there_are(
    issuer: Any, mira: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(6):
        issuer.pool(mira, 20, low_stock_at=50)
        issuer.reserved(mira)
    desk, pool = desk_of(mira), Pool.objects.first()
    desk.text(LIST)

    with django_assert_max_num_queries(20):
        desk.text(LIST)
    with django_assert_max_num_queries(16):
        desk.text("orders_pool_change", pool.pk)
    with django_assert_max_num_queries(20):
        desk.text("orders_reservation_change", pool.reservations.get().pk)
    with django_assert_max_num_queries(11):
        desk.text("orders_reservation_changelist")
