"""What programs do that read an order before somebody else moved it; found by the simulation."""

import pytest

from orders.models import Deposit, Order, RemoteOrder
from orders.services import drafting, funding, mirroring
from orders.services.problems import LostTheRace
from orders.statuses import Status


def test_whoever_settles_a_hold_second_loses_the_race(shop, mira):
    order = shop.buy(mira)
    as_read_before = Order.objects.get(pk=order.pk)
    funding.settle(order, order.held_minor)

    with pytest.raises(LostTheRace):
        funding.settle(as_read_before, as_read_before.held_minor)

    assert Deposit.objects.get().spent_minor == order.total_minor


def test_a_second_remote_order_with_our_reference_does_not_take_the_place_of_ours(shop, mira):
    order = shop.buy(mira)
    shop.pass_time(minutes=2)
    order.refresh_from_db()
    ledger = shop.simulated.ledger
    for _ in range(2):  # a provider that does not refuse a reference it has seen
        name = shop.simulated.place_stranger(shop.simulated.clock.now())["name"]
        ledger.run("UPDATE orders SET reference = ? WHERE name = ?", order.reference, name)

    runs = [mirroring.mirror_remote_orders(str(shop.account.pk)) for _ in range(2)]

    assert [run.state for run in runs] == ["done", "done"]
    assert RemoteOrder.objects.get(order=order).external_id == order.external_id


def test_an_order_that_came_to_life_is_not_retried_from_an_old_page(shop, mira):
    order = shop.buy(mira)
    old_page = Order.objects.get(pk=order.pk)
    old_page.status = Status.REJECTED
    shop.pass_time(minutes=2)

    with pytest.raises(LostTheRace):
        drafting.retry_as_new(old_page, actor=mira)

    assert Order.objects.count() == 1
