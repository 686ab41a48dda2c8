"""`manage.py provider_account`: credentials on standard input, mistakes in one sentence."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from giftops.models import AuditEntry
from providers.models import ProviderAccount
from tests.providers.conftest import CREDENTIALS

pytestmark = pytest.mark.django_db

NEW = ["--provider=ncentiva", "--environment=sandbox", "--base-url=http://127.0.0.1:8001/ncentiva"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Run the command with something on standard input; gives what it prints."""
    settings.DEBUG = True

    def call(*args: str, stdin: Any = CREDENTIALS) -> str:
        text = stdin if isinstance(stdin, str) else json.dumps(stdin)
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        out = io.StringIO()
        call_command("provider_account", *args, stdout=out)
        return out.getvalue()

    return call


def test_an_account_is_made(run: Any) -> None:
    told = run("main", *NEW, "--per-minute=30", "--set", "reference_is_unique=false")

    account = ProviderAccount.objects.get()
    assert told.startswith("Made account main: Ncentiva, sandbox, http://127.0.0.1:8001/ncentiva")
    assert "CANARY" not in told
    assert json.loads(account.credentials.reveal()) == CREDENTIALS
    assert (account.per_minute, account.reference_is_unique) == (30, False)


def test_an_account_is_changed_and_keeps_what_is_not_mentioned(run: Any) -> None:
    run("main", *NEW)

    told = run("main", "--per-second=1", stdin="")

    account = ProviderAccount.objects.get()
    assert told.startswith("Changed account main")
    assert (account.per_second, account.per_minute) == (1, 60)
    assert json.loads(account.credentials.reveal()) == CREDENTIALS


def test_running_it_twice_is_the_same_as_once(run: Any) -> None:
    run("main", *NEW)
    run("main", *NEW)

    assert ProviderAccount.objects.count() == 1
    assert AuditEntry.objects.count() == 1


def test_an_account_is_stopped_and_started(run: Any) -> None:
    run("main", *NEW)

    assert "It is not active." in run("main", "--deactivate", stdin="")
    assert not ProviderAccount.objects.get().is_active
    run("main", "--activate", stdin="")
    assert ProviderAccount.objects.get().is_active


MISTAKES: dict[str, tuple[list[str], Any, str]] = {
    "nothing but a name": (["main"], CREDENTIALS, "--provider, --environment, --base-url"),
    "no address": (["main", *NEW[:2]], CREDENTIALS, "--base-url"),
    "nothing on stdin": (["main", *NEW], "", "JSON object on standard input"),
    "not JSON": (["main", *NEW], "{'username': 'CANARY'}", "not a JSON object"),
    "a list": (["main", *NEW], "[]", "not a JSON object"),
    "a key twice": (["main", *NEW], '{"username": "a", "username": "b"}', "not a JSON object"),
    "much too long": (["main", *NEW], "x" * 70_000, "too long"),
    "a field missing": (["main", *NEW], {"username": "a"}, '"password"'),
    "unknown provider": (["main", "--provider=x", *NEW[1:]], CREDENTIALS, "known are"),
    "unknown environment": (
        ["main", NEW[0], "--environment=x", NEW[2]],
        CREDENTIALS,
        "must be one of",
    ),
    "host not allowed": (
        ["main", *NEW[:2], "--base-url=https://evil.example"],
        CREDENTIALS,
        "not one that we may call",
    ),
    "host of another environment": (
        ["main", *NEW[:2], "--base-url=https://api.ncentiva.com"],
        CREDENTIALS,
        "cannot be used for Sandbox",
    ),
    "words for a number": (["main", *NEW, "--per-minute=many"], CREDENTIALS, "whole number"),
    "none a second": (["main", *NEW, "--per-second=0"], CREDENTIALS, "from 1"),
    "setting without a value": (["main", *NEW, "--set", "debits_at"], CREDENTIALS, "key=value"),
    "setting without quotes": (
        ["main", *NEW, "--set", "debits_at=placed"],
        CREDENTIALS,
        "quotes",
    ),
    "unknown setting": (["main", *NEW, "--set", "colour=1"], CREDENTIALS, "no setting"),
    "stopped before it began": (["main", *NEW, "--deactivate"], CREDENTIALS, "make it first"),
    "unknown currency": (["main", *NEW, "--currency=dollar"], CREDENTIALS, "currency"),
}


@pytest.mark.parametrize(("args", "stdin", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    run: Any, args: list[str], stdin: Any, hint: str
) -> None:
    with pytest.raises(CommandError) as caught:
        run(*args, stdin=stdin)

    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert (ProviderAccount.objects.count(), AuditEntry.objects.count()) == (0, 0)


@pytest.mark.parametrize("option", ["--environment=uat", "--provider=other"])
def test_an_account_stays_what_it_is(run: Any, option: str) -> None:
    run("main", *NEW)

    with pytest.raises(CommandError, match="another account"):
        run("main", option, stdin="")


def test_bad_credentials_for_a_known_account_change_nothing(run: Any) -> None:
    run("main", *NEW)

    with pytest.raises(CommandError):
        run("main", "--per-minute=5", stdin='{"username": "only"}')

    assert ProviderAccount.objects.get().per_minute == 60
