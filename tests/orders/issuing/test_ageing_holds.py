"""Open holds lock a customer's money: they are counted and listed by age."""

from datetime import timedelta

from orders.services.issuing.holds import ageing, finishing
from orders.services.issuing.holds.ageing import Age, Open
from tests.orders.issuing.holds import fresh, held


def test_open_holds_are_listed_by_age_and_counted_in_one_query(
    desk, mira, django_assert_num_queries
):
    old = held(desk, desk.card(mira), mira)
    desk.time.sleep(23.5 * 3600)
    middle = held(desk, desk.card(mira), mira)
    done = held(desk, desk.card(mira), mira)
    finishing.cancel_hold(done, actor=mira)
    desk.work()
    desk.time.sleep(3600)
    young = held(desk, desk.card(mira), mira)

    assert list(ageing.open_holds()) == [old, middle, young]
    assert list(ageing.open_holds(ageing.AN_HOUR)) == [old, middle]
    assert list(ageing.open_holds(ageing.A_DAY)) == [old]
    with django_assert_num_queries(1):
        counted = ageing.count_open()
    assert counted == Open(total=3, over_an_hour=2, over_a_day=1)


def test_a_hold_has_an_age_only_while_it_is_open(desk, mira):
    hold = held(desk, desk.card(mira), mira)
    at = hold.authorized_at

    ages = [ageing.age_of(hold, at + timedelta(minutes=one)) for one in (59, 60, 1439, 1440)]

    assert ages == [Age.FRESH, Age.OVER_AN_HOUR, Age.OVER_AN_HOUR, Age.OVER_A_DAY]
    finishing.confirm_hold(hold, actor=mira)
    desk.work()
    assert ageing.age_of(fresh(hold), at + ageing.A_DAY) is Age.FRESH
