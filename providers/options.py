"""Mirroring shipping methods, carriers, brandings and departments: retrieve, decide, store.

`plan_options` is pure. Nothing is retired unless every list was read whole, and none that came
empty; nothing is deleted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction

from giftops import clock
from providers.catalog import Progress, silently
from providers.columns import option_columns
from providers.gateways.base import OptionKind, OptionLister, RemoteOption, UnreadableItem
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount, ProviderOption, SyncRun

OPTIONS = "options"
Key = tuple[str, str]  # kind and their number
PLURALS = {
    OptionKind.SHIPPING_METHOD: "shipping methods",
    OptionKind.CARRIER: "carriers",
    OptionKind.BRANDING: "brandings",
    OptionKind.DEPARTMENT: "departments",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What we have of an option."""

    columns: Mapping[str, Any]
    is_listed: bool


@dataclass(slots=True)
class Listing:
    """What was read of the lists, and how the reading ended."""

    options: list[RemoteOption] = field(default_factory=list)
    unreadable: list[UnreadableItem] = field(default_factory=list)
    error: str = ""  # "" if the end of all of them was reached


@dataclass(frozen=True, slots=True)
class OptionPlan:
    """What is to be done with the mirror."""

    create: list[RemoteOption]
    update: list[RemoteOption]
    same: list[RemoteOption]
    retire: list[Key]
    unreadable: int
    error: str = ""


def read_listing(lister: OptionLister, tell: Progress = silently) -> Listing:
    """Read every list; a failure in the middle keeps what came before it."""
    listing = Listing()
    try:
        for count, item in enumerate(lister.list_options(), start=1):
            tell(count, None)
            if isinstance(item, UnreadableItem):
                listing.unreadable.append(item)
            else:
                listing.options.append(item)
    except ProviderError as problem:
        listing.error = problem.message
    return listing


def plan_options(known: Mapping[Key, Known], listing: Listing) -> OptionPlan:
    """Decide what is new, changed, the same and gone.

    The first of two entries with the same number counts. A list that comes empty is not believed
    while we know an entry of it, and an entry that cannot be read may be any of those we miss.
    """
    seen = {_key(item): item for item in reversed(listing.options)}
    same = {key for key, item in seen.items() if _is_same(known.get(key), item)}
    return OptionPlan(
        create=[item for key, item in seen.items() if key not in known],
        update=[item for key, item in seen.items() if key in known and key not in same],
        same=[item for key, item in seen.items() if key in same],
        retire=_vanished(known, seen, listing),
        unreadable=len(listing.unreadable) + len(listing.options) - len(seen),
        error=listing.error or _emptiness(known, seen, listing),
    )


def _vanished(
    known: Mapping[Key, Known], seen: Mapping[Key, RemoteOption], listing: Listing
) -> list[Key]:
    if listing.error or not all(item.external_id for item in listing.unreadable):
        return []
    alive = {item.external_id for item in listing.unreadable}
    kinds = {kind for kind, _ in seen}
    return sorted(
        (kind, external_id)
        for (kind, external_id), row in known.items()
        if row.is_listed
        and kind in kinds
        and (kind, external_id) not in seen
        and external_id not in alive
    )


def _emptiness(
    known: Mapping[Key, Known], seen: Mapping[Key, RemoteOption], listing: Listing
) -> str:
    if listing.unreadable:  # those may be the ones we miss
        return ""
    listed = {kind for (kind, _), row in known.items() if row.is_listed}
    missing = sorted(listed - {kind for kind, _ in seen})
    names = " and ".join(PLURALS[OptionKind(kind)] for kind in missing)
    return f"the list of {names} came empty; what we knew of it was kept" if names else ""


def _is_same(known: Known | None, item: RemoteOption) -> bool:
    return known is not None and known.is_listed and known.columns == option_columns(item)


def _key(item: RemoteOption) -> Key:
    return item.kind.value, item.external_id


def known_options(account: ProviderAccount) -> dict[Key, Known]:
    """What the mirror holds of an account."""
    rows = ProviderOption.objects.filter(account=account).values(
        "kind", "external_id", "is_listed", *_COLUMNS
    )
    return {
        (row["kind"], row["external_id"]): Known(
            {name: row[name] for name in _COLUMNS}, row["is_listed"]
        )
        for row in rows
    }


_COLUMNS = ("name", "description", "currency", "cost_minor", "fulfillment_group")


def apply_plan(account: ProviderAccount, plan: OptionPlan, run: SyncRun) -> None:
    """Store the plan and its counts; a row that the database refuses is counted as failed."""
    now = clock.db_now()
    run.new = _store(account, plan.create, now)
    run.changed = _store(account, plan.update, now)
    run.same = sum(_rows(account, _key(item)).update(last_seen_at=now) for item in plan.same)
    run.gone = sum(_rows(account, key).update(is_listed=False) for key in plan.retire)
    refused = len(plan.create) + len(plan.update) - run.new - run.changed
    run.failed = plan.unreadable + refused


def _store(account: ProviderAccount, items: Iterable[RemoteOption], now: datetime) -> int:
    """Count the rows that were stored; the lists are short, so each goes by itself."""
    return sum(_is_stored(account, item, now) for item in items)


def _is_stored(account: ProviderAccount, item: RemoteOption, now: datetime) -> bool:
    kind, external_id = _key(item)
    try:
        with transaction.atomic():
            ProviderOption.objects.update_or_create(
                account=account,
                kind=kind,
                external_id=external_id,
                defaults=option_columns(item) | {"is_listed": True, "last_seen_at": now},
            )
    except (IntegrityError, DataError):
        return False
    return True


def _rows(account: ProviderAccount, key: Key) -> Any:
    kind, external_id = key
    return ProviderOption.objects.filter(account=account, kind=kind, external_id=external_id)
