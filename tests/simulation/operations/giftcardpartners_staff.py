"""What GiftCard Partners' own people do, and other people at the same account."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orders.models import Order
from orders.services.drafting import request_of
from providers.gateways.giftcardpartners import build
from providers.sandbox.giftcardpartners import SimulatedGiftCardPartners
from providers.sandbox.giftcardpartners.form import read_form
from providers.sandbox.giftcardpartners.ledger import PENDING_FUNDS
from providers.sandbox.giftcardpartners.orders import CANCELLED, COMPLETED, FAILED
from providers.sandbox.giftcardpartners.webhooks import BODIES
from providers.sandbox.ledger import Row
from tests.simulation.operations.base import Action
from tests.simulation.operations.giftcardpartners_oracle import GiftCardPartnersOracle

if TYPE_CHECKING:
    from tests.simulation.world import World

PLENTY = 3_000_000  # minor units
LIES = [kind for kind in BODIES if kind != "large"]  # a large one does not pass the door


class Staff:
    """Their acts; each is one transaction of their ledger."""

    def __init__(self, provider: SimulatedGiftCardPartners, oracle: GiftCardPartnersOracle) -> None:
        self._provider = provider
        self._ledger = provider.ledger
        self._oracle = oracle

    def action(self, world: "World") -> Action:
        """One of them, drawn."""
        acts: list[tuple[int, str, Callable[[World], None]]] = [
            (4, "funds are asked for", self._ask_for_funds),
            (2, "funds arrive", self._apply_funds),
            (2, "somebody spends in the portal", self._spend),
            (1, "a stranger buys", self._stranger),
            (2, "the provider works on an order", self._work),
            (2, "all tokens are revoked", self._revoke),
            (1, "API access is switched", self._switch_access),
            (6, "somebody rings at our door", self._ring),
        ]
        weights = [weight for weight, _, _ in acts]
        _, name, act = world.people.choices(acts, weights)[0]
        return self._act(world, name, act)

    def _act(self, world: "World", name: str, act: Callable[["World"], None]) -> Action:
        return Action(
            name, lambda: self._in_transaction(lambda: act(world)), is_double_clickable=False
        )

    def haste(self) -> float:
        """How likely it is that the next to act are those who make funds available."""
        return 0.2 if self._ledger.funds(PENDING_FUNDS) else 0.0

    def funds_arrive(self, world: "World") -> Action:
        """What was pending is available."""
        return self._act(world, "funds arrive", self._apply_funds)

    def void(self, world: "World", reference: str) -> None:
        """Cancel whatever of ours is there under a reference, and give its money back."""
        for order in self._ours("po_number = ?", reference):
            self._in_transaction(lambda found=order: self._become(world, found, CANCELLED))

    def empty(self, world: "World") -> None:
        """What is available is pending again: the next order is refused for lack of funds."""

        def act() -> None:
            now, all_of_it = world.time.now(), self._ledger.funds()
            self._ledger.move(now, -all_of_it, "called back")
            self._ledger.move(now, all_of_it, "called back", portion=PENDING_FUNDS)

        self._in_transaction(act)

    def settle(self, world: "World") -> None:
        """Faults are off: the money is there, and what was parked goes on, all but very little."""

        def act() -> None:
            self._ledger.keep("enabled", True)
            self._apply_funds(world)
            self._ledger.move(world.time.now(), PLENTY, "funds")
            if world.people.random() < 0.97:
                for order in self._oracle.pending():
                    self._finish(world, order)

        self._in_transaction(act)

    def _in_transaction(self, act: Callable[[], None]) -> None:
        with self._ledger.transaction():
            self._provider.settle()
            act()

    # Money

    def _ask_for_funds(self, world: "World") -> None:
        amount = world.people.choice((20_000, 200_000))
        self._ledger.move(world.time.now(), amount, "funding", portion=PENDING_FUNDS)

    def _apply_funds(self, world: "World") -> None:
        pending = self._ledger.funds(PENDING_FUNDS)
        if pending:
            self._ledger.move(world.time.now(), -pending, "applied", portion=PENDING_FUNDS)
            self._ledger.move(world.time.now(), pending, "applied")

    def _spend(self, world: "World") -> None:
        share = world.people.choice((0.1, 0.9))
        self._ledger.move(world.time.now(), -int(self._ledger.funds() * share), "portal")

    # Orders

    def _stranger(self, world: "World") -> None:
        self._provider.place_stranger(world.time.now())

    def collide(self, world: "World", order: Order) -> None:
        """Somebody types our reference into the portal, for another card than we do.

        One that is ours in every word, line ids and all, cannot be told from ours once a program
        dies with their "we have it" unread; it comes only where a sabotage has to be noticed by it.
        """
        body = json.loads(build.order_body(request_of(order)))
        if not world.has_twins:
            body["LineItems"] = [{"ProductId": "UBER-L", "Value": 25, "Quantity": 1}]
            body["Type"] = "Links"
        self._in_transaction(
            lambda: self._provider.place_stranger(world.time.now(), read_form(body))
        )

    def _work(self, world: "World") -> None:
        pending = self._oracle.pending()
        if not pending:
            return
        order = world.people.choice(pending)
        if world.people.random() < 0.4 and order["completed_at"] is None:
            lines = self._ledger.lines_of(order["number"])
            self._provider.desk.fail_line(order, world.people.choice(lines), world.time.now())
        else:
            self._finish(world, order)

    def _finish(self, world: "World", order: Row) -> None:
        ending = world.people.choices((COMPLETED, FAILED, CANCELLED), (8, 1, 1))[0]
        if order["completed_at"] is not None:
            ending = COMPLETED
        self._become(world, order, ending)

    def _become(self, world: "World", order: Row, status: str) -> None:
        now = world.time.now()
        self._provider.desk.become(order, status, now, refund=True)
        self._provider.announce(self._ledger.order(order["number"]), now)

    def _ours(self, condition: str, *values: Any) -> list[Row]:
        return self._ledger.rows(
            f"SELECT * FROM orders WHERE NOT stranger AND {condition} ORDER BY number",  # noqa: S608 - our own words
            *values,
        )

    # Doors

    def _revoke(self, world: "World") -> None:
        self._ledger.run("UPDATE tokens SET expires_at = ?", world.time.now())

    def _switch_access(self, world: "World") -> None:
        self._ledger.keep("enabled", world.people.random() < 0.7)

    def _ring(self, world: "World") -> None:
        """A webhook nobody should believe: a wrong secret, or a right one and any body."""
        found = self._ours("webhook IS NOT NULL")
        if not found:
            return
        order = world.people.choice(found)
        url, body = order["webhook"], self._provider.webhook_body(order, world.people.choice(LIES))
        if world.people.random() < 0.3:
            url = f"{url.rstrip('/')[:-8]}{world.people.randbytes(4).hex()}/"
        self._provider.outbox.put(url, body, world.time.now(), order["id"])
