"""The house of all seeds, and the figures of all processes, added up after the last test."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulation import report
from tests.simulation.house import House


@pytest.fixture(scope="package")
def house(django_db_blocker: Any) -> Iterator[House]:
    """The migrated database in memory, shared by all seeds of this process."""
    with django_db_blocker.unblock(), House().open() as house:
        yield house


def pytest_sessionstart(session: pytest.Session) -> None:
    """Forget the figures of the run before; workers of xdist leave that to their controller."""
    if not hasattr(session.config, "workerinput"):
        for old in report.RESULTS.glob("*.part.json"):
            old.unlink()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the coverage matrix and the figures, and write reliability_report.json."""
    if any(report.RESULTS.glob("*.part.json")):
        terminalreporter.section("simulation")
        terminalreporter.write_line(report.gather().text())
