"""Which faults a seed knows and how often they strike.

Every seed knows only some of the kinds, each at its own rate: a swarm of narrow storms finds more
than one broad drizzle. A kind is one of the provider's own library (`providers.sandbox.faults`) or
a failure on the way there, which the transport makes itself.

What a provider may do is bounded as the fault model bounds it: work goes on for at most 15 minutes
after a time-out and an order may be invisible for up to 20 minutes, counted from when we began to
send. No client survives a provider that says no and buys, or that denies an order for longer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

Sampler = Callable[[Random], dict[str, Any]]
SELDOM_RATE = 0.7
"""How often the writes that are seldom made are hit, in a seed that hits any."""
ON_THE_WAY = ("refused", "no_such_host", "connect_timeout", "tls_failure", "aborted_sending")


def _nothing(_random: Random) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One class of fault: its parameters, and the operations it may hit (None: every one)."""

    name: str
    sample: Sampler = field(default=_nothing)
    operations: frozenset[str] | None = None
    share: float = 0.45
    """The share of seeds that know it; less for what keeps an order busy for a day."""

    def hits(self, operation: str) -> bool:
        return self.operations is None or operation in self.operations

    @property
    def is_on_the_way(self) -> bool:
        return self.name in ON_THE_WAY


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault chosen for one call."""

    kind: FaultKind
    params: Mapping[str, Any]


class FaultPlan:
    """The faults of one seed; purchases (`writes`) and questions are hit at rates of their own.

    Writes that are `seldom` made are hit more often, by all kinds alike: a seed makes too few of
    them for a storm of their own.
    """

    def __init__(
        self,
        kinds: list[FaultKind],
        writes: frozenset[str],
        random: Random,
        *,
        seldom: frozenset[str] = frozenset(),
    ) -> None:
        self._random = random
        self._kinds = kinds
        self._writes = writes
        self._seldom = seldom
        self.write_rate = random.choice((0.0, 0.2, 0.4, 0.6, 0.8))
        self.read_rate = random.choice((0.0, 0.05, 0.15, 0.3, 0.5))
        self.known = [kind for kind in kinds if random.random() < kind.share]
        self.weights = [random.choice((1, 1, 3, 8)) for _ in self.known]
        self.is_off = False

    def narrow(self, *names: str) -> None:
        """Let these kinds strike and no others."""
        self.known = self._kinds = [kind for kind in self._kinds if kind.name in names]
        self.weights = [1] * len(self.known)

    def strike(self, operation: str) -> Struck | None:
        """The fault of one call, or none."""
        if self.is_off or self._random.random() >= self._rate_of(operation):
            return None
        fitting = self._known_at(operation)
        if not fitting:
            return None
        kinds, weights = zip(*fitting, strict=True)
        kind = self._random.choices(kinds, weights)[0]
        return Struck(kind, kind.sample(self._random))

    def _known_at(self, operation: str) -> list[tuple[FaultKind, int]]:
        """The kinds that may hit one operation, with their weights."""
        known = list(zip(self.known, self.weights, strict=True))
        if operation in self._seldom:
            known = [(kind, 1) for kind in self._kinds]
        return [(kind, weight) for kind, weight in known if kind.hits(operation)]

    def _rate_of(self, operation: str) -> float:
        if operation not in self._writes:
            return self.read_rate
        is_seldom = operation in self._seldom and self.write_rate > 0
        return max(self.write_rate, SELDOM_RATE) if is_seldom else self.write_rate
