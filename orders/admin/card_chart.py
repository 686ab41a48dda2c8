"""The picture of what a card was worth over time. The template draws it, the script moves along it.

The drawing is stretched to the width of the page, so every text stands beside it and none in it.
"""

import json
from dataclasses import dataclass
from datetime import date

from giftops.money import Money
from orders.admin.drawing import round_up, short, text
from orders.services.issuing.cards.worth import Series
from orders.weighing.worth import Level

WIDTH, HEIGHT = 900, 160
"""In units of the drawing."""
MOST_IN_TABLE = 100


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template places; coordinates as text, because locales write them in theirs."""

    line: str
    area: str
    scale: list[str]
    first: date
    last: date
    days: int
    """From the first to the last; at least one."""
    levels: str
    """For the script: [[days since the first, "USD 85.00"], …]."""
    changes: list[tuple[date, Money]]
    """For the table, newest first."""
    words: str
    source: str

    size: str = f"0 0 {WIDTH} {HEIGHT}"


def chart_of(series: Series) -> Chart:
    """Lay out the picture, from the first day that anything is known of to the last reading."""
    days = max((series.until - series.first).days, 1)
    top = round_up(max(level.minor for level in series.levels))
    points = [(WIDTH * _since(series, level) / days, level.minor) for level in series.levels]
    line = _steps(points, top)
    amounts = [(level.day, Money(level.minor, series.currency)) for level in series.levels]
    return Chart(
        line=line,
        area=f"{line}V{HEIGHT}H0Z",
        scale=[short(Money(minor, series.currency)) for minor in (top, top // 2, 0)],
        first=series.first,
        last=series.until,
        days=days,
        levels=json.dumps([[(day - series.first).days, worth.format()] for day, worth in amounts]),
        changes=amounts[: -MOST_IN_TABLE - 1 : -1],
        words=_words(amounts),
        source=series.source,
    )


def _since(series: Series, level: Level) -> int:
    return (level.day - series.first).days


def _steps(points: list[tuple[float, int]], top: int) -> str:
    """A path that keeps each level until the next one."""
    path = [f"M0 {text(_height(points[0][1], top))}"]
    path += [f"H{text(x)}V{text(_height(minor, top))}" for x, minor in points[1:]]
    return "".join([*path, f"H{WIDTH}"])


def _height(minor: int, top: int) -> float:
    """How far below the upper edge a level stands."""
    return HEIGHT * (1 - max(minor, 0) / top)


def _words(amounts: list[tuple[date, Money]]) -> str:
    """The picture in a sentence, for those who do not see it."""
    (start, first), (end, last) = amounts[0], amounts[-1]
    return (
        f"{first.format()} on {start.day} {start:%b %Y}, {last.format()} since {end.day} "
        f"{end:%b %Y}. The figures of each change are in the table below."
    )
