"""The orders: a list to find them in, a page for each, and everything a person may do with one."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk
from orders.admin import bulk, buying, filters, order_acts, order_page, pills, revealing, searching
from orders.admin.order_lines import whom_of, with_first_line
from orders.models import Order


@admin.register(Order)
class OrderDesk(order_acts.OrderActs, Desk):
    """Find an order, see how it stands, do what makes sense now."""

    detail_template = "orders/order.html"
    heading = "Orders"
    searched = searching.SEARCHED
    find_url = "admin:orders_order_find"
    empty_title = "No orders yet"
    empty_text = "An order buys gift cards. Choose a card, say for whom, see what it costs."
    empty_icon = "redeem"
    list_before_template = "orders/list_before.html"
    list_display = ("order", "state", "card", "money", "account_name", "changed")
    list_filter = (
        filters.StatusFilter,
        filters.StandingFilter,
        filters.AccountFilter,
        filters.period_filter("created_at", "created"),
        filters.HeldBackFilter,
    )
    list_filter_submit = True
    search_fields = ("reference",)  # what is searched is decided in `searching`
    search_help_text = "Reference, number, last four, e-mail …"
    ordering = ("-id",)
    actions = bulk.ACTIONS
    actions_on_top = True

    def pages(self) -> list[URLPattern]:
        """The order form, what the buttons of an order press, the reveal, bulk actions."""
        return [
            self.route("buy/", self.buy, "buy"),
            self.route("buy/products/", self.products, "products"),
            self.route("buy/details/", self.details, "details"),
            self.route("buy/quote/", self.quote, "quote"),
            self.route("find/", self.find_by, "find"),
            self.route("bulk/", self.bulk, "bulk"),
            self.route("card/<uuid:card_id>/reveal/", self.reveal, "reveal"),
            *self.act_routes(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Rows with what the list says of their (first) line, all in one query."""
        rows = super().get_queryset(request).select_related("batch", "account")
        return with_first_line(rows)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The bulk actions this person may take."""
        return bulk.allowed(request, super().get_actions(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Search by one exact thing; card numbers are looked up by `find_by` alone."""
        text = " ".join(search_term.split())
        return (searching.find_orders(queryset, text) if text else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the usual filters as tabs."""
        extra: dict[str, Any] = {"needs_worker": True, "tabs": _tabs(request)}
        return super().changelist_view(request, extra | (extra_context or {}))

    def first_step(self, request: HttpRequest) -> tuple[str, str] | None:
        """Buying, for those who may."""
        if not request.user.has_perm("orders.add_order"):
            return None
        return reverse("admin:orders_order_buy"), "Buy a card"

    def detail_context(self, request: HttpRequest, obj: Order) -> dict[str, Any]:
        """Everything the page of one order shows."""
        return order_page.context(request, obj)

    # --- Other pages of this desk, each in a file of its own ------------------------------------

    def buy(self, request: HttpRequest) -> HttpResponse:
        return buying.order_form(self, request)

    def products(self, request: HttpRequest) -> HttpResponse:
        return buying.product_list(self, request)

    def details(self, request: HttpRequest) -> HttpResponse:
        return buying.details(self, request)

    def quote(self, request: HttpRequest) -> HttpResponse:
        return buying.quote(self, request)

    def find_by(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = searching.find(self, request)
        return response

    def bulk(self, request: HttpRequest) -> HttpResponse:
        return bulk.carry_out(self, request)

    def reveal(self, request: HttpRequest, card_id: Any) -> HttpResponse:
        return revealing.reveal_page(self, request, card_id)

    # --- Columns --------------------------------------------------------------------------------

    @admin.display(description="order")
    def order(self, order: Order) -> SafeString:
        below = f"{order.batch.label} · {order.position} of {order.batch.order_count}"
        return show.two_lines(show.code(order.reference, shorten=True), below)

    @admin.display(description="status")
    def state(self, order: Order) -> SafeString:
        return show.two_lines(pills.pill_of(order), order.reason)

    @admin.display(description="card")
    def card(self, order: Any) -> SafeString:
        many = f"{order.card_count:,} × " if order.card_count > 1 else ""
        whom = whom_of(order)
        return show.two_lines(f"{many}{order.card_name}", f"for {whom}" if whom else "")

    @admin.display(description="amount")
    def money(self, order: Order) -> SafeString:
        return show.money(order.total)

    @admin.display(description="account")
    def account_name(self, order: Order) -> str:
        return order.account.name

    @admin.display(description="changed")
    def changed(self, order: Order) -> SafeString:
        return show.age(order.changed_at)


TABS = (
    ("All", ""),
    ("Needs a person", "status=needs_review"),
    ("Unknown", "status=unknown"),
    ("On their way", "status=placed"),
    ("Waiting for approval", "status=awaiting_approval"),
    ("Drafts", "status=draft"),
    ("Fulfilled", "status=fulfilled"),
)


def _tabs(request: HttpRequest) -> list[tuple[str, str, bool]]:
    """The usual filters as links: what they are called, where they lead, which one is on."""
    here = request.GET.urlencode()
    return [(label, query, query == here) for label, query in TABS]
