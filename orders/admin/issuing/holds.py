"""Holds: money of a card, set aside; a list by age, a page for each, a form for a new one."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from giftops import show
from giftops.clock import db_now
from orders.admin import filters
from orders.admin.issuing import hold_ask, hold_page, hold_search, issuing_pills
from orders.admin.issuing.hold_acts import HoldActs
from orders.admin.issuing.hold_page import HOLDS, TONE_OF_AGE
from orders.admin.issuing.hold_search import AgeFilter, ShowFilter
from orders.issuing_states import OPEN_HOLDS, HoldState
from orders.models import Authorization
from orders.services.issuing.holds import ageing

HEAVY = (
    "auth_code", "card__code", "card__pin", "card__claim_url", "card__challenge",
    "card__other_code", "account__credentials", "account__settings",
)  # fmt: skip
"""Columns that neither list nor page shows anything of."""
TABS = (
    ("Not finished", ""),
    ("Held", "show=held"),
    ("An hour to a day", "age=over_an_hour"),
    ("Over a day", "age=over_a_day"),
    ("Outcome unknown", "show=doubt"),
    ("Needs two people", "show=two"),
    ("All", "show=all"),
)


@admin.register(Authorization)
class HoldDesk(HoldActs):
    """Hold money on a card, take it or give it back, decide about one in doubt."""

    detail_template = "orders/hold.html"
    heading = "Holds"
    searched = hold_search.SEARCHED
    find_url = "admin:orders_authorization_find"
    empty_title = "No money is held"
    empty_text = (
        "A hold sets money of a card aside until somebody takes it or gives it back. What is not "
        "finished stands here, the oldest first."
    )
    empty_icon = "lock"
    list_before_template = "orders/holds_before.html"
    list_display = ("hold", "state_pill", "card_there", "money", "granted_money", "age")
    list_filter = (
        ShowFilter,
        AgeFilter,
        filters.choice_filter("state", "state", lambda: list(HoldState.choices)),
        filters.AccountFilter,
        filters.period_filter("created_at", "asked for"),
    )
    list_filter_submit = True
    search_fields = ("reference",)  # what is searched is decided in `hold_search`
    search_help_text = "Reference, note, last four …"

    def pages(self) -> list[URLPattern]:
        """The form, what it comes to, the search, and what the buttons press."""
        return [
            self.route("ask/", self.ask, "ask"),
            self.route("ask/quote/", self.quote, "quote"),
            self.route("find/", self.find_by, "find"),
            *self.act_routes(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Authorization]:
        """Rows with what list and page say of them, in one query, without anything sealed."""
        related = ("account", "card", "maker")
        return super().get_queryset(request).select_related(*related).defer(*HEAVY)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What is not finished by age, the oldest first; everything else the newest first."""
        return ("id",) if hold_search.is_by_age(request) else ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Authorization], search_term: str
    ) -> tuple[QuerySet[Authorization], bool]:
        """Search by one thing; full card numbers are looked up by `find_by` alone."""
        text = " ".join(search_term.split())
        return (hold_search.find_holds(queryset, text) if text else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the usual filters as tabs."""
        here = request.GET.urlencode()
        tabs = [(label, query, query == here) for label, query in TABS]
        extra: dict[str, Any] = {"needs_worker": True, "tabs": tabs}
        return super().changelist_view(request, extra | (extra_context or {}))

    def first_step(self, request: HttpRequest) -> tuple[str, str] | None:
        """Holding money, for those who may."""
        if not request.user.has_perm(HOLDS):
            return None
        return reverse("admin:orders_authorization_ask"), "Hold money on a card"

    def detail_context(self, request: HttpRequest, obj: Authorization) -> dict[str, Any]:
        """Everything the page of one hold shows."""
        return hold_page.context(request, obj)

    # --- Other pages of this desk, each in a file of its own ------------------------------------

    def ask(self, request: HttpRequest) -> HttpResponse:
        return hold_ask.ask_page(self, request)

    def quote(self, request: HttpRequest) -> HttpResponse:
        return hold_ask.quote(self, request)

    def find_by(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = hold_search.find(self, request)
        return response

    # --- Columns --------------------------------------------------------------------------------

    @admin.display(description="hold")
    def hold(self, hold: Authorization) -> SafeString:
        reference = show.code(hold.reference, shorten=True)
        return show.two_lines(hold.note, reference) if hold.note else show.two_lines(reference, "")

    @admin.display(description="state")
    def state_pill(self, hold: Authorization) -> SafeString:
        return show.two_lines(issuing_pills.pill_of(hold), hold.reason)

    @admin.display(description="card")
    def card_there(self, hold: Authorization) -> SafeString:
        mask = format_html('<span class="g-mask">{}</span>', hold.card.mask)
        return show.two_lines(mask, hold.account.name)

    @admin.display(description="asked for")
    def money(self, hold: Authorization) -> SafeString:
        return show.money(hold.requested)

    @admin.display(description="granted")
    def granted_money(self, hold: Authorization) -> SafeString:
        is_part = hold.granted_minor not in (None, hold.requested_minor)
        return show.two_lines(show.money(hold.granted), "a part only" if is_part else "")

    @admin.display(description="since")
    def age(self, hold: Authorization) -> SafeString:
        at = db_now()
        since = show.age(hold.authorized_at or hold.created_at, now=at)
        tone = TONE_OF_AGE[ageing.age_of(hold, at)]
        if hold.state in OPEN_HOLDS and tone != show.BLUE:
            since = format_html('<span class="g-pill g-pill--{}">{}</span>', tone, since)
        return show.two_lines(since, hold.maker.get_full_name())
