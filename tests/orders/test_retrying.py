"""One need, one living order, whatever comes back to life."""

import pytest
from django.db import IntegrityError, transaction

from orders.models import Deposit, Order
from orders.services import drafting, mirroring, submitting
from orders.services.problems import Refused
from orders.statuses import Status


@pytest.fixture
def lied_about(shop, mira):
    """Refused in words that we know, and placed all the same."""
    shop.arm("bad_request_known", commit=True)
    order = shop.buy(mira)
    shop.work()
    order.refresh_from_db()
    assert order.status == Status.REJECTED
    return order


def mirror(shop):
    mirroring.mirror_remote_orders(str(shop.account.pk))


@pytest.mark.parametrize("is_submitted", [False, True])
def test_a_retry_that_is_not_sent_yet_is_called_back_when_the_old_order_lives(
    shop, mira, lied_about, is_submitted
):
    batch = drafting.retry_as_new(lied_about, actor=mira)
    if is_submitted:
        submitting.submit_batch(batch, actor=mira)

    mirror(shop)
    shop.pass_time(minutes=3)
    lied_about.refresh_from_db()

    assert lied_about.status == Status.NEEDS_REVIEW
    assert batch.orders.get().status == Status.WITHDRAWN
    assert len(shop.bought()) == 1
    assert Deposit.objects.get().held_minor == 2500


def test_what_lives_again_cannot_be_retried(shop, mira, lied_about):
    mirror(shop)
    lied_about.refresh_from_db()

    with pytest.raises(Refused):
        drafting.retry_as_new(lied_about, actor=mira)


def test_a_chain_of_retries_has_one_living_order(shop, mira):
    shop.arm("bad_request_known", times=2)
    first = shop.buy(mira)
    shop.work()
    first.refresh_from_db()
    second = drafting.retry_as_new(first, actor=mira).orders.get()
    submitting.submit_batch(second.batch, actor=mira)
    shop.work()
    second.refresh_from_db()
    third = drafting.retry_as_new(second, actor=mira).orders.get()

    with pytest.raises(Refused, match=third.reference):
        drafting.retry_as_new(first, actor=mira)

    assert first.need == second.need == third.need == first.pk


def test_the_database_refuses_a_second_living_order_for_a_need(shop, mira):
    first, second = shop.buy(mira), shop.buy(mira)

    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=second.pk).update(need=first.need)


def test_a_retry_that_was_sent_stands_beside_the_one_that_came_back(shop, mira, lied_about):
    batch = drafting.retry_as_new(lied_about, actor=mira)
    submitting.submit_batch(batch, actor=mira)
    shop.work()

    mirror(shop)
    lied_about.refresh_from_db()

    assert lied_about.status == Status.NEEDS_REVIEW
    assert lied_about.breaks.filter(kind="late_truth", closed_at=None).exists()
    assert Deposit.objects.get().held_minor == 5000
