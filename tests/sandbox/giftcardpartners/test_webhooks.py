"""FulfillmentComplete is really sent, over real HTTP, truly or not."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
import requests

from tests.sandbox.giftcardpartners.conftest import HOOK, PAIR, Customer, line
from tests.sandbox_client import GiftCardPartnersControl, SandboxProcess, running_sandbox

Arrival = tuple[str, bytes]


class Receiver:
    """Somebody who listens for webhooks on this machine; answers `answers` first, then 204."""

    def __init__(self) -> None:
        self.arrivals: Queue[Arrival] = Queue()
        self.answers: list[int] = []
        receiver = self

        class Listener(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()
                receiver.arrivals.put((self.path, body))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/secret"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def next(self) -> tuple[str, Any]:
        """The next webhook: its path, and its body read as JSON where it is that."""
        path, body = self.arrivals.get(timeout=10)
        try:
            return path, json.loads(body)
        except ValueError:
            return path, body

    def is_quiet(self, seconds: float = 0.4) -> bool:
        """Whether nothing comes for a while."""
        try:
            self.arrivals.get(timeout=seconds)
        except Empty:
            return True
        return False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens."""
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def control(sandbox: SandboxProcess) -> GiftCardPartnersControl:
    """A fresh GiftCard Partners whose webhooks go at once."""
    sandbox.giftcardpartners.reset()
    sandbox.giftcardpartners.settings(webhook_delay=0)
    return sandbox.giftcardpartners


def buy(control: GiftCardPartnersControl, url: str, quantity: int = 1) -> dict[str, Any]:
    """Place an order that asks for a webhook."""
    base = f"{control.base_url}/giftcardpartners/v1"
    token = requests.post(f"{base}/Tokens", headers=PAIR, timeout=5).json()["Value"]
    body = {
        "Type": "Links",
        "PONumber": "po-1",
        "LineItems": [line(quantity=quantity)],
        "WebhookSettings": {"FulfillmentComplete": url},
    }
    bearer = {"Authorization": f"Bearer {token}"}
    placed = requests.post(f"{base}/Orders", json=body, headers=bearer, timeout=10)
    assert placed.status_code == 201, placed.text
    found: dict[str, Any] = placed.json()
    return found


def outcomes(control: GiftCardPartnersControl, count: int = 1) -> list[tuple[int, str]]:
    """Attempts and outcome of every webhook, once `count` of them are done."""
    for _ in range(200):
        done = [one for one in control.webhooks() if one["done_at"] is not None]
        if len(done) >= count:
            return [(one["attempts"], one["outcome"]) for one in done]
        time.sleep(0.05)
    raise AssertionError("the webhooks are not done")


def test_a_completed_order_is_told_to_the_url_of_the_order(
    control: GiftCardPartnersControl, receiver: Receiver
) -> None:
    order = buy(control, receiver.url)

    assert receiver.next() == ("/hooks/secret", order)
    assert outcomes(control) == [(1, "204")]
    assert receiver.is_quiet()


def test_a_pending_order_is_told_when_it_is_completed_though_nobody_asks(
    control: GiftCardPartnersControl, receiver: Receiver
) -> None:
    control.settings(completed_after=0.3, completed_per_card=0.01)

    order = buy(control, receiver.url, quantity=11)

    _, told = receiver.next()
    assert (order["Status"], told["Status"]) == ("Pending", "Completed")
    assert len(told["LineItems"][0]["ClaimData"]) == 11


def test_a_failed_delivery_is_repeated_a_few_times(
    control: GiftCardPartnersControl, receiver: Receiver
) -> None:
    receiver.answers = [500, 302]
    control.freeze()
    buy(control, receiver.url)

    bodies = [receiver.next()]
    for _ in range(2):
        while control.webhooks()[0]["attempts"] < len(bodies):
            time.sleep(0.02)
        control.advance(1)
        bodies.append(receiver.next())

    assert outcomes(control) == [(3, "204")]
    assert bodies[0] == bodies[1] == bodies[2]


def test_nobody_there_is_given_up(control: GiftCardPartnersControl) -> None:
    control.freeze()
    buy(control, HOOK)
    for attempt in (1, 2):
        while control.webhooks()[0]["attempts"] < attempt:
            time.sleep(0.02)
        control.advance(1)

    assert outcomes(control) == [(3, "ConnectionRefusedError")]


def test_copies_can_come(control: GiftCardPartnersControl, receiver: Receiver) -> None:
    control.settings(webhook_copies=3)

    order = buy(control, receiver.url)

    assert [receiver.next()[1] for _ in range(3)] == [order] * 3
    assert outcomes(control, 3) == [(1, "204")] * 3


def test_the_webhook_can_come_before_the_answer(
    control: GiftCardPartnersControl, receiver: Receiver
) -> None:
    control.settings(webhook_before_reply=3)
    answered = threading.Event()

    def order() -> None:
        buy(control, receiver.url)
        answered.set()

    buyer = threading.Thread(target=order)
    buyer.start()
    receiver.next()
    told_before = not answered.is_set()
    buyer.join()

    assert told_before
    assert answered.is_set()


def test_it_can_be_late(control: GiftCardPartnersControl, receiver: Receiver) -> None:
    control.freeze()
    control.settings(webhook_delay=60)
    order = buy(control, receiver.url)
    silent = receiver.is_quiet()

    control.advance(60)

    assert silent
    assert receiver.next()[1] == order


def test_it_can_be_off(control: GiftCardPartnersControl, receiver: Receiver) -> None:
    control.settings(webhooks=False)

    buy(control, receiver.url)

    assert receiver.is_quiet()
    assert control.webhooks() == []


def test_another_machine_is_never_spoken_to(control: GiftCardPartnersControl) -> None:
    buy(control, "https://example.com/hooks/x")

    assert outcomes(control) == [(0, "not sent: only this machine is posted to")]


def test_it_can_be_forged(control: GiftCardPartnersControl, receiver: Receiver) -> None:
    control.settings(webhook_body="forged")

    order = buy(control, receiver.url)

    _, told = receiver.next()
    assert told["Id"] != order["Id"]
    assert told["PONumber"] == "FORGED"
    assert told["LineItems"][0]["ClaimData"][0]["ClaimLink"].endswith("FORGED")


@pytest.mark.parametrize(
    ("kind", "told"),
    [("empty", b""), ("not_json", b"<html>fulfilled</html>")],
)
def test_it_can_be_nonsense(
    control: GiftCardPartnersControl, receiver: Receiver, kind: str, told: bytes
) -> None:
    control.settings(webhook_body=kind)

    buy(control, receiver.url)

    assert receiver.next()[1] == told


def test_it_can_be_larger_than_anyone_should_read(
    control: GiftCardPartnersControl, receiver: Receiver
) -> None:
    control.settings(webhook_body="large")

    buy(control, receiver.url)

    _, body = receiver.arrivals.get(timeout=10)
    assert len(body) > 64 * 1024


def test_one_can_be_sent_by_hand_before_the_order_is_completed(
    control: GiftCardPartnersControl, receiver: Receiver
) -> None:
    control.settings(pending_above=0, completed_after=3600)
    order = buy(control, receiver.url)

    control.send_webhook(order["Id"], body="lie")

    _, told = receiver.next()
    assert (told["Id"], told["Status"]) == (order["Id"], "Completed")
    assert told["LineItems"][0]["ClaimData"][0]["ClaimLinkChallengeAnswer"] == "FORGED"


def test_a_webhook_survives_a_power_cut(tmp_path: Path, receiver: Receiver) -> None:
    with running_sandbox(tmp_path) as first:
        first.giftcardpartners.freeze()
        first.giftcardpartners.settings(webhook_delay=60)
        order = buy(first.giftcardpartners, receiver.url)
        first.kill()

    with running_sandbox(tmp_path) as second:
        second.giftcardpartners.advance(61)

        assert receiver.next()[1] == order


@pytest.mark.parametrize("act", ["fail", "cancel"])
def test_only_completion_is_told(customer: Customer, act: str) -> None:
    customer.settings(pending_above=0)
    placed = customer.order(WebhookSettings={"FulfillmentComplete": HOOK})

    customer.told("POST", f"orders/{placed.json()['Id']}", {"act": act})

    assert customer.told("GET", "webhooks") == []


def test_an_order_completed_by_hand_is_told_once(customer: Customer) -> None:
    customer.settings(pending_above=0)
    placed = customer.order(WebhookSettings={"FulfillmentComplete": HOOK})

    for status in ("Completed", "Pending", "Completed"):
        customer.clock.advance(1)
        customer.told("POST", f"orders/{placed.json()['Id']}", {"status": status})

    assert len(customer.told("GET", "webhooks")) == 1
