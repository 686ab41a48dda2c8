"""Figures about orders and deposits for Prometheus; money in minor units of the named currency."""

from collections.abc import Iterable

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily, Metric

from giftops.clock import db_now
from orders.models import Break, Deposit, Order
from orders.statuses import Status


class OrdersCollector:
    """Orders by status, the oldest doubt, open breaks, and what is free on each deposit."""

    def describe(self) -> Iterable[Metric]:
        """Name nothing in advance: registering asks the database nothing."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Read the tables."""
        yield self._orders()
        yield self._oldest_doubt()
        yield GaugeMetricFamily(
            "giftops_breaks_open", "Differences nobody has explained yet.",
            value=Break.objects.filter(closed_at=None).count(),
        )  # fmt: skip
        yield self._deposits()

    def _orders(self) -> Metric:
        family = GaugeMetricFamily("giftops_orders", "Orders by status.", labels=["status"])
        rows = Order.objects.order_by().values_list("status").annotate(count=Count("pk"))
        found = dict(rows)
        for status in Status.values:
            family.add_metric([status], found.get(status, 0))
        return family

    def _oldest_doubt(self) -> Metric:
        doubtful = Order.objects.filter(status=Status.UNKNOWN)
        since = doubtful.aggregate(at=Min("sent_at"))["at"]
        return GaugeMetricFamily(
            "giftops_oldest_unknown_seconds", "Age of the oldest unknown outcome, 0 if none.",
            value=(db_now() - since).total_seconds() if since else 0,
        )  # fmt: skip

    def _deposits(self) -> Metric:
        family = GaugeMetricFamily(
            "giftops_deposit_minor", "Deposit in minor units.",
            labels=["account", "currency", "figure"],
        )  # fmt: skip
        for deposit in Deposit.objects.select_related("account"):
            name, currency = deposit.account.name, deposit.currency
            family.add_metric([name, currency, "free"], deposit.free.minor)
            family.add_metric([name, currency, "held"], deposit.held_minor)
            family.add_metric([name, currency, "shortfall"], deposit.shortfall_minor)
        return family
