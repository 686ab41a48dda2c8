"""What cards cost: face value, less the discount, plus fees and shipping. Pure, in minor units.

An estimate, by the formula of the one document that has fees: their own figure settles it.
"""

from dataclasses import dataclass

from giftops.money import Money
from providers.models import Product

WHOLE = 10_000  # hundredths of a percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The parts of a price, all of one currency; `total` is what the deposit pays."""

    face_value: Money
    discount: Money
    fee: Money
    shipping: Money

    @property
    def total(self) -> Money:
        return self.face_value - self.discount + self.fee + self.shipping

    @property
    def is_plain(self) -> bool:
        """Whether it is the face value and nothing else."""
        return not (self.discount or self.fee or self.shipping)

    def __mul__(self, times: int) -> "Cost":
        return Cost(
            face_value=self.face_value * times, discount=self.discount * times,
            fee=self.fee * times, shipping=self.shipping * times,
        )  # fmt: skip


def cost_of(
    product: Product, face_value: Money, quantity: int, shipping: Money | None = None
) -> Cost:
    """What one line of `quantity` cards costs; `shipping` is paid once per line.

    The discount is rounded down, so that we never hold too little. Two currencies do not add up:
    `total` is a MoneyError then.
    """
    value = face_value * quantity
    off = value.minor * product.discount_hundredths // WHOLE
    return Cost(
        face_value=value,
        discount=Money(off, value.currency),
        fee=Money(product.fee_minor, product.currency) * quantity,
        shipping=shipping or Money(0, value.currency),
    )
