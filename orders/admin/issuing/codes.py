"""The gift card codes that cards were created with lately: what the form offers to type."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from orders.models import Card
from providers.models import ProviderAccount

CARDS_LOOKED_AT = 1000
MOST_OFFERED = 20


@dataclass(frozen=True, slots=True)
class KnownCode:
    """A code, and at which accounts it was used; "" where there is only one account."""

    code: str
    accounts: str


def known_codes(accounts: Iterable[ProviderAccount]) -> list[KnownCode]:
    """The codes of the newest cards that were created at these accounts, most used first."""
    names = {account.pk: account.name for account in accounts}
    created = Card.objects.filter(account__in=names, issued_at__isnull=False)
    newest = created.order_by("-id").values("pk")[:CARDS_LOOKED_AT]
    rows = Card.objects.filter(pk__in=newest).exclude(gift_card_code="").order_by()
    counted = rows.values_list("gift_card_code", "account").annotate(count=Count("id"))
    used: dict[str, int] = {}
    at: dict[str, list[str]] = {}
    for code, account, count in counted:
        used[code] = used.get(code, 0) + count
        at.setdefault(code, []).append(names[account])
    ranked = sorted(used, key=lambda code: (-used[code], code))[:MOST_OFFERED]
    return [KnownCode(code, ", ".join(sorted(at[code])) if len(names) > 1 else "")
            for code in ranked]  # fmt: skip
