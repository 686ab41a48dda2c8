"""A restored backup buys nothing twice."""

from giftops import guard
from orders.models import Deposit, Order
from orders.services import restoring, submitting, sweeping
from orders.statuses import Status


def test_an_approved_order_of_a_backup_is_looked_up_before_it_is_ever_sent_again(shop, mira):
    order = shop.buy(mira)
    as_in_the_backup = Order.objects.filter(pk=order.pk).values("status", "version").get()
    shop.pass_time(minutes=2)
    order.attempts.all().delete()
    order.cards.all().delete()
    Order.objects.filter(pk=order.pk).update(
        **as_in_the_backup, external_id="", standing="", held_minor=2500
    )

    Deposit.objects.update(held_minor=2500, spent_minor=0)

    restoring.doubt_orders(shop.time.moment)
    shop.pass_time(minutes=2)
    order.refresh_from_db()

    assert len(shop.bought()) == 1
    assert order.status == Status.FULFILLED


def test_an_order_of_a_backup_that_was_never_sent_is_bought_once(shop, mira):
    order = shop.buy(mira)

    restoring.doubt_orders(shop.time.moment)
    sweeping.sweep_orders()
    shop.pass_time(minutes=45)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(shop.bought()) == 1


def test_an_order_that_was_approved_after_the_backup_is_not_sent_from_it_again(shop, mira):
    batch = shop.draft(mira)
    draft = batch.orders.get()
    as_in_the_backup = Order.objects.filter(pk=draft.pk).values("status", "version").get()
    submitting.submit_batch(batch, actor=mira)
    shop.pass_time(minutes=2)
    Order.objects.filter(pk=draft.pk).update(
        **as_in_the_backup, external_id="", standing="", held_minor=0
    )

    guard.release(shop.time.moment)
    shop.pass_time(minutes=2)
    draft.refresh_from_db()

    assert draft.status == Status.NEEDS_REVIEW
    assert len(shop.bought()) == 1
