"""The fixtures of the proofs, and a house whose books may be spoilt."""

from collections.abc import Iterator

import pytest

from tests.kills.houses import (
    database_params,
    has_postgresql,
    house,
    installed_here,
    tell,
    till,
    till_here,
)
from tests.kills.installation import Installation

__all__ = ["house", "tell", "till"]


@pytest.fixture(scope="module", params=database_params())
def counted_house(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation for the races that count every cent, and for nobody else."""
    with installed_here(request, request.param) as here:
        yield here


@pytest.fixture(scope="module")
def scratch_house(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """On PostgreSQL, where connections really meet."""
    if not has_postgresql():
        pytest.skip("no PostgreSQL")
    with installed_here(request, "postgresql") as here:
        yield here


@pytest.fixture(scope="module")
def scratch_till(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """The same at an issuer."""
    if not has_postgresql():
        pytest.skip("no PostgreSQL")
    with till_here(request, "postgresql") as here:
        yield here
