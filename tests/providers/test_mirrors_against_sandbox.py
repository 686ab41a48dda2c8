"""Products and options of a simulated provider over real HTTP, stored and never wiped."""

from collections.abc import Iterator
from typing import Any

import pytest

from giftops.money import Money
from providers import services
from providers.models import Product, ProviderAccount, ProviderOption, SyncRun
from tests.providers.conftest import MakeAccount
from tests.sandbox_client import SandboxProcess, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def plastic(make_account: MakeAccount, process: SandboxProcess) -> Iterator[ProviderAccount]:
    yield make_account(
        provider="giftcardpartners", base_url=f"{process.url}/giftcardpartners",
        credentials={"email": "sandbox@example.com", "access_token": "sandbox"},
        per_second=1000, per_minute=10_000,
    )  # fmt: skip
    process.giftcardpartners.clear()


def counts(run: SyncRun) -> dict[str, Any]:
    names = ("state", "new", "changed", "same", "gone", "failed")
    return {name: getattr(run, name) for name in names if getattr(run, name)}


def test_a_catalogue_with_hostile_texts_is_mirrored_and_a_second_look_changes_nothing(
    plastic: ProviderAccount,
) -> None:
    first = services.refresh_products(plastic.pk)
    second = services.refresh_products(plastic.pk)

    assert counts(first) == {"state": "done", "new": 13}
    assert counts(second) == {"state": "done", "same": 13}
    visa = Product.objects.get(external_id="VISA-P")
    assert visa.values == tuple(Money(value * 100, "USD") for value in (25, 50, 100, 200))
    assert (visa.needs_carrier, visa.order_types) == (True, ["physical_shipment"])
    assert (visa.fee, visa.fulfillment_group) == (Money(395, "USD"), "GROUP1")
    texts = "".join(p.description + p.terms for p in Product.objects.all())
    assert "<b>every</b>" in texts
    assert not any(word in texts for word in ("script", "onerror", "href", "<img"))


def test_options_are_mirrored_and_a_second_look_changes_nothing(plastic: ProviderAccount) -> None:
    first = services.refresh_options(plastic.pk)
    second = services.refresh_options(plastic.pk)

    assert counts(first) == {"state": "done", "new": 12}
    assert counts(second) == {"state": "done", "same": 12}
    standard = ProviderOption.objects.get(external_id="STANDARD")
    assert (standard.cost, standard.fulfillment_group) == (Money(495, "USD"), "GROUP1")


@pytest.mark.parametrize("fault", ["http_500", "html_200", "empty_200", "reset_before_commit"])
def test_a_list_that_fails_half_way_retires_nothing(
    plastic: ProviderAccount, process: SandboxProcess, fault: str
) -> None:
    services.refresh_options(plastic.pk)
    process.giftcardpartners.arm(fault, operation="listBrandings", count=10)

    run = services.refresh_options(plastic.pk)

    assert run.state == "failed"
    assert run.error
    assert (run.gone, plastic.options.filter(is_listed=True).count()) == (0, 12)
