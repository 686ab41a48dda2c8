"""Thousands of deliveries, true and false, in an order that a seed can repeat."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from giftops.models import AuditEntry, Job
from orders.models import Attempt, Card, Order, OrderEvent
from orders.services import doorbells
from orders.services.doorbells import ANSWER_DOORBELL
from orders.statuses import Status
from providers.models import WebhookReceipt
from tests.webhooks.conftest import FAR_AWAY, Ringer, secret_of

IN_A_BATCH = 30
SOON = timedelta(seconds=6)
HEX = "0123456789abcdef"
EVENTS = ("Placed", "Processing", "FulfillmentComplete", "Failed", "Cancelled")
CONTENT_TYPES = (
    "application/json", "application/json; charset=utf-16", "text/plain", "text/xml", "", ";;",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "image/png",
)  # fmt: skip
ENCODINGS = ("identity", "gzip", "br", "nonsense")


@dataclass
class Told:
    """What was answered, and to which orders a delivery behind their right secret was answered."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    rung: Counter[Any] = field(default_factory=Counter)

    def of(self, kind: str) -> set[int]:
        return {status for (which, status) in self.answers if which == kind}

    def count(self, kind: str) -> int:
        return sum(many for (which, _), many in self.answers.items() if which == kind)


def waiting_orders(ringer: Ringer, many: int) -> list[Order]:
    """Orders on their way, done at the provider by now; no regular look is near."""
    ringer.take_an_hour()
    for start in range(0, many, IN_A_BATCH):
        ringer.shop.buy(ringer.maker, quantity=min(IN_A_BATCH, many - start))
    ringer.shop.pass_time(minutes=many / 50 + 1, steps=10)
    orders = list(Order.objects.filter(status=Status.PLACED))
    assert len(orders) == many
    for order in orders:
        order.doorbell_url, order.doorbell_index = doorbells.make_doorbell()
        order.save(update_fields=["doorbell_url", "doorbell_index"])
    later = ringer.shop.time.moment + FAR_AWAY
    Job.objects.filter(state="waiting").update(run_after=later)
    Order.objects.update(next_look_at=later)
    ringer.shop.time.sleep(7200)
    return list(Order.objects.filter(pk__in=[order.pk for order in orders]))


def everything() -> list[Any]:
    """All that a delivery could change, whole."""
    models = (Order, OrderEvent, Attempt, Card, Job, WebhookReceipt, AuditEntry)
    return [list(model.objects.order_by("pk").values()) for model in models]


def forged(ringer: Ringer, orders: list[Order], many: int, seed: int) -> Told:
    """Deliveries behind wrong secrets, each from an address of its own."""
    dice, told = random.Random(seed), Told()
    wrong = wrong_secrets([secret_of(order) for order in orders], dice)
    for number, token in zip(range(many), wrong, strict=False):
        body = dice.choice(BODIES)(dice.choice(orders), number)
        answer = ringer.post(
            token, body, dice.choice(CONTENT_TYPES),
            REMOTE_ADDR=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        )  # fmt: skip
        told.answers[answer.content.decode(), answer.status_code] += 1
    return told


def wrong_secrets(right: list[str], dice: random.Random) -> Iterator[str]:
    """Every digit of every secret changed by one bit, then all other kinds, for ever."""
    for token in right:
        for place, digit in enumerate(token):
            flipped = HEX[int(digit, 16) ^ 1 << dice.randrange(4)]
            yield token[:place] + flipped + token[place + 1 :]
    others: tuple[Callable[[str], str], ...] = (
        str.upper,
        lambda token: token[: dice.randrange(len(token))],
        lambda token: token + dice.choice(HEX),
        lambda token: token[::-1] + "/",
        lambda token: token[1:] + token[0] + "0",
        lambda token: "%ff%fe" + token,
        lambda token: f"{token[:32]}-{token[32:]}",
        lambda token: f"{token}/x",
        lambda _: "".join(dice.choices(HEX, k=64)),
        lambda _: "",
    )
    for number in itertools.count():
        token = others[number % len(others)](dice.choice(right))
        if token not in right:
            yield token


def genuine(ringer: Ringer, orders: list[Order], many: int, seed: int) -> Told:
    """Deliveries behind right secrets: doubled, out of order, lying, unreadable, too large."""
    dice, told = random.Random(seed), Told()
    for number in range(many):
        order = dice.choice(orders) if number >= len(orders) else orders[number]
        kind = dice.choice(KINDS)
        body = kind(order, number)
        answer = ringer.deliver(
            order, body, content_type=dice.choice(CONTENT_TYPES),
            headers={"content-encoding": dice.choice(ENCODINGS), "accept": dice.choice(ENCODINGS)},
        )  # fmt: skip
        told.answers["large" if kind is large else "right", answer.status_code] += 1
        told.rung[order.pk] += answer.status_code == 202
        if dice.random() < 0.02:
            ringer.shop.time.sleep(dice.random() * 12)
            ringer.shop.work()
    return told


def looks_are_apart() -> bool:
    """Whether no order is looked at twice within five seconds on account of its doorbell."""
    by_order: dict[str, list[Any]] = {}
    jobs = Job.objects.filter(name=ANSWER_DOORBELL).order_by("run_after")
    for ids, at in jobs.values_list("ids", "run_after"):
        by_order.setdefault(ids[0], []).append(at)
    return all(
        later - at >= doorbells.BETWEEN_LOOKS
        for looks in by_order.values()
        for at, later in itertools.pairwise(looks)
    )


def event(order: Order, number: int) -> str:
    return json.dumps({"Event": EVENTS[number % 5], "PONumber": order.reference})


def doubled(order: Order, _: int) -> str:
    return json.dumps({"Event": "FulfillmentComplete", "PONumber": order.reference})


def lie(order: Order, number: int) -> str:
    card = {"ClaimLink": "https://claim.example.com/FORGED", "CardNumber": "FORGED"}
    return json.dumps(
        {"PONumber": order.reference, "Id": f"forged-{number}", "Status": "Cancelled",
         "Total": 0, "LineItems": [{"ClaimData": [card]}]}
    )  # fmt: skip


def large(_: Order, number: int) -> bytes:
    return b"[%d]" % number + b" " * 64 * 1024


def deep(_: Order, number: int) -> bytes:
    return b"[" * (20_000 + number)


def not_text(_: Order, number: int) -> bytes:
    return b"\xff\xfe\xc3\x28" + str(number).encode()


def empty(_: Order, __: int) -> bytes:
    return b""


BODIES = (event, doubled, lie, not_text, empty)
KINDS = (event, event, event, doubled, doubled, doubled, lie, lie, deep, not_text, empty, large)
