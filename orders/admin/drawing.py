"""Figures of a drawing: scales that people can halve, amounts and coordinates as text."""

from giftops.money import Money


def round_up(minor: int) -> int:
    """The next 1, 2, 4 or 10 times a power of ten: a scale people can halve."""
    power: int = 10 ** (len(str(max(minor, 1))) - 1)
    return next(step * power for step in (1, 2, 4, 10) if step * power >= minor)


def short(amount: Money) -> str:
    """An amount on the scale: without its currency, and without a fraction that is nought."""
    written = f"{amount.decimal():,f}"
    whole, _, rest = written.partition(".")
    return written if rest.strip("0") else whole


def text(value: float) -> str:
    """A coordinate with at most two digits after the point: locales would write it in theirs."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
