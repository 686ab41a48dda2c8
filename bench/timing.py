"""Timing several ways of doing the same, fairly: taking turns, best of some rounds."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a result: a figure of ours, what it is held against, and what it should be."""

    what: str
    ours: float
    against: str
    theirs: float
    unit: str
    ratio: float
    target: str
    is_met: bool

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def best_of(ways: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Seconds of the fastest round of each way; they take turns, so that a slow moment hits all."""
    best = dict.fromkeys(ways, float("inf"))
    gc.disable()
    try:
        for _ in range(rounds):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                best[name] = min(best[name], time.perf_counter() - started)
    finally:
        gc.enable()
    return best
