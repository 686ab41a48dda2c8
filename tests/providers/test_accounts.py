"""Accounts: what is accepted, what is kept secret, what is refused with a sentence."""

import re
from contextlib import nullcontext
from typing import Any

import pytest
from django.core import checks
from django.db import connection

from giftops import audit
from giftops.append_only import forbid_changes
from giftops.models import AuditEntry, AuditHead
from giftops.sealing import SealError
from providers import accounts, registry, services
from providers.accounts import AccountError
from providers.checks import accounts_fit_their_environment
from providers.gateways.errors import ProviderMisconfigured
from providers.models import ProviderAccount
from providers.probes import accounts as accounts_probe
from tests.providers.conftest import CREDENTIALS, MakeAccount

pytestmark = pytest.mark.django_db


def test_a_new_account_gets_the_limits_and_settings_of_its_environment(
    make_account: MakeAccount,
) -> None:
    uat = make_account(environment="uat", base_url="https://api-uat.ncentiva.com/")

    assert (uat.per_minute, uat.per_second) == (20, 1)
    assert (uat.reference_is_unique, uat.debits_at) == (False, "completed")
    assert uat.base_url == "https://api-uat.ncentiva.com"
    assert (str(uat), uat.provider_label, uat.is_active) == ("main", "Ncentiva", True)


def test_an_account_without_any_entry_shows_that_the_trail_was_deleted(
    account: ProviderAccount,
) -> None:
    for statement in forbid_changes("giftops_auditentry").drop_sql(connection):
        with connection.cursor() as cursor:
            cursor.execute(statement)

    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()

    assert audit.verify().problem.startswith("The trail is empty")


def test_credentials_are_sealed_and_only_a_fingerprint_is_shown(account: ProviderAccount) -> None:
    stored = ProviderAccount.objects.values().get()
    entry = AuditEntry.objects.get(action="provider_account.created")

    assert "CANARY" not in repr(stored)
    assert "CANARY" not in repr(vars(account))
    assert account.credentials_fingerprint.endswith(" …dbox")
    assert len(account.credentials_fingerprint) == 14
    assert "CANARY" not in str(entry.facts)
    assert entry.facts["environment"] == "sandbox"


def test_other_credentials_have_another_fingerprint(make_account: MakeAccount) -> None:
    one = make_account(name="one")
    same = make_account(name="same")
    upper = make_account(name="upper", credentials=CREDENTIALS | {"password": "CANARY-PASSWORD"})

    assert one.credentials_fingerprint == same.credentials_fingerprint
    assert one.credentials_fingerprint != upper.credentials_fingerprint


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown provider": ({"provider": "nobody"}, "known are: cp_extender, exsited, giftcard"),
    "unknown environment": ({"environment": "test"}, "sandbox, uat, production"),
    "host not allowed": ({"base_url": "https://evil.example"}, "GIFTOPS_PROVIDER_HOSTS"),
    "not https": ({"base_url": "http://api.ncentiva.com"}, "https://"),
    "no address": ({"base_url": ""}, "must look like"),
    "UAT host for production": (
        {"environment": "production", "base_url": "https://api-uat.ncentiva.com"},
        "cannot be used for Production",
    ),
    "production host for UAT": (
        {"environment": "uat", "base_url": "https://api.ncentiva.com"},
        "cannot be used for UAT",
    ),
    "production host for the sandbox": (
        {"base_url": "https://api.ncentiva.com"},
        "cannot be used for Sandbox",
    ),
    "production on loopback": ({"environment": "production"}, "https"),
    "no credentials": ({"credentials": {}}, '"username"'),
    "half credentials": ({"credentials": {"username": "a"}}, '"password"'),
    "more credentials": ({"credentials": CREDENTIALS | {"x": "y"}}, "exactly"),
    "empty password": ({"credentials": CREDENTIALS | {"password": ""}}, "password"),
    "a number": ({"credentials": CREDENTIALS | {"password": 1}}, "password"),
    "a line break": ({"credentials": CREDENTIALS | {"password": "a\r\nb"}}, "control"),
    "a space at the end": ({"credentials": CREDENTIALS | {"password": "a "}}, "space"),
    "a colon": ({"credentials": CREDENTIALS | {"username": "a:b"}}, "colon"),
    "currency": ({"currency": "dollars"}, "currency"),
    "name": ({"name": "a b"}, "letters"),
    "long name": ({"name": "x" * 51}, "50"),
    "no requests": ({"per_minute": 0}, "minute"),
    "half requests": ({"per_second": 1.5}, "second"),
    "unknown setting": ({"settings": {"colour": "red"}}, "reference_is_unique"),
    "setting of a wrong kind": ({"settings": {"reference_is_unique": "yes"}}, "true or false"),
    "debits when": ({"settings": {"debits_at": "never"}}, "debits_at"),
}


@pytest.mark.parametrize(("fields", "hint"), BAD.values(), ids=BAD)
def test_a_bad_account_is_refused_with_a_sentence_and_nothing_is_kept(
    make_account: MakeAccount, fields: dict[str, Any], hint: str
) -> None:
    with pytest.raises(AccountError) as caught:
        make_account(**fields)

    assert hint in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert ProviderAccount.objects.count() == 0
    assert AuditEntry.objects.count() == 0


def test_a_name_is_taken_once(make_account: MakeAccount) -> None:
    make_account()

    with pytest.raises(AccountError, match="already"):
        make_account()

    assert AuditEntry.objects.count() == 1


def test_an_account_is_changed_and_the_trail_tells_what(account: ProviderAccount) -> None:
    changed = services.update_account(
        account,
        per_minute=30,
        settings={"reference_is_unique": False},
        credentials=CREDENTIALS | {"password": "CANARY-2"},
    )

    entry = AuditEntry.objects.get(action="provider_account.changed")
    assert changed.per_minute == 30
    assert changed.settings == {"reference_is_unique": False, "debits_at": "completed"}
    assert set(entry.facts) == {"per_minute", "settings", "credentials_fingerprint"}
    assert "CANARY" not in str(entry.facts)


def test_a_change_that_changes_nothing_leaves_no_trace(account: ProviderAccount) -> None:
    services.update_account(account, per_minute=account.per_minute, credentials=CREDENTIALS)

    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "production"},
        {"provider": "other"},
        {"name": "other"},
        {"base_url": "https://api.ncentiva.com"},
        {"per_second": 0},
    ],
)
def test_what_an_account_must_keep_cannot_be_changed(
    account: ProviderAccount, changes: dict[str, Any]
) -> None:
    with pytest.raises(AccountError):
        services.update_account(account, **changes)

    assert AuditEntry.objects.count() == 1


def test_an_account_that_was_moved_to_another_environment_is_not_called(
    account: ProviderAccount,
) -> None:
    ProviderAccount.objects.update(base_url="https://api.ncentiva.com")
    account.refresh_from_db()

    with pytest.raises(ProviderMisconfigured, match="cannot be used for Sandbox"):
        services.gateway_for(account)

    (error,) = accounts_fit_their_environment(databases=["default"])
    assert isinstance(error, checks.Error)
    assert not accounts_probe().ok


def test_sound_accounts_pass_the_check(account: ProviderAccount) -> None:
    assert accounts_fit_their_environment(databases=["default"]) == []
    assert accounts_fit_their_environment() == []
    assert accounts_probe().ok


def test_without_debug_loopback_is_not_called(account: ProviderAccount, settings: Any) -> None:
    settings.DEBUG = False

    with pytest.raises(ProviderMisconfigured):
        services.gateway_for(account)


def test_credentials_of_a_lost_key_are_named_as_such(
    account: ProviderAccount, settings: Any
) -> None:
    settings.GIFTOPS_SEALING_KEYS = [f"k9:{'A1b2' * 10}A1c="]

    with pytest.raises(ProviderMisconfigured, match="enter them again"):
        services.gateway_for(ProviderAccount.objects.get())
    with pytest.raises(SealError):
        ProviderAccount.objects.get().credentials.reveal()


@pytest.fixture
def vetoed(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Refuse every change of where and as whom an account speaks; gives what was asked."""
    asked: list[set[str]] = []

    def veto(account: ProviderAccount, changed: set[str]) -> str:
        asked.append(changed)
        is_vital = changed & {"base_url", "environment", "user_name"}
        return f"Orders are under way at {account.base_url}." if is_vital else ""

    monkeypatch.setattr(accounts, "_vetoes", [])
    services.before_change(veto)
    return asked


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "http://127.0.0.1:8002/ncentiva"},
        {"credentials": CREDENTIALS | {"username": "elsewhere"}},
        {"per_minute": 7, "credentials": {"username": "else-dbox", "password": "CANARY-2"}},
    ],
)
def test_a_veto_keeps_an_account_where_it_is_with_its_sentence(
    account: ProviderAccount, vetoed: list[set[str]], change: dict[str, Any]
) -> None:
    before = ProviderAccount.objects.values().get()

    with pytest.raises(AccountError, match="under way at http://127.0.0.1:8001/ncentiva"):
        services.update_account(account, **change)

    assert len(vetoed) == 1
    assert ProviderAccount.objects.values().get() == before
    assert AuditEntry.objects.count() == 1


def test_a_new_password_of_the_same_user_is_no_change_of_user(
    account: ProviderAccount, vetoed: list[set[str]]
) -> None:
    services.update_account(account, credentials=CREDENTIALS | {"password": "CANARY-2"})
    services.update_account(account, credentials=CREDENTIALS | {"password": "CANARY-2"})

    assert vetoed == [{"credentials_fingerprint"}]


@pytest.mark.parametrize(("name", "is_other"), [("sandbox", False), ("elsewhere", True)])
def test_credentials_of_a_lost_key_are_entered_again_for_the_same_user_only(
    account: ProviderAccount, vetoed: list[set[str]], settings: Any, name: str, is_other: bool
) -> None:
    settings.GIFTOPS_SEALING_KEYS = [f"k9:{'A1b2' * 10}A1c="]
    again = {"username": name, "password": "CANARY-2"}

    with pytest.raises(AccountError) if is_other else nullcontext():
        services.update_account(account, credentials=again)

    assert ("user_name" in vetoed[0]) == is_other


def test_the_mark_tells_where_and_as_whom_an_account_speaks(make_account: MakeAccount) -> None:
    one = make_account(name="one")
    mark = services.account_mark(one)

    same = services.update_account(
        one, per_minute=7, credentials=CREDENTIALS | {"password": "CANARY-2"}
    )
    others = [
        make_account(name="address", base_url="http://127.0.0.1:8002/ncentiva"),
        make_account(name="user", credentials=CREDENTIALS | {"username": "Sand-box"}),
        make_account(name="letters", credentials=CREDENTIALS | {"username": "SANDBOX"}),
        make_account(name="environment", environment="uat"),
    ]

    assert re.fullmatch("[0-9a-f]{32}", mark)
    assert services.account_mark(same) == mark
    assert services.account_mark(ProviderAccount.objects.get(name="one")) == mark
    assert len({mark, *map(services.account_mark, others)}) == 5


def test_an_account_whose_key_is_lost_has_no_mark(account: ProviderAccount, settings: Any) -> None:
    settings.GIFTOPS_SEALING_KEYS = [f"k9:{'A1b2' * 10}A1c="]

    with pytest.raises(ProviderMisconfigured, match="enter them again"):
        services.account_mark(ProviderAccount.objects.get())


def test_the_registry_knows_what_a_provider_can_do() -> None:
    spec = registry.spec_for("ncentiva")

    assert spec.capabilities == {"seller", "deposit_holder"}
    assert ("ncentiva", "Ncentiva") in registry.choices()
    with pytest.raises(registry.UnknownProvider, match="ncentiva"):
        registry.spec_for("nobody")
