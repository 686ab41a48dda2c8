"""Our request in Ncentiva's words."""

import json
import re
from typing import Any

from providers.gateways.base import OrderRequest, OrderType, RequestLine
from providers.gateways.http import Call
from providers.gateways.ncentiva import wire

_REFERENCE = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)
_TYPE_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


def check_request(request: OrderRequest, *, currency: str) -> None:
    """ValueError with a sentence for what Ncentiva cannot take: one card, whole units, a reference.

    `amount` is documented as an integer in whole currency units, while their errors print 5.00;
    so cents cannot be sent at all, and $5.00 is sent as 5.
    """
    problem = _problem_with(request, currency)
    if problem:
        raise ValueError(problem)
    request.lines[0].face_value.whole_units()  # MoneyError is a ValueError with a sentence


def _problem_with(request: OrderRequest, currency: str) -> str:
    if not request.reference or len(request.reference) > wire.LONGEST_REFERENCE:
        return f"An order needs a reference of 1 to {wire.LONGEST_REFERENCE} characters."
    if not _REFERENCE.fullmatch(request.reference):
        return "A reference is made of letters, digits, dots, colons, dashes and underscores."
    if request.type != OrderType.CODES:
        return "Ncentiva hands out codes; it delivers nothing to recipients."
    if len(request.lines) != 1:
        return "An Ncentiva order is for one card type."
    return _problem_with_line(request.lines[0], currency)


def _problem_with_line(line: RequestLine, currency: str) -> str:
    if line.quantity != 1:
        return "An Ncentiva order is for one card; order more by placing more orders."
    if not _TYPE_ID.fullmatch(line.product_id):
        return "Ncentiva's card types have whole numbers as ids."
    if line.face_value.currency != currency:
        return f"This account buys in {currency}, not in {line.face_value.currency}."
    if line.face_value.minor <= 0:
        return "The value of a card must be more than nothing."
    return ""


def order_body(request: OrderRequest) -> bytes:
    """The body of POST /orders; the same request always gives the same bytes."""
    line = request.lines[0]
    body = {
        wire.TYPE_ID: int(line.product_id),
        wire.AMOUNT: line.face_value.whole_units(),
        wire.ORDER_REFERENCE: request.reference,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def place_order(request: OrderRequest) -> Call:
    return Call(
        operation="place_order",
        method="POST",
        route=wire.ORDERS,
        body=order_body(request),
        subject=request.reference,
    )


def find_order(reference: str) -> Call:
    return _read(
        "find_order",
        wire.ORDER_BY_REFERENCE,
        ids={wire.CUSTOMER_REFERENCE: reference},
        subject=reference,
    )


def get_order(external_id: str) -> Call:
    return _read("get_order", wire.ORDER, ids={wire.TRANSACTION_ID: external_id})


def get_cards(external_id: str) -> Call:
    return _read("get_cards", wire.CARDS, ids={wire.TRANSACTION_ID: external_id})


def get_balance() -> Call:
    return _read("get_balance", wire.BALANCE)


def list_products(page: int) -> Call:
    return _read("list_products", wire.INVENTORY, query=_page(page, wire.INVENTORY_PAGE_SIZE))


def list_orders(page: int) -> Call:
    return _read("list_orders", wire.ORDERS, query=_page(page, wire.ORDERS_PAGE_SIZE))


def _read(operation: str, route: str, **fields: Any) -> Call:
    return Call(operation=operation, method="GET", route=route, **fields)


def _page(number: int, size: int) -> dict[str, str]:
    return {wire.PAGE: str(number), wire.PAGE_SIZE: str(size)}
