"""SIGKILL at every point of a purchase, a collection and a look-up: nothing doubled or lost."""

from collections.abc import Callable

import pytest

from tests.kills import plan, trials
from tests.kills.trials import Trial, times

pytestmark = pytest.mark.prove

ROUNDS, CHANCY_ROUNDS = 2, 4
"""Trials of a variant and database; more where chance has a say."""

Life = Callable[..., Trial]


def rounds(house, life: Life, point: str, variants: tuple[str, ...]) -> list[Trial]:
    """Kill at one point again and again, in each of its variants."""
    return [
        life(house, point, variant, seed)
        for variant in variants
        for seed in range(times(CHANCY_ROUNDS if variant in plan.CHANCY else ROUNDS))
    ]


@pytest.mark.parametrize("point", plan.PLACING)
def test_a_sender_killed_at_any_point_buys_once(house, point, tell):
    done = rounds(house, trials.place, point, plan.PLACING[point])

    tell(trials.table(done), trials.figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert {status for trial in done for status in trial.statuses} == {"fulfilled"}
    assert [trial for trial in done if trial.recovery not in plan.RECOVERY[trial.at]] == []
    assert sum(trial.kills for trial in done) == len(done)


@pytest.mark.parametrize("point", plan.COLLECTING)
def test_a_collector_killed_at_any_point_stores_each_card_once(house, point, tell):
    done = rounds(house, trials.collect, point, plan.COLLECTING[point])

    tell(trials.table(done), trials.figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert {status for trial in done for status in trial.statuses} == {"fulfilled"}
    assert sum(trial.kills for trial in done) == len(done)


@pytest.mark.parametrize("point", plan.LOOKING_UP)
def test_a_resolver_killed_at_any_point_takes_over_once(house, point, tell):
    done = rounds(house, trials.look_up, point, plan.LOOKING_UP[point])

    tell(trials.table(done), trials.figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert {status for trial in done for status in trial.statuses} == {"fulfilled"}
    assert sum(trial.kills for trial in done) == 2 * len(done)


def test_after_all_kills_the_whole_house_is_sound(house):
    assert house.run("judge_the_house") == []
