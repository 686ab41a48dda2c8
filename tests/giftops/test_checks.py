import base64
import os
import subprocess
import sys

import pytest
from django.conf import settings as configured
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from giftops import make_env
from giftops.checks import refuse_unsound


def found():
    return {message.id: message.msg for message in checks.run_checks(tags=["giftops"])}


def test_a_sound_installation_passes():
    assert found() == {}


@pytest.mark.parametrize("name", ["SECRET_KEY", "GIFTOPS_INDEX_KEY", "GIFTOPS_AUDIT_KEY"])
@pytest.mark.parametrize(
    "key",
    [
        "",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "a" * 64,
        "ab" * 40,
        "django-insecure-" + make_env.fresh_key(),
    ],
    ids=["none", "the alphabet", "one letter", "two letters", "made by startproject"],
)
def test_a_missing_or_weak_key_is_refused(settings, name, key):
    setattr(settings, name, key)

    assert found() == {"giftops.E001": f"{name} is missing or weak."}


@pytest.mark.parametrize(
    "ring",
    [
        [],
        [""],
        ["k1:"],
        ["k1:" + base64.b64encode(b"only 24 bytes, not 32 ..").decode()],
        ["k1:" + base64.b64encode(b"a" * 32).decode()],
        [make_env.fresh_key()],
    ],
)
def test_a_missing_or_weak_sealing_key_is_refused(settings, ring):
    settings.GIFTOPS_SEALING_KEYS = ring

    assert list(found()) == ["giftops.E002"]


def test_one_key_for_two_purposes_is_refused(settings):
    key = make_env.fresh_key()

    settings.GIFTOPS_INDEX_KEY = settings.GIFTOPS_AUDIT_KEY = key

    assert found() == {"giftops.E003": "GIFTOPS_INDEX_KEY and GIFTOPS_AUDIT_KEY are the same key."}


def test_the_same_key_in_another_spelling_is_the_same_key(settings):
    raw = bytes(range(200, 232))
    settings.GIFTOPS_SEALING_KEYS = ["k1:" + base64.b64encode(raw).decode()]

    settings.GIFTOPS_INDEX_KEY = base64.urlsafe_b64encode(raw).decode().rstrip("=")

    assert found() == {"giftops.E003": "GIFTOPS_INDEX_KEY and Sealing key k1 are the same key."}


def test_a_former_secret_key_is_no_key_for_anything_else(settings):
    settings.SECRET_KEY_FALLBACKS = [settings.GIFTOPS_AUDIT_KEY]

    assert list(found()) == ["giftops.E003"]


@pytest.mark.parametrize(
    ("name", "seconds", "sentence"),
    [
        (
            "GIFTOPS_WRITE_DEADLINE",
            180,
            "the worker's timeout (180 s) must be longer than GIFTOPS_WRITE_DEADLINE (180 s).",
        ),
        (
            "GIFTOPS_LEASE_SECONDS",
            180,
            "GIFTOPS_LEASE_SECONDS (180 s) must be longer than the worker's timeout (180 s).",
        ),
        (
            "GIFTOPS_LEASE_SECONDS",
            900,
            "the broker's retry (900 s) must be longer than GIFTOPS_LEASE_SECONDS (900 s).",
        ),
    ],
)
def test_times_that_let_two_workers_overlap_are_refused(settings, name, seconds, sentence):
    setattr(settings, name, seconds)

    assert found() == {"giftops.E004": sentence}


@pytest.mark.parametrize("instance", ["", "A", "lower", "TOOLONGNAME", "A-B", "ÄÖ"])
def test_an_installation_without_a_proper_name_is_refused(settings, instance):
    settings.GIFTOPS_INSTANCE = instance

    assert list(found()) == ["giftops.E005"]


def test_the_first_epoch_is_one(settings):
    settings.GIFTOPS_EPOCH = 0

    assert list(found()) == ["giftops.E005"]


@pytest.mark.parametrize("hosts", [[], ["*"]])
def test_production_names_its_hosts(settings, hosts):
    settings.ALLOWED_HOSTS = hosts

    assert list(found()) == ["giftops.E006"]
    settings.DEBUG = True
    assert found() == {}


def test_production_has_a_public_address_with_tls(settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.GIFTOPS_PUBLIC_URL = "http://giftops.example.com"

    assert list(found()) == ["giftops.E007"]


def test_redis_as_broker_needs_its_address(settings):
    settings.GIFTOPS_BROKER = "redis"

    assert list(found()) == ["giftops.E008"]


@pytest.mark.parametrize("limits", [{"USD": "lots"}, {"US": "1"}, {"JPY": "1.50"}])
def test_approval_limits_are_money(settings, limits):
    settings.GIFTOPS_APPROVAL_LIMITS = limits

    assert list(found()) == ["giftops.E009"]


def test_no_message_quotes_a_key(settings):
    settings.GIFTOPS_INDEX_KEY = settings.GIFTOPS_AUDIT_KEY = key = "weak-but-secret"

    assert not any(key in message for message in found().values())


def test_a_server_refuses_to_start(settings):
    settings.GIFTOPS_AUDIT_KEY = ""

    with pytest.raises(ImproperlyConfigured, match=r"giftops\.E001: GIFTOPS_AUDIT_KEY"):
        refuse_unsound()


@pytest.mark.parametrize("module", ["giftops.wsgi", "manage"])
def test_without_keys_neither_a_server_nor_a_command_starts(module, tmp_path):
    """In a process of its own, as gunicorn and a shell would."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"GIFTOPS_ENV_FILE": os.devnull, "GIFTOPS_VAR": str(tmp_path)}
    commands = {"giftops.wsgi": "import giftops.wsgi", "manage": "import manage; manage.main()"}

    run = subprocess.run(
        [sys.executable, "-c", commands[module], "check"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=configured.BASE_DIR,
    )

    assert run.returncode != 0
    assert "giftops.E001" in run.stderr
    assert "python -m giftops.make_env" in run.stderr


def test_sqlite_queue_and_stack_keep_the_measured_settings():
    cluster = configured.Q_CLUSTER
    fixed = {
        "bulk": 1,
        "timeout": 180,
        "max_attempts": 1,
        "ack_failures": True,
        "catch_up": False,
        "guard_cycle": 0.5,
    }

    assert {name: cluster[name] for name in fixed} == fixed
    assert cluster["queue_limit"] == cluster["workers"]
    assert cluster["retry"] > cluster["timeout"] * (1 + 3)
    assert cluster["cache"] != "default"
