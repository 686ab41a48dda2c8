"""Webhooks and polling each complete an order without the other, whatever comes first."""

from orders.models import Card
from orders.services.listening import WHILE_BEING_SENT
from orders.statuses import Status
from providers.models import ProviderCall
from tests.webhooks.conftest import looks_for, receipts_of


def test_without_any_webhook_every_order_completes_by_polling(ringer):
    orders = [ringer.order() for _ in range(20)]

    ringer.shop.pass_time(minutes=10)

    assert [status_of(order) for order in orders] == [Status.FULFILLED] * 20
    assert Card.objects.count() == 20


def test_with_polling_far_away_the_webhook_alone_completes_it(ringer):
    order, untold = ringer.placed(), ringer.placed()
    ringer.shop.pass_time(minutes=10)
    before = status_of(order)

    ringer.deliver(order)
    ringer.shop.work()

    assert before == Status.PLACED
    assert (status_of(order), status_of(untold)) == (Status.FULFILLED, Status.PLACED)


def test_a_webhook_before_the_order_is_done_costs_one_look_and_polling_goes_on(ringer):
    ringer.take_an_hour()
    order = ringer.placed()

    ringer.deliver(order)
    ringer.shop.work()
    early = status_of(order)
    ringer.shop.pass_time(hours=2)

    assert early == Status.PLACED
    assert status_of(order) == Status.FULFILLED


def test_a_webhook_before_our_own_answer_is_not_lost(ringer):
    order = ringer.order()
    rung = []

    def ring_while_being_sent(request):
        if request.method == "POST":
            rung.append((status_of(order), ringer.deliver(order).status_code))

    ringer.shop.wire.interrupt = ring_while_being_sent
    ringer.shop.work()
    looks = ProviderCall.objects.filter(subject=order.reference, method="GET")

    assert rung == [(Status.SUBMITTING, 202)]
    assert receipts_of(order) == [("rung", 1)]
    assert status_of(order) == Status.PLACED
    assert looks.count() == 1  # the regular first one is seconds away


def test_it_is_remembered_while_the_order_is_still_being_sent(ringer):
    order = ringer.order(Status.SUBMITTING)

    ringer.deliver(order)
    ringer.shop.work()
    first, second = looks_for(order)

    assert second - first == WHILE_BEING_SENT
    assert status_of(order) == Status.SUBMITTING


def test_a_webhook_for_an_unknown_outcome_looks_it_up_and_never_sends_again(ringer):
    ringer.shop.arm("timeout_after_commit")
    order = ringer.order()
    ringer.shop.work()
    before = status_of(order)

    ringer.deliver(order)
    ringer.shop.work()

    assert before == Status.UNKNOWN
    assert status_of(order) in (Status.PLACED, Status.FULFILLED)
    assert order.attempts.count() == 1


def test_a_flood_of_webhooks_does_not_send_an_absent_order_early(ringer):
    ringer.shop.arm("timeout_before_commit")
    order = ringer.order()
    ringer.shop.work()

    for _ in range(30):
        ringer.deliver(order)
        ringer.shop.work()
        ringer.shop.time.sleep(6)

    assert status_of(order) == Status.UNKNOWN
    assert order.attempts.count() == 1
    assert ringer.shop.bought() == []


def test_a_webhook_for_one_order_moves_no_other(ringer):
    order, other = ringer.placed(), ringer.placed()
    ringer.shop.time.sleep(60)

    ringer.deliver(order, f'{{"PONumber": "{other.reference}", "Id": "{other.external_id}"}}')
    ringer.shop.work()

    assert (status_of(order), status_of(other)) == (Status.FULFILLED, Status.PLACED)


def status_of(order):
    order.refresh_from_db()
    return order.status
