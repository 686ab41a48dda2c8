"""The picture of a deposit: where its lines and bars stand. The template draws them.

The drawing is stretched to the width of the page, so every text stands beside it and none in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from giftops.money import Money
from orders.admin.deposit_history import Day
from orders.admin.drawing import round_up, short, text

WIDTH, HEIGHT, STRIP = 900, 200, 60
"""In units of the drawing: its width, the height of the balance, the height of the spending."""
LEAST = 1.5  # what is not nothing stays visible


@dataclass(frozen=True, slots=True)
class Bar:
    """What was spent on one day."""

    x: str
    y: str
    width: str
    height: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template places; coordinates as text, because locales write them in theirs."""

    line: str
    area: str
    added: list[tuple[str, str]]
    bars: list[Bar]
    alert: str
    scale: list[str]
    first: Day
    words: str

    size: str = f"0 0 {WIDTH} {HEIGHT}"
    strip: str = f"0 0 {WIDTH} {STRIP}"


def chart_of(days: Sequence[Day], alert_below: Money | None) -> Chart | None:
    """Lay out the picture; None if there is nothing to see in these days."""
    levels = _levels(days)
    if not levels:
        return None
    top = round_up(max([level for _, level in levels] + [alert_below.minor if alert_below else 1]))
    column = WIDTH / len(days)
    line = _steps(levels, column, top)
    return Chart(
        line=line,
        area=f"{line}V{HEIGHT}H{text(levels[0][0] * column)}Z",
        added=[
            (text((number + 0.5) * column), f"{day.day:%d %b}: {day.added.format()} added")
            for number, day in enumerate(days)
            if day.added
        ],
        bars=_bars(days, column),
        alert=text(_height(alert_below.minor, top)) if alert_below else "",
        scale=[short(Money(minor, days[0].spent.currency)) for minor in (top, top // 2, 0)],
        first=days[0],
        words=_words(days),
    )


def _levels(days: Sequence[Day]) -> list[tuple[int, int]]:
    """Number and level of each day since the first reading; without one, the day before's holds."""
    levels: list[tuple[int, int]] = []
    for number, day in enumerate(days):
        if day.seen is not None:
            levels.append((number, max(0, day.seen.minor)))
        elif levels:
            levels.append((number, levels[-1][1]))
    return levels


def _steps(levels: list[tuple[int, int]], column: float, top: int) -> str:
    """A path that keeps each day's level for the width of the day."""
    number, level = levels[0]
    path = [f"M{text(number * column)} {text(_height(level, top))}"]
    path += [
        f"V{text(_height(level, top))}H{text((number + 1) * column)}" for number, level in levels
    ]
    return "".join(path)


def _bars(days: Sequence[Day], column: float) -> list[Bar]:
    most = max(day.spent.minor for day in days)
    found = []
    for number, day in enumerate(days):
        if day.spent.minor > 0:
            height = max(LEAST, STRIP * day.spent.minor / most)
            found.append(
                Bar(
                    x=text((number + 0.15) * column),
                    y=text(STRIP - height),
                    width=text(column * 0.7),
                    height=text(height),
                    words=f"{day.day:%d %b}: {day.spent.format()} spent",
                )
            )
    return found


def _height(minor: int, top: int) -> float:
    """How far below the upper edge a level stands."""
    return HEIGHT * (1 - minor / top)


def _words(days: Sequence[Day]) -> str:
    """The picture in a sentence or two, for those who do not see it."""
    seen = [(day.day, day.seen) for day in days if day.seen is not None]
    (start, first), (end, last) = seen[0], seen[-1]
    least = min(level for _, level in seen)
    nothing = Money(0, first.currency)
    added = sum((day.added for day in days), nothing)
    spent = sum((day.spent for day in days), nothing)
    return (
        f"{first.format()} on {start.day} {start:%b}, {last.format()} on {end.day} {end:%b}, "
        f"at its lowest {least.format()}. {added.format()} was added, {spent.format()} was spent. "
        "The figures of each day are in the table below."
    )
