"""A gateway over a stubbed provider: real building, encoding and parsing, no network, no token."""

import json
from typing import Any

import pytest

from giftops.money import Money
from providers.gateways.base import (
    CreateRequest,
    HoldRequest,
    ReservationType,
    ReserveRequest,
)
from providers.gateways.client import Client
from providers.gateways.cp_extender import CPExtenderGateway
from providers.gateways.http import Exchange, ProviderSession
from tests.providers.ncentiva.conftest import SLOT, FakeBreaker, FakeBudget
from tests.recorded import recorded_json
from tests.stubs import StubProvider

__all__ = ["SLOT"]

CREDENTIALS = {"user_name": "ours", "password": "CANARY-password"}
PERMANENT = {"token": "CANARY-permanent.token"}

RESERVED_NUMBER = "99-53235753896117470"
NUMBER = "WEB-9198262557214413"
CODE = "GDA17E1614ABBA6596E5B3BA3781B339B"
USD_40, USD_100 = Money(4000, "USD"), Money(10_000, "USD")
CARD: dict[str, Any] = recorded_json("cp_extender/balance")["GiftCard"]
HOLD: dict[str, Any] = recorded_json("cp_extender/authorized")
CUSTOMER: dict[str, Any] = recorded_json("cp_extender/customer")["CustomerInfo"]
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(64) + b"\xff\xd9"

SINGLE = ReserveRequest(name="GO-TEST-1", agency="Website")
POOL = ReserveRequest(name="GO-TEST-2", agency="Website", type=ReservationType.POOL, count=10)


def wish(**fields: Any) -> CreateRequest:
    values = {"number": RESERVED_NUMBER, "code": "GC", "value": USD_100}
    return CreateRequest(**values | {"customer_id": "2059378440", "sale_id": "GO-SALE-1"} | fields)


def hold_of(**fields: Any) -> HoldRequest:
    return HoldRequest(**{"number": NUMBER, "sale_id": "WB-100-10259", "amount": USD_40} | fields)


def without(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The same with other fields; `...` removes one."""
    return {key: value for key, value in (document | fields).items() if value is not ...}


def card(**fields: Any) -> dict[str, Any]:
    """The recorded answer to BalanceCheck with other fields of its card."""
    return {"GiftCard": without(CARD, **fields)}


def card_with(*rows: Any) -> dict[str, Any]:
    """The recorded answer with this history."""
    return card(History=list(rows))


def hold(**fields: Any) -> dict[str, Any]:
    """The recorded answer to Authorize with other fields."""
    return without(HOLD, **fields)


def customer(**fields: Any) -> dict[str, Any]:
    """The recorded customer with other fields."""
    return {"CustomerInfo": without(CUSTOMER, **fields)}


def says(text: str) -> bytes:
    """Their error with this text."""
    return json.dumps({"Message": text}).encode()


@pytest.fixture
def stub() -> StubProvider:
    return StubProvider()


@pytest.fixture
def journal() -> list[Exchange]:
    return []


@pytest.fixture
def gateway(stub: StubProvider, journal: list[Exchange]) -> CPExtenderGateway:
    session = ProviderSession(
        "https://cp.shop.example:8443",
        headers=CPExtenderGateway.headers(CREDENTIALS),
        record=journal.append,
        resolve=lambda host, port: [],
        transport=stub,
    )
    return CPExtenderGateway(Client(session, FakeBudget(), FakeBreaker()), currency="USD")
