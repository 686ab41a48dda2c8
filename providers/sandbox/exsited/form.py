"""Reads the bodies and parameters of the contract. Everything here raises BadRequest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.sandbox.exsited.certificate import ACTIVE, DISABLED
from providers.sandbox.exsited.numbers import CODE_LENGTH, CODE_PREFIX
from providers.sandbox.reading import BadRequest, whole_number

CLIENT_GRANT, REFRESH_GRANT = "client_credentials", "refresh_token"
SORT_FIELDS = ("created_on", "last_updated_on", "code", "expiry_date", "amount")
DIRECTIONS = ("asc", "desc")
NOTHING = ("", "None")  # what exsited 1.0.40 sends for a parameter that was not given
USUAL_LIMIT = 20
MOST_MINOR = 10**13
FEWEST_LETTERS, LONGEST_CODE = 4, 64  # a code has so many characters after its prefix, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForm:
    """A request for a token."""

    grant: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str | None
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageForm:
    """Which rows of a list. `limit` may be larger than what is given out.

    `direction` is asc, desc or nothing: what cannot be read is nothing.
    """

    limit: int
    offset: int
    order_by: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeForm:
    """How a code is to be made; the prefix counts."""

    length: int = CODE_LENGTH
    prefix: str = CODE_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchForm:
    """What is to be changed; None stays as it is."""

    accounting_code: str | None = None
    expires_on: str | None = None
    code: CodeForm | None = None
    attributes: list[tuple[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForm:
    """A new certificate. `amount` is in minor units."""

    accounting_code: str
    amount: int
    currency: str
    status: str
    rest: PatchForm


def read_token(body: Mapping[str, Any]) -> TokenForm:
    """The body of the token end point; unknown keys are ignored."""
    grant = _text(body, "grant_type")
    if grant not in (CLIENT_GRANT, REFRESH_GRANT):
        raise BadRequest("grant_type is not supported")
    refreshes = grant == REFRESH_GRANT
    read_uri = _optional_text if refreshes else _text
    return TokenForm(
        grant=grant,
        client_id=_text(body, "client_id"),
        client_secret=_text(body, "client_secret"),
        redirect_uri=read_uri(body, "redirect_uri"),
        refresh_token=_text(body, "refresh_token") if refreshes else None,
    )


def read_page(query: Mapping[str, str]) -> PageForm:
    """The parameters of a list; contract section 3."""
    order_by = query.get("order_by", "")
    direction = query.get("direction", "").casefold()
    if order_by.casefold() in DIRECTIONS:  # as the provider's document has it
        order_by, direction = "", order_by.casefold()
    if order_by not in (*SORT_FIELDS, *NOTHING):
        raise BadRequest(f"order_by must be one of: {', '.join(SORT_FIELDS)}")
    return PageForm(
        limit=whole_number(query, "limit", USUAL_LIMIT, 2**31 - 1),
        offset=_offset(query),
        order_by="created_on" if order_by in NOTHING else order_by,
        direction=direction if direction in DIRECTIONS else "",
    )


def _offset(query: Mapping[str, str]) -> int:
    text = query.get("offset", "0")
    if not re.fullmatch("[0-9]{1,18}", text):
        raise BadRequest("offset must be a whole number of at least 0")
    return int(text)


def read_create(body: Mapping[str, Any]) -> CreateForm:
    """The body of POST gift_certificates."""
    given = _certificate(body)
    amount = _amount(given)
    if amount == 0:
        raise BadRequest("amount must be greater than 0")
    status = _optional_text(given, "status") or ACTIVE
    if status not in (ACTIVE, DISABLED):
        raise BadRequest("status must be ACTIVE or DISABLED")
    currency = _text(given, "currency")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise BadRequest("currency must be an ISO 4217 code")
    return CreateForm(
        accounting_code=_text(given, "accounting_code"),
        amount=amount,
        currency=currency,
        status=status,
        rest=_changes(given),
    )


def read_patch(body: Mapping[str, Any]) -> PatchForm:
    """The body of PATCH."""
    return _changes(_certificate(body))


def read_account(body: Mapping[str, Any]) -> str:
    """The body of allocate and deallocate."""
    return _text(_certificate(body), "account")


def read_amend(body: Mapping[str, Any]) -> tuple[int, str]:
    """The body of amend: the new balance in minor units, and an accounting code or nothing."""
    given = _certificate(body)
    return _amount(given), _optional_text(given, "accounting_code") or ""


def _certificate(body: Mapping[str, Any]) -> dict[str, Any]:
    return _object(body.get("gift_certificate"), "gift_certificate")


def _changes(given: Mapping[str, Any]) -> PatchForm:
    code = given.get("code")
    return PatchForm(
        accounting_code=_optional_text(given, "accounting_code"),
        expires_on=_date(given),
        code=None if "code" not in given else _code(_object(code, "code")),
        attributes=_attributes(given),
    )


def _date(given: Mapping[str, Any]) -> str | None:
    text = _optional_text(given, "expiry_date")
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadRequest("expiry_date must be a date such as 2031-09-24") from None
    if found.isoformat() != text:
        raise BadRequest("expiry_date must be a date such as 2031-09-24")
    return text


def _code(given: Mapping[str, Any]) -> CodeForm:
    """The suffix is taken, and was never seen in an answer (contract section 3)."""
    prefix = _optional_text(given, "prefix", may_be_empty=True)
    _optional_text(given, "suffix", may_be_empty=True)
    prefix = CODE_PREFIX if prefix is None else prefix
    length = given.get("length", max(CODE_LENGTH, len(prefix) + FEWEST_LETTERS))
    if isinstance(length, str) and re.fullmatch("[0-9]{1,3}", length):
        length = int(length)
    if not isinstance(length, int) or isinstance(length, bool):
        raise BadRequest("code.length must be a whole number")
    if not len(prefix) + FEWEST_LETTERS <= length <= LONGEST_CODE:
        raise BadRequest(f"code.length must leave {FEWEST_LETTERS} characters after the prefix")
    return CodeForm(length=length, prefix=prefix)


def _attributes(given: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    if "custom_attributes" not in given:
        return None
    rows = given["custom_attributes"]
    if not isinstance(rows, list):
        raise BadRequest("custom_attributes must be a list")
    return [_attribute(_object(row, "custom_attributes")) for row in rows]


def _attribute(row: Mapping[str, Any]) -> tuple[str, Any]:
    """Both forms of the contract: a name, or an attribute that has one."""
    holder = _object(row["attribute"], "attribute") if "attribute" in row else row
    return _text(holder, "name"), row.get("value", "")


def _amount(given: Mapping[str, Any]) -> int:
    """Main units, as text or number, in minor units."""
    value = given.get("amount")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise BadRequest("amount is required")
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,5})?", value):
        raise BadRequest("amount must be a decimal number")
    try:
        minor = Decimal(str(value)) * 100
    except InvalidOperation:
        raise BadRequest("amount must be a decimal number") from None
    if not 0 <= minor < MOST_MINOR or minor != minor.to_integral_value():
        raise BadRequest("amount must be positive, with two decimals at most")
    return int(minor)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object")
    return value


def _optional_text(holder: Mapping[str, Any], name: str, may_be_empty: bool = False) -> str | None:
    return _text(holder, name, may_be_empty) if name in holder else None


def _text(holder: Mapping[str, Any], name: str, may_be_empty: bool = False) -> str:
    if name not in holder:
        raise BadRequest(f"{name} is required")
    value = holder[name]
    if not isinstance(value, str) or not (value or may_be_empty):
        raise BadRequest(f"{name} must be a text")
    if value.encode("utf-8", "replace").decode() != value:
        raise BadRequest(f"{name} must be valid text")
    return value
