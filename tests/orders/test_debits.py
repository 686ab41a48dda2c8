"""The provider's figure beside ours while orders are on their way: what is a gap, what is new."""

import pytest

from orders.models import Break, Deposit, LedgerEvent, LedgerTransaction, Order
from orders.services import funding, placing
from providers.models import BalanceReading

HAD = 5_000_000


@pytest.fixture
def at_placing(shop):
    """The provider takes the money of an order when it accepts it."""
    shop.account.settings = shop.account.settings | {"debits_at": "placed"}
    shop.account.save()
    return shop


def stands(order, status, **fields):
    """The order as if it had come to stand like this."""
    Order.objects.filter(pk=order.pk).update(status=status, **{"standing": "processing"} | fields)


def read(shop, minor, pending=None):
    """A balance is read a moment later."""
    shop.time.sleep(5)
    return funding.note_reading(
        BalanceReading.objects.create(
            account=shop.account, currency="USD", available_minor=minor, pending_minor=pending,
            asked_at=shop.time.moment,
        )
    )  # fmt: skip


def funded():
    return LedgerTransaction.objects.filter(event=LedgerEvent.FUND).count() - 1  # but the first


@pytest.mark.parametrize(
    ("status", "external_id"),
    [
        ("placed", "NCT-1"),
        ("partly_fulfilled", "NCT-1"),
        ("fulfilled", "NCT-1"),
        ("needs_review", "NCT-1"),
    ],
)
def test_an_accepted_order_is_paid_where_accepting_takes_the_money(
    at_placing, mira, status, external_id
):
    stands(at_placing.buy(mira), status, external_id=external_id)

    deposit = read(at_placing, HAD - 2500)

    assert (deposit.shortfall_minor, deposit.free.minor, funded()) == (0, HAD - 2500, 0)


@pytest.mark.parametrize(
    ("status", "external_id"), [("approved", ""), ("submitting", ""), ("needs_review", "")]
)
def test_an_order_that_was_not_accepted_is_not_paid(at_placing, mira, status, external_id):
    stands(at_placing.buy(mira), status, external_id=external_id, standing="")

    agreeing = read(at_placing, HAD)
    missing = read(at_placing, HAD - 2500)

    assert (agreeing.shortfall_minor, missing.shortfall_minor) == (0, 2500)


def test_where_completing_takes_the_money_a_placed_order_is_not_paid(shop, mira):
    order = shop.buy(mira)
    stands(order, "placed", external_id="NCT-1")
    before = read(shop, HAD).shortfall_minor
    stands(order, "placed", external_id="NCT-1", standing="completed")

    after = read(shop, HAD - 2500)

    assert (before, after.shortfall_minor, after.free.minor) == (0, 0, HAD - 2500)


def test_what_they_really_charged_counts_once_they_have_said_it(at_placing, mira):
    stands(at_placing.buy(mira), "placed", external_id="NCT-1", cost_minor=2400)

    agreeing = read(at_placing, HAD - 2400)
    with_funds = read(at_placing, HAD - 2400 + 100_000)

    assert (agreeing.shortfall_minor, agreeing.free.minor) == (0, HAD - 2500)
    assert (with_funds.free.minor, funded()) == (HAD - 2500 + 100_000, 1)


def test_a_cost_below_the_estimate_is_no_new_money(at_placing, mira):
    stands(at_placing.buy(mira), "placed", external_id="NCT-1")

    deposit = read(at_placing, HAD - 2400)

    assert (deposit.free.minor, funded()) == (HAD - 2500, 0)


def test_a_debit_younger_than_the_reading_is_no_new_money(at_placing, mira):
    order = at_placing.buy(mira)
    at_placing.time.sleep(5)
    asked_at = at_placing.time.moment
    at_placing.time.sleep(5)
    stands(order, "placed", external_id="NCT-1", cost_minor=2500)
    Order.objects.update(changed_at=at_placing.time.moment)

    funding.note_reading(
        BalanceReading.objects.create(
            account=at_placing.account, currency="USD", available_minor=HAD, asked_at=asked_at
        )
    )

    assert (Deposit.objects.get().free.minor, funded()) == (HAD - 2500, 0)


@pytest.mark.parametrize("debits_at", ["placed", "completed"])
def test_cards_they_credit_are_no_new_money_and_leave_no_gap(shop, mira, debits_at):
    shop.account.settings = shop.account.settings | {"debits_at": debits_at}
    shop.account.save()
    order = shop.buy(mira)
    stands(order, "partly_fulfilled", external_id="NCT-1", standing="completed")
    read(shop, HAD - 2500)

    credited = read(shop, HAD)
    order.refresh_from_db()
    funding.release(order)
    Order.objects.update(held_minor=0, status="fulfilled")
    accepted = read(shop, HAD)

    assert (credited.free.minor, funded()) == (HAD - 2500, 0)
    assert (accepted.free.minor, accepted.shortfall_minor) == (HAD, 0)


def test_new_money_is_booked_beside_an_order_in_flight(at_placing, mira):
    stands(at_placing.buy(mira), "placed", external_id="NCT-1")

    early = read(at_placing, HAD - 2500 + 100_000).free.minor
    Order.objects.update(cost_minor=2500)
    later = read(at_placing, HAD - 2500 + 100_000).free.minor

    assert early == HAD - 2500 + 100_000 - 2500  # so much may be the order's own money, back again
    assert later == HAD - 2500 + 100_000


def test_money_that_orders_in_doubt_may_have_cost_is_not_free_and_not_yet_a_break(at_placing, mira):
    order = at_placing.buy(mira)
    stands(order, "unknown", standing="")
    read(at_placing, HAD - 2500)
    at_placing.time.sleep(1200)
    in_doubt = read(at_placing, HAD - 2500).free.minor, Break.objects.count()

    stands(order, "rejected", standing="")
    read(at_placing, HAD - 2500)
    at_placing.time.sleep(1200)
    read(at_placing, HAD - 2500)

    assert in_doubt == (HAD - 5000, 0)
    assert Break.objects.get().kind == "deposit"


def test_pending_funds_are_told_and_pay_for_nothing(shop):
    deposit = read(shop, HAD, pending=70_000)

    assert (deposit.pending_minor, deposit.free.minor) == (70_000, HAD)


def test_the_figures_agree_at_every_stage_of_an_order_that_is_paid_when_accepted(partners, mira):
    seen = []

    def look():
        partners.time.sleep(1)
        funding.ask_the_provider(partners.account)
        deposit = Deposit.objects.get()
        seen.append((deposit.shortfall_minor, funded(), deposit.held_minor))

    order = partners.buy(mira)
    look()
    placing.place_order(str(order.pk))
    look()
    partners.pass_time(hours=2)
    look()
    order.refresh_from_db()
    deposit = Deposit.objects.get()

    assert partners.account.debits_at == "placed"
    assert order.status == "fulfilled"
    assert seen == [(0, 0, order.total_minor), (0, 0, order.total_minor), (0, 0, 0)]
    assert deposit.free.minor == deposit.provider_minor == deposit.expected.minor
