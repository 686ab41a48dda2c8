"""The cards to choose from on the order form, by account."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db.models import Q, QuerySet

from providers.models import Product, ProviderAccount

MOST = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """One card of the choice."""

    product: Product
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """The cards that fit a search; `hidden` more would fit but are not listed."""

    groups: list[tuple[ProviderAccount, list[Choice]]]
    text: str
    hidden: int
    oldest: datetime | None


def shelf(text: str, *, chosen: str = "") -> Shelf:
    """The cards whose name or brand holds `text`; the chosen one stays in sight."""
    found = _fitting(text.replace("\0", "").strip())  # PostgreSQL compares with no NUL
    products = list(found[:MOST])
    chosen_id = _uuid(chosen)
    if chosen_id and all(product.pk != chosen_id for product in products):
        products = [*_listed().filter(pk=chosen_id), *products]
    total = found.count() if len(products) >= MOST else len(products)
    return Shelf(
        groups=_grouped(products, chosen_id),
        text=text,
        hidden=max(0, total - len(products)),
        oldest=min((product.last_seen_at for product in products), default=None),
    )


def _listed() -> QuerySet[Product]:
    listed = Product.objects.filter(is_listed=True, account__is_active=True)
    return listed.select_related("account").order_by("account__name", "name", "external_id")


def _fitting(text: str) -> QuerySet[Product]:
    found = _listed()
    for word in text.split()[:5]:
        found = found.filter(
            Q(name__icontains=word) | Q(brand__icontains=word) | Q(external_id=word)
        )
    return found


def _grouped(
    products: Iterable[Product], chosen: UUID | None
) -> list[tuple[ProviderAccount, list[Choice]]]:
    in_order = sorted(products, key=lambda product: product.account.name)
    return [
        (account, [Choice(product, product.pk == chosen) for product in members])
        for account, members in groupby(in_order, key=lambda product: product.account)
    ]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
