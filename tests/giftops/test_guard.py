from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from giftops import guard
from giftops.models import AuditEntry, InstanceGuard

pytestmark = pytest.mark.django_db

BACKUP_TIME = datetime(2030, 1, 31, 4, tzinfo=UTC)


@pytest.fixture
def hooks(monkeypatch):
    registered = []
    monkeypatch.setattr(guard, "_release_hooks", registered)
    return registered


def release(*args):
    out = StringIO()
    call_command("release_quarantine", *args, stdout=out)
    return out.getvalue()


def test_a_freshly_migrated_database_is_not_quarantined():
    assert not guard.is_quarantined()
    assert guard.status() == "This database belongs to TEST, epoch 1, as it should."


@pytest.mark.parametrize(
    ("instance", "epoch"), [("COPY", 1), ("TEST", 2), ("TEST", 0), ("COPY", 2)]
)
def test_a_database_of_another_installation_or_time_is_quarantined(settings, instance, epoch):
    settings.GIFTOPS_INSTANCE, settings.GIFTOPS_EPOCH = instance, epoch

    assert guard.is_quarantined()
    assert "belongs to TEST, epoch 1" in guard.status()
    assert f"{instance}, epoch {epoch}" in guard.status()
    assert "release_quarantine --backup-time" in guard.status()


def test_a_database_that_names_nobody_is_quarantined():
    InstanceGuard.objects.all().delete()

    assert guard.is_quarantined()
    assert "manage.py migrate" in guard.status()


def test_a_restored_database_can_be_marked_so():
    release("--enter")

    assert guard.is_quarantined()
    assert "restored from a backup" in guard.status()


def test_migrating_a_copy_does_not_take_it_over(settings):
    settings.GIFTOPS_INSTANCE = "COPY"

    guard.initialise()

    assert guard.is_quarantined()


def test_release_hears_the_hooks_and_ends_the_quarantine(settings, hooks):
    heard = []
    guard.on_release(heard.append)
    settings.GIFTOPS_EPOCH = 2

    told = release("--backup-time", BACKUP_TIME.isoformat())

    assert heard == [BACKUP_TIME]
    assert not guard.is_quarantined()
    assert told == "This database belongs to TEST, epoch 2, as it should.\n"


def test_release_is_in_the_audit_trail(settings, hooks):
    settings.GIFTOPS_EPOCH = 2

    release("--backup-time", BACKUP_TIME.isoformat())

    entry = AuditEntry.objects.latest("sequence")
    assert (entry.action, entry.facts["epoch"]) == ("guard.released", 2)
    assert entry.object_label == "TEST, epoch 1"


def test_a_hook_that_fails_keeps_the_quarantine(settings, hooks):
    @guard.on_release
    def refuse(backup_time):
        raise LookupError

    settings.GIFTOPS_EPOCH = 2

    with pytest.raises(LookupError):
        release("--backup-time", BACKUP_TIME.isoformat())

    assert guard.is_quarantined()


def test_a_hook_registers_once(hooks):
    for _ in range(2):
        guard.on_release(print)

    assert hooks == [print]


def test_there_is_nothing_to_release_without_a_quarantine(hooks):
    with pytest.raises(CommandError, match="no quarantine"):
        release("--backup-time", BACKUP_TIME.isoformat())


@pytest.mark.parametrize("text", ["2030-01-31T04:00:00", "yesterday"])
def test_the_time_of_the_backup_needs_a_zone(settings, text):
    settings.GIFTOPS_EPOCH = 2

    with pytest.raises(CommandError, match="backup-time"):
        release("--backup-time", text)

    assert guard.is_quarantined()
