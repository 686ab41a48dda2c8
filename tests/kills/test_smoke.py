"""A first look in every run of the tests: one kill of each kind, on SQLite."""

import subprocess
import sys

import pytest

from tests.kills import plan, trials
from tests.kills.houses import installed_here
from tests.sandbox_client import ROOT


@pytest.fixture(scope="module")
def house(request):
    with installed_here(request, "sqlite") as here:
        yield here


@pytest.mark.parametrize(("point", "variant"), [("K2", "connect"), ("K5", ""), ("K9", "")])
def test_a_killed_sender_buys_once(house, point, variant):
    trial = trials.place(house, point, variant, seed=1)

    assert (trial.kills, trial.problems, trial.statuses) == (1, [], ["fulfilled"])
    assert trial.recovery in plan.RECOVERY[trial.at]


def test_a_killed_collector_stores_each_card_once(house):
    trial = trials.collect(house, "C6", "during", seed=1)

    assert (trial.kills, trial.problems, trial.statuses) == (1, [], ["fulfilled"])


def test_a_fresh_process_dies_at_the_same_point_as_a_fork(house):
    made = house.run("order")

    child = subprocess.run(
        [sys.executable, "-m", "tests.kills.child", "--point", "K7", "--offset", str(house.offset)],
        cwd=ROOT, env=house.env, capture_output=True, timeout=60,
    )  # fmt: skip
    trial = trials.finish(house, trials.Trial("K7"), [], made["references"])

    assert (child.returncode, trial.problems, trial.recovery) == (-9, [], plan.FOUND)
