"""Our gateway and the simulated Exsited over real HTTP: connecting, a shared token, its quirks."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from providers import services
from providers.gateways import errors
from providers.models import ProviderAccount, ProviderCall, SharedToken
from tests.sandbox_client import ExsitedControl, SandboxProcess, running_sandbox

pytestmark = pytest.mark.django_db

SIGNED_IN = {
    "client_id": "sandbox",
    "client_secret": "sandbox",
    "redirect_uri": "https://sandbox.example.com",
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(process: SandboxProcess) -> Iterator[ExsitedControl]:
    yield process.exsited
    process.exsited.reset()


@pytest.fixture
def account(
    process: SandboxProcess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> ProviderAccount:
    """Made as an administrator makes it."""
    settings.DEBUG = True  # loopback is allowed
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(SIGNED_IN)))
    call_command(
        "provider_account",
        "book",
        provider="exsited",
        environment="sandbox",
        base_url=f"{process.url}/exsited",
        per_second="1000",
        stdout=io.StringIO(),
    )
    return ProviderAccount.objects.get()


def time_passes() -> None:
    """Our token is no longer a new one."""
    SharedToken.objects.update(
        issued_at=F("issued_at") - timedelta(minutes=1),
        tried_at=F("tried_at") - timedelta(minutes=1),
    )


def operations() -> list[str]:
    return list(
        ProviderCall.objects.order_by("created_at", "id").values_list("operation", flat=True)
    )


def test_a_new_account_works(account: ProviderAccount, sandbox: ExsitedControl) -> None:
    sandbox.print_book(1234)

    said = services.test_connection(account)

    assert said == "Exsited answered: its book has 1234 gift certificates."


def test_a_book_of_many_slices_is_read_whole(
    account: ProviderAccount, sandbox: ExsitedControl
) -> None:
    sandbox.print_book(450, seed="whole")
    gateway, found = services.gateway_for(account), {}

    for offset in range(0, 500, 100):
        for item in gateway.list_certificates(offset=offset).items:
            found[item.external_id] = gateway.read_certificate(item)

    truth = {row["uuid"]: row for row in sandbox.certificates()}
    assert found.keys() == truth.keys()
    for name, one in found.items():
        row = truth[name]
        assert (one.amount, one.remaining, one.used) == (
            row["amount_minor"],
            row["remaining_minor"],
            row["used_minor"],
        )
        assert one.expires_on == (
            one.expires_on and one.expires_on.fromisoformat(row["expires_on"])
        )
        assert (one.created_at.timestamp() if one.created_at else 0) == int(row["created_at"])
        assert one.attributes == tuple((key, value) for key, value in row["attributes"])


def test_who_is_logged_out_by_somebody_else_logs_in_again(
    account: ProviderAccount, sandbox: ExsitedControl
) -> None:
    gateway = services.gateway_for(account)
    gateway.list_certificates(limit=1)
    sandbox.take_token()
    time_passes()

    gateway.list_certificates(limit=1)

    assert operations() == [
        *("create_token", "list_certificates"),
        *("list_certificates", "create_token", "list_certificates"),
    ]


def test_a_400_that_sticks_to_a_connection_is_met_once(
    account: ProviderAccount, sandbox: ExsitedControl
) -> None:
    gateway = services.gateway_for(account)
    sandbox.arm("bad_request_sticks", {"unasked": True}, operation="listGiftCertificates")

    with pytest.raises(errors.ProviderRejected):
        gateway.list_certificates(limit=1)

    assert gateway.list_certificates(limit=1).items


def test_a_server_that_gives_less_than_was_asked_for_says_so(
    account: ProviderAccount, sandbox: ExsitedControl
) -> None:
    sandbox.settings(largest_page=20, clamps_limit=True)

    found = services.gateway_for(account).list_certificates()

    assert (found.limit, len(found.items)) == (20, 20)


def test_errors_with_numbers_mean_the_same(
    account: ProviderAccount, sandbox: ExsitedControl
) -> None:
    sandbox.settings(numeric_error_codes=True)

    assert services.gateway_for(account).find_certificate("nobody") is None


def test_a_link_to_another_host_is_not_followed(
    account: ProviderAccount, sandbox: ExsitedControl
) -> None:
    sandbox.arm("next_page_foreign", operation="listGiftCertificates", count=None)
    gateway = services.gateway_for(account)

    assert len(gateway.list_certificates(limit=20).items) == 20
    assert len(gateway.list_certificates(offset=20, limit=20).items) == 20
    assert operations() == ["create_token", "list_certificates", "list_certificates"]
