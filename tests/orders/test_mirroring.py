"""The provider's order history: whole, matched, and never believed about money."""

import pytest

from giftops.money import Money
from orders.models import Deposit, Order, RemoteOrder
from orders.services import mirroring
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import OrderRequest, OrderType, RequestLine
from providers.sandbox.wire import Request


def stranger(shop, times=1):
    for _ in range(times):
        control(shop, "stranger", "{}")


def control(shop, what, body):
    headers = {"Content-Type": "application/json"}
    reply = shop.simulated.handle(Request.to("POST", f"/_control/{what}", headers, body.encode()))
    assert reply.status in (200, 201), reply.body


def mirror(shop):
    return mirroring.mirror_remote_orders(str(shop.account.pk))


def test_our_orders_are_matched_and_strangers_shown_as_such(shop, mira):
    order = shop.buy(mira)
    shop.pass_time(minutes=2)
    stranger(shop, 2)

    run = mirror(shop)

    assert (run.state, run.new) == ("done", 3)
    assert RemoteOrder.objects.get(reference=order.reference).order == order
    assert RemoteOrder.objects.filter(order=None).count() == 2


def test_a_second_run_writes_nothing(shop, mira):
    shop.buy(mira)
    shop.pass_time(minutes=2)
    stranger(shop, 3)
    mirror(shop)

    run = mirror(shop)

    assert (run.new, run.changed, run.same, run.failed) == (0, 0, 4, 0)


@pytest.mark.parametrize(
    ("values", "kept"),
    [((2500, 2500), ("PRODUCTA", 2500, 5)), ((2500, 5000), ("PRODUCTA", None, 5))],
)
def test_of_several_lines_what_they_share_is_kept_and_the_number_of_cards(partners, values, kept):
    lines = tuple(
        RequestLine(product_id="PRODUCTA", face_value=Money(value, "USD"), quantity=quantity)
        for value, quantity in zip(values, (2, 3), strict=True)
    )
    gateway = providers.gateway_for(partners.account)
    theirs = OrderRequest(reference="THEIRS-1", lines=lines, type=OrderType.LINKS)
    gateway.place_order(theirs, slot=gateway.reserve_slot())

    mirror(partners)

    row = RemoteOrder.objects.get(reference="THEIRS-1")
    assert (row.product_external_id, row.face_value_minor, row.quantity) == kept
    assert row.currency == "USD"


def test_rows_that_shift_while_pages_are_read_are_not_lost(shop, monkeypatch):
    monkeypatch.setattr("providers.gateways.ncentiva.wire.ORDERS_PAGE_SIZE", 10)
    stranger(shop, 35)
    shop.arm("paging_shift", operation="listOrders", times=2, rows=3)

    run = mirror(shop)

    assert run.error == ""
    assert RemoteOrder.objects.count() == len(shop.bought()) == 41


def test_a_login_page_wipes_nothing_and_the_run_says_why(shop):
    stranger(shop, 3)
    mirror(shop)
    shop.arm("html_200", operation="listOrders", times=10)

    run = mirror(shop)

    assert run.state == "failed"
    assert run.error
    assert RemoteOrder.objects.count() == 3


def test_a_closed_order_that_lives_over_there_calls_a_person_and_holds_money_again(shop, mira):
    order = shop.buy(mira)
    shop.pass_time(minutes=2)
    Order.objects.filter(pk=order.pk).update(status=Status.REJECTED, held_minor=0)

    mirror(shop)
    order.refresh_from_db()

    assert order.status == Status.NEEDS_REVIEW
    assert (order.held_minor, Deposit.objects.get().held_minor) == (2500, 2500)


def test_an_order_closed_after_it_was_mirrored_is_found_alive_all_the_same(shop, mira):
    order = shop.buy(mira)
    shop.pass_time(minutes=2)
    mirror(shop)
    Order.objects.filter(pk=order.pk).update(status=Status.REJECTED, held_minor=0)

    mirror(shop)
    order.refresh_from_db()

    assert order.status == Status.NEEDS_REVIEW


def test_what_a_dead_worker_did_not_say_any_more_the_next_run_says(shop, mira, monkeypatch):
    order = shop.buy(mira)
    shop.pass_time(minutes=2)
    order.refresh_from_db()
    control(shop, f"orders/{order.external_id}", '{"status": "Processing"}')
    monkeypatch.setattr(mirroring.breaking, "open_break", dies)
    with pytest.raises(SystemExit):
        mirror(shop)
    monkeypatch.undo()

    shop.time.sleep(16 * 60)
    mirror(shop)

    assert order.breaks.filter(kind="contradiction", closed_at=None).exists()


def dies(*_args, **_fields):
    raise SystemExit


@pytest.mark.parametrize("status", ["Processing", "Cancelled"])
def test_a_fulfilled_order_that_goes_back_over_there_keeps_its_status_and_opens_a_break(
    shop, mira, status
):
    order = shop.buy(mira)
    shop.pass_time(minutes=2)
    order.refresh_from_db()
    control(shop, f"orders/{order.external_id}", f'{{"status": "{status}"}}')

    mirror(shop)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert order.breaks.filter(kind="contradiction", closed_at=None).exists()


def test_a_run_whose_worker_died_does_not_end_mirroring_for_ever(shop, monkeypatch):
    class Killed(BaseException):
        """The worker is gone: nothing below `except Exception` sees it."""

    stranger(shop, 2)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(mirroring, "_read_all", killed)
        with pytest.raises(Killed):
            mirror(shop)

    while_it_may_live = mirror(shop)
    shop.time.sleep(16 * 60)
    afterwards = mirror(shop)

    assert while_it_may_live.state == "running"
    assert (afterwards.state, afterwards.new) == ("done", 2)
