"""The first page: what needs a person and why, what waits for you, how the machinery does."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from giftops.desk import user_of
from giftops.models import User
from giftops.show import RED
from orders.admin import approvals, needs, overview, spending
from orders.admin.deposits import figures_of
from orders.admin.everywhere import is_able, makes_cards
from orders.admin.issuing.issuing_needs import needs_of_issuing
from orders.models import Deposit
from orders.services.revealing import reveals_left


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the first page what this person may see, and nothing else."""
    user = user_of(request)
    return context | {
        "title": "Start",
        "greeting": f"Good to see you, {user.get_short_name() or user.get_username()}",
        "needs_worker": True,
        "refreshes": True,
        **_orders(request, user),
        **_money(request, user),
        **_running(request, user),
    }


def _orders(request: HttpRequest, user: User) -> dict[str, Any]:
    if not user.has_perm("orders.view_order"):
        return {}
    return {
        "sees_orders": True,
        "needs": _needs(request, user),
        "now": needs.now_on_the_way(),
        "waiting": _waiting(request, user),
        "may_buy": user.has_perm("orders.add_order"),
        "may_issue": user.has_perm("orders.add_issuance") and makes_cards(request),
        "reveals_left": reveals_left(user) if user.has_perm("orders.reveal_card") else None,
    }


def _needs(request: HttpRequest, user: User) -> list[needs.Need]:
    """Everything that needs a person and that this one may see, the urgent first."""
    found = needs.needs_of_orders() + needs_of_issuing(request, user) + _low_deposits(user)
    return sorted(found, key=lambda need: need.tone != RED)


def _low_deposits(user: User) -> list[needs.Need]:
    return needs.deposits_running_low() if user.has_perm("orders.view_deposit") else []


def _waiting(request: HttpRequest, user: User) -> dict[str, Any] | None:
    """For an approver: what waits for them. For others who see approvals: what waits at all."""
    if not user.has_perm("orders.view_approval"):
        return None
    what, totals = approvals.waiting_totals(user, with_cards=makes_cards(request))
    whom = "you" if user.has_perm("orders.approve_batch") else "an approver"
    return {
        "what": what,
        "totals": totals,
        "whom": whom,
        "link": reverse("admin:orders_batch_approvals"),
    }


def _money(request: HttpRequest, user: User) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if user.has_perm("orders.view_break"):
        shown["breaks"] = needs.open_breaks()
    if user.has_perm("orders.view_deposit"):
        deposits = Deposit.objects.select_related("account").filter(account__is_active=True)
        figures = [figures_of(deposit) for deposit in deposits.order_by("account__name")]
        shown["deposits"] = figures if figures or is_able(request, "deposit_holder") else None
        shown["spending"] = spending.by_day()
    return shown


def _running(request: HttpRequest, user: User) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "jobs": overview.jobs(),
        "sees_jobs": user.has_perm("giftops.view_job"),
    }
    if user.has_perm("providers.view_provideraccount"):
        shown["providers"] = overview.providers(request)
    return shown
