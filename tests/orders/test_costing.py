"""What cards cost, to the minor unit: never less than the provider's own arithmetic."""

from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giftops.money import Money, MoneyError
from orders.services.costing import cost_of
from providers.models import Product


def product(**fields: int) -> Product:
    return Product(name="Card", currency="USD", kind="variable", **fields)


def dollars(text: str) -> Money:
    return Money.parse(text, "USD")


@pytest.mark.parametrize(
    ("fields", "value", "quantity", "shipping", "cost"),
    [
        ({}, "25.00", 3, None, "75.00"),
        ({"discount_hundredths": 300}, "25.00", 1, None, "24.25"),
        ({"discount_hundredths": 725}, "25.01", 1, None, "23.20"),  # 23.196775
        ({"discount_hundredths": 1}, "0.01", 1, None, "0.01"),
        ({"fee_minor": 75, "discount_hundredths": 500}, "10.00", 2, "4.95", "25.45"),
        ({"fee_minor": 395}, "200.00", 1, "14.95", "218.90"),
    ],
)
def test_a_line_costs_its_value_less_the_discount_plus_fees_and_shipping(
    fields, value, quantity, shipping, cost
):
    paid = cost_of(product(**fields), dollars(value), quantity, shipping and dollars(shipping))

    assert paid.total == dollars(cost)


@given(
    value=st.integers(1, 10**9), quantity=st.integers(1, 1000), off=st.integers(0, 10_000),
    fee=st.integers(0, 10_000),
)  # fmt: skip
def test_the_estimate_is_the_exact_price_rounded_up(value, quantity, off, fee):
    exact = Decimal(value) * quantity * (1 - Decimal(off) / 10_000) + fee * quantity

    cost = cost_of(product(discount_hundredths=off, fee_minor=fee), Money(value, "USD"), quantity)

    assert cost.total.minor == int(exact.to_integral_value(ROUND_CEILING))


def test_the_parts_add_up_and_multiply():
    parts = cost_of(product(fee_minor=75, discount_hundredths=500), dollars("10.00"), 2)

    assert (parts * 3).total == parts.total * 3 == dollars("61.50")
    assert not parts.is_plain
    assert cost_of(product(), dollars("10.00"), 2).is_plain


def test_shipping_in_another_currency_is_refused():
    with pytest.raises(MoneyError, match="two currencies"):
        _ = cost_of(product(), dollars("10.00"), 1, Money(495, "CAD")).total
