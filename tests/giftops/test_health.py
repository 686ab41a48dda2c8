import json
import os
from collections import namedtuple

import pytest
from django.db import DatabaseError
from django.test import Client
from prometheus_client.core import GaugeMetricFamily

from giftops import clock, guard, health, metrics, queue
from giftops.health import Probe
from giftops.models import Heartbeat, InstanceGuard

pytestmark = pytest.mark.django_db

STRANGER = "203.0.113.9"
OWN = ("database", "migrations", "cache", "disk", "worker", "installation")
Disk = namedtuple("Disk", "total used free")


def ready(**options):
    response = Client(**options).get("/readyz")
    return response.status_code, json.loads(response.content)


@pytest.fixture(autouse=True)
def probe(monkeypatch):
    """Ask the house's own probes only, and those that a test registers."""
    own = {name: health._probes[name] for name in OWN}
    monkeypatch.setattr(health, "_probes", own)
    return health.register_probe


@pytest.fixture
def all_well(monkeypatch):
    """An installation with a worker that belongs to this database."""
    monkeypatch.setattr(queue, "worker_is_alive", lambda: True)
    guard.initialise()


def test_a_living_process_says_so_without_asking_anybody(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = Client().get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")


def test_a_sound_installation_is_ready(all_well):
    status, content = ready()

    assert (status, content["status"]) == (200, "ok"), content
    assert tuple(content["checks"]) == OWN


def test_without_a_worker_it_is_degraded_and_still_reachable(all_well, monkeypatch):
    monkeypatch.setattr(queue, "worker_is_alive", lambda: False)

    status, content = ready()

    assert (status, content["status"]) == (200, "degraded")
    assert content["checks"]["worker"] == {
        "status": "degraded",
        "sentence": "No worker is running jobs: start one with manage.py worker.",
    }


def test_a_quarantined_database_is_degraded_and_says_why(all_well):
    InstanceGuard.objects.update(instance="OTHER")

    status, content = ready()

    assert (status, content["status"]) == (200, "degraded")
    assert content["checks"]["installation"]["sentence"] == guard.status()


def test_a_full_disk_takes_it_out(all_well, monkeypatch, settings):
    monkeypatch.setattr(health.shutil, "disk_usage", lambda path: Disk(1, 1, 10 * 2**20))

    status, content = ready()

    assert (status, content["status"], content["checks"]["disk"]["status"]) == (503, "down", "down")
    assert not health.has_disk_space()


def test_a_missing_migration_takes_it_out(all_well):
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="giftops").order_by("-pk").first().delete()

    status, content = ready()

    assert (status, content["checks"]["migrations"]["sentence"]) == (
        503,
        "1 migrations are not applied: run manage.py migrate.",
    )


def test_a_cache_that_forgets_takes_it_out(all_well, settings):
    settings.CACHES = {
        **settings.CACHES,
        "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }

    status, content = ready()

    assert (status, content["checks"]["cache"]["status"]) == (503, "down")


def test_a_silent_database_takes_it_out(all_well, monkeypatch):
    def silent():
        raise DatabaseError("password=hunter2 host=db")

    monkeypatch.setitem(health._probes, "database", (silent, True))

    status, content = ready()

    assert (status, content["checks"]["database"]) == (
        503,
        {"status": "down", "sentence": "Could not be asked (DatabaseError); see the log."},
    )


def test_apps_add_their_own_probes(all_well, probe):
    probe("provider alpha", lambda: Probe(False, "The key was refused."))

    status, content = ready()

    assert (status, content["status"]) == (200, "degraded")
    assert content["checks"]["provider alpha"]["sentence"] == "The key was refused."
    probe("provider alpha", lambda: Probe(False, "The key was refused."), essential=True)
    assert ready()[0] == 503


def test_strangers_learn_the_state_and_no_more(all_well):
    status, content = ready(REMOTE_ADDR=STRANGER)

    assert (status, content) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_asking_changes_nothing(path):
    assert Client().post(path).status_code == 405


# --- Figures ------------------------------------------------------------------------------------


def figures():
    return Client().get("/metrics").content.decode()


def test_figures_come_from_the_tables(all_well):
    queue.enqueue("giftops.tasks.prune")

    text = figures()

    assert 'giftops_jobs{state="waiting"} 1.0' in text
    assert 'giftops_jobs{state="retired"} 0.0' in text
    assert "giftops_worker_up 1.0" in text
    assert "giftops_quarantined 0.0" in text
    assert "giftops_audit_entries 0.0" in text


def test_apps_add_their_own_figures():
    class Shelf:
        def describe(self):
            return []

        def collect(self):
            yield GaugeMetricFamily("giftops_shelf", "Things.", value=3)

    shelf = Shelf()
    metrics.register(shelf)
    try:
        assert "giftops_shelf 3.0" in figures()
    finally:
        metrics.registry.unregister(shelf)


def test_a_heartbeat_counts_as_a_worker():
    guard.initialise()
    now = clock.db_now()
    Heartbeat.objects.create(worker="w", host="h", pid=os.getpid(), started_at=now, beat_at=now)

    assert ready()[1]["checks"]["worker"]["status"] == "ok"
