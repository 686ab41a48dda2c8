"""How a product may be ordered: delivered how, with which options."""

from dataclasses import dataclass
from functools import cached_property

from giftops.money import Money
from orders.services.problems import InvalidOrder
from providers.gateways.base import OptionKind, OrderType
from providers.models import Product, ProviderOption
from providers.registry import spec_for

FIELD_OF = {
    OptionKind.SHIPPING_METHOD: "shipping_method_id",
    OptionKind.CARRIER: "carrier_id",
    OptionKind.BRANDING: "branding_id",
    OptionKind.DEPARTMENT: "department_id",
}
"""The field of a wish (and of the form) that names an entry of each list."""


@dataclass(frozen=True)
class Offer:
    """One product as it may be ordered now."""

    product: Product

    @cached_property
    def types(self) -> tuple[OrderType, ...]:
        """What both the provider and the product allow, in the provider's order."""
        seller = spec_for(self.product.account.provider).gateway_class
        return tuple(kind for kind in seller.order_types if kind in self.product.order_types)

    def options(self, kind: OptionKind, order_type: OrderType) -> list[ProviderOption]:
        """The entries of one list that fit this product; those for plastic only with plastic."""
        is_for_plastic = kind in (OptionKind.SHIPPING_METHOD, OptionKind.CARRIER)
        if is_for_plastic and order_type != OrderType.PHYSICAL:
            return []
        groups = {"", self.product.fulfillment_group}
        return [
            option
            for option in self._listed
            if option.kind == kind and (not is_for_plastic or option.fulfillment_group in groups)
        ]

    def is_required(self, kind: OptionKind, order_type: OrderType) -> bool:
        """Whether an order of this type must name an entry of that list."""
        if order_type != OrderType.PHYSICAL:
            return False
        if kind == OptionKind.CARRIER:
            return self.product.needs_carrier
        return kind == OptionKind.SHIPPING_METHOD

    def check_value(self, value: Money) -> None:
        """Raise `InvalidOrder` if no card of this product can have that value."""
        try:
            self.product.accepts(value)
        except ValueError as problem:
            raise InvalidOrder(str(problem), "face_value") from problem

    def check_type(self, order_type: OrderType) -> None:
        """Raise `InvalidOrder` if it is not sold this way."""
        if order_type not in self.types:
            raise InvalidOrder(f"{self.product.name} is not delivered that way.", "order_type")

    def chosen(
        self, kind: OptionKind, external_id: str, order_type: OrderType
    ) -> ProviderOption | None:
        """The entry (or None) that an order names. Raises `InvalidOrder` at its field."""
        name = kind.value.replace("_", " ")
        if not external_id:
            if self.is_required(kind, order_type):
                raise InvalidOrder(f"Choose a {name}.", FIELD_OF[kind])
            return None
        for option in self.options(kind, order_type):
            if option.external_id == external_id:
                return option
        raise InvalidOrder(f"This {name} does not fit the card. Choose another.", FIELD_OF[kind])

    @cached_property
    def _listed(self) -> list[ProviderOption]:
        return list(ProviderOption.objects.filter(account=self.product.account, is_listed=True))
