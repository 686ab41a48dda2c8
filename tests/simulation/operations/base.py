"""What an operation brings to the simulation; a further provider brings further ones."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from providers.models import ProviderAccount
from providers.sandbox.provider import SimulatedProvider
from providers.sandbox.wire import Reply, Request
from tests.simulation.checks import Books, Check
from tests.simulation.faults import FaultKind
from tests.simulation.oracle import Oracle
from tests.simulation.sends import SendRule
from tests.simulation.sent import Sent
from tests.simulation.time import VirtualTime

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person (or the provider's staff) may do now. `do` runs as that actor."""

    name: str
    do: Callable[[], object]
    is_double_clickable: bool = True


@dataclass(frozen=True, slots=True)
class Resolved:
    """How one unknown outcome ended: after how many seconds, where, and whether it had to."""

    seconds: float
    into: str
    is_resolvable: bool


class Operation(ABC):
    """One way of spending or issuing money at one provider, in one seed.

    It has an account of its own, a provider behind it that nobody else speaks to, and an oracle.
    """

    slug: ClassVar[str]
    """The provider, and the first word of every cell of the coverage matrix."""
    name: ClassVar[str]
    writes: ClassVar[tuple[str, ...]]
    """The provider's operations that spend or issue, the most important one first."""
    seldom: ClassVar[tuple[str, ...]] = ()
    """Those of `writes` that come at the end of a long way, so that few are made in a seed."""
    jobs: ClassVar[dict[str, str]]
    """Tasks that are about its money (last part of the name) → the write that they may make."""
    calls: ClassVar[tuple[str, ...]]
    """The provider's operations it uses: columns of the coverage matrix."""
    faults: ClassVar[tuple[FaultKind, ...]]
    unreachable: ClassVar[dict[tuple[str, str], str]]
    """(operation or "*", fault or point) → why."""
    limits: ClassVar[tuple[int, int]]
    """Requests that the account may send: a second, a minute."""
    at_once: ClassVar[int | None] = None
    """How many may be under way at a time; None: any number."""
    read_seconds: ClassVar[float] = 15.0
    write_seconds: ClassVar[float] = 40.0
    """How long we wait for an answer."""
    rings: ClassVar[bool] = False
    """Whether the provider sends webhooks."""
    patience: ClassVar[float] = 24 * 3600.0
    """Seconds of calm after which no outcome may be unknown any more."""

    provider: SimulatedProvider
    oracle: Oracle
    account_id: Any

    @abstractmethod
    def __init__(self, seed: str, time: VirtualTime, random: Random) -> None:
        """Make the provider in memory, as this seed wants it."""

    @staticmethod
    @abstractmethod
    def open_account() -> ProviderAccount:
        """The account, once for the house of all seeds."""

    @staticmethod
    @abstractmethod
    def mirror(account: ProviderAccount) -> None:
        """Read what the provider sells, once for the house of all seeds."""

    # On the wire

    @abstractmethod
    def reference_in(self, request: Request) -> str:
        """Our reference in a request, "" if it is about none."""

    @abstractmethod
    def fate_of(self, call: str, reply: Reply) -> str:
        """What a whole answer tells of its request; see `Sent.fate`."""

    @abstractmethod
    def sends(self, books: Books, sent: list[Sent]) -> SendRule:
        """The rule for a second request with side effects about one thing (S10)."""

    # People, rules and endings

    @abstractmethod
    def prepare(self, world: "World") -> None:
        """Set the stage for one seed."""

    @abstractmethod
    def action(self, world: "World") -> Action | None:
        """What the next person does, drawn from `world.people`."""

    def checks(self, world: "World", sends: SendRule) -> Sequence[Check]:
        """The rules of this operation beyond those of every one."""
        return ()

    @abstractmethod
    def settle(self, world: "World") -> None:
        """Faults are off: let the provider go on with what it parked."""

    @abstractmethod
    def is_settled(self) -> bool:
        """Whether everything is at its end or waits for a person."""

    @abstractmethod
    def is_overdue(self) -> bool:
        """Whether something is under way that `patience` was more than enough for."""

    @abstractmethod
    def check_liveness(self, world: "World") -> None:
        """L1: raise Violation for what should have come to its end and did not."""

    @abstractmethod
    def resolved(self, world: "World") -> list[Resolved]:
        """L2 and L4: how the unknown outcomes of this seed ended."""

    @abstractmethod
    def things(self) -> Iterable[tuple[Any, str]]:
        """The ids of its things in the order in which they came to be, and what each of them is."""

    @abstractmethod
    def endings(self) -> Counter[str]:
        """What its things came to, counted by state."""

    @abstractmethod
    def owns(self, ids: Sequence[str]) -> bool:
        """Whether a job with these ids is about one of its things."""

    def about(self, job: str) -> str:
        """The cell of the write that a task may make."""
        return self.cell(self.jobs.get(job, self.writes[0]))

    def cell(self, call: str) -> str:
        """A name of one of the provider's operations that no other provider uses."""
        return f"{self.slug} {call}"

    def change(self, **settings: Any) -> None:
        """Change settings of the provider."""
        for name, value in settings.items():
            self.provider.ledger.keep(name, value)
