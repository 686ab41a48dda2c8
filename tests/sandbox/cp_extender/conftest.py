"""A simulated CP Extender in memory, on a clock that moves only when told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.sandbox.clock import VirtualClock
from providers.sandbox.cp_extender import SimulatedCPExtender
from providers.sandbox.wire import Reply, Request

LOGIN = {"UserName": "sandbox", "Password": "sandbox"}
PERMANENT = "sandbox-permanent"
DANA = "2059378440"
NOON = 1_767_225_600.0


class Merchant:
    """A client that speaks to the simulator by values, with the permanent token in its pocket."""

    def __init__(self, provider: SimulatedCPExtender, clock: VirtualClock) -> None:
        self.provider = provider
        self.clock = clock
        self.token = PERMANENT

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Reply:
        """Send one request of the contract; bytes go out as they are, a None takes a header off."""
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        usual = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**usual, **named}.items() if value is not None}
        return self.provider.handle(Request.to(method, path, sent, data))

    def get(self, path: str) -> Reply:
        """GET."""
        return self.ask("GET", path)

    def reserve(self, **fields: Any) -> Reply:
        """Ask for numbers, one unless the fields say otherwise."""
        return self.ask("POST", "/Giftcard/ReserveIds", {"Agency": "Website", **fields})

    def number(self) -> str:
        """A fresh number of our own."""
        [number] = self.reserve().json()["GiftCards"]
        return str(number)

    def create(self, number: str | None = None, **fields: Any) -> Reply:
        """Create a card of 100 for Dana, paid by a sale; a field that is None is left out."""
        usual = {
            "CustomerNumber": DANA,
            "GiftCardCode": "GC",
            "GiftCardValue": 100,
            "GiftCardId": number,
            "SaleId": "sale-1",
        }
        body = {key: value for key, value in {**usual, **fields}.items() if value is not None}
        return self.ask("POST", "/Giftcard/Create", body)

    def card(self, **fields: Any) -> str:
        """The number of a fresh card."""
        created = self.create(self.number(), **fields)
        assert created.status == 200, created.body
        return str(created.json()["GiftCard"]["Id"])

    def look(self, number: str) -> dict[str, Any]:
        """A card as the contract tells it."""
        found: dict[str, Any] = self.get(f"/Giftcard/{number}/BalanceCheck").json()["GiftCard"]
        return found

    def amounts(self, number: str) -> tuple[float, float, float]:
        """Balance, open authorizations, what is available."""
        found = self.look(number)
        return found["Balance"], found["OpenAuthorizations"], found["AvailableBalance"]

    def authorize(self, number: str, amount: float = 40, **fields: Any) -> Reply:
        """Hold money on a card; a field that is None is left out."""
        usual = {"Type": "giftcard", "Ref": number, "SaleId": "sale-2", "RequestedAmount": amount}
        body = {key: value for key, value in {**usual, **fields}.items() if value is not None}
        return self.ask("POST", "/Giftcard/Authorize", body)

    def hold(self, number: str, amount: float = 40) -> str:
        """The AuthCode of a fresh hold."""
        return str(self.authorize(number, amount).json()["AuthCode"])

    def confirm(self, number: str, code: str) -> Reply:
        """Take what is held."""
        return self.ask("POST", "/Authorize/Confirm", {"Ref": number, "AuthCode": code})

    def cancel(self, number: str, code: str) -> Reply:
        """Let what is held go."""
        return self.ask("POST", "/Authorize/Cancel", {"Ref": number, "AuthCode": code})

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

    def ledger(self) -> dict[str, Any]:
        """What really happened."""
        found: dict[str, Any] = self.told("GET", "ledger")
        return found

    def journal(self) -> list[dict[str, Any]]:
        """All arrivals."""
        found: list[dict[str, Any]] = self.told("GET", "journal")
        return found


def refusal(reply: Reply) -> tuple[int, str]:
    """Status and text of a refusal."""
    return reply.status, reply.json()["Message"]


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    """A client of a merchant with ten customers."""
    clock = VirtualClock(NOON)
    provider = SimulatedCPExtender(clock=clock)
    yield Merchant(provider, clock)
    provider.close()
