"""Is this process up, is this installation ready, how does it do: /healthz, /readyz, /metrics.

/readyz answers 503 while something essential is missing (database, tables, cache, disk), because
then no page works. What only slows work down, a worker that is down or a quarantine, is told as
"degraded" with 200: the pages that show what is wrong must stay reachable.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from giftops import guard, metrics, queue
from giftops.addresses import client_address, is_listed

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe found: a yes or no, and a sentence that is safe to show."""

    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer of one named probe."""

    name: str
    ok: bool
    sentence: str
    essential: bool

    @property
    def state(self) -> str:
        """Say it in one word: ok, degraded or down."""
        if self.ok:
            return "ok"
        return "down" if self.essential else "degraded"


Ask = Callable[[], Probe]
_probes: dict[str, tuple[Ask, bool]] = {}


def register_probe(name: str, ask: Ask, *, essential: bool = False) -> None:
    """Add a probe to readiness and to `manage.py doctor`; a later one of that name replaces it.

    Without `essential` its failure means "degraded". It must be quick: every /readyz asks it.
    """
    _probes[name] = (ask, essential)


def readings() -> list[Reading]:
    """Ask every probe; one that raises counts as failed, and its message stays in the log."""
    return [_ask(name, ask, essential) for name, (ask, essential) in _probes.items()]


def _ask(name: str, ask: Ask, essential: bool) -> Reading:
    try:
        probe = ask()
    except Exception as problem:
        log.warning("probe_failed", probe=name, problem=problem)
        probe = Probe(False, f"Could not be asked ({type(problem).__name__}); see the log.")
    return Reading(name, probe.ok, probe.sentence, essential)


# --- What we ask ourselves ----------------------------------------------------------------------


def _database() -> Probe:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return Probe(True, f"{connection.display_name} answers.")


def _migrations() -> Probe:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        return Probe(False, f"{missing} migrations are not applied: run manage.py migrate.")
    return Probe(True, "Every migration is applied.")


def _cache() -> Probe:
    key, value = "giftops.health", uuid4().hex
    cache.set(key, value, 60)
    if cache.get(key) is None:
        return Probe(False, "The cache forgets what it is told.")
    return Probe(True, "The cache keeps what it is told.")


def has_disk_space() -> bool:
    """Say whether there is room to write answers down; without it nothing may be sent."""
    return shutil.disk_usage(settings.GIFTOPS_VAR).free >= settings.GIFTOPS_DISK_MINIMUM


def _disk() -> Probe:
    megabytes = shutil.disk_usage(settings.GIFTOPS_VAR).free // 2**20
    return Probe(has_disk_space(), f"{megabytes:,} MiB are free under {settings.GIFTOPS_VAR}.")


def _worker() -> Probe:
    if queue.worker_is_alive():
        return Probe(True, "A worker is running jobs.")
    return Probe(False, "No worker is running jobs: start one with manage.py worker.")


def _guard() -> Probe:
    return Probe(not guard.is_quarantined(), guard.status())


register_probe("database", _database, essential=True)
register_probe("migrations", _migrations, essential=True)
register_probe("cache", _cache, essential=True)
register_probe("disk", _disk, essential=True)
register_probe("worker", _worker)
register_probe("installation", _guard)


# --- Views --------------------------------------------------------------------------------------


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; asks nothing and nobody."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether this installation can work; the sentences go to listed addresses only."""
    found = readings()
    states = {reading.state for reading in found}
    worst = next((state for state in ("down", "degraded") if state in states), "ok")
    content: dict[str, object] = {"status": worst}
    if _is_listed(request):
        content["checks"] = {
            reading.name: {"status": reading.state, "sentence": reading.sentence}
            for reading in found
        }
    response = JsonResponse(content, status=503 if worst == "down" else 200)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Give the figures to Prometheus, for listed addresses only."""
    if not _is_listed(request):
        return HttpResponse("Not for this address.\n", status=403, content_type="text/plain")
    return HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


def _is_listed(request: HttpRequest) -> bool:
    return is_listed(client_address(request), settings.GIFTOPS_METRICS_FROM)
