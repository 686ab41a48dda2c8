"""What is bought in a story or a scene of the demo."""

from dataclasses import dataclass
from datetime import timedelta

from giftops.clock import db_now
from giftops.money import Money
from orders.demo.account import NCENTIVA
from orders.services.drafting import Recipient, Wish
from providers.gateways.base import OrderType
from providers.models import Product, ProviderAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Cards of one product, `quantity` for each recipient; names are the provider's own."""

    product: str
    value: str  # of one card, in main units
    quantity: int = 1
    provider: str = NCENTIVA
    order_type: OrderType = OrderType.CODES
    recipients: tuple[Recipient, ...] = ()
    message: str = ""
    shipping_method: str = ""
    carrier: str = ""
    in_days: int = 0


def wish_for(wanted: Wanted, account: ProviderAccount, title: str) -> Wish:
    """The same as a person would ask for it."""
    product = Product.objects.get(account=account, external_id=wanted.product)
    return Wish(
        product=product,
        face_value=Money.parse(wanted.value, product.currency),
        quantity=wanted.quantity,
        title=title,
        order_type=wanted.order_type,
        recipients=wanted.recipients,
        message=wanted.message,
        from_name="Acme Benefits" if wanted.message else "",
        shipping_method_id=wanted.shipping_method,
        carrier_id=wanted.carrier,
        deliver_on=(db_now() + timedelta(days=wanted.in_days)).date() if wanted.in_days else None,
    )


def people(count: int) -> tuple[Recipient, ...]:
    """So many recipients with an e-mail address each."""
    return tuple(
        Recipient(name=f"Colleague {number}", email=f"colleague-{number}@example.com")
        for number in range(1, count + 1)
    )
