"""The deposit: double entry, nobody spends it twice, and the provider's figure beside ours."""

import pytest
from django.db.models import Sum

from orders.models import Break, Deposit, LedgerPosting, Order
from orders.services import funding, submitting
from orders.services.problems import NotEnoughMoney
from providers import services as providers


def totals():
    rows = LedgerPosting.objects.values("book").annotate(sum=Sum("amount_minor"))
    return {row["book"]: row["sum"] for row in rows}


def test_the_first_reading_opens_the_books(shop):
    deposit = Deposit.objects.get()

    assert deposit.available_minor == deposit.provider_minor == 5_000_000
    assert totals() == {"outside": -5_000_000, "available": 5_000_000}


def test_the_totals_are_the_sums_of_the_postings_through_a_purchase(shop, mira):
    shop.buy(mira)
    shop.draft(mira)
    shop.pass_time(minutes=2)
    deposit = Deposit.objects.get()

    assert totals() == {
        "outside": -5_000_000, "available": deposit.available_minor,
        "spent": deposit.spent_minor, "held": deposit.held_minor,
    }  # fmt: skip
    assert sum(totals().values()) == 0
    assert (deposit.available_minor, deposit.held_minor) == (4_997_500, 0)


def test_funds_that_appear_at_the_provider_are_booked(shop):
    shop.set_balance(6_000_000)

    funding.ask_the_provider(shop.account)

    assert Deposit.objects.get().free.minor == 6_000_000


def test_money_missing_at_the_provider_is_not_free_and_becomes_a_break(shop):
    shop.set_balance(4_000_000)
    funding.ask_the_provider(shop.account)
    free, early = Deposit.objects.get().free.minor, Break.objects.count()

    shop.pass_time(minutes=20)
    funding.ask_the_provider(shop.account)

    assert (free, early) == (4_000_000, 0)
    assert Break.objects.get().kind == "deposit"


def test_the_break_closes_when_the_figures_agree_again(shop):
    shop.set_balance(4_000_000)
    funding.ask_the_provider(shop.account)
    shop.pass_time(minutes=20)
    funding.ask_the_provider(shop.account)
    shop.set_balance(5_000_000)

    funding.ask_the_provider(shop.account)

    assert Break.objects.get().closed_at is not None
    assert Deposit.objects.get().free.minor == 5_000_000


def test_what_is_held_is_the_sum_of_what_live_orders_hold(shop, mira):
    shop.arm("timeout_after_commit")
    for _ in range(3):
        shop.buy(mira)
    shop.work()

    held = Order.objects.aggregate(sum=Sum("held_minor"))["sum"]

    assert Deposit.objects.get().held_minor == held == 7500


def test_the_last_of_the_money_goes_to_one_of_two(shop, mira, settings):
    settings.GIFTOPS_APPROVAL_LIMITS = {"USD": "1000000"}
    shop.set_balance(0)
    Deposit.objects.update(available_minor=2500, asked_at=shop.time.moment)
    first, second = shop.draft(mira), shop.draft(mira)
    submitting.submit_batch(first, actor=mira)

    with pytest.raises(NotEnoughMoney):
        submitting.submit_batch(second, actor=mira)

    assert Deposit.objects.get().held_minor == 2500


def test_a_balance_that_cannot_be_read_does_not_stop_the_house(shop, mira):
    shop.arm("http_503", operation="getBalance", times=10)
    shop.pass_time(minutes=5)

    order = shop.buy(mira)

    assert order.status == "approved"
    assert funding.freshen(shop.account) != ""


def test_new_funds_that_two_processes_read_at_once_are_booked_once(shop, monkeypatch):
    shop.set_balance(6_000_000)
    reading, deposit_of = providers.read_balance(shop.account.pk), funding.deposit_of

    def overtaken(*args):
        deposit = deposit_of(*args)
        monkeypatch.setattr(funding, "deposit_of", deposit_of)
        funding.note_reading(reading)  # the other process, between our look and our write
        return deposit

    monkeypatch.setattr(funding, "deposit_of", overtaken)
    funding.note_reading(reading)

    assert Deposit.objects.get().free.minor == 6_000_000
    assert totals() == {"outside": -6_000_000, "available": 6_000_000}
