"""Batches: what was asked for in one go, how far it is, and the approvers' queue."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.pressing import press
from giftops.stepping_up import problem_with_password
from orders.admin import approvals, filters, pills
from orders.admin.order_lines import whole_of_batch, whom_of, with_first_line
from orders.admin.order_page import WITHDRAWABLE
from orders.models import Batch, Order
from orders.services import submitting
from orders.services.limits import is_below
from orders.services.problems import Refused
from orders.statuses import Status
from providers.gateways.errors import ProviderError

REFUSALS = (Refused, ProviderError)
ORDERS_A_PAGE = 50


@admin.register(Batch)
class BatchDesk(Desk):
    """Follow a batch as one; agree to it or not."""

    detail_template = "orders/batch.html"
    heading = "Batches"
    searched = "titles (their beginning)"
    empty_title = "No batches yet"
    empty_text = "Everything that is ordered in one go is a batch, also a single card."
    empty_icon = "stacks"
    list_display = ("batch", "progress", "money", "account_name", "made_by", "created")
    list_filter = (filters.AccountFilter, filters.period_filter("created_at", "created"))
    list_filter_submit = True
    search_fields = ("title__istartswith",)
    search_help_text = "Beginning of the title"
    ordering = ("-id",)

    def pages(self) -> list[URLPattern]:
        """The approvers' queue, and what the buttons of a batch press."""
        views = {"submit": self.submit, "approve": self.approve, "decline": self.decline}
        return [
            self.route("approvals/", self.approvals, "approvals"),
            *(self.route(f"<uuid:object_id>/{name}/", view, name) for name, view in views.items()),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        return super().get_queryset(request).select_related("account", "maker", "last_editor")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The rows with their bars, read in one query for the page."""
        changelist: Any = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        bars = pills.shares_of_batches(row.pk for row in rows)
        for row in rows:
            row.shares = bars.get(row.pk, [])
        changelist.result_list = rows
        return changelist

    def detail_context(self, request: HttpRequest, obj: Batch) -> dict[str, Any]:
        """Everything the page of one batch shows."""
        orders = with_first_line(obj.orders.select_related("account").order_by("position"))
        page = Paginator(orders, ORDERS_A_PAGE).get_page(request.GET.get("p"))
        counts = approvals.counts_of(obj)
        shares = pills.shares_of(counts.items())
        limit = submitting.limit_of(obj)
        user = user_of(request)
        return {
            "title": obj.label,
            "crumbs": [("Batches", reverse("admin:orders_batch_changelist"))],
            "needs_worker": bool(pills.NOT_DONE_YET & counts.keys()),
            "refreshes": bool(pills.NOT_DONE_YET & counts.keys()),
            "orders": [(order, pills.pill_of(order), whom_of(order)) for order in page],
            "whole": whole_of_batch(obj.pk, obj.currency),
            "orders_page": page,
            "shares": shares,
            "is_draft": Status.DRAFT in counts,
            "is_unsent": Status.DRAFT in counts or Status.AWAITING_APPROVAL in counts,
            "may_submit": Status.DRAFT in counts and user.has_perm("orders.add_order"),
            "withdrawable": _withdrawable(obj, user),
            "limit": limit,
            "needs_approval": not is_below(submitting.at_stake(obj), limit),
            "answer": approvals.answer_of(obj, user, counts),
            "deposit": approvals.deposit_of(obj),
            "past_answers": list(obj.approvals.select_related("approver")),
        }

    # --- What the buttons press -------------------------------------------------------------------

    @act("orders.add_order")
    def submit(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "submit", _submit)

    @act("orders.approve_batch")
    def approve(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Agree to exactly what was seen; the password again, because it spends."""
        batch, seen = self.find(request, object_id), request.POST.get("fingerprint", "")
        if problem := problem_with_password(request, action="batch.approved", obj=batch):
            return self.detail(request, batch, status=422, password_error=problem)

        def work(batch: Batch, actor: User) -> str:
            submitting.approve_batch(batch, actor=actor, fingerprint=seen)
            return f"Approved: {batch.order_count:,} × queued · {batch.total.format()}."

        return self._do(request, object_id, "approve", work)

    @act("orders.approve_batch")
    def decline(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        def work(batch: Batch, actor: User) -> str:
            submitting.decline_batch(batch, actor=actor, reason=request.POST.get("reason", ""))
            return f"{batch} is declined; {batch.maker.get_short_name()} sees why."

        return self._do(request, object_id, "decline", work)

    def approvals(self, request: HttpRequest) -> HttpResponse:
        """What waits for an approver, and what was answered lately."""
        if not request.user.has_perm("orders.view_approval"):
            raise PermissionDenied
        user = user_of(request)
        context = approvals.queue_context(user)
        return self.page(request, "orders/approvals.html", "Approvals", **context)

    def _do(
        self, request: HttpRequest, object_id: Any, name: str, work: Callable[[Batch, User], str]
    ) -> HttpResponse:
        """Carry out once; then show the batch again, with one sentence on what came of it."""
        batch = self.find(request, object_id)
        actor = user_of(request)
        said = press(
            request, f"batch.{name}:{batch.pk}", lambda: work(batch, actor), refusals=REFUSALS
        )
        tell(request, said.level, said.line)
        if said.is_done:
            return HttpResponseRedirect(reverse("admin:orders_batch_change", args=[batch.pk]))
        fresh = self.find(request, batch.pk)
        return self.detail(request, fresh, status=said.status, entered=request.POST)

    # --- Columns ----------------------------------------------------------------------------------

    @admin.display(description="batch")
    def batch(self, batch: Batch) -> SafeString:
        orders = "1 order" if batch.order_count == 1 else f"{batch.order_count:,} orders"
        return show.two_lines(batch.title or batch.label, f"{batch.label} · {orders}")

    @admin.display(description="progress")
    def progress(self, batch: Any) -> SafeString:
        if len(batch.shares) == 1:
            only = batch.shares[0]
            return show.pill(only.tone, _in_words(only))
        parts = format_html_join(
            "",
            '<span class="is-{}" style="width:{}%" title="{} {}"></span>',
            (
                (part.tone, f"{100 * part.count / batch.order_count:.1f}", part.count, part.label)
                for part in batch.shares
            ),
        )
        words = ", ".join(f"{part.count:,} {part.label}" for part in batch.shares)
        bar = format_html('<span class="g-bar" role="img" aria-label="{}">{}</span>', words, parts)
        return show.two_lines(bar, words)

    @admin.display(description="amount")
    def money(self, batch: Batch) -> SafeString:
        return show.money(batch.total)

    @admin.display(description="account")
    def account_name(self, batch: Batch) -> str:
        return batch.account.name

    @admin.display(description="made by")
    def made_by(self, batch: Batch) -> str:
        return batch.maker.get_full_name() or batch.maker.username

    @admin.display(description="created")
    def created(self, batch: Batch) -> SafeString:
        return show.age(batch.created_at)


def _submit(batch: Batch, actor: User) -> str:
    submitting.submit_batch(batch, actor=actor)
    orders = "1 order" if batch.order_count == 1 else f"{batch.order_count:,} orders"
    if submitting.needs_approval(batch):
        return f"{orders} · {batch.total.format()}: waiting for an approver."
    return f"{orders} queued · {batch.total.format()}."


def _withdrawable(batch: Batch, user: User) -> list[Order]:
    if not user.has_perm("orders.add_order"):
        return []
    return list(batch.orders.filter(status__in=WITHDRAWABLE).only("pk")[:500])


def _in_words(share: pills.Share) -> str:
    return share.label.capitalize() if share.count == 1 else f"{share.count:,} {share.label}"
