"""Connecting Exsited: its hosts, what it signs in with, how large a slice may be."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from providers.accounts import AccountError
from providers.gateways.base import capabilities
from providers.models import ProviderAccount
from providers.registry import choices, slugs_with, spec_for
from tests.providers.conftest import MakeAccount
from tests.providers.exsited.conftest import CREDENTIALS

pytestmark = pytest.mark.django_db


def connect(
    monkeypatch: pytest.MonkeyPatch, environment: str, base_url: str, *sets: str, **credentials: str
) -> str:
    """What `provider_account` says."""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(CREDENTIALS | credentials)))
    said = io.StringIO()
    call_command(
        "provider_account",
        "book",
        provider="exsited",
        environment=environment,
        base_url=base_url,
        set=list(sets),
        stdout=said,
    )
    return said.getvalue()


def test_it_keeps_a_book_and_does_nothing_else() -> None:
    assert capabilities(spec_for("exsited").gateway_class) == {"certificate_source"}
    assert ("exsited", "Exsited") in choices()
    assert slugs_with("certificate_source") == ["exsited"]
    for capability in ("seller", "issuer", "deposit_holder", "option_lister"):
        assert "exsited" not in slugs_with(capability)


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("uat", "dev-api.exsited.com"),
        ("uat", "api-stage.exsited.com"),
        ("production", "api.exsited.com"),
    ],
)
def test_an_account_is_made_at_the_documented_hosts(
    monkeypatch: pytest.MonkeyPatch, environment: str, host: str
) -> None:
    said = connect(monkeypatch, environment, f"https://{host}")

    account = ProviderAccount.objects.get()
    assert json.loads(account.credentials.reveal()) == CREDENTIALS
    assert (account.per_second, account.per_minute) == (5, 300)
    assert account.settings == {"certificates_per_slice": 100}
    assert account.credentials_fingerprint.endswith("…ours")
    assert "CANARY" not in said


@pytest.mark.parametrize(
    ("environment", "host"), [("production", "dev-api.exsited.com"), ("uat", "api.exsited.com")]
)
def test_a_host_of_the_other_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, environment: str, host: str
) -> None:
    with pytest.raises(CommandError, match=r"host"):
        connect(monkeypatch, environment, f"https://{host}")


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_all_of_the_credentials_are_needed(make_account: MakeAccount, missing: str) -> None:
    given = {name: value for name, value in CREDENTIALS.items() if name != missing}

    with pytest.raises(AccountError, match="redirect_uri"):
        make_account(provider="exsited", credentials=given)


def test_another_book_may_allow_larger_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "production", "https://api.exsited.com", "certificates_per_slice=500")

    assert ProviderAccount.objects.get().settings == {"certificates_per_slice": 500}


@pytest.mark.parametrize("value", ["0", "-1", "1001", "true", '"100"', "1.5", "null"])
def test_a_slice_is_of_so_many_certificates(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(CommandError, match="certificates_per_slice is a whole number"):
        connect(
            monkeypatch, "production", "https://api.exsited.com", f"certificates_per_slice={value}"
        )
