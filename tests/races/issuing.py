"""The races at an issuer: one card, one end of a hold, one answer to an issuance."""

from collections.abc import Sequence
from typing import Any

from giftops.money import Money
from giftops.queue import run_due
from orders.issuing_states import OPEN_HOLDS, CardState, HoldState, IssuanceState
from orders.models import Approval, Authorization, Card, Issuance, Pool, ReservedNumber
from orders.services.issuing import sending, stepping
from orders.services.issuing.cards import creating, issuing
from orders.services.issuing.cards.card_steps import read_card
from orders.services.issuing.cards.issuing import CardWish
from orders.services.issuing.holds import authorizing, finishing
from orders.services.problems import LostTheRace, Refused
from providers.models import ProviderAccount
from tests.kills.issuing_life import AMOUNT, CUSTOMER, KIND, VALUE
from tests.races.scenarios import Race, person
from tests.sandbox_client import CPExtenderControl

ABOVE_THE_LIMIT = Money(60_000, "USD")


class TillRace(Race):
    """What these races share."""

    gate = (stepping, "shift")
    tells_who = False

    def __init__(self, control: str) -> None:
        super().__init__(control)
        self._till = CPExtenderControl(control)

    def drafted(self, value: Money = VALUE, count: int = 1) -> Issuance:
        wishes = [CardWish(customer_id=CUSTOMER, code=KIND, value=value) for _ in range(count)]
        return issuing.draft_issuance(
            ProviderAccount.objects.get(), actor=person("mira"), wishes=wishes,
            pool=Pool.objects.get(), may_repeat=True,
        )  # fmt: skip

    def submitted(self, **wish: Any) -> Issuance:
        return issuing.submit_issuance(self.drafted(**wish), actor=person("mira"))

    def held(self) -> Authorization:  # type: ignore[override]
        """Money that is held on a card of its own."""
        card = self.submitted().cards.get()
        work()
        hold = authorizing.request_hold(card, actor=person("mira"), amount=AMOUNT)
        work()
        hold.refresh_from_db()
        return hold


def work() -> None:
    while run_due():
        continue


class CreateTheSameCard(TillRace):
    """Several workers create the same card, whatever the queue promised."""

    def prepare(self, contestants: int) -> str:
        return str(self.submitted().cards.get().pk)

    def act(self, prize: str, number: int) -> str:
        card = read_card(prize)
        if card.state != CardState.WAITING:
            raise LostTheRace(stepping.who_was_first(card))
        sending.run(creating.CREATE, card)
        return "created"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        card = Card.objects.get(pk=prize)
        there = [one for one in self._till.ledger()["cards"] if one["sale_id"] == card.sale_id]
        taken = ReservedNumber.objects.filter(card=card).count()
        found = self.one_winner(answers)
        if len(there) != 1:
            found.append(f"DOUBLE: {len(there)} cards for one sale")
        if (card.state, card.attempts.count(), taken) != (CardState.ACTIVE, 1, 1):
            found.append(f"{card.state} after {card.attempts.count()} attempts, {taken} numbers")
        return found


class ConfirmOrCancel(TillRace):
    """Some want a hold taken, some given back, while workers carry out what they find."""

    def prepare(self, contestants: int) -> str:
        return str(self.held().pk)

    def act(self, prize: str, number: int) -> str:
        press = finishing.confirm_hold if number % 2 else finishing.cancel_hold
        try:
            press(
                Authorization.objects.get(pk=prize), actor=person("mira" if number % 2 else "jon")
            )
        except Refused:
            said = "somebody was first"
        else:
            said = "pressed"
        finishing.finish_hold(prize)
        return said

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        hold = Authorization.objects.get(pk=prize)
        if hold.state in OPEN_HOLDS:  # everybody stepped back: its job comes back, as here
            finishing.finish_hold(prize)
            hold.refresh_from_db()
        (there,) = (one for one in self._till.holds() if one["sale_id"] == hold.reference)
        ends = {HoldState.CONFIRMED: "confirmed", HoldState.RELEASED: "cancelled"}
        sent = hold.attempts.exclude(operation="authorize").count()
        found = self.one_winner(answers, winners=len(answers))
        if ends.get(HoldState(hold.state)) != there["state"] or sent != 1:
            found.append(f"{hold.state} here, {there['state']} there, sent {sent} times")
        return found


class ApproveOrWithdrawCards(TillRace):
    """The maker takes cards back while approvers, in several tabs, say yes to them."""

    def prepare(self, contestants: int) -> str:
        return str(self.submitted(value=ABOVE_THE_LIMIT, count=2).pk)

    def act(self, prize: str, number: int) -> str:
        issuance = Issuance.objects.get(pk=prize)
        if number % 2:
            seen = issuance.fingerprint
            issuing.approve_issuance(issuance, actor=person("tom"), fingerprint=seen)
            return "approved"
        issuing.withdraw_issuance(issuance, actor=person("mira"))
        return "withdrawn"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        issuance = Issuance.objects.get(pk=prize)
        states = set(issuance.cards.values_list("state", flat=True))
        approvals = Approval.objects.filter(issuance=issuance).count()
        expected = {
            IssuanceState.RUNNING: ({CardState.WAITING}, 1),
            IssuanceState.WITHDRAWN: ({CardState.WITHDRAWN}, 0),
        }.get(IssuanceState(issuance.state))
        found = self.one_winner(answers)
        if (states, approvals) != expected:
            found.append(f"{issuance.state} with cards {states}, {approvals} approvals")
        if issuance.state == IssuanceState.RUNNING:  # its numbers are promised to the next round
            issuing.pause_issuance(issuance, actor=person("mira"))
            issuing.withdraw_issuance(issuance, actor=person("mira"))
        return found
