"""Our request in GiftCard Partners' words; the same request always gives the same bytes."""

from collections.abc import Mapping
from typing import Any

from providers.gateways.base import OptionKind, OrderRequest, OrderType, PostalAddress, RequestLine
from providers.gateways.errors import ProviderMisconfigured
from providers.gateways.giftcardpartners import wire
from providers.gateways.http import Call
from providers.gateways.strict_json import encode

# --- Calls --------------------------------------------------------------------------------------


def create_token(credentials: Mapping[str, str]) -> Call:
    """Ask for a token (section 3); ProviderMisconfigured for credentials that are not ASCII."""
    email, access_token = credentials["email"], credentials["access_token"]
    if not (email.isascii() and access_token.isascii()):
        raise ProviderMisconfigured("the credentials hold characters that cannot be sent")
    return Call(
        operation="create_token",
        method="POST",
        route=wire.TOKENS,
        headers={wire.EMAIL_HEADER: email, wire.ACCESS_TOKEN_HEADER: access_token},
        is_sign_in=True,
    )


def place_order(request: OrderRequest) -> Call:
    return Call(
        operation="place_order",
        method="POST",
        route=wire.ORDERS,
        body=order_body(request),
        subject=request.reference,
    )


def get_order(external_id: str, *, operation: str = "get_order") -> Call:
    return _read(operation, wire.ORDER, ids={wire.ORDER_ID: external_id})


def list_products(page: int) -> Call:
    return _read("list_products", wire.PRODUCTS, query=_page(page, wire.LARGEST_PAGE))


def list_orders(page: int, size: int, *, subject: str = "") -> Call:
    """A page of the history, newest first; `subject` is the reference that is looked for."""
    operation = "find_order" if subject else "list_orders"
    return _read(operation, wire.ORDERS, query=_page(page, size), subject=subject)


def get_balance() -> Call:
    return _read("get_balance", wire.BALANCE)


def get_status() -> Call:
    return _read("get_status", wire.STATUS_PAGE, is_public=True)


def list_options(kind: OptionKind) -> Call:
    operation, route = wire.OPTIONS[kind]
    return _read(operation, route)


def _read(operation: str, route: str, **fields: Any) -> Call:
    return Call(operation=operation, method="GET", route=route, **fields)


def _page(number: int, size: int) -> dict[str, str]:
    return {wire.PAGE_INDEX: str(number), wire.PAGE_SIZE_ASKED: str(size)}


# --- The body of an order -----------------------------------------------------------------------


def order_body(request: OrderRequest) -> bytes:
    """The body of POST /v1/Orders; what is empty is left out."""
    hooks = {wire.FULFILLMENT_COMPLETE: request.doorbell_url}
    body = {
        wire.TYPE: wire.ORDER_TYPES[request.type],
        wire.PO_NUMBER: request.reference,
        wire.LINES: [_line(line, request.type) for line in request.lines],
        wire.NOTE: request.note,
        wire.DEPARTMENT_ID: request.department_id,
        wire.WEBHOOKS: _filled(hooks),
    }
    return encode(_filled(body))


def _line(line: RequestLine, order_type: OrderType) -> dict[str, Any]:
    is_digital, is_physical = order_type == OrderType.DIGITAL, order_type == OrderType.PHYSICAL
    return _filled(
        {
            wire.PRODUCT_ID: line.product_id,
            wire.VALUE: line.face_value.decimal(),
            wire.QUANTITY: line.quantity,
            wire.DIGITAL_ADDRESS: _digital_address(line) if is_digital else {},
            wire.PHYSICAL_ADDRESS: _physical_address(line) if is_physical else {},
            wire.PERSONALIZATION: _personalization(line),
            wire.BRANDING_ID: line.branding_id,
            wire.EXTERNAL_ID: line.line_id,
        }
    )


def _digital_address(line: RequestLine) -> dict[str, Any]:
    return _filled({wire.EMAIL: line.recipient_email, wire.SMS: line.recipient_phone})


def _physical_address(line: RequestLine) -> dict[str, Any]:
    chosen = {wire.SHIPPING_METHOD_ID: line.shipping_method_id, wire.CARRIER_ID: line.carrier_id}
    return _filled(chosen | (_postal(line.address) if line.address else {}))


def _postal(address: PostalAddress) -> dict[str, Any]:
    return {
        wire.NAME: address.name,
        wire.ADDRESS_1: address.line_1,
        wire.ADDRESS_2: address.line_2,
        wire.CITY: address.city,
        wire.STATE: address.state,
        wire.ZIP: address.postcode,
        wire.COUNTRY: address.country,
    }


def _personalization(line: RequestLine) -> dict[str, Any]:
    day = line.deliver_on
    return _filled(
        {
            wire.TO: line.recipient_name,
            wire.FROM_NAME: line.from_name,
            wire.FROM_EMAIL: line.from_email,
            wire.MESSAGE: line.message,
            wire.DELIVERY_DATE: f"{day.isoformat()}T00:00:00Z" if day else "",
        }
    )


def _filled(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if value not in ("", {})}
