"""Slots: no window ever holds too many, nobody starves, and nothing is left unused."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import rates
from providers.rates import LEAD, MARGIN, READ, SECOND, WRITE, Limit, Window, limits_of

PRODUCTION = limits_of(2, 60)
NOW = 1_000 * SECOND
FAR = 3600 * SECOND


def most_in(stamps: list[int], span: int) -> int:
    """The largest number of stamps in any half-open window of that length."""
    return max(
        (sum(1 for at in stamps if start <= at < start + span) for start in stamps), default=0
    )


def test_writes_are_promised_as_densely_as_the_limits_allow() -> None:
    window = Window()

    promised = [rates.promise(window, PRODUCTION, NOW) for _ in range(180)]

    assert most_in(promised, SECOND + MARGIN) == 2
    assert most_in(promised, 60 * SECOND + MARGIN) == 60
    assert promised[-1] - NOW < 3 * 61 * SECOND


def test_an_early_write_waits_for_its_promise_and_a_late_one_goes_at_once() -> None:
    window = Window()
    first, second, third = (rates.promise(window, PRODUCTION, NOW) for _ in range(3))

    early = rates.grant_write(window, PRODUCTION, NOW, third, 5 * SECOND)
    late = rates.grant_write(window, PRODUCTION, NOW + 10 * SECOND, first, 5 * SECOND)

    assert early == (third, True)
    assert late == (NOW + 10 * SECOND + LEAD, True)
    assert window.line == [second]


def test_a_write_that_is_too_far_away_keeps_its_turn_and_uses_nothing() -> None:
    window = Window()
    promised = [rates.promise(window, PRODUCTION, NOW) for _ in range(30)][-1]

    at, granted = rates.grant_write(window, PRODUCTION, NOW, promised, 5 * SECOND)

    assert (at, granted) == (promised, False)
    assert (len(window.line), window.grants) == (30, [])


def test_one_who_comes_back_is_not_sent_to_the_end_of_the_line() -> None:
    window = Window()
    promised = [rates.promise(window, PRODUCTION, NOW) for _ in range(300)]
    mine, last = promised[40], promised[-1]

    at = rates.renew(window, PRODUCTION, mine + 2 * SECOND, mine)

    assert at < last
    assert at - mine < 65 * SECOND
    assert len(window.line) <= 300


def test_reads_use_at_most_four_fifths_and_one_fifth_while_writes_wait() -> None:
    def granted(window: Window) -> int:
        return sum(
            rates.grant_read(window, PRODUCTION, NOW + step * SECOND, SECOND)[1]
            for step in range(60)
        )

    waiting = Window(line=[NOW + FAR])

    assert granted(Window()) == 48
    assert granted(waiting) == 12


def test_a_read_that_must_wait_too_long_takes_no_slot() -> None:
    window = Window()
    rates.grant_read(window, PRODUCTION, NOW, 0)
    before = list(window.grants)

    at, granted = rates.grant_read(window, PRODUCTION, NOW, SECOND // 2)

    assert (granted, window.grants) == (False, before)
    assert at == before[0][0] + SECOND + MARGIN


def test_a_write_finds_room_after_a_burst_of_reads() -> None:
    window = Window()
    for step in range(60):
        rates.grant_read(window, PRODUCTION, NOW + step * SECOND, 0)

    promised = rates.promise(window, PRODUCTION, NOW + 60 * SECOND)

    assert promised - (NOW + 60 * SECOND) < 2 * SECOND


def test_after_a_429_nobody_goes_before_they_said() -> None:
    window = Window()
    until = rates.penalise(window, NOW, 7 * SECOND, 0.5)

    assert until == NOW + 7 * SECOND
    assert rates.promise(window, PRODUCTION, NOW) >= until
    assert rates.grant_read(window, PRODUCTION, NOW, 5 * SECOND) == (until, False)


def test_without_a_wish_of_theirs_the_wait_doubles_up_to_a_minute_and_is_forgotten() -> None:
    window, now, waits = Window(), NOW, []
    for _ in range(8):
        waits.append(rates.penalise(window, now, None, 0.5) - now)
        now = window.blocked_until

    assert [wait // SECOND for wait in waits] == [2, 4, 8, 16, 32, 60, 60, 60]
    assert rates.penalise(window, now + rates.PENALTY_MEMORY + 1, None, 0.5) == (
        now + rates.PENALTY_MEMORY + 1 + 2 * SECOND
    )


def test_who_misses_a_grant_gets_another_that_keeps_the_limits() -> None:
    window = Window()
    slot = rates.promise(window, PRODUCTION, NOW)
    at, _ = rates.grant_write(window, PRODUCTION, NOW, slot, 5 * SECOND)
    others = [rates.grant_read(window, PRODUCTION, NOW, 5 * SECOND)[0] for _ in range(3)]

    late = rates.Late(at, WRITE, SECOND)
    again, granted = rates.grant_again(window, PRODUCTION, at + SECOND, late, 9 * SECOND)

    assert granted
    assert again >= at + 3 * SECOND
    assert [time for time, _ in window.grants] == sorted([*others, again])
    assert most_in([*others, again], SECOND + MARGIN) <= 2


def test_who_misses_a_grant_by_far_too_much_stands_in_line_again() -> None:
    window = Window(grants=[(NOW, WRITE)], blocked_until=NOW + FAR)

    at, granted = rates.grant_again(
        window, PRODUCTION, NOW + SECOND, rates.Late(NOW, WRITE, SECOND), 5 * SECOND
    )

    assert (at, granted) == (NOW + FAR, False)
    assert (window.grants, window.line) == ([], [NOW + FAR])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.6), (0.999999, 2.4)])
def test_the_wait_is_jittered_by_a_fifth(low: float, high: float) -> None:
    until = rates.penalise(Window(), NOW, None, low)

    assert (until - NOW) / SECOND == pytest.approx(high, abs=0.001)


STEPS = st.lists(
    st.tuples(st.sampled_from("prgkx"), st.integers(0, 3 * SECOND), st.integers(0, 10**6)),
    min_size=1,
    max_size=80,
)


@given(STEPS, st.sampled_from([(2, 60), (1, 20), (1, 1), (5, 5), (3, 7)]))
def test_no_mixture_of_reads_writes_and_latecomers_breaks_a_limit(
    steps: list[tuple[str, int, int]], numbers: tuple[int, int]
) -> None:
    limits, window, now = limits_of(*numbers), Window(), NOW
    promises: list[int] = []
    granted: list[tuple[int, str]] = []
    for action, pause, seed in steps:
        now += pause
        choice = random.Random(seed).choice(promises) if promises else None
        if action == "p":
            promises.append(rates.promise(window, limits, now))
        elif action == "r":
            at, ok = rates.grant_read(window, limits, now, 5 * SECOND)
            granted += [(at, READ)] if ok else []
        elif choice is not None and action == "k":
            promises.remove(choice)
            promises.append(rates.renew(window, limits, now, choice))
        elif choice is not None:
            at, ok = rates.grant_write(window, limits, now, choice, 5 * SECOND)
            promises.remove(choice)
            granted += [(at, WRITE)] if ok else []
            promises += [] if ok else [at]

    for limit in limits:
        assert most_in([at for at, _ in granted], limit.window + MARGIN) <= limit.count
        share = limit.share(4, 5)
        reads = [at for at, kind in granted if kind == READ]
        assert most_in(reads, limit.window + MARGIN) <= share.count


def test_a_share_is_at_least_one_request() -> None:
    assert Limit(2, SECOND).share(4, 5) == Limit(1, SECOND)
    assert Limit(1, SECOND).share(1, 5) == Limit(1, SECOND)
