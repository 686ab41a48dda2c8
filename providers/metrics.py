"""Figures about calls and accounts for Prometheus."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Avg, Count
from prometheus_client.core import GaugeMetricFamily, Metric

from giftops.clock import db_now
from providers.models import CircuitState, ProviderAccount, ProviderCall

LATELY = timedelta(minutes=5)


class ProvidersCollector:
    """What providers answered in the last five minutes, and which accounts are not called."""

    def describe(self) -> Iterable[Metric]:
        """Name nothing in advance: registering asks the database nothing."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Read the tables."""
        lately = ProviderCall.objects.filter(created_at__gte=db_now() - LATELY).order_by()
        calls = GaugeMetricFamily(
            "giftops_provider_calls_5m", "Calls of the last five minutes.",
            labels=["account", "operation", "outcome"],
        )  # fmt: skip
        duration = GaugeMetricFamily(
            "giftops_provider_call_seconds_5m", "Their mean duration.",
            labels=["account", "operation"],
        )  # fmt: skip
        by_outcome = lately.values_list("account__name", "operation", "outcome")
        for name, operation, outcome, count in by_outcome.annotate(count=Count("pk")):
            calls.add_metric([name, operation, outcome], count)
        by_operation = lately.values_list("account__name", "operation")
        for name, operation, mean in by_operation.annotate(mean=Avg("duration_ms")):
            duration.add_metric([name, operation], mean / 1000)
        yield calls
        yield duration
        yield self._breakers()

    def _breakers(self) -> Metric:
        family = GaugeMetricFamily(
            "giftops_provider_breaker_open", "1 while an account is not called.", labels=["account"]
        )
        opened = CircuitState.objects.filter(opened_at__isnull=False)
        open_accounts = set(opened.values_list("account_id", flat=True))
        for account in ProviderAccount.objects.active():
            family.add_metric([account.name], account.pk in open_accounts)
        return family
