"""The provider's own order history, mirrored: matched to our orders, or shown as not placed by us.

Retrieve a page, decide by content hash what is new or changed, store it in one transaction. The
list moves while it is read, so the newest pages are read a second time; nothing is ever deleted.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import transaction

from giftops.clock import db_now
from giftops.queue import enqueue
from orders.models import BreakKind, Order, RemoteOrder
from orders.services import breaking, reopening
from orders.services.problems import Refused
from orders.statuses import Status
from providers import catalog
from providers import services as providers
from providers.gateways import base
from providers.gateways.base import Seller, Standing
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount, SyncRun
from providers.registry import slugs_with

MOST_PAGES = 10_000
NEWEST_PAGES = 2
RUN_IS_DEAD_AFTER_SECONDS = 15 * 60

T = TypeVar("T")


@dataclass(slots=True)
class Counts:
    new: int = 0
    changed: int = 0
    same: int = 0
    failed: int = 0
    seen: set[str] = field(default_factory=set)


def mirror_remote_orders(account_id: str, tell: catalog.Progress = catalog.silently) -> SyncRun:
    """Read the whole order history of an account; the run says what came of it.

    While another worker is at it, gives its run; a run that died is over after 15 minutes.
    """
    account = ProviderAccount.objects.get(pk=account_id)
    run, is_mine = catalog.begin_run(
        account.pk, "orders", stale_after_seconds=RUN_IS_DEAD_AFTER_SECONDS
    )
    if not is_mine:
        return run
    counts = Counts()
    try:
        _read_all(account, counts, tell)
    except ProviderError as error:
        return _finish(run, counts, SyncRun.State.FAILED, str(error))
    return _finish(run, counts, SyncRun.State.DONE, "")


def refresh_all() -> None:
    """Arrange for the history of every active seller to be read, each in a job of its own."""
    sellers = slugs_with("seller")
    for account in ProviderAccount.objects.filter(is_active=True, provider__in=sellers):
        enqueue("orders.tasks.mirror_remote_orders", account.pk)


def _read_all(account: ProviderAccount, counts: Counts, tell: catalog.Progress) -> None:
    gateway: Seller = providers.gateway_for(account)
    for number in range(1, MOST_PAGES + 1):
        page = gateway.list_orders(number)
        _store_page(account, page, counts)
        tell(len(counts.seen), page.total)
        if page.is_last:
            break
    for again in range(1, min(NEWEST_PAGES, number) + 1):
        _store_page(account, gateway.list_orders(again), counts)


def _store_page(
    account: ProviderAccount, page: base.Page[base.RemoteOrder], counts: Counts
) -> None:
    """Compare, then store: what a crash leaves unsaid in between is news to the next run again.

    One transaction per comparison, because each takes rows of its own order before the audit trail.
    """
    ids = [remote.external_id for remote in page.items]
    rows = RemoteOrder.objects.filter(account=account, external_id__in=ids)
    known = {row.external_id: row for row in rows.select_related("order__account")}
    ours: dict[str, Order | None] = {}
    for remote in page.items:
        row = known.get(remote.external_id)
        is_news = not _is_known(remote, row)
        order = _ours(account, remote) if row is None or is_news else row.order
        ours[remote.external_id] = order
        if order is not None:
            _compare(order, remote, is_news=is_news)
    with transaction.atomic():
        for remote in page.items:
            row = known.get(remote.external_id)
            _store_one(account, remote, row, ours[remote.external_id], counts)
    counts.failed += len(page.unreadable)


def _is_known(remote: base.RemoteOrder, row: RemoteOrder | None) -> bool:
    """Whether it is stored as it is, and matched to an order of ours."""
    return row is not None and row.content_hash == hash_of(remote) and row.order_id is not None


def _store_one(
    account: ProviderAccount,
    remote: base.RemoteOrder,
    row: RemoteOrder | None,
    ours: Order | None,
    counts: Counts,
) -> None:
    fingerprint = hash_of(remote)
    is_first_look = remote.external_id not in counts.seen
    counts.seen.add(remote.external_id)
    if _is_known(remote, row):
        counts.same += is_first_look
        return
    fields = _columns(remote) | {
        "content_hash": fingerprint, "last_seen_at": db_now(), "order": _matched(remote, ours),
    }  # fmt: skip
    _, is_new = RemoteOrder.objects.update_or_create(
        account=account, external_id=remote.external_id,
        defaults=fields, create_defaults=fields | {"first_seen_at": db_now()},
    )  # fmt: skip
    is_same = row is not None and row.content_hash == fingerprint
    counts.new += is_new
    counts.same += is_same and is_first_look
    counts.changed += not is_new and not is_same


def _matched(remote: base.RemoteOrder, ours: Order | None) -> Order | None:
    """An order is matched once: the number decides, a mere reference comes too late for a match."""
    if ours is None:
        return None
    others = RemoteOrder.objects.filter(order=ours).exclude(external_id=remote.external_id)
    if ours.external_id == remote.external_id:
        others.update(order=None)
    elif others.exists():
        return None
    return ours


def hash_of(remote: base.RemoteOrder) -> str:
    """SHA-256 over what we keep of a remote order; equal means nothing to write."""
    facts = _columns(remote) | {"placed_at": str(remote.placed_at)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _columns(remote: base.RemoteOrder) -> dict[str, object]:
    """What we keep of it; of several lines what they share, and how many cards they are in all."""
    currency = _shared(line.face_value.currency for line in remote.lines)
    value = _shared(line.face_value.minor for line in remote.lines)
    return {
        "reference": remote.reference or "",
        "status_text": remote.status_text[:200],
        "standing": remote.standing,
        "product_external_id": _shared(line.product_id for line in remote.lines) or "",
        "currency": currency or "",
        "face_value_minor": value,
        "quantity": sum(line.quantity for line in remote.lines) or 1,
        "placed_at": remote.placed_at,
    }


def _shared(values: Iterable[T]) -> T | None:
    """What all of them are; None if they differ, or there are none."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _ours(account: ProviderAccount, remote: base.RemoteOrder) -> Order | None:
    """Our order with this number or, failing that, the one without a number with this reference."""
    orders = Order.objects.filter(account=account).select_related("account", "batch__maker")
    found = orders.filter(external_id=remote.external_id).first()
    if found is None and remote.reference:
        found = orders.filter(external_id="", reference=remote.reference).first()
    return found


def _compare(order: Order, remote: base.RemoteOrder, *, is_news: bool) -> None:
    """The mirror decides nothing about money, but it may see what nobody else looks at any more."""
    lives_there = remote.standing is not Standing.CANCELLED
    if order.status in reopening.REOPENED and lives_there:
        try:
            with transaction.atomic():
                reopening.report_late_truth(order, remote)
        except Refused:
            return  # the order moved this very moment; the next run looks again
    delivered = order.status in (Status.FULFILLED, Status.PARTLY_FULFILLED)
    if is_news and delivered and remote.standing is not Standing.COMPLETED:
        text = f"{order.reference} is fulfilled; the provider now says “{remote.status_text}”."
        with transaction.atomic():
            breaking.open_break(BreakKind.CONTRADICTION, order.account, order=order, text=text)


def _finish(run: SyncRun, counts: Counts, state: str, error: str) -> SyncRun:
    run.new, run.changed, run.same, run.failed = (
        counts.new, counts.changed, counts.same, counts.failed,
    )  # fmt: skip
    run.state, run.error, run.finished_at = state, error[:300], db_now()
    run.save()
    return run
