"""Whom cards are for, and what is wrong with a list of them, row by row. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from providers.gateways.base import OrderType, PostalAddress

MOST_TOLD = 5
PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)  # E.164
US_ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?", re.ASCII)
COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)  # ISO 3166-1 alpha-2
LONGEST = {"name": 120, "line_1": 120, "line_2": 120, "city": 80, "state": 40, "postcode": 20}
NEEDED = {"name": "name", "line_1": "street", "city": "city", "state": "state", "postcode": "ZIP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody who gets cards. `row` is the line of the list they were pasted in, from 1."""

    name: str = ""
    email: str = ""
    phone: str = ""  # E.164
    address: PostalAddress | None = None
    row: int = 0

    @property
    def whereto(self) -> str:
        """Where it goes, written so that the same place reads the same; "" if nowhere."""
        if self.address is not None:
            place = self.address
            parts = (place.name, place.line_1, place.line_2, place.postcode, place.country)
            return " ".join(" ".join(parts).casefold().split())
        return self.email.casefold() or self.phone


def problems_with(
    people: Sequence[Recipient], order_type: OrderType, *, may_repeat: bool = False
) -> list[str]:
    """A sentence for each thing that is wrong, in the order of the list."""
    found = []
    seen: dict[str, int] = {}
    for position, person in enumerate(people, 1):
        row = person.row or position
        label = f"Row {row}: " if len(people) > 1 or person.row > 1 else ""
        found += [f"{label}{problem}" for problem in _problems_of(person, order_type)]
        place = person.whereto
        if place and place in seen and not may_repeat:
            found.append(f"{label}{_called(person)} is in row {seen[place]} already.")
        seen.setdefault(place, row)
    return found


def in_short(problems: Sequence[str]) -> str:
    """The first few of many sentences, and how many more there are."""
    text = " ".join(problems[:MOST_TOLD])
    more = len(problems) - MOST_TOLD
    return f"{text} And {more} more like these." if more > 0 else text


def _called(person: Recipient) -> str:
    return person.address.name if person.address else person.email or person.phone


def _problems_of(person: Recipient, order_type: OrderType) -> Iterator[str]:
    if len(person.name) > LONGEST["name"]:
        yield "the name is too long."
    if person.email and not _is_email(person.email):
        yield f"“{person.email[:60]}” is not an e-mail address."
    if person.phone and not PHONE.fullmatch(person.phone):
        yield "write the phone number with its country, like +15555550123."
    if order_type == OrderType.DIGITAL and not (person.email or person.phone):
        yield "give an e-mail address or a phone number."
    if order_type == OrderType.PHYSICAL:
        yield from _problems_of_address(person.address)


def _problems_of_address(address: PostalAddress | None) -> Iterator[str]:
    if address is None:
        yield "give the postal address."
        return
    missing = [word for name, word in NEEDED.items() if not getattr(address, name)]
    if missing:
        yield f"the address lacks {', '.join(missing)}."
    for name, longest in LONGEST.items():
        if len(getattr(address, name)) > longest:
            yield f"the {NEEDED.get(name, 'second line')} is longer than {longest} characters."
    if not COUNTRY.fullmatch(address.country):
        yield "write the country with two letters, like US."
    if address.country == "US" and address.postcode and not US_ZIP.fullmatch(address.postcode):
        yield "a ZIP in the US has five digits."


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254
