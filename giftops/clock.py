"""The two clocks of the house, behind one replaceable source.

`now()` is the clock of this process: good for stamps in logs and in identities, nothing else.
`db_now()` is the clock of the database, the only one all processes share: every lease, schedule,
decision and stored time uses it, so a worker whose own clock is a day off changes nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from django.db import connection

DATABASE_CLOCK = {
    # clock_timestamp() moves on inside a transaction; now() would stand still.
    "postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
}


class Source(Protocol):
    """Where times come from; a simulation brings its own."""

    def now(self) -> datetime: ...
    def db_now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...


class RealSource:
    """The machine's clock and the clock of the default database."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def db_now(self) -> datetime:
        with connection.cursor() as cursor:
            cursor.execute(DATABASE_CLOCK[connection.vendor])
            (moment,) = cursor.fetchone()
        return as_utc(moment)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0))


_source: Source = RealSource()


def now() -> datetime:
    """This process's clock, aware, in UTC. For stamps in logs only: decisions use `db_now`."""
    return _source.now()


def db_now() -> datetime:
    """The database's clock, aware, in UTC (microseconds on PostgreSQL, milliseconds on SQLite)."""
    return _source.db_now()


def sleep(seconds: float) -> None:
    """Wait for `seconds`; in a simulation only the virtual clock moves."""
    _source.sleep(seconds)


@contextmanager
def use(source: Source) -> Iterator[Source]:
    """Take every time from `source` inside the block."""
    global _source
    previous, _source = _source, source
    try:
        yield source
    finally:
        _source = previous


def as_utc(moment: datetime | str) -> datetime:
    """A time as the database driver gave it, as an aware one; the query already asked for UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC)
