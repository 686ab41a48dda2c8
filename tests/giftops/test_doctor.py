import io
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from giftops import append_only, audit, doctor, guard, health, make_env, queue
from giftops.append_only import forbid_changes
from giftops.health import Probe
from giftops.models import AuditEntry
from tests.vault.models import Secret

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sound(monkeypatch):
    """A sound installation, of which each test spoils one thing."""
    monkeypatch.setattr(queue, "worker_is_alive", lambda: True)
    own = ("database", "migrations", "cache", "disk", "worker", "installation")
    monkeypatch.setattr(health, "_probes", {name: health._probes[name] for name in own})
    guard.initialise()
    if connection.vendor == "sqlite":
        for path in database_files():
            path.chmod(0o600)


def database_files():
    name = connection.settings_dict["NAME"]
    return [path for path in (Path(name), Path(f"{name}-wal")) if path.exists()]


def wrong():
    return [finding.what for finding in doctor.examine() if not finding.ok]


def run():
    out = io.StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError as problem:
        return f"{out.getvalue()}{problem}", problem.returncode
    return out.getvalue(), 0


def test_a_sound_installation_gets_a_line_for_each_question():
    text, status = run()

    assert status == 0, text
    assert text.endswith("This installation is sound.\n")
    assert all(line.startswith("✓") for line in text.splitlines()[:-1])


def test_what_is_off_is_named_with_its_remedy_and_fails(settings):
    settings.GIFTOPS_AUDIT_KEY = ""

    text, status = run()

    assert status == 1
    assert "✗ settings: giftops.E001: GIFTOPS_AUDIT_KEY is missing or weak." in text
    assert "→ Write a .env with fresh ones: python -m giftops.make_env" in text


def test_a_readable_env_file_is_named(tmp_path, monkeypatch):
    env_file = tmp_path / "env"
    env_file.write_text("")
    monkeypatch.setenv("GIFTOPS_ENV_FILE", str(env_file))

    env_file.chmod(0o640)
    loose = wrong()
    env_file.chmod(0o600)

    assert (loose, wrong()) == ([str(env_file)], [])


def test_a_readable_directory_is_named(settings):
    settings.GIFTOPS_VAR.chmod(0o755)
    try:
        assert wrong() == [str(settings.GIFTOPS_VAR)]
    finally:
        settings.GIFTOPS_VAR.chmod(0o700)


def test_a_careless_sqlite_is_named(on_postgresql, monkeypatch):
    if on_postgresql:
        pytest.skip("This is about SQLite.")
    options = {**connection.settings_dict["OPTIONS"], "transaction_mode": "DEFERRED"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)

    assert wrong() == ["database"]


def test_a_careless_postgresql_is_named(on_postgresql):
    if not on_postgresql:
        pytest.skip("This is about PostgreSQL.")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")

    assert wrong() == ["database"]


def test_a_table_that_lost_its_protection_is_named(monkeypatch):
    unprotected = {"vault_line": forbid_changes("vault_line")}
    monkeypatch.setattr(append_only, "declared", lambda connection: unprotected)

    assert wrong() == ["append-only tables"]


def test_a_missing_worker_is_named(monkeypatch):
    monkeypatch.setattr(queue, "worker_is_alive", lambda: False)

    assert wrong() == ["worker"]


def test_a_registered_probe_is_asked():
    health.register_probe("provider alpha", lambda: Probe(False, "The key was refused."))

    assert wrong() == ["provider alpha"]


def test_a_spool_that_cannot_be_written_is_named(settings, tmp_path):
    settings.GIFTOPS_SPOOL = tmp_path / "file"
    settings.GIFTOPS_SPOOL.write_text("in the way")

    assert wrong() == ["spool"]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("https://giftops.example.com", "orders give providers an address to ring at."),
        ("http://localhost:8000", "orders give providers an address to ring at."),
        ("http://giftops.example.com", "GIFTOPS_PUBLIC_URL is not https, so no provider is asked"),
    ],
)
def test_one_line_says_whether_providers_may_ring(settings, address, sentence):
    settings.GIFTOPS_PUBLIC_URL = address

    text, status = run()

    assert status == 0
    assert f"✓ webhooks: {sentence}" in text


def test_values_under_a_lost_key_are_counted(settings):
    Secret.objects.create(code="6006")

    settings.GIFTOPS_SEALING_KEYS = [f"new:{make_env.fresh_key()}"]

    found = [str(finding) for finding in doctor.examine() if not finding.ok]
    assert found == [
        "✗ sealed values: 1 values of vault_secret.code were sealed by a key that is not on the"
        " ring.\n    → Put that key back on the ring."
    ]


def test_a_changed_audit_entry_is_named():
    audit.record("test", actor=None)
    for statement in forbid_changes("giftops_auditentry").drop_sql(connection):
        with connection.cursor() as cursor:
            cursor.execute(statement)
    AuditEntry.objects.update(action="other")

    assert wrong() == ["append-only tables", "audit trail"]


def test_a_database_that_others_can_read_is_named(on_postgresql):
    if on_postgresql:
        pytest.skip("The files of PostgreSQL are its own business.")
    path = database_files()[0]
    path.chmod(0o644)

    text, status = run()

    assert (wrong(), status) == ([str(path)], 1)
    assert f"→ chmod 600 {path}" in text


def test_one_broken_question_does_not_hide_the_others(monkeypatch):
    def _spool():
        raise OSError("secret detail")
        yield

    questions = tuple(_spool if q.__name__ == "_spool" else q for q in doctor.QUESTIONS)
    monkeypatch.setattr(doctor, "QUESTIONS", questions)

    text, status = run()

    assert status == 1
    assert "✗ spool: could not be examined (OSError)." in text
    assert "✓ audit trail" in text
    assert "secret detail" not in text


def test_the_environment_may_hold_the_settings_instead_of_a_file():
    assert os.environ["GIFTOPS_ENV_FILE"] == os.devnull
    assert any(finding.what == ".env" and finding.ok for finding in doctor.examine())
