"""The provider's own list of orders: matched to ours, or marked as not placed by us."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from giftops import show
from giftops.desk import Desk
from giftops.money import Money
from orders.admin import filters, pills
from orders.models import RemoteOrder


class OursFilter(DropdownFilter):
    """Orders of ours, or orders that somebody placed elsewhere."""

    title = "placed by"
    parameter_name = "ours"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Us"), ("no", "Not us")]

    def queryset(self, request: HttpRequest, rows: QuerySet[RemoteOrder]) -> QuerySet[RemoteOrder]:
        if self.value() in ("yes", "no"):
            return rows.filter(order__isnull=self.value() == "no")
        return rows


@admin.register(RemoteOrder)
class RemoteOrderDesk(Desk):
    """What the provider's history lists, as of the last mirroring. Decides nothing."""

    heading = "Provider's list"
    searched = "the provider's numbers and references, exactly"
    empty_title = "Not mirrored yet"
    empty_text = "The provider's order history is read every hour; what it lists appears here."
    empty_icon = "cloud_sync"
    list_display = ("number", "state", "ours", "money", "account_name", "placed", "as_of")
    list_display_links = None
    list_filter = (
        OursFilter,
        filters.StandingFilter,
        filters.AccountFilter,
        filters.period_filter("placed_at", "placed"),
    )
    list_filter_submit = True
    search_fields = ("external_id",)
    search_help_text = "Provider's number or reference"

    def get_queryset(self, request: HttpRequest) -> QuerySet[RemoteOrder]:
        return super().get_queryset(request).select_related("account", "order")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RemoteOrder], search_term: str
    ) -> tuple[QuerySet[RemoteOrder], bool]:
        text = search_term.strip()
        found = queryset.filter(Q(external_id=text) | Q(reference=text)) if text else queryset
        return found, False

    @admin.display(description="their number")
    def number(self, row: RemoteOrder) -> SafeString:
        return show.two_lines(show.code(row.external_id), row.reference or "without a reference")

    @admin.display(description="stands there")
    def state(self, row: RemoteOrder) -> SafeString:
        tone = pills.REMOTE_TONES.get(row.standing, show.BLUE)
        return show.pill(tone, row.standing.replace("_", " ").capitalize(), row.status_text)

    @admin.display(description="our order")
    def ours(self, row: RemoteOrder) -> SafeString:
        if row.order is None:
            return show.pill(show.AMBER, "Not placed by us")
        link = reverse("admin:orders_order_change", args=[row.order_id])
        name = show.code(row.order.reference, shorten=True)
        return format_html('<a class="g-link" href="{}">{}</a>', link, name)

    @admin.display(description="amount")
    def money(self, row: RemoteOrder) -> SafeString:
        """Face values in all; of lines that differ the list keeps only how many cards they are."""
        if row.face_value_minor is None:
            cards = f"{row.quantity:,} cards of several values" if row.quantity > 1 else ""
            return show.two_lines(show.money(None), cards)
        value = Money(row.face_value_minor, row.currency)
        each = f"{row.quantity:,} × {value.format()}" if row.quantity > 1 else ""
        return show.two_lines(show.money(value * row.quantity), each)

    @admin.display(description="account")
    def account_name(self, row: RemoteOrder) -> str:
        return row.account.name

    @admin.display(description="placed")
    def placed(self, row: RemoteOrder) -> SafeString:
        return show.age(row.placed_at)

    @admin.display(description="changed, as we saw it")
    def as_of(self, row: RemoteOrder) -> SafeString:
        return show.age(row.last_seen_at)
