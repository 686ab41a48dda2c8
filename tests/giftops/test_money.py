from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giftops.money import EXPONENTS, MOST, Money, MoneyError, exponent

amounts = st.integers(min_value=-(10**14), max_value=10**14)
currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25.00", "USD", 2500),
        ("25", "USD", 2500),
        ("0.01", "USD", 1),
        ("-3.5", "EUR", -350),
        ("1000", "JPY", 1000),
        ("1000.0", "JPY", 1000),
        ("1.234", "KWD", 1234),
        ("007", "GBP", 700),
    ],
)
def test_an_amount_is_read_exactly(text, currency, minor):
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1,000.00", "1.", ".5", "+1", "1e3", "NaN", "Infinity", "٣", "1.00001", "--1"],
)
def test_anything_that_is_not_plainly_an_amount_is_refused(text):
    with pytest.raises(MoneyError, match=r"\.$"):
        Money.parse(text, "USD")


@pytest.mark.parametrize(
    "value",
    [
        Decimal("0.001"),
        Decimal("1." + "0" * 30 + "1"),  # Decimal's own scaling would round this to 1
        Decimal("1E-999999"),
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),
        1.5,
        True,
        "1",
    ],
)
def test_what_is_no_exact_amount_is_refused_and_never_rounded(value):
    with pytest.raises(MoneyError):
        Money.from_decimal(value, "USD")


def test_an_unknown_currency_is_refused_everywhere():
    for make in (lambda: Money(1, "XXX"), lambda: Money(1, "usd"), lambda: exponent("")):
        with pytest.raises(MoneyError, match="not a currency"):
            make()


@pytest.mark.parametrize("minor", [1.0, Decimal(1), "1", True, None, MOST + 1, -MOST - 1])
def test_minor_units_are_whole_and_within_reason(minor):
    with pytest.raises(MoneyError):
        Money(minor, "USD")


@pytest.mark.parametrize(
    ("money", "plain", "people"),
    [
        (Money(2500, "USD"), "USD 25.00", "USD 25.00"),
        (Money(123456789, "USD"), "USD 1234567.89", "USD 1,234,567.89"),
        (Money(1234, "JPY"), "JPY 1234", "JPY 1,234"),
        (Money(1234567, "KWD"), "KWD 1234.567", "KWD 1,234.567"),
        (Money(-5, "EUR"), "EUR -0.05", "EUR -0.05"),
        (Money(0, "JPY"), "JPY 0", "JPY 0"),
    ],
)
def test_money_is_written_with_the_digits_of_its_currency(money, plain, people):
    assert (str(money), money.format()) == (plain, people)


@given(amounts, currencies)
def test_what_is_written_reads_back_the_same(minor, currency):
    money = Money(minor, currency)

    assert Money.parse(str(money.decimal()), currency) == money
    assert Money.from_decimal(money.decimal(), currency) == money


@given(amounts, amounts, st.integers(-9, 9))
def test_sums_are_those_of_whole_numbers(one, other, times):
    a, b = Money(one, "USD"), Money(other, "USD")

    assert (a + b - b, a * times, -a) == (a, Money(one * times, "USD"), Money(-one, "USD"))
    assert (a < b, a <= b) == (one < other, one <= other)


def test_two_currencies_never_mix():
    for mix in (
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a < b,
        lambda a, b: sorted([a, b]),
    ):
        with pytest.raises(MoneyError, match="two currencies"):
            mix(Money(1, "USD"), Money(1, "EUR"))
    assert Money(1, "USD") != Money(1, "EUR")


def test_money_multiplies_by_whole_numbers_only():
    for factor in (1.5, Decimal(2), Money(1, "USD"), True):
        with pytest.raises(TypeError):
            Money(1, "USD") * factor


def test_whole_units_have_no_remainder():
    assert Money(2500, "USD").whole_units() == 25
    with pytest.raises(MoneyError, match="whole amount"):
        Money(2550, "USD").whole_units()


def test_money_does_not_change():
    with pytest.raises(AttributeError):
        Money(1, "USD").minor = 2
