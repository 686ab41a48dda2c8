"""Testing a connection by hand asks, whatever the breaker says."""

import pytest

from providers import services
from providers.gateways.errors import NotSent, ProviderMisconfigured
from providers.models import CircuitState

ask = services.test_connection


@pytest.mark.django_db
def test_a_person_who_tests_the_connection_is_the_probe(shop):
    shop.arm("http_403", operation="getBalance")
    with pytest.raises(ProviderMisconfigured, match="403"):
        ask(shop.account)
    with pytest.raises(NotSent):
        services.gateway_for(shop.account).reserve_slot()

    said = ask(shop.account)

    assert "available" in said
    assert CircuitState.objects.get(account=shop.account).opened_at is None
