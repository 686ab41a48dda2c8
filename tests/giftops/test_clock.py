from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from giftops import clock


class StandingClock:
    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def db_now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_both_clocks_speak_utc():
    assert clock.now().utcoffset() == timedelta()
    assert clock.db_now().utcoffset() == timedelta()


@pytest.mark.django_db
def test_a_wrong_clock_of_the_process_does_not_move_the_database_clock():
    before = clock.db_now()

    with time_machine.travel(before + timedelta(days=1)):
        drift = clock.db_now() - before
        skew = clock.now() - before

    assert drift < timedelta(minutes=1)
    assert skew >= timedelta(days=1)


@pytest.mark.django_db
def test_the_database_clock_moves_on_inside_a_transaction():
    first = clock.db_now()

    clock.sleep(0.01)

    assert clock.db_now() > first


def test_a_simulation_brings_its_own_time():
    with clock.use(StandingClock(NEW_YEAR)):
        clock.sleep(90)
        seen = clock.now(), clock.db_now()

    assert seen == (NEW_YEAR + timedelta(seconds=90),) * 2


def test_the_real_clock_returns_even_after_an_error():
    with pytest.raises(LookupError), clock.use(StandingClock(NEW_YEAR)):
        raise LookupError

    assert clock.now() != NEW_YEAR


def test_a_negative_sleep_is_no_sleep():
    started = clock.now()

    clock.sleep(-5)

    assert clock.now() - started < timedelta(seconds=1)
