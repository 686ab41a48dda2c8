"""The time a simulated provider lives in. Seconds are Unix time, UTC."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> float:
        """Unix time in seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()


@dataclass
class VirtualClock:
    """A clock that moves only when it is told to."""

    at: float = 1_767_225_600.0  # 2026-01-01T00:00:00Z

    def now(self) -> float:
        """Unix time in seconds."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds


@dataclass
class AdjustableClock:
    """Another clock, shifted by `offset` seconds; while `frozen_at` is set it stands still."""

    source: Clock = field(default_factory=SystemClock)
    offset: float = 0.0
    frozen_at: float | None = None

    def now(self) -> float:
        """Unix time in seconds."""
        return (self.source.now() if self.frozen_at is None else self.frozen_at) + self.offset

    def advance(self, seconds: float) -> None:
        """Move the clock, without waiting."""
        self.offset += seconds

    def freeze(self) -> None:
        """Stop where it stands."""
        if self.frozen_at is None:
            self.frozen_at = self.source.now()

    def thaw(self) -> None:
        """Go on from where it stood."""
        if self.frozen_at is not None:
            self.offset += self.frozen_at - self.source.now()
            self.frozen_at = None

    def saved(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {"offset": self.offset, "frozen_at": self.frozen_at}


def iso(seconds: float) -> str:
    """Unix time as RFC 3339 in UTC, whole seconds: `2025-01-02T08:56:48Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
