"""GiftCard Partners orders of one to five lines: claim links, digital deliveries and plastic.

Their answers may be lost, their deposit runs low, their tokens end, and they ring at our door.
"""

import json
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from giftops.money import Money
from orders.models import Batch, Order
from orders.services import placing, resuming
from orders.services.drafting import Recipient, Wish
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import OrderType, PostalAddress
from providers.models import Product, ProviderAccount
from providers.sandbox.wire import Reply, Request
from tests.simulation.checks import Books, Check
from tests.simulation.house_rules import HOST
from tests.simulation.operations.base import Action
from tests.simulation.operations.desks import Desks
from tests.simulation.operations.giftcardpartners_checks import Deliveries
from tests.simulation.operations.giftcardpartners_faults import (
    BALANCE,
    BUY,
    FAULTS,
    GET,
    HISTORY,
    PRODUCTS,
    READS,
    TOKEN,
)
from tests.simulation.operations.giftcardpartners_oracle import (
    ACCESS_TOKEN,
    EMAIL,
    GiftCardPartnersOracle,
    make_provider,
)
from tests.simulation.operations.giftcardpartners_staff import Staff
from tests.simulation.operations.people import Choice
from tests.simulation.sends import Replays, SendRule
from tests.simulation.sent import Sent
from tests.simulation.time import VirtualTime

if TYPE_CHECKING:
    from tests.simulation.world import World

GOODS: dict[OrderType, dict[str, tuple[int, ...]]] = {
    OrderType.LINKS: {"PRODUCTA": (1000, 2500), "UBER-L": (1500, 5000), "AIRB-D": (5000, 50000)},
    OrderType.DIGITAL: {"SBUX-D": (500, 2500), "DASH-D": (2500, 3333), "AMZN-VAR": (199, 60000)},
    OrderType.PHYSICAL: {"SBUX-P": (1000, 2500), "VISA-P": (2500, 20000)},
}  # minor units
FATES = {201: "answered", 400: "refused", 409: "duplicate", 422: "no funds"}
NOT_EXECUTED = {401, 403, 404, 429}
FOR_PEOPLE = ("carries our reference", "had our reference", "have our reference")


class GiftCardPartnersOrders(Desks):
    """What people do about these orders; what the provider's staff does is in `Staff`."""

    slug = "giftcardpartners"
    name = "giftcardpartners order"
    writes = (BUY,)
    calls = (BUY, GET, HISTORY, BALANCE, TOKEN, PRODUCTS)
    faults = FAULTS
    limits = (5, 300)
    rings = True
    patience = 26 * 3600.0  # what they say to have is looked for as long as they remember it
    unreachable = {
        **{(read, "K1"): "a read commits no intent" for read in READS},
    }

    def __init__(self, seed: str, time: VirtualTime, random: Random) -> None:
        self.provider = make_provider(seed, time, random)
        self.oracle: GiftCardPartnersOracle = GiftCardPartnersOracle(self.provider)
        self._staff = Staff(self.provider, self.oracle)

    @staticmethod
    def open_account() -> ProviderAccount:
        per_second, per_minute = GiftCardPartnersOrders.limits
        return providers.create_account(
            name="giftcardpartners-sim",
            provider=GiftCardPartnersOrders.slug,
            environment="uat",
            base_url=f"https://{HOST}",
            credentials={"email": EMAIL, "access_token": ACCESS_TOKEN},
            per_second=per_second,
            per_minute=per_minute,
        )

    @staticmethod
    def mirror(account: ProviderAccount) -> None:
        providers.refresh_products(account.pk)
        providers.refresh_options(account.pk)

    def prepare(self, world: "World") -> None:
        if world.people.random() < 0.3:
            left = world.people.choice((5_000, 60_000, 200_000))
            self.provider.ledger.move(world.time.now(), left - 5_000_000, "spent before")

    # On the wire

    def reference_in(self, request: Request) -> str:
        if request.method != "POST" or not request.body:
            return ""
        return str(json.loads(request.body).get("PONumber", ""))

    def fate_of(self, call: str, reply: Reply) -> str:
        if call != BUY:
            return "answered" if reply.status == 200 else "unknown"
        if reply.status in NOT_EXECUTED:
            return "not executed"
        return FATES.get(reply.status, "unknown")

    def sends(self, books: Books, sent: list[Sent]) -> SendRule:
        return Replays(books, sent, buys=BUY, account=self.account_id.hex)

    def checks(self, world: "World", sends: SendRule) -> list[Check]:
        assert isinstance(sends, Replays)
        return [*super().checks(world, sends), sends, Deliveries(world.books, *self.place)]

    # People

    def choices(self) -> list[Choice]:
        more: list[Choice] = [
            (12, self.buy),
            (3, self._buy_too_late),
            (3, self._resume),
            (1, self._give_up),
            (4, self.staff),
        ]
        return [*super().choices(), *more]

    def action(self, world: "World") -> Action | None:
        """Money that is pending does not stay so for long: without it nobody buys anything."""
        if world.people.random() < self._staff.haste():
            return self._staff.funds_arrive(world)
        return super().action(world)

    def wish(self, random: Random) -> Wish | None:
        kind = random.choice(
            (OrderType.LINKS, OrderType.LINKS, OrderType.DIGITAL, OrderType.PHYSICAL)
        )
        product_id = random.choice(list(GOODS[kind]))
        products = Product.objects.filter(account=self.account_id).select_related("account")
        product = products.filter(external_id=product_id).first()
        if product is None:
            return None
        quantity, lines = random.choice((1, 1, 2, 3)), random.choice((1, 1, 2, 3, 5))
        return Wish(
            product=product,
            face_value=Money(random.choice(GOODS[kind][product_id]), "USD"),
            quantity=quantity,
            order_type=kind,
            recipients=tuple(_recipient(kind, row) for row in range(1, lines + 1)),
            note=random.choice(("", "for the fair")),
            branding_id=random.choice(("", "BRAND-123")),
            department_id=random.choice(("", "D1")),
            **_parcel(random, kind),
        )

    def before_handing_in(self, world: "World") -> Callable[[Batch], None]:
        """Now and then a colleague types our reference into the portal."""
        if world.people.random() > 0.04:
            return super().before_handing_in(world)
        return lambda batch: self._staff.collide(world, batch.orders.get())

    def _buy_too_late(self, world: "World") -> Action | None:
        """Between the hold and the sending somebody else takes the money."""
        action = self.buy(world)
        if action is None:
            return None

        def do() -> None:
            action.do()
            self._staff.empty(world)

        return Action(f"{action.name}, and the account is emptied", do, is_double_clickable=False)

    def _resume(self, world: "World") -> Action | None:
        order = self.any(world, status=Status.AWAITING_FUNDS)
        if order is None:
            return None
        maker = self.maker(world)
        return Action(
            f"{maker} resumes {world.name_of(order)}",
            partial(resuming.resume_order, order, actor=maker),
        )

    def _give_up(self, world: "World") -> Action | None:
        order = self.any(world, status=Status.AWAITING_FUNDS)
        return None if order is None else self.withdrawal(world, order)

    def staff(self, world: "World") -> Action | None:
        return self._staff.action(world)

    def credit(self, world: "World", order: Order) -> None:
        self._staff.void(world, order.reference)

    # Endings

    def settle(self, world: "World") -> None:
        self.switch_everything_on()
        self._staff.settle(world)

    def going_on(self) -> list[Order]:
        waiting = self.orders.filter(status=Status.AWAITING_FUNDS, is_held_back=False)
        return [
            *super().going_on(),
            *(order for order in waiting if not placing.problem_with_sending(order)),
        ]

    def may_wait_for_people(self, order: Order, why: str) -> bool:
        """They say that they have it and do not show it, or show another one; or it is not there,
        although it was sent as often as it may be."""
        if any(text in why for text in FOR_PEOPLE):
            return True
        bought = {one.reference for one in self.oracle.purchases() if one.is_live}
        return "Two people decide" in why and order.reference not in bought


def _recipient(kind: OrderType, row: int) -> Recipient:
    name, address = f"Person {row}", None
    if kind == OrderType.PHYSICAL:
        address = PostalAddress(
            name=name, line_1=f"{row} Main Street", city="Springfield", state="IL",
            postcode="62701", country="US",
        )  # fmt: skip
    return Recipient(name=name, email=f"person-{row}@example.com", address=address, row=row)


def _parcel(random: Random, kind: OrderType) -> dict[str, Any]:
    if kind != OrderType.PHYSICAL:
        return {}
    return {
        "shipping_method_id": random.choice(("STANDARD", "EXPEDITED")),
        "carrier_id": "DEFAULT",
    }
