"""What an order would cost, what is free for it, what would be left: before anything is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from giftops.models import User
from giftops.money import Money
from orders.admin.buy_form import MOST_COUNTED, BuyForm
from orders.models import Deposit
from orders.services.costing import Cost
from orders.services.limits import is_below, limit_for
from orders.services.problems import InvalidOrder
from orders.services.wishes import Wish, check_wish, cost_of_wish
from providers.gateways.base import OptionKind
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount


@dataclass(frozen=True, slots=True)
class Quote:
    """The figures beside the form.

    `limit`: from which total on this maker needs an approver there; None: always.
    """

    account: ProviderAccount
    each: Money
    count: int  # cards
    orders: int
    cost: Cost
    limit: Money | None
    free: Money | None = None
    asked_at: datetime | None = None

    @property
    def total(self) -> Money:
        return self.cost.total

    @property
    def needs_approval(self) -> bool:
        """Whether a second person has to agree before it is sent."""
        return not is_below(max(self.total, self.cost.face_value), self.limit)

    @property
    def left(self) -> Money | None:
        """What would be free afterwards; negative if it does not fit."""
        return None if self.free is None else self.free - self.total

    @property
    def missing(self) -> Money | None:
        """By how much the deposit falls short."""
        return Money(-self.left.minor, self.left.currency) if self.left is not None else None

    @property
    def is_short(self) -> bool:
        return self.left is not None and self.left.minor < 0

    @property
    def what(self) -> str:
        """What would be sent: "1 order", "2 orders, 700 cards"."""
        orders = "1 order" if self.orders == 1 else f"{self.orders:,} orders"
        return orders if self.count == self.orders else f"{orders}, {self.count:,} cards"

    @property
    def button(self) -> str:
        """What the button says: the effect and its size."""
        if self.needs_approval:
            return f"Submit {self.what} for approval · {self.total.format()}"
        return f"Send {self.what} · {self.total.format()}"


def quote_for(form: BuyForm, maker: User) -> Quote | None:
    """The figures for a person's form; None while card, value or number are missing or nonsense."""
    wish = _wish_of(form)
    if wish is None:
        return None
    try:
        cost = cost_of_wish(wish)
    except InvalidOrder:
        return None  # `problems_of` says why
    account = wish.product.account
    deposit = Deposit.objects.filter(account=account, currency=cost.total.currency).first()
    return Quote(
        account=account,
        each=wish.face_value,
        count=wish.count,
        orders=wish.order_count,
        cost=cost,
        limit=limit_for(account, maker.role, cost.total.currency),
        free=deposit.free if deposit else None,
        asked_at=deposit.asked_at if deposit else None,
    )


def problems_of(form: BuyForm) -> list[tuple[str, str]]:
    """(field, sentence) of what is wrong so far; what is only missing yet is not wrong."""
    if not form.is_bound:
        return []
    if form.is_valid():
        return list(_against(form))
    return [
        (name, str(sentence))
        for name, sentences in form.errors.items()
        if name in form.fields and form[name].value()
        for sentence in sentences
    ]


def _against(form: BuyForm) -> Iterator[tuple[str, str]]:
    try:
        check_wish(form.wish())
    except InvalidOrder as problem:
        yield form.field_for(problem.field), str(problem)
    except ProviderError as problem:
        yield "product", str(problem)


def _wish_of(form: BuyForm) -> Wish | None:
    """The wish as far as it matters for money; what else is wrong does not stop the sum."""
    if not form.is_bound:
        return None
    form.is_valid()
    data = form.cleaned_data
    product, value, count = (data.get(name) for name in ("product", "face_value", "quantity"))
    if product is None or not isinstance(value, Money) or not count or count < 1:
        return None
    people = tuple(data.get("people", ()))
    if value.minor <= 0 or count * max(len(people), 1) > MOST_COUNTED:
        return None
    if not people and form.way.needs_recipient:
        return None
    shipping = form.choices_of(OptionKind.SHIPPING_METHOD) and data.get("shipping_method_id")
    return Wish(
        product=product,
        face_value=value,
        quantity=count,
        order_type=form.way,
        recipients=people,
        shipping_method_id=shipping or "",
    )
