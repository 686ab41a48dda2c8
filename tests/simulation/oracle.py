"""What really happened over there: a simulated provider's own ledger, read from behind."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from providers.sandbox.provider import SimulatedProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One order at the provider that carries our reference; minor units."""

    number: int
    name: str
    reference: str
    status: str
    value_minor: int
    cost_minor: int
    is_live: bool


class Oracle(ABC):
    """Questions to a provider's ledger."""

    def __init__(self, provider: SimulatedProvider) -> None:
        self.ledger = provider.ledger

    @abstractmethod
    def secrets(self) -> list[str]:
        """Every text that must never be seen outside of a sealed column."""

    def changes(self) -> int:
        """How many rows changed over there so far."""
        return self.ledger._db.total_changes


class SellersOracle(Oracle):
    """Questions to the ledger of somebody who sells."""

    @abstractmethod
    def purchases(self) -> list[Purchase]:
        """Everything that was ordered by us."""

    @abstractmethod
    def codes(self) -> dict[str, list[str]]:
        """The codes or claim links issued for us, by our reference; of living orders only."""

    @abstractmethod
    def cards_under(self, name: str) -> list[str]:
        """The codes or claim links that the provider shows for one of its orders."""
