"""Fixtures of the proofs: an installation per database, and a place for tables of figures."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest

from tests.kills.figures import keep
from tests.kills.installation import Installation, installed
from tests.kills.surroundings import DATABASES, POSTGRESQL, throw_moulds_away


def has_postgresql() -> bool:
    try:
        psycopg.connect(f"{POSTGRESQL}/postgres", connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def database_params() -> list[Any]:
    """SQLite, and PostgreSQL where a server answers."""
    missing = pytest.mark.skipif(not has_postgresql(), reason=f"no PostgreSQL at {POSTGRESQL}")
    marks = {"sqlite": [], "postgresql": [pytest.mark.postgres, missing]}
    return [pytest.param(one, marks=marks[one], id=one) for one in DATABASES]


@pytest.fixture(scope="session", params=database_params())
def house(
    request: pytest.FixtureRequest,
) -> Iterator[Installation]:
    """A furnished installation; the proofs of one database share it, one after the other."""
    with installed_here(request, request.param) as here:
        yield here


@pytest.fixture(scope="session", params=database_params())
def till(
    request: pytest.FixtureRequest,
) -> Iterator[Installation]:
    """The same at an issuer, with a stock of numbers."""
    with till_here(request, request.param) as here:
        yield here


@contextmanager
def installed_here(
    request: pytest.FixtureRequest, database: str, **house: str
) -> Iterator[Installation]:
    """An installation in a directory of pytest's."""
    request.config.add_cleanup(throw_moulds_away)
    places: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    with installed(places.mktemp("house"), database, **house) as here:
        yield here


def till_here(
    request: pytest.FixtureRequest, database: str
) -> AbstractContextManager[Installation]:
    """One at an issuer."""
    furnish = "tests.kills.issuing_life.furnish"
    return installed_here(request, database, provider="cp_extender", furnish=furnish)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str, dict[str, Any]], None]:
    """Print a table, and keep its figures for `python -m tests.kills`."""

    def report(text: str, figures: dict[str, Any]) -> None:
        print(f"\n{request.node.name}\n{text}")
        keep(request.node.path.parent.name, request.node.name, figures)

    return report
