"""Reading one field of their JSON at a time, strictly: the right type or a safe sentence.

Nothing is converted silently: a number in quotes is not a number, true is not 1. `FieldError`
names the field and what is wrong with it, never its value.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from giftops.money import Money, MoneyError

MAX_TEXT = 500

_IDENTIFIER = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)

Json = Mapping[str, Any]


class FieldError(ValueError):
    """A field is missing or not what the contract says."""


def text(item: Json, key: str, *, longest: int = MAX_TEXT) -> str:
    """A required text that is not blank; stripped."""
    value = optional_text(item, key, longest=longest)
    if not value:
        raise FieldError(f"{key} is missing")
    return value


def optional_text(item: Json, key: str, *, longest: int = MAX_TEXT) -> str:
    """A text, "" if missing, null or blank; stripped."""
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError(f"{key} is not a text")
    if len(value) > longest:
        raise FieldError(f"{key} is too long")
    if "\x00" in value or not _is_encodable(value):
        raise FieldError(f"{key} holds characters that cannot be stored")
    return value.strip()


def identifier(item: Json, key: str, *, longest: int = 64) -> str:
    """A required id: plain ASCII letters, digits and . _ : - only.

    A look-alike (other digits, marks of direction) would be another order's name on the next call.
    """
    value = text(item, key, longest=longest)
    if not _IDENTIFIER.fullmatch(value):
        raise FieldError(f"{key} is not an id")
    return value


def integer(item: Json, key: str) -> int:
    """A required whole number."""
    value = optional_integer(item, key)
    if value is None:
        raise FieldError(f"{key} is missing")
    return value


def optional_integer(item: Json, key: str) -> int | None:
    """A whole number, None if missing or null; 5.0 is one, "5" and true are not."""
    value = item.get(key)
    if value is None:
        return None
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if type(value) is not int:
        raise FieldError(f"{key} is not a whole number")
    return value


def amount(item: Json, key: str, currency: str) -> Money:
    """A required amount in major units of `currency`; no rounding."""
    value = optional_amount(item, key, currency)
    if value is None:
        raise FieldError(f"{key} is missing")
    return value


def optional_amount(item: Json, key: str, currency: str) -> Money | None:
    """An amount in major units (25 or 25.00), None if missing or null."""
    value = item.get(key)
    if value is None:
        return None
    if type(value) not in (int, Decimal):
        raise FieldError(f"{key} is not a number")
    try:
        return Money.from_decimal(value, currency)
    except MoneyError:
        raise FieldError(f"{key} is not an amount of {currency}") from None


def currency(item: Json, key: str, default: str) -> str:
    """An ISO 4217 code we know; `default` if missing or null."""
    code = optional_text(item, key, longest=10).upper() or default
    try:
        Money(0, code)
    except MoneyError:
        raise FieldError(f"{key} is not a currency we know") from None
    return code


def flag(item: Json, key: str, *, default: bool) -> bool:
    """True or false; `default` if missing or null."""
    value = item.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise FieldError(f"{key} is not true or false")
    return value


def items(item: Json, key: str) -> list[Any]:
    """A required list."""
    value = item.get(key)
    if not isinstance(value, list):
        raise FieldError(f"{key} is not a list")
    return value


def objects(item: Json, key: str) -> list[Json]:
    """A required list of objects."""
    return [as_object(entry) for entry in items(item, key)]


def as_object(item: Any) -> Json:
    """One item of a list, or a whole document, which must be an object."""
    if not isinstance(item, dict):
        raise FieldError("an item is not an object")
    return item


def optional_moment(item: Json, key: str) -> datetime | None:
    """An ISO 8601 time, None if missing; one without a zone is taken as UTC."""
    value = optional_text(item, key, longest=64)
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FieldError(f"{key} is not a time") from None


def optional_day(item: Json, key: str) -> date | None:
    """An ISO 8601 date (a time after it is ignored), None if missing."""
    value = optional_text(item, key, longest=64)
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise FieldError(f"{key} is not a date") from None


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
