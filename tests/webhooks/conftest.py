"""A provider that rings: orders with a secret address, deliveries as other machines send them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from giftops.models import Job
from orders.models import Order
from orders.services import doorbells
from orders.services.doorbells import ANSWER_DOORBELL
from orders.statuses import Status
from providers.models import WebhookReceipt
from providers.sandbox.wire import Request
from tests.orders.conftest import Shop, mira, shop, tom

__all__ = ["Ringer", "mira", "ringer", "shop", "tom"]

FAR_AWAY = timedelta(days=20)
BODY = json.dumps({"Event": "FulfillmentComplete", "Order": {"Id": "1", "Status": "Completed"}})


class Ringer:
    """Whoever calls our addresses, and what came of it."""

    def __init__(self, shop: Shop, maker: Any) -> None:
        self.shop, self.maker = shop, maker
        self.http = Client(enforce_csrf_checks=True)

    def order(self, status: Status | None = None, **fields: Any) -> Order:
        """An order with a secret address; `status` as it stands, without having been there."""
        order = self.shop.buy(self.maker)
        order.doorbell_url, order.doorbell_index = doorbells.make_doorbell()
        order.save(update_fields=["doorbell_url", "doorbell_index"])
        if status is not None:
            Order.objects.filter(pk=order.pk).update(status=status, **fields)
            order.refresh_from_db()
        return order

    def placed(self) -> Order:
        """An order that is on its way, its regular looks far away: only a doorbell brings news."""
        order = self.order()
        self.shop.work()
        order.refresh_from_db()
        assert order.status == Status.PLACED
        later = self.shop.time.moment + FAR_AWAY
        Job.objects.filter(state="waiting", ids=[str(order.pk)]).update(run_after=later)
        Order.objects.filter(pk=order.pk).update(next_look_at=later)
        return order

    def take_an_hour(self) -> None:
        """The provider takes an hour for the orders it is given from now on."""
        asked = Request.to(
            "POST", "/_control/settings", {"Content-Type": "application/json"},
            b'{"completed_after": 3600}',
        )  # fmt: skip
        assert self.shop.simulated.handle(asked).status == 200

    def deliver(self, order: Order, body: Any = BODY, **headers: Any) -> Any:
        return self.post(secret_of(order), body, **headers)

    def post(
        self, token: str, body: Any = BODY, content_type: str = "application/json", **more: Any
    ) -> Any:
        data = body.encode() if isinstance(body, str) else body
        return self.http.generic("POST", f"/webhooks/{token}/", data, content_type, **more)


def secret_of(order: Order) -> str:
    return order.doorbell_url.reveal().rstrip("/").rpartition("/")[2]


def looks_for(order: Order) -> list[Any]:
    """When the order is, or was, to be looked at on account of a doorbell."""
    jobs = Job.objects.filter(name=ANSWER_DOORBELL, ids=[str(order.pk)])
    return sorted(jobs.values_list("run_after", flat=True))


def receipts_of(order: Order) -> list[tuple[str, int]]:
    found = WebhookReceipt.objects.filter(subject=order.reference).order_by("id")
    return list(found.values_list("outcome", "deliveries"))


@pytest.fixture
def ringer(shop: Shop, mira: Callable[..., Any]) -> Ringer:
    return Ringer(shop, mira)
