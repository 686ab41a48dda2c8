"""A deposit that runs low is said once, when it happens, and to those who want to know."""

import pytest
from structlog.testing import capture_logs

from giftops.models import AuditEntry
from giftops.money import Money
from orders.models import Deposit
from orders.services import alerts, funding
from orders.services.problems import Refused


@pytest.fixture
def warned(shop, tom):
    """Somebody wants to know below USD 49,970.00; USD 50,000.00 is free."""
    return alerts.set_alert(Deposit.objects.get(), below=Money(4_997_000, "USD"), actor=tom)


@pytest.fixture
def warnings(django_capture_on_commit_callbacks):
    """What the log gets of it while something is done."""

    def during(work):
        with capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
            work()
        return [line["free_minor"] for line in lines if line["event"] == "deposit.low"]

    return during


def test_the_hold_that_crosses_the_line_is_told_once(shop, mira, warned, warnings):
    told = [warnings(lambda: shop.buy(mira)) for _ in range(3)]

    assert told == [[], [4_995_000], []]


def test_money_that_is_missing_there_crosses_the_line_too(shop, warned, warnings):
    shop.set_balance(4_000_000)

    told = [warnings(lambda: funding.ask_the_provider(shop.account)) for _ in range(2)]

    assert told == [[4_000_000], []]


def test_it_is_told_again_after_it_was_well(shop, mira, warned, warnings):
    shop.set_balance(4_000_000)
    funding.ask_the_provider(shop.account)
    shop.set_balance(5_000_000)
    funding.ask_the_provider(shop.account)
    shop.set_balance(4_000_000)

    assert warnings(lambda: funding.ask_the_provider(shop.account)) == [4_000_000]


def test_without_a_line_nobody_is_told(shop, warnings):
    shop.set_balance(0)

    assert warnings(lambda: funding.ask_the_provider(shop.account)) == []


def test_the_audit_trail_keeps_the_old_line_and_the_new(shop, warned, tom):
    alerts.set_alert(warned, below=None, actor=tom)

    entry = AuditEntry.objects.filter(action="deposit.alert_changed").latest("sequence")

    assert entry.actor == tom
    assert (entry.facts["was"], entry.facts["now"]) == ("USD 49970.00", "never")
    assert Deposit.objects.get().alert_below_minor is None


@pytest.mark.parametrize("below", [Money(0, "USD"), Money(-100, "USD"), Money(100, "EUR")])
def test_a_line_that_makes_no_sense_is_refused(shop, tom, below):
    with pytest.raises(Refused, match="above nothing in USD"):
        alerts.set_alert(Deposit.objects.get(), below=below, actor=tom)


def test_a_maker_does_not_say_when_to_warn(shop, mira):
    with pytest.raises(Refused, match="role"):
        alerts.set_alert(Deposit.objects.get(), below=Money(100, "USD"), actor=mira)
