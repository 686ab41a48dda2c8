"""The races of people: several press the same button, or buttons that exclude each other."""

import itertools
from collections.abc import Sequence
from typing import Any

from orders.models import Approval, Batch, Order, Resolution
from orders.services import answering, deciding, drafting, funding, moving, placing, submitting
from orders.statuses import Status
from providers.gateways.errors import ProviderRejected
from tests.races.racing import Race, holds, jobs_of, person


class SubmitTheSameBatch(Race):
    """Two makers press Submit on the same draft, in several tabs."""

    gate = (funding, "hold")

    def prepare(self, contestants: int) -> str:
        return str(self.draft(quantity=2).pk)

    def act(self, prize: str, number: int) -> str:
        actor = person("mira" if number % 2 else "jon")
        submitting.submit_batch(Batch.objects.get(pk=prize), actor=actor)
        return actor.username

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        batch = Batch.objects.get(pk=prize)
        found = self.one_winner(answers)
        if {order.status for order in batch.orders.all()} != {Status.APPROVED}:
            found.append("not approved")
        if holds(prize) != 2:
            found.append(f"held {holds(prize)} times")
        if any(jobs_of(order) != 1 for order in batch.orders.all()):
            found.append("not one job an order")
        return found + self.books_agree()


class SubmitForApproval(SubmitTheSameBatch):
    """The same with a batch that needs an approver."""

    gate = (moving, "shift")

    def prepare(self, contestants: int) -> str:
        return str(self.big_draft().pk)

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        statuses = set(Order.objects.filter(batch=prize).values_list("status", flat=True))
        found = self.one_winner(answers)
        if statuses != {Status.AWAITING_APPROVAL} or holds(prize):
            found.append(f"{statuses}, held {holds(prize)} times")
        return found


class ApproveTwice(Race):
    """Two approvers press Approve, each in several tabs."""

    gate = (submitting, "_answer")

    def prepare(self, contestants: int) -> str:
        return str(submitting.submit_batch(self.big_draft(), actor=person("mira")).pk)

    def act(self, prize: str, number: int) -> str:
        batch = Batch.objects.get(pk=prize)
        actor = person("tom" if number % 2 else "tea")
        submitting.approve_batch(batch, actor=actor, fingerprint=batch.fingerprint)
        return actor.username

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        statuses = set(Order.objects.filter(batch=prize).values_list("status", flat=True))
        found = self.one_winner(answers)
        if statuses != {Status.APPROVED} or holds(prize) != 2:
            found.append(f"{statuses}, held {holds(prize)} times")
        if Approval.objects.filter(batch=prize).count() != 1:
            found.append("not one approval")
        return found + self.books_agree()


class ApproveOrDecline(ApproveTwice):
    """One says yes, one says no, at the same moment."""

    def act(self, prize: str, number: int) -> str:
        if number % 2:
            return super().act(prize, number)
        batch = Batch.objects.get(pk=prize)
        submitting.decline_batch(batch, actor=person("tea"), reason="Not in the budget.")
        return "declined"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        statuses = set(Order.objects.filter(batch=prize).values_list("status", flat=True))
        found = self.one_winner(answers)
        expected = {Status.APPROVED: 2, Status.DECLINED: 0}
        if len(statuses) != 1 or expected[Status(min(statuses))] != holds(prize):
            found.append(f"{statuses}, held {holds(prize)} times")
        return found + self.books_agree()


class ApproveOrWithdraw(ApproveTwice):
    """The maker takes one order of two back while approvers say yes to both."""

    tells_who = False

    def act(self, prize: str, number: int) -> str:
        if number % 2:
            return super().act(prize, number)
        order = Order.objects.filter(batch=prize).order_by("id").first()
        submitting.withdraw_order(order, actor=person("mira"))
        return "withdrawn"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        won = sorted(answer.said for answer in answers if answer.kind == "won")
        first, second = Order.objects.filter(batch=prize).order_by("id")
        held = first.held_minor + second.held_minor
        found = []
        if won.count("withdrawn") > 1 or len(won) - won.count("withdrawn") > 1:
            found.append(f"winners: {won}")
        if held != sum(o.total_minor for o in (first, second) if o.status == Status.APPROVED):
            found.append(f"{first.status} and {second.status} hold {held}")
        return found + self.books_agree()


class ConfirmTheSameProposal(Race):
    """Several people confirm (or drop) the same proposal about a held order."""

    gate = (deciding, "_decide")
    tells_who = False
    decisions = itertools.cycle([Resolution.Decision.REJECT, Resolution.Decision.RESEND])

    def prepare(self, contestants: int) -> str:
        proposal = deciding.propose(
            self.held(), actor=person("mira"), decision=next(self.decisions),
            reason="Asked them by telephone.",
        )  # fmt: skip
        return str(proposal.pk)

    def act(self, prize: str, number: int) -> str:
        proposal = Resolution.objects.select_related("order").get(pk=prize)
        actor = person(("jon", "tom", "tea")[number % 3])
        if number % 5 == 4:
            deciding.drop(proposal, actor=actor)
            return "dropped"
        deciding.confirm(proposal, actor=actor)
        return "confirmed"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        proposal = Resolution.objects.get(pk=prize)
        found = self.one_winner(answers)
        expected = {
            ("confirmed", "reject"): (Status.REJECTED, 0),
            ("confirmed", "resend"): (Status.APPROVED, 1),
            ("dropped", "reject"): (Status.NEEDS_REVIEW, 1),
            ("dropped", "resend"): (Status.NEEDS_REVIEW, 1),
        }[proposal.state, proposal.decision]
        order = Order.objects.get(pk=proposal.order_id)
        if expected != (order.status, holds(str(order.batch_id))):
            found.append(f"{proposal.state} {proposal.decision}, but {order.status}")
        return found + self.books_agree()


class ProposeTwice(Race):
    """Several people propose what a held order is: one proposal stands."""

    gate = (moving, "tell")
    tells_who = False

    def prepare(self, contestants: int) -> str:
        return str(self.held().pk)

    def act(self, prize: str, number: int) -> str:
        order = Order.objects.get(pk=prize)
        deciding.propose(
            order, actor=person(("mira", "jon", "tom", "tea")[number % 4]),
            decision=Resolution.Decision.REJECT, reason="Asked them by telephone.",
        )  # fmt: skip
        return "proposed"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        opened = Resolution.objects.filter(order=prize, state=Resolution.State.OPEN).count()
        return self.one_winner(answers) + ([] if opened == 1 else [f"{opened} open proposals"])


class RetryTwice(Race):
    """Several people retry the same refused order as a new one: one stands in."""

    gate = (drafting, "create_batch")
    tells_who = False

    def prepare(self, contestants: int) -> str:
        order = self.approved()
        attempt = placing._write_intent(order, drafting.new_id())
        answering.apply_answer(attempt.pk, ProviderRejected("Not this card."))
        return str(order.pk)

    def act(self, prize: str, number: int) -> str:
        actor = person("mira" if number % 2 else "jon")
        drafting.retry_as_new(Order.objects.get(pk=prize), actor=actor)
        return "retried"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        retries = Order.objects.filter(retry_of=prize).count()
        return self.one_winner(answers) + ([] if retries == 1 else [f"{retries} retries"])
