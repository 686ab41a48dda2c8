"""The menu: desks by what people come to do, each shown only to those who may open it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Item:
    """One line: where it leads (a URL name of the admin) and the permission it takes."""

    title: str
    icon: str
    page: str
    permission: str = ""


MENU: tuple[tuple[str, tuple[Item, ...]], ...] = (
    ("", (Item("Start", "home", "index"),)),
    (
        "Buy",
        (
            Item("Orders", "receipt_long", "orders_order_changelist", "orders.view_order"),
            Item("Batches", "stacks", "orders_batch_changelist", "orders.view_batch"),
            Item(
                "Catalogue", "storefront", "providers_product_changelist", "providers.view_product"
            ),
            Item(
                "Provider's list",
                "cloud_sync",
                "orders_remoteorder_changelist",
                "orders.view_remoteorder",
            ),
        ),
    ),
    (
        "Issue",
        (
            Item(
                "Reservations",
                "confirmation_number",
                "orders_pool_changelist",
                "orders.view_pool",
            ),
            Item("Issuances", "add_card", "orders_issuance_changelist", "orders.view_issuance"),
            Item("Cards", "credit_card", "orders_card_changelist", "orders.view_card"),
            Item("Holds", "lock", "orders_authorization_changelist", "orders.view_authorization"),
        ),
    ),
    (
        "Money",
        (
            Item(
                "Deposits",
                "account_balance",
                "orders_deposit_changelist",
                "orders.view_deposit",
            ),
            Item("Approvals", "task_alt", "orders_batch_approvals", "orders.view_approval"),
            Item("Breaks", "difference", "orders_break_changelist", "orders.view_break"),
        ),
    ),
    (
        "Run",
        (
            Item(
                "Providers",
                "hub",
                "providers_provideraccount_changelist",
                "providers.view_provideraccount",
            ),
            Item(
                "Calls",
                "swap_vert",
                "providers_providercall_changelist",
                "providers.view_providercall",
            ),
            Item(
                "Webhooks",
                "notifications",
                "providers_webhookreceipt_changelist",
                "providers.view_webhookreceipt",
            ),
            Item("Sync runs", "sync", "providers_syncrun_changelist", "providers.view_syncrun"),
            Item("Jobs", "conveyor_belt", "giftops_job_changelist", "giftops.view_job"),
        ),
    ),
    (
        "Watch",
        (
            Item(
                "Audit trail",
                "verified_user",
                "giftops_auditentry_changelist",
                "giftops.view_auditentry",
            ),
            Item("Reveals", "visibility", "orders_reveal_changelist", "orders.view_reveal"),
        ),
    ),
    (
        "Settings",
        (
            Item("Users", "group", "giftops_user_changelist", "giftops.view_user"),
            Item(
                "Rules",
                "rule",
                "orders_approvallimit_changelist",
                "orders.view_approvallimit",
            ),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """What unfold draws at the side for this person."""
    groups = (
        {"title": title, "items": [_entry(item, request) for item in items if _may(request, item)]}
        for title, items in MENU
    )
    return [group for group in groups if group["items"]]


def _may(request: HttpRequest, item: Item) -> bool:
    return not item.permission or request.user.has_perm(item.permission)


def _entry(item: Item, request: HttpRequest) -> dict[str, Any]:
    link = reverse(f"admin:{item.page}")
    return {
        "title": item.title,
        "icon": item.icon,
        "link": link,
        "active": _is_here(item, link, request.path),
    }


def _is_here(item: Item, link: str, path: str) -> bool:
    if item.page == "index":
        return path == link
    others = [reverse(f"admin:{i.page}") for _, items in MENU for i in items if i is not item]
    longer = [other for other in others if other.startswith(link) and path.startswith(other)]
    return path.startswith(link) and not longer
