"""Numbers reserved through the real gateway, against the ledger of the simulated issuer."""

import pytest

from giftops import clock
from orders.issuing_states import NumberState, ReservationState
from orders.models import BreakKind, ReservedNumber
from orders.services.issuing.reservations import reserving, stock

S = ReservationState
RESERVE = "reserveIds"


@pytest.fixture
def pool_of(merchant, mira):
    """Ask for a pool of so many numbers, and wait a little."""

    def ask(count, minutes=5.0, **fields):
        reservation = reserving.request_pool(
            merchant.account, actor=mira, agency="Harbor Street", name="Autumn", count=count,
            **fields,
        )  # fmt: skip
        merchant.work()
        merchant.pass_time(minutes=minutes, steps=10)
        reservation.refresh_from_db()
        return reservation

    return ask


def ours():
    return [one.number.reveal() for one in ReservedNumber.objects.order_by("position")]


def test_what_they_reserved_is_what_we_have(merchant, pool_of):
    reservation = pool_of(7)

    assert (reservation.state, ours()) == (S.RESERVED, merchant.reserved())
    assert len(merchant.reserved()) == 7


def test_a_pool_of_700_is_cut_to_500_and_topped_up_by_itself(merchant, pool_of):
    reservation = pool_of(700, tops_up=True)

    found = stock.stock_of(reservation.pool)
    assert (found.asked, found.received, found.left) == (700, 700, 700)
    assert reservation.reason == "Asked for 700, got 500: they cut it."
    assert len(merchant.reserved()) == 700


@pytest.mark.parametrize(
    ("fault", "is_wasted"),
    [
        ("timeout_before_commit", False),
        ("timeout_after_commit", True),
        ("reset_before_commit", False),
        ("reset_after_commit", True),
        ("truncated_json", True),
        ("http_500", False),
        ("empty_200", True),
    ],
)
def test_what_a_lost_answer_may_have_wasted_is_listed(merchant, pool_of, fault, is_wasted):
    merchant.arm(fault, RESERVE)

    reservation = pool_of(5)

    assert (reservation.state, reservation.received, reservation.may_be_lost) == (S.RESERVED, 5, 5)
    assert ours() == merchant.reserved()[-5:]
    assert len(merchant.reserved()) == (10 if is_wasted else 5)
    assert list(stock.leaks()) == [reservation]


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("numbers_extra", {"numbers": 2}),
        ("numbers_twice", {}),
        ("numbers_repeated", {}),
        ("number_malformed", {}),
        ("number_malformed", {"text": ""}),
        ("number_malformed", {"text": "9" * 200}),
        ("number_malformed", {"text": "\u202e99-1\U0001f4a5"}),
    ],
)
def test_batches_that_overlap_or_repeat_are_quarantined(merchant, pool_of, fault, params):
    pool_of(3)
    merchant.arm(fault, RESERVE, **params)

    reservation = pool_of(4)

    assert reservation.state == S.QUARANTINED
    assert {one.state for one in reservation.numbers.all()} == {NumberState.QUARANTINED}
    assert [one.kind for one in reservation.breaks.all()] == [BreakKind.NUMBERS]
    assert stock.stock_of(reservation.pool).left == 3


@pytest.mark.parametrize(
    ("fault", "params"), [("number_malformed", {"text": None}), ("html_200", {})]
)
def test_an_answer_that_cannot_be_read_is_never_used(merchant, pool_of, fault, params):
    merchant.arm(fault, RESERVE, times=5, **params)

    reservation = pool_of(4)

    kinds = {one.kind for one in reservation.breaks.filter(closed_at=None)}
    assert (reservation.state, reservation.may_be_lost) == (S.NEEDS_REVIEW, 8)
    assert kinds == {BreakKind.CONTRACT, BreakKind.LOST_NUMBERS}
    assert stock.stock_of(reservation.pool).left == 0


@pytest.mark.parametrize("fault", ["http_401", "http_403", "not_found_html", "rate_limited"])
def test_what_was_not_carried_out_costs_nothing(merchant, pool_of, fault):
    merchant.arm(fault, RESERVE)

    reservation = pool_of(4, minutes=30)

    assert (reservation.state, reservation.may_be_lost) == (S.RESERVED, 0)
    assert ours() == merchant.reserved()


def test_we_let_go_of_a_single_number_before_they_do(merchant, mira):
    reservation = reserving.request_single(merchant.account, actor=mira, agency="Harbor Street")
    merchant.work()
    number = reservation.numbers.get()
    there = merchant.simulated.ledger.reservation(number.number.reveal())

    merchant.pass_time(minutes=52)

    number.refresh_from_db()
    assert number.state == NumberState.EXPIRED
    assert number.expires_at.timestamp() <= there["lapses_at"]
    assert clock.db_now().timestamp() < there["lapses_at"]
