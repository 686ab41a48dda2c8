"""Connecting CP Extender: each merchant's own host, and one of two ways to sign in."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from providers import accounts, services
from providers.accounts import AccountError
from providers.gateways.base import ReservationType, capabilities
from providers.gateways.cp_extender import CPExtenderGateway
from providers.models import ProviderAccount
from providers.registry import spec_for
from tests.providers.conftest import MakeAccount
from tests.providers.cp_extender.conftest import CREDENTIALS, PERMANENT

pytestmark = pytest.mark.django_db

OTHER_TOKEN = {"token": "CANARY-other.token"}


@pytest.fixture
def make_till(make_account: MakeAccount) -> MakeAccount:
    def make(**fields: Any) -> ProviderAccount:
        values = {"provider": "cp_extender", "base_url": "http://127.0.0.1:8001/cp_extender"}
        return make_account(**values | {"name": "till", "credentials": CREDENTIALS} | fields)

    return make


def connect(monkeypatch: pytest.MonkeyPatch, credentials: Any, host: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(credentials)))
    said = io.StringIO()
    call_command(
        "provider_account",
        "till",
        provider="cp_extender",
        environment="production",
        base_url=f"https://{host}",
        stdout=said,
    )
    return said.getvalue()


def test_it_issues_and_does_nothing_else() -> None:
    spec = spec_for("cp_extender")

    assert capabilities(spec.gateway_class) == {"issuer"}
    assert (spec.at_once, spec.longest_call) == (2, 30.0)
    assert CPExtenderGateway.single_lives.total_seconds() == 3600
    assert CPExtenderGateway.numbers_per_pool == 500
    assert set(ReservationType) == {"single", "pool"}


def test_a_host_that_nobody_named_is_refused_and_the_sentence_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GIFTOPS_PROVIDER_HOSTS = []

    with pytest.raises(CommandError, match=r"GIFTOPS_PROVIDER_HOSTS"):
        connect(monkeypatch, CREDENTIALS, "cp.shop.example:8443")

    assert not ProviderAccount.objects.exists()


@pytest.mark.parametrize(
    ("credentials", "shown"), [(CREDENTIALS, "….ours"), (PERMANENT, ""), (OTHER_TOKEN, "")]
)
def test_a_named_host_is_taken_with_either_way_to_sign_in(
    monkeypatch: pytest.MonkeyPatch, settings: Any, credentials: dict[str, str], shown: str
) -> None:
    settings.GIFTOPS_PROVIDER_HOSTS = ["cp.shop.example:8443@10.1.2.0/24"]

    said = connect(monkeypatch, credentials, "cp.shop.example:8443")

    account = ProviderAccount.objects.get()
    assert json.loads(account.credentials.reveal()) == credentials
    assert (account.per_second, account.per_minute) == (5, 300)
    assert "CANARY" not in said + account.credentials_fingerprint


NEITHER = {
    "nothing": {},
    "half": {"user_name": "ours"},
    "the other half": {"password": "CANARY"},
    "both": CREDENTIALS | PERMANENT,
    "a half and a token": {"user_name": "ours"} | PERMANENT,
    "another name": {"username": "ours", "password": "CANARY"},
}


@pytest.mark.parametrize("credentials", NEITHER.values(), ids=NEITHER)
def test_credentials_are_one_way_or_the_other(
    monkeypatch: pytest.MonkeyPatch, settings: Any, credentials: dict[str, str]
) -> None:
    settings.GIFTOPS_PROVIDER_HOSTS = ["cp.shop.example"]

    with pytest.raises(CommandError) as caught:
        connect(monkeypatch, credentials, "cp.shop.example")

    assert str(caught.value) == (
        "For the credentials of CP Extender, give either "
        '{"user_name": "...", "password": "..."} or {"token": "..."}, not both.'
    )
    assert not ProviderAccount.objects.exists()


def test_a_token_is_not_empty(make_till: MakeAccount) -> None:
    with pytest.raises(AccountError, match="token must be a text"):
        make_till(credentials={"token": ""})


# --- As whom an account speaks ------------------------------------------------------------------


def test_a_token_names_its_account_by_its_fingerprint(make_till: MakeAccount) -> None:
    named = make_till(name="a")
    one, same, other = (
        make_till(name=name, credentials=credentials)
        for name, credentials in (("b", PERMANENT), ("c", PERMANENT), ("d", OTHER_TOKEN))
    )

    marks = [services.account_mark(each) for each in (named, one, same, other)]

    assert marks[1] == marks[2]
    assert len(set(marks)) == 3
    assert one.credentials_fingerprint == same.credentials_fingerprint
    assert len(one.credentials_fingerprint) == 8


@pytest.fixture
def vetoed(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """What a veto was asked about."""
    asked: list[set[str]] = []

    def veto(account: ProviderAccount, changed: set[str]) -> str:
        asked.append(changed)
        return ""

    monkeypatch.setattr(accounts, "_vetoes", [veto])
    return asked


NEW_PASSWORD = CREDENTIALS | {"password": "CANARY-2"}
CHANGES = {
    "a new password": (CREDENTIALS, NEW_PASSWORD, False),
    "another user": (CREDENTIALS, CREDENTIALS | {"user_name": "theirs"}, True),
    "a token for a user": (CREDENTIALS, PERMANENT, True),
    "a user for a token": (PERMANENT, CREDENTIALS, True),
    "another token": (PERMANENT, OTHER_TOKEN, True),
}


@pytest.mark.parametrize("is_lost", [False, True], ids=["known", "key lost"])
@pytest.mark.parametrize(("before", "after", "is_other"), CHANGES.values(), ids=CHANGES)
def test_whoever_may_be_somebody_else_is_said_to_be(
    make_till: MakeAccount,
    vetoed: list[set[str]],
    settings: Any,
    before: dict[str, str],
    after: dict[str, str],
    is_other: bool,
    is_lost: bool,
) -> None:
    account = make_till(credentials=before)
    if is_lost:
        settings.GIFTOPS_SEALING_KEYS = [f"k9:{'A1b2' * 10}A1c="]

    services.update_account(account, credentials=after)

    assert vetoed == [{"credentials_fingerprint"} | ({"user_name"} if is_other else set())]


def test_the_same_token_again_changes_nobody_even_if_the_key_is_lost(
    make_till: MakeAccount, vetoed: list[set[str]], settings: Any
) -> None:
    account = make_till(credentials=PERMANENT)
    settings.GIFTOPS_SEALING_KEYS = [f"k9:{'A1b2' * 10}A1c="]

    services.update_account(account, credentials=PERMANENT, per_minute=7)

    assert vetoed == [{"per_minute"}]


# --- How long and how many at a time ------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "read", "expected"), [(40, 15, (30, 15)), (40, 60, (30, 30)), (5, 4, (5, 4))]
)
def test_a_call_takes_half_a_minute_at_most(
    make_till: MakeAccount,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    write: int,
    read: int,
    expected: tuple[int, int],
) -> None:
    settings.GIFTOPS_WRITE_DEADLINE, settings.GIFTOPS_READ_DEADLINE = write, read
    seen: dict[str, Any] = {}
    monkeypatch.setattr(services, "ProviderSession", lambda *_, **given: seen.update(given))

    services.gateway_for(make_till())

    assert (seen["limits"].write_seconds, seen["limits"].read_seconds) == expected


def test_who_takes_any_number_of_calls_has_no_turnstile(
    make_till: MakeAccount, account: ProviderAccount
) -> None:
    till = make_till()

    assert services.turnstile_of(till, spec_for(till.provider)) is not None
    assert services.turnstile_of(account, spec_for(account.provider)) is None
