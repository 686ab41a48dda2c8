"""What the kit must be told of a provider at which we issue cards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from providers.gateways.base import CreateRequest, HoldRequest, ReservationType, ReserveRequest
from providers.gateways.errors import ProviderError, ProviderRejected
from tests.conformance.subject import Fault, Subject
from tests.sandbox_client import SandboxControl

ISSUER_WRITES = ("reserve", "create", "authorize", "confirm", "cancel")
ISSUER_READS = ("check_balance", "get_certificate", "find_customer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One thing that they may say to a write: what it becomes, and whether the write happened."""

    method: str
    fault: Fault
    becomes: type[ProviderError]
    exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueHold:
    """A hold as the simulator's ledger has it."""

    auth_code: str = field(repr=False)
    minor: int
    state: str  # "open", "confirmed", "cancelled"


class IssuerSubject(Subject):
    """A provider that creates cards for us on numbers that it reserved, and holds money on them."""

    says: ClassVar[Mapping[str, Words]]
    """What it words in its own way, by what that means in a few words of ours."""
    silent_writes: ClassVar[tuple[str, ...]] = ()
    """Writes whose success has no body: what spoils a body does nothing to them."""
    missing: ClassVar[type[ProviderError]] = ProviderRejected
    """What a read becomes that is answered by a 404 in no words of theirs."""
    customer: ClassVar[tuple[str, str]]
    """Number and e-mail address of one that is known there."""

    def reserve_request(
        self, count: int = 1, type: ReservationType = ReservationType.SINGLE
    ) -> ReserveRequest:
        """A good one under a fresh name."""
        raise NotImplementedError

    def create_request(self, number: str) -> CreateRequest:
        """A good one for a number that is reserved, under a fresh sale."""
        raise NotImplementedError

    def hold_request(self, number: str) -> HoldRequest:
        """A good one for less than a card of `create_request` is worth, under a fresh sale."""
        raise NotImplementedError

    def numbers(self, control: SandboxControl, name: str) -> list[str]:
        """What the simulator really reserved under this name."""
        raise NotImplementedError

    def card_values(self, control: SandboxControl, sale_id: str) -> dict[str, int]:
        """The cards it really created for this sale: number and balance in minor units."""
        raise NotImplementedError

    def holds(self, control: SandboxControl, sale_id: str) -> list[TrueHold]:
        """The holds it really granted for this sale."""
        raise NotImplementedError

    def lapse(self, control: SandboxControl, number: str) -> None:
        """Let a reserved number be free again."""
        raise NotImplementedError
