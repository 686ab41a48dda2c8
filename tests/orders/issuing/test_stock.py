"""Numbers in stock: taken once, given back in time, expired before their end, counted."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from giftops import clock
from orders.issuing_states import CardState, NumberState
from orders.models import Card, Pool, ReservedNumber
from orders.services.issuing import stepping
from orders.services.issuing.reservations import stock
from orders.services.problems import Refused
from providers import services as providers
from tests.orders.issuing.scripted import SLUG, number

N = NumberState


@pytest.fixture
def card_of(desk, mira):
    """A card that waits for a number."""
    return lambda: desk.issuance(mira, 1).cards.get()


def link(card, taken):
    Card.objects.filter(pk=card.pk).update(number=taken)
    card.refresh_from_db()


def test_each_card_takes_another_number_the_oldest_first(desk, mira, card_of):
    pool = desk.pool(mira, 3)

    taken = [stock.take(card=card_of(), pool=pool) for _ in range(3)]

    assert [one.number.reveal() for one in taken] == [number(1), number(2), number(3)]
    assert {one.state for one in taken} == {N.CREATING}
    with pytest.raises(stock.OutOfNumbers, match="Reserve more"):
        stock.take(card=card_of(), pool=pool)


def test_whoever_comes_second_takes_another_one(desk, mira, card_of, monkeypatch):
    pool = desk.pool(mira, 2)
    shift, waits = stepping.shift, [True]

    def shift_late(thing, to, **changes):
        if waits.pop() if waits else False:
            ReservedNumber.objects.filter(pk=thing.pk).update(state=N.CREATING, version=7)
        return shift(thing, to, **changes)

    monkeypatch.setattr(stepping, "shift", shift_late)

    taken = stock.take(card=card_of(), pool=pool)

    assert taken.number.reveal() == number(2)


def test_a_card_keeps_the_number_that_it_has(desk, mira, card_of):
    pool, card = desk.pool(mira, 3), card_of()
    link(card, stock.take(card=card_of(), pool=pool))
    stock.give_back(card.number)

    others = stock.take(card=card_of(), pool=pool)
    its_own = stock.take(card=card, pool=pool)

    assert (its_own.pk, others.number.reveal()) == (card.number_id, number(2))


def test_a_number_of_another_account_is_not_taken(desk, mira, card_of):
    elsewhere = providers.create_account(
        name="other", provider=SLUG, environment="sandbox", currency="USD",
        base_url="http://127.0.0.1:8010/other", credentials={"username": "other"},
    )  # fmt: skip
    pool = Pool.objects.create(account=elsewhere, agency="Harbor", name="Theirs")

    with pytest.raises(Refused, match="not at the account"):
        stock.take(card=card_of(), pool=pool)


@pytest.mark.parametrize(("minutes", "is_taken"), [(49, True), (50, False), (61, False)])
def test_a_single_number_is_not_taken_ten_minutes_before_its_end(
    desk, mira, card_of, minutes, is_taken
):
    reservation, card = desk.reserved(mira), card_of()
    desk.time.sleep(minutes * 60)

    if is_taken:
        assert stock.take(card=card, reservation=reservation).state == N.CREATING
    else:
        with pytest.raises(stock.OutOfNumbers, match="too close to its end"):
            stock.take(card=card, reservation=reservation)


@pytest.mark.parametrize(("minutes", "state"), [(49, N.RESERVED), (50, N.EXPIRED)])
def test_what_is_given_back_is_left_or_expired(desk, mira, card_of, minutes, state):
    taken = stock.take(card=card_of(), reservation=desk.reserved(mira))
    desk.time.sleep(minutes * 60)

    stock.give_back(taken)

    assert taken.state == state


def test_single_numbers_expire_by_themselves_and_pools_never(desk, mira):
    desk.pool(mira, 2)
    reservation = desk.reserved(mira)
    desk.time.sleep(50 * 60)

    counts = [stock.expire_old(clock.db_now()), stock.expire_old(clock.db_now())]

    assert counts == [1, 0]
    assert reservation.numbers.get().state == N.EXPIRED
    assert [event.text for event in reservation.events.all()] == ["•••• 0003 expired unused"]
    assert ReservedNumber.objects.filter(state=N.RESERVED).count() == 2


def test_a_number_that_is_being_created_does_not_expire_under_our_hands(desk, mira, card_of):
    taken = stock.take(card=card_of(), reservation=desk.reserved(mira))
    desk.time.sleep(2 * 3600)

    stock.expire_old(clock.db_now())

    taken.refresh_from_db()
    assert taken.state == N.CREATING


def test_the_figures_of_a_pool_add_up(desk, mira, card_of):
    pool = desk.pool(mira, 9, low_stock_at=2)
    wanted = [N.CREATED, N.RETIRED, N.IN_DOUBT, N.NEEDS_REVIEW]
    for state in wanted:
        taken = stock.take(card=card_of(), pool=pool)
        ReservedNumber.objects.filter(pk=taken.pk).update(state=state)
    stock.take(card=card_of(), pool=pool)

    found = stock.stock_of(pool)

    assert (found.received, found.created, found.retired, found.in_use) == (9, 1, 1, 3)
    assert found.left == 4
    assert found.received == (
        found.left + found.created + found.in_use + found.expired + found.retired
    )
    assert not found.is_low


def test_a_single_number_about_to_expire_counts_as_expired(desk, mira):
    reservation = desk.reserved(mira)
    desk.time.sleep(55 * 60)

    found = stock.stock_of(reservation)

    assert (found.left, found.expired, found.received) == (0, 1, 1)


def test_many_pools_are_counted_in_two_queries(desk, mira):
    pools = [desk.pool(mira, count) for count in (0, 1, 4)]

    with CaptureQueriesContext(connection) as seen:
        found = stock.stocks(pools)

    assert [found[pool.pk].left for pool in pools] == [0, 1, 4]
    assert len(seen) <= 2


def test_a_pool_that_runs_low_is_listed_and_told_once(
    desk, mira, card_of, django_capture_on_commit_callbacks
):
    low, fine = desk.pool(mira, 4, low_stock_at=2), desk.pool(mira, 4)

    with capture_logs() as said, django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            stock.take(card=card_of(), pool=low)
            stock.take(card=card_of(), pool=fine)

    assert [line["left"] for line in said if line["event"] == "pool.low"] == [2]
    assert [(pool, found.left) for pool, found in stock.low_pools()] == [(low, 1)]


def test_pools_of_an_account_that_is_off_alarm_nobody(desk, mira):
    desk.pool(mira, 1, low_stock_at=5)
    desk.account.is_active = False
    desk.account.save()

    assert stock.low_pools() == []


def test_a_card_has_to_say_where_its_number_comes_from(desk, mira):
    card = desk.card(mira, state=CardState.WAITING)

    with pytest.raises(ValueError, match="Say where"):
        stock.take(card=card)


def test_the_margin_is_ten_minutes(desk, mira):
    reservation = desk.reserved(mira)
    end = reservation.numbers.get().expires_at

    before, after = (end - timedelta(minutes=10, seconds=early) for early in (1, 0))

    assert stock.usable(reservation, before).count() == 1
    assert stock.usable(reservation, after).count() == 0
