"""How the small things look everywhere: pills, money, times, masks. Plain functions that give HTML.

A colour means the same on every page: grey being made, blue on its way, green done, amber needs a
look soon, red needs a person now, dark dead.
"""

from datetime import UTC, datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

from giftops.clock import db_now
from giftops.money import Money

GREY, BLUE, GREEN, AMBER, RED, DARK = "grey", "blue", "green", "amber", "red", "dark"
EMPTY = "–"


def pill(tone: str, label: str, quote: str = "") -> SafeString:
    """Our status in its colour; the other side's own words beside it, small and in quotes."""
    own = format_html('<span class="g-pill g-pill--{}">{}</span>', tone, label)
    if not quote:
        return own
    return format_html('{} <q class="g-quote">{}</q>', own, quote)


def money(amount: Money | None) -> SafeString:
    """An amount with its currency, thousands separated, figures of one width."""
    if amount is None:
        return format_html('<span class="g-none">{}</span>', EMPTY)
    return format_html('<span class="g-money">{}</span>', amount.format())


def age(at: datetime | None, *, now: datetime | None = None) -> SafeString:
    """A moment as people say it ("12 min ago", "in 40 s"); the exact one in UTC on hover."""
    if at is None:
        return format_html('<span class="g-none">{}</span>', EMPTY)
    return format_html(
        '<time class="g-age" datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        exact(at),
        in_words(at - (now or db_now()), at),
    )


def exact(at: datetime) -> str:
    """A moment to the second, in UTC: "26 Nov 2026, 14:22:41 UTC"."""
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"


def in_words(gap: timedelta, at: datetime) -> str:
    """How far off a moment is; beyond a month its date. The script in the page does the same."""
    seconds = gap.total_seconds()
    size = abs(seconds)
    if size < 5:
        return "now"
    if size >= 30 * 86400:
        return f"{at.astimezone(UTC):%d %b %Y}"
    text = duration(size)
    return f"in {text}" if seconds > 0 else f"{text} ago"


def duration(seconds: float) -> str:
    """A length of time in its largest unit: "40 s", "12 min", "3 h", "2 d"."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def milliseconds(value: int) -> str:
    """How long a call took: "120 ms", "4.2 s"."""
    return f"{value} ms" if value < 1000 else f"{value / 1000:.1f} s"


def code(text: str, *, shorten: bool = False) -> SafeString:
    """An identifier in figures of one width; shortened in the middle, whole on hover."""
    if shorten and len(text) > 22:
        short = f"{text[:14]}…{text[-5:]}"
        return format_html('<span class="g-code g-code--short" title="{}">{}</span>', text, short)
    return format_html('<span class="g-code">{}</span>', text)


def two_lines(first: object, second: object) -> SafeString:
    """A cell with a main line and a quieter one below."""
    if not second:
        return format_html('<span class="g-cell">{}</span>', first)
    return format_html('<span class="g-cell">{}<small>{}</small></span>', first, second)
