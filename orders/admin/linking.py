"""What a row is about: an order, a reservation, a card or a hold; its name and its page."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from giftops import show
from orders.models import Card

THINGS = ("order", "reservation", "card", "authorization")
CALLED = {"authorization": "hold"}


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing as a list names it: its kind in a word, its name, its page."""

    kind: str
    name: SafeString
    link: str


def thing_of(row: Any) -> Thing | None:
    """What a break (or whatever has a column for each of THINGS) is about; None: the account."""
    for kind in THINGS:
        found = getattr(row, kind)
        if found is not None:
            return Thing(CALLED.get(kind, kind), _name(found), page_of(kind, found.pk))
    return None


def _name(found: Any) -> SafeString:
    """A card by its mask, everything else by our reference."""
    return show.code(str(found), shorten=not isinstance(found, Card))


def page_of(kind: str, pk: Any) -> str:
    """The address of the page of an order, a card, a hold …."""
    return reverse(f"admin:orders_{kind}_change", args=[pk])


def list_of(kind: str, **filters: str) -> str:
    """The address of a list of orders, cards, holds …, with filters set."""
    return f"{reverse(f'admin:orders_{kind}_changelist')}?{urlencode(filters)}"
