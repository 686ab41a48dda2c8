"""What the tests of the job machinery share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from giftops import clock
from giftops.queue import names
from tests.giftops import effects
from tests.giftops.test_clock import StandingClock


@pytest.fixture
def effect_tasks(settings: Any) -> Iterator[list[tuple[str, ...]]]:
    """Let the tasks of `effects` run, and no other periodic work; gives the calls they made."""
    settings.GIFTOPS_TASK_PREFIXES = (*names.PREFIXES, effects.PREFIX)
    settings.GIFTOPS_PERIODIC = f"{effects.__name__}.PERIODIC"
    effects.calls.clear()
    yield effects.calls
    effects.calls.clear()


@pytest.fixture
def standing_clock() -> Iterator[StandingClock]:
    """A clock that moves only when it is told to."""
    with clock.use(StandingClock(datetime(2030, 1, 1, 12, tzinfo=UTC))) as source:
        yield source
