"""Sheets of customers for whom cards are to be created, pasted or uploaded as CSV. Pure.

Columns are those of `TEMPLATE`, named in the first row in any order, or without names in this
order. A customer is named by number, or by e-mail address alone. Blank cells for kind of card and
value take what is given once for all.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from giftops.money import Money, MoneyError
from orders.services.issuing.cards.card_wishes import CardWish

COLUMNS = ("customer", "name", "email", "code", "value", "points")
TEMPLATE = "Customer number,Name,E-mail,Gift card code,Value,Points\r\n"
CALLED = {
    "customer": ("customer number", "customer", "customer no", "customer id", "number"),
    "name": ("name", "customer name", "full name"),
    "email": ("e-mail", "email", "mail", "e-mail address", "email address"),
    "code": ("gift card code", "code", "kind", "card code"),
    "value": ("value", "amount", "worth"),
    "points": ("points", "points to redeem"),
}
"""What people write over each column."""
LONGEST_ROW = 1000
MOST_BYTES = 1024 * 1024
MOST_ROWS = 10_000
POINTS = re.compile(r"[0-9]{1,9}", re.ASCII)
THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
NOT_TEXT = "This is not a CSV file in UTF-8. Save the sheet as “CSV UTF-8” and try again."
ZIP = b"PK\x03\x04"  # a workbook


class UnreadableSheet(ValueError):
    """The sheet as a whole cannot be read; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What could be read, and a sentence with its row for what could not.

    `flawed`: the rows that have such a sentence, as far as they could be read. What could not be
    is something fit, so that the rest of the row can be judged.
    """

    wishes: list[CardWish]
    problems: list[str]
    flawed: list[CardWish]


def text_of(data: bytes) -> str:
    """The text of an uploaded file. Raises `UnreadableSheet`."""
    if len(data) > MOST_BYTES:
        raise UnreadableSheet("This file is larger than 1 MB. Split it.")
    if data.startswith(ZIP) or b"\x00" in data:
        raise UnreadableSheet(NOT_TEXT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableSheet(NOT_TEXT) from None


def read_sheet(text: str, *, currency: str, code: str = "", value: Money | None = None) -> Sheet:
    """Read the rows of a sheet; `code` and `value` are for the cells that are blank."""
    sheet = Sheet([], [], [])
    columns: Sequence[str] = COLUMNS
    for row, line in _rows(text):
        if row > MOST_ROWS:
            sheet.problems.append(f"Row {row}: a sheet has at most {MOST_ROWS:,} rows.")
            break
        if len(line) > LONGEST_ROW:
            sheet.problems.append(f"Row {row}: this is too long to be one card.")
            continue
        cells = _cells(line)
        if row == 1 and (named := _columns_in(cells)):
            columns = named
        else:
            _read_row(sheet, row, columns, cells, CardWish(
                customer_id="", code=code, value=value or Money(0, currency), row=row
            ))  # fmt: skip
    return sheet


def _rows(text: str) -> Iterator[tuple[int, str]]:
    for row, line in enumerate(text.splitlines(), 1):
        if line.strip(" \t,;"):
            yield row, line


def _cells(line: str) -> list[str]:
    separator = next((sign for sign in "\t;," if sign in line), ",")
    cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [" ".join(cell.split()) for cell in cells]


def _columns_in(cells: Sequence[str]) -> list[str]:
    """Which column each cell of a first row names; [] if it names none."""
    found = [
        next((name for name, said in CALLED.items() if cell.casefold() in said), "")
        for cell in cells
    ]
    return found if any(found) else []


def _read_row(
    sheet: Sheet, row: int, columns: Sequence[str], cells: Sequence[str], usual: CardWish
) -> None:
    """One card from one row, or the sentences that say why not."""
    problems: list[str] = []
    if any(cells[len(columns) :]):
        problems.append("there are more columns than in the template.")
    given = {name: cell for name, cell in zip(columns, cells, strict=False) if name and cell}
    wish = CardWish(
        customer_id=given.get("customer", ""), customer_name=given.get("name", ""),
        customer_email=given.get("email", ""), code=given.get("code", usual.code),
        value=_value_in(given, usual.value, problems), points=_points_in(given, problems), row=row,
    )  # fmt: skip
    sheet.problems.extend(f"Row {row}: {problem}" for problem in problems)
    (sheet.flawed if problems else sheet.wishes).append(wish)


def _value_in(given: Mapping[str, str], usual: Money, problems: list[str]) -> Money:
    if "value" not in given:
        if not usual:
            problems.append("give the value.")
        return usual or _something(usual)
    try:
        return Money.parse(_plain(given["value"], usual.currency), usual.currency)
    except MoneyError:
        problems.append("write the value like 25.00.")
        return _something(usual)


def _something(usual: Money) -> Money:
    """A value that nobody objects to, for a row whose own could not be read."""
    return Money(100, usual.currency)


def _points_in(given: Mapping[str, str], problems: list[str]) -> int | None:
    if "points" not in given:
        return None
    if POINTS.fullmatch(given["points"]):
        return int(given["points"])
    problems.append("write the points as digits only.")
    return None


def _plain(text: str, currency: str) -> str:
    """An amount as sheets write it: "USD 1,250.00", "$25"."""
    text = text.removeprefix(currency).removeprefix("$").strip()
    return text.replace(",", "") if THOUSANDS.fullmatch(text) else text
