"""Lists of people as they are pasted from a sheet or a mail program, one to a row. Pure."""

import csv
import re
from collections.abc import Iterator

from orders.services.recipients import Recipient
from providers.gateways.base import PostalAddress

LONGEST_ROW = 1000
COUNTRY = "US"
HEADERS = frozenset(
    ("name", "names", "full name", "first name", "recipient", "e-mail", "email", "mail", "phone")
)
PHONE = re.compile(r"[+(]?[0-9][0-9 ().\-/\u2010-\u2015]{4,}")
IN_BRACKETS = re.compile(r"(.*)<\s*([^<>\s]+@[^<>\s]+)\s*>\W*")
AN_ADDRESS = "Name; street; second line; city; state; ZIP; country"


def people_in(text: str) -> tuple[list[Recipient], list[str]]:
    """Read rows like "Ann Petrov, ann@example.com"; the people, and what could not be read."""
    people, problems = [], []
    for row, line in _rows(text):
        if len(line) > LONGEST_ROW:
            problems.append(f"Row {row}: this is too long to be one person.")
        else:
            people.append(_person(row, line))
    return people, problems


def addresses_in(text: str) -> tuple[list[Recipient], list[str]]:
    """Read rows like `AN_ADDRESS`; second line and country may be left out."""
    people, problems = [], []
    for row, line in _rows(text):
        cells = _seven(_cells(line)) if len(line) <= LONGEST_ROW else []
        if cells:
            people.append(_addressee(row, cells))
        else:
            problems.append(f"Row {row}: write it like “{AN_ADDRESS}”.")
    return people, problems


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """(number, content) of every row that says something; a row of column titles is left out."""
    for row, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not (row == 1 and _is_header(line)):
            yield row, line


def _is_header(line: str) -> bool:
    return len(line) <= LONGEST_ROW and _cells(line)[0].casefold() in HEADERS


def _cells(line: str) -> list[str]:
    separator = next((sign for sign in "\t;," if sign in line), ",")
    cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [" ".join(cell.split()) for cell in cells] or [""]


def _person(row: int, line: str) -> Recipient:
    found = IN_BRACKETS.fullmatch(line)
    cells = [found[1].strip(' "'), found[2]] if found else _cells(line)
    emails = [cell for cell in cells if "@" in cell]
    phones = [cell for cell in cells if cell not in emails and PHONE.fullmatch(cell)]
    names = [cell for cell in cells if cell and cell not in emails and cell not in phones]
    return Recipient(
        name=" ".join(names),
        email=" ".join(emails),
        phone=re.sub(r"[^0-9+]", "", phones[0]) if phones else "",
        row=row,
    )


def _seven(cells: list[str]) -> list[str]:
    """Name to country; the ZIP, which has a digit, tells what was left out. [] if unreadable."""
    if len(cells) in (5, 6) and re.search(r"\d", cells[-1]):
        cells = [*cells, COUNTRY]
    if len(cells) == 6:
        cells = [*cells[:2], "", *cells[2:]]
    return cells if len(cells) == 7 else []


def _addressee(row: int, cells: list[str]) -> Recipient:
    name, line_1, line_2, city, state, postcode, country = cells
    address = PostalAddress(
        name=name, line_1=line_1, line_2=line_2, city=city, state=state, postcode=postcode,
        country=country.upper() or COUNTRY,
    )  # fmt: skip
    return Recipient(name=name, address=address, row=row)
