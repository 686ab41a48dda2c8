"""What an answer to a request for numbers means, one row per case."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import decisions
from orders.decisions import Verdict
from orders.issuing_states import RESERVATION_STEPS, NumberState, ReservationState
from orders.weighing import reservations as weighing
from orders.weighing.reservations import Course
from providers.gateways import errors

SENT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
A, B = "WEB-9198262557214413", "WEB-9198262557214414"
S = ReservationState


@pytest.mark.parametrize(
    ("numbers", "asked", "known", "fault"),
    [
        ([A, B], 2, [], ""),
        ([A], 2, [], ""),
        ([A, B], 1, [], "more numbers than were asked for"),
        ([A, A], 2, [], "the same number twice"),
        ([A, B], 2, [B], "numbers that we have already"),
        ([A, ""], 2, [], "numbers that can be none"),
        ([A, "99/5323 57538"], 2, [], "numbers that can be none"),
        ([A, "../Create"], 2, [], "numbers that can be none"),
        ([A, "-1"], 2, [], "numbers that can be none"),
        ([A, "9" * 65], 2, [], "numbers that can be none"),
        ([A, "９９"], 2, [], "numbers that can be none"),
        ([A, f"{B}\n"], 2, [], "numbers that can be none"),
    ],
)
def test_numbers_that_cannot_be_right_are_noticed(numbers, asked, known, fault):
    assert weighing.fault_of(numbers, numbers, asked=asked, known=known) == fault


def test_numbers_that_only_look_different_are_the_same():
    assert weighing.fault_of(["A-1", "a1"], ["x", "x"], asked=2, known=[]) != ""


@pytest.mark.parametrize(
    ("error", "first", "after_an_unresolved_one"),
    [
        (errors.NotSent("x"), S.REQUESTED, S.UNKNOWN),
        (errors.TokenRefused("x"), S.REQUESTED, S.UNKNOWN),
        (errors.RateLimited("x"), S.REQUESTED, S.UNKNOWN),
        (errors.Maintenance("x"), S.REQUESTED, S.UNKNOWN),
        (errors.ProviderMisconfigured("x"), S.REQUESTED, S.UNKNOWN),
        (errors.ProviderRejected("x"), S.REJECTED, S.UNKNOWN),
        (errors.UnknownRefusal("x"), S.UNKNOWN, S.UNKNOWN),
        (errors.OutcomeUnknown("x"), S.UNKNOWN, S.UNKNOWN),
        (errors.MalformedResponse("x"), S.UNKNOWN, S.UNKNOWN),
        (errors.AnswerMismatch("x"), S.UNKNOWN, S.UNKNOWN),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_error_means_depends_on_what_is_unresolved(error, first, after_an_unresolved_one):
    verdict = decisions.verdict_of(error)

    for is_second, expected in ((False, first), (True, after_an_unresolved_one)):
        assert expected == weighing.state_after(
            verdict, earlier_unresolved=is_second, has_numbers=False, refusals=1
        )


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.PLACED}))
def test_whatever_a_repeat_says_numbers_that_came_meanwhile_are_there(verdict):
    becomes = weighing.state_after(verdict, earlier_unresolved=True, has_numbers=True, refusals=0)

    assert becomes is S.RESERVED


@pytest.mark.parametrize(("refusals", "expected"), [(7, S.REQUESTED), (8, S.REJECTED)])
def test_a_request_that_is_never_carried_out_is_given_up(refusals, expected):
    assert expected == weighing.state_after(
        Verdict.NOT_EXECUTED, earlier_unresolved=False, has_numbers=False, refusals=refusals
    )


@given(
    st.sampled_from(sorted(set(Verdict) - {Verdict.PLACED})),
    st.booleans(),
    st.booleans(),
    st.integers(0, 20),
)
def test_every_state_after_a_send_is_one_that_may_follow(verdict, earlier, has, refusals):
    becomes = weighing.state_after(
        verdict, earlier_unresolved=earlier, has_numbers=has, refusals=refusals
    )

    assert (S.SENDING, becomes) in RESERVATION_STEPS
    if earlier and not has:
        assert becomes is S.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "unheard", "was_asked_again", "may_be_sent", "course"),
    [
        ("single", 1, False, True, Course.AGAIN),
        ("single", 2, False, True, Course.AGAIN),
        ("single", 3, False, True, Course.LAPSE),
        ("single", 1, False, False, Course.LAPSE),
        ("pool", 1, False, True, Course.AGAIN),
        ("pool", 2, False, True, Course.REVIEW),
        ("pool", 1, False, False, Course.REVIEW),
        ("pool", 0, True, True, Course.AGAIN),
        ("pool", 1, True, True, Course.REVIEW),
    ],
)
def test_what_is_done_about_silence(kind, unheard, was_asked_again, may_be_sent, course):
    assert course == weighing.course_of(
        kind, unheard=unheard, was_asked_again=was_asked_again, may_be_sent=may_be_sent
    )


@pytest.mark.parametrize(
    ("kind", "age", "is_usable"),
    [
        ("single", timedelta(), True),
        ("single", timedelta(minutes=49, seconds=59), True),
        ("single", timedelta(minutes=50), False),
        ("single", timedelta(hours=2), False),
        ("pool", timedelta(days=900), True),
    ],
)
def test_a_single_number_is_left_alone_ten_minutes_before_its_hour_is_over(kind, age, is_usable):
    expires = weighing.expires_at(kind, SENT, HOUR)

    assert weighing.is_usable(expires, SENT + age) is is_usable


@pytest.mark.parametrize(
    ("is_in_order", "age", "state"),
    [
        (True, timedelta(), NumberState.RESERVED),
        (True, timedelta(minutes=55), NumberState.EXPIRED),
        (False, timedelta(), NumberState.QUARANTINED),
        (False, timedelta(minutes=55), NumberState.QUARANTINED),
    ],
)
def test_the_first_state_of_a_number(is_in_order, age, state):
    assert state == weighing.state_of_number(
        is_in_order=is_in_order, expires=SENT + HOUR, now=SENT + age
    )


@pytest.mark.parametrize(
    ("left", "limit", "is_low"), [(0, 0, False), (11, 10, False), (10, 10, True), (0, 10, True)]
)
def test_a_pool_runs_low_at_its_limit(left, limit, is_low):
    assert weighing.is_low(left, limit) is is_low
