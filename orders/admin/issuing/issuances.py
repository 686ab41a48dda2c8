"""Issuances: cards that are created in one go, how far each is, and everything done with them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk
from orders.admin import filters
from orders.admin.issuing import issuance_acts, issuance_card, issuance_page, issuing
from orders.admin.issuing.issuing_pills import pill_of
from orders.issuing_states import IssuanceState
from orders.models import Issuance


@admin.register(Issuance)
class IssuanceDesk(issuance_acts.IssuanceActs, Desk):
    """Have cards created; follow, pause and finish what was begun."""

    detail_template = "orders/issuance.html"
    heading = "Issuances"
    searched = "titles (their beginning)"
    empty_title = "No cards were issued yet"
    empty_text = "Cards of our own are created on reserved numbers, one or many in one go."
    empty_icon = "add_card"
    list_display = ("issuance", "state_pill", "progress", "money", "account_name", "made")
    list_filter = (
        filters.choice_filter("state", "state", lambda: list(IssuanceState.choices)),
        filters.AccountFilter,
        filters.period_filter("created_at", "created"),
    )
    list_filter_submit = True
    search_fields = ("title__istartswith",)
    search_help_text = "Beginning of the title"
    list_before_template = "orders/issuances_before.html"
    ordering = ("-id",)

    def pages(self) -> list[URLPattern]:
        """The form, the pages of single cards, and what the buttons press."""
        return [
            self.route("issue/", self.issue, "issue"),
            self.route("issue/quote/", self.quote, "quote"),
            self.route("issue/customer/", self.customer, "customer"),
            self.route("issue/sheet.csv", self.template, "template"),
            self.route("card/<uuid:object_id>/", self.card, "card"),
            *self.act_routes(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issuance]:
        rows = super().get_queryset(request)
        return rows.select_related("account", "pool", "maker", "last_editor")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The rows with their bars, read in one query for the page."""
        changelist: Any = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        bars = issuance_page.shares_of(rows)
        for row in rows:
            row.shares = bars.get(row.pk, [])
        changelist.result_list = rows
        return changelist

    def first_step(self, request: HttpRequest) -> tuple[str, str] | None:
        """Issuing, for those who may."""
        if not request.user.has_perm(issuance_page.MAKES):
            return None
        return reverse("admin:orders_issuance_issue"), "Issue cards"

    def detail_context(self, request: HttpRequest, obj: Issuance) -> dict[str, Any]:
        """Everything the page of one issuance shows."""
        return issuance_page.context(request, obj)

    # --- Other pages of this desk, each in a file of its own ------------------------------------

    def issue(self, request: HttpRequest) -> HttpResponse:
        return issuing.issue_form(self, request)

    def quote(self, request: HttpRequest) -> HttpResponse:
        return issuing.quote(self, request)

    def customer(self, request: HttpRequest) -> HttpResponse:
        return issuing.customer(self, request)

    def template(self, request: HttpRequest) -> HttpResponse:
        return issuing.template(self, request)

    def card(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return issuance_card.card_page(self, request, object_id)

    # --- Columns ----------------------------------------------------------------------------------

    @admin.display(description="issuance")
    def issuance(self, row: Issuance) -> SafeString:
        cards = "1 card" if row.card_count == 1 else f"{row.card_count:,} cards"
        source = row.pool.name if row.pool else "a single number"
        return show.two_lines(row.title or row.label, f"{row.label} · {cards} · {source}")

    @admin.display(description="state")
    def state_pill(self, row: Issuance) -> SafeString:
        return show.two_lines(pill_of(row), row.reason)

    @admin.display(description="cards")
    def progress(self, row: Any) -> SafeString:
        words = ", ".join(f"{part.count:,} {part.label}" for part in row.shares)
        parts = format_html_join(
            "",
            '<span class="is-{}" style="width:{}%"></span>',
            ((part.tone, f"{100 * part.count / row.card_count:.1f}") for part in row.shares),
        )
        bar = format_html('<span class="g-bar" role="img" aria-label="{}">{}</span>', words, parts)
        return show.two_lines(bar, words)

    @admin.display(description="amount")
    def money(self, row: Issuance) -> SafeString:
        return show.money(row.total)

    @admin.display(description="account")
    def account_name(self, row: Issuance) -> str:
        return row.account.name

    @admin.display(description="made")
    def made(self, row: Issuance) -> SafeString:
        return show.two_lines(show.age(row.created_at), row.maker.get_full_name())
