"""Ncentiva orders, one card each: bought by two makers, approved by two approvers."""

import json
from random import Random
from typing import TYPE_CHECKING

from giftops.money import Money
from orders.models import Order
from orders.services.drafting import Wish
from orders.statuses import Status
from providers import services as providers
from providers.models import Product, ProviderAccount
from providers.sandbox.ncentiva.orders import CANCELLED, COMPLETED, Line
from providers.sandbox.wire import Reply, Request
from tests.simulation.checks import Books
from tests.simulation.operations.base import Action
from tests.simulation.operations.desks import Desks
from tests.simulation.operations.ncentiva_faults import (
    BALANCE,
    BUY,
    CARDS,
    FAULTS,
    FIND,
    GET,
    HISTORY,
    INVENTORY,
    READS,
)
from tests.simulation.operations.ncentiva_oracle import (
    PASSWORD,
    USERNAME,
    NcentivaOracle,
    make_provider,
)
from tests.simulation.sends import AfterProof, SendRule
from tests.simulation.sent import Sent
from tests.simulation.time import VirtualTime

if TYPE_CHECKING:
    from tests.simulation.world import World

VALUES = {
    1234: (25,),
    1301: (50,),
    1410: (5,),
    1235: (1, 60, 400),
    1520: (35, 1200, 1900),
    1633: (15, 90),
}
EXPENSIVE = (1520, 1520)  # above the limit, so that approvers have something to do
REFUSED = {1411: (10,)}  # withdrawn from the shelves over there, so it is refused in known words
NOT_EXECUTED = {401, 403, 404, 429}


class NcentivaOrders(Desks):
    """Everything that people do about orders, and what the provider's staff does to them."""

    slug = "ncentiva"
    name = "ncentiva order"
    writes = (BUY,)
    calls = (BUY, FIND, GET, CARDS, BALANCE, HISTORY, INVENTORY)
    faults = FAULTS
    limits = (2, 60)
    unreachable = {
        ("*", "http_404"): "a provider that denies an existing order for 20 minutes is outside of "
        "the model: its contract names that very text as proof of absence",
        **{(read, "K1"): "a read commits no intent" for read in READS},
    }

    def __init__(self, seed: str, time: VirtualTime, random: Random) -> None:
        self.provider = make_provider(seed, time, refuses_repeats=random.random() < 0.5)
        self.oracle: NcentivaOracle = NcentivaOracle(self.provider)

    @staticmethod
    def open_account() -> ProviderAccount:
        per_second, per_minute = NcentivaOrders.limits
        return providers.create_account(
            name="ncentiva-sim",
            provider=NcentivaOrders.slug,
            environment="uat",
            base_url="https://api-uat.ncentiva.com",
            credentials={"username": USERNAME, "password": PASSWORD},
            per_second=per_second,
            per_minute=per_minute,
        )

    @staticmethod
    def mirror(account: ProviderAccount) -> None:
        providers.refresh_products(account.pk)

    def prepare(self, world: "World") -> None:
        account = self.account
        settings = account.settings | {"reference_is_unique": self.provider.refuses_repeats}
        ProviderAccount.objects.filter(pk=account.pk).update(settings=settings)
        if world.people.random() < 0.25:
            self.provider.ledger.move(world.time.now(), -4_960_000, "spent before")
        self.provider.ledger.run("DELETE FROM products WHERE id IN (1411)")

    # On the wire

    def reference_in(self, request: Request) -> str:
        if request.method != "GET":
            return str(json.loads(request.body or b"{}").get("orderReference", ""))
        path = request.path.removeprefix(self.provider.prefix)
        for operation in self.provider.operations:
            found = operation.match(path) if operation.method == "GET" else None
            if found and "customerReference" in found:
                return found["customerReference"]
        return ""

    def fate_of(self, call: str, reply: Reply) -> str:
        """Read from the status alone where that is enough."""
        if call == FIND:
            known = {404: "absent", 200: "answered"}
            return known.get(reply.status, "unknown")
        if reply.status in NOT_EXECUTED or (reply.status == 400 and b"maintenance" in reply.body):
            return "not executed"
        if reply.status == 400:
            return "refused"
        return "answered" if reply.status == 200 else "unknown"

    def sends(self, books: Books, sent: list[Sent]) -> SendRule:
        rule = AfterProof(books, sent, buys=BUY)
        rule.is_unique = self.provider.refuses_repeats
        return rule

    # People

    def wish(self, random: Random) -> Wish | None:
        type_id = random.choice([*VALUES, *REFUSED, *EXPENSIVE])
        products = Product.objects.filter(account=self.account_id)
        product = products.select_related("account").filter(external_id=str(type_id)).first()
        if product is None:
            return None
        value = Money(random.choice((VALUES | REFUSED)[type_id]) * 100, "USD")
        return Wish(product=product, face_value=value, quantity=random.choice((1, 1, 1, 2, 4)))

    def staff(self, world: "World") -> Action | None:
        """The provider's own people: funds come in, a stranger buys, a parked order goes on."""
        return world.people.choice((
            Action("funds arrive", lambda: self._add_funds(world), is_double_clickable=False),
            Action("a stranger buys", lambda: self._stranger(world), is_double_clickable=False),
            Action("a colleague buys in the portal", lambda: self._collide(world)),
            Action("the provider sorts out what it parked", lambda: self._unpark(world, 0.5)),
        ))  # fmt: skip

    def _add_funds(self, world: "World") -> None:
        with self.provider.ledger.transaction():
            self.provider.ledger.move(world.time.now(), 500_000, "funding")
            self.provider.desk.resume_waiting(world.time.now())

    def _stranger(self, world: "World") -> None:
        with self.provider.ledger.transaction():
            self.provider.place_stranger(
                world.time.now(), reference=f"PO-{world.people.randrange(10**9)}"
            )

    def credit(self, world: "World", order: Order) -> None:
        ledger = self.provider.ledger
        found = ledger.order_referenced(order.reference)
        if found is not None and not found["stranger"]:
            with ledger.transaction():
                self.provider.desk.force(found, CANCELLED, world.time.now(), refund=True)

    def _collide(self, world: "World") -> None:
        """Somebody types one of our references into the portal, for another purchase of theirs."""
        order = self.orders.filter(status=Status.APPROVED).order_by("pk").first()
        ledger = self.provider.ledger
        if order is not None and ledger.order_referenced(order.reference) is None:
            with ledger.transaction():
                line = Line(product=1520, amount=77)
                self.provider.place_stranger(world.time.now(), order.reference, line)

    def _unpark(self, world: "World", share: float) -> None:
        ledger, desk = self.provider.ledger, self.provider.desk
        with ledger.transaction():
            for order in self.oracle.parked():
                if world.people.random() < share:
                    ending = world.people.choices((COMPLETED, CANCELLED), (8, 2))[0]
                    if order["completed_at"] is not None:
                        ending = COMPLETED
                    number = order["number"]
                    ledger.run("UPDATE orders SET waits_for = NULL WHERE number = ?", number)
                    desk.force(order, ending, world.time.now())

    def settle(self, world: "World") -> None:
        self.switch_everything_on()
        self._add_funds(world)
        if world.people.random() < 0.93:
            self._unpark(world, 1.0)
