"""The promises of jobs, audit trail and seals once more, on PostgreSQL, in a run of their own."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

MODULES = ["clock", "queue", "queue_races", "guard", "once", "worker"]
MODULES += ["append_only", "audit", "rotate_keys", "sealing"]


@pytest.fixture
def database_url() -> str:
    """The address of a database that does not exist yet; its `test_` twin is made and dropped."""
    server = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    try:
        psycopg.connect(server, connect_timeout=2).close()
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL answers (TEST_POSTGRES_URL)")
    return f"{server.rpartition('/')[0]}/jobs_{os.getpid()}"


@pytest.mark.postgres
@pytest.mark.parametrize(
    "which",
    [
        "not prove",
        pytest.param("prove", marks=[pytest.mark.prove, pytest.mark.xdist_group("worker")]),
    ],
)
def test_the_house_keeps_its_promises_on_postgresql(database_url, which, request):
    options = ["-q", "-m", which, "-p", "no:cacheprovider"]
    if request.config.getoption("nomigrations"):
        options.append("--no-migrations")
    files = [str(Path(__file__).with_name(f"test_{name}.py")) for name in MODULES]

    run = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=settings.BASE_DIR,
        env={**_plain_environment(), "TEST_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-5000:]
    assert " passed" in run.stdout


def _plain_environment() -> dict[str, str]:
    """Ours without what a distributed run of pytest tells its own processes."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
