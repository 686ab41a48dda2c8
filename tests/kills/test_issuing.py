"""SIGKILL at every point of what an issuer is asked for: nothing doubled, nothing lost."""

import pytest

from tests.kills import issuing_trials, plan
from tests.kills.trials import figures, table, times

pytestmark = pytest.mark.prove


@pytest.mark.parametrize("point", plan.PLACING)
@pytest.mark.parametrize("write", plan.OPERATIONS)
def test_a_sender_killed_at_any_point_does_it_once(till, write, point, tell):
    done = [
        issuing_trials.sender(till, write, point, variant, seed)
        for seed in range(times(1))
        for variant in plan.PLACING[point]
    ]

    tell(table(done), figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert [trial for trial in done if trial.left[0]["status"] not in plan.ends(write, trial)] == []
    assert sum(trial.kills for trial in done) == len(done)


def test_after_all_kills_the_till_and_we_agree(till):
    found = till.run("tests.kills.issuing_life.judge_the_house", control=till.sandbox.url)

    assert found == []
