"""What people do about reservations, cards and holds at CP Extender."""

from functools import partial
from typing import TYPE_CHECKING, Any

from giftops.money import Money
from giftops.once import new_token, once
from orders.issuing_states import (
    LIVING_CARDS,
    OPEN_HOLDS,
    CardState,
    HoldState,
    IssuanceState,
    ReservationState,
)
from orders.models import Authorization, Card, Issuance, Pool, Reservation, ReservedNumber
from orders.services.issuing.cards import balances, creating, issuing
from orders.services.issuing.cards.issuing import CardWish
from orders.services.issuing.holds import authorizing, finishing
from orders.services.issuing.reservations import reserving
from tests.simulation.operations.base import Action
from tests.simulation.operations.people import Choice, People
from tests.simulation.scheduler import Violation

if TYPE_CHECKING:
    from tests.simulation.world import World

CUSTOMERS = ("2059378440", "2059378441", "2059378442", "CORP-0001", "CORP-0002")
NOBODY = "4040404040"
RICH_IN_POINTS = "2059378444"
VALUES = (1000, 2000, 5000, 30_000, 110_000)  # minor units; nobody else's cards are worth these
TWIN_VALUE = 2500  # what strangers issue
AMOUNTS = (400, 500, 1000, 3000)
SMALL_AMOUNTS = (110, 180, 250, 320)  # all of them fit on the smallest card
AGENCY = "Harbor Street"


class IssuersDesks(People):
    """Makers reserve, issue and hold; approvers say yes or no."""

    eagerness_to_finish = 16

    def choices(self) -> list[Choice]:
        return [
            (3, self._reserve_pool),
            (3, self._reserve_single),
            (1, self._top_up),
            (1, self._take_reservation_back),
            (12, self._issue),
            (3, self._submit),
            (6, self._answer),
            (2, self._pause_or_resume),
            (1, self._take_issuance_back),
            (2, self._retry),
            (4, self._read),
            (18, self._hold),
            (1, self._take_hold_back),
            (self.eagerness_to_finish, self._finish),
            (5, self.propose),
            (7, self.confirm),
            (2, self._answer_reservation),
            (1, self.explain),
            (1, self.switch_account),
            (1, self.switch_person),
            (4, self.staff),
        ]

    def staff(self, world: "World") -> Action | None:
        """Something that other people at the till do."""
        raise NotImplementedError

    def propose(self, world: "World") -> Action | None:
        """First of two people."""
        raise NotImplementedError

    def confirm(self, world: "World") -> Action | None:
        """Second of two people."""
        raise NotImplementedError

    def any_of(self, world: "World", things: Any, **conditions: Any) -> Any:
        """One of the rows of this account that are so."""
        found = list(things.objects.filter(account=self.account_id, **conditions).order_by("pk"))
        return world.people.choice(found) if found else None

    # What was before

    def stock_up(self, world: "World") -> None:
        """A first pool is asked for, and one number for an hour."""
        maker = self.maker(world)
        reserving.request_pool(self.account, actor=maker, agency=AGENCY, name="Pool 0", count=12)
        reserving.request_single(self.account, actor=maker, agency=AGENCY)

    def open_shop(self, world: "World") -> None:
        """A few cards are on their way from it."""
        values = world.people.choices(VALUES[:3], k=3)
        wishes = [
            CardWish(customer_id=customer, code="GC", value=Money(value, "USD"))
            for customer, value in zip(CUSTOMERS, values, strict=False)
        ]
        maker, pool = self.maker(world), Pool.objects.get(account=self.account_id)
        issuance = issuing.draft_issuance(self.account, actor=maker, wishes=wishes, pool=pool)
        issuing.submit_issuance(issuance, actor=maker)

    def hold_some(self, world: "World") -> None:
        """Some sums are to be held on each of the first cards; from now on they are finished."""
        self.eagerness_to_finish = 60
        maker = self.maker(world)
        cards = Card.objects.filter(account=self.account_id, state=CardState.ACTIVE)
        for card in cards.order_by("created_at", "pk"):
            for amount in SMALL_AMOUNTS:
                authorizing.request_hold(card, actor=maker, amount=Money(amount, "USD"))

    # Numbers

    def _reserve_pool(self, world: "World") -> Action:
        maker, random = self.maker(world), world.people
        count, tops_up = random.choice((2, 4, 8)), random.random() < 0.5
        name, token = f"Pool {Pool.objects.count() + 1}", new_token()

        def ask() -> dict[str, str]:
            made = reserving.request_pool(
                self.account, actor=maker, agency=AGENCY, name=name, count=count, tops_up=tops_up
            )
            return {"reservation": str(made.pk)}

        work = partial(once, token, user=maker, purpose="reserve", work=ask)
        return Action(f"{maker} reserves a pool of {count}", work)

    def _reserve_single(self, world: "World") -> Action:
        maker, token = self.maker(world), new_token()

        def ask() -> dict[str, str]:
            made = reserving.request_single(self.account, actor=maker, agency=AGENCY)
            return {"reservation": str(made.pk)}

        work = partial(once, token, user=maker, purpose="reserve", work=ask)
        return Action(f"{maker} reserves one number", work)

    def _top_up(self, world: "World") -> Action | None:
        short = self.any_of(world, Reservation, type="pool", state=ReservationState.RESERVED)
        if short is None:
            return None
        maker = self.maker(world)
        name = f"{maker} tops up {world.name_of(short)}"
        return Action(name, partial(reserving.top_up, short, actor=maker))

    def _take_reservation_back(self, world: "World") -> Action | None:
        found = self.any_of(world, Reservation, state=ReservationState.REQUESTED)
        if found is None:
            return None
        maker = self.maker(world)
        name = f"{maker} takes {world.name_of(found)} back"
        return Action(name, partial(reserving.withdraw_reservation, found, actor=maker))

    def _answer_reservation(self, world: "World") -> Action | None:
        found = self.any_of(world, Reservation, state=ReservationState.NEEDS_REVIEW)
        if found is None:
            return None
        maker = self.maker(world)
        answer = world.people.choice((reserving.ask_again, reserving.leave_it))
        name = f"{maker} answers about {world.name_of(found)}"
        return Action(name, partial(answer, found, actor=maker, reason="looked into it"))

    # Cards

    def _issue(self, world: "World") -> Action | None:
        maker, random = self.maker(world), world.people
        source = self._source(world)
        if source is None:
            return None
        wishes = [
            self._wish(world)
            for _ in range(1 if "reservation" in source else random.choice((1, 2, 3)))
        ]
        token, is_handed_in = new_token(), random.random() < 0.85

        def issue() -> None:
            _, is_repeated = once(token, user=maker, purpose="issue", work=dict)
            if is_repeated:
                return
            issuance = issuing.draft_issuance(
                self.account, actor=maker, wishes=wishes, may_repeat=True, **source
            )
            if is_handed_in:
                issuing.submit_issuance(issuance, actor=maker)

        return Action(f"{maker} issues {len(wishes)} cards", issue)

    def _source(self, world: "World") -> dict[str, Any] | None:
        """Where the numbers come from: a pool with any left, or one number of its own."""
        left = ReservedNumber.objects.filter(account=self.account_id, state="reserved")
        pools = Pool.objects.filter(
            pk__in=left.exclude(reservation__pool=None).values("reservation__pool")
        ).order_by("pk")
        singles = Reservation.objects.filter(
            type="single", pk__in=left.values("reservation")
        ).order_by("pk")
        sources = [{"pool": one} for one in pools] + [{"reservation": one} for one in singles]
        return world.people.choice(sources) if sources else None

    def _wish(self, world: "World") -> CardWish:
        random = world.people
        if random.random() < 0.1:
            return CardWish(
                customer_id=RICH_IN_POINTS, code="GC", value=Money(1000, "USD"), points=1000
            )
        values = (*VALUES, TWIN_VALUE, TWIN_VALUE) if world.has_twins else VALUES
        customer = NOBODY if random.random() < 0.05 else random.choice(CUSTOMERS)
        code = "GC50" if random.random() < 0.1 else "GC"
        return CardWish(customer_id=customer, code=code, value=Money(random.choice(values), "USD"))

    def _submit(self, world: "World") -> Action | None:
        states = (IssuanceState.DRAFT, IssuanceState.AWAITING_APPROVAL)
        issuance = self.any_of(world, Issuance, state__in=states)
        if issuance is None:
            return None
        maker = self.maker(world)
        name = f"{maker} hands in {world.name_of(issuance)}"
        return Action(name, partial(issuing.submit_issuance, issuance, actor=maker))

    def _answer(self, world: "World") -> Action | None:
        issuance = self.any_of(world, Issuance, state=IssuanceState.AWAITING_APPROVAL)
        if issuance is None:
            return None
        random = world.people
        person = self.approver(world) if random.random() < 0.8 else issuance.maker
        if random.random() < 0.15:
            work = partial(issuing.decline_issuance, issuance, actor=person, reason="too much")
            return Action(f"{person} declines {world.name_of(issuance)}", work)
        seen = issuance.fingerprint if random.random() < 0.75 else "0" * 64

        def approve() -> None:
            issuing.approve_issuance(issuance, actor=person, fingerprint=seen)
            if seen != issuance.fingerprint:
                raise Violation("A1", f"{issuance} was approved by somebody who saw another one")

        return Action(f"{person} approves {world.name_of(issuance)}", approve)

    def _pause_or_resume(self, world: "World") -> Action | None:
        paused = self.any_of(world, Issuance, state=IssuanceState.PAUSED)
        issuance = paused or self.any_of(world, Issuance, state=IssuanceState.RUNNING)
        if issuance is None:
            return None
        maker = self.maker(world)
        work = issuing.resume_issuance if paused else issuing.pause_issuance
        name = f"{maker} {'resumes' if paused else 'pauses'} {world.name_of(issuance)}"
        return Action(name, partial(work, issuance, actor=maker))

    def _take_issuance_back(self, world: "World") -> Action | None:
        states = (IssuanceState.DRAFT, IssuanceState.AWAITING_APPROVAL, IssuanceState.PAUSED)
        issuance = self.any_of(world, Issuance, state__in=states)
        if issuance is None:
            return None
        maker = self.maker(world)
        name = f"{maker} takes {world.name_of(issuance)} back"
        return Action(name, partial(issuing.withdraw_issuance, issuance, actor=maker))

    def _retry(self, world: "World") -> Action | None:
        card = self.any_of(world, Card, state=CardState.REFUSED)
        if card is None:
            return None
        maker = self.maker(world)
        name = f"{maker} tries {world.name_of(card)} again"
        return Action(name, partial(creating.retry_card, card, actor=maker))

    def _read(self, world: "World") -> Action | None:
        card = self.any_of(world, Card, state__in=LIVING_CARDS)
        if card is None:
            return None
        maker = self.maker(world)
        name = f"{maker} asks about {world.name_of(card)}"
        return Action(name, partial(balances.ask_now, card, actor=maker))

    # Holds

    def _hold(self, world: "World") -> Action | None:
        card = self.any_of(world, Card, state=CardState.ACTIVE)
        if card is None:
            return None
        maker, random = self.maker(world), world.people
        amount = random.choice((*AMOUNTS, card.face_value_minor, card.face_value_minor + 700))
        token, takes_partial = new_token(), random.random() < 0.5

        def ask() -> dict[str, str]:
            made = authorizing.request_hold(
                card, actor=maker, amount=Money(amount, "USD"), takes_partial=takes_partial
            )
            return {"hold": str(made.pk)}

        work = partial(once, token, user=maker, purpose="hold", work=ask)
        return Action(f"{maker} holds {amount} on {world.name_of(card)}", work)

    def _take_hold_back(self, world: "World") -> Action | None:
        hold = self.any_of(world, Authorization, state=HoldState.REQUESTED)
        if hold is None:
            return None
        maker = self.maker(world)
        name = f"{maker} takes {world.name_of(hold)} back"
        return Action(name, partial(authorizing.withdraw_hold, hold, actor=maker))

    def _finish(self, world: "World") -> Action | None:
        idle = self.any_of(world, Authorization, state__in=OPEN_HOLDS, next_look_at=None)
        hold = idle or self.any_of(world, Authorization, state__in=OPEN_HOLDS)
        if hold is None:
            return None
        maker = self.maker(world)
        work = world.people.choice((finishing.confirm_hold, finishing.cancel_hold))
        verb = "confirms" if work is finishing.confirm_hold else "cancels"
        name = f"{maker} {verb} {world.name_of(hold)}"
        return Action(name, partial(work, hold, actor=maker))
