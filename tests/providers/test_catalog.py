"""Mirroring a catalogue: counts, and what never happens to it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from giftops import clock
from giftops.money import Money
from providers import catalog, services, tasks
from providers.catalog import Known, Listing, plan_catalog
from providers.columns import content_hash
from providers.gateways.base import (
    OrderType,
    ProductKind,
    RemoteProduct,
    Seller,
    UnreadableItem,
)
from providers.models import Product, ProviderAccount, SyncRun
from tests.providers.conftest import MakeAccount, MovingClock
from tests.recorded import recorded_json
from tests.stubs import StubProvider

pytestmark = pytest.mark.django_db

ITEM = recorded_json("ncentiva/inventory")["data"][0]


def page(*items: Any, pages: int = 1, number: int = 1) -> dict[str, Any]:
    return {"page": number, "totalPages": pages, "data": list(items)}


def item(identity: Any, **fields: Any) -> dict[str, Any]:
    return ITEM | {"giftCardTypeId": identity} | fields


def counts(run: SyncRun) -> dict[str, int]:
    names = ("new", "changed", "same", "gone", "failed")
    return {name: getattr(run, name) for name in names if getattr(run, name)}


@pytest.fixture(autouse=True)
def _at_rest(moving_clock: MovingClock) -> None:
    """Waiting for the rate budget takes no time here."""


def test_a_catalogue_is_mirrored_and_a_second_look_changes_nothing(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, page(item(1), item(2)))

    first = services.refresh_products(account.pk)
    second = services.refresh_products(account.pk)

    assert (first.state, counts(first)) == ("done", {"new": 2})
    assert (second.state, counts(second)) == ("done", {"same": 2})
    assert second.duration is not None
    product = Product.objects.get(external_id="1")
    assert product.payload["cardValue"] == "25.0"
    assert (product.face_value, product.value_text) == (Money(2500, "USD"), "USD 25.00")


def test_changed_vanished_and_returned_products_are_told_apart(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, page(item(1), item(2), item(3)))
    services.refresh_products(account.pk)

    stub._script[:] = []
    stub.answers(200, page(item(1), item(2, name="Renamed")))
    changed = services.refresh_products(account.pk)
    stub._script[:] = []
    stub.answers(200, page(item(1), item(2, name="Renamed"), item(3)))
    returned = services.refresh_products(account.pk)

    assert counts(changed) == {"same": 1, "changed": 1, "gone": 1}
    assert counts(returned) == {"same": 2, "changed": 1}
    assert Product.objects.filter(is_listed=True).count() == 3


BROKEN_SECOND_LOOKS: dict[str, tuple[int, Any]] = {
    "empty": (200, page()),
    "HTML": (200, b"<html>log in</html>"),
    "nothing": (200, b""),
    "500": (500, b""),
    "401": (401, b"{}"),
    "the end not reached": (200, page(item(1), pages=2)),
    "a list": (200, []),
}


@pytest.mark.parametrize(("status", "body"), BROKEN_SECOND_LOOKS.values(), ids=BROKEN_SECOND_LOOKS)
def test_a_listing_that_is_not_whole_never_wipes_the_mirror(
    account: ProviderAccount, stub: StubProvider, status: int, body: Any
) -> None:
    stub.answers(200, page(item(1), item(2)))
    services.refresh_products(account.pk)
    stub._script[:] = []
    stub.answers(status, body)

    run = services.refresh_products(account.pk)

    assert (run.state, run.gone) == ("failed", 0)
    assert run.error
    assert Product.objects.filter(is_listed=True).count() == 2


def test_what_was_read_before_a_failure_is_kept(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, page(item(1), pages=2)).fails(requests.ReadTimeout())

    run = services.refresh_products(account.pk)

    assert (run.state, counts(run)) == ("failed", {"new": 1})


BAD_ITEMS = [
    item("five"),
    item(None),
    item(3, cardValue=None),
    item(3, cardValue=-5),
    item(3, cardValue=25.001),
    item(3, currency="XXQ"),
    item(3, denominationType="open"),
    item(3, name=""),
    item(3, name="a\x00b"),
    item(3, brand="\ud800"),
    item(3, extra="a\x00b"),
    item(3, available="yes"),
    item(3, denominationType="variable", minAmount=10, maxAmount=5),
    "not an object",
    None,
]


@pytest.mark.parametrize("bad", BAD_ITEMS, ids=[str(number) for number in range(len(BAD_ITEMS))])
def test_one_bad_item_is_counted_and_does_not_stop_the_rest(
    account: ProviderAccount, stub: StubProvider, bad: Any
) -> None:
    stub.answers(200, json.dumps(page(item(1), bad, item(2))).encode())

    run = services.refresh_products(account.pk)

    assert (run.state, counts(run)) == ("done", {"new": 2, "failed": 1})


def test_a_known_product_that_cannot_be_read_today_stays_listed(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, page(item(1), item(2)))
    services.refresh_products(account.pk)
    stub._script[:] = []
    stub.answers(200, page(item(1), item(2, cardValue="soon")))

    run = services.refresh_products(account.pk)

    assert counts(run) == {"same": 1, "failed": 1}
    assert Product.objects.get(external_id="2").is_listed


def test_a_run_under_way_is_not_doubled_and_a_dead_one_is_closed(
    account: ProviderAccount, stub: StubProvider, moving_clock: MovingClock
) -> None:
    stub.answers(200, page(item(1)))
    running = SyncRun.objects.create(
        account=account, what=catalog.PRODUCTS, started_at=clock.db_now()
    )

    assert services.refresh_products(account.pk) == running
    assert stub.requests == []
    moving_clock.pass_(services.RUN_IS_DEAD_AFTER + 1)
    assert services.refresh_products(account.pk).state == "done"
    running.refresh_from_db()
    assert (running.state, running.error) == ("failed", "it was interrupted")


def test_a_failed_run_is_tried_again_by_the_job(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, b"")

    with pytest.raises(tasks.SyncFailed):
        tasks.refresh_products(str(account.pk))


def test_accounts_do_not_mix(make_account: MakeAccount, stub: StubProvider) -> None:
    one, other = make_account(name="one"), make_account(name="other")
    stub.answers(200, page(item(1)))

    services.refresh_products(one.pk)
    services.refresh_products(other.pk)

    assert Product.objects.filter(external_id="1", is_listed=True).count() == 2


def remote(identity: str, mark: int = 0) -> RemoteProduct:
    return RemoteProduct(
        external_id=identity,
        name="A",
        brand="",
        currency="USD",
        kind=ProductKind.VARIABLE,
        payload={"mark": mark},
    )


@dataclass
class Shop:
    """A seller with these products; only its catalogue is asked for here."""

    products: list[RemoteProduct]

    def list_products(self) -> Iterator[RemoteProduct]:
        yield from self.products


def mirrored(account: ProviderAccount, *items: RemoteProduct) -> SyncRun:
    """Mirror a catalogue that holds these items and nothing else."""
    run, _ = catalog.begin_run(account.pk, catalog.PRODUCTS, stale_after_seconds=60)
    listing = catalog.read_listing(cast(Seller, Shop(list(items))))
    catalog.apply_plan(account, plan_catalog(catalog.known_products(account), listing), run)
    catalog.end_run(run, SyncRun.State.DONE)
    return run


PLASTIC = RemoteProduct(
    external_id="P-1", name="Plastic", brand="Shop", currency="USD", kind=ProductKind.FIXED,
    denominations=(Money(5000, "USD"), Money(1000, "USD"), Money(2500, "USD")),
    order_types=(OrderType.PHYSICAL, OrderType.LINKS), needs_carrier=True,
    fulfillment_group="GROUP1", fee=Money(50, "USD"), discount_percent=Decimal("2.505"),
    description="<p>For <b>all</b></p><script>alert(1)</script>",
    terms='<a href="//evil">No cash</a>',
)  # fmt: skip


def test_everything_that_decides_about_an_order_is_stored(account: ProviderAccount) -> None:
    run = mirrored(account, PLASTIC)

    product = Product.objects.get(external_id="P-1")
    assert counts(run) == {"new": 1}
    assert product.values == (Money(1000, "USD"), Money(2500, "USD"), Money(5000, "USD"))
    assert product.face_value is None
    assert product.order_types == ["physical_shipment", "links"]
    assert (product.needs_carrier, product.fulfillment_group) == (True, "GROUP1")
    assert (product.fee, product.discount_percent) == (Money(50, "USD"), Decimal("2.5"))
    assert (product.description, product.terms) == ("<p>For <b>all</b></p>", "No cash")


@pytest.mark.parametrize(
    "change",
    [
        {"denominations": (Money(1000, "USD"),)},
        {"order_types": (OrderType.LINKS,)},
        {"needs_carrier": False},
        {"fulfillment_group": "GROUP2"},
        {"fee": None},
        {"discount_percent": Decimal(3)},
        {"description": "Another"},
        {"terms": ""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_we_read_differently_counts_as_changed(
    account: ProviderAccount, change: dict[str, Any]
) -> None:
    mirrored(account, PLASTIC)

    run = mirrored(account, replace(PLASTIC, **change))

    assert counts(run) == {"changed": 1}


def test_a_product_that_the_database_refuses_does_not_stop_the_rest(
    account: ProviderAccount,
) -> None:
    wrong = replace(PLASTIC, external_id="P-2", discount_percent=Decimal(-1))

    run = mirrored(account, wrong, PLASTIC)

    assert counts(run) == {"new": 1, "failed": 1}
    assert Product.objects.get().external_id == "P-1"


def test_products_are_found_by_how_they_are_sold(account: ProviderAccount) -> None:
    digital = replace(PLASTIC, external_id="P-2", order_types=(OrderType.DIGITAL,))
    mirrored(account, PLASTIC, digital)

    found = Product.objects.sold_as(OrderType.LINKS)

    assert [product.external_id for product in found] == ["P-1"]


@pytest.mark.parametrize(
    ("minors", "currency", "text"),
    [
        ([2500], "USD", "USD 25.00"),
        ([1000, 2500], "USD", "USD 10 or 25"),
        ([1000, 2500, 5000, 100000], "USD", "USD 10, 25, 50 or 1,000"),
        ([1050, 2500], "USD", "USD 10.50 or 25.00"),
        ([1000, 5000], "JPY", "JPY 1,000 or 5,000"),
        ([n * 500 for n in range(1, 24)], "USD", "USD 5, 10, 15 … 115 (23 values)"),
    ],
)
def test_values_are_told_briefly(minors: list[int], currency: str, text: str) -> None:
    product = Product(name="A", currency=currency, kind="fixed", denominations=minors)

    assert product.value_text == text


IDS = st.sampled_from("abcdef")


@given(
    known=st.dictionaries(IDS, st.tuples(st.integers(0, 1), st.booleans())),
    seen=st.lists(st.tuples(IDS, st.integers(0, 1))),
    unreadable=st.lists(IDS | st.just("")),
    error=st.sampled_from(["", "it broke off"]),
)
def test_every_product_is_planned_once_and_only_a_whole_listing_retires(
    known: dict[str, tuple[int, bool]],
    seen: list[tuple[str, int]],
    unreadable: list[str],
    error: str,
) -> None:
    mirror = {
        key: Known(content_hash(remote(key, mark)), listed) for key, (mark, listed) in known.items()
    }
    listing = Listing(
        products=[remote(key, mark) for key, mark in seen],
        unreadable=[UnreadableItem(position="", problem="", external_id=i) for i in unreadable],
        error=error,
    )

    plan = plan_catalog(mirror, listing)

    created = [product.external_id for product in plan.create]
    updated = [product.external_id for product in plan.update]
    read = {key for key, _ in seen}
    assert sorted(created + updated + plan.same) == sorted(read)
    assert set(created) == read - known.keys()
    assert not set(plan.retire) & (read | set(unreadable))
    assert not plan.retire or not (plan.error or "" in unreadable)
    assert plan.unreadable == len(unreadable) + len(seen) - len(read)


@pytest.mark.parametrize(
    ("fields", "value", "hint"),
    [
        ({}, Money(2500, "USD"), ""),
        ({}, Money(2600, "USD"), "sold at USD 25.00 only"),
        ({}, Money(2500, "EUR"), "sold in USD"),
        ({"is_listed": False}, Money(2500, "USD"), "no longer"),
        ({"is_available": False}, Money(2500, "USD"), "not available"),
        ({"denominations": [1000, 2600]}, Money(2600, "USD"), ""),
        ({"denominations": [1000, 2600]}, Money(2500, "USD"), "sold at USD 10 or 26 only"),
        ({"denominations": [*range(100, 1000, 100)]}, Money(50, "USD"), "5, 6, 7, 8 or 9 only"),
        ({"face_value_minor": None}, Money(2500, "USD"), "names no value"),
        ({"kind": "variable"}, Money(1, "USD"), ""),
        ({"kind": "variable"}, Money(0, "USD"), "more than nothing"),
        ({"kind": "variable", "min_minor": 1000}, Money(999, "USD"), "smallest"),
        ({"kind": "variable", "max_minor": 1000}, Money(1001, "USD"), "largest"),
        ({"kind": "variable", "min_minor": 5, "max_minor": 5}, Money(5, "USD"), ""),
    ],
)
def test_a_product_says_what_it_can_be_bought_for(
    fields: dict[str, Any], value: Money, hint: str
) -> None:
    values = {"name": "A", "currency": "USD", "kind": "fixed", "face_value_minor": 2500}
    product = Product(last_seen_at=clock.db_now(), **values | fields)

    if not hint:
        product.accepts(value)
    else:
        with pytest.raises(ValueError, match=hint):
            product.accepts(value)
