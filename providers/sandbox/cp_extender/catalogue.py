"""What the merchant has in Counterpoint: gift card codes and customers."""

from dataclasses import dataclass, field

ADDRESS_KEYS = ("Address1", "Address2", "City", "State", "ZipCode")


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardCode:
    """A kind of gift card. `value` is in minor units; None: whatever the sale says."""

    code: str
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who may get a card. `address` has a text for each of ADDRESS_KEYS."""

    number: str
    first: str
    last: str
    email: str
    points: int = 0
    company: str = ""
    category: str = "RETAIL"
    newsletter: bool = False
    address: tuple[str, ...] = field(default=("12 Harbor Street", "", "Portland", "ME", "04101"))

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


CODES = {one.code: one for one in (GiftCardCode(code="GC"), GiftCardCode(code="GC50", value=5000))}

CUSTOMERS = (
    Customer(
        number="2059378440",
        first="Dana",
        last="Whitfield",
        email="dana.whitfield@example.com",
        points=12_500,
        newsletter=True,
    ),
    Customer(
        number="2059378441",
        first="Marcus",
        last="Oyelaran",
        email="m.oyelaran@example.com",
        points=480,
        address=("88 Mill Road", "Apt 4", "Burlington", "VT", "05401"),
    ),
    Customer(
        number="2059378442",
        first="Zoë",
        last="Núñez-Ångström",
        email="zoe.nunez@example.com",
        points=5000,
        address=("3 Plaza Mayor", "", "Santa Fe", "NM", "87501"),
    ),
    Customer(
        number="2059378443",
        first="Patrick",
        last="O'Rourke",
        email="patrick.orourke@example.com",
        address=("17 Quay Lane", "", "Boston", "MA", "02110"),
    ),
    Customer(
        number="2059378444",
        first="Wilhelmina Theodora Anastasia Konstantina",
        last="von Hohenstaufen-Featherstonehaugh-Montgomery-Cholmondeley"
        " the Younger of Auchtermuchty",
        email="wilhelmina.theodora.anastasia.konstantina.von.hohenstaufen@"
        "correspondence.auchtermuchty.example.com",
        points=99_999,
        address=(
            "1 The Old Granary behind the Former Post Office",
            "Rear Stair",
            "Ely",
            "MN",
            "55731",
        ),
    ),
    Customer(
        number="2059378445",
        first="Priya",
        last="Raman",
        email="priya.raman@example.com",
        points=2140,
        newsletter=True,
        address=("401 Orchard Avenue", "Suite 9", "Austin", "TX", "78701"),
    ),
    Customer(
        number="2059378446",
        first="Tomasz",
        last="Wójcik",
        email="tomasz@example.com",
        points=60,
        address=("9 Foundry Row", "", "Chicago", "IL", "60607"),
    ),
    Customer(
        number="CORP-0001",
        first="Helen",
        last="Marsh",
        email="rewards@northwind-dental.example.com",
        company="Northwind Dental Group",
        category="WHOLESALE",
        address=("2200 Commerce Parkway", "Floor 3", "Denver", "CO", "80202"),
    ),
    Customer(
        number="CORP-0002",
        first="Accounts",
        last="Payable",
        email="ap@larkspur-logistics.example.com",
        company="Larkspur Logistics, Inc.",
        category="WHOLESALE",
        points=31_000,
        address=("70 Depot Street", "", "Memphis", "TN", "38103"),
    ),
    Customer(
        number="CASH",
        first="Walk-in",
        last="Customer",
        email="counter@example.com",
        category="CASH",
        address=("", "", "", "", ""),
    ),
)
CUSTOMER = {one.number: one for one in CUSTOMERS}
BY_EMAIL = {one.email.casefold(): one for one in CUSTOMERS}
