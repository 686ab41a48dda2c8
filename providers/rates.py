"""When the next request may go: sliding windows kept by reserving slots. Pure; times are µs.

A sliding window cannot be kept by a token bucket, so every request is given its time: the earliest
at which no window of any limit holds one too many. Windows are a little longer than promised
(`MARGIN`), because what counts is when requests arrive, and they travel at different speeds.

- A **grant** is a request that was sent or is about to be (at most seconds away). Grants alone
  decide whether a limit is kept.
- The **line** holds times promised to writes that wait their turn. A promise is only an order of
  succession: when its owner comes, early or late, the grant is made then.
- Reads never wait in line. They use at most four fifths of a window, and one fifth while writes
  stand in line, so that neither starves the other.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

SECOND = 1_000_000
MARGIN = 60_000  # exceeds the jitter between granting and arriving
LEAD = 10_000  # a grant lies a little ahead: it must be committed before its time
TOLERANCE = 25_000  # who is later than that for a grant must ask again
PATIENCE = 30 * SECOND  # a promise that nobody claimed by then no longer holds others up
FIRST_PENALTY = 2 * SECOND
LONGEST_PENALTY = 60 * SECOND
PENALTY_MEMORY = 120 * SECOND

READ, WRITE = "r", "w"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests in any `window` µs."""

    count: int
    window: int

    def share(self, part: int, of: int) -> "Limit":
        """A part of this limit, at least one request."""
        return Limit(max(1, self.count * part // of), self.window)


@dataclass(frozen=True, slots=True)
class Late:
    """A request that was not ready when its time came."""

    at: int
    kind: str
    by: int


@dataclass(slots=True)
class Window:
    """The state of one account's budget; changed in place by the functions of this module."""

    grants: list[tuple[int, str]] = field(default_factory=list)  # by time
    line: list[int] = field(default_factory=list)  # by time
    blocked_until: int = 0
    penalties: int = 0


def limits_of(per_second: int, per_minute: int) -> tuple[Limit, ...]:
    """The two limits that accounts have."""
    return Limit(per_second, SECOND), Limit(per_minute, 60 * SECOND)


def promise(window: Window, limits: Sequence[Limit], now: int) -> int:
    """Put a write at the end of the line and say when its turn comes."""
    _forget(window, limits, now)
    last = window.line[-1] if window.line else 0
    base = max(now + LEAD, window.blocked_until, last)
    stamps = sorted(_times(window) + window.line)
    at = earliest(stamps, limits, base)
    insort(window.line, at)
    return at


def renew(window: Window, limits: Sequence[Limit], now: int, promised: int) -> int:
    """Say when a promised write can really go, behind those promised earlier, and promise that."""
    _forget(window, limits, now)
    _leave_line(window, promised)
    stamps = _times(window)
    for other in [at for at in window.line if at <= promised]:
        insort(stamps, earliest(stamps, limits, max(other, now)))
    at = earliest(stamps, limits, max(now + LEAD, window.blocked_until, promised))
    insort(window.line, at)
    return at


def grant_write(
    window: Window, limits: Sequence[Limit], now: int, promised: int, max_wait: int
) -> tuple[int, bool]:
    """The time at which a promised write may be sent, and whether it was granted.

    It is not granted, and keeps standing in line, if that is more than `max_wait` away.
    """
    _forget(window, limits, now)
    _leave_line(window, promised)
    base = max(now + LEAD, window.blocked_until, promised)
    return _grant(window, WRITE, _earliest_write(window, limits, base), now + max_wait)


def grant_read(
    window: Window, limits: Sequence[Limit], now: int, max_wait: int
) -> tuple[int, bool]:
    """The time at which a read may be sent, and whether it was granted (else nothing changed)."""
    _forget(window, limits, now)
    base = max(now + LEAD, window.blocked_until)
    return _grant(window, READ, _earliest_read(window, limits, base), now + max_wait)


def grant_again(
    window: Window, limits: Sequence[Limit], now: int, late: Late, max_wait: int
) -> tuple[int, bool]:
    """Move the grant of a request that missed its time to one that it can keep.

    What made it late (a slow commit, a busy machine) is expected to take as long once more.
    """
    _forget(window, limits, now)
    window.grants = _without(window.grants, (late.at, late.kind))
    base = max(now + 2 * late.by, window.blocked_until)
    find = _earliest_write if late.kind == WRITE else _earliest_read
    return _grant(window, late.kind, find(window, limits, base), now + max_wait)


def _earliest_write(window: Window, limits: Sequence[Limit], not_before: int) -> int:
    """The first time that keeps the limits."""
    return earliest(_times(window), limits, not_before)


def _earliest_read(window: Window, limits: Sequence[Limit], not_before: int) -> int:
    """The first time that keeps the limits and the share of reads."""
    reads = [at for at, kind in window.grants if kind == READ]
    share = 1 if window.line else 4
    own_limits = [limit.share(share, 5) for limit in limits]
    at, before = not_before, -1
    while at != before:
        before = at
        at = earliest(reads, own_limits, earliest(_times(window), limits, at))
    return at


def _grant(window: Window, kind: str, at: int, latest: int) -> tuple[int, bool]:
    """Write the grant down, or put a write that must wait longer into the line."""
    if at <= latest + LEAD:
        insort(window.grants, (at, kind))
        return at, True
    if kind == WRITE:
        insort(window.line, at)
    return at, False


def _without(grants: list[tuple[int, str]], gone: tuple[int, str]) -> list[tuple[int, str]]:
    """The grants but one; there may be an equal one, which stays."""
    if gone not in grants:
        return grants
    place = grants.index(gone)
    return grants[:place] + grants[place + 1 :]


def penalise(window: Window, now: int, wait: int | None, jitter: float) -> int:
    """They said "too many": block everybody, by their wish or by 2 s doubling to 60 s, ±20 %."""
    if now > window.blocked_until + PENALTY_MEMORY:
        window.penalties = 0
    growing = min(FIRST_PENALTY * 2 ** min(window.penalties, 10), LONGEST_PENALTY)
    window.penalties += 1
    chosen = wait if wait is not None else int(growing * (0.8 + 0.4 * jitter))
    window.blocked_until = max(window.blocked_until, now + chosen)
    return window.blocked_until


def earliest(stamps: Sequence[int], limits: Sequence[Limit], not_before: int) -> int:
    """The first time from `not_before` on at which one more stamp breaks no limit."""
    if _fits(stamps, limits, not_before):
        return not_before
    ends = {stamp + limit.window + MARGIN for stamp in stamps for limit in limits}
    return next(at for at in sorted(ends) if at > not_before and _fits(stamps, limits, at))


def _fits(stamps: Sequence[int], limits: Sequence[Limit], at: int) -> bool:
    """Would `at` among the sorted stamps leave every limit kept? Looks both ways."""
    place = bisect_left(stamps, at)
    return all(_keeps(stamps, limit, at, place) for limit in limits)


def _keeps(stamps: Sequence[int], limit: Limit, at: int, place: int) -> bool:
    count = limit.count
    near = [*stamps[max(0, place - count) : place], at, *stamps[place : place + count]]
    span = limit.window + MARGIN
    return all(late - early >= span for early, late in zip(near, near[count:], strict=False))


def _times(window: Window) -> list[int]:
    return [at for at, _ in window.grants]


def _leave_line(window: Window, promised: int) -> None:
    """Take the promise out; clocks round, so the nearest one is it."""
    if window.line:
        nearest = min(window.line, key=lambda at: abs(at - promised))
        if abs(nearest - promised) < SECOND:
            window.line.remove(nearest)


def _forget(window: Window, limits: Sequence[Limit], now: int) -> None:
    longest = max(limit.window for limit in limits) + MARGIN
    window.grants = [grant for grant in window.grants if grant[0] > now - longest]
    window.line = [at for at in window.line if at > now - PATIENCE]
