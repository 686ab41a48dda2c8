"""What we keep of what a provider lists: the columns of a product and of an option."""

import hashlib
import json
from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from giftops.money import Money
from providers import markup
from providers.gateways.base import ProductKind, RemoteOption, RemoteProduct


def product_columns(item: RemoteProduct) -> dict[str, Any]:
    """The columns of a product; amounts in minor units, markup cleaned, the item as it came.

    A discount is kept in hundredths of a percent, rounded down: an estimate is never too low.
    """
    values = _values(item)
    return {
        "name": item.name,
        "brand": item.brand,
        "currency": item.currency,
        "kind": item.kind.value,
        "face_value_minor": values[0] if len(values) == 1 else None,
        "denominations": values,
        "min_minor": _minor(item.minimum),
        "max_minor": _minor(item.maximum),
        "order_types": [one.value for one in item.order_types],
        "needs_carrier": item.needs_carrier,
        "fulfillment_group": item.fulfillment_group,
        "fee_minor": _minor(item.fee) or 0,
        "discount_hundredths": _hundredths(item.discount_percent),
        "description": markup.clean(item.description),
        "terms": markup.clean(item.terms),
        "is_available": item.is_available,
        "payload": dict(item.payload),
    }


def option_columns(item: RemoteOption) -> dict[str, Any]:
    """The columns of an option besides its kind and number; its description holds no markup."""
    return {
        "name": item.name,
        "description": item.description,
        "currency": item.cost.currency if item.cost else "",
        "cost_minor": _minor(item.cost),
        "fulfillment_group": item.fulfillment_group,
    }


def content_hash(item: RemoteProduct) -> str:
    """SHA-256 over what we keep of a product, whatever the order of its keys.

    Over our columns too, not only over what came: when we learn to read more of an item, every row
    that was mirrored before counts as changed.
    """
    text = json.dumps(product_columns(item), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _values(item: RemoteProduct) -> list[int]:
    if item.kind is not ProductKind.FIXED:
        return []
    alone: Iterable[Money] = () if item.face_value is None else (item.face_value,)
    return sorted({value.minor for value in item.denominations or alone})


def _minor(value: Money | None) -> int | None:
    return None if value is None else value.minor


def _hundredths(percent: Decimal) -> int:
    return int((percent * 100).to_integral_value(ROUND_FLOOR))
