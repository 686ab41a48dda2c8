"""A simulated Ncentiva in memory, on a clock that moves only when told."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox.clock import VirtualClock
from providers.sandbox.ncentiva import SimulatedNcentiva
from providers.sandbox.wire import Reply, Request
from tests.sandbox_client import CREDENTIALS, SandboxProcess, running_sandbox

PREFIX = "/api/purchasers/v1"


def basic(user: str, password: str) -> str:
    """The value of Authorization."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


HEADERS = {"Authorization": basic(*CREDENTIALS), "Content-Type": "application/json"}


class Purchaser:
    """A client that speaks to the simulator by values."""

    def __init__(self, provider: SimulatedNcentiva, clock: VirtualClock) -> None:
        self.provider = provider
        self.clock = clock

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request of the contract; bytes go out as they are."""
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        request = Request.to(method, PREFIX + path, {**HEADERS, **headers}, data)
        return self.provider.handle(request)

    def get(self, path: str) -> Reply:
        """GET."""
        return self.ask("GET", path)

    def order(
        self, reference: str | None = "ref-1", product: int = 1234, amount: int = 25
    ) -> Reply:
        """Buy one card."""
        body = {"giftCardTypeId": product, "amount": amount}
        return self.ask(
            "POST", "/orders", body if reference is None else {**body, "orderReference": reference}
        )

    def status(self, reference: str = "ref-1") -> str:
        """The status of an order, looked up by its reference."""
        found = self.get(f"/orders/customer-reference/{reference}")
        return str(found.json()["status"]) if found.status == 200 else str(found.status)

    def cards(self, name: str) -> list[dict[str, Any]]:
        """The cards of an order."""
        found: list[dict[str, Any]] = self.get(f"/orders/{name}/cards").json()["cards"]
        return found

    def add(self, **line: Any) -> Reply:
        """Put a line into the cart."""
        return self.ask(
            "POST", "/cart/items", {"giftCardTypeId": 1234, "amount": 25, "quantity": 2, **line}
        )

    def control(self, method: str, path: str, body: Any = None, client: str = "127.0.0.1") -> Reply:
        """Speak to the control end points."""
        data = b"" if body is None else json.dumps(body).encode()
        return self.provider.handle(Request.to(method, f"/_control/{path}", {}, data, client))

    def arm(self, name: str, params: dict[str, Any] | None = None, **rest: Any) -> None:
        """Arm a fault."""
        answer = self.control("POST", "faults", {"name": name, "params": params or {}, **rest})
        assert answer.status == 200, answer.body

    def settings(self, **changes: Any) -> None:
        """Change settings."""
        answer = self.control("POST", "settings", changes)
        assert answer.status == 200, answer.body

    def ledger(self) -> list[dict[str, Any]]:
        """The orders that really exist."""
        found: list[dict[str, Any]] = self.control("GET", "ledger").json()["orders"]
        return found

    def journal(self) -> list[dict[str, Any]]:
        """All arrivals."""
        found: list[dict[str, Any]] = self.control("GET", "journal").json()
        return found

    def balance(self) -> float:
        """The funds, read behind the curtain."""
        return float(self.control("GET", "state").json()["balance"])


@pytest.fixture
def purchaser() -> Iterator[Purchaser]:
    """A purchaser without rate limits."""
    clock = VirtualClock()
    provider = SimulatedNcentiva(clock=clock)
    one = Purchaser(provider, clock)
    one.settings(environment="unlimited")
    yield one
    provider.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The simulated providers as a process, shared by all tests that only need an address."""
    directory: Path = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(directory) as process:
        yield process
