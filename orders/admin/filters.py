"""Filters with choices known beforehand: no list asks the database which values there are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from giftops.clock import db_now
from orders.admin.everywhere import accounts_of
from orders.statuses import Status
from providers.gateways.base import Standing

Rows = QuerySet[Any]


class AccountFilter(DropdownFilter):
    """Rows of one account."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(str(account.pk), account.name) for account in accounts_of(request)]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        known = {str(account.pk) for account in accounts_of(request)}
        return rows.filter(account=self.value()) if self.value() in known else rows


class StatusFilter(DropdownFilter):
    """Orders in one status, or in one of the ways to need a person."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(str(status.value), str(status.label)) for status in Status]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        return rows.filter(status=self.value()) if self.value() in Status.values else rows


class StandingFilter(DropdownFilter):
    """Orders that stand so at the provider, in our words."""

    title = "how it stands there"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(one.value, one.value.replace("_", " ").capitalize()) for one in Standing]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        known = {one.value for one in Standing}
        return rows.filter(standing=self.value()) if self.value() in known else rows


class HeldBackFilter(SimpleListFilter):
    """Approved orders that were tried in vain too often."""

    title = "held back"
    parameter_name = "held_back"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("1", "Held back")]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        return rows.filter(is_held_back=True) if self.value() == "1" else rows


PERIODS = {
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
    "quarter": ("Last 90 days", timedelta(days=90)),
}


def period_filter(field: str, title: str) -> type[DropdownFilter]:
    """A filter for rows whose `field` lies in one of the usual periods up to now."""

    class PeriodFilter(DropdownFilter):
        parameter_name = "period"

        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
            return [(slug, label) for slug, (label, _) in PERIODS.items()]

        def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
            if self.value() not in PERIODS:
                return rows
            return rows.filter(**{f"{field}__gte": db_now() - PERIODS[self.value()][1]})

    PeriodFilter.title = title
    return PeriodFilter


def choice_filter(
    field: str, title: str, choices: Callable[[], list[tuple[str, str]]]
) -> type[DropdownFilter]:
    """A filter on a column with a fixed set of values."""

    class ChoiceFilter(DropdownFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
            return choices()

        def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
            known = dict(choices())
            return rows.filter(**{field: self.value()}) if self.value() in known else rows

    ChoiceFilter.title = title
    return ChoiceFilter
