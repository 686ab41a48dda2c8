"""Our request in CP Extender's words; the same request always gives the same bytes."""

from collections.abc import Mapping
from typing import Any

from providers.gateways.base import CreateRequest, HoldRequest, ReservationType, ReserveRequest
from providers.gateways.cp_extender import wire
from providers.gateways.http import Call
from providers.gateways.strict_json import encode

# --- Signing in, and what needs none ------------------------------------------------------------


def login(credentials: Mapping[str, str]) -> Call:
    """Ask for a token (section 2)."""
    body = {
        wire.USER_NAME: credentials["user_name"],
        wire.PASSWORD: credentials["password"],
    }
    return _write("login", wire.LOGIN, body, is_sign_in=True)


def get_status() -> Call:
    return _read("get_status", wire.STATUS_PAGE, is_public=True)


def get_version() -> Call:
    return _read("get_version", wire.VERSION_PAGE, is_public=True)


# --- Numbers and cards --------------------------------------------------------------------------


def reserve(request: ReserveRequest) -> Call:
    body: dict[str, Any] = {wire.REQUEST_TYPE: wire.REQUEST_TYPES[request.type]}
    if request.type == ReservationType.POOL:
        body[wire.POOL_COUNT] = request.count
    body[wire.AGENCY] = request.agency
    named = {wire.REQUEST_NAME: request.name} if request.name else {}
    return _write("reserve", wire.RESERVE, named | body, subject=request.name)


def create(request: CreateRequest) -> Call:
    body = {
        wire.CUSTOMER_NUMBER: request.customer_id,
        wire.GIFT_CARD_ID: request.number,
        wire.GIFT_CARD_CODE: request.code,
        wire.GIFT_CARD_VALUE: request.value.decimal(),
    }
    return _write("create", wire.CREATE, body | _payment(request), subject=request.sale_id)


def _payment(request: CreateRequest) -> dict[str, str]:
    if request.points is None:
        return {wire.SALE_ID: request.sale_id}
    return {wire.POINTS: str(request.points)}


def check_balance(number: str) -> Call:
    return _read("check_balance", wire.BALANCE, ids={wire.CARD_ID: number})


def get_certificate(number: str) -> Call:
    """Ask for a picture; an answer of more than the cap is not read to its end."""
    return _read(
        "get_certificate",
        wire.CERTIFICATE,
        ids={wire.CARD_ID: number},
        max_body=wire.LARGEST_CERTIFICATE,
    )


# --- Holds --------------------------------------------------------------------------------------


def authorize(request: HoldRequest) -> Call:
    body = {
        wire.TYPE: wire.GIFT_CARD,
        wire.REF: request.number,
        wire.SALE_ID: request.sale_id,
        wire.REQUESTED_AMOUNT: request.amount.decimal(),
    }
    return _write("authorize", wire.AUTHORIZE, body, subject=request.sale_id)


def confirm(number: str = "", auth_code: str = "") -> Call:
    return _finish("confirm", wire.CONFIRM, number, auth_code)


def cancel(number: str = "", auth_code: str = "") -> Call:
    return _finish("cancel", wire.CANCEL, number, auth_code)


def _finish(operation: str, route: str, number: str, auth_code: str) -> Call:
    return _write(operation, route, {wire.REF: number, wire.AUTH_CODE: auth_code})


# --- Customers ----------------------------------------------------------------------------------


def find_customer(*, external_id: str = "", email: str = "") -> Call:
    """Ask for a customer by number, else by e-mail address."""
    if external_id:
        ids = {wire.CUSTOMER_ID: external_id}
        return _read("find_customer", wire.CUSTOMER_BY_ID, ids=ids)
    ids = {wire.EMAIL_ADDRESS: email}
    return _read("find_customer", wire.CUSTOMER_BY_EMAIL, ids=ids)


def _read(operation: str, route: str, **fields: Any) -> Call:
    return Call(operation=operation, method="GET", route=route, **fields)


def _write(operation: str, route: str, body: dict[str, Any], **fields: Any) -> Call:
    return Call(operation=operation, method="POST", route=route, body=encode(body), **fields)
