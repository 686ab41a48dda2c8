"""An issuer without a network: real session, budget, breaker, journal; only the talk is a script.

What it says is kept in `told`; over the wire goes only its place there. So the journal's copy of an
answer says the same again, and a test may have it say anything that a real gateway could raise.
"""

import io
import itertools
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from giftops import clock
from giftops.money import Money
from providers.gateways.base import (
    CardMovement,
    CardReading,
    CardStanding,
    CreatedCard,
    CreateRequest,
    HoldRequest,
    Picture,
    RawAnswer,
    RemoteCustomer,
    RemoteHold,
    ReservationType,
    ReservedNumbers,
    ReserveRequest,
    Slot,
)
from providers.gateways.client import Client
from providers.gateways.errors import ProviderRejected
from providers.gateways.http import Call
from providers.registry import CredentialField, ProviderSpec, RateLimits

SLUG = "scripted"
SPEC = ProviderSpec(
    slug=SLUG,
    label="Scripted Issuer",
    gateway="tests.orders.issuing.scripted.ScriptedIssuer",
    hosts={},
    credentials=(CredentialField("username", "User name", is_secret=False),),
    limits={"sandbox": RateLimits(1000, 60_000)},
)
told: list[Any] = []
JPEG = b"\xff\xd8\xff\xe0 a card \xff\xd9"


def number(n: int) -> str:
    """The n-th number that it ever reserves."""
    return f"99-{n:017d}"


@dataclass
class Script(BaseAdapter):
    """What the issuer has and says. A test gives it answers; without one it does as it is asked.

    `says("reserve", value)`: the next answer to a reservation. A ProviderError is what the gateway
    raises, a `requests` exception (and any other) is raised on the way, and a function is called
    with the request and gives one of these. Operations: reserve, create, check_balance,
    get_certificate, authorize, confirm, cancel, find_customer.
    """

    answers: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    cards: dict[str, CardReading] = field(default_factory=dict)
    customers: dict[str, RemoteCustomer] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)  # auth code -> minor units
    ordinals: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        super().__init__()

    def says(self, operation: str, *answers: Any) -> None:
        self.answers[operation] += answers

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """What came in for one operation, oldest first."""
        return [payload for name, payload in self.asked if name == operation]

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        operation = (request.path_url or "").rsplit("/", 1)[-1].partition("?")[0]
        payload = json.loads(request.headers["X-Payload"])
        self.asked.append((operation, payload))
        script = self.answers[operation]
        said = script.pop(0) if script else getattr(self, f"do_{operation}")
        if callable(said):
            said = said(payload)
        if isinstance(said, requests.RequestException):
            raise said
        told.append(said)
        body = json.dumps(len(told) - 1).encode()
        raw = HTTPResponse(io.BytesIO(body), headers={}, status=200, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing to close."""

    # What it does when nobody tells it what to say

    def do_reserve(self, asked: dict[str, Any]) -> ReservedNumbers:
        count = min(asked["count"], 500 if asked["type"] == ReservationType.POOL else 1)
        return ReservedNumbers(numbers=tuple(number(next(self.ordinals)) for _ in range(count)))

    def do_create(self, asked: dict[str, Any]) -> CreatedCard:
        self.cards[asked["number"]] = fresh(
            asked["number"], Money(**asked["value"]), document=asked["sale_id"]
        )
        return CreatedCard(number=asked["number"])

    def do_check_balance(self, asked: dict[str, Any]) -> CardReading | None:
        return self.cards.get(asked["number"])

    def do_get_certificate(self, asked: dict[str, Any]) -> Picture | None:
        return Picture(content=JPEG) if asked["number"] in self.cards else None

    def do_find_customer(self, asked: dict[str, Any]) -> RemoteCustomer | None:
        return self.customers.get(asked["external_id"] or asked["email"])

    def do_authorize(self, asked: dict[str, Any]) -> Any:
        card = self.cards.get(asked["number"])
        wanted = Money(**asked["amount"])
        if card is None or card.available.minor <= 0:
            return ProviderRejected("no", reason="No Balance Remaining")
        granted = min(wanted, card.available)
        code = f"CODE-{len(self.holds) + 1:08d}"
        self.holds[code] = granted.minor
        self._change(card, held=granted.minor)
        return RemoteHold(external_id=f"R{len(self.holds)}", amount=granted, auth_code=code)

    def do_confirm(self, asked: dict[str, Any]) -> None:
        minor = self.holds.pop(asked["auth_code"])
        self._change(self.cards[asked["number"]], balance=-minor, held=-minor)

    def do_cancel(self, asked: dict[str, Any]) -> None:
        minor = self.holds.pop(asked["auth_code"])
        self._change(self.cards[asked["number"]], held=-minor)

    def _change(self, card: CardReading, *, balance: int = 0, held: int = 0) -> None:
        currency = card.balance.currency
        total, open_ = card.balance.minor + balance, card.held.minor + held
        self.cards[card.number] = replace(
            card, balance=Money(total, currency), held=Money(open_, currency),
            available=Money(total - open_, currency),
        )  # fmt: skip


def fresh(
    card_number: str, value: Money, *, document: str = "", held: int = 0, **fields: Any
) -> CardReading:
    """The reading of a card that was just created; `held` in minor units."""
    issued = CardMovement(
        activity="Issued", on=clock.db_now().date(), amount=value, location="Web",
        document=document,
    )  # fmt: skip
    usual: dict[str, Any] = {
        "number": card_number, "kind": "giftcard", "status_text": "active",
        "standing": CardStanding.ACTIVE, "balance": value, "held": Money(held, value.currency),
        "available": Money(value.minor - held, value.currency), "history": (issued,),
    }  # fmt: skip
    return CardReading(**usual | fields)


class ScriptedIssuer:
    """An `Issuer` whose every answer comes from a `Script` at the other end of a real session."""

    slug = SLUG
    single_lives = timedelta(hours=1)
    numbers_per_pool = 500

    def __init__(self, client: Client, *, currency: str) -> None:
        self._client = client
        self._currency = currency

    @staticmethod
    def headers(credentials: dict[str, str]) -> dict[str, str]:
        return {}

    def test_connection(self) -> str:
        return "It answers."

    def reserve_slot(self) -> Slot:
        return self._client.reserve_slot()

    def renew_slot(self, slot: Slot) -> Slot:
        return self._client.renew_slot(slot)

    def check_reserve(self, request: ReserveRequest) -> None:
        if not request.agency.strip():
            raise ValueError("Say which company the numbers are for.")
        if request.count < 1:
            raise ValueError("Ask for at least one number.")

    def reserve(self, request: ReserveRequest, *, slot: Slot) -> ReservedNumbers:
        self.check_reserve(request)
        return self.read_reserved(self._write("reserve", asdict(request), slot), request)

    def read_reserved(self, raw: RawAnswer, request: ReserveRequest) -> ReservedNumbers:
        return heard(raw)

    def check_create(self, request: CreateRequest) -> None:
        if request.value.minor <= 0:
            raise ValueError("The value must be greater than nothing.")

    def create(self, request: CreateRequest, *, slot: Slot) -> CreatedCard:
        self.check_create(request)
        return self.read_created(self._write("create", asdict(request), slot), request)

    def read_created(self, raw: RawAnswer, request: CreateRequest) -> CreatedCard:
        return heard(raw)

    def check_balance(self, number: str) -> CardReading | None:
        return heard(self._read("check_balance", {"number": number}))

    def get_certificate(self, number: str) -> Picture | None:
        return heard(self._read("get_certificate", {"number": number}))

    def check_authorize(self, request: HoldRequest) -> None:
        if request.amount.minor <= 0:
            raise ValueError("The amount must be greater than nothing.")

    def authorize(self, request: HoldRequest, *, slot: Slot) -> RemoteHold:
        self.check_authorize(request)
        return self.read_authorized(self._write("authorize", asdict(request), slot), request)

    def read_authorized(self, raw: RawAnswer, request: HoldRequest) -> RemoteHold:
        return heard(raw)

    def confirm(self, number: str, auth_code: str, *, slot: Slot) -> None:
        self.read_confirmed(self._finish("confirm", number, auth_code, slot))

    def read_confirmed(self, raw: RawAnswer) -> None:
        heard(raw)

    def cancel(self, number: str, auth_code: str, *, slot: Slot) -> None:
        self.read_cancelled(self._finish("cancel", number, auth_code, slot))

    def read_cancelled(self, raw: RawAnswer) -> None:
        heard(raw)

    def find_customer(self, *, external_id: str = "", email: str = "") -> RemoteCustomer | None:
        return heard(self._read("find_customer", {"external_id": external_id, "email": email}))

    def _finish(self, operation: str, number: str, auth_code: str, slot: Slot) -> RawAnswer:
        return self._write(operation, {"number": number, "auth_code": auth_code}, slot)

    def _write(self, operation: str, payload: dict[str, Any], slot: Slot) -> RawAnswer:
        return self._client.write(call_of("POST", operation, payload), slot)

    def _read(self, operation: str, payload: dict[str, Any]) -> RawAnswer:
        return self._client.read(call_of("GET", operation, payload))


def call_of(method: str, operation: str, payload: dict[str, Any]) -> Call:
    headers = {"X-Payload": json.dumps(payload, default=str)}
    return Call(operation=operation, method=method, route=f"/{operation}", headers=headers)


def heard(raw: RawAnswer) -> Any:
    """What the script said at that place; an error is raised."""
    said = told[json.loads(raw.body)]
    if isinstance(said, Exception):
        raise said
    return said
