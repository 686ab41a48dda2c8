"""What people do about orders at their desks, whoever sells: makers, approvers, support."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from giftops.once import new_token, once
from orders.models import Batch, Card, Order, OrderEvent, Resolution
from orders.services import deciding, drafting, following, revealing, submitting
from orders.services.drafting import Wish
from orders.statuses import Status
from tests.simulation.checks import Check, Purchases
from tests.simulation.operations.base import Action, Resolved
from tests.simulation.operations.people import Choice, People
from tests.simulation.oracle import SellersOracle
from tests.simulation.scheduler import Violation
from tests.simulation.sends import SendRule

if TYPE_CHECKING:
    from tests.simulation.world import World

RETRIABLE: dict[str, Any] = {"status__in": (Status.CANCELLED, Status.REJECTED)}
GOES_ON = (Status.SUBMITTING, Status.UNKNOWN, Status.PLACED)


class Desks(People):
    """An operation whose orders people draft, hand in, approve, withdraw, retry and resolve."""

    oracle: SellersOracle
    jobs = {}

    # What a provider has to say for itself

    @abstractmethod
    def wish(self, random: Random) -> Wish | None:
        """What somebody wants to buy."""

    @abstractmethod
    def staff(self, world: "World") -> Action | None:
        """Something that the provider's own people do."""

    @abstractmethod
    def credit(self, world: "World", order: Order) -> None:
        """The provider voids what it has under our reference and gives the money back."""

    def before_handing_in(self, world: "World") -> Callable[[Batch], None]:
        """What others do between the draft of a batch and its handing in."""
        return lambda _batch: None

    def may_wait_for_people(self, order: Order, why: str) -> bool:
        """Whether an unknown outcome was for people to settle."""
        return "Two people decide" in why or "carries our reference" in why

    # Its orders

    @property
    def place(self) -> tuple[SellersOracle, str]:
        """Its oracle, and its account as the database knows it."""
        return self.oracle, self.account_id.hex

    def things(self) -> list[tuple[Any, str]]:
        """All orders, whoever sells."""
        rows = Order.objects.order_by("created_at", "pk").values_list("pk", flat=True)
        return [(pk, "order") for pk in rows]

    def endings(self) -> Counter[str]:
        return Counter(self.orders.values_list("status", flat=True))

    def owns(self, ids: Sequence[str]) -> bool:
        found: bool = self.orders.filter(pk__in=ids).exists()
        return found

    def checks(self, world: "World", sends: SendRule) -> list[Check]:
        return [Purchases(world.books, *self.place)]

    @property
    def orders(self) -> Any:
        return Order.objects.filter(account=self.account_id)

    def any(self, world: "World", **conditions: Any) -> Order | None:
        """One of the orders that are so."""
        found = list(self.orders.filter(**conditions).order_by("pk"))
        return world.people.choice(found) if found else None

    # People

    def choices(self) -> list[Choice]:
        return [
            (10, self.buy),
            (6, self._submit),
            (6, self._answer_batch),
            (3, self._withdraw),
            (4, self._ask_now),
            (3, self._retry),
            (5, self._propose),
            (6, self._confirm),
            (1, self._reveal),
            (1, self._send_again),
            (1, self.explain),
            (1, self.switch_account),
            (1, self.switch_person),
            (3, self.staff),
        ]

    def buy(self, world: "World") -> Action | None:
        maker, random = self.maker(world), world.people
        wish = self.wish(random)
        if wish is None:
            return None
        token, is_handed_in = new_token(), random.random() < 0.85
        meanwhile = self.before_handing_in(world)

        def draft() -> dict[str, str]:
            return {"batch": str(drafting.create_batch(maker, wish).pk)}

        def buy() -> None:
            result, is_repeated = once(token, user=maker, purpose="buy", work=draft)
            if is_handed_in and not is_repeated:
                batch = Batch.objects.get(pk=result["batch"])
                meanwhile(batch)
                submitting.submit_batch(batch, actor=maker)

        return Action(f"{maker} buys {wish.count} x {wish.face_value}", buy)

    def _submit(self, world: "World") -> Action | None:
        waiting = (Status.DRAFT, Status.AWAITING_APPROVAL)
        order = self.any(world, status__in=waiting)
        if order is None:
            return None
        maker, batch = self.maker(world), order.batch
        return Action(
            f"{maker} hands in {world.name_of(order)}",
            partial(submitting.submit_batch, batch, actor=maker),
        )

    def _answer_batch(self, world: "World") -> Action | None:
        order = self.any(world, status=Status.AWAITING_APPROVAL)
        if order is None:
            return None
        random, batch = world.people, order.batch
        person = self.approver(world) if random.random() < 0.8 else batch.maker
        if random.random() < 0.15:
            work = partial(submitting.decline_batch, batch, actor=person, reason="too much")
            return Action(f"{person} declines {world.name_of(order)}", work)
        seen = batch.fingerprint if random.random() < 0.75 else "0" * 64

        def approve() -> None:
            submitting.approve_batch(batch, actor=person, fingerprint=seen)
            if seen != batch.fingerprint:
                raise Violation("A1", f"{batch} was approved by somebody who saw another one")

        return Action(f"{person} approves {world.name_of(order)}", approve)

    def _withdraw(self, world: "World") -> Action | None:
        order = self.any(world, status=Status.APPROVED) or self.any(world)
        return None if order is None else self.withdrawal(world, order)

    def withdrawal(self, world: "World", order: Order) -> Action:
        """A maker takes this order back."""
        maker = self.maker(world)
        return Action(
            f"{maker} withdraws {world.name_of(order)}",
            partial(submitting.withdraw_order, order, actor=maker),
        )

    def _ask_now(self, world: "World") -> Action | None:
        order = self.any(world, status__in=(*GOES_ON, Status.PARTLY_FULFILLED))
        if order is None:
            return None
        return Action(
            f"somebody asks about {world.name_of(order)}", partial(following.ask_now, order)
        )

    def _retry(self, world: "World") -> Action | None:
        order = self.any(world, **RETRIABLE)
        if order is None:
            return None
        maker = self.maker(world)

        def retry() -> None:
            batch = drafting.retry_as_new(order, actor=maker)
            submitting.submit_batch(batch, actor=maker)

        return Action(f"{maker} retries {world.name_of(order)}", retry)

    def _propose(self, world: "World") -> Action | None:
        order = self.any(world, status=Status.NEEDS_REVIEW, resolutions__isnull=True)
        order = order or self.any(world, status=Status.NEEDS_REVIEW)
        if order is None:
            return None
        person, random = self.person(world, "maker-1", "approver-1"), world.people
        decision = random.choice(list(Resolution.Decision))
        name = self._number_a_person_would_give(world, order)

        def propose() -> None:
            if decision == Resolution.Decision.CREDIT:
                self.credit(world, order)  # nobody says so before the provider's statement does
            deciding.propose(
                order, actor=person, decision=decision, external_id=name, reason="I called them."
            )

        return Action(f"{person} proposes {decision} for {world.name_of(order)}", propose)

    def _number_a_person_would_give(self, world: "World", order: Order) -> str:
        """What they read in the provider's portal; sometimes the wrong line of it."""
        bought = self.oracle.purchases()
        same = [one.name for one in bought if one.reference == order.reference]
        if same and world.people.random() < 0.8:
            return same[-1]
        return world.people.choice(bought).name if bought else "NCT-PO-P-000001"

    def _confirm(self, world: "World") -> Action | None:
        proposals = Resolution.objects.filter(state="open", order__account=self.account_id)
        if not proposals:
            return None
        random, proposal = world.people, world.people.choice(list(proposals.order_by("pk")))
        person = self.person(world, "maker-2", "approver-2", "approver-1")
        work = deciding.drop if random.random() < 0.15 else deciding.confirm
        name = f"{person} answers to the proposal about {world.name_of(proposal.order)}"
        return Action(name, partial(work, proposal, actor=person))

    def _reveal(self, world: "World") -> Action | None:
        card = Card.objects.filter(order__account=self.account_id).order_by("pk").first()
        if card is None:
            return None
        person = self.person(world, "support-1", "auditor-1")
        work = partial(
            revealing.reveal, card, secret="code" if card.code else "claim_url", actor=person,
            ticket="T-1", reason="the customer cannot read it",
        )  # fmt: skip
        return Action(f"{person} reveals a card", work)

    def _send_again(self, world: "World") -> Action | None:
        order = self.any(world, is_held_back=True)
        if order is None:
            return None
        maker = self.maker(world)
        return Action(
            f"{maker} sends {world.name_of(order)} again",
            partial(submitting.send_again, order, actor=maker),
        )

    # Endings

    def going_on(self) -> list[Order]:
        """The orders that have to move on by themselves."""
        about_to_go = self.orders.filter(status=Status.APPROVED, is_held_back=False)
        return [*self.orders.filter(status__in=GOES_ON), *about_to_go]

    def is_settled(self) -> bool:
        return not self.going_on()

    def is_overdue(self) -> bool:
        return bool(self.orders.filter(status__in=(Status.SUBMITTING, Status.UNKNOWN)).exists())

    def check_liveness(self, world: "World") -> None:
        stuck = self.going_on()
        if stuck:
            names = ", ".join(f"{world.name_of(one)} {one.status}" for one in stuck[:5])
            raise Violation("L1", f"{len(stuck)} orders came to no end: {names}")

    def resolved(self, world: "World") -> list[Resolved]:
        """An absence is only for people to settle where the operation says so."""
        orders = {order.pk: order for order in self.orders}
        found = []
        for pk, begun, ended, into, why in _unknown_spells():
            if pk not in orders:
                continue
            is_for_people = into == Status.NEEDS_REVIEW and self.may_wait_for_people(
                orders[pk], why
            )
            seconds = (ended - begun).total_seconds()
            found.append(Resolved(seconds, into, is_resolvable=not is_for_people))
        return found


def _unknown_spells() -> list[tuple[Any, ...]]:
    """(order, when it became unknown, when it was no more, what it became, why)."""
    spells = []
    since: dict[Any, Any] = {}
    for event in OrderEvent.objects.exclude(new_status="").order_by("id"):
        if event.new_status == Status.UNKNOWN:
            since[event.order_id] = event.at
        elif event.order_id in since:
            begun = since.pop(event.order_id)
            spells.append((event.order_id, begun, event.at, event.new_status, event.text))
    return spells
