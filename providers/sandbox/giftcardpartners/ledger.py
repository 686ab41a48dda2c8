"""The tables of the simulated GiftCard Partners. Money is in minor units, times in Unix seconds."""

import json
from typing import Any

from providers.sandbox.ledger import Ledger, Row

OWN_TABLES = ("movements", "cards", "lines", "orders", "tokens")
AVAILABLE, PENDING_FUNDS = "available", "pending"


class GiftCardPartnersLedger(Ledger):
    """Tokens, orders with lines and cards, and the movements of both portions of the deposit."""

    tables = """
    CREATE TABLE IF NOT EXISTS tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL UNIQUE,
        issued_at REAL NOT NULL, expires_at REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS orders (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, po_number TEXT NOT NULL,
        type TEXT NOT NULL, status TEXT NOT NULL, note TEXT, department TEXT, webhook TEXT,
        created_at REAL NOT NULL, listed_at REAL NOT NULL, found_at REAL NOT NULL,
        completed_at REAL, steps TEXT NOT NULL, next_at REAL, twist TEXT NOT NULL,
        stranger INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS orders_po ON orders (po_number);
    CREATE INDEX IF NOT EXISTS orders_next ON orders (next_at) WHERE next_at IS NOT NULL;
    CREATE TABLE IF NOT EXISTS lines (
        id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL REFERENCES orders,
        position INTEGER NOT NULL, product TEXT NOT NULL, value INTEGER NOT NULL,
        quantity INTEGER NOT NULL, cost INTEGER NOT NULL, status TEXT NOT NULL,
        refunded INTEGER NOT NULL DEFAULT 0, extras TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS lines_number ON lines (number);
    CREATE TABLE IF NOT EXISTS cards (
        id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL REFERENCES orders,
        line INTEGER NOT NULL REFERENCES lines, claim_link TEXT, challenge_answer TEXT,
        value INTEGER NOT NULL, currency TEXT NOT NULL, issued_at REAL NOT NULL, copy_of INTEGER
    );
    CREATE INDEX IF NOT EXISTS cards_number ON cards (number);
    CREATE TABLE IF NOT EXISTS movements (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, portion TEXT NOT NULL,
        minor INTEGER NOT NULL, why TEXT NOT NULL, number INTEGER, line INTEGER
    );
    """

    def order(self, number: int) -> Row:
        """An order that is known to exist."""
        found = self.row("SELECT * FROM orders WHERE number = ?", number)
        assert found is not None  # noqa: S101 - numbers come from the ledger itself
        return found

    def order_with_id(self, order_id: str, found_at: float | None = None) -> Row | None:
        """An order by its id; with `found_at`, only if look-ups find it by then."""
        found = self.row("SELECT * FROM orders WHERE id = ?", order_id)
        if found is None or (found_at is not None and found["found_at"] > found_at):
            return None
        return found

    def ids_of(self, po_number: str, since: float) -> list[str]:
        """The orders placed under a PO number since then, oldest first."""
        rows = self.rows(
            "SELECT id FROM orders WHERE po_number = ? AND created_at >= ? ORDER BY number",
            po_number,
            since,
        )
        return [row["id"] for row in rows]

    def lines_of(self, number: int) -> list[Row]:
        """The lines of an order."""
        return self.rows("SELECT * FROM lines WHERE number = ? ORDER BY position", number)

    def cards_of(self, number: int) -> list[Row]:
        """The cards that were issued for an order."""
        return self.rows("SELECT * FROM cards WHERE number = ? ORDER BY id", number)

    def set_status(self, number: int, status: str) -> None:
        """Change the status of an order and of those of its lines that did not fail."""
        self.run("UPDATE orders SET status = ? WHERE number = ?", status, number)
        self.run(
            "UPDATE lines SET status = ? WHERE number = ? AND NOT refunded AND status <> 'Failed'",
            status,
            number,
        )

    def set_steps(self, number: int, steps: list[tuple[float, str]]) -> None:
        """Say what an order becomes when: (Unix time, status), in the order of time."""
        self.run(
            "UPDATE orders SET steps = ?, next_at = ? WHERE number = ?",
            json.dumps(steps),
            steps[0][0] if steps else None,
            number,
        )

    def next_event_at(self) -> float | None:
        """When an order changes by itself next."""
        return self.value("SELECT min(next_at) FROM orders WHERE next_at IS NOT NULL")

    def funds(self, portion: str = AVAILABLE) -> int:
        """One portion of the deposit in minor units."""
        total: int = self.value(
            "SELECT coalesce(sum(minor), 0) FROM movements WHERE portion = ?", portion
        )
        return total

    def move(self, at: float, minor: int, why: str, **rest: Any) -> None:
        """Add to the deposit (negative: take); `rest`: portion, number of the order, line."""
        fields = {"at": at, "minor": minor, "why": why, "portion": AVAILABLE}
        self.insert("movements", fields | rest)


def money(minor: int) -> float:
    """Minor units as the JSON number of the contract: 2500 -> 25.0."""
    return minor / 100
