"""The tables of the simulated Ncentiva. Money is in minor units, times are Unix seconds."""

import json
from typing import Any

from providers.sandbox.ledger import Ledger, Row
from providers.sandbox.ncentiva.catalogue import CATALOGUE

FIRST_NUMBER = 99_623
OWN_TABLES = ("movements", "cards", "refs", "lines", "orders", "cart", "products")


class NcentivaLedger(Ledger):
    """Products, one cart, orders with lines and cards, and the movements of the funds."""

    tables = """
    CREATE TABLE IF NOT EXISTS products (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, brand TEXT NOT NULL, currency TEXT NOT NULL,
        value INTEGER, least INTEGER, most INTEGER, available INTEGER NOT NULL, style TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS cart (
        item_id INTEGER PRIMARY KEY AUTOINCREMENT, product INTEGER NOT NULL,
        amount INTEGER NOT NULL, quantity INTEGER NOT NULL, reference TEXT
    );
    CREATE TABLE IF NOT EXISTS orders (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, reference TEXT, status TEXT NOT NULL,
        currency TEXT NOT NULL, cost INTEGER NOT NULL, created_at REAL NOT NULL,
        shown_at REAL NOT NULL, visible_at REAL NOT NULL, completed_at REAL, steps TEXT NOT NULL,
        next_at REAL, waits_for TEXT, twist TEXT NOT NULL, stranger INTEGER NOT NULL ); CREATE INDEX
        IF NOT EXISTS orders_next ON orders (next_at) WHERE next_at IS NOT NULL; CREATE INDEX IF NOT
        EXISTS orders_waiting ON orders (waits_for) WHERE waits_for IS NOT NULL; CREATE TABLE IF NOT
        EXISTS lines ( id INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES orders, product
        INTEGER NOT NULL, amount INTEGER NOT NULL, quantity INTEGER NOT NULL, reference TEXT );
        CREATE INDEX IF NOT EXISTS lines_number ON lines (number); CREATE TABLE IF NOT EXISTS refs (
        reference TEXT PRIMARY KEY, number INTEGER NOT NULL REFERENCES orders ); CREATE TABLE IF NOT
        EXISTS cards ( id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL REFERENCES
        orders, card_number TEXT NOT NULL, pin TEXT, claim_url TEXT, amount INTEGER NOT NULL,
        currency TEXT NOT NULL, expiry_date TEXT, issued_at REAL NOT NULL, copy_of INTEGER ); CREATE
        INDEX IF NOT EXISTS cards_number ON cards (number); CREATE TABLE IF NOT EXISTS movements (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, minor INTEGER NOT NULL, why TEXT NOT
        NULL, number INTEGER );
    """

    def fill_shelves(self) -> None:
        """Put the catalogue into an empty ledger."""
        for one in CATALOGUE:
            self.insert(
                "products",
                {
                    "id": one.id,
                    "name": one.name,
                    "brand": one.brand,
                    "currency": one.currency,
                    "value": one.value,
                    "least": one.least,
                    "most": one.most,
                    "available": one.available,
                    "style": one.style,
                },
            )

    def product(self, product_id: int) -> Row | None:
        """A product by its giftCardTypeId."""
        if not 0 <= product_id < 2**63:
            return None
        return self.row("SELECT * FROM products WHERE id = ?", product_id)

    def next_number(self) -> int:
        """The number of the next order."""
        last: int | None = self.value("SELECT max(number) FROM orders")
        return (last or FIRST_NUMBER) + 1

    def order(self, number: int) -> Row:
        """An order that is known to exist."""
        found = self.row("SELECT * FROM orders WHERE number = ?", number)
        assert found is not None  # noqa: S101 - numbers come from the ledger itself
        return found

    def order_named(self, name: str, visible_at: float | None = None) -> Row | None:
        """An order by its name; with `visible_at`, only if look-ups see it by then."""
        found = self.row("SELECT * FROM orders WHERE name = ?", name)
        return found if found and _is_visible(found, visible_at) else None

    def order_referenced(self, reference: str, visible_at: float | None = None) -> Row | None:
        """An order by the customer's reference, its own or that of a line."""
        found = self.row(
            "SELECT orders.* FROM orders JOIN refs USING (number) WHERE refs.reference = ?",
            reference,
        )
        return found if found and _is_visible(found, visible_at) else None

    def lines_of(self, number: int) -> list[Row]:
        """The lines of an order with the style of their codes."""
        return self.rows(
            "SELECT lines.*, products.style, products.available, products.currency FROM lines"
            " JOIN products ON products.id = lines.product WHERE number = ? ORDER BY lines.id",
            number,
        )

    def cards_of(self, number: int) -> list[Row]:
        """The cards that were issued for an order."""
        return self.rows("SELECT * FROM cards WHERE number = ? ORDER BY id", number)

    def set_status(self, number: int, status: str, waits_for: str | None = None) -> None:
        """Change the status of an order."""
        self.run(
            "UPDATE orders SET status = ?, waits_for = ? WHERE number = ?",
            status,
            waits_for,
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

    def balance(self) -> int:
        """The purchaser's funds in minor units."""
        total: int = self.value("SELECT coalesce(sum(minor), 0) FROM movements")
        return total

    def move(self, at: float, minor: int, why: str, number: int | None = None) -> None:
        """Add to the funds (negative: take)."""
        self.insert("movements", {"at": at, "minor": minor, "why": why, "number": number})


def _is_visible(order: Row, at: float | None) -> bool:
    return at is None or bool(order["visible_at"] <= at)


def money(minor: int | None) -> Any:
    """Minor units as the JSON number of the contract: 2500 -> 25.0."""
    return None if minor is None else minor / 100
