"""Figures for Prometheus, read from the tables at the moment of asking.

Every web process gives the same figures, however many there are, because none is counted in memory.
Apps add theirs with `metrics.register(collector)`; names begin with "giftops_".
"""

from collections.abc import Iterable

from django.db.models import Count, Min
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from giftops import __version__, clock, guard, queue
from giftops.models import AuditHead, Job

registry = CollectorRegistry(auto_describe=False)


def register(collector: Collector) -> None:
    """Add a collector: an object whose `collect()` yields metric families from the tables.

    Give it a `describe()` that returns [] so that registering asks the database nothing.
    """
    registry.register(collector)


def exposition() -> bytes:
    """Give every figure in the text format of Prometheus."""
    return generate_latest(registry)


class HouseCollector:
    """Jobs, the worker, the audit trail."""

    def describe(self) -> Iterable[Metric]:
        """Name nothing in advance, so that importing this module needs no database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Read the tables."""
        yield InfoMetricFamily("giftops", "This program.", value={"version": __version__})
        yield self._jobs()
        yield _gauge(
            "giftops_job_oldest_due_seconds",
            "How long the oldest due job has been waiting.",
            self._oldest_due(),
        )
        yield _gauge("giftops_worker_up", "1 while a worker runs jobs.", queue.worker_is_alive())
        yield _gauge("giftops_quarantined", "1 while nothing may be sent.", guard.is_quarantined())
        head = AuditHead.objects.filter(pk=1).values_list("sequence", flat=True).first()
        yield _gauge("giftops_audit_entries", "Entries of the audit trail.", head or 0)

    def _jobs(self) -> Metric:
        family = GaugeMetricFamily("giftops_jobs", "Jobs by state.", labels=["state"])
        counted = Job.objects.order_by().values_list("state").annotate(count=Count("pk"))
        found = dict(counted)
        for state in Job.State.values:
            family.add_metric([state], found.get(state, 0))
        return family

    def _oldest_due(self) -> float:
        now = clock.db_now()
        waiting = Job.objects.filter(state=Job.State.WAITING, run_after__lte=now)
        oldest = waiting.aggregate(oldest=Min("run_after"))["oldest"]
        return (now - oldest).total_seconds() if oldest else 0.0


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


register(HouseCollector())
