"""Provider desks: limits may change, addresses and credentials never here, bodies never shown."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import Client
from django.urls import reverse

from giftops.clock import db_now
from giftops.models import AuditEntry, Job
from giftops.once import new_token, once
from providers import services
from providers.admin import accounts
from providers.models import ProviderAccount, ProviderCall, SyncRun
from tests.stubs import StubProvider

SECRET = "s3cret-of-the-account"


@pytest.fixture
def stub() -> StubProvider:
    return StubProvider()


@pytest.fixture
def account(db: None, settings: Any, stub: StubProvider) -> Iterator[ProviderAccount]:
    settings.DEBUG = True  # its address is on loopback
    with ExitStack() as stack:
        stack.enter_context(services.use_transport(lambda account: stub))
        yield services.create_account(
            name="shop", provider="ncentiva", environment="uat",
            base_url="http://127.0.0.1:8010/ncentiva",
            credentials={"username": "buyer", "password": SECRET},
        )  # fmt: skip


@pytest.fixture
def call(account: ProviderAccount) -> ProviderCall:
    return ProviderCall.objects.create(
        account=account, operation="get_cards", method="GET", route="/orders/{transactionId}/cards",
        http_status=200, outcome="answered", duration_ms=120, subject="GO-TEST-1",
        request_body="", response_body='{"cardNumber": "6012-CODE-0001"}', created_at=db_now(),
    )  # fmt: skip


def press(client: Client, name: str, *args: Any, **data: Any) -> Any:
    address = reverse(f"admin:{name}", args=args)
    return client.post(address, {"once": new_token()} | data, follow=True)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def page_of(client: Client, name: str, *args: Any, **query: Any) -> str:
    return client.get(reverse(f"admin:{name}", args=args), query).content.decode()


@pytest.mark.parametrize("role", ["administrator", "auditor", "finance_maker"])
def test_credentials_are_a_fingerprint_and_nothing_else(
    account: ProviderAccount, client_of: Any, role: str
) -> None:
    client = client_of(role)

    pages = page_of(client, "providers_provideraccount_change", account.pk)
    pages += page_of(client, "providers_provideraccount_changelist")

    assert SECRET not in pages
    assert str(account.credentials) not in pages
    assert account.credentials_fingerprint in pages
    assert account.base_url in pages


def test_limits_are_changed_and_what_they_were_is_written_down(
    account: ProviderAccount, client_of: Any
) -> None:
    press(
        client_of("administrator"), "providers_provideraccount_limits", account.pk,
        per_minute="30", per_second="1", is_active="on", base_url="http://evil.example",
        credentials="{}",
    )  # fmt: skip

    changed = ProviderAccount.objects.get(pk=account.pk)
    assert (changed.per_minute, changed.per_second, changed.is_active) == (30, 1, True)
    assert changed.base_url == account.base_url
    assert SECRET in changed.credentials.reveal()
    entry = AuditEntry.objects.get(action="account.changed")
    assert entry.facts["now"] == {"per_minute": 30, "per_second": 1, "is_active": True}


def test_changing_a_limit_leaves_alone_what_a_colleague_changed_meanwhile(
    account: ProviderAccount, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        ProviderAccount.objects.update(name="renamed", per_second=7)
        return once(*args, **kwargs)

    monkeypatch.setattr(accounts, "once", meanwhile)

    press(
        client_of("administrator"), "providers_provideraccount_limits", account.pk,
        per_minute=str(account.per_minute + 1), per_second=str(account.per_second),
        is_active="on",
    )  # fmt: skip

    changed = ProviderAccount.objects.get(pk=account.pk)
    assert (changed.name, changed.per_second) == ("renamed", 7)
    assert changed.per_minute == account.per_minute + 1


def test_switching_an_account_off_is_one_press(account: ProviderAccount, client_of: Any) -> None:
    press(
        client_of("administrator"), "providers_provideraccount_limits", account.pk,
        per_minute="20", per_second="1",
    )  # fmt: skip

    account.refresh_from_db()
    assert not account.is_active


@pytest.mark.parametrize(
    ("per_minute", "per_second"), [("0", "1"), ("5", "6"), ("", "1"), ("many", "1")]
)
def test_limits_that_make_no_sense_are_refused_at_their_field(
    account: ProviderAccount, client_of: Any, per_minute: str, per_second: str
) -> None:
    answer = press(
        client_of("administrator"), "providers_provideraccount_limits", account.pk,
        per_minute=per_minute, per_second=per_second, is_active="on",
    )  # fmt: skip

    unchanged = ProviderAccount.objects.get(pk=account.pk)
    assert answer.status_code == 422
    assert "g-field__error" in answer.content.decode()
    assert unchanged.per_minute == account.per_minute


def test_a_connection_that_works_is_said_in_a_sentence(
    account: ProviderAccount, stub: StubProvider, client_of: Any
) -> None:
    stub.answers(200, {"balance": 500, "currency": "USD"})

    answer = press(client_of("administrator"), "providers_provideraccount_test", account.pk)

    assert answer.status_code == 200
    assert said(answer)
    assert len(stub.requests) == 1


def test_a_connection_that_fails_is_said_in_a_sentence(
    account: ProviderAccount, stub: StubProvider, client_of: Any
) -> None:
    stub.fails(requests.ConnectionError())

    answer = press(client_of("administrator"), "providers_provideraccount_test", account.pk)

    assert answer.status_code == 200
    assert said(answer)
    assert "Traceback" not in answer.content.decode()


def test_a_call_is_shown_without_what_was_in_it(call: ProviderCall, client_of: Any) -> None:
    client = client_of("auditor")

    pages = page_of(client, "providers_providercall_changelist")
    pages += page_of(client, "providers_providercall_change", call.pk)

    assert "/orders/{transactionId}/cards" in pages
    assert "6012-CODE-0001" not in pages
    assert str(call.response_body) not in pages


def test_calls_are_found_by_the_reference_of_their_order(
    call: ProviderCall, client_of: Any
) -> None:
    client = client_of("finance_maker")

    assert "get_cards" in page_of(client, "providers_providercall_changelist", q="GO-TEST-1")
    assert "get_cards" not in page_of(client, "providers_providercall_changelist", q="GO-TEST-2")


def test_refreshing_the_catalogue_queues_one_reading_per_account(
    account: ProviderAccount, client_of: Any
) -> None:
    client, token = client_of("finance_maker"), new_token()

    press(client, "providers_product_refresh", once=token)
    answer = press(client, "providers_product_refresh", once=token)

    assert said(answer).startswith("1 catalogue is being read again.")
    assert Job.objects.filter(name="providers.tasks.refresh_products").count() == 1
    assert AuditEntry.objects.filter(action="products.refresh_asked").count() == 1


def test_buying_is_offered_beside_a_card_to_makers_only(
    account: ProviderAccount, client_of: Any
) -> None:
    product = account.products.create(
        external_id="7", name="Target $50", currency="USD", kind="fixed", face_value_minor=5000,
        content_hash="x", last_seen_at=db_now() - timedelta(hours=2),
    )  # fmt: skip
    buy = f"{reverse('admin:orders_order_buy')}?product={product.pk}"

    makers = page_of(client_of("finance_maker"), "providers_product_changelist")
    auditors = page_of(client_of("auditor"), "providers_product_changelist")

    assert buy in makers
    assert "2 h ago" in makers
    assert buy not in auditors


def test_a_sync_run_says_what_it_found_or_why_it_failed(
    account: ProviderAccount, client_of: Any
) -> None:
    SyncRun.objects.create(
        account=account, what="products", state="failed", error="The provider did not answer.",
        new=3, started_at=db_now(), finished_at=db_now(),
    )  # fmt: skip

    page = page_of(client_of("auditor"), "providers_syncrun_changelist", state="failed")

    assert "3 new" in page
    assert "The provider did not answer." in page
