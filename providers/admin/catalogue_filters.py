"""Filters of the catalogue: what can be ordered, where, how it is delivered, in which money."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from providers import registry
from providers.gateways.base import OrderType
from providers.models import Product, ProviderAccount

Products = QuerySet[Product]
Choices = list[tuple[str, str]]

DELIVERIES = {
    OrderType.CODES: "Codes",
    OrderType.DIGITAL: "E-mail or text",
    OrderType.LINKS: "Claim links",
    OrderType.PHYSICAL: "Plastic by post",
}


class AvailableFilter(DropdownFilter):
    """What can be ordered now, and what cannot."""

    title = "availability"
    parameter_name = "available"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", "Available"), ("no", "Not available"), ("gone", "No longer listed")]

    def queryset(self, request: HttpRequest, rows: Products) -> Products:
        match self.value():
            case "yes":
                return rows.filter(is_listed=True, is_available=True)
            case "no":
                return rows.filter(is_listed=True, is_available=False)
            case "gone":
                return rows.filter(is_listed=False)
        return rows


class ProviderFilter(DropdownFilter):
    """Products of every account at one provider."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return registry.choices()

    def queryset(self, request: HttpRequest, rows: Products) -> Products:
        if self.value() not in registry.PROVIDERS:
            return rows
        accounts = ProviderAccount.objects.filter(provider=self.value())
        return rows.filter(account__in=accounts.values("pk"))


class DeliveryFilter(DropdownFilter):
    """Products that can be had this way."""

    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(kind.value, words) for kind, words in DELIVERIES.items()]

    def queryset(self, request: HttpRequest, rows: Any) -> Products:
        known = {kind.value: kind for kind in OrderType}
        kind = known.get(self.value() or "")
        found: Products = rows.sold_as(kind) if kind else rows
        return found


class CurrencyFilter(DropdownFilter):
    """Products in one currency."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Those that are listed at all."""
        rows = Product.objects.order_by("currency").values_list("currency", flat=True).distinct()
        return [(currency, currency) for currency in rows]

    def queryset(self, request: HttpRequest, rows: Products) -> Products:
        known = {choice for choice, _ in self.lookup_choices}
        return rows.filter(currency=self.value()) if self.value() in known else rows
