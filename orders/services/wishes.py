"""What a person asks for, and whether it can be bought; nothing is stored here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from django.conf import settings

from giftops.clock import db_now
from giftops.money import Money, MoneyError
from orders.models import OrderLine
from orders.services.costing import Cost, cost_of
from orders.services.offering import FIELD_OF, Offer
from orders.services.problems import InvalidOrder
from orders.services.recipients import Recipient, in_short, problems_with
from orders.services.wording import plainly
from providers import services as providers
from providers.gateways.base import (
    OptionKind,
    OrderRequest,
    OrderType,
    PostalAddress,
    RequestLine,
    Seller,
)
from providers.gateways.errors import ProviderError
from providers.models import Product
from providers.registry import spec_for

FARTHEST_DELIVERY = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Cards of one product at one face value: `quantity` for each of the people it is for.

    Without `recipients` there is one, perhaps nameless: `recipient_name` and `recipient_email`.
    """

    product: Product
    face_value: Money
    quantity: int
    title: str = ""
    recipient_name: str = ""
    recipient_email: str = ""
    order_type: OrderType = OrderType.CODES
    recipients: tuple[Recipient, ...] = ()
    may_repeat: bool = False
    """The same person may be on the list more than once."""
    from_name: str = ""
    from_email: str = ""
    message: str = ""
    deliver_on: date | None = None
    branding_id: str = ""
    shipping_method_id: str = ""
    carrier_id: str = ""
    department_id: str = ""
    note: str = ""

    @property
    def people(self) -> tuple[Recipient, ...]:
        return self.recipients or (Recipient(name=self.recipient_name, email=self.recipient_email),)

    @property
    def count(self) -> int:
        """Cards in all."""
        return self.quantity * len(self.people)

    @property
    def order_count(self) -> int:
        """Orders that it becomes."""
        lines = self.count if most_lines(self.product) == 1 else len(self.people)
        return -(-lines // most_lines(self.product))


def most_lines(product: Product) -> int:
    """How many lines one order may have at the seller of this product."""
    seller: Seller = spec_for(product.account.provider).gateway_class
    return seller.lines_per_order


def cost_of_wish(wish: Wish) -> Cost:
    """What all of it costs, in parts. Raises `InvalidOrder` for an unfit shipping method."""
    return _cost_per_line(wish, wish.quantity) * len(wish.people)


def check_wish(wish: Wish) -> None:
    """Raise `InvalidOrder` (field and sentence) if this cannot be bought; stores nothing."""
    most = settings.GIFTOPS_ORDER_LIMITS["max_batch_quantity"]
    if len(wish.people) > most:
        raise InvalidOrder(f"Order for at most {most} recipients at a time.", "recipients")
    if wish.quantity < 1 or wish.count > most:
        raise InvalidOrder(f"Order between 1 and {most} cards at a time.", "quantity")
    if not wish.product.account.is_active:
        raise InvalidOrder(f"{wish.product.account} is switched off.", "product")
    offer = Offer(wish.product)
    offer.check_type(wish.order_type)
    offer.check_value(wish.face_value)
    _check_options(wish, offer)
    _check_people(wish)
    _check_date(wish)
    if cost_of_wish(wish).total.minor < 1:
        raise InvalidOrder("This would cost nothing; the catalogue must be wrong.", "product")
    _check_with_the_seller(wish)


def lines_of(wish: Wish) -> list[list[OrderLine]]:
    """The lines of each order that the wish becomes; not saved, and of no order yet."""
    most = most_lines(wish.product)
    each = 1 if most == 1 else wish.quantity
    cost = _cost_per_line(wish, each).total
    lines = [
        _line(wish, person, each, cost)
        for person in wish.people
        for _ in range(wish.quantity // each)
    ]
    orders = [lines[start : start + most] for start in range(0, len(lines), most)]
    for order in orders:
        for position, line in enumerate(order, 1):
            line.position = position
    return orders


def request_line(line: OrderLine) -> RequestLine:
    """One line as we send it; the same through every retry."""
    return RequestLine(
        product_id=line.product_external_id,
        face_value=line.face_value,
        quantity=line.quantity,
        line_id=line.id.hex,
        recipient_name=line.recipient_name,
        recipient_email=line.recipient_email,
        recipient_phone=line.recipient_phone,
        address=PostalAddress(**line.address) if line.address else None,
        shipping_method_id=line.shipping_method_id,
        carrier_id=line.carrier_id,
        branding_id=line.branding_id,
        from_name=line.from_name,
        from_email=line.from_email,
        message=line.message,
        deliver_on=line.deliver_on,
    )


def _cost_per_line(wish: Wish, quantity: int) -> Cost:
    shipping = Offer(wish.product).chosen(
        OptionKind.SHIPPING_METHOD, wish.shipping_method_id, wish.order_type
    )
    try:
        cost = cost_of(wish.product, wish.face_value, quantity, shipping.cost if shipping else None)
        _ = cost.total
    except MoneyError as problem:
        raise InvalidOrder(str(problem), "face_value") from problem
    return cost


def _check_options(wish: Wish, offer: Offer) -> None:
    for kind, field in FIELD_OF.items():
        offer.chosen(kind, getattr(wish, field), wish.order_type)


def _check_people(wish: Wish) -> None:
    problems = problems_with(wish.people, wish.order_type, may_repeat=wish.may_repeat)
    if problems:
        raise InvalidOrder(in_short(problems), "recipients")


def _check_date(wish: Wish) -> None:
    if wish.deliver_on is None:
        return
    today = db_now().date()
    if wish.deliver_on < today:
        raise InvalidOrder("This day is over. Choose today or later.", "deliver_on")
    if wish.deliver_on - today > FARTHEST_DELIVERY:
        raise InvalidOrder("Choose a day within the next year.", "deliver_on")


def _check_with_the_seller(wish: Wish) -> None:
    account = wish.product.account
    try:
        gateway: Seller = providers.gateway_for(account)
        for lines in lines_of(wish):
            gateway.check_request(_request(wish, lines))
    except ValueError as problem:
        field = "face_value" if wish.order_type == OrderType.CODES else ""
        raise InvalidOrder(str(problem), field) from problem
    except ProviderError as problem:
        raise InvalidOrder(plainly(problem, account), "product") from problem


def _request(wish: Wish, lines: Sequence[OrderLine]) -> OrderRequest:
    return OrderRequest(
        reference="check", lines=tuple(map(request_line, lines)), type=wish.order_type,
        note=wish.note, department_id=wish.department_id,
    )  # fmt: skip


def _line(wish: Wish, person: Recipient, quantity: int, cost: Money) -> OrderLine:
    return OrderLine(
        product=wish.product, product_external_id=wish.product.external_id,
        product_name=wish.product.name, currency=wish.face_value.currency,
        face_value_minor=wish.face_value.minor, quantity=quantity, cost_minor=cost.minor,
        recipient_name=person.name, recipient_email=person.email, recipient_phone=person.phone,
        address=asdict(person.address) if person.address else None,
        shipping_method_id=wish.shipping_method_id, carrier_id=wish.carrier_id,
        branding_id=wish.branding_id, from_name=wish.from_name, from_email=wish.from_email,
        message=wish.message, deliver_on=wish.deliver_on,
    )  # fmt: skip
