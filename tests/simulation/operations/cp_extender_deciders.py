"""Two people who end what only people may end, by what the merchant's staff tells them.

Whoever proposes is now and then mistaken; whoever confirms asks the staff again.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from giftops.money import Money
from orders.issuing_states import HOLDS_FOR_TWO, CardState, HoldState
from orders.models import Authorization, Card, Resolution
from orders.services.issuing.cards import deciding_cards
from orders.services.issuing.holds import deciding_holds
from providers.sandbox.cp_extender.cards import VOIDED
from providers.sandbox.cp_extender.ledger import CANCELLED, CONFIRMED, OPEN
from tests.simulation.operations.base import Action
from tests.simulation.operations.cp_extender_oracle import CPExtenderOracle
from tests.simulation.operations.cp_extender_people import IssuersDesks

if TYPE_CHECKING:
    from tests.simulation.world import World

Decision = Resolution.Decision
OF_HOLDS = (
    Decision.ASK_AGAIN,
    Decision.ABANDON,
    Decision.ENTER_CODE,
    Decision.WAS_RELEASED,
    Decision.WAS_CONFIRMED,
    Decision.STILL_HELD,
)
OF_CARDS = (Decision.CARD_IS_OURS, Decision.CARD_IS_NOT)
KNOWN = {
    OPEN: Decision.STILL_HELD,
    CONFIRMED: Decision.WAS_CONFIRMED,
    CANCELLED: Decision.WAS_RELEASED,
}
NO_CODE = "GDA" + "0" * 30


@dataclass(frozen=True, slots=True)
class Truth:
    """What the staff says. `auth_code` and `minor` (minor units) are those of the hold, if any."""

    decision: str
    auth_code: str = ""
    minor: int = 0


class Deciders(IssuersDesks):
    """They propose and confirm what becomes of cards and holds that are held for people."""

    oracle: CPExtenderOracle

    def propose(self, world: "World") -> Action | None:
        person = self.person(world, "maker-1", "approver-1")
        hold = self.any_of(world, Authorization, state__in=HOLDS_FOR_TWO)
        card = self.any_of(world, Card, state=CardState.NEEDS_REVIEW)
        if hold is not None and (card is None or world.people.random() < 0.6):
            truth = self._perhaps_mistaken(world, self.truth_of_hold(hold))
            work = partial(
                deciding_holds.propose, hold, actor=person, decision=truth.decision,
                reason="I called them.", auth_code=truth.auth_code,
                amount=Money(truth.minor, "USD") if truth.minor else None,
            )  # fmt: skip
            return Action(f"{person} proposes {truth.decision} for {world.name_of(hold)}", work)
        return None if card is None else self._propose_for_card(world, card)

    def _propose_for_card(self, world: "World", card: Card) -> Action:
        person, random = self.person(world, "maker-1", "approver-1"), world.people
        decision = self._truth_of_card(card)
        if random.random() < 0.15:
            decision = random.choice(OF_CARDS)
        return Action(
            f"{person} proposes {decision} for {world.name_of(card)}",
            partial(deciding_cards.propose, card, actor=person, decision=decision, reason="Asked."),
        )

    def _perhaps_mistaken(self, world: "World", truth: Truth) -> Truth:
        if world.people.random() > 0.15:
            return truth
        decision = world.people.choice(OF_HOLDS)
        return Truth(decision, NO_CODE, 500) if decision == Decision.ENTER_CODE else Truth(decision)

    def confirm(self, world: "World") -> Action | None:
        proposals = [
            one
            for one in Resolution.objects.filter(state="open").order_by("pk")
            if (thing := one.card or one.authorization) and thing.account_id == self.account_id
        ]
        if not proposals:
            return None
        proposal = world.people.choice(proposals)
        person = self.person(world, "maker-2", "approver-2", "approver-1")
        is_in_a_bad_mood = world.people.random() < 0.1
        thing = proposal.card or proposal.authorization

        def answer() -> None:
            services = deciding_cards if proposal.card else deciding_holds
            is_right = self._is_right(proposal)
            (services.confirm if is_right and not is_in_a_bad_mood else services.drop)(
                proposal, actor=person
            )

        return Action(f"{person} answers to the proposal about {world.name_of(thing)}", answer)

    def _is_right(self, proposal: Resolution) -> bool:
        if proposal.card is not None:
            card = Card.objects.select_related("number").get(pk=proposal.card_id)
            if (
                proposal.decision == Decision.CARD_IS_NOT
                and proposal.decision == self._truth_of_card(card)
            ):
                self._void_what_cannot_be_used(card)
            return bool(proposal.decision == self._truth_of_card(card))
        truth = self.truth_of_hold(Authorization.objects.get(pk=proposal.authorization_id))
        code = proposal.auth_code.reveal() if proposal.auth_code else ""
        return (proposal.decision, code) == (truth.decision, truth.auth_code)

    def _truth_of_card(self, card: Card) -> str:
        """Ours is what stands under its number in our name."""
        if card.number is None:
            return Decision.CARD_IS_NOT
        found = self.oracle.card_at(card.number.number.reveal())
        is_ours = found is not None and not found["stranger"]
        return Decision.CARD_IS_OURS if is_ours else Decision.CARD_IS_NOT

    def _void_what_cannot_be_used(self, card: Card) -> None:
        """A card of ours under a number of theirs: the staff voids it before anybody asks again."""
        if card.number is None:
            return
        found = self.oracle.our_card_for(card.number.number.reveal())
        if found is not None:
            self.oracle.ledger.run("UPDATE cards SET status = ? WHERE id = ?", VOIDED, found["id"])

    def truth_of_hold(self, hold: Authorization) -> Truth:
        """What the staff would say: by its code if we have that, else by our name of the sale."""
        placed = self.oracle.holds_for(hold.reference)
        if hold.auth_code:
            code = hold.auth_code.reveal()
            state = next((one["state"] for one in placed if one["auth_code"] == code), None)
            return Truth(KNOWN[state] if state else Decision.ABANDON)
        open_ones = [one for one in placed if one["state"] == OPEN]
        if open_ones:
            return Truth(Decision.ENTER_CODE, open_ones[0]["auth_code"], open_ones[0]["held"])
        if placed:
            return Truth(Decision.WAS_RELEASED)
        is_sure = hold.state == HoldState.NO_EFFECT_SEEN
        return Truth(Decision.ASK_AGAIN if is_sure else Decision.ABANDON)
