"""Reads the body of POST /v1/Orders (contract section 4). Everything here raises BadRequest."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from providers.sandbox.giftcardpartners.catalogue import (
    BRANDING_IDS,
    CARRIER_IDS,
    DEPARTMENT_IDS,
    DIGITAL,
    ORDER_TYPES,
    PHYSICAL,
    PRODUCT,
    SHIPPING,
    Product,
)
from providers.sandbox.giftcardpartners.ledger import money
from providers.sandbox.outbox import is_loopback
from providers.sandbox.reading import BadRequest

LONGEST_PO_NUMBER = 64
MOST_CARDS = 10_000  # in one order; the contract names no limit, a shelf has one
ADDRESS = ("ShippingMethodId", "Name", "AddressLine1", "City", "State", "Zip", "Country")
OPTIONAL_ADDRESS = ("CarrierId", "AddressLine2")
PERSONAL = ("To", "FromName", "FromEmail", "Message", "DeliveryDate")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
SMS = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is ordered: `value` in minor units; `extras` are echoed as they came."""

    product: Product
    value: int
    quantity: int = 1
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def shipping_method(self) -> str | None:
        """The id of the shipping method, if the line is shipped."""
        address = self.extras.get("PhysicalDeliveryAddress") or {}
        found: str | None = address.get("ShippingMethodId")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An order as it was filled in, checked against the catalogue."""

    type: str
    po_number: str
    lines: tuple[Line, ...]
    note: str | None = None
    department: str | None = None
    webhook: str | None = field(default=None, repr=False)

    @property
    def cards(self) -> int:
        """How many cards."""
        return sum(line.quantity for line in self.lines)


def read_form(body: dict[str, Any]) -> Form:
    """The whole order."""
    kind = _one_of(body, "Type", ORDER_TYPES)
    form = Form(
        type=kind,
        po_number=_po_number(body),
        lines=tuple(_line(one, kind) for one in _line_items(body)),
        note=_optional_text(body, "Note"),
        department=_known(body, "DepartmentId", DEPARTMENT_IDS),
        webhook=_webhook(body),
    )
    if form.cards > MOST_CARDS:
        raise BadRequest(f"An order cannot have more than {MOST_CARDS} cards")
    return form


def _po_number(body: dict[str, Any]) -> str:
    value = _text(body, "PONumber")
    if len(value) > LONGEST_PO_NUMBER:
        raise BadRequest(f"PONumber must not be longer than {LONGEST_PO_NUMBER} characters")
    return value


def _line_items(body: dict[str, Any]) -> list[Any]:
    items = body.get("LineItems")
    if not isinstance(items, list) or not items:
        raise BadRequest("LineItems must have at least one line")
    return items


def _line(item: Any, kind: str) -> Line:
    if not isinstance(item, dict):
        raise BadRequest("A line item must be an object")
    product = PRODUCT.get(_text(item, "ProductId"))
    if product is None:
        raise BadRequest("ProductId is not known")
    if kind not in product.delivery:
        raise BadRequest(f"Product {product.id} is not available for {kind}")
    value, quantity = _value(item, product), _quantity(item)
    return Line(
        product=product, value=value, quantity=quantity, extras=_extras(item, kind, product)
    )


def _value(item: dict[str, Any], product: Product) -> int:
    given = item.get("Value")
    if not isinstance(given, int | float) or isinstance(given, bool) or given <= 0:
        raise BadRequest("Value must be a number greater than 0")
    minor = Decimal(str(given)) * 100
    if minor != minor.to_integral_value() or not product.takes(int(minor)):
        joint = " to " if product.variable else ", "
        wanted = joint.join(f"{money(one):.2f}" for one in product.denominations)
        raise BadRequest(f"Value is not available for product {product.id}; it must be {wanted}")
    return int(minor)


def _quantity(item: dict[str, Any]) -> int:
    given = item.get("Quantity")
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # JSON has one kind of number: 2.0 is 2
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise BadRequest("Quantity must be an integer of at least 1")
    return given


def _extras(item: dict[str, Any], kind: str, product: Product) -> dict[str, Any]:
    return {
        "Culture": _optional_text(item, "Culture"),
        "BrandingId": _known(item, "BrandingId", BRANDING_IDS),
        "ExternalId": _optional_text(item, "ExternalId"),
        "DigitalDeliveryAddress": _digital_address(item, kind),
        "PhysicalDeliveryAddress": _physical_address(item, kind, product),
        "Personalization": _personalization(item),
    }


def _digital_address(item: dict[str, Any], kind: str) -> dict[str, Any] | None:
    address = _object(item, "DigitalDeliveryAddress", required=kind == DIGITAL)
    if address is None:
        return None
    found = {name: _optional_text(address, name) for name in ("Email", "Sms")}
    if found["Email"] and not EMAIL.fullmatch(found["Email"]):
        raise BadRequest("Email is not an e-mail address")
    if found["Sms"] and not SMS.fullmatch(found["Sms"]):
        raise BadRequest("Sms must be a telephone number such as +15555555555")
    if kind == DIGITAL and not (found["Email"] or found["Sms"]):
        raise BadRequest("DigitalDeliveryAddress needs an Email or an Sms")
    return found


def _physical_address(item: dict[str, Any], kind: str, product: Product) -> dict[str, Any] | None:
    address = _object(item, "PhysicalDeliveryAddress", required=kind == PHYSICAL)
    if address is None:
        return None
    found: dict[str, Any] = {name: _text(address, name) for name in ADDRESS}
    found |= {name: _optional_text(address, name) for name in OPTIONAL_ADDRESS}
    if found["ShippingMethodId"] not in SHIPPING:
        raise BadRequest("ShippingMethodId is not known")
    carrier = _known(address, "CarrierId", CARRIER_IDS)
    if kind == PHYSICAL and product.needs_carrier and carrier is None:
        raise BadRequest(f"Product {product.id} needs a CarrierId")
    return found


def _personalization(item: dict[str, Any]) -> dict[str, Any] | None:
    given = _object(item, "Personalization")
    if given is None:
        return None
    found = {name: _optional_text(given, name) for name in PERSONAL}
    if found["DeliveryDate"] is not None:
        _check_time(found["DeliveryDate"])
    return found


def _check_time(text: str) -> None:
    try:
        aware = datetime.fromisoformat(text.upper()).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise BadRequest("DeliveryDate must be a time such as 2026-01-31T12:00:00Z")


def _webhook(body: dict[str, Any]) -> str | None:
    settings = _object(body, "WebhookSettings")
    url = None if settings is None else _optional_text(settings, "FulfillmentComplete")
    if url is not None and not _may_be_called(url):
        raise BadRequest("FulfillmentComplete must be an https URL")
    return url


def _may_be_called(url: str) -> bool:
    """https; http too on this machine, where there is nobody in between."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError for one that cannot be
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    right = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
    return plain and right and bool(parts.hostname)


def _object(holder: dict[str, Any], name: str, required: bool = False) -> dict[str, Any] | None:
    if name not in holder and not required:
        return None
    value = holder.get(name)
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object")
    return value


def _one_of(holder: dict[str, Any], name: str, wanted: Iterable[str]) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or value not in wanted:
        raise BadRequest(f"{name} must be one of: {', '.join(wanted)}")
    return value


def _known(holder: dict[str, Any], name: str, known: frozenset[str]) -> str | None:
    value = _optional_text(holder, name)
    if value is not None and value not in known:
        raise BadRequest(f"{name} is not known")
    return value


def _optional_text(holder: dict[str, Any], name: str) -> str | None:
    return None if holder.get(name) is None else _text(holder, name, may_be_empty=True)


def _text(holder: dict[str, Any], name: str, may_be_empty: bool = False) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not (value or may_be_empty):
        raise BadRequest(f"{name} must be a text")
    if value.encode("utf-8", "replace").decode() != value:
        raise BadRequest(f"{name} must be valid text")
    return value
