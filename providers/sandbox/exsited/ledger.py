"""The tables of the simulated Exsited. Money is in minor units, times in Unix seconds."""

import json
from collections.abc import Iterable
from typing import Any

from providers.sandbox.exsited.certificate import Allocation, Certificate, Transaction
from providers.sandbox.ledger import Ledger, Row

OWN_TABLES = ("items", "certificates", "changes", "tokens")
PLAIN = (
    *("uuid", "code", "accounting_code", "currency", "amount", "created_at", "created_by"),
    *("status", "used", "expires_on", "updated_at", "updated_by"),
)
NESTED = ("attributes", "allocations", "transactions", "quirks")


class ExsitedLedger(Ledger):
    """Tokens, the book of certificates, and what happened to it.

    `items` has the JSON of every certificate as the list shows it, ready to be sent. A uuid may be
    there twice: the first is the true one.
    """

    tables = """
    CREATE TABLE IF NOT EXISTS tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL UNIQUE,
        refresh TEXT NOT NULL UNIQUE, issued_at REAL NOT NULL, expires_at REAL NOT NULL,
        refreshable INTEGER NOT NULL DEFAULT 1
    );
    CREATE TABLE IF NOT EXISTS certificates (
        id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, code TEXT NOT NULL,
        accounting_code TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL,
        created_at REAL NOT NULL, created_by TEXT NOT NULL, status TEXT NOT NULL,
        used INTEGER NOT NULL, expires_on TEXT NOT NULL, updated_at REAL NOT NULL,
        updated_by TEXT NOT NULL, nested TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS certificates_uuid ON certificates (uuid);
    CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, json BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, uuid TEXT NOT NULL,
        what TEXT NOT NULL, who TEXT NOT NULL
    );
    """

    def certificate(self, uuid: str) -> Certificate | None:
        """A certificate by its uuid."""
        row = self.row("SELECT * FROM certificates WHERE uuid = ? ORDER BY id LIMIT 1", uuid)
        return None if row is None else certificate_of(row)

    def certificate_with_id(self, number: int) -> Certificate:
        """A certificate that is known to exist."""
        row = self.row("SELECT * FROM certificates WHERE id = ?", number)
        assert row is not None  # noqa: S101 - ids come from the ledger itself
        return certificate_of(row)

    def write(self, certificate: Certificate, item: bytes) -> None:
        """Store a certificate, new or changed, with its item."""
        self._write_chunk([(certificate, item)])

    def write_many(self, numbered: Iterable[tuple[Certificate, bytes]]) -> None:
        """Store new certificates that know their id, quickly."""
        chunk: list[tuple[Certificate, bytes]] = []
        for one in numbered:
            chunk.append(one)
            if len(chunk) == 1000:
                self._write_chunk(chunk)
                chunk = []
        self._write_chunk(chunk)

    def _write_chunk(self, chunk: list[tuple[Certificate, bytes]]) -> None:
        names = ("id", *PLAIN, "nested")
        marks = ", ".join("?" * len(names))
        sql = f"INSERT OR REPLACE INTO certificates ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names are ours
        self._db.executemany(sql, [(one.id, *_values(one)) for one, _item in chunk])
        self._db.executemany(
            "INSERT OR REPLACE INTO items VALUES (?, ?)", [(one.id, item) for one, item in chunk]
        )

    def erase(self, number: int) -> None:
        """Forget a certificate, by its id."""
        self.run("DELETE FROM items WHERE id = ?", number)
        self.run("DELETE FROM certificates WHERE id = ?", number)

    def items(self, numbers: Iterable[int]) -> list[bytes]:
        """The items of certificates, in the order of the ids given."""
        wanted = list(numbers)
        marks = ",".join("?" * len(wanted))
        sql = f"SELECT id, json FROM items WHERE id IN ({marks})"  # noqa: S608 - only question marks
        found = {row["id"]: row["json"] for row in self.run(sql, *wanted)}
        return [found[number] for number in wanted]


def certificate_of(row: Row) -> Certificate:
    """A row, read."""
    nested = json.loads(row["nested"])
    return Certificate(
        id=row["id"],
        **{name: row[name] for name in PLAIN},
        attributes=[(name, value) for name, value in nested["attributes"]],
        allocations=[Allocation(*one) for one in nested["allocations"]],
        transactions=[Transaction(*one) for one in nested["transactions"]],
        quirks=nested["quirks"],
    )


def _values(one: Certificate) -> tuple[Any, ...]:
    nested = {name: getattr(one, name) for name in NESTED}
    return (*(getattr(one, name) for name in PLAIN), json.dumps(nested))
