"""Catalogues, histories, options and balances."""

import pytest

from providers.gateways.base import (
    Page,
    ProductKind,
    RemoteOption,
    RemoteOrder,
    RemoteProduct,
    UnreadableItem,
)
from tests.conformance.stage import SellerStage

MOST_PAGES = 100


def history(stage: SellerStage) -> list[RemoteOrder]:
    """The whole history, page after page."""
    gateway, orders, number = stage.gateway(), [], 0
    while number < MOST_PAGES:
        number += 1
        page: Page[RemoteOrder] = gateway.list_orders(number)
        assert page.page == number
        assert page.unreadable == ()
        orders += page.items
        if page.is_last:
            return orders
    return pytest.fail("the history has no end")


def test_every_product_can_be_read_and_says_what_may_be_bought(seller: SellerStage) -> None:
    products = list(seller.gateway().list_products())

    assert [one for one in products if isinstance(one, UnreadableItem)] == []
    good = [one for one in products if isinstance(one, RemoteProduct)]
    assert len({one.external_id for one in good}) == len(good) > 5
    for product in good:
        assert product.name
        assert product.order_types
        assert set(product.order_types) <= set(seller.subject.order_types)
        if product.kind == ProductKind.FIXED:
            values = product.denominations or (product.face_value,)
            assert all(value is not None and value.minor > 0 for value in values)
        elif product.minimum is not None and product.maximum is not None:
            assert 0 < product.minimum.minor <= product.maximum.minor


def test_what_the_kit_orders_is_in_the_catalogue(seller: SellerStage) -> None:
    products = {
        one.external_id: one
        for one in seller.gateway().list_products()
        if isinstance(one, RemoteProduct)
    }

    for order_type in seller.subject.order_types:
        for line in seller.subject.request(order_type).lines:
            assert order_type in products[line.product_id].order_types
            assert products[line.product_id].currency == line.face_value.currency


def test_the_history_has_every_order_once_whoever_placed_it(seller: SellerStage) -> None:
    ours, others = seller.bought(), seller.bought(seller.subject.other_request())

    ids = [order.external_id for order in history(seller)]

    assert {ours.external_id, others.external_id} <= set(ids)
    assert len(ids) == len(set(ids))


def test_beyond_the_end_of_the_history_there_is_nothing(seller: SellerStage) -> None:
    seller.bought()

    page = seller.gateway().list_orders(MOST_PAGES)

    assert (page.items, page.is_last) == ((), True)


def test_the_balance_is_what_the_simulator_has(holder: SellerStage) -> None:
    balance = holder.gateway().get_balance()

    assert balance.available.minor == holder.subject.funds(holder.control)
    assert balance.available.currency == holder.account.currency


def test_every_option_can_be_read_and_is_there_once(lister: SellerStage) -> None:
    options = list(lister.gateway().list_options())

    good = [one for one in options if isinstance(one, RemoteOption)]
    assert good == options != []
    assert len({(one.kind, one.external_id) for one in good}) == len(good)
    assert all(one.name for one in good)
