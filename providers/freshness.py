"""How old the mirror of an account may be before it is read again, and how old it is.

Products and options change seldom: each provider says how long a copy of its catalogue keeps. A
schedule looks often and reads only what is older; a person may have it read at any time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q

from providers.catalog import PRODUCTS
from providers.models import ProviderAccount, SyncRun
from providers.options import OPTIONS
from providers.registry import spec_for

LISTED_BY = {PRODUCTS: "seller", OPTIONS: "option_lister"}  # capability
TRY_AGAIN_AFTER = timedelta(hours=1)
LATE_BY = timedelta(hours=1)  # the schedule, the queue and the reading itself take a while


@dataclass(frozen=True, slots=True)
class Mirror:
    """When a list of an account was read to its end, and when somebody last began to."""

    read_at: datetime | None = None
    tried_at: datetime | None = None


def keeps(account: ProviderAccount) -> timedelta:
    """How long a copy of the account's catalogue is as good as a new one."""
    return spec_for(account.provider).catalogue_keeps


def lists_of(accounts: Iterable[ProviderAccount]) -> list[tuple[ProviderAccount, str]]:
    """Every list that one of these accounts has."""
    return [(one, what) for one in accounts for what in whats(one)]


def whats(account: ProviderAccount) -> list[str]:
    """The lists that this provider has, as `SyncRun.what` names them."""
    can = spec_for(account.provider).capabilities
    return [what for what, capability in LISTED_BY.items() if capability in can]


def due(accounts: Iterable[ProviderAccount], now: datetime) -> list[tuple[ProviderAccount, str]]:
    """The lists of these accounts that the schedule should have read again."""
    lists = lists_of(accounts)
    known = mirrors(account.pk for account, _ in lists)
    return [
        (account, what) for account, what in lists if is_due(account, known[account.pk, what], now)
    ]


def mirrors(account_ids: Iterable[UUID]) -> Mapping[tuple[UUID, str], Mirror]:
    """How every list of these accounts stands, by one query; unknown ones were never read."""
    rows = (
        SyncRun.objects.filter(account__in=set(account_ids), what__in=LISTED_BY)
        .order_by()
        .values("account_id", "what")
        .annotate(
            read_at=Max("started_at", filter=Q(state=SyncRun.State.DONE)),
            tried_at=Max("started_at"),
        )
    )
    found = {
        (row["account_id"], row["what"]): Mirror(row["read_at"], row["tried_at"]) for row in rows
    }
    return defaultdict(Mirror, found)


def is_due(account: ProviderAccount, mirror: Mirror, now: datetime) -> bool:
    """Whether the schedule should have it read; after a failure not before an hour has passed."""
    if mirror.tried_at is not None and now - mirror.tried_at < min(keeps(account), TRY_AGAIN_AFTER):
        return False
    return mirror.read_at is None or now - mirror.read_at >= keeps(account)


def is_old(account: ProviderAccount, seen_at: datetime, now: datetime) -> bool:
    """Whether what was seen then should have been read again by now."""
    return now - seen_at > keeps(account) + LATE_BY
