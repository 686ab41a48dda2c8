"""The accounts of the demo: one at each simulated provider, wherever that is today."""

import pytest

from orders.demo.account import ACCOUNTS, seed_accounts
from orders.demo.stories import STORIES
from providers.models import ProviderAccount
from providers.registry import PROVIDERS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback_is_open(settings) -> None:
    settings.DEBUG = True


def test_every_provider_we_know_has_an_account():
    seed_accounts("http://127.0.0.1:8010")

    assert {one.provider for one in ProviderAccount.objects.all()} == set(PROVIDERS)


def test_whoever_sells_or_issues_has_a_story():
    active = {slug for slug, spec in PROVIDERS.items() if spec.capabilities & {"seller", "issuer"}}

    assert {story.wanted.provider for story in STORIES} == active


def test_an_installation_with_the_first_account_gets_the_second_and_keeps_the_first():
    first = next(
        one for one in seed_accounts("http://127.0.0.1:8010") if one.provider == "ncentiva"
    )
    ProviderAccount.objects.exclude(pk=first.pk).delete()

    seed_accounts("http://127.0.0.1:8010")

    assert ProviderAccount.objects.count() == len(ACCOUNTS)
    assert ProviderAccount.objects.get(provider="ncentiva") == first


def test_accounts_follow_the_simulators_to_another_port():
    seed_accounts("http://127.0.0.1:8010")

    seed_accounts("http://127.0.0.1:8020")

    addresses = ProviderAccount.objects.values_list("base_url", flat=True)
    assert set(addresses) == {f"http://127.0.0.1:8020/{slug}" for slug in PROVIDERS}
