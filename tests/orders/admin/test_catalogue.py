"""The catalogue over all sellers: found, told with its age, and nothing fetched from outside."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from giftops.models import AuditEntry, Job
from giftops.once import new_token
from providers import services
from providers.models import Product, ProviderAccount, ProviderOption, SyncRun
from tests.orders.admin.conftest import said
from tests.orders.admin.test_orders_list import reads

LIST, DETAIL = "providers_product_changelist", "providers_product_change"
NASTY = '<p>Good in <b>all</b> shops</p><img src="https://cdn.example/x.png" onerror="alert(1)">'
EVERY_TYPE = ["codes", "links", "physical_shipment"]


@pytest.fixture
def other(shop: Any) -> ProviderAccount:
    """A second seller, whose catalogue keeps for a week and has options."""
    return services.create_account(
        name="plastic", provider="giftcardpartners", environment="sandbox",
        base_url="http://127.0.0.1:8010/giftcardpartners",
        credentials={"email": "sandbox@example.com", "access_token": "sandbox"},
    )  # fmt: skip


def product(account: ProviderAccount, name: str, at: Any, **fields: Any) -> Product:
    values: dict[str, Any] = {
        "external_id": f"no-{name}", "currency": "USD", "kind": "fixed", "content_hash": "x",
        "denominations": [1000, 2500], "order_types": ["links"], "last_seen_at": at,
    }  # fmt: skip
    return Product.objects.create(account=account, name=name, **values | fields)


def option(account: ProviderAccount, name: str, at: Any, **fields: Any) -> ProviderOption:
    values = {"kind": "shipping_method", "external_id": name.upper(), "last_seen_at": at}
    return ProviderOption.objects.create(account=account, name=name, **values | fields)


def ran(account: ProviderAccount, at: Any, **fields: Any) -> SyncRun:
    values = {"what": "products", "state": "done"} | fields
    return SyncRun.objects.create(account=account, started_at=at, **values)


def names(answer: Any) -> set[str]:
    return {row.name for row in answer.context["cl"].result_list}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"provider": "giftcardpartners"}, ["Zebra maple", "Zebra plastic"]),
        ({"delivery": "physical_shipment"}, ["Zebra plastic"]),
        ({"currency": "CAD", "q": "zebra"}, ["Zebra maple"]),
        ({"available": "no", "q": "zebra"}, ["Zebra maple"]),
        ({"kind": "fixed", "delivery": "links"}, ["Zebra maple"]),
        ({"q": "PLASTIC"}, ["Zebra plastic"]),
        ({"q": "no-Zebra"}, []),
        ({"q": "brand of maple"}, ["Zebra maple"]),
    ],
    ids=str,
)
def test_cards_are_found_over_all_sellers(
    shop: Any, other: ProviderAccount, desk_of: Any, query: dict[str, str], found: list[str]
) -> None:
    now = shop.time.moment
    product(other, "Zebra plastic", now, order_types=["physical_shipment"])
    product(
        other, "Zebra maple", now, currency="CAD", brand="The brand of maple", is_available=False
    )

    answer = desk_of("auditor").get(LIST, **query)

    assert sorted(names(answer)) == found


def test_a_line_tells_values_delivery_price_and_seller(
    shop: Any, other: ProviderAccount, desk_of: Any
) -> None:
    product(
        other, "Zebra", shop.time.moment, order_types=EVERY_TYPE, fee_minor=50,
        discount_hundredths=300,
    )  # fmt: skip

    text = desk_of("auditor").text(LIST, q="Zebra")

    for words in (
        "USD 10 or 25", "3 % off, fee USD 0.50", "Codes, Claim links, Plastic by post",
        "GiftCard Partners",
    ):  # fmt: skip
        assert words in text


def test_data_older_than_it_may_be_is_marked(
    shop: Any, other: ProviderAccount, desk_of: Any
) -> None:
    now = shop.time.moment
    product(other, "Zebra week", now - timedelta(days=6))
    product(other, "Zebra month", now - timedelta(days=9))
    product(other, "Zebra gone", now - timedelta(days=9), is_listed=False)

    text = desk_of("auditor").text(LIST, q="Zebra")

    assert text.count("g-pill--amber") == 1
    assert "9 d ago" in text


def test_each_account_tells_how_old_its_copy_is_and_what_went_wrong(
    shop: Any, other: ProviderAccount, desk_of: Any
) -> None:
    now = shop.time.moment
    product(other, "Zebra", now)
    ran(other, now - timedelta(days=3))
    ran(other, now, state="failed", error="They did not answer in time.")
    ran(other, now, what="options", state="running")

    answer = desk_of("auditor").get(LIST)
    text = " ".join(answer.content.decode().split())

    assert "1 card as of <time" in text
    assert "They did not answer in time. What is shown is from before." in text
    assert "being read" in text
    assert "plastic after 7 d" in text
    assert [each.account.name for each in answer.context["ages"]] == [shop.account.name, "plastic"]


@pytest.mark.parametrize("products", [1, 60])
def test_the_catalogue_takes_the_same_few_queries_whatever_its_length(
    shop: Any, other: ProviderAccount, desk_of: Any, products: int
) -> None:
    now = shop.time.moment
    for number in range(products):
        product(other, f"Zebra {number}", now)
        option(other, f"Way {number}", now)
    desk = desk_of("finance_maker")
    desk.get(LIST)

    with CaptureQueriesContext(connection) as context:
        desk.get(LIST)

    assert len(reads(context)) <= 14, reads(context)


@pytest.mark.parametrize("options", [1, 60])
def test_the_options_take_the_same_few_queries_whatever_their_number(
    shop: Any, other: ProviderAccount, desk_of: Any, options: int
) -> None:
    for number in range(options):
        option(other, f"Way {number}", shop.time.moment)
    desk = desk_of("finance_maker")
    desk.get("providers_product_options")

    with CaptureQueriesContext(connection) as context:
        desk.get("providers_product_options")

    assert len(reads(context)) <= 8, reads(context)


def test_a_card_shows_its_cleaned_texts_and_its_raw_facts_as_text(
    shop: Any, other: ProviderAccount, desk_of: Any
) -> None:
    card = product(
        other, "Zebra", shop.time.moment, description=NASTY, terms="<script>alert(1)</script>",
        needs_carrier=True, fulfillment_group="GROUP1",
        payload={"Media": {"Faceplates": [{"Path": "https://cdn.example/x.png"}]}, "Bad": NASTY},
    )  # fmt: skip

    text = desk_of("auditor").text(DETAIL, card.pk)

    assert "<p>Good in <b>all</b> shops</p>" in text
    assert "https://cdn.example/x.png" in text  # as text of the raw item
    assert "<img src=" not in text
    assert "onerror=&quot;" in text or "onerror=\\&quot;" in text
    assert "alert(1)</script>" not in text
    assert "has to be chosen" in text
    assert "GROUP1" in text


def test_a_card_that_is_gone_cannot_be_bought_from_its_page(
    shop: Any, other: ProviderAccount, desk_of: Any
) -> None:
    card = product(other, "Zebra", shop.time.moment, is_listed=False)

    text = desk_of("finance_maker").text(DETAIL, card.pk)

    assert "cannot be ordered" in text
    assert reverse("admin:orders_order_buy") + "?product" not in text


def test_options_are_told_by_account_with_cost_and_age(
    shop: Any, other: ProviderAccount, desk_of: Any
) -> None:
    now = shop.time.moment
    option(other, "Express", now - timedelta(days=9), currency="USD", cost_minor=1295)
    option(other, "Plain", now, kind="carrier", fulfillment_group="GROUP1", is_listed=False)

    answer = desk_of("support_agent").get("providers_product_options", account=other.pk)
    text = answer.content.decode()

    headings = [section.heading for section in answer.context["sections"]]
    assert headings == ["Shipping methods", "Card carriers"]
    for words in ("USD 12.95", "9 d ago", "g-pill--amber", "GROUP1", "No longer listed"):
        assert words in text


@pytest.mark.parametrize("account", ["x", "", "\0", "9" * 400])
def test_an_odd_account_shows_all_options(
    shop: Any, other: ProviderAccount, desk_of: Any, account: str
) -> None:
    option(other, "Express", shop.time.moment)

    assert "Express" in desk_of("auditor").text("providers_product_options", account=account)


def test_without_options_the_page_says_what_it_is_for(shop: Any, desk_of: Any) -> None:
    text = desk_of("auditor").text("providers_product_options")

    assert "There is nothing to choose from yet" in text


def test_one_account_is_refreshed_alone_with_everything_it_lists(
    shop: Any, other: ProviderAccount, mira: Any, desk_of: Any
) -> None:
    Job.objects.all().delete()
    token, desk = new_token(), desk_of(mira)

    answers = [
        desk.press("providers_product_refresh", account=str(other.pk), once=token, follow=True)
        for _ in range(2)
    ]

    jobs = Job.objects.order_by("name").values_list("name", "ids")
    assert list(jobs) == [
        ("providers.tasks.refresh_options", [str(other.pk)]),
        ("providers.tasks.refresh_products", [str(other.pk)]),
    ]
    assert said(answers[0]).startswith("2 lists are being read again.")
    assert AuditEntry.objects.filter(action="products.refresh_asked").count() == 1


@pytest.mark.parametrize("account", ["x", "00000000-0000-0000-0000-000000000000"])
def test_an_account_that_is_none_refreshes_nothing(shop: Any, desk_of: Any, account: str) -> None:
    Job.objects.all().delete()

    answer = desk_of("finance_maker").press("providers_product_refresh", account=account)

    assert answer.status_code == 302
    assert not Job.objects.exists()
