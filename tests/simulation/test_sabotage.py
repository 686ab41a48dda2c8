"""Safety is only believed when sabotage is caught: a guard goes, and the simulation must notice."""

import pytest

from tests.simulation.house import House
from tests.simulation.sabotage import SABOTAGES, Sabotage
from tests.simulation.sabotage_issuing import OF_ISSUER
from tests.simulation.world import World

MOST_SEEDS = 50

pytestmark = pytest.mark.prove


@pytest.mark.parametrize(
    "sabotage", [*SABOTAGES, *OF_ISSUER], ids=lambda one: one.name.replace(" ", "-")
)
def test_a_missing_guard_is_noticed(house: House, sabotage: Sabotage) -> None:
    seeds = range(1, MOST_SEEDS + 1)

    with sabotage.patch():
        worlds = (
            World(
                house, seed, rough=sabotage.faults, only=sabotage.only,
                has_twins=sabotage.needs_twins, rough_reads=sabotage.read_rate,
            )
            for seed in seeds
        )  # fmt: skip
        found = (world.run().violation for world in worlds)
        violation = next((one for one in found if one is not None), None)

    assert violation is not None, f"{MOST_SEEDS} seeds, and nobody noticed that {sabotage.name}"
    assert violation.rule in sabotage.rules, str(violation)


def test_nothing_is_noticed_where_nothing_is_missing(house: House) -> None:
    violations = [World(house, seed, rough=()).run().violation for seed in range(1, 6)]

    assert violations == [None] * 5
