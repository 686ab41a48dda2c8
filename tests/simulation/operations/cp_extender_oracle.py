"""The simulated CP Extender as a seed wants it, and what really happened there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from unittest import mock

from providers.sandbox.cp_extender import SimulatedCPExtender, app
from providers.sandbox.cp_extender.cards import ACTIVE, VOIDED
from providers.sandbox.cp_extender.ledger import OPEN
from providers.sandbox.ledger import Row
from tests.simulation.oracle import Oracle
from tests.simulation.time import VirtualTime

USER_NAME, PASSWORD = "canary-till-5RW3", "canary-password-8MX1-TQ6B"  # noqa: S105 - not a secret


def make_provider(seed: str, time: VirtualTime, random: Random) -> SimulatedCPExtender:
    """A provider in memory that lives in our time and has habits of its own in every seed."""
    provider = SimulatedCPExtender(":memory:", clock=time, seed=seed)
    habits = {
        "token_lifetime": random.choice((60, 600, 3600)),
        "token_has_exp": random.random() < 0.7,
        "pool_cap": random.choice((3, 6, 500)),
        "issued_document": random.random() < 0.5,
        "pending_in_history": random.random() < 0.3,
        "error_body": random.choice(("Message", "message", "text", "string")),
    }
    for name, value in habits.items():
        provider.ledger.keep(name, value)
    return provider


@contextmanager
def telltale_secrets() -> Iterator[None]:
    """Let credentials be texts that can be searched for."""
    with (
        mock.patch.object(app, "USER_NAME", USER_NAME),
        mock.patch.object(app, "PASSWORD", PASSWORD),
    ):
        yield


@dataclass(frozen=True, slots=True)
class Worth:
    """A card at one moment: minor units, and how many entries its history has."""

    balance: int
    held: int
    entries: int


class CPExtenderOracle(Oracle):
    """Questions to the ledger of the merchant's till."""

    def secrets(self) -> list[str]:
        """Credentials, tokens, card numbers, codes of holds."""
        columns = (
            ("value", "tokens"),
            ("number", "reservations"),
            ("number", "cards"),
            ("auth_code", "holds"),
        )
        found = [USER_NAME, PASSWORD]
        for column, table in columns:
            rows = self.ledger.rows(f"SELECT {column} FROM {table}")  # noqa: S608 - our own words
            found += [row[0] for row in rows]
        return found

    def given(self) -> list[Row]:
        """The numbers that were set aside for us, whoever has them now."""
        return self.ledger.rows(
            "SELECT * FROM reservations WHERE request_name IS NOT NULL ORDER BY id"
        )

    def cards(self) -> list[Row]:
        """The cards that our requests created."""
        return self.ledger.rows("SELECT * FROM cards WHERE NOT stranger ORDER BY id")

    def live_cards(self) -> list[Row]:
        """Those that nobody has voided."""
        return [card for card in self.cards() if card["status"] != VOIDED]

    def card_at(self, number: str) -> Row | None:
        """Whatever card has this number, ours or a stranger's."""
        return self.ledger.row("SELECT * FROM cards WHERE number = ?", number)

    def our_card_for(self, number: str) -> Row | None:
        """The living card that our request for this number created, whatever its number is."""
        found = [card for card in self.live_cards() if card["asked_for"] == number]
        return found[-1] if found else None

    def was_any_created_for(self, number: str) -> bool:
        """Whether our requests for this number ever created a card, on whatever number."""
        return any(card["asked_for"] == number for card in self.cards())

    def holds(self) -> list[Row]:
        """The authorizations that our requests placed, with the numbers of their cards."""
        return self.ledger.rows(
            "SELECT holds.*, cards.number FROM holds JOIN cards ON cards.id = holds.card"
            " WHERE NOT holds.stranger ORDER BY holds.id"
        )

    def holds_for(self, sale_id: str) -> list[Row]:
        """Those that were placed for one sale of ours."""
        return [hold for hold in self.holds() if hold["sale_id"] == sale_id]

    def open_holds(self) -> list[Row]:
        return [hold for hold in self.holds() if hold["state"] == OPEN]

    def worth(self, number: str, at: float) -> Worth | None:
        """What a card was worth at a moment (Unix time); None if it was not there."""
        card = self.card_at(number)
        if card is None or card["created_at"] > at:
            return None
        moved = [row["minor"] for row in self.ledger.movements_of(card) if row["at"] <= at]
        held = [
            row["held"]
            for row in self.ledger.holds_of(card)
            if row["placed_at"] <= at and (row["done_at"] is None or row["done_at"] > at)
        ]
        return Worth(sum(moved), sum(held), len(moved))

    def stirs(self, number: str) -> list[float]:
        """When anything happened on a card: movements, holds placed and finished (Unix time)."""
        card = self.card_at(number)
        if card is None:
            return []
        holds = self.ledger.holds_of(card)
        times = [row["at"] for row in self.ledger.movements_of(card)]
        times += [row["placed_at"] for row in holds]
        return times + [row["done_at"] for row in holds if row["done_at"] is not None]

    def is_meddled_with(self, number: str) -> bool:
        """Whether anybody but us did anything to the card of this number, or has it."""
        card = self.card_at(number)
        if card is None:
            return False
        theirs = [*self.ledger.movements_of(card), *self.ledger.holds_of(card)]
        return bool(
            card["stranger"] or card["status"] != ACTIVE or any(r["stranger"] for r in theirs)
        )
