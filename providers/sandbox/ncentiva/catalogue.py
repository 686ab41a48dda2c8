"""What the simulated Ncentiva sells. Values are in minor units (cents)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardType:
    """One product. A fixed one has `value`, a variable one `least` and `most`.

    `style` is how its codes look: `card` (16 digits and a PIN), `claim` (letters and digits),
    `link` (a card number and a claim link).
    """

    id: int
    name: str
    brand: str
    currency: str = "USD"
    value: int | None = None
    least: int | None = None
    most: int | None = None
    available: bool = True
    style: str = "card"


CATALOGUE = (
    GiftCardType(id=1234, name="Amazon US $25", brand="Amazon", value=2500, style="claim"),
    GiftCardType(id=1235, name="Amazon US", brand="Amazon", least=100, most=200000, style="claim"),
    GiftCardType(id=1301, name="Target $50", brand="Target", value=5000),
    GiftCardType(id=1302, name="Target", brand="Target", least=500, most=50000),
    GiftCardType(id=1410, name="Starbucks $5", brand="Starbucks", value=500),
    GiftCardType(id=1411, name="Starbucks $10", brand="Starbucks", value=1000),
    GiftCardType(id=1520, name="Home Depot", brand="Home Depot", least=1000, most=200000),
    GiftCardType(id=1633, name="Uber", brand="Uber", least=1500, most=50000, style="link"),
    GiftCardType(
        id=1704, name="Zalando DE", brand="Zalando", currency="EUR", least=1000, most=15000
    ),
    GiftCardType(
        id=1705, name="IKEA DE 50 EUR", brand="IKEA", currency="EUR", value=5000, style="link"
    ),
    GiftCardType(
        id=1802, name="Tim Hortons CA", brand="Tim Hortons", currency="CAD", least=500, most=10000
    ),
    GiftCardType(
        id=1803,
        name="Canadian Tire $100",
        brand="Canadian Tire",
        currency="CAD",
        value=10000,
        available=False,
    ),
)
