"""The catalogue over all sellers: what can be bought, how old that knowledge is, buy it."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from giftops import audit, show
from giftops.clock import db_now
from giftops.desk import Desk, act, tell
from giftops.pressing import Done, press
from providers import freshness, markup, services
from providers.admin.catalogue_ages import ages
from providers.admin.catalogue_filters import (
    DELIVERIES,
    AvailableFilter,
    CurrencyFilter,
    DeliveryFilter,
    ProviderFilter,
)
from providers.admin.filters import AccountFilter, choice_filter
from providers.admin.option_lists import options_page
from providers.gateways.base import OrderType
from providers.models import Kind, Product, ProviderAccount

LIST = "admin:providers_product_changelist"
HEAVY = ("payload", "description", "terms")
NAME = '<span style="display:inline-block; min-width:9rem; overflow-wrap:anywhere">{}</span>'


@admin.register(Product)
class CatalogueDesk(Desk):
    """What can be bought, as of when."""

    heading = "Catalogue"
    detail_template = "providers/product.html"
    searched = "names, brands and the providers' numbers"
    empty_title = "The catalogue is empty"
    empty_text = "It is read from the providers by itself. Refresh it to fetch it now."
    empty_icon = "storefront"
    list_before_template = "providers/catalogue_age.html"
    list_display = ("card", "value", "delivery", "state", "account_name", "as_of", "buy")
    list_filter = (
        AvailableFilter,
        DeliveryFilter,
        ProviderFilter,
        AccountFilter,
        CurrencyFilter,
        choice_filter("kind", "kind of value", lambda: list(Kind.choices)),
    )
    list_filter_submit = True
    search_fields = ("name__icontains", "brand__icontains", "external_id__exact")
    search_help_text = "Name, brand or number"
    ordering = ("name", "external_id")

    def pages(self) -> list[URLPattern]:
        return [
            self.route("refresh/", self.refresh, "refresh"),
            self.route("options/", self.options, "options"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        rows = super().get_queryset(request).select_related("account")
        return rows.defer("account__credentials", *HEAVY)

    def get_list_display(self, request: HttpRequest) -> Any:
        """The buy column is there for those who may buy."""
        shown = super().get_list_display(request)
        return shown if request.user.has_perm("orders.add_order") else shown[:-1]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {
            "needs_worker": True,
            "ages": ages(),
            "may_refresh": request.user.has_perm("providers.refresh_product"),
        }
        return super().changelist_view(request, extra | (extra_context or {}))

    def detail_context(self, request: HttpRequest, obj: Product) -> dict[str, Any]:
        obj.refresh_from_db(fields=HEAVY)
        return {
            "title": obj.name,
            "crumbs": [("Catalogue", reverse(LIST))],
            "pill": state_of(obj),
            "deliveries": deliveries(obj),
            "description": markup.shown(obj.description),
            "terms": markup.shown(obj.terms),
            "raw": json.dumps(obj.payload, indent=2, ensure_ascii=False, sort_keys=True),
            "is_old": _is_old(obj),
            "buy": _buy(obj) if request.user.has_perm("orders.add_order") else "",
            "may_refresh": request.user.has_perm("providers.refresh_product"),
        }

    def options(self, request: HttpRequest) -> HttpResponse:
        return options_page(self, request)

    @act("providers.refresh_product")
    def refresh(self, request: HttpRequest) -> HttpResponse:
        """Have the catalogue of one account, or of every active one, read again."""

        def work() -> Done:
            count = _queue_refreshes(request)
            lists = "1 catalogue is" if count == 1 else f"{count} lists are"
            link = reverse("admin:providers_syncrun_changelist")
            sees_runs = request.user.has_perm("providers.view_syncrun")
            return Done(f"{lists} being read again.", link if sees_runs else "")

        said = press(request, "products.refresh", work, refusals=())
        tell(request, said.level, said.line)
        return HttpResponseRedirect(reverse(LIST))

    @admin.display(description="card")
    def card(self, product: Product) -> SafeString:
        name = format_html(NAME, product.name)
        brand = f"{product.brand} · " if product.brand and product.brand != product.name else ""
        return show.two_lines(name, f"{brand}no. {product.external_id}")

    @admin.display(description="value")
    def value(self, product: Product) -> SafeString:
        value = format_html('<span class="g-money">{}</span>', product.value_text)
        return show.two_lines(value, conditions(product))

    @admin.display(description="delivered as")
    def delivery(self, product: Product) -> str:
        return ", ".join(deliveries(product)) or show.EMPTY

    @admin.display(description="state")
    def state(self, product: Product) -> SafeString:
        return state_of(product)

    @admin.display(description="account")
    def account_name(self, product: Product) -> SafeString:
        return show.two_lines(product.account.name, product.account.provider_label)

    @admin.display(description="as of")
    def as_of(self, product: Product) -> SafeString:
        age = show.age(product.last_seen_at)
        if not _is_old(product):
            return age
        return format_html('<span class="g-pill g-pill--amber">{}</span>', age)

    @admin.display(description="")
    def buy(self, product: Product) -> SafeString | str:
        link = _buy(product)
        return format_html('<a class="g-btn g-btn--small" href="{}">Buy</a>', link) if link else ""


def state_of(product: Product) -> SafeString:
    """Whether it can be ordered, as a pill."""
    if not product.is_listed:
        return show.pill(show.DARK, "No longer listed")
    if not product.is_available:
        return show.pill(show.AMBER, "Not available")
    return show.pill(show.GREEN, "Available")


def deliveries(product: Product) -> list[str]:
    """How its cards can reach somebody, in words."""
    return [DELIVERIES[kind] for kind in OrderType if kind.value in product.order_types]


def conditions(product: Product) -> str:
    """What changes the price: "3 % off, fee USD 0.50"; "" if a card costs its value."""
    parts = []
    if product.discount_hundredths:
        parts.append(f"{product.discount_percent:f} % off")
    if product.fee:
        parts.append(f"fee {product.fee.format()}")
    return ", ".join(parts)


def _is_old(product: Product) -> bool:
    """Whether it should have been seen again by now; what is gone does not age."""
    return product.is_listed and freshness.is_old(product.account, product.last_seen_at, db_now())


def _buy(product: Product) -> str:
    if not (product.is_listed and product.is_available and product.account.is_active):
        return ""
    return f"{reverse('admin:orders_order_buy')}?product={product.pk}"


def _queue_refreshes(request: HttpRequest) -> int:
    accounts, chosen = ProviderAccount.objects.active(), None
    if text := request.POST.get("account", ""):
        account_id = _uuid(text)
        accounts = accounts.filter(pk=account_id) if account_id else accounts.none()
        chosen = accounts.first()
    count = services.refresh_catalogues(accounts)
    audit.record("products.refresh_asked", actor=request.user, obj=chosen, request=request)
    return count


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
