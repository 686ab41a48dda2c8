"""What the simulated GiftCard Partners sell. Money is in minor units (cents)."""

from dataclasses import dataclass

DIGITAL, LINKS, PHYSICAL = "DigitalDelivery", "Links", "PhysicalShipment"
ORDER_TYPES = (DIGITAL, LINKS, PHYSICAL)
BY_WIRE = (DIGITAL, LINKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product. A variable one has two denominations, the least and the most.

    `discount` is in hundredths of a percent, `fee` in minor units a card.
    """

    id: str
    name: str
    brand: str
    denominations: tuple[int, ...]
    variable: bool = False
    delivery: tuple[str, ...] = BY_WIRE
    currency: str = "USD"
    discount: int = 0
    fee: int = 0
    needs_carrier: bool = False
    short: str = ""
    long: str = ""
    cultures: tuple[str, ...] = ("en-US",)

    @property
    def is_plastic(self) -> bool:
        """Whether it is a card to touch."""
        return self.delivery == (PHYSICAL,)

    def takes(self, value: int) -> bool:
        """Whether a card can have this value."""
        if self.variable:
            least, most = self.denominations
            return least <= value <= most
        return value in self.denominations


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing with an id and a name: a branding, a department, a card carrier."""

    id: str
    name: str
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """A way to ship; `cost` is in minor units of the account's currency, once a line."""

    id: str
    name: str
    description: str
    cost: int
    group: str


HOSTILE = (
    "<p>Good in <b>every</b> store.</p><script>alert('gotcha')</script>"
    "<img src=x onerror=\"alert('gotcha')\"><a href=\"javascript:alert('gotcha')\">Terms</a>"
)
PLASTIC = (PHYSICAL,)

PRODUCTS = (
    Product(
        id="PRODUCTA",
        name="Amazon.com",
        brand="Amazon",
        denominations=(1000, 2500, 5000, 10000),
        discount=300,
        short="Millions of items, delivered.",
        long="<p>Redeemable for millions of items at <b>Amazon.com</b>.</p>",
    ),
    Product(
        id="AMZN-VAR",
        name="Amazon.com, any amount",
        brand="Amazon",
        denominations=(100, 200000),
        variable=True,
        discount=150,
    ),
    Product(
        id="SBUX-D",
        name="Starbucks eGift",
        brand="Starbucks",
        denominations=(500, 1000, 2500),
        discount=600,
        cultures=("en-US", "es-US"),
    ),
    Product(
        id="SBUX-P",
        name="Starbucks card",
        brand="Starbucks",
        denominations=(1000, 2500),
        delivery=PLASTIC,
        discount=500,
        fee=75,
    ),
    Product(
        id="TRGT-VAR",
        name="Target GiftCard",
        brand="Target",
        denominations=(1500, 50000),
        variable=True,
        discount=200,
    ),
    Product(
        id="TRGT-P",
        name="Target GiftCard, plastic",
        brand="Target",
        denominations=(2500, 5000, 10000),
        delivery=PLASTIC,
        discount=100,
        fee=50,
    ),
    Product(
        id="HDPT-VAR",
        name="The Home Depot",
        brand="The Home Depot",
        denominations=(500, 200000),
        variable=True,
        short=HOSTILE,
        long=HOSTILE,
    ),
    Product(
        id="VISA-P",
        name="Visa Reward card",
        brand="Visa",
        denominations=(2500, 5000, 10000, 20000),
        delivery=PLASTIC,
        fee=395,
        needs_carrier=True,
        short="Comes on a card carrier.",
    ),
    Product(
        id="UBER-L",
        name="Uber",
        brand="Uber",
        denominations=(1500, 2500, 5000),
        delivery=(LINKS,),
        discount=400,
    ),
    Product(
        id="DASH-D",
        name="DoorDash",
        brand="DoorDash",
        denominations=(2500, 50000),
        variable=True,
        delivery=(DIGITAL,),
        discount=725,
    ),
    Product(
        id="CTIRE-CA",
        name="Canadian Tire",
        brand="Canadian Tire",
        denominations=(2500, 5000, 10000),
        currency="CAD",
        discount=250,
        cultures=("en-CA", "fr-CA"),
    ),
    Product(
        id="ZAL-EU",
        name="Zalando",
        brand="Zalando",
        denominations=(1000, 15000),
        variable=True,
        currency="EUR",
        cultures=("de-DE",),
    ),
    Product(
        id="AIRB-D",
        name="Airbnb",
        brand="Airbnb",
        denominations=(5000, 10000, 25000, 50000),
        discount=550,
        fee=25,
    ),
)

SHIPPING_METHODS = (
    Shipping(
        id="STANDARD",
        name="Standard",
        description="Three to seven working days",
        cost=495,
        group="GROUP1",
    ),
    Shipping(
        id="EXPEDITED",
        name="Expedited",
        description="Two working days",
        cost=1495,
        group="GROUP1",
    ),
    Shipping(
        id="OVERNIGHT",
        name="Overnight",
        description="The next working day",
        cost=2995,
        group="GROUP2",
    ),
)
CARRIERS = (
    Named(id="DEFAULT", name="Plain carrier", group="GROUP1"),
    Named(id="THANKS", name="Thank-you carrier", group="GROUP1"),
    Named(id="HOLIDAY", name="Holiday carrier", group="GROUP2"),
)
BRANDINGS = (
    Named(id="BRAND-123", name="Wellness"),
    Named(id="BRAND-124", name="Anniversary"),
    Named(id="BRAND-125", name="Holiday"),
)
DEPARTMENTS = (
    Named(id="D1", name="HR"),
    Named(id="D2", name="Sales"),
    Named(id="D3", name="Customer care"),
)

PRODUCT = {one.id: one for one in PRODUCTS}
SHIPPING = {one.id: one for one in SHIPPING_METHODS}
CARRIER_IDS = frozenset(one.id for one in CARRIERS)
BRANDING_IDS = frozenset(one.id for one in BRANDINGS)
DEPARTMENT_IDS = frozenset(one.id for one in DEPARTMENTS)
