"""The simulated GiftCard Partners as a seed wants them, and what really happened there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from unittest import mock

from providers.sandbox.giftcardpartners import SimulatedGiftCardPartners, app, orders
from providers.sandbox.giftcardpartners.claims import Claim, make_claim
from providers.sandbox.giftcardpartners.orders import CANCELLED, COMPLETED, FAILED
from providers.sandbox.ledger import Row
from tests.simulation.oracle import Purchase, SellersOracle
from tests.simulation.time import VirtualTime

EMAIL, ACCESS_TOKEN = "canary-user-4TZ8@example.com", "canary-token-6HD3-QM5R"  # noqa: S105 - not a secret
DEAD = (FAILED, CANCELLED)
A_DAY = 24 * 3600


def make_provider(seed: str, time: VirtualTime, random: Random) -> SimulatedGiftCardPartners:
    """A provider in memory that lives in our time and has habits of its own in every seed."""
    provider = SimulatedGiftCardPartners(":memory:", clock=time, seed=seed)
    habits = {
        "pending_above": random.choice((0, 2, 10)),
        "completed_after": random.choice((5.0, 60.0, 1800.0)),
        "token_lifetime": random.choice((60, 300, 3600)),
        "conflict_ids": random.random() < 0.6,
        "po_number_unique_for": random.choice((None, A_DAY + 3600.0)),
        "webhook_delay": random.choice((0.0, 0.5, 30.0, 900.0)),
        "webhook_copies": random.choice((1, 1, 2, 5)),
        "webhook_before_reply": random.choice((0.0, 0.0, 3.0)),
        "webhook_body": random.choice(("order", "order", "forged", "lie", "empty", "not_json")),
        "webhooks": random.random() < 0.85,
    }
    for name, value in habits.items():
        provider.ledger.keep(name, value)
    return provider


def _telltale(seed: str, ordinal: int) -> Claim:
    """A claim as usual, but with an answer that chance does not make."""
    claim = make_claim(seed, ordinal)
    return Claim(link=claim.link, answer=f"ANS{claim.link[-12:]}{claim.answer}Z")


@contextmanager
def telltale_secrets() -> Iterator[None]:
    """Let credentials and answers be texts that can be searched for."""
    with (
        mock.patch.object(app, "EMAIL", EMAIL),
        mock.patch.object(app, "ACCESS_TOKEN", ACCESS_TOKEN),
        mock.patch.object(orders, "make_claim", _telltale),
    ):
        yield


@dataclass(frozen=True, slots=True)
class Goods:
    """One line of a living order of ours: what came of it. `id` is our id of the line."""

    reference: str
    id: str
    status: str
    is_failed: bool
    cost_minor: int


class GiftCardPartnersOracle(SellersOracle):
    """Questions to the provider's ledger."""

    def purchases(self) -> list[Purchase]:
        rows = self.ledger.rows(
            "SELECT o.number, o.id, o.po_number, o.status, sum(l.value * l.quantity) AS value,"
            " sum(l.cost) AS cost FROM orders o JOIN lines l USING (number)"
            " WHERE NOT o.stranger GROUP BY o.number ORDER BY o.number"
        )
        return [_purchase(row) for row in rows]

    def codes(self) -> dict[str, list[str]]:
        """The claim links issued for us, by our reference; those of living orders only."""
        rows = self.ledger.rows(
            "SELECT o.po_number, c.claim_link FROM cards c JOIN orders o USING (number)"
            " WHERE NOT o.stranger AND o.status NOT IN (?, ?) AND c.copy_of IS NULL"
            " AND c.claim_link IS NOT NULL ORDER BY c.id",
            *DEAD,
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["po_number"], []).append(row["claim_link"])
        return found

    def cards_under(self, name: str) -> list[str]:
        rows = self.ledger.rows(
            "SELECT c.claim_link FROM cards c JOIN orders o USING (number) WHERE o.id = ?"
            " AND c.claim_link IS NOT NULL",
            name,
        )
        return [row["claim_link"] for row in rows]

    def secrets(self) -> list[str]:
        """Credentials, tokens, claim links with their answers, the secrets of our doorbells."""
        tokens = self.ledger.rows("SELECT value FROM tokens")
        claims = self.ledger.rows(
            "SELECT claim_link, challenge_answer FROM cards WHERE claim_link IS NOT NULL"
        )
        bells = self.ledger.rows("SELECT webhook FROM orders WHERE webhook IS NOT NULL")
        return [
            EMAIL,
            ACCESS_TOKEN,
            *(row["value"] for row in tokens),
            *(text for row in claims for text in row),
            *(row["webhook"].rstrip("/").rpartition("/")[2] for row in bells),
        ]

    def goods(self) -> list[Goods]:
        """The lines of all orders of ours that are completed."""
        rows = self.ledger.rows(
            "SELECT o.po_number, l.extras, l.status, l.refunded, l.cost"
            " FROM lines l JOIN orders o USING (number)"
            " WHERE NOT o.stranger AND o.status = ? ORDER BY l.id",
            COMPLETED,
        )
        return [
            Goods(row["po_number"], _our_id(row), row["status"], bool(row["refunded"]), row["cost"])
            for row in rows
        ]

    def homes(self) -> dict[str, str]:
        """Each claim link of ours, and our id of the line that it was issued for."""
        rows = self.ledger.rows(
            "SELECT c.claim_link, l.extras FROM cards c JOIN lines l ON l.id = c.line"
            " WHERE c.claim_link IS NOT NULL AND c.copy_of IS NULL"
        )
        return {row["claim_link"]: _our_id(row) for row in rows}

    def pending(self) -> list[Row]:
        """Orders of ours that are not at their end."""
        return self.ledger.rows(
            "SELECT * FROM orders WHERE NOT stranger AND status NOT IN (?, ?, ?) ORDER BY number",
            COMPLETED,
            *DEAD,
        )


def _our_id(line: Row) -> str:
    return str(json.loads(line["extras"]).get("ExternalId") or "")


def _purchase(row: Row) -> Purchase:
    return Purchase(
        number=row["number"],
        name=row["id"],
        reference=row["po_number"],
        status=row["status"],
        value_minor=row["value"],
        cost_minor=row["cost"],
        is_live=row["status"] not in DEAD,
    )
