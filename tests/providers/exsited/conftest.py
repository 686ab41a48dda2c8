"""A gateway over a stubbed provider: real building, encoding and parsing, no network, no token."""

import json
from typing import Any

import pytest

from providers.gateways.base import RawItem
from providers.gateways.client import Client
from providers.gateways.exsited import ExsitedGateway
from providers.gateways.http import Exchange, ProviderSession
from tests.providers.ncentiva.conftest import FakeBreaker, FakeBudget
from tests.recorded import recorded_json
from tests.stubs import StubProvider

CREDENTIALS = {
    "client_id": "ours",
    "client_secret": "CANARY-secret",
    "redirect_uri": "https://shop.example.com/back",
}
BOOK: dict[str, Any] = recorded_json("exsited/list")
FULL: dict[str, Any] = BOOK["gift_certificates"][0]
UUID: str = FULL["uuid"]
TRANSACTION: dict[str, Any] = FULL["transactions"][0]


def changed(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The same with other fields; `...` removes one."""
    return {key: value for key, value in (document | fields).items() if value is not ...}


def item(**fields: Any) -> RawItem:
    """The recorded certificate with other fields, as it is cut out of a slice."""
    return cut(json.dumps(changed(FULL, **fields)))


def cut(text: str, uuid: str = UUID) -> RawItem:
    return RawItem(uuid, text.encode("utf-8", "surrogatepass"))


def with_transaction(**fields: Any) -> RawItem:
    """The recorded certificate with one transaction, which has other fields."""
    return item(transactions=[changed(TRANSACTION, **fields)])


def book(*items: Any, **pagination: Any) -> dict[str, Any]:
    """A slice of these items, or with another pagination."""
    counted = {"records": len(items), "limit": 100, "offset": 0}
    links = {"previous_page": "NULL", "next_page": "NULL"}
    return {
        "gift_certificates": list(items),
        "pagination": changed(counted | links, **pagination),
    }


def named(number: int) -> dict[str, Any]:
    """A certificate of another name."""
    return changed(FULL, uuid=f"uuid-{number}")


def says(*codes: Any) -> dict[str, Any]:
    """Their errors with these codes."""
    return {"errors": [{"code": code, "message": "CANARY-message"} for code in codes]}


@pytest.fixture
def stub() -> StubProvider:
    return StubProvider()


@pytest.fixture
def journal() -> list[Exchange]:
    return []


@pytest.fixture
def gateway(stub: StubProvider, journal: list[Exchange]) -> ExsitedGateway:
    session = ProviderSession(
        "https://api.exsited.com",
        headers=ExsitedGateway.headers(CREDENTIALS),
        record=journal.append,
        resolve=lambda host, port: [],
        transport=stub,
    )
    return ExsitedGateway(Client(session, FakeBudget(), FakeBreaker()), currency="USD")
