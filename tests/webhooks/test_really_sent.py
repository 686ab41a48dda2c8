"""A simulated provider that really posts, our pages really served: from the order to the links."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests

from giftops.clock import db_now
from giftops.models import Job, User
from giftops.money import Money
from giftops.queue import run_due
from orders.models import Order
from orders.services import drafting, funding, submitting
from orders.services.doorbells import ANSWER_DOORBELL
from orders.services.drafting import Wish
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import OrderType
from providers.models import Product, ProviderAccount, WebhookReceipt
from tests.sandbox_client import GiftCardPartnersControl, running_sandbox
from tests.webhooks.conftest import secret_of

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True)]
PATIENCE = 60  # seconds


class House:
    """Us, reachable at a real address, and the provider that knows it."""

    def __init__(self, control: GiftCardPartnersControl, maker: User) -> None:
        self.control, self.maker = control, maker
        self.account = providers.create_account(
            name="gcp", provider="giftcardpartners", environment="sandbox",
            base_url=f"{control.base_url}/giftcardpartners", currency="USD",
            credentials={"email": "sandbox@example.com", "access_token": "sandbox"},
            settings={"reference_is_unique": True, "debits_at": "placed"},
        )  # fmt: skip
        providers.refresh_products(self.account.pk)
        funding.ask_the_provider(ProviderAccount.objects.get())

    def order(self) -> Order:
        """One claim link, approved and about to be sent."""
        product = next(
            p
            for p in Product.objects.filter(account=self.account, currency="USD")
            if OrderType.LINKS in p.order_types and 2500 in p.denominations
        )
        wish = Wish(
            product=product, face_value=Money(2500, "USD"), quantity=1, order_type=OrderType.LINKS
        )
        batch = drafting.create_batch(self.maker, wish)
        order: Order = submitting.submit_batch(batch, actor=self.maker).orders.get()
        return order

    def send(self) -> Order:
        """The order is at the provider; our own next look at it is days away."""
        order = self.order()
        run_due()
        later = db_now() + timedelta(days=2)
        Job.objects.filter(state="waiting").exclude(name=ANSWER_DOORBELL).update(run_after=later)
        return order

    def rung(self, order: Order, times: int = 1) -> bool:
        found = WebhookReceipt.objects.filter(subject=order.reference, deliveries__gte=times)
        return eventually(found.exists)

    def done(self, order: Order) -> bool:
        def is_done() -> bool:
            run_due()
            order.refresh_from_db()
            return order.status == Status.FULFILLED

        return eventually(is_done)


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes true; waits for what another process sends."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def house(live_server: Any, settings: Any, tmp_path: Any, user: Any) -> Iterator[House]:
    settings.DEBUG = True  # the simulated provider listens on loopback
    settings.GIFTOPS_PUBLIC_URL = live_server.url
    with running_sandbox(tmp_path) as process:
        control = process.giftcardpartners
        control.settings(pending_above=0, completed_after=0.2, webhook_delay=0)
        yield House(control, user("finance_maker"))


def test_they_ring_and_the_links_are_fetched(house):
    order = house.send()
    before = Order.objects.get(pk=order.pk).status

    assert before == Status.PLACED
    assert house.rung(order)
    assert house.done(order)
    assert order.cards.count() == 1
    assert [hook["outcome"] for hook in house.control.webhooks()] == ["202"]


@pytest.mark.parametrize("body", ["forged", "lie", "empty", "not_json"])
def test_whatever_they_write_only_the_ringing_counts(house, body):
    house.control.settings(webhook_body=body, webhook_copies=3)
    order = house.send()

    assert house.rung(order, 3)
    assert house.done(order)
    assert [card.claim_url.reveal() for card in order.cards.all()] == links_in(
        house.control.ledger()
    )


def test_a_ring_before_their_own_answer_is_remembered(house):
    house.control.settings(completed_after=0, webhook_before_reply=1.0)
    order = house.send()

    assert house.rung(order)
    assert house.done(order)


def test_without_webhooks_our_own_looks_suffice(house):
    house.control.settings(webhooks=False)
    order = house.order()

    assert house.done(order)
    assert not WebhookReceipt.objects.exists()


def test_strangers_on_the_wire_get_nowhere(house, live_server):
    order = house.send()
    token = secret_of(order)
    assert house.done(order)
    WebhookReceipt.objects.all().delete()
    jobs = Job.objects.count()

    answers = [
        requests.post(f"{live_server.url}/webhooks/{wrong}", data=data, timeout=5)
        for wrong in (token[:-1], token.upper(), "0" * 64, f"{token}/x", "")
        for data in (b"{}", b"x" * 100_000)
    ]

    assert {(a.status_code, a.text) for a in answers} == {(404, '{"detail":"Not found."}')}
    assert {tuple(a.cookies) for a in answers} == {()}
    assert (WebhookReceipt.objects.count(), Job.objects.count()) == (0, jobs)


def test_many_at_once_are_counted_one_by_one_and_ring_once(house, live_server):
    house.control.settings(webhooks=False)
    order = house.send()
    address = f"{live_server.url}/webhooks/{secret_of(order)}/"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: requests.post(address, "{}", timeout=30), range(40)))

    assert [answer.status_code for answer in answers] == [202] * 40
    assert WebhookReceipt.objects.get().deliveries == 40
    assert Job.objects.filter(name=ANSWER_DOORBELL).count() == 1


def links_in(ledger: dict[str, Any]) -> list[str]:
    return [card["claim_link"] for order in ledger["orders"] for card in order["cards"]]
