"""What the races share: orders at every stage, and who won."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F

from giftops.models import Job, User
from giftops.money import Money
from orders.models import Batch, BreakKind, LedgerEvent, LedgerTransaction, Order
from orders.services import answering, drafting, moving, placing, resolving, submitting
from orders.services.drafting import Wish
from providers.gateways.errors import OutcomeUnknown
from providers.models import Product
from tests.kills import oracle
from tests.sandbox_client import SandboxControl

LONG_AGO = timedelta(minutes=30)
WHO_WAS_FIRST = re.compile(r"already .+ at \d\d:\d\d:\d\d UTC")


class Race:
    """What the races share. `control` is the address of the simulator."""

    gate: tuple[Any, str] = (moving, "shift")
    tells_who = True  # the losers' sentence says who was first and when

    def __init__(self, control: str) -> None:
        self._sandbox = SandboxControl(control)
        self._seen_arrivals = 0

    def draft(self, quantity: int = 1, value: str = "5.00", product: str = "1410") -> Batch:
        found = Product.objects.get(external_id=product)
        wish = Wish(product=found, face_value=Money.parse(value, found.currency), quantity=quantity)
        return drafting.create_batch(person("mira"), wish)

    def big_draft(self, quantity: int = 2) -> Batch:
        """A batch above the limit: it needs an approver."""
        return self.draft(quantity, "600.00", "1520")

    def approved(self) -> Order:
        batch = submitting.submit_batch(self.draft(), actor=person("mira"))
        return batch.orders.get()

    def doubtful(self) -> Order:
        """An order whose outcome is unknown; nothing was sent to the provider."""
        order = self.approved()
        attempt = placing._write_intent(order, drafting.new_id())
        answering.apply_answer(attempt.pk, OutcomeUnknown("nothing came back"))
        order.refresh_from_db()
        return order

    def held(self) -> Order:
        """An order that waits for two people, sent so long ago that nothing arrives any more."""
        order = self.doubtful()
        resolving.park(order, BreakKind.ABSENT, "Not found. Two people decide.")
        Order.objects.filter(pk=order.pk).update(sent_at=F("sent_at") - LONG_AGO)
        order.attempts.update(sent_at=F("sent_at") - LONG_AGO)
        order.refresh_from_db()
        return order

    def purchases(self, reference: str) -> int:
        return sum(one["reference"] == reference for one in self._sandbox.ledger()["orders"])

    def one_winner(self, answers: Sequence[Any], winners: int = 1) -> list[str]:
        """Exactly so many won; the others were told why not."""
        won = sum(answer.kind == "won" for answer in answers)
        found = [] if won == winners else [f"{won} winners instead of {winners}"]
        if self.tells_who:
            found += [
                f"not told who was first: {answer.said}"
                for answer in answers
                if answer.kind == "lost" and not WHO_WAS_FIRST.search(answer.said)
            ]
        return found

    def books_agree(self) -> list[str]:
        return oracle.problems_of_the_money(self._sandbox.ledger(), with_balance=False)


def person(username: str) -> User:
    return User.objects.get(username=username)


def holds(batch: str) -> int:
    """How often money was held for a batch, less how often it was released."""
    entries = LedgerTransaction.objects.filter(order__batch=batch)
    return (
        entries.filter(event=LedgerEvent.HOLD).count()
        - entries.filter(event=LedgerEvent.RELEASE).count()
    )


def jobs_of(order: Order) -> int:
    return Job.objects.filter(ids=[str(order.pk)]).count()
