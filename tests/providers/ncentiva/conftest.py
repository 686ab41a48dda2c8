"""A gateway over a stubbed provider: real building, encoding and parsing, no network."""

from datetime import UTC, datetime, timedelta

import pytest

from giftops.money import Money
from providers.gateways.base import OrderRequest, RequestLine, Slot
from providers.gateways.client import Client
from providers.gateways.http import Call, Exchange, ProviderSession
from providers.gateways.ncentiva import NcentivaGateway
from tests.stubs import StubProvider

REFERENCE = "GO-TEST-01JD0000000000000000000001"
REQUEST = OrderRequest(
    reference=REFERENCE,
    lines=(RequestLine(product_id="1234", face_value=Money(2500, "USD"), quantity=1),),
)
SLOT = Slot(at=datetime(2025, 1, 2, tzinfo=UTC))


class FakeBudget:
    """Always has room; remembers what was asked of it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def reserve_write(self) -> Slot:
        return SLOT

    def renew_write(self, slot: Slot) -> Slot:
        return Slot(at=slot.at + timedelta(seconds=1))

    def redeem_write(self, slot: Slot, max_wait: float) -> None:
        self.seen.append("write")

    def acquire_read(self, max_wait: float) -> None:
        self.seen.append("read")

    def penalise(self, wait: float | None) -> None:
        self.seen.append(f"penalty {wait}")


class FakeBreaker:
    """Always closed; remembers what it was told."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def before_write(self) -> None:
        """Let it pass."""

    def before_read(self) -> None:
        """Let it pass."""

    def note_answer(self, status: int, call: Call) -> None:
        self.seen.append(status)

    def note_silence(self, reason: str) -> None:
        self.seen.append(reason)


@pytest.fixture
def stub() -> StubProvider:
    return StubProvider()


@pytest.fixture
def budget() -> FakeBudget:
    return FakeBudget()


@pytest.fixture
def breaker() -> FakeBreaker:
    return FakeBreaker()


@pytest.fixture
def journal() -> list[Exchange]:
    return []


@pytest.fixture
def gateway(
    stub: StubProvider, budget: FakeBudget, breaker: FakeBreaker, journal: list[Exchange]
) -> NcentivaGateway:
    session = ProviderSession(
        "https://api.example.com/ncentiva",
        headers=NcentivaGateway.headers({"username": "ours", "password": "CANARY-pässword"}),
        record=journal.append,
        resolve=lambda host, port: [],
        transport=stub,
    )
    return NcentivaGateway(Client(session, budget, breaker), currency="USD")
