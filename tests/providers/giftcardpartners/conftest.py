"""A gateway over a stubbed provider: real building, encoding and parsing, no network, no token."""

import json
from datetime import date
from typing import Any

import pytest

from giftops.money import Money
from providers.gateways.base import OrderRequest, OrderType, PostalAddress, RequestLine
from providers.gateways.client import Client
from providers.gateways.giftcardpartners import GiftCardPartnersGateway
from providers.gateways.http import Exchange, ProviderSession
from tests.providers.ncentiva.conftest import SLOT, FakeBreaker, FakeBudget
from tests.recorded import recorded_json
from tests.stubs import StubProvider

__all__ = ["SLOT"]

REFERENCE = "GO-TEST-01JD0000000000000000000001"
COMPLETED: dict[str, Any] = recorded_json("giftcardpartners/order_completed")
USD_25 = Money(2500, "USD")


def line(**fields: Any) -> RequestLine:
    values = {"product_id": "PRODUCTA", "face_value": USD_25, "quantity": 1, "line_id": "a1"}
    return RequestLine(**values | fields)


def request(*lines: RequestLine, **fields: Any) -> OrderRequest:
    values = {"reference": REFERENCE, "type": OrderType.LINKS, "lines": lines or (line(),)}
    return OrderRequest(**values | fields)


ADDRESS = PostalAddress(
    name="Ann Lee", line_1="1 Main St", city="Boston", state="MA", postcode="02101"
)
LINKS = request()
DIGITAL = request(
    line(
        recipient_name="Ann Lee",
        recipient_email="ann@example.com",
        recipient_phone="+15555555555",
        from_name="Böb",
        from_email="bob@example.com",
        message='Thanks, "all"',
        deliver_on=date(2026, 12, 24),
        branding_id="BRAND-123",
    ),
    type=OrderType.DIGITAL,
    note="for the team",
    department_id="D1",
    doorbell_url="https://gift.example.com/webhooks/abc/",
)
PHYSICAL = request(
    line(address=ADDRESS, shipping_method_id="STANDARD", carrier_id="DEFAULT"),
    type=OrderType.PHYSICAL,
)


def order(**fields: Any) -> dict[str, Any]:
    """The recorded order with other fields; `...` removes one."""
    return {key: value for key, value in (COMPLETED | fields).items() if value is not ...}


def order_with(**fields: Any) -> dict[str, Any]:
    """The recorded order with other fields in its line; `...` removes one."""
    told = COMPLETED["LineItems"][0] | fields
    return order(LineItems=[{key: value for key, value in told.items() if value is not ...}])


def page(*items: Any, total: int | None = None, number: int = 1, size: int = 20) -> dict[str, Any]:
    count = len(items) if total is None else total
    return {"Data": list(items), "Page": number, "PageSize": size, "TotalCount": count}


def camel(value: Any) -> Any:
    """The same document in camelCase, as the sibling platform answers."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: camel(item) for key, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.fixture
def stub() -> StubProvider:
    return StubProvider()


@pytest.fixture
def journal() -> list[Exchange]:
    return []


@pytest.fixture
def gateway(stub: StubProvider, journal: list[Exchange]) -> GiftCardPartnersGateway:
    session = ProviderSession(
        "https://api.example.com/gcp",
        headers=GiftCardPartnersGateway.headers({}),
        record=journal.append,
        resolve=lambda host, port: [],
        transport=stub,
    )
    return GiftCardPartnersGateway(Client(session, FakeBudget(), FakeBreaker()), currency="USD")
