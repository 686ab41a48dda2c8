"""Connecting GiftCard Partners: it prints no host, so ours must be named first."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from providers.gateways.base import capabilities
from providers.models import ProviderAccount
from providers.registry import spec_for

pytestmark = pytest.mark.django_db

CREDENTIALS = {"email": "us@example.com", "access_token": "CANARY-key"}


def connect(monkeypatch: pytest.MonkeyPatch, base_url: str, environment: str = "uat") -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(CREDENTIALS)))
    said = io.StringIO()
    call_command(
        "provider_account",
        "gcp",
        provider="giftcardpartners",
        environment=environment,
        base_url=base_url,
        stdout=said,
    )
    return said.getvalue()


def test_a_host_that_nobody_named_is_refused_and_the_sentence_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GIFTOPS_PROVIDER_HOSTS = []

    with pytest.raises(CommandError, match=r"GIFTOPS_PROVIDER_HOSTS"):
        connect(monkeypatch, "https://rewards.example.com")

    assert not ProviderAccount.objects.exists()


@pytest.mark.parametrize("environment", ["uat", "production"])
def test_a_named_host_is_taken(
    monkeypatch: pytest.MonkeyPatch, settings: Any, environment: str
) -> None:
    settings.GIFTOPS_PROVIDER_HOSTS = ["rewards.example.com"]

    said = connect(monkeypatch, "https://rewards.example.com", environment)

    account = ProviderAccount.objects.get()
    assert (account.per_second, account.per_minute) == (5, 300)
    assert account.settings == {"reference_is_unique": True, "debits_at": "placed"}
    assert "….com" in said
    assert "CANARY" not in said


def test_it_needs_tls_except_on_this_machine_while_trying_out(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GIFTOPS_PROVIDER_HOSTS, settings.DEBUG = ["rewards.example.com"], True

    with pytest.raises(CommandError, match="https"):
        connect(monkeypatch, "http://rewards.example.com")
    connect(monkeypatch, "http://127.0.0.1:8010/giftcardpartners", "sandbox")

    assert ProviderAccount.objects.count() == 1


def test_it_sells_keeps_a_deposit_and_has_lists_to_choose_from() -> None:
    found = capabilities(spec_for("giftcardpartners").gateway_class)

    assert found == {"seller", "deposit_holder", "option_lister"}
