"""The races about what is issued: a number, a card, a hold and how it ends, an answer."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from giftops.models import User
from giftops.money import Money
from giftops.queue import run_due
from orders.issuing_states import (
    OPEN_HOLDS,
    CardState,
    HoldState,
    IssuanceState,
    NumberState,
    ReservationState,
)
from orders.models import (
    Approval,
    Authorization,
    Card,
    Issuance,
    Pool,
    Reservation,
    ReservedNumber,
)
from orders.services import drafting
from orders.services.issuing import sending, stepping
from orders.services.issuing.cards import creating, issuing
from orders.services.issuing.cards.card_steps import read_card
from orders.services.issuing.cards.issuing import CardWish
from orders.services.issuing.holds import authorizing, finishing, holding
from orders.services.issuing.reservations import stock
from orders.services.problems import LostTheRace, Refused
from providers.models import ProviderAccount
from tests.kills.issuing_life import AMOUNT, CUSTOMER, KIND, VALUE
from tests.races.racing import Race, person
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


class TakeFromOnePool(Race):
    """Many workers create cards from one pool that does not suffice: each number is taken once."""

    gate = (stepping, "shift")
    tells_who = False
    numbers = 500

    def prepare(self, contestants: int) -> list[list[str]]:
        account, maker = ProviderAccount.objects.get(), person("mira")
        pool = Pool.objects.create(account=account, agency="Race", name=str(drafting.new_id()))
        self.fill(pool, maker)
        each = self.numbers // contestants + 1
        issuance = Issuance.objects.create(
            account=account, pool=pool, currency="USD", total_minor=500 * each * contestants,
            card_count=each * contestants, maker=maker, last_editor=maker,
        )  # fmt: skip
        cards = [
            Card(
                issuance=issuance, account=account, state=CardState.WAITING, currency="USD",
                face_value_minor=500, is_releasable=False,
            )
            for _ in range(each * contestants)
        ]  # fmt: skip
        Card.objects.bulk_create(cards)
        return [
            [str(card.pk) for card in cards[start::contestants]] for start in range(contestants)
        ]

    def fill(self, pool: Pool, maker: User) -> None:
        reservation = Reservation.objects.create(
            account=pool.account, pool=pool, reference=str(drafting.new_id()), type="pool",
            agency="Race", name="Race", asked=self.numbers, received=self.numbers, maker=maker,
            state=ReservationState.RESERVED,
        )  # fmt: skip
        ReservedNumber.objects.bulk_create(
            ReservedNumber(
                account=pool.account, reservation=reservation, position=position,
                number=f"{reservation.pk}-{position}", number_index=f"{reservation.pk}-{position}",
            )
            for position in range(1, self.numbers + 1)
        )  # fmt: skip

    def act(self, prize: list[list[str]], number: int) -> str:
        """As many as there are; what nobody gets is told to the last ones."""
        taken = 0
        for pk in prize[number]:
            card = Card.objects.select_related("issuance__pool").get(pk=pk)
            try:
                with transaction.atomic():
                    one = stock.take(card=card, pool=card.issuance.pool)
                    Card.objects.filter(pk=pk).update(number=one)
            except stock.OutOfNumbers:
                break
            taken += 1
        return str(taken)

    def problems(self, prize: list[list[str]], answers: Sequence[Any]) -> list[str]:
        pool = Card.objects.get(pk=prize[0][0]).issuance.pool
        numbers = ReservedNumber.objects.filter(reservation__pool=pool)
        taken = numbers.filter(state=NumberState.CREATING, version=1, card__isnull=False).count()
        told = sum(int(answer.said) for answer in answers if answer.kind == "won")
        found = self.one_winner(answers, winners=len(answers))
        if (taken, told) != (self.numbers, self.numbers):
            found.append(
                f"of {self.numbers} numbers {taken} are taken once, {told} were handed out"
            )
        return found


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


class HoldOnTheSameCard(Race):
    """Many workers want money held on one card: one of them begins, the others come back later."""

    gate = (stepping, "shift")
    tells_who = False

    def prepare(self, contestants: int) -> list[str]:
        account, maker = ProviderAccount.objects.get(), person("mira")
        issuance = Issuance.objects.create(
            account=account, currency="USD", total_minor=5000, card_count=1, maker=maker,
            last_editor=maker,
        )  # fmt: skip
        card = Card.objects.create(
            issuance=issuance, account=account, state=CardState.ACTIVE, currency="USD",
            face_value_minor=5000,
        )  # fmt: skip
        wished = [
            authorizing.request_hold(card, actor=maker, amount=Money(500, "USD"))
            for _ in range(contestants)
        ]
        return [str(hold.pk) for hold in wished]

    def act(self, prize: list[str], number: int) -> str:
        if not authorizing._is_mine(holding.read_hold(prize[number])):
            raise LostTheRace("The card is busy.")
        return prize[number]

    def problems(self, prize: list[str], answers: Sequence[Any]) -> list[str]:
        states = Authorization.objects.filter(pk__in=prize).values_list("state", flat=True)
        found = self.one_winner(answers)
        if sorted(states) != ["prechecked"] + ["requested"] * (len(prize) - 1):
            found.append(f"the holds are {sorted(states)}")
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
