"""How old our copy of each account's catalogue is, and what the last reading of it met."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from giftops.clock import db_now
from providers import freshness
from providers.catalog import PRODUCTS
from providers.models import Product, ProviderAccount, ProviderOption, SyncRun
from providers.options import OPTIONS

NOUNS = {PRODUCTS: "card", OPTIONS: "option"}


@dataclass(frozen=True, slots=True)
class List:
    """One list of an account as we have it; `problem` says why the last reading failed."""

    noun: str
    count: int
    read_at: datetime | None
    is_old: bool
    is_running: bool
    problem: str
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ages:
    """The lists of one account, and how long a copy of them keeps."""

    account: ProviderAccount
    keeps: timedelta
    lists: list[List]

    @property
    def is_running(self) -> bool:
        return any(each.is_running for each in self.lists)


def ages() -> list[Ages]:
    """Every active account that lists anything; the same few queries however much it lists."""
    accounts = [
        account
        for account in ProviderAccount.objects.active().defer("credentials")
        if freshness.whats(account)
    ]
    ids = [account.pk for account in accounts]
    known, now = freshness.mirrors(ids), db_now()
    last = _last_runs({key: mirror.tried_at for key, mirror in known.items()})
    counts = {
        PRODUCTS: _counted(Product.objects.filter(account__in=ids)),
        OPTIONS: _counted(ProviderOption.objects.filter(account__in=ids)),
    }

    def one(account: ProviderAccount, what: str) -> List:
        run, read_at = last.get((account.pk, what)), known[account.pk, what].read_at
        is_failed = run is not None and run.state == SyncRun.State.FAILED
        return List(
            noun=NOUNS[what],
            count=counts[what].get(account.pk, 0),
            read_at=read_at,
            is_old=read_at is not None and freshness.is_old(account, read_at, now),
            is_running=run is not None and run.state == SyncRun.State.RUNNING,
            problem=run.error if run is not None and is_failed else "",
            tried_at=run.started_at if run is not None else None,
        )

    return [
        Ages(
            account,
            freshness.keeps(account),
            [one(account, what) for what in freshness.whats(account)],
        )
        for account in accounts
    ]


def _counted(rows: QuerySet[Any]) -> dict[UUID, int]:
    listed = rows.filter(is_listed=True).order_by().values("account").annotate(count=Count("pk"))
    return {row["account"]: row["count"] for row in listed}


def _last_runs(
    tried: dict[tuple[UUID, str], datetime | None],
) -> dict[tuple[UUID, str], SyncRun]:
    keys = (
        Q(account=account_id, what=what, started_at=at)
        for (account_id, what), at in tried.items()
        if at is not None
    )
    condition = reduce(or_, keys, Q())
    runs: Iterable[SyncRun] = SyncRun.objects.filter(condition) if condition else ()
    return {(run.account_id, run.what): run for run in runs}
