"""A handful of orders in the states a person can meet, made by driving the real services."""

from orders.demo.account import PARTNERS
from orders.demo.issuing_stories import AT_ISSUER
from orders.demo.telling import Story
from orders.demo.wanted import Wanted, people
from orders.services.drafting import Recipient
from providers.gateways.base import OrderType, PostalAddress

AT_NCENTIVA = (
    Story(
        title="Welcome, Ann",
        maker="mira",
        wanted=Wanted(
            product="1234",
            value="25.00",
            recipients=(Recipient(name="Ann Petrov", email="ann@example.com"),),
        ),
    ),
    Story(
        title="Coffee for the booth",
        maker="jon",
        wanted=Wanted(product="1410", value="5.00", quantity=3),
    ),
    Story(
        title="An answer that got lost",
        maker="mira",
        wanted=Wanted(
            product="1301",
            value="50.00",
            recipients=(Recipient(name="Bo Lind", email="bo@example.com"),),
        ),
        faults={"http_504": {"commit": True}, "delayed_visibility": {"seconds": 120.0}},
    ),
    Story(
        title="Coffee, sold out for ten minutes",
        maker="jon",
        wanted=Wanted(product="1411", value="10.00"),
        faults={"out_of_stock": {"resume_after": 600.0}},
    ),
    Story(
        title="Cancelled over there",
        maker="mira",
        wanted=Wanted(product="1235", value="40.00"),
        faults={"cancelled": {}},
    ),
    Story(
        title="One card too many",
        maker="jon",
        wanted=Wanted(product="1302", value="20.00"),
        faults={"extra_cards": {"cards": 1}},
    ),
    Story(
        title="Spring campaign",
        maker="mira",
        wanted=Wanted(product="1235", value="50.00", quantity=24),
    ),
    Story(
        title="Summer campaign",
        maker="jon",
        wanted=Wanted(
            product="1520",
            value="100.00",
            quantity=12,
        ),
        declined_because="The budget for summer is not out yet. Ask again in May.",
    ),
    Story(
        title="Not sure yet",
        maker="jon",
        wanted=Wanted(product="1633", value="15.00"),
        is_submitted=False,
    ),
)

TEAM = tuple(
    Recipient(name=name, email=f"{name.split()[0].lower()}@example.com")
    for name in ("Ann Petrov", "Bo Lind", "Cleo Marsh", "Dev Patel", "Eva Ruiz", "Finn Olsen")
)
ANN_AT_HOME = Recipient(
    name="Ann Petrov",
    email="ann@example.com",
    address=PostalAddress(
        name="Ann Petrov", line_1="12 Harbor Street", line_2="Apt 4", city="Portland", state="OR",
        postcode="97201",
    ),
)  # fmt: skip

AT_PARTNERS = (
    Story(
        title="Three links for the raffle",
        maker="mira",
        wanted=Wanted(
            provider=PARTNERS,
            product="UBER-L",
            value="25.00",
            quantity=3,
            order_type=OrderType.LINKS,
        ),
    ),
    Story(
        title="A coffee for the team",
        maker="jon",
        wanted=Wanted(
            provider=PARTNERS,
            product="SBUX-D",
            value="10.00",
            order_type=OrderType.DIGITAL,
            recipients=TEAM,
            message="Thank you for a great quarter!",
        ),
    ),
    Story(
        title="A card for Ann's kitchen wall",
        maker="mira",
        wanted=Wanted(
            provider=PARTNERS,
            product="VISA-P",
            value="50.00",
            order_type=OrderType.PHYSICAL,
            recipients=(ANN_AT_HOME,),
            shipping_method="STANDARD",
            carrier="THANKS",
            message="Ten years. Thank you, Ann.",
        ),
        faults={"pending": {"after": 240.0}},
    ),
    Story(
        title="More than their deposit had",
        maker="jon",
        wanted=Wanted(
            provider=PARTNERS,
            product="AMZN-VAR",
            value="180.00",
            quantity=4,
            order_type=OrderType.LINKS,
        ),
        faults={"insufficient_funds": {"count": 10}},
    ),
    Story(
        title="One address bounced",
        maker="jon",
        wanted=Wanted(
            provider=PARTNERS,
            product="DASH-D",
            value="30.00",
            order_type=OrderType.DIGITAL,
            recipients=TEAM[:3],
            message="Dinner is on us.",
        ),
        faults={"line_failed": {"position": 2}},
    ),
    Story(
        title="Autumn bonus, the whole floor",
        maker="mira",
        wanted=Wanted(
            provider=PARTNERS,
            product="AMZN-VAR",
            value="75.00",
            order_type=OrderType.DIGITAL,
            recipients=people(60),
            message="Enjoy your autumn.",
        ),
    ),
)

OF_BATCHES = (*AT_NCENTIVA, *AT_PARTNERS)
STORIES = (*OF_BATCHES, *AT_ISSUER)
