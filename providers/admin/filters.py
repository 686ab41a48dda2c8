"""Filters of these desks; their choices are known beforehand."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from providers.models import ProviderAccount

Rows = QuerySet[Any]


class AccountFilter(DropdownFilter):
    """Rows of one account."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Accounts are few."""
        names = ProviderAccount.objects.order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in names]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        """Only that account's rows; an unknown one is no filter."""
        known = {choice for choice, _ in self.lookup_choices}
        return rows.filter(account=self.value()) if self.value() in known else rows


def choice_filter(
    field: str, title: str, choices: Callable[[], list[tuple[str, str]]]
) -> type[DropdownFilter]:
    """A filter on a column with a fixed set of values."""

    class ChoiceFilter(DropdownFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return choices()

        def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
            known = dict(choices())
            return rows.filter(**{field: self.value()}) if self.value() in known else rows

    ChoiceFilter.title = title
    return ChoiceFilter
