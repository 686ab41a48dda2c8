"""Which of their lines, and which of their cards, belong to which of our lines.

A line is known by our id if they repeat it, else by their id if we have seen it before, else by
what it buys. However many lines there are, they are read once and written together.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from giftops.clock import db_now
from giftops.money import Money
from orders import decisions
from orders.models import Order, OrderLine
from providers.gateways.base import RemoteCard, RemoteLine, RemoteOrder, Standing

FACTS = ["external_id", "standing", "provider_text", "delivered_at"]


def note_lines(order: Order, remote: RemoteOrder) -> None:
    """Store what they tell of each line: their id, how it stands, when we first saw it done."""
    at = db_now()
    changed = [
        line for line, there in _pairs(order, remote) if _note(line, there, remote.standing, at)
    ]
    OrderLine.objects.bulk_update(changed, FACTS)


def charged_for(remote: RemoteOrder) -> Money | None:
    """What they charge for the lines that did not fail; None while they do not say it of each."""
    costs = [line.cost for line in remote.lines if line.standing is not Standing.CANCELLED]
    told = [cost for cost in costs if cost is not None]
    if len(told) < len(costs) or not remote.lines:
        return None
    return sum(told, Money(0, remote.lines[0].face_value.currency))


def has_failed(line: OrderLine) -> bool:
    """Whether the provider gave this line up while it carried out others."""
    return line.standing == Standing.CANCELLED


def is_done(line: OrderLine) -> bool:
    """Whether the provider is through with this line, for better or worse."""
    return line.standing in (Standing.COMPLETED, Standing.CANCELLED)


def homes_of(
    lines: Iterable[OrderLine], cards: Iterable[RemoteCard]
) -> list[tuple[RemoteCard, OrderLine | None]]:
    """The line that each card belongs to; None for a card that no line can have bought."""
    lines = list(lines)
    named = {line.id.hex: line for line in lines}
    named |= {line.external_id: line for line in lines if line.external_id}
    room = {line.pk: 0 if has_failed(line) else line.quantity for line in lines}
    homes: list[tuple[RemoteCard, OrderLine | None]] = []
    nameless = []
    for card in cards:
        name = card.line_id or card.line_external_id
        if not name:
            nameless.append(card)
            continue
        home = named.get(card.line_id) or named.get(card.line_external_id)
        homes.append((card, home))
        if home is not None:
            room[home.pk] -= 1
    return homes + _by_value(lines, nameless, room)


def _by_value(
    lines: list[OrderLine], cards: list[RemoteCard], room: Mapping[UUID, int]
) -> list[tuple[RemoteCard, OrderLine | None]]:
    places: dict[Money, list[OrderLine]] = defaultdict(list)
    for line in reversed(lines):
        places[line.face_value] += [line] * max(0, room[line.pk])
    return [
        (card, places[card.face_value].pop() if places[card.face_value] else None) for card in cards
    ]


def _pairs(order: Order, remote: RemoteOrder) -> Iterator[tuple[OrderLine, RemoteLine]]:
    """Each of their lines beside ours; the order has been compared before, so all find a place."""
    lines = list(order.lines.all())
    ours = {line.id.hex: line for line in lines}
    known = {line.external_id: line for line in lines if line.external_id}
    nameless = []
    for there in remote.lines:
        line = ours.get(there.line_id) or known.get(there.external_id)
        if line is None:
            nameless.append(there)
            continue
        ours.pop(line.id.hex, None)
        yield line, there
    places: dict[Hashable, list[OrderLine]] = defaultdict(list)
    for line in reversed(list(ours.values())):
        places[_what_it_buys(line)].append(line)
    for there in nameless:
        if places[decisions.what_is_bought(there)]:
            yield places[decisions.what_is_bought(there)].pop(), there


def _what_it_buys(line: OrderLine) -> Hashable:
    """The same as `decisions.what_is_bought`, of a stored line."""
    return line.product_external_id, line.face_value, line.quantity


def _note(line: OrderLine, there: RemoteLine, whole: Standing, at: datetime) -> bool:
    """Write their word onto our line; whether that changed anything."""
    before = [getattr(line, name) for name in FACTS]
    standing = there.standing or whole
    line.external_id = there.external_id[:64] or line.external_id
    line.standing = standing
    line.provider_text = there.status_text[:200] or line.provider_text
    if standing is Standing.COMPLETED:
        line.delivered_at = line.delivered_at or at
    return before != [getattr(line, name) for name in FACTS]
