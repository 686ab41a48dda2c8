import uuid
from datetime import UTC, datetime
from itertools import count

import pytest

from giftops import clock, identity
from tests.giftops.test_clock import StandingClock

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)


def counting():
    """Randomness that counts: 0, 1, 2, ..."""
    numbers = count()
    return lambda n: next(numbers).to_bytes(n)


def test_ids_are_unique():
    assert len({identity.new_id() for _ in range(10_000)}) == 10_000


def test_ids_and_references_sort_by_the_time_they_were_made_in():
    with clock.use(StandingClock(MOMENT)) as source:
        early = identity.new_id()
        source.sleep(0.001)
        late = identity.new_id()

    assert early < late
    assert identity.ulid(early) < identity.ulid(late)


def test_an_id_carries_its_millisecond():
    with clock.use(StandingClock(MOMENT)):
        made = identity.new_id()

    assert made.int >> 80 == int(MOMENT.timestamp() * 1000)


def test_the_same_randomness_replays_the_same_ids():
    def run():
        with clock.use(StandingClock(MOMENT)), identity.use(counting()):
            return [identity.new_id(), identity.new_id()], identity.jitter()

    assert run() == run()


def test_a_ulid_is_spelled_as_its_specification_says():
    # The largest ULID of https://github.com/ulid/spec.
    assert identity.ulid(uuid.UUID(int=2**128 - 1)) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
    assert identity.ulid(uuid.UUID(int=0)) == "0" * 26


def test_a_reference_names_the_instance_and_fits_into_forty_characters(settings):
    settings.GIFTOPS_INSTANCE = "PRODUCTN"

    reference = identity.reference_for(uuid.UUID(int=0))

    assert reference == "GO-PRODUCTN-" + "0" * 26
    assert len(reference) <= 40


def test_two_instances_never_share_a_reference(settings):
    uid = identity.new_id()

    settings.GIFTOPS_INSTANCE = "PROD"
    ours = identity.reference_for(uid)
    settings.GIFTOPS_INSTANCE = "STAGING"

    assert identity.reference_for(uid) != ours


@pytest.mark.parametrize(("drawn", "expected"), [(b"\x00", 0.0), (b"\xff", 1 - 2**-53)])
def test_jitter_stays_below_one(drawn, expected):
    with identity.use(lambda n: drawn * n):
        assert identity.jitter() == expected


def test_the_real_randomness_returns_after_the_block():
    with identity.use(lambda n: bytes(n)):
        pass

    assert identity.entropy(16) != bytes(16)
