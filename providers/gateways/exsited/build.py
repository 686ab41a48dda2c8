"""Our request in Exsited's words; the same request always gives the same bytes."""

from collections.abc import Mapping
from typing import Any

from providers.gateways.base import CertificateOrder
from providers.gateways.exsited import wire
from providers.gateways.http import Call
from providers.gateways.strict_json import encode


def create_token(credentials: Mapping[str, str]) -> Call:
    """Ask for a token (section 2); it ends the one before it."""
    body = {
        wire.GRANT_TYPE: wire.CLIENT_CREDENTIALS,
        wire.CLIENT_ID: credentials["client_id"],
        wire.CLIENT_SECRET: credentials["client_secret"],
        wire.REDIRECT_URI: credentials["redirect_uri"],
    }
    return Call(
        operation="create_token",
        method="POST",
        route=wire.TOKEN_PAGE,
        body=encode(body),
        is_sign_in=True,
    )


def list_certificates(
    offset: int,
    limit: int,
    *,
    by: CertificateOrder = CertificateOrder.CREATED,
    newest_first: bool = False,
) -> Call:
    direction = wire.DESCENDING if newest_first else wire.ASCENDING
    order = {wire.ORDER_BY: wire.ORDERS[by], wire.DIRECTION: direction}
    query = _slice(offset, limit) | order
    return _read("list_certificates", wire.CERTIFICATES, query=query)


def find_certificate(external_id: str) -> Call:
    return _read("find_certificate", wire.CERTIFICATE, ids={wire.UUID: external_id})


def list_allocations(external_id: str, offset: int) -> Call:
    return _history("list_allocations", wire.CERTIFICATE_ALLOCATIONS, external_id, offset)


def list_transactions(external_id: str, offset: int) -> Call:
    return _history("list_transactions", wire.CERTIFICATE_TRANSACTIONS, external_id, offset)


def _history(operation: str, route: str, external_id: str, offset: int) -> Call:
    """Ask for a part of a history, in whatever order they keep it."""
    query = _slice(offset, wire.PER_SLICE)
    return _read(operation, route, ids={wire.UUID: external_id}, query=query)


def _slice(offset: int, limit: int) -> dict[str, str]:
    return {wire.LIMIT: str(limit), wire.OFFSET: str(offset)}


def _read(operation: str, route: str, **fields: Any) -> Call:
    return Call(operation=operation, method="GET", route=route, **fields)
