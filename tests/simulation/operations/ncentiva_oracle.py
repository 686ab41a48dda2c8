"""The simulated Ncentiva as a seed wants it, and what really happened there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from providers.sandbox.ledger import Row
from providers.sandbox.ncentiva import SimulatedNcentiva, app, orders
from providers.sandbox.ncentiva.codes import Code, make_code
from providers.sandbox.ncentiva.ledger import NcentivaLedger
from providers.sandbox.ncentiva.orders import CANCELLED, COMPLETED
from tests.simulation.oracle import Purchase, SellersOracle
from tests.simulation.time import VirtualTime

USERNAME, PASSWORD = "canary-user-7KQ2", "canary-password-9XW4-VJ1M"  # noqa: S105 - not a secret
NO_LIMIT = {"per_second": None, "per_minute": None}


class LaxLedger(NcentivaLedger):
    """A ledger in which a reference may stand twice; the newest order has it."""

    def insert(self, table: str, fields: Any) -> int:
        if table == "refs":
            sql = "INSERT OR REPLACE INTO refs (reference, number) VALUES (?, ?)"
            return self.run(sql, fields["reference"], fields["number"]).lastrowid or 0
        return super().insert(table, fields)


class StrictProvider(SimulatedNcentiva):
    """Refuses a reference that it has seen before."""

    refuses_repeats = True


class LaxProvider(SimulatedNcentiva):
    """Takes every order, whatever its reference: whoever sends twice, buys twice."""

    refuses_repeats = False
    make_ledger = LaxLedger

    def _free(self, reference: str | None) -> None:
        """Every reference is free."""


Provider = StrictProvider | LaxProvider


def make_provider(seed: str, time: VirtualTime, *, refuses_repeats: bool) -> Provider:
    """A provider in memory that lives in our time and leaves counting requests to the checks."""
    kind = StrictProvider if refuses_repeats else LaxProvider
    provider = kind(":memory:", clock=time, seed=seed)
    for name, value in NO_LIMIT.items():
        provider.ledger.keep(name, value)
    return provider


def _telltale(seed: str, ordinal: int, style: str) -> Code:
    """A code as usual, but with a PIN that chance does not make."""
    code = make_code(seed, ordinal, style)
    pin = f"PIN{code.card_number[-9:]}Z" if code.pin else None
    return Code(card_number=code.card_number, pin=pin, claim_url=code.claim_url)


@contextmanager
def telltale_secrets() -> Iterator[None]:
    """Let credentials and PINs be texts that can be searched for."""
    with (
        mock.patch.object(app, "CREDENTIALS", (USERNAME, PASSWORD)),
        mock.patch.object(orders, "make_code", _telltale),
    ):
        yield


class NcentivaOracle(SellersOracle):
    """Questions to the provider's ledger."""

    def purchases(self) -> list[Purchase]:
        """Everything that was ordered by us."""
        rows = self.ledger.rows(
            "SELECT o.number, o.name, o.reference, o.status, sum(l.amount * l.quantity) AS amount"
            " FROM orders o JOIN lines l USING (number) WHERE NOT o.stranger"
            " GROUP BY o.number ORDER BY o.number"
        )
        return [_purchase(row) for row in rows]

    def codes(self) -> dict[str, list[str]]:
        """The codes issued for us, by our reference; not those of orders that were cancelled."""
        rows = self.ledger.rows(
            "SELECT o.reference, c.card_number FROM cards c JOIN orders o USING (number)"
            " WHERE NOT o.stranger AND o.status <> ? AND c.copy_of IS NULL ORDER BY c.id",
            CANCELLED,
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["reference"] or "", []).append(row["card_number"])
        return found

    def cards_under(self, name: str) -> list[str]:
        """The codes that the provider shows for one of its orders."""
        rows = self.ledger.rows(
            "SELECT c.card_number FROM cards c JOIN orders o USING (number) WHERE o.name = ?", name
        )
        return [row["card_number"] for row in rows]

    def secrets(self) -> list[str]:
        """Every text that must never be seen outside of a sealed column."""
        found = [USERNAME, PASSWORD]
        for row in self.ledger.rows("SELECT card_number, pin, claim_url FROM cards"):
            found += [text for text in (row["card_number"], row["pin"], row["claim_url"]) if text]
        return found

    def parked(self) -> list[Row]:
        """Orders of ours that will not go on by themselves and are not at their end."""
        return self.ledger.rows(
            "SELECT * FROM orders WHERE NOT stranger AND next_at IS NULL"
            " AND status NOT IN (?, ?) ORDER BY number",
            COMPLETED,
            CANCELLED,
        )


def _purchase(row: Row) -> Purchase:
    return Purchase(
        number=row["number"],
        name=row["name"],
        reference=row["reference"] or "",
        status=row["status"],
        value_minor=row["amount"] * 100,
        cost_minor=row["amount"] * 100,
        is_live=row["status"] != CANCELLED,
    )
