"""What a break says, beside the name of the thing that it is about."""

from typing import Any

from orders.models import Break, Card


def said_of(found: Break, thing: Any) -> str:
    """Its sentence without the reference that it begins with: that stands beside it already."""
    head, _, rest = found.text.partition(": ")
    names = _names_of(thing)
    is_named = rest and any(head == name or head.endswith(f", {name}") for name in names)
    return f"{rest[0].upper()}{rest[1:]}" if is_named else found.text


def open_breaks(thing: Any) -> list[tuple[Break, str]]:
    """The open breaks of an order, a card, a hold …, each with what it says on the thing's page."""
    return [(found, said_of(found, thing)) for found in thing.breaks.filter(closed_at=None)]


def _names_of(thing: Any) -> tuple[str, ...]:
    if thing is None:
        return ()
    return (str(thing), thing.sale_id) if isinstance(thing, Card) else (thing.reference,)
