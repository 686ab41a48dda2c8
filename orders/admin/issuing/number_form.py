"""The form that asks an issuer for numbers: one for an hour, or a pool of them for good."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from orders.admin.buy_form import text
from orders.models import Pool
from orders.models.reservation import RESERVATION_TYPES
from providers.gateways.base import ReservationType
from providers.models import ProviderAccount
from providers.registry import slugs_with


def issuing_accounts() -> list[ProviderAccount]:
    """The accounts at which cards of our own can be made; accounts are few."""
    rows = ProviderAccount.objects.filter(is_active=True, provider__in=slugs_with("issuer"))
    return list(rows.defer("credentials", "settings").order_by("name"))


class AccountField(forms.ModelChoiceField):
    """An account; what is no identifier at all is simply none of them."""

    def to_python(self, value: Any) -> ProviderAccount | None:
        """Read the identifier of an account."""
        try:
            found: ProviderAccount | None = super().to_python(value)
        except (ValidationError, ValueError):
            raise ValidationError("Choose an account.", "invalid_choice") from None
        return found


def whole_number(label: str, **more: Any) -> forms.IntegerField:
    """A count, with a sentence for what is none."""
    invalid = {"invalid": "Give a whole number.", "required": "Say how many."}
    return forms.IntegerField(label=label, error_messages=invalid, min_value=0, **more)


class NumberForm(forms.Form):
    """What a person asks for; `count` and what follows it matter for pools only."""

    account = AccountField(
        ProviderAccount.objects.filter(is_active=True),
        error_messages={"required": "Choose an account."},
    )
    type = forms.ChoiceField(
        choices=RESERVATION_TYPES,
        initial=ReservationType.POOL,
        error_messages={"required": "Choose what you need.", "invalid_choice": "Choose one."},
    )
    agency = text(60, "Company")
    name = text(60, "Name")
    count = whole_number("How many numbers", required=False, initial=500)
    low_stock_at = whole_number("Say so when so few are left", required=False, initial=0)
    tops_up = forms.BooleanField(required=False)

    @property
    def accounts(self) -> list[tuple[ProviderAccount, bool]]:
        """The accounts to choose from, and which one is chosen: the only one if there is one."""
        accounts, chosen = issuing_accounts(), str(self["account"].value() or "")
        return [(each, str(each.pk) == chosen or len(accounts) == 1) for each in accounts]

    @property
    def is_pool(self) -> bool:
        return self["type"].value() != ReservationType.SINGLE

    def clean_count(self) -> int:
        """A pool needs a number; of a single one it is not asked."""
        count = self.cleaned_data["count"]
        if self.data.get("type") == ReservationType.POOL and count is None:
            raise ValidationError("Say how many numbers.")
        return count or 0

    def clean_low_stock_at(self) -> int:
        return self.cleaned_data["low_stock_at"] or 0

    def field_for(self, name: str) -> str | None:
        """The field of this form for one that a service names; None if it has none."""
        return name if name in self.fields else None


def wished(address: dict[str, Any]) -> dict[str, Any]:
    """What a link to the form filled in: another request for the same pool, or a single one."""
    try:
        pool = Pool.objects.filter(pk=UUID(address.get("pool", ""))).first()
    except ValueError:
        pool = None
    kind = {"type": ReservationType.SINGLE} if address.get("single") else {}
    if pool is None:
        return kind
    return {
        "account": pool.account_id, "agency": pool.agency, "name": pool.name,
        "low_stock_at": pool.low_stock_at, "tops_up": pool.tops_up,
    }  # fmt: skip
