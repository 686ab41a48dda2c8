"""What an installation finds around it: an environment with fresh keys, and a scratch database.

Migrating takes longer than all else, so each kind of database is migrated once in a run of the
tests; what installations get are copies of it.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from giftops import make_env
from tests.sandbox_client import ROOT

POSTGRESQL = os.environ.get("PROOF_POSTGRESQL", "postgres://postgres@127.0.0.1:5432")
DATABASES = ("sqlite", "postgresql")
INSTANCE = "KILL"  # the guard of a database knows it by this name, a copy, too


def environment(directory: Path, url: str) -> dict[str, str]:
    """What the programs of the installation find in their environment; the keys are fresh."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "giftops.settings",
        "GIFTOPS_ENV_FILE": os.devnull,
        "GIFTOPS_VAR": str(directory / "var"),
        "TMPDIR": str(directory),  # the second place of the spool
        "GIFTOPS_INSTANCE": INSTANCE,
        "GIFTOPS_EPOCH": "1",
        "DEBUG": "true",  # the loopback is a provider's address only then
        "LOG_FORMAT": "json",
        "SECRET_KEY": make_env.fresh_key() * 2,
        "GIFTOPS_SEALING_KEYS": f"k1:{make_env.fresh_key()}",
        "GIFTOPS_INDEX_KEY": make_env.fresh_key(),
        "GIFTOPS_AUDIT_KEY": make_env.fresh_key(),
        "DATABASE_URL": url,
    }


@contextmanager
def database_in(directory: Path, database: str) -> Iterator[str]:
    """The address of a fresh database with all its tables, for as long as the block."""
    if database == "sqlite":
        file = directory / "giftops.sqlite3"
        file.write_bytes(_sqlite_mould())
        yield f"sqlite:///{file}"
        return
    mould, name = _postgresql_mould(), _fresh_name()
    on_the_server(f'CREATE DATABASE "{name}" TEMPLATE "{mould}"')
    try:
        yield f"{POSTGRESQL}/{name}"
    finally:
        _drop(name)


@cache
def _sqlite_mould() -> bytes:
    """What is in the file of a database in which all migrations have run."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "mould.sqlite3"
        _migrate(Path(directory), f"sqlite:///{file}")
        return file.read_bytes()


_moulds: list[str] = []


@cache
def _postgresql_mould() -> str:
    """The name of such a database on the server; it stays until `throw_moulds_away`."""
    name = _fresh_name()
    on_the_server(f'CREATE DATABASE "{name}"')
    _moulds.append(name)
    with TemporaryDirectory() as directory:
        _migrate(Path(directory), f"{POSTGRESQL}/{name}")
    return name


def throw_moulds_away() -> None:
    """At the end of the run, as often as anybody likes."""
    while _moulds:
        _drop(_moulds.pop())


def on_the_server(statement: str) -> None:
    """Run one statement outside any transaction."""
    with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True) as server:
        server.execute(statement)  # type: ignore[call-overload]


def _fresh_name() -> str:
    return f"giftops_proof_{secrets.token_hex(4)}"


def _drop(name: str) -> None:
    on_the_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrate(directory: Path, url: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT, env=environment(directory, url), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"migrate: {done.stderr[-2000:]}")
