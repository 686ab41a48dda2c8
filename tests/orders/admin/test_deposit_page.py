"""The page of a deposit: figures, a picture that holds with any number of readings, how long."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giftops.models import User
from giftops.money import Money
from orders.admin.deposit_chart import chart_of
from orders.admin.deposit_history import Day
from orders.models import Deposit, Order
from orders.services import alerts, funding, placing
from providers.models import BalanceReading
from tests.orders.admin.conftest import said

PAGE = "orders_deposit_change"


@pytest.fixture
def deposit(shop: Any) -> Deposit:
    return Deposit.objects.select_related("account").get()


def readings(shop: Any, count: int, *, days: int) -> None:
    """So many readings, spread over the last days, each a cent below the one before."""
    step = timedelta(days=days) / count
    BalanceReading.objects.bulk_create(
        BalanceReading(
            account=shop.account, currency="USD", available_minor=5_000_000 + number,
            asked_at=shop.time.moment - step * number,
        )
        for number in range(1, count + 1)
    )  # fmt: skip


def queries_for(desk: Any, deposit: Deposit) -> int:
    with CaptureQueriesContext(connection) as asked:
        desk.text(PAGE, deposit.pk, days="90")
    return len(asked)


def test_the_figures_say_whose_they_are_and_how_old(
    deposit: Deposit, shop: Any, mira: User, desk_of: Any
) -> None:
    Deposit.objects.update(pending_minor=70_000)
    shop.buy(mira)
    shop.time.sleep(180)

    page = " ".join(desk_of(mira).text(PAGE, deposit.pk).split())

    figures = ["USD 700.00", "USD 25.00", "USD 49,975.00", "USD 50,000.00", "3 min ago"]
    names = ["Free", "Provider says: available", "Provider says: pending", "Held by orders"]
    assert [words for words in names + figures if words not in page] == []


def test_money_that_is_held_here_and_charged_there_is_told_apart(
    partners: Any, mira: User, desk_of: Any
) -> None:
    order = partners.buy(mira)
    partners.time.sleep(1)
    placing.place_order(str(order.pk))
    partners.time.sleep(1)
    funding.ask_the_provider(partners.account)

    page = desk_of(mira).text(PAGE, Deposit.objects.get(account=partners.account).pk)

    assert f"{order.total.format()} of it charged there already" in " ".join(page.split())


def test_ten_thousand_readings_cost_no_more_questions_than_ten(
    deposit: Deposit, shop: Any, mira: User, desk_of: Any
) -> None:
    desk = desk_of(mira)
    desk.text(PAGE, deposit.pk)
    few = queries_for(desk, deposit)
    readings(shop, 10_000, days=89)

    many = queries_for(desk, deposit)

    assert many <= few <= 20
    assert len(desk.get(PAGE, deposit.pk, days="90").context["days"]) == 90


def test_of_each_day_the_last_reading_counts(
    deposit: Deposit, shop: Any, mira: User, desk_of: Any
) -> None:
    readings(shop, 48, days=2)  # the fixture's own, at 9:00, is the last of today

    days = desk_of(mira).get(PAGE, deposit.pk).context["days"]

    assert [day.seen.minor for day in days] == [5_000_000, 5_000_010, 5_000_034]


@pytest.mark.parametrize(("asked", "shown"), [("", 30), ("90", 90), ("7", 30), ("x", 30)])
def test_the_picture_covers_thirty_or_ninety_days(
    deposit: Deposit, mira: User, desk_of: Any, asked: str, shown: int
) -> None:
    answer = desk_of(mira).get(PAGE, deposit.pk, days=asked)

    assert answer.context["span"] == shown
    assert f"Balance over {shown} days" in answer.content.decode()


def test_the_picture_is_told_in_words_too(
    fulfilled: Order, deposit: Deposit, mira: User, desk_of: Any
) -> None:
    page = desk_of(mira).text(PAGE, deposit.pk)

    svg = page[page.index("g-chart__balance") :]
    assert re.search(r'aria-labelledby="chart-title chart-words"', svg)
    assert "USD 50,000.00 was added, USD 25.00 was spent." in svg
    assert "<caption" in svg


def test_without_a_reading_there_is_a_sentence_and_no_picture(
    deposit: Deposit, shop: Any, mira: User, desk_of: Any
) -> None:
    shop.time.sleep(40 * 86400)

    answer = desk_of(mira).get(PAGE, deposit.pk)

    assert answer.context["chart"] is None
    assert "was not read in these 30 days" in answer.content.decode()


@pytest.mark.parametrize("seen", [0, -500, 1, 999, 10**13])
@pytest.mark.parametrize("alert", [None, Money(1, "USD"), Money(10**12, "USD")])
def test_any_level_can_be_drawn(seen: int, alert: Money | None) -> None:
    nothing = Money(0, "USD")
    days = [
        Day(date(2026, 3, 1), None, nothing, nothing),
        Day(date(2026, 3, 2), Money(seen, "USD"), nothing, Money(500, "USD")),
        Day(date(2026, 3, 3), None, nothing, Money(-500, "USD")),
    ]

    chart = chart_of(days, alert)

    heights = [float(found) for found in re.findall(r"V([\d.-]+)", chart.line)]
    assert len(heights) == 2
    heights += [float(chart.alert)] if alert else []
    assert all(0 <= height <= 200 for height in heights)
    assert [bar.words for bar in chart.bars] == ["02 Mar: USD 5.00 spent"]


def test_nothing_of_the_page_comes_from_elsewhere(
    deposit: Deposit, mira: User, desk_of: Any
) -> None:
    page = desk_of(mira).text(PAGE, deposit.pk)

    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []


# --- How long it lasts ------------------------------------------------------------------------


def test_how_long_it_lasts_follows_from_what_was_spent(
    fulfilled: Order, deposit: Deposit, mira: User, desk_of: Any
) -> None:
    Deposit.objects.update(available_minor=10_000)  # USD 25.00 went today, so four days more

    lasting = desk_of(mira).get(PAGE, deposit.pk).context["lasting"]

    assert lasting.sentence == (
        "Lasts until about 6 Mar at the rate of the last 24 hours (USD 25.00 spent)."
    )


def test_the_rate_is_that_of_thirty_days_at_most(
    fulfilled: Order, deposit: Deposit, shop: Any, mira: User, desk_of: Any
) -> None:
    Deposit.objects.update(available_minor=10_000)
    shop.time.sleep(29 * 86400)

    lasting = desk_of(mira).get(PAGE, deposit.pk, days="90").context["lasting"]
    shop.time.sleep(2 * 86400)
    later = desk_of(mira).get(PAGE, deposit.pk, days="90").context["lasting"]

    assert lasting.sentence.startswith("Lasts until about 29 Jul at the rate of the last 30 days")
    assert later is None


@pytest.mark.parametrize(
    ("free", "sentence"), [(0, "Nothing is free any more."), (10**10, "more than two years")]
)
def test_no_date_where_none_makes_sense(
    fulfilled: Order, deposit: Deposit, mira: User, desk_of: Any, free: int, sentence: str
) -> None:
    Deposit.objects.update(available_minor=free)

    assert sentence in desk_of(mira).get(PAGE, deposit.pk).context["lasting"].sentence


def test_without_spending_nothing_is_foretold(deposit: Deposit, mira: User, desk_of: Any) -> None:
    answer = desk_of(mira).get(PAGE, deposit.pk)

    assert answer.context["lasting"] is None
    assert "Lasts" not in answer.content.decode()


# --- The warning ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["finance_approver", "administrator"])
def test_who_may_says_when_to_warn(deposit: Deposit, desk_of: Any, role: str) -> None:
    answer = desk_of(role).press("orders_deposit_alert", deposit.pk, below="60000", follow=True)

    assert said(answer) == "Start warns when less than USD 60,000.00 is free."
    assert "It runs low:" in answer.content.decode()


def test_an_empty_field_warns_nobody(deposit: Deposit, tom: User, desk_of: Any) -> None:
    alerts.set_alert(deposit, below=Money(100, "USD"), actor=tom)

    answer = desk_of(tom).press("orders_deposit_alert", deposit.pk, below=" ", follow=True)

    assert said(answer) == "Nobody is warned any more when this deposit runs low."
    assert Deposit.objects.get().alert_below_minor is None


@pytest.mark.parametrize("text", ["lots", "1,000.00", "-5", "0", "1.234"])
def test_what_is_no_amount_is_answered_by_a_sentence(
    deposit: Deposit, tom: User, desk_of: Any, text: str
) -> None:
    answer = desk_of(tom).press("orders_deposit_alert", deposit.pk, below=text, follow=True)

    assert answer.status_code == 200
    assert said(answer)
    assert Deposit.objects.get().alert_below_minor is None


def test_start_shows_a_deposit_that_runs_low_in_amber(
    deposit: Deposit, tom: User, desk_of: Any
) -> None:
    alerts.set_alert(deposit, below=Money(6_000_000, "USD"), actor=tom)

    answer = desk_of(tom).get("index")

    need = answer.context["needs"][-1]
    assert (need.tone, need.what) == ("amber", "deposit low at ncentiva-test")
    assert "USD 50,000.00 is free; you want to know below USD 60,000.00." in (
        answer.content.decode()
    )


def test_start_does_not_tell_who_may_not_see_deposits(
    deposit: Deposit, tom: User, desk_of: Any
) -> None:
    alerts.set_alert(deposit, below=Money(6_000_000, "USD"), actor=tom)

    assert "deposit low" not in desk_of("support_agent").text("index")
