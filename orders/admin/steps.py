"""The timeline of an order, or of what is issued, as lines of a page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from giftops.models import User
from orders.admin import pills
from orders.admin.issuing import issuing_pills
from orders.models import Authorization, Card, Issuance, Order, Reservation

MOST = 200
BY_KIND = {"asked": "grey", "resolution_proposed": "amber", "late_truth": "red"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened."""

    at: datetime
    text: str
    who: str
    tone: str


def steps_of(order: Order) -> Iterator[Step]:
    """What happened, oldest first; of a very long story the newest part."""
    events = order.events.select_related("actor").order_by("-id")[:MOST]
    for event in reversed(events):
        tone = pills.tone_of_status(event.new_status) if event.new_status else ""
        tone = tone or BY_KIND.get(event.kind, "grey")
        yield Step(event.at, event.text, _who(event.actor), tone)


def steps_of_issued(thing: Reservation | Issuance | Card | Authorization) -> Iterator[Step]:
    """What happened to a reservation, an issuance, a card or a hold; the newest part, in order."""
    events = thing.events.select_related("actor").order_by("-id")[:MOST]
    for event in reversed(events):
        tone = issuing_pills.tone_of(type(thing), event.new_state) if event.new_state else ""
        tone = tone or BY_KIND.get(event.kind, "grey")
        yield Step(event.at, event.text, _who(event.actor), tone)


def _who(actor: User | None) -> str:
    if actor is None:
        return ""
    name = actor.get_full_name() or actor.username
    return f"{name} ({actor.get_role_display().lower()})" if actor.role else name
