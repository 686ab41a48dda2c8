"""Money: whole minor units of one currency, never a float, never rounded."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import total_ordering
from typing import Self

MOST = 10**15  # minor units: ten trillion dollars; more is a mistake, not an amount

# ISO 4217 (list one, "CcyMnrUnts"): digits after the point. Not listed: two.
_OTHER_EXPONENTS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_TWO_DIGITS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
    "GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD "
    "LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB "
    "PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW "
    "ZWG "
    "BGN ANG"  # replaced in 2025 and 2026, still found on cards
)
EXPONENTS: dict[str, int] = dict.fromkeys(_TWO_DIGITS.split(), 2) | _OTHER_EXPONENTS

_AMOUNT = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,4})?", re.ASCII)


class MoneyError(ValueError):
    """An amount that cannot be taken as it stands; the message is a sentence for a person."""


def exponent(currency: str) -> int:
    """Give the digits after the point of an ISO 4217 currency; MoneyError if there is none."""
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise MoneyError(f"{currency!r} is not a currency we know.") from None


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents of "USD", yen of "JPY"); ordered within its currency.

    Raises MoneyError for an unknown currency, for anything but an int, and beyond 10**15.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if type(self.minor) is not int:
            raise MoneyError(f"Money takes whole minor units, not {type(self.minor).__name__}.")
        if abs(self.minor) > MOST:
            raise MoneyError(f"{self.currency} {self.minor} minor units is too much to be true.")

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read "25.00": ASCII digits, a point, an optional minus; nothing else, no rounding."""
        if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
            raise MoneyError("That is not an amount: write it like 25.00.")
        return cls.from_decimal(Decimal(text), currency)

    @classmethod
    def from_decimal(cls, value: Decimal | int, currency: str) -> Self:
        """Take major units exactly; a remainder below the minor unit raises MoneyError."""
        digits = exponent(currency)
        amount = _exact(value)
        minor, rest = _shifted(amount, digits)
        if rest:
            raise MoneyError(f"{currency} has {digits} digits after the point, {amount} has more.")
        return cls(minor, currency)

    def decimal(self) -> Decimal:
        """Give major units with the digits of the currency: Decimal("25.00")."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def whole_units(self) -> int:
        """Give major units as an int; MoneyError if there is a remainder."""
        units, rest = divmod(self.minor, 10 ** exponent(self.currency))
        if rest:
            raise MoneyError(f"{self} is not a whole amount.")
        return units

    def format(self) -> str:
        """Write it for people, the same in every locale: "USD 1,234.00"."""
        return f"{self.currency} {self.decimal():,f}"

    def __str__(self) -> str:
        return f"{self.currency} {self.decimal():f}"

    def __add__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        if type(times) is not int:
            return NotImplemented
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor < self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MoneyError(f"{self} and {other} are of two currencies.")
        return other.minor


def _exact(value: Decimal | int) -> Decimal:
    if type(value) is int:
        return Decimal(value)
    if type(value) is Decimal and value.is_finite():
        return value
    raise MoneyError("That is not an amount.")


def _shifted(amount: Decimal, digits: int) -> tuple[int, bool]:
    """Move the point by `digits`: the whole number, and whether anything is left behind it.

    By integers, because Decimal's own arithmetic rounds to 28 digits and would hide the rest.
    """
    sign, figures, power = amount.as_tuple()
    if len(figures) > 40 or not isinstance(power, int) or power > 16:
        raise MoneyError("That is not an amount.")
    number, shift = int("".join(map(str, figures))), power + digits
    if shift >= 0:
        whole, rest = number * 10**shift, 0
    elif -shift > len(figures):
        whole, rest = 0, number
    else:
        whole, rest = divmod(number, 10**-shift)
    return (-whole if sign else whole), rest != 0
