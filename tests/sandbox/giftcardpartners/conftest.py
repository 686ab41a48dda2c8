"""A simulated GiftCard Partners in memory, on a clock that moves only when told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.sandbox.clock import VirtualClock
from providers.sandbox.giftcardpartners import SimulatedGiftCardPartners
from providers.sandbox.wire import Reply, Request

PAIR = {"Email": "sandbox@example.com", "AccessToken": "sandbox"}
ADDRESS = {
    "ShippingMethodId": "STANDARD",
    "Name": "Ann",
    "AddressLine1": "1 Main Street",
    "City": "Springfield",
    "State": "IL",
    "Zip": "62701",
    "Country": "US",
}
HOOK = "http://127.0.0.1:9/hooks/secret"


def line(product: str = "PRODUCTA", value: float = 25, quantity: int = 1, **rest: Any) -> dict:
    """One line of an order."""
    return {"ProductId": product, "Value": value, "Quantity": quantity, **rest}


class Customer:
    """A client that speaks to the simulator by values, with a token in its pocket."""

    def __init__(self, provider: SimulatedGiftCardPartners, clock: VirtualClock) -> None:
        self.provider = provider
        self.clock = clock
        self.token = self.fresh_token().json()["Value"]

    def fresh_token(self, **headers: str) -> Reply:
        """Ask for a token."""
        return self.provider.handle(Request.to("POST", "/v1/Tokens", {**PAIR, **headers}))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request of the contract; bytes go out as they are."""
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        usual = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return self.provider.handle(Request.to(method, f"/v1{path}", {**usual, **headers}, data))

    def get(self, path: str) -> Reply:
        """GET."""
        return self.ask("GET", path)

    def order(self, po: str = "po-1", *lines: dict, **fields: Any) -> Reply:
        """Place an order for links."""
        body = {"Type": "Links", "PONumber": po, "LineItems": list(lines) or [line()], **fields}
        return self.ask("POST", "/Orders", body)

    def look(self, order: Reply) -> dict[str, Any]:
        """An order as it is now."""
        found: dict[str, Any] = self.get(f"/Orders/{order.json()['Id']}").json()
        return found

    def control(self, method: str, path: str, body: Any = None) -> Reply:
        """Speak to the control end points."""
        data = b"" if body is None else json.dumps(body).encode()
        return self.provider.handle(Request.to(method, f"/_control/{path}", {}, data))

    def told(self, method: str, path: str, body: Any = None) -> Any:
        """What a control end point answers."""
        answer = self.control(method, path, body)
        assert answer.status == 200, answer.body
        return answer.json()

    def arm(self, name: str, params: dict[str, Any] | None = None, **rest: Any) -> None:
        """Arm a fault."""
        self.told("POST", "faults", {"name": name, "params": params or {}, **rest})

    def settings(self, **changes: Any) -> None:
        """Change settings."""
        self.told("POST", "settings", changes)

    def ledger(self) -> list[dict[str, Any]]:
        """The orders that really exist."""
        found: list[dict[str, Any]] = self.told("GET", "ledger")["orders"]
        return found

    def available(self) -> float:
        """What can pay for orders, as the contract tells it."""
        return float(self.get("/AccountBalance").json()["Available"])


def claims(order: dict[str, Any]) -> list[str]:
    """All claim links of an order resource."""
    return [one["ClaimLink"] for item in order["LineItems"] for one in item["ClaimData"]]


@pytest.fixture
def customer() -> Iterator[Customer]:
    """A customer with a deposit of 50,000."""
    clock = VirtualClock()
    provider = SimulatedGiftCardPartners(clock=clock)
    yield Customer(provider, clock)
    provider.close()
