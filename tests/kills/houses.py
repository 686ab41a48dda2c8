"""Fixtures of the proofs: an installation per database, and a place for tables of figures."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest

from tests.kills.figures import keep
from tests.kills.installation import DATABASES, POSTGRESQL, Installation, installed


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
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A furnished installation; the proofs of one database share it, one after the other."""
    with installed_here(tmp_path_factory, request.param) as here:
        yield here


@pytest.fixture(scope="session", params=database_params())
def till(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The same at an issuer, with a stock of numbers."""
    with till_here(tmp_path_factory, request.param) as here:
        yield here


@contextmanager
def installed_here(
    tmp_path_factory: pytest.TempPathFactory, database: str, **house: str
) -> Iterator[Installation]:
    """An installation in a directory of pytest's."""
    with installed(tmp_path_factory.mktemp("house"), database, **house) as here:
        yield here


def till_here(
    tmp_path_factory: pytest.TempPathFactory, database: str
) -> AbstractContextManager[Installation]:
    """One at an issuer."""
    furnish = "tests.kills.issuing_life.furnish"
    return installed_here(tmp_path_factory, database, provider="cp_extender", furnish=furnish)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str, dict[str, Any]], None]:
    """Print a table, and keep its figures for `python -m tests.kills`."""

    def report(text: str, figures: dict[str, Any]) -> None:
        print(f"\n{request.node.name}\n{text}")
        keep(request.node.path.parent.name, request.node.name, figures)

    return report
