"""Faults: what a kind of fault is, and how faults are armed, chosen and remembered.

A fault kind says by `commits` whether the request takes effect: `never`, `first` (committed, then
the misbehaviour) or `later` (committed some time after it). The ledger of the provider stays the
oracle: what is in there has happened.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from providers.sandbox.ledger import Ledger, Row
from providers.sandbox.mutations import Targets
from providers.sandbox.wire import Reply

Params = Mapping[str, Any]


class Commits(StrEnum):
    """When a request hit by a fault takes effect."""

    NEVER = "never"
    FIRST = "first"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One class of fault.

    `answer` makes the whole reply; `damage` changes the true one and returns None where it has
    nothing to bite on. With neither, the fault shapes what the provider does: `shape` changes its
    plan of what will become of the request. `defaults` names the parameters. A kind with `answer`
    that is not `later` also takes the parameter `commit` (true: the request takes effect first).
    """

    name: str
    what: str
    commits: Commits = Commits.FIRST
    defaults: Params = field(default_factory=dict)
    operations: frozenset[str] | None = None
    answer: Callable[[Params], Reply] | None = None
    damage: Callable[[Reply, Params, Targets], Reply | None] | None = None
    shape: Callable[[Any, Params], None] | None = None

    @property
    def shapes(self) -> bool:
        """Whether it shapes what happens at the provider, and not one reply."""
        return self.answer is None and self.damage is None

    @property
    def parameters(self) -> dict[str, Any]:
        """Names and defaults of the parameters."""
        if self.answer is None or self.commits == Commits.LATER:
            return dict(self.defaults)
        return {"commit": self.commits == Commits.FIRST, **self.defaults}


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """One fault that waits for its request, as stored."""

    id: int
    kind: Kind
    params: Params

    @property
    def commits(self) -> Commits:
        """When the request takes effect, with the parameter `commit` considered."""
        if self.kind.commits == Commits.LATER or self.kind.answer is None:
            return self.kind.commits
        return Commits.FIRST if self.params["commit"] else Commits.NEVER


def shape(plan: Any, shaping: Iterable[Armed]) -> None:
    """Let armed faults change a provider's plan of what will become of a request."""
    for armed in shaping:
        if armed.kind.shape is not None:
            armed.kind.shape(plan, armed.params)


class UnknownFault(ValueError):
    """The fault cannot be armed; the text says why and is safe to show."""


class Armoury:
    """The armed faults of one provider, kept in its ledger so that they outlive the process."""

    def __init__(self, ledger: Ledger, kinds: Iterable[Kind], operations: Iterable[str]) -> None:
        self._ledger = ledger
        self.kinds = {kind.name: kind for kind in kinds}
        self._operations = frozenset(operations)

    def arm(
        self,
        name: str,
        params: Params | None = None,
        *,
        operation: str | None = None,
        count: int | None = 1,
        skip: int = 0,
        probability: float | None = None,
        seed: str | int = "",
        reference: str | None = None,
    ) -> int:
        """Arm a fault and return its id.

        It hits requests of `operation` (an operationId; None: any that it applies to) that carry
        `reference` (None: any), after the first `skip` of them, `count` times (None: always), each
        with `probability` drawn from `seed`. Raises UnknownFault.
        """
        kind = self._kind(name)
        self._check_operation(kind, operation)
        fields = {
            "name": name,
            "params": json.dumps(checked_params(kind, params or {})),
            "operation": operation,
            "reference": reference,
            "left": count,
            "skip": skip,
            "probability": probability,
            "seed": str(seed),
        }
        return self._ledger.insert("faults", fields)

    def _kind(self, name: str) -> Kind:
        if name not in self.kinds:
            raise UnknownFault(f"No fault is called {name!r}; known: {', '.join(self.kinds)}")
        return self.kinds[name]

    def _check_operation(self, kind: Kind, operation: str | None) -> None:
        if operation is None:
            return
        if operation not in self._operations:
            known = ", ".join(sorted(self._operations))
            raise UnknownFault(f"No operation is called {operation!r}; known: {known}")
        if kind.operations is not None and operation not in kind.operations:
            raise UnknownFault(f"{kind.name} does not apply to {operation}")

    def choose(self, operation: str, reference: str | None) -> tuple[Armed | None, list[Armed]]:
        """The fault of one reply (the oldest that hits), and all that shape the effect."""
        reply_fault: Armed | None = None
        shaping: list[Armed] = []
        for row in self._candidates(operation, reference):
            kind = self.kinds[row["name"]]
            if kind.operations is not None and operation not in kind.operations:
                continue
            if (reply_fault and not kind.shapes) or not self._hits(row):
                continue
            armed = Armed(id=row["id"], kind=kind, params=json.loads(row["params"]))
            if kind.shapes:
                shaping.append(armed)
            else:
                reply_fault = armed
        return reply_fault, shaping

    def _candidates(self, operation: str, reference: str | None) -> list[Row]:
        return self._ledger.rows(
            "SELECT * FROM faults WHERE (operation IS NULL OR operation = ?)"
            " AND (reference IS NULL OR reference = ?) AND (left IS NULL OR left > 0) ORDER BY id",
            operation,
            reference,
        )

    def _hits(self, row: Row) -> bool:
        self._ledger.run("UPDATE faults SET seen = seen + 1 WHERE id = ?", row["id"])
        if row["seen"] < row["skip"]:
            return False
        if row["probability"] is None:
            return True
        return bool(chance(row["seed"], row["id"], row["seen"]) < row["probability"])

    def applied(self, armed: Iterable[Armed]) -> None:
        """Count these faults as applied."""
        for one in armed:
            self._ledger.run(
                "UPDATE faults SET applied = applied + 1, left = left - 1 WHERE id = ?", one.id
            )

    def listed(self) -> list[dict[str, Any]]:
        """All faults armed since the last clearing, spent ones too."""
        rows = self._ledger.rows("SELECT * FROM faults ORDER BY id")
        return [{**dict(row), "params": json.loads(row["params"])} for row in rows]

    def clear(self, fault_id: int | None = None) -> int:
        """Disarm one fault, or all; returns how many."""
        return self._ledger.run(
            "DELETE FROM faults WHERE ? IS NULL OR id = ?", fault_id, fault_id
        ).rowcount


def chance(seed: str, *parts: Any) -> float:
    """A number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.sha256(":".join([seed, *map(str, parts)]).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56


def checked_params(kind: Kind, given: Params) -> dict[str, Any]:
    """The parameters with their defaults. Raises UnknownFault for a strange name or type."""
    known = kind.parameters
    for name, value in given.items():
        if name not in known:
            raise UnknownFault(f"{kind.name} has no parameter {name!r}; it has: {sorted(known)}")
        if not _fits(value, known[name]):
            raise UnknownFault(f"Parameter {name!r} of {kind.name} cannot be {value!r}")
    return {**known, **given}


def _fits(value: Any, default: Any) -> bool:
    if default is None or value is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))
