"""What the merchant's own people do at the till, and other customers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from orders.issuing_states import HoldState
from orders.models import Authorization
from providers.sandbox.cp_extender import SimulatedCPExtender
from providers.sandbox.cp_extender.cards import ACTIVE, EXPIRED, VOIDED, Cards
from providers.sandbox.cp_extender.holds import Holds
from providers.sandbox.cp_extender.ledger import CANCELLED, CONFIRMED
from providers.sandbox.ledger import Row
from tests.simulation.operations.base import Action
from tests.simulation.operations.cp_extender_oracle import CPExtenderOracle

if TYPE_CHECKING:
    from tests.simulation.world import World

ODD_AMOUNTS = (137, 241, 59)  # minor units; none of ours, so that no two of them look like one
CODE_IS_KNOWN = (
    HoldState.AUTHORIZED,
    HoldState.AUTHORIZED_PARTIAL,
    HoldState.CONFIRMING,
    HoldState.CONFIRM_UNKNOWN,
    HoldState.CANCELLING,
    HoldState.CANCEL_UNKNOWN,
)


class Till:
    """Their acts; each is one transaction of their ledger."""

    def __init__(self, provider: SimulatedCPExtender, oracle: CPExtenderOracle) -> None:
        self._provider = provider
        self._ledger = provider.ledger
        self._oracle = oracle

    def action(self, world: "World") -> Action:
        """One of them, drawn."""
        acts: list[tuple[int, str, Callable[[World], None]]] = [
            (5, "a stranger spends", self._spend),
            (4, "a stranger has money held", self._hold),
            (4, "a stranger lets a hold go", self._release),
            (1, "a stranger reserves", self._reserve),
            (2, "the staff ends a hold of ours", self._end_hold),
            (1, "the staff changes a card", self._change_card),
            (1, "a number goes to a stranger", self._hand_over),
            (2, "all tokens are revoked", self._revoke),
        ]
        weights = [weight for weight, _, _ in acts]
        _, name, act = world.people.choices(acts, weights)[0]
        return Action(
            name, lambda: self._in_transaction(lambda: act(world)), is_double_clickable=False
        )

    def _in_transaction(self, act: Callable[[], None]) -> None:
        with self._ledger.transaction():
            self._provider.settle()
            act()

    # Other customers

    def _some_card(self, world: "World") -> Row | None:
        cards = self._oracle.live_cards()
        return world.people.choice(cards) if cards else None

    def _spend(self, world: "World") -> None:
        card = self._some_card(world)
        if card is not None:
            minor = world.people.choice(ODD_AMOUNTS)
            self._provider.strangers.spend(card, minor, world.time.now())

    def _hold(self, world: "World") -> None:
        card = self._some_card(world)
        if card is not None and card["status"] == ACTIVE and self._ledger.available(card) > 0:
            minor = world.people.choice(ODD_AMOUNTS)
            self._provider.strangers.hold(card, minor, world.time.now())

    def _release(self, world: "World") -> None:
        card = self._some_card(world)
        if card is not None:
            self._provider.strangers.release(card, world.time.now())

    def _reserve(self, world: "World") -> None:
        self._provider.strangers.reserve(world.time.now())

    def _hand_over(self, world: "World") -> None:
        """A number of ours on which there is no card; a pool's too, whatever the contract says."""
        free = [one for one in self._oracle.given() if self._oracle.card_at(one["number"]) is None]
        if free:
            self._provider.strangers.take(world.people.choice(free)["number"], world.time.now())

    # The staff

    def _end_hold(self, world: "World") -> None:
        """Give a hold of ours back, or take it; whose code is lost is only ever given back."""
        holds = self._oracle.open_holds()
        if not holds:
            return
        hold = world.people.choice(holds)
        ours = Authorization.objects.filter(reference=hold["sale_id"]).first()
        is_known = ours is not None and ours.state in CODE_IS_KNOWN
        state = world.people.choice((CANCELLED, CONFIRMED)) if is_known else CANCELLED
        Holds(self._ledger, self._provider.settings).complete(hold, state, world.time.now())

    def _change_card(self, world: "World") -> None:
        card = self._some_card(world)
        if card is not None:
            status = world.people.choice((VOIDED, EXPIRED, ACTIVE, ACTIVE))
            Cards(self._ledger, self._provider.settings).set_status(card, status)

    def _revoke(self, world: "World") -> None:
        self._ledger.run("UPDATE tokens SET expires_at = ?", world.time.now())
