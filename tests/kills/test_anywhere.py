"""SIGKILL at random moments, of us and of the provider: nothing doubled, nothing lost."""

import random
import threading
from typing import Any

import pytest

from tests.kills import trials
from tests.kills.trials import Trial, times

pytestmark = pytest.mark.prove


def test_killed_again_and_again_at_random_moments(house, tell):
    """A kill may come when all is done: how many do depends on the machine, and half must hit."""
    life = trials.length_of_a_life(house)
    done = [
        trials.anywhere(house, seed, quantity=1 + seed % 3, deaths=1 + seed % 4, within_us=life)
        for seed in range(times(30))
    ]

    tell(trials.table(done), trials.figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert [trial for trial in done if not came_home(trial)] == []
    assert sum(trial.kills for trial in done) >= len(done) // 2


def came_home(trial: Trial) -> bool:
    """Every order by itself; or to two people, if both times its sender died with it.

    What was sent twice without an answer and is not there may not be sent a third time. Each of
    these sends costs a kill, because nothing else loses an answer here; that it is really not
    there is seen to by the oracle.
    """
    waiting = [one for one in trial.left if one["status"] != "fulfilled"]
    return 2 * len(waiting) <= trial.kills and all(was_lost_twice(one) for one in waiting)


def was_lost_twice(order: dict[str, Any]) -> bool:
    return (order["status"], order["attempts"]) == ("needs_review", ["parked", "parked"])


def test_the_second_sender_is_killed_too(house, tell):
    """The first died before a byte left; the one who sends the same reference again dies, too."""
    points = [("K2", "connect"), ("K3", ""), ("K5", ""), ("K7", ""), ("K9", ""), ("K10", "during")]
    done = [
        trials.twice(house, *points[seed % len(points)], seed) for seed in range(times(len(points)))
    ]

    tell(trials.table(done), trials.figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert sum(trial.kills for trial in done) == 2 * len(done)
    assert [trial for trial in done if not came_home(trial)] == []
    ends = {trial.at: trial.statuses for trial in done}
    assert {at for at, statuses in ends.items() if statuses == ["needs_review"]} == {
        ("K2", "connect"),
        ("K3", ""),
    }


def test_where_references_are_not_unique_an_absent_order_waits_for_two_people(house, tell):
    house.run("change_account", reference_is_unique=False)
    try:
        done = [trials.place(house, "K3", "", seed) for seed in range(times(2))]
        done += [trials.place(house, "K5", "", seed) for seed in range(times(2))]
    finally:
        house.run("change_account", reference_is_unique=True)

    tell(trials.table(done), trials.figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert {(trial.point, *trial.statuses) for trial in done} == {
        ("K3", "needs_review"),
        ("K5", "fulfilled"),
    }


@pytest.mark.parametrize("fault", ["latency", "timeout_before_commit", "timeout_after_commit"])
def test_the_provider_dies_in_the_middle_of_a_request(house, tell, fault):
    done = [provider_dies(house, fault, seed) for seed in range(times(6))]

    tell(trials.table(done), trials.figures(done))
    assert [trial for trial in done if trial.problems] == []
    assert {status for trial in done for status in trial.statuses} == {"fulfilled"}


def provider_dies(house, fault: str, seed: int) -> Trial:
    """Kill the simulator while (or shortly before or after) it holds our purchase."""
    made = house.run("order")
    house.sandbox.ncentiva.arm(
        fault, {"seconds": 0.3}, operation="createOrder", reference=made["references"][0]
    )
    moment = random.Random(seed).uniform(0.02, 0.4)
    timer = threading.Timer(moment, house.sandbox.kill)
    timer.start()
    house.run("work")
    timer.join()
    house.restart_sandbox()
    trial = trials.finish(house, Trial("provider", fault), [], made["references"])
    trial.kills = 1
    return trial
