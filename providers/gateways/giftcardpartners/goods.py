"""What GiftCard Partners has for sale, and the lists an order chooses from; pure functions."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from giftops.money import Money
from providers.gateways import fields
from providers.gateways.answers import sorted_out
from providers.gateways.base import (
    OptionKind,
    OrderType,
    Page,
    ProductKind,
    RawAnswer,
    RemoteOption,
    RemoteProduct,
    UnreadableItem,
)
from providers.gateways.fields import FieldError, Json
from providers.gateways.giftcardpartners import wire
from providers.gateways.giftcardpartners.answers import id_of, list_of, page_of, part
from providers.gateways.http import Call
from providers.gateways.strict_json import storable

_TYPES = {text.casefold(): order_type for order_type, text in wire.ORDER_TYPES.items()}

# --- Products -----------------------------------------------------------------------------------


def products_page(call: Call, raw: RawAnswer, *, page: int) -> Page[RemoteProduct]:
    return page_of(call, raw, page, wire.LARGEST_PAGE, _product)


def _product(item: Json) -> RemoteProduct:
    code = fields.currency(item, wire.CURRENCY, "")
    kind, values = _kind(item), _denominations(item, code)
    order_types = _order_types(item)
    shipping = part(part(item, wire.META), wire.SHIPPING)
    cost = part(item, wire.COST)
    return RemoteProduct(
        external_id=fields.identifier(item, wire.ID),
        name=fields.text(item, wire.NAME, longest=200),
        brand="",
        currency=code,
        kind=kind,
        **_values(kind, values),
        is_available=bool(order_types),
        order_types=order_types,
        needs_carrier=fields.flag(shipping, wire.NEEDS_CARRIER, default=False),
        fulfillment_group=fields.optional_text(shipping, wire.GROUP, longest=wire.LONGEST_ID),
        fee=_price(cost, wire.FEE, code),
        discount_percent=_percent(cost),
        description=_markup(item, wire.LONG_DESCRIPTION) or _markup(item, wire.SHORT_DESCRIPTION),
        terms="\n".join(filter(None, (_markup(item, key) for key in wire.SMALL_PRINT))),
        payload=storable(dict(item)),
    )


def _kind(item: Json) -> ProductKind:
    text = fields.text(item, wire.DENOMINATION_TYPE, longest=40).casefold()
    if text not in wire.KINDS:
        raise FieldError(f"{wire.DENOMINATION_TYPE} is neither fixed nor variable")
    return wire.KINDS[text]


def _denominations(item: Json, code: str) -> list[Money]:
    listed = fields.items(item, wire.DENOMINATIONS)
    values = [
        fields.amount({wire.DENOMINATIONS: value}, wire.DENOMINATIONS, code) for value in listed
    ]
    if not values or any(value.minor <= 0 for value in values):
        raise FieldError(f"{wire.DENOMINATIONS} are not all more than nothing")
    return values


def _values(kind: ProductKind, values: Sequence[Money]) -> dict[str, Any]:
    """Fixed: one of them. Variable: smallest and largest."""
    if kind == ProductKind.FIXED:
        different = tuple(sorted(set(values)))
        only = different[0] if len(different) == 1 else None
        return {"denominations": different, "face_value": only}
    if len(values) != 2 or values[0] > values[1]:
        raise FieldError(f"{wire.DENOMINATIONS} are not the smallest and the largest value")
    return {"minimum": values[0], "maximum": values[1]}


def _order_types(item: Json) -> tuple[OrderType, ...]:
    """How it can be delivered, in our order; ways that we do not know are passed over."""
    names = fields.items(item, wire.DELIVERY_TYPES)
    if not all(isinstance(name, str) for name in names):
        raise FieldError(f"{wire.DELIVERY_TYPES} are not all texts")
    found = {_TYPES.get(name.strip().casefold()) for name in names}
    return tuple(order_type for order_type in wire.ORDER_TYPES if order_type in found)


def _price(item: Json, key: str, code: str) -> Money | None:
    price = fields.optional_amount(item, key, code)
    if price is not None and price.minor < 0:
        raise FieldError(f"{key} is less than nothing")
    return price


def _percent(cost: Json) -> Decimal:
    value = cost.get(wire.DISCOUNT)
    if value is None:
        return Decimal(0)
    if type(value) not in (int, Decimal) or not 0 <= value <= 100:
        raise FieldError(f"{wire.DISCOUNT} is not a number from 0 to 100")
    return Decimal(value)


def _markup(item: Json, key: str) -> str:
    return fields.optional_text(item, key, longest=wire.LONGEST_MARKUP)


# --- Options ------------------------------------------------------------------------------------


def options(
    call: Call, raw: RawAnswer, *, kind: OptionKind, currency: str
) -> tuple[RemoteOption | UnreadableItem, ...]:
    """Read a whole list of one kind; entries that cannot be read are set aside."""
    where = f"{kind.value.replace('_', ' ')}s"
    listed = list_of(call, raw)
    good, bad = sorted_out(listed, where, lambda item: _option(item, kind, currency), id_of=id_of)
    return (*good, *bad)


def _option(item: Json, kind: OptionKind, currency: str) -> RemoteOption:
    return RemoteOption(
        kind=kind,
        external_id=fields.identifier(item, wire.ID),
        name=fields.text(item, wire.NAME, longest=200),
        description=fields.optional_text(item, wire.DESCRIPTION, longest=wire.LONGEST_MARKUP),
        cost=_price(item, wire.COST, currency),
        fulfillment_group=fields.optional_text(item, wire.GROUP, longest=wire.LONGEST_ID),
    )
