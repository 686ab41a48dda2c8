"""A shop to try the order services in: an account, the simulated provider in-process, time to move.

Requests pass the real gateway and the real session; only the socket is replaced. The simulator's
ledger says what was really bought.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from giftops import clock
from giftops.models import User
from giftops.money import Money
from giftops.queue import run_due, sweep_jobs
from orders.models import Batch, Card, Order
from orders.services import drafting, funding, submitting, sweeping
from orders.services.drafting import Wish
from providers import services as providers
from providers.models import Product, ProviderAccount
from providers.sandbox.ncentiva.app import SimulatedNcentiva
from providers.sandbox.wire import Request, Wrong

BASE_URL = "http://127.0.0.1:8010/ncentiva"


class InProcess(BaseAdapter):
    """The simulated provider as the transport of a session."""

    def __init__(self, simulated: SimulatedNcentiva) -> None:
        super().__init__()
        self.simulated = simulated
        self.interrupt: Callable[[requests.PreparedRequest], None] = lambda request: None

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        self.interrupt(request)
        body = request.body or b""
        asked = Request.to(request.method or "", request.path_url, dict(request.headers), body)
        reply = self.simulated.handle(asked.below(f"/{self.simulated.slug}"))
        if reply.misbehaviour is not None:
            raise {
                Wrong.HANG: requests.ReadTimeout(),
                Wrong.RESET: requests.ConnectionError(ConnectionResetError()),
            }[reply.misbehaviour.kind]
        raw = HTTPResponse(
            io.BytesIO(reply.body), headers=reply.headers, status=reply.status,
            preload_content=False,
        )  # fmt: skip
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing to close."""


@dataclass
class Time:
    """One clock for us and for the provider; only a test moves it."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def db_now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=max(seconds, 0))


class ProvidersClock:
    """The same moment, as the simulated provider wants it."""

    def __init__(self, time: Time) -> None:
        self.time = time

    def now(self) -> float:
        return self.time.moment.timestamp()


class Shop:
    """What a test does and sees: people act, time passes, the provider's ledger tells the truth."""

    def __init__(self, account: ProviderAccount, wire: InProcess, time: Time) -> None:
        self.account, self.wire, self.time = account, wire, time
        self.simulated = wire.simulated

    def product(self, name: str = "Amazon US") -> Product:
        return Product.objects.filter(account=self.account, name__startswith=name)[0]

    def wish(self, **fields: Any) -> Wish:
        fields.setdefault("product", self.variable())
        return Wish(**{"face_value": Money(2500, "USD"), "quantity": 1} | fields)

    def variable(self) -> Product:
        return Product.objects.filter(
            account=self.account, kind="variable", currency="USD", is_available=True
        )[0]

    def draft(self, maker: User, **fields: Any) -> Batch:
        return drafting.create_batch(maker, self.wish(**fields))

    def buy(self, maker: User, **fields: Any) -> Order:
        """Draft and submit; answers the (first) order, approved and about to be sent."""
        return submitting.submit_batch(self.draft(maker, **fields), actor=maker).orders.first()

    def arm(self, name: str, *, times: int = 1, operation: str = "createOrder", **params: Any):
        self.simulated.faults.arm(name, params=params, operation=operation, count=times)

    def set_balance(self, minor: int) -> None:
        """Make the provider have so much, whatever moved before."""
        row = self.simulated.ledger.row("SELECT sum(minor) AS total FROM movements")
        self.simulated.ledger.move(self.simulated.clock.now(), minor - row["total"], "test")

    def work(self) -> None:
        """Run whatever is due now, as a worker would."""
        while run_due():
            pass

    def pass_time(
        self, *, hours: float = 0, minutes: float = 0, seconds: float = 0, steps: int = 40
    ) -> None:
        """Let time pass in steps of at least 5 s, with a sweep and all due jobs at each."""
        end = self.time.moment + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        step = max((end - self.time.moment) / steps, timedelta(seconds=5))
        while self.time.moment < end:
            self.time.moment = min(end, self.time.moment + step)
            sweep_jobs()
            sweeping.sweep_orders()
            self.work()

    def codes(self, order: Order) -> list[str]:
        """The card numbers that the provider's ledger has for an order."""
        query = (
            "SELECT card_number FROM cards JOIN orders USING (number)"
            " WHERE orders.reference = ? ORDER BY id"
        )
        return [row["card_number"] for row in self.simulated.ledger.rows(query, order.reference)]

    def bought(self) -> list[dict[str, Any]]:
        """Every live order of ours in the provider's own ledger."""
        rows = self.simulated.ledger.rows("SELECT * FROM orders ORDER BY rowid")
        return [dict(row) for row in rows]


@pytest.fixture
def shop(db: None, settings: Any) -> Iterator[Shop]:
    settings.DEBUG = True  # the simulated provider listens on loopback
    with open_shop() as shop:
        yield shop


@pytest.fixture
def partners(db: None, settings: Any) -> Iterator[Any]:
    """A shop at a seller of deliveries, links and plastic (tests/orders/partners.py)."""
    from tests.orders.partners import open_partners

    settings.DEBUG = True  # the simulated provider listens on loopback
    with open_partners() as shop:
        yield shop


@contextmanager
def open_shop() -> Iterator[Shop]:
    """An account with a full catalogue and a deposit of USD 50,000.00."""
    with ExitStack() as stack:
        time = stack.enter_context(clock.use(Time(datetime(2026, 3, 2, 9, tzinfo=UTC))))
        simulated = SimulatedNcentiva(clock=ProvidersClock(time), seed="tests")
        stack.callback(simulated.close)
        wire = InProcess(simulated)
        stack.enter_context(providers.use_transport(lambda account: wire))
        account = providers.create_account(
            name="ncentiva-test", provider="ncentiva", environment="sandbox", base_url=BASE_URL,
            credentials={"username": "sandbox", "password": "sandbox"}, currency="USD",
            settings={"reference_is_unique": True},
        )  # fmt: skip
        providers.refresh_products(account.pk)
        funding.ask_the_provider(account)
        yield Shop(account, wire, time)


@pytest.fixture
def mira(user: Callable[..., User]) -> User:
    return user("finance_maker", username="mira", first_name="Mira")


@pytest.fixture
def tom(user: Callable[..., User]) -> User:
    return user("finance_approver", username="tom", first_name="Tom")


def codes_of(order: Order) -> list[str]:
    return [card.code.reveal() for card in Card.objects.filter(order=order)]
