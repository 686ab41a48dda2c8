"""A simulated Exsited in memory, on a clock that moves only when told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.sandbox.clock import VirtualClock
from providers.sandbox.exsited import SimulatedExsited
from providers.sandbox.wire import Reply, Request

LOGIN = {
    "grant_type": "client_credentials",
    "client_id": "sandbox",
    "client_secret": "sandbox",
    "redirect_uri": "https://sandbox.example.com",
}
TOKEN = "/api/v1/oauth2/token"
BOOK = "/api/v3/gift_certificates"
NOON = 1_767_225_600.0  # 2026-01-01T00:00:00Z
AMOUNT = {"accounting_code": "Gift Certificate", "amount": "100", "currency": "AUD"}


class Account:
    """A client that speaks to the simulator by values, with a fresh token in its pocket."""

    def __init__(self, provider: SimulatedExsited, clock: VirtualClock) -> None:
        self.provider = provider
        self.clock = clock
        self.token = ""
        self.connection = "1"

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Reply:
        """Send one request of the contract; bytes go out as they are, a None takes a header off."""
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        usual = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**usual, **named}.items() if value is not None}
        request = Request.to(method, path, sent, data, connection=self.connection)
        return self.provider.handle(request)

    def log_in(self, **fields: Any) -> Reply:
        """Ask for a token and keep it; a field that is None is left out."""
        body = {key: value for key, value in {**LOGIN, **fields}.items() if value is not None}
        answer = self.ask("POST", TOKEN, body, Authorization=None)
        if answer.status == 200:
            self.token = answer.json().get("access_token", "")
        return answer

    def get(self, path: str = "") -> Reply:
        """GET, below the book."""
        return self.ask("GET", BOOK + path)

    def page(self, **query: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The certificates of a page, and its pagination."""
        answer = self.get("?" + "&".join(f"{name}={value}" for name, value in query.items()))
        assert answer.status == 200, answer.body
        found = answer.json()
        return found["gift_certificates"], found["pagination"]

    def uuids(self, **query: Any) -> list[str]:
        """The uuids of a page."""
        return [one["uuid"] for one in self.page(**query)[0]]

    def post(self, path: str = "", certificate: Any = None) -> Reply:
        """POST, below the book; without a body when there is no certificate."""
        body = None if certificate is None else {"gift_certificate": certificate}
        return self.ask("POST", BOOK + path, body)

    def new(self, **fields: Any) -> dict[str, Any]:
        """A certificate of 100 AUD, as the answer tells it."""
        answer = self.post("", {**AMOUNT, **fields})
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.json()["gift_certificate"]
        return found

    def look(self, uuid: str) -> dict[str, Any]:
        """A certificate by itself."""
        found: dict[str, Any] = self.get(f"/{uuid}").json()["gift_certificate"]
        return found

    def listed(self, uuid: str) -> dict[str, Any]:
        """A certificate as the list has it; the last one if it is there twice."""
        rows, _ = self.page(limit=100)
        return next(one for one in reversed(rows) if one.get("uuid") == uuid)

    def control(self, method: str, path: str, body: Any = None) -> Reply:
        """Speak to the control end points."""
        data = b"" if body is None else json.dumps(body).encode()
        return self.provider.handle(Request.to(method, f"/_control/{path}", {}, data))

    def told(self, method: str, path: str, body: Any = None) -> Any:
        """What a control end point answers."""
        answer = self.control(method, path, body)
        assert answer.status == 200, answer.body
        return answer.json()

    def act(self, uuid: str, act: str, **given: Any) -> Any:
        """Let the staff do something with a certificate."""
        return self.told("POST", f"certificates/{uuid}", {"act": act, **given})

    def print_book(self, size: int, **given: Any) -> None:
        """A new book."""
        self.told("POST", "book", {"size": size, **given})

    def arm(self, name: str, params: dict[str, Any] | None = None, **rest: Any) -> None:
        """Arm a fault."""
        self.told("POST", "faults", {"name": name, "params": params or {}, **rest})

    def settings(self, **changes: Any) -> None:
        """Change settings."""
        self.told("POST", "settings", changes)

    def book(self) -> list[dict[str, Any]]:
        """What is really in the book, in the order of ids."""
        found: list[dict[str, Any]] = self.told("GET", "ledger?most=10000")["certificates"]
        return found

    def journal(self) -> list[dict[str, Any]]:
        """All arrivals."""
        found: list[dict[str, Any]] = self.told("GET", "journal")
        return found


def refusal(reply: Reply) -> tuple[int, str]:
    """Status and code of a refusal."""
    return reply.status, reply.json()["errors"][0]["code"]


@pytest.fixture
def account() -> Iterator[Account]:
    """A client that is logged in, in front of a book of 60."""
    clock = VirtualClock(NOON)
    provider = SimulatedExsited(clock=clock)
    one = Account(provider, clock)
    assert one.log_in().status == 200
    yield one
    provider.close()
