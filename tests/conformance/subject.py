"""What the kit must be told of a provider: `SUBJECT` in one file, `tests/conformance/<slug>.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

from providers.gateways.base import OrderRequest, OrderType
from providers.gateways.errors import ProviderError, UnknownRefusal
from providers.registry import PROVIDERS, ProviderSpec
from providers.sandbox.mounts import PROVIDERS as SIMULATED
from tests.sandbox_client import SandboxControl


class Special(StrEnum):
    """What a provider may be able to say or not; each is played by a fault or declared away."""

    REFUSED = "refuses in words of its document"
    NO_FUNDS = "refuses for lack of funds"
    MAINTENANCE = "is closed for maintenance"
    FALSE_DUPLICATE = "claims that a fresh reference was used"
    OTHER_REFERENCE = "answers under another reference"
    OTHER_PRODUCT = "answers with another product"
    OTHER_VALUE = "answers with another value"
    OTHER_QUANTITY = "answers with another quantity"
    NO_ID = "answers without the id of the order"
    SHORT_CARDS = "hands out a card too few"
    UNKNOWN_STATUS = "gives a status that no document lists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How the simulator is made to misbehave: a kind of `GET _control/faults`, its parameters."""

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """An order as the simulator's own ledger has it; `cards` are codes or claim links."""

    external_id: str
    cards: tuple[str, ...] = field(repr=False)


class Subject:
    """One provider under test. The simulator is the only oracle: nothing here asks the gateway."""

    slug: ClassVar[str]
    credentials: ClassVar[Mapping[str, str]]  # of the simulator
    operations: ClassVar[Mapping[str, tuple[str, ...]]]
    """Which operations of the simulator each method of the gateway uses."""
    blind_spots: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """By read: broken fields that nobody could notice, with the reason why that does no harm."""
    lies: ClassVar[Mapping[str, str]] = {}
    """Faults of its own that one answer cannot be seen through, with the reason."""

    @property
    def spec(self) -> ProviderSpec:
        return PROVIDERS[self.slug]

    def own_kinds(self, method: str) -> list[str]:
        """The faults that only this simulator has and that strike this method of the gateway."""
        simulated = next(one for one in SIMULATED if one.slug == self.slug)
        operations = set(self.operations[method])
        return [
            kind.name
            for kind in simulated.kinds
            if kind.operations is None or operations <= kind.operations
        ]

    def begin(self, control: SandboxControl) -> None:
        """No rate limit, money enough, and nothing that happens by itself until `complete`."""
        raise NotImplementedError

    def complete(self, control: SandboxControl) -> None:
        """Let everything be done, and late commits be committed."""
        control.advance(1300)

    def secrets(self, control: SandboxControl) -> list[str]:
        """What must be seen nowhere: credentials as they travel, and all that is worth money."""
        raise NotImplementedError


class SellerSubject(Subject):
    """A provider that we buy cards from."""

    faults: ClassVar[Mapping[Special, Fault]]
    cannot: ClassVar[Mapping[Special, str]] = {}
    """What this provider never says, with the reason; shown as skipped."""
    unknown_words: ClassVar[type[ProviderError]] = UnknownRefusal
    """What a purchase becomes that is refused by a 400 in their form and in unlisted words."""
    names_duplicates: ClassVar[bool] = False
    """Whether a refused duplicate tells the id of the order it collided with."""

    @property
    def order_types(self) -> tuple[OrderType, ...]:
        types: tuple[OrderType, ...] = self.spec.gateway_class.order_types
        return types

    @property
    def reads(self) -> list[str]:
        """The methods of the gateway that only ask."""
        return [name for name in self.operations if name != "place_order"]

    def request(self, order_type: OrderType) -> OrderRequest:
        """A good order of this type under a fresh reference, always for the same things."""
        raise NotImplementedError

    def other_request(self) -> OrderRequest:
        """A good order for something else than any `request`."""
        raise NotImplementedError

    def truth(self, control: SandboxControl, reference: str) -> list[Truth]:
        """What the simulator really has under this reference."""
        raise NotImplementedError

    def funds(self, control: SandboxControl) -> int:
        """What the simulator's ledger says we can spend, in minor units."""
        raise NotImplementedError


def subjects(capability: str = "") -> list[Any]:
    """The provider files there are (of those with a capability), in the order of the registry."""
    names = [f"tests.conformance.{slug}" for slug in PROVIDERS]
    every = [import_module(name).SUBJECT for name in names if find_spec(name)]
    return [one for one in every if not capability or capability in one.spec.capabilities]
