"""The durable memory of one simulated provider: one SQLite file, or nothing but memory."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = sqlite3.Row

COMMON_TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, params TEXT NOT NULL,
    operation TEXT, reference TEXT, left INTEGER, skip INTEGER NOT NULL DEFAULT 0,
    probability REAL, seed TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0,
    applied INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, operation TEXT, reference TEXT, admitted INTEGER NOT NULL DEFAULT 0,
    faults TEXT NOT NULL DEFAULT '',
    executed TEXT NOT NULL DEFAULT 'never', status INTEGER, misbehaviour TEXT, subject TEXT
);
CREATE INDEX IF NOT EXISTS journal_at ON journal (at) WHERE admitted;
CREATE TABLE IF NOT EXISTS postponed (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due_at REAL NOT NULL, journal_id INTEGER NOT NULL,
    operation TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL, faults TEXT NOT NULL,
    done_at REAL, outcome TEXT
);
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, url TEXT NOT NULL,
    body BLOB NOT NULL, due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    done_at REAL, outcome TEXT
);
CREATE INDEX IF NOT EXISTS posts_due ON posts (due_at) WHERE done_at IS NULL;
"""


class Ledger:
    """One connection behind one lock. Every change is committed with synchronous=FULL.

    `tables` are the CREATE statements of the provider; they must be safe to repeat.
    """

    tables = ""

    def __init__(self, path: str | Path = ":memory:") -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(
            str(path), isolation_level=None, check_same_thread=False, timeout=30
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(COMMON_TABLES + self.tables)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one it becomes a savepoint."""
        with self.lock:
            nested = self._db.in_transaction
            self._db.execute("SAVEPOINT step" if nested else "BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK TO step" if nested else "ROLLBACK")
                if nested:
                    self._db.execute("RELEASE step")
                raise
            self._db.execute("RELEASE step" if nested else "COMMIT")

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Execute one statement."""
        return self._db.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query."""
        return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        found: Row | None = self._db.execute(sql, values).fetchone()
        return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *values)
        return None if found is None else found[0]

    def insert(self, table: str, fields: Mapping[str, Any]) -> int:
        """Insert one row and return its rowid."""
        names, marks = ", ".join(fields), ", ".join("?" * len(fields))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names are ours
        return self.run(sql, *fields.values()).lastrowid or 0

    def setting(self, name: str, default: Any = None) -> Any:
        """A stored setting (JSON)."""
        text = self.value("SELECT value FROM settings WHERE name = ?", name)
        return default if text is None else json.loads(text)

    def keep(self, name: str, value: Any) -> None:
        """Store a setting (JSON)."""
        self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    def empty(self, tables: Sequence[str]) -> None:
        """Forget all rows of the named tables, children first, and count from 1 again."""
        for table in tables:
            self.run("DELETE FROM sqlite_sequence WHERE name = ?", table)
            self.run(f"DELETE FROM {table}")  # noqa: S608 - names are ours

    def close(self) -> None:
        """Close the file; waits for whoever is inside a transaction."""
        with self.lock:
            self._db.close()
