"""The tables of the simulated CP Extender. Money is in minor units, times in Unix seconds."""

from providers.sandbox.cp_extender.catalogue import CUSTOMERS
from providers.sandbox.ledger import Ledger, Row

OWN_TABLES = ("movements", "holds", "cards", "reservations", "customers", "tokens")
OPEN, CONFIRMED, CANCELLED = "open", "confirmed", "cancelled"


class CPExtenderLedger(Ledger):
    """Numbers set aside, cards with their movements, authorizations (holds), customers, tokens."""

    tables = """
    CREATE TABLE IF NOT EXISTS tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL UNIQUE,
        issued_at REAL NOT NULL, expires_at REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS customers (
        id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, points INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS reservations (
        id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, batch INTEGER NOT NULL,
        request_name TEXT, agency TEXT NOT NULL, type TEXT NOT NULL, reserved_at REAL NOT NULL,
        lapses_at REAL, stranger_at REAL, stranger INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS reservations_stranger ON reservations (stranger_at)
        WHERE stranger_at IS NOT NULL;
    CREATE TABLE IF NOT EXISTS cards (
        id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, asked_for TEXT,
        code TEXT NOT NULL, customer TEXT NOT NULL, status TEXT NOT NULL, value INTEGER NOT NULL,
        sale_id TEXT, points INTEGER, created_at REAL NOT NULL, found_at REAL NOT NULL,
        stranger INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS holds (
        id INTEGER PRIMARY KEY AUTOINCREMENT, card INTEGER NOT NULL REFERENCES cards,
        sale_id TEXT NOT NULL, requested INTEGER NOT NULL, held INTEGER NOT NULL,
        request_id TEXT NOT NULL UNIQUE, auth_code TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
        placed_at REAL NOT NULL, done_at REAL, stranger INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS holds_card ON holds (card);
    CREATE TABLE IF NOT EXISTS movements (
        id INTEGER PRIMARY KEY AUTOINCREMENT, card INTEGER NOT NULL REFERENCES cards,
        at REAL NOT NULL, shown_at REAL NOT NULL, minor INTEGER NOT NULL, activity TEXT NOT NULL,
        location TEXT NOT NULL, document TEXT, stranger INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS movements_card ON movements (card);
    """

    def sign_up(self) -> None:
        """The customers of the merchant, with the points that they have collected."""
        for one in CUSTOMERS:
            self.insert("customers", {"number": one.number, "points": one.points})

    def points_of(self, customer: str) -> int | None:
        """A customer's points; None when there is no such customer."""
        found: int | None = self.value("SELECT points FROM customers WHERE number = ?", customer)
        return found

    def reservation(self, number: str) -> Row | None:
        """What is known of a number that was set aside, lapsed or not."""
        return self.row("SELECT * FROM reservations WHERE number = ?", number)

    def card(self, number: str, found_at: float | None = None) -> Row | None:
        """A card by its number; with `found_at`, only if look-ups find it by then."""
        found = self.row("SELECT * FROM cards WHERE number = ?", number)
        if found is None or (found_at is not None and found["found_at"] > found_at):
            return None
        return found

    def balance(self, card: Row) -> int:
        """What is on a card, holds included."""
        total: int = self.value(
            "SELECT coalesce(sum(minor), 0) FROM movements WHERE card = ?", card["id"]
        )
        return total

    def held(self, card: Row) -> int:
        """What open authorizations hold on a card."""
        total: int = self.value(
            "SELECT coalesce(sum(held), 0) FROM holds WHERE card = ? AND state = ?",
            card["id"],
            OPEN,
        )
        return total

    def available(self, card: Row) -> int:
        """What a new authorization could hold."""
        return self.balance(card) - self.held(card)

    def hold(self, code: str) -> Row | None:
        """An authorization by its code."""
        return self.row("SELECT * FROM holds WHERE auth_code = ?", code)

    def holds_of(self, card: Row) -> list[Row]:
        """All authorizations on a card, oldest first."""
        return self.rows("SELECT * FROM holds WHERE card = ? ORDER BY id", card["id"])

    def movements_of(self, card: Row) -> list[Row]:
        """What came onto a card and what left it, oldest first."""
        return self.rows("SELECT * FROM movements WHERE card = ? ORDER BY id", card["id"])

    def next_event_at(self) -> float | None:
        """When a stranger takes a lapsed number next."""
        return self.value("SELECT min(stranger_at) FROM reservations WHERE stranger_at IS NOT NULL")


def money(minor: int) -> float:
    """Minor units as the JSON number of the contract: 2500 -> 25.0."""
    return minor / 100
