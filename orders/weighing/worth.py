"""What a card was worth on a day, from its history and from what was read; no clock, no database.

A day is a day as the issuer writes it: its dates have neither time nor zone.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

Entry = tuple[date | None, int | None]
"""A movement: its day and what it added in minor units, as far as they are told."""


@dataclass(frozen=True, slots=True)
class Level:
    """From the end of this day on it was worth so much, in minor units."""

    day: date
    minor: int


def told_levels(entries: Sequence[Entry], balance_minor: int | None) -> list[Level]:
    """The levels that a history tells; none unless it is whole and adds up to the balance."""
    whole = [(day, minor) for day, minor in entries if day is not None and minor is not None]
    if len(whole) < len(entries) or sum(minor for _, minor in whole) != balance_minor:
        return []
    total, by_day = 0, {}
    for day, minor in sorted(whole):
        total += minor
        by_day[day] = total
    return _changes(by_day)


def read_levels(readings: Iterable[tuple[date, int]]) -> list[Level]:
    """The levels that readings tell, oldest first: the last one of a day counts for it."""
    return _changes(dict(readings))


def level_on(levels: Sequence[Level], day: date) -> int | None:
    """What it was worth at the end of a day; None before anything is known."""
    place = bisect_right([level.day for level in levels], day)
    return levels[place - 1].minor if place else None


def _changes(by_day: dict[date, int]) -> list[Level]:
    """Only the days on which it was worth another amount than before."""
    levels: list[Level] = []
    for day in sorted(by_day):
        if not levels or levels[-1].minor != by_day[day]:
            levels.append(Level(day, by_day[day]))
    return levels
