"""giftops-sim in chunks of seeds, so that several processes can share them; `SOAK=` for more.

SIM_SEEDS, SIM_CHUNK and SIM_FIRST_SEED change how many seeds run, how many to a test, from where;
two for every five of them are about the issuer alone.
"""

import os

import pytest

from tests.simulation.house import House
from tests.simulation.report import Report, commit, keep
from tests.simulation.world import World

SOAK = float(os.environ.get("SOAK") or 1)
SEEDS = round(int(os.environ.get("SIM_SEEDS") or 300) * SOAK)
ISSUER_SEEDS = SEEDS * 2 // 5
ISSUER = "cp_extender"
CHUNK = int(os.environ.get("SIM_CHUNK") or 15)
FIRST = int(os.environ.get("SIM_FIRST_SEED") or 1)
REPLAYED = 20
ISSUER_REPLAYED = 5

pytestmark = pytest.mark.prove


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, CHUNK))
def test_money_and_codes_are_safe_whatever_happens(house: House, first: int) -> None:
    report = _run(house, range(first, min(first + CHUNK, FIRST + SEEDS)))
    keep(report, f"from-{first}")

    assert report.violations == [], f"COMMIT={commit()}; replay: python -m tests.simulation --seed"
    assert report.auto_resolved >= 0.99


@pytest.mark.parametrize("first", range(FIRST, FIRST + ISSUER_SEEDS, CHUNK))
def test_numbers_cards_and_holds_are_safe_whatever_happens(house: House, first: int) -> None:
    report = _run(house, range(first, min(first + CHUNK, FIRST + ISSUER_SEEDS)), only=ISSUER)
    keep(report, f"{ISSUER}-from-{first}")

    assert report.violations == [], (
        f"COMMIT={commit()}; replay: python -m tests.simulation --only {ISSUER} --seed"
    )
    assert report.auto_resolved >= 0.99


@pytest.mark.parametrize("seed", range(1, REPLAYED + 1))
def test_a_seed_tells_the_same_story_twice(house: House, seed: int) -> None:
    _tells_the_same_twice(house, seed)


@pytest.mark.parametrize("seed", range(1, ISSUER_REPLAYED + 1))
def test_a_seed_about_cards_tells_the_same_story_twice(house: House, seed: int) -> None:
    _tells_the_same_twice(house, seed, only=ISSUER)


def _run(house: House, seeds: range, *, only: str | None = None) -> Report:
    report = Report()
    for seed in seeds:
        report.add(World(house, seed, only=only).run())
    return report


def _tells_the_same_twice(house: House, seed: int, *, only: str | None = None) -> None:
    first, second = World(house, seed, only=only).run(), World(house, seed, only=only).run()

    assert first.log == second.log
    assert first.digest == second.digest
