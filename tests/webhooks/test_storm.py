"""A storm of deliveries: nothing forged has an effect, nothing genuine is lost."""

import logging

import pytest

from orders.models import Attempt, Card, Order
from orders.statuses import Status
from providers.models import WebhookReceipt
from tests.webhooks import storm

WRONG = '{"detail":"Not found."}'
SIZES = [
    pytest.param(4, 300, 120, id="small"),
    pytest.param(90, 6_200, 3_800, id="ten thousand", marks=pytest.mark.prove),
]


@pytest.mark.parametrize(("many", "false_ones", "true_ones"), SIZES)
def test_nothing_forged_has_an_effect_and_nothing_genuine_is_lost(
    ringer, many, false_ones, true_ones
):
    orders = storm.waiting_orders(ringer, many)
    logging.disable(logging.CRITICAL)  # half of the time would go into capturing lines
    before = storm.everything()

    forged = storm.forged(ringer, orders, false_ones, seed=1)
    after_forged = storm.everything()
    told = storm.genuine(ringer, orders, true_ones, seed=2)
    ringer.shop.time.sleep(storm.SOON.total_seconds())
    ringer.shop.work()

    assert forged.answers == {(WRONG, 404): false_ones}
    assert after_forged == before
    assert (told.of("right"), told.of("large")) == ({202}, {413})
    assert told.count("right") + told.count("large") == true_ones
    assert sum(WebhookReceipt.objects.values_list("deliveries", flat=True)) == true_ones
    assert all(told.rung[order.pk] for order in orders)
    assert storm.looks_are_apart()
    assert statuses() == {Status.FULFILLED: many}
    assert (Card.objects.count(), Attempt.objects.count(), len(ringer.shop.bought())) == (many,) * 3


def test_a_delivery_replayed_after_a_week_looks_at_what_lives_and_at_nothing_else(ringer):
    done, waiting = storm.waiting_orders(ringer, 2)
    ringer.deliver(done)
    ringer.shop.work()
    ringer.shop.time.sleep(8 * 86400)
    before = Order.objects.filter(pk=done.pk).values().get()

    answers = [ringer.deliver(done).status_code, ringer.deliver(waiting).status_code]
    ringer.shop.work()

    assert answers == [202, 202]
    assert Order.objects.filter(pk=done.pk).values().get() == before
    assert statuses() == {Status.FULFILLED: 2}


def statuses():
    found = list(Order.objects.values_list("status", flat=True))
    return {status: found.count(status) for status in set(found)}
