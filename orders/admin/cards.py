"""The cards: a list to find them in, a page for each, whether we bought or issued them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from giftops import show
from giftops.desk import Desk, act, tell, user_of
from giftops.money import Money
from giftops.pressing import press
from orders.admin import card_page, card_search, filters, revealing, searching
from orders.admin.issuing import picturing
from orders.issuing_states import CardState
from orders.models import Card
from orders.services.issuing.cards import balances
from orders.services.problems import Refused

HEAVY = (
    "other_code",
    "number__number",
    "account__credentials",
    "account__settings",
    "order__account__credentials",
    "order__account__settings",
)
"""Columns that neither list nor page shows anything of."""


class AccountFilter(filters.AccountFilter):
    """Cards issued or bought at one account."""

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        known = {value for value, _ in self.lookups(request, None)}  # type: ignore[arg-type]
        if self.value() not in known:
            return rows
        return rows.filter(Q(account=self.value()) | Q(order__account=self.value()))


class KindFilter(DropdownFilter):
    """Cards that we bought, or that we issued."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("issued", "Issued by us"), ("bought", "Bought")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "bought":
            return rows.filter(state=CardState.BOUGHT)
        return rows.exclude(state=CardState.BOUGHT) if self.value() == "issued" else rows


@admin.register(Card)
class CardDesk(Desk):
    """Find a card, see what it is worth, do what makes sense now."""

    detail_template = "orders/card.html"
    heading = "Cards"
    searched = card_search.SEARCHED
    find_url = "admin:orders_card_find"
    empty_title = "No cards yet"
    empty_text = "Cards that we bought, and cards that we issue ourselves, are found here."
    empty_icon = "credit_card"
    list_before_template = "orders/list_before.html"
    list_display = ("card", "state_there", "customer", "value", "worth", "asked")
    list_filter = (
        filters.choice_filter("state", "state", lambda: list(CardState.choices)),
        KindFilter,
        AccountFilter,
        filters.period_filter("created_at", "created"),
    )
    list_filter_submit = True
    search_fields = ("last_four",)  # what is searched is decided in `card_search`
    search_help_text = "Number, last four, sale, customer, e-mail …"
    ordering = ("-id",)

    def pages(self) -> list[URLPattern]:
        """The search, what is asked now, and the two ways to look at a secret."""
        views: dict[str, Callable[..., HttpResponse]] = {
            "ask": self.ask,
            "reveal": self.reveal,
            "certificate": self.certificate,
        }
        return [
            self.route("find/", self.find_by, "find"),
            *(self.route(f"<uuid:object_id>/{name}/", view, name) for name, view in views.items()),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Card]:
        """Rows with what list and page say of where they are from, in one query."""
        related = ("account", "order__account", "line", "issuance", "number__reservation")
        return super().get_queryset(request).select_related(*related).defer(*HEAVY)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Card], search_term: str
    ) -> tuple[QuerySet[Card], bool]:
        """Search by one exact thing; full numbers are looked up by `find_by` alone."""
        text = " ".join(search_term.split())
        return (searching.find_cards(queryset, text) if text else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the usual filters as tabs."""
        here = request.GET.urlencode()
        tabs = [(label, query, query == here) for label, query in TABS]
        return super().changelist_view(request, {"tabs": tabs} | (extra_context or {}))

    def detail_context(self, request: HttpRequest, obj: Card) -> dict[str, Any]:
        """Everything the page of one card shows."""
        return card_page.context(request, obj)

    # --- Other pages of this desk, and its one button -------------------------------------------

    def find_by(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = card_search.find(self, request)
        return response

    def reveal(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return revealing.reveal_page(self, request, object_id)

    def certificate(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return picturing.certificate_page(self, request, object_id)

    @act("orders.ask_provider")
    def ask(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Read what the card is worth now."""
        card = self.find(request, object_id)
        actor = user_of(request)
        said = press(
            request,
            f"card.ask:{card.pk}",
            lambda: balances.ask_now(card, actor=actor),
            refusals=(Refused,),
        )
        tell(request, said.level, said.line)
        if said.is_done:
            return HttpResponseRedirect(reverse("admin:orders_card_change", args=[card.pk]))
        return self.detail(request, self.find(request, card.pk), status=said.status)

    # --- Columns --------------------------------------------------------------------------------

    @admin.display(description="card")
    def card(self, card: Card) -> SafeString:
        mask = format_html('<span class="g-mask">{}</span>', card_page.mask_of(card))
        return show.two_lines(mask, card_page.kind_of(card))

    @admin.display(description="state")
    def state_there(self, card: Card) -> SafeString:
        return show.two_lines(card_page.pill_of(card), card.reason)

    @admin.display(description="for")
    def customer(self, card: Card) -> SafeString:
        name, rest = card_page.whom_of(card)
        return show.two_lines(name or rest or show.EMPTY, rest if name else "")

    @admin.display(description="value")
    def value(self, card: Card) -> SafeString:
        return show.money(card.face_value)

    @admin.display(description="on it, held")
    def worth(self, card: Card) -> SafeString:
        if card.balance_minor is None:
            return show.money(None)
        held = Money(card.held_minor or 0, card.currency)
        worth = show.money(Money(card.balance_minor, card.currency))
        return show.two_lines(worth, f"{held.format()} held" if held else "")

    @admin.display(description="asked")
    def asked(self, card: Card) -> SafeString:
        return show.age(card.asked_at)


TABS = (
    ("All", ""),
    ("Issued", "kind=issued"),
    ("Bought", "kind=bought"),
    ("Active", "state=active"),
    ("Unknown", "state=in_doubt"),
    ("Needs a person", "state=needs_review"),
    ("No longer found", "state=missing"),
)
