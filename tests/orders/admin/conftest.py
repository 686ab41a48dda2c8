"""People at their desks: a signed-in browser per person, and a way to press a button."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from giftops.models import User
from giftops.once import new_token
from orders.models import Order
from tests.orders.issuing.conftest import desk as issuer

__all__ = ["issuer"]


class Desk:
    """A browser of one person."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, name: str, /, *args: Any, **query: Any) -> HttpResponse:
        return self.client.get(reverse(f"admin:{name}", args=args), query)

    def press(self, name: str, /, *args: Any, follow: bool = False, **data: Any) -> HttpResponse:
        """Press a button: a POST with a fresh token, unless `once` is given."""
        data.setdefault("once", new_token())
        return self.client.post(reverse(f"admin:{name}", args=args), data, follow=follow)

    def text(self, name: str, /, *args: Any, **query: Any) -> str:
        return self.get(name, *args, **query).content.decode()


@pytest.fixture
def desk_of(client_of: Callable[..., Client]) -> Callable[..., Desk]:
    def make(person: User | str) -> Desk:
        return Desk(client_of(person))

    return make


@pytest.fixture
def fulfilled(shop: Any, mira: User) -> Order:
    """An order whose card has arrived."""
    order = shop.buy(mira, recipient_name="Ann Petrov", recipient_email="ann@example.com")
    shop.work()
    shop.pass_time(minutes=30)
    order.refresh_from_db()
    assert order.status == "fulfilled"
    return order


def said(response: HttpResponse) -> str:
    """The sentences at the top of the page that was answered with."""
    return " ".join(str(message) for message in response.context["messages"])
