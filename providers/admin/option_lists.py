"""Shipping methods, card carriers, brandings and departments of every account, on one page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from giftops.clock import db_now
from giftops.desk import Desk
from providers import freshness
from providers.gateways.base import OptionKind
from providers.models import ProviderAccount, ProviderOption

MOST = 500
HEADINGS = {
    OptionKind.SHIPPING_METHOD: ("Shipping methods", "How plastic is sent, and what that costs."),
    OptionKind.CARRIER: ("Card carriers", "What plastic is mounted on when it is posted."),
    OptionKind.BRANDING: ("Brandings", "How the provider's e-mails and claim pages look."),
    OptionKind.DEPARTMENT: ("Departments", "Whom the provider books an order to."),
}

IN_ORDER = list(HEADINGS)


@dataclass(frozen=True, slots=True)
class Section:
    """One list of one account."""

    account: ProviderAccount
    kind: OptionKind
    rows: list[ProviderOption]
    seen_at: datetime | None  # when the oldest row that is still listed was seen
    is_old: bool

    @property
    def heading(self) -> str:
        return HEADINGS[self.kind][0]

    @property
    def purpose(self) -> str:
        return HEADINGS[self.kind][1]

    @property
    def has_costs(self) -> bool:
        return any(row.cost_minor is not None for row in self.rows)

    @property
    def has_groups(self) -> bool:
        return any(row.fulfillment_group for row in self.rows)


def options_page(desk: Desk, request: HttpRequest) -> HttpResponse:
    """The lists of all accounts, or of the one that `account` names."""
    if not desk.has_view_permission(request):
        raise PermissionDenied
    rows = ProviderOption.objects.order_by("account__name", "kind", "-is_listed", "name")
    chosen = _uuid(request.GET.get("account", ""))
    found = rows.filter(account=chosen) if chosen else rows
    shown = list(found.select_related("account").defer("account__credentials")[: MOST + 1])
    accounts = ProviderAccount.objects.filter(options__isnull=False).distinct()
    context: dict[str, Any] = {
        "crumbs": [("Catalogue", reverse("admin:providers_product_changelist"))],
        "sections": _sections(shown[:MOST]),
        "has_more": len(shown) > MOST,
        "most": MOST,
        "accounts": list(accounts.defer("credentials").order_by("name")),
        "chosen": chosen,
        "may_refresh": request.user.has_perm("providers.refresh_product"),
        "needs_worker": True,
    }
    return desk.page(request, "providers/options.html", "Options", **context)


def _sections(rows: Iterable[ProviderOption]) -> list[Section]:
    now = db_now()
    in_order = sorted(
        rows, key=lambda row: (row.account.name, IN_ORDER.index(OptionKind(row.kind)))
    )
    return [
        _section(list(members), now)
        for _, members in groupby(in_order, key=lambda row: (row.account_id, row.kind))
    ]


def _section(rows: list[ProviderOption], now: datetime) -> Section:
    account = rows[0].account
    seen_at = min((row.last_seen_at for row in rows if row.is_listed), default=None)
    is_old = seen_at is not None and freshness.is_old(account, seen_at, now)
    return Section(account, OptionKind(rows[0].kind), rows, seen_at, is_old)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
