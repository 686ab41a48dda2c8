"""Deposits: what the provider says, what is held, what is free, and every movement in our books."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse

from giftops.desk import CappedPaginator, Desk, act, tell, user_of
from giftops.money import Money, MoneyError
from giftops.pressing import press
from orders.admin.deposit_chart import chart_of
from orders.admin.deposit_history import SPANS, history, lasting
from orders.models import Deposit, LedgerTransaction, Order
from orders.services import alerts, funding
from orders.services.problems import Refused
from orders.statuses import Status
from providers.gateways.errors import ProviderError

LINES_A_PAGE = 50


@admin.register(Deposit)
class DepositDesk(Desk):
    """One panel per account and currency, and a page with its ledger."""

    detail_template = "orders/deposit.html"

    def pages(self) -> list[URLPattern]:
        return [
            self.route("<uuid:object_id>/ask/", self.ask, "ask"),
            self.route("<uuid:object_id>/alert/", self.alert, "alert"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deposit]:
        return super().get_queryset(request).select_related("account").order_by("account__name")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """All deposits: they are few, so no list but panels."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        deposits = [figures_of(deposit) for deposit in self.get_queryset(request)]
        return self.page(request, "orders/deposits.html", "Deposits", deposits=deposits)

    def detail_context(self, request: HttpRequest, obj: Deposit) -> dict[str, Any]:
        lines = obj.transactions.select_related("order").prefetch_related("postings")
        page = CappedPaginator(lines.order_by("-at", "-id"), LINES_A_PAGE).get_page(
            request.GET.get("p")
        )
        days = history(obj, _span(request))
        below = obj.alert_below_minor
        alert = None if below is None else Money(below, obj.currency)
        return {
            "title": str(obj),
            "crumbs": [("Deposits", reverse("admin:orders_deposit_changelist"))],
            "figures": figures_of(obj),
            "lines": [(line, _amount_of(line, obj.currency)) for line in page],
            "lines_page": page,
            "may_ask": request.user.has_perm("orders.ask_provider"),
            "may_set_alert": request.user.has_perm("orders.change_deposit"),
            "alert": alert,
            "is_low": alerts.is_low(obj),
            "lasting": lasting(obj, days),
            "chart": chart_of(days, alert),
            "days": [day for day in reversed(days) if day.is_worth_telling],
            "span": len(days),
            "spans": SPANS,
        }

    @act("orders.ask_provider")
    def ask(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Read the balance over there now."""
        deposit = self.find(request, object_id)

        def work() -> str:
            funding.ask_the_provider(deposit.account)
            fresh = Deposit.objects.get(pk=deposit.pk)
            seen = Money(fresh.provider_minor or 0, fresh.currency)
            return f"{deposit.account.name} says {seen.format()}."

        said = press(request, f"deposit.ask:{deposit.pk}", work, refusals=(Refused, ProviderError))
        tell(request, said.level, said.line)
        return HttpResponseRedirect(reverse("admin:orders_deposit_change", args=[deposit.pk]))

    @act("orders.change_deposit")
    def alert(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say below which figure somebody wants to know; an empty field: never."""
        deposit = self.find(request, object_id)
        actor = user_of(request)

        def work() -> str:
            text = request.POST.get("below", "").strip()
            below = Money.parse(text, deposit.currency) if text else None
            alerts.set_alert(deposit, below=below, actor=actor)
            if below is None:
                return "Nobody is warned any more when this deposit runs low."
            return f"Start warns when less than {below.format()} is free."

        said = press(request, f"deposit.alert:{deposit.pk}", work, refusals=(Refused, MoneyError))
        tell(request, said.level, said.line)
        return HttpResponseRedirect(reverse("admin:orders_deposit_change", args=[deposit.pk]))


def _span(request: HttpRequest) -> int:
    """How many days the picture shows: one of SPANS, the first unless the address says another."""
    asked = request.GET.get("days", "")
    return next((span for span in SPANS if str(span) == asked), SPANS[0])


def figures_of(deposit: Deposit) -> dict[str, Any]:
    """The figures of one deposit, each as Money."""
    currency = deposit.currency
    seen, pending = deposit.provider_minor, deposit.pending_minor
    return {
        "deposit": deposit,
        "seen": None if seen is None else Money(seen, currency),
        "pending": None if pending is None else Money(pending, currency),
        "promised": promised(deposit),
        "held": deposit.held,
        "charged": charged(deposit),
        "free": deposit.free,
        "expected": deposit.expected,
        "shortfall": Money(deposit.shortfall_minor, currency),
        "spent": Money(deposit.spent_minor, currency),
    }


def charged(deposit: Deposit) -> Money:
    """What the provider had taken, when it was last asked, of the money that orders still hold."""
    if deposit.provider_minor is None:
        return Money(0, deposit.currency)
    taken = deposit.expected.minor - deposit.shortfall_minor - deposit.provider_minor
    return Money(min(max(taken, 0), deposit.held_minor), deposit.currency)


def promised(deposit: Deposit) -> Money:
    """What waits for approval and would be held then."""
    waiting = Order.objects.filter(
        account=deposit.account_id, currency=deposit.currency, status=Status.AWAITING_APPROVAL
    )
    total = waiting.aggregate(sum=Sum("total_minor"))["sum"] or 0
    return Money(total, deposit.currency)


def _amount_of(line: LedgerTransaction, currency: str) -> tuple[Money, str, str]:
    """The amount of a movement, the book it left and the book it entered."""
    postings = {posting.amount_minor > 0: posting for posting in line.postings.all()}
    into, out_of = postings[True], postings[False]
    return (
        Money(into.amount_minor, currency),
        out_of.get_book_display(),
        into.get_book_display(),
    )
