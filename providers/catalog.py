"""Mirroring a catalogue: retrieve, decide, store.

`plan_catalog` is pure. Nothing is retired unless the listing reached its end; nothing is deleted.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from giftops import clock
from giftops.identity import new_id
from providers.columns import content_hash, product_columns
from providers.gateways.base import RemoteProduct, Seller, UnreadableItem
from providers.gateways.errors import ProviderError
from providers.models import Product, ProviderAccount, SyncRun

PRODUCTS = "products"
BATCH = 500
WHEN_SEEN = ["is_listed", "content_hash", "last_seen_at"]
REFUSALS = (IntegrityError, DataError)  # of the database, about one row


Progress = Callable[[int, int | None], None]  # how many were read, of how many if that is known


def silently(done: int, total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Known:
    """What we have of a product."""

    content_hash: str
    is_listed: bool


@dataclass(slots=True)
class Listing:
    """What was read of a catalogue, and how the reading ended."""

    products: list[RemoteProduct] = field(default_factory=list)
    unreadable: list[UnreadableItem] = field(default_factory=list)
    error: str = ""  # "" if the end was reached


@dataclass(frozen=True, slots=True)
class CatalogPlan:
    """What is to be done with the mirror."""

    create: list[RemoteProduct]
    update: list[RemoteProduct]
    same: list[str]  # external ids
    retire: list[str]
    unreadable: int
    error: str = ""


def read_listing(seller: Seller, tell: Progress = silently) -> Listing:
    """Read the whole catalogue; a failure in the middle keeps what came before it."""
    listing = Listing()
    try:
        for count, item in enumerate(seller.list_products(), start=1):
            tell(count, None)
            if isinstance(item, UnreadableItem):
                listing.unreadable.append(item)
            else:
                listing.products.append(item)
    except ProviderError as problem:
        listing.error = problem.message
    return listing


def plan_catalog(known: Mapping[str, Known], listing: Listing) -> CatalogPlan:
    """Decide by content hash what is new, changed, the same and gone.

    The first of two items with the same id counts. An empty catalogue is not believed while we
    know a listed product, and an item whose id cannot be read may be any of those we miss.
    """
    seen = {item.external_id: item for item in reversed(listing.products)}
    listed = {external_id for external_id, row in known.items() if row.is_listed}
    error = listing.error
    if not error and listed and not listing.products:
        error = "the catalogue came empty; nothing was changed"
    may_retire = not error and all(item.external_id for item in listing.unreadable)
    alive = seen.keys() | {item.external_id for item in listing.unreadable}
    same = [key for key, item in seen.items() if _is_same(known.get(key), item)]
    return CatalogPlan(
        create=[item for key, item in seen.items() if key not in known],
        update=[item for key, item in seen.items() if key in known and key not in set(same)],
        same=same,
        retire=sorted(listed - alive) if may_retire else [],
        unreadable=len(listing.unreadable) + len(listing.products) - len(seen),
        error=error,
    )


def _is_same(known: Known | None, item: RemoteProduct) -> bool:
    return known is not None and known.is_listed and known.content_hash == content_hash(item)


def known_products(account: ProviderAccount) -> dict[str, Known]:
    """What the mirror holds of an account."""
    rows = Product.objects.filter(account=account).values_list(
        "external_id", "content_hash", "is_listed"
    )
    return {external_id: Known(digest, is_listed) for external_id, digest, is_listed in rows}


def apply_plan(account: ProviderAccount, plan: CatalogPlan, run: SyncRun) -> None:
    """Store the plan and its counts; a row that the database refuses is counted as failed."""
    now = clock.db_now()
    refused = _store_items(account, plan.create, now) + _store_items(account, plan.update, now)
    gone = _retire(account, plan.retire)
    _mark_seen(account, plan.same, now)
    run.new = sum(item.external_id not in refused for item in plan.create)
    run.changed = sum(item.external_id not in refused for item in plan.update)
    run.same, run.gone = len(plan.same), gone
    run.failed = plan.unreadable + len(refused)


def _store_items(account: ProviderAccount, items: list[RemoteProduct], now: datetime) -> list[str]:
    refused: list[str] = []
    for batch in _batches(items):
        try:
            _upsert(account, batch, now)
        except REFUSALS:
            refused += _store_one_by_one(account, batch, now)
    return refused


def _store_one_by_one(
    account: ProviderAccount, items: Iterable[RemoteProduct], now: datetime
) -> list[str]:
    refused = []
    for item in items:
        try:
            _upsert(account, [item], now)
        except REFUSALS:
            refused.append(item.external_id)
    return refused


def _upsert(account: ProviderAccount, items: Collection[RemoteProduct], now: datetime) -> None:
    kept = {item.external_id: product_columns(item) for item in items}
    rows = [
        Product(
            id=new_id(),
            account=account,
            external_id=item.external_id,
            is_listed=True,
            content_hash=content_hash(item),
            last_seen_at=now,
            **kept[item.external_id],
        )
        for item in items
    ]
    columns = set().union(*kept.values())
    with transaction.atomic():
        Product.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["account", "external_id"],
            update_fields=[*sorted(columns), *WHEN_SEEN],
        )


def _retire(account: ProviderAccount, external_ids: list[str]) -> int:
    rows = Product.objects.filter(account=account, is_listed=True)
    return sum(
        rows.filter(external_id__in=batch).update(is_listed=False)
        for batch in _batches(external_ids)
    )


def _mark_seen(account: ProviderAccount, external_ids: list[str], now: datetime) -> None:
    for batch in _batches(external_ids):
        Product.objects.filter(account=account, external_id__in=batch).update(last_seen_at=now)


def _batches(items: list[Any]) -> list[list[Any]]:
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


def begin_run(account_id: UUID, what: str, *, stale_after_seconds: int) -> tuple[SyncRun, bool]:
    """A new run, or the one that is under way (False). One that is far too old has died."""
    now = clock.db_now()
    running = SyncRun.objects.filter(account_id=account_id, what=what, state=SyncRun.State.RUNNING)
    for run in running:
        if (now - run.started_at).total_seconds() < stale_after_seconds:
            return run, False
        end_run(run, SyncRun.State.FAILED, "it was interrupted")
    try:
        with transaction.atomic():
            run = SyncRun.objects.create(account_id=account_id, what=what, started_at=now)
    except IntegrityError:  # somebody began at the same moment
        return running.get(), False
    return run, True


def end_run(run: SyncRun, state: SyncRun.State, error: str = "") -> None:
    """Close a run with its counts."""
    run.state, run.error, run.finished_at = state, error[:300], clock.db_now()
    run.save()
