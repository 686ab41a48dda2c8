"""What can be bought at a provider, mirrored from its catalogue."""

from collections.abc import Sequence
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast

from giftops.identity import new_id
from giftops.money import Money
from providers.gateways.base import OrderType
from providers.models.account import ProviderAccount


class Kind(models.TextChoices):
    FIXED = "fixed", "Fixed value"
    VARIABLE = "variable", "Any value in a range"


def only_codes() -> list[str]:
    """What a product is sold as unless its provider says otherwise."""
    return [OrderType.CODES.value]


class ProductQuerySet(models.QuerySet["Product"]):
    def orderable(self) -> "ProductQuerySet":
        """What may be put into a new order now."""
        return self.filter(is_listed=True, is_available=True, account__is_active=True)

    def sold_as(self, order_type: OrderType) -> "ProductQuerySet":
        """What can be had this way."""
        as_text = self.annotate(sold_as=Cast("order_types", models.TextField()))
        return as_text.filter(sold_as__contains=f'"{order_type.value}"')


class Product(models.Model):
    """A card type of one account. Never deleted: a vanished one is no longer listed.

    Amounts are minor units of `currency`. Fixed products list their `denominations` (with only one
    it is `face_value_minor` too), variable ones have a range (None: no bound known). `fee_minor` is
    charged per card, `discount_hundredths` (of a percent) taken off its face value. `order_types`
    are those of `gateways.base.OrderType`. `description` and `terms` hold sanitised markup,
    `payload` the provider's own item.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="products")
    external_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    brand = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=8, choices=Kind)
    face_value_minor = models.BigIntegerField(null=True, blank=True)
    min_minor = models.BigIntegerField(null=True, blank=True)
    max_minor = models.BigIntegerField(null=True, blank=True)
    denominations = models.JSONField(default=list, blank=True)
    order_types = models.JSONField(default=only_codes, blank=True)
    needs_carrier = models.BooleanField(default=False)
    fulfillment_group = models.CharField(max_length=64, blank=True)
    fee_minor = models.BigIntegerField(default=0)
    discount_hundredths = models.PositiveIntegerField(default=0)
    description = models.TextField(blank=True)
    terms = models.TextField(blank=True)
    is_available = models.BooleanField("available", default=True)
    is_listed = models.BooleanField("listed", default=True)
    payload = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64)
    last_seen_at = models.DateTimeField()

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name", "external_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"], name="product_once_per_account"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="product_kind_known"),
            models.CheckConstraint(
                condition=Q(face_value_minor__isnull=True) | Q(face_value_minor__gt=0),
                name="product_value_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(min_minor__isnull=True)
                | Q(max_minor__isnull=True)
                | Q(min_minor__lte=F("max_minor")),
                name="product_range_in_order",
            ),
        ]
        indexes = [models.Index(fields=["account", "is_listed", "name"], name="product_by_account")]

    def __str__(self) -> str:
        return self.name

    @property
    def face_value(self) -> Money | None:
        return self._money(self.face_value_minor)

    @property
    def minimum(self) -> Money | None:
        return self._money(self.min_minor)

    @property
    def maximum(self) -> Money | None:
        return self._money(self.max_minor)

    @property
    def values(self) -> tuple[Money, ...]:
        """The values a fixed product is sold at, smallest first; none for a variable one."""
        if self.kind != Kind.FIXED:
            return ()
        alone = [] if self.face_value_minor is None else [self.face_value_minor]
        return tuple(Money(minor, self.currency) for minor in self.denominations or alone)

    @property
    def fee(self) -> Money:
        """What is charged per card on top of its value."""
        return Money(self.fee_minor, self.currency)

    @property
    def discount_percent(self) -> Decimal:
        """What is taken off the face value."""
        return Decimal(self.discount_hundredths) / 100

    @property
    def value_text(self) -> str:
        """The value for people: "USD 25.00", "USD 10, 25 or 50", "from USD 10.00 to USD 500.00"."""
        if self.kind == Kind.FIXED and self.values:
            return one_of(self.values)
        bounds = [
            f"{word} {bound.format()}"
            for word, bound in (("from", self.minimum), ("to", self.maximum))
            if bound is not None
        ]
        return " ".join(bounds) or "any value"

    def accepts(self, value: Money) -> None:
        """Raise ValueError with a sentence if one card of this product cannot have that value."""
        problem = self._problem_with(value)
        if problem:
            raise ValueError(problem)

    def _problem_with(self, value: Money) -> str:
        if not self.is_listed:
            return f"{self.name} is no longer in the provider's catalogue."
        if not self.is_available:
            return f"{self.name} is not available at the moment."
        if value.currency != self.currency:
            return f"{self.name} is sold in {self.currency}, not in {value.currency}."
        if value.minor <= 0:
            return "The value of a card must be more than nothing."
        return self._problem_with_amount(value)

    def _problem_with_amount(self, value: Money) -> str:
        if self.kind == Kind.FIXED:
            return "" if value in self.values else self._sold_at_only()
        if self.minimum is not None and value < self.minimum:
            return f"The smallest value of {self.name} is {self.minimum.format()}."
        if self.maximum is not None and value > self.maximum:
            return f"The largest value of {self.name} is {self.maximum.format()}."
        return ""

    def _sold_at_only(self) -> str:
        if not self.values:
            return f"The provider names no value that {self.name} is sold at."
        return f"{self.name} is sold at {one_of(self.values, most=len(self.values))} only."

    def _money(self, minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, self.currency)


def one_of(values: Sequence[Money], *, most: int = 6) -> str:
    """Values of one currency for people, cents only where there are some: "USD 10, 25 or 50".

    Of more than `most` the middle is left out: "USD 5, 10, 15 … 500 (23 values)".
    """
    if len(values) == 1:
        return values[0].format()
    figures = _figures(values)
    if len(values) > most:
        few = ", ".join(figures[: most // 2])
        return f"{values[0].currency} {few} … {figures[-1]} ({len(values)} values)"
    return f"{values[0].currency} {', '.join(figures[:-1])} or {figures[-1]}"


def _figures(values: Sequence[Money]) -> list[str]:
    amounts = [value.decimal() for value in values]
    if all(amount == amount.to_integral_value() for amount in amounts):
        return [f"{amount.to_integral_value():,f}" for amount in amounts]
    return [f"{amount:,f}" for amount in amounts]
