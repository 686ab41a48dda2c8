"""Reads the bodies of the contract's POST requests. Everything here raises BadRequest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from providers.sandbox.reading import BadRequest

PLAIN = "Bad Request"
REQUIRED = "Required: Type, Ref, SaleId, and (RequestedAmount or RequestedPoints)"
SINGLE, POOL = "single", "pool"
MOST_MINOR = 10**9  # what a number field of the merchant's till can hold, in minor units


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveForm:
    """A request for numbers."""

    agency: str
    type: str = SINGLE
    count: int = 1
    request_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForm:
    """A card to be issued, paid by a sale or by points. `value` is in minor units."""

    customer: str
    code: str
    value: int
    number: str | None = field(default=None, repr=False)
    sale_id: str | None = None
    points: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeForm:
    """Money to be held on a card. `amount` is in minor units."""

    number: str = field(repr=False)
    sale_id: str
    amount: int


def read_reserve(body: Mapping[str, Any]) -> ReserveForm:
    """The body of Giftcard/ReserveIds."""
    kind = _optional_text(body, "RequestType") or SINGLE
    if kind not in (SINGLE, POOL):
        raise BadRequest("RequestType must be single or pool")
    count = _count(body)
    if kind == POOL and count is None:
        raise BadRequest("PoolCount is required for a pool")
    agency = _optional_text(body, "Agency")
    if not agency:
        raise BadRequest("Agency is required")
    return ReserveForm(
        agency=agency,
        type=kind,
        count=count if kind == POOL and count is not None else 1,
        request_name=_optional_text(body, "RequestName"),
    )


def _count(body: Mapping[str, Any]) -> int | None:
    if "PoolCount" not in body:
        return None
    count = body["PoolCount"]
    if isinstance(count, float) and count.is_integer():
        count = int(count)  # JSON has one kind of number: 2.0 is 2
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise BadRequest("PoolCount must be a whole number of at least 1")
    return count


def read_create(body: Mapping[str, Any]) -> CreateForm:
    """The body of Giftcard/Create."""
    points, sale_id = _optional_text(body, "PointsToRedeem"), _optional_text(body, "SaleId")
    if not (points or sale_id):
        raise BadRequest("SaleId is Required")
    if points is not None and (sale_id is not None or not re.fullmatch("[0-9]{1,9}", points)):
        raise BadRequest(PLAIN)
    value = _amount(body, "GiftCardValue")
    if value <= 0:
        raise BadRequest("Gift Card Value must be greater than 0")
    return CreateForm(
        customer=_text(body, "CustomerNumber"),
        code=_text(body, "GiftCardCode"),
        value=value,
        number=_optional_text(body, "GiftCardId"),
        sale_id=sale_id,
        points=None if points is None else int(points),
    )


def read_authorize(body: Mapping[str, Any]) -> AuthorizeForm:
    """The body of Giftcard/Authorize."""
    number, sale_id = _optional_text(body, "Ref"), _optional_text(body, "SaleId")
    if not number or not sale_id or not body.get("RequestedAmount"):
        raise BadRequest(REQUIRED)
    kind = _optional_text(body, "Type")
    if not kind:
        raise BadRequest("Type is required")
    amount = _amount(body, "RequestedAmount")
    if kind != "giftcard" or amount <= 0:
        raise BadRequest(PLAIN)
    return AuthorizeForm(number=number, sale_id=sale_id, amount=amount)


def read_completion(body: Mapping[str, Any]) -> tuple[str, str]:
    """Card number and AuthCode of Authorize/Confirm and Authorize/Cancel."""
    number, code = _optional_text(body, "Ref"), _optional_text(body, "AuthCode")
    if not number or not code:
        raise BadRequest("Required: Ref, AuthCode")
    return number, code


def read_login(body: Mapping[str, Any]) -> tuple[str, str]:
    """User name and password of SSO/Login."""
    return _text(body, "UserName"), _text(body, "Password")


def _amount(body: Mapping[str, Any], name: str) -> int:
    """A number in main units as minor units; the till knows no half cents."""
    given = body.get(name)
    if not isinstance(given, int | float) or isinstance(given, bool):
        raise BadRequest(PLAIN)
    minor = Decimal(str(given)) * 100
    if abs(minor) > MOST_MINOR or minor != minor.to_integral_value():
        raise BadRequest(PLAIN)
    return int(minor)


def _optional_text(body: Mapping[str, Any], name: str) -> str | None:
    return _text(body, name) if name in body else None


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or value.encode("utf-8", "replace").decode() != value:
        raise BadRequest(PLAIN)
    return value
