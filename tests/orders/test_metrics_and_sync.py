"""What operators read and type."""

import pytest
from django.core.management import CommandError, call_command

from giftops import metrics


def test_metrics_tell_orders_money_and_calls(shop, mira):
    shop.buy(mira)
    shop.pass_time(minutes=2)
    shop.buy(mira)

    text = metrics.exposition().decode()

    assert 'giftops_orders{status="fulfilled"} 1.0' in text
    assert 'figure="held"} 2500.0' in text.replace("giftops_deposit_minor{", "")
    assert 'operation="place_order",outcome="answered"} 1.0' in text
    assert 'giftops_provider_breaker_open{account="ncentiva-test"} 0.0' in text


def test_an_unknown_outcome_shows_its_age(shop, mira):
    shop.arm("timeout_before_commit")
    shop.buy(mira)
    shop.pass_time(minutes=5)

    text = metrics.exposition().decode()
    line = next(li for li in text.splitlines() if li.startswith("giftops_oldest_unknown_seconds"))

    assert float(line.split()[1]) >= 240


def test_sync_mirrors_everything_and_says_what_came(shop, capsys):
    call_command("sync")

    assert capsys.readouterr().out.splitlines() == [
        "✓ ncentiva-test products: new 0 · changed 0 · same 12 · failed 0",
        "✓ ncentiva-test balances: USD 50,000.00 free",
        "✓ ncentiva-test orders: new 0 · changed 0 · same 0 · failed 0",
    ]


def test_sync_says_what_failed_and_ends_with_an_error(shop, capsys):
    shop.arm("http_403", operation="getBalance")

    with pytest.raises(CommandError, match="lines above"):
        call_command("sync", "ncentiva-test", what="balances")

    assert capsys.readouterr().out.startswith("✗ ncentiva-test balances: ")


def test_sync_of_an_account_that_does_not_exist_is_one_sentence(shop):
    with pytest.raises(CommandError, match="There is no active account nope."):
        call_command("sync", "nope")


def test_sync_of_what_a_provider_does_not_have_is_one_sentence(shop):
    with pytest.raises(CommandError, match="No provider of these accounts has options."):
        call_command("sync", what="options")
