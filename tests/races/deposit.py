"""The races for money: exactly what the deposit covers is held, and new funds count once."""

from collections.abc import Sequence
from typing import Any

from orders.models import Batch, Deposit
from orders.services import funding, submitting
from orders.statuses import Status
from providers.models import ProviderAccount
from tests.races.racing import Race, person


class LastOfTheDeposit(Race):
    """More batches than the deposit can pay for: exactly those that fit go through."""

    gate = (funding, "hold")
    tells_who = False
    fitting = 3

    def prepare(self, contestants: int) -> list[str]:
        batches = [self.draft_of(number) for number in range(contestants)]
        deposit = Deposit.objects.get()
        left = deposit.expected.minor - deposit.available_minor + self.fitting * 500
        self._sandbox.settings(balance=f"{left / 100:.2f}")
        funding.ask_the_provider(deposit.account)
        return batches

    def act(self, prize: list[str], number: int) -> str:
        submitting.submit_batch(Batch.objects.get(pk=prize[number]), actor=person("mira"))
        return "held"

    def problems(self, prize: list[str], answers: Sequence[Any]) -> list[str]:
        found = self.one_winner(answers, winners=self.fitting)
        if Deposit.objects.get().free.minor < 0:
            found.append("more was held than there was")
        return found + self.refill(answers)

    def draft_of(self, number: int) -> str:
        """The batch of one contestant."""
        return str(self.draft().pk)

    def refill(self, answers: Sequence[Any]) -> list[str]:
        """Make the provider rich again; what is wrong with the books or with the refusals."""
        found = [
            f"no sentence about money: {answer.said}"
            for answer in answers
            if answer.kind == "lost" and "does not cover" not in answer.said
        ]
        self._sandbox.settings(balance="1000000")
        funding.ask_the_provider(ProviderAccount.objects.get())
        return found + self.books_agree()


class LastOfTheDepositInAllSizes(LastOfTheDeposit):
    """Small and large batches want the rest: who fits goes through, and nobody else."""

    fitting = 7  # orders of 5.00; a batch has one to four of them

    def draft_of(self, number: int) -> str:
        return str(self.draft(quantity=1 + number % 4).pk)

    def problems(self, prize: list[str], answers: Sequence[Any]) -> list[str]:
        left = Deposit.objects.get().free.minor
        batches = Batch.objects.filter(pk__in=prize).prefetch_related("orders")
        stand = {batch: {order.status for order in batch.orders.all()} for batch in batches}
        won = [batch for batch, statuses in stand.items() if statuses == {Status.APPROVED}]
        lost = [batch for batch, statuses in stand.items() if statuses == {Status.DRAFT}]
        found = self.one_winner(answers, winners=len(won))
        if len(won) + len(lost) != len(prize):
            found.append(f"half a batch: {stand}")
        if sum(batch.total_minor for batch in won) + left != self.fitting * 500 or left < 0:
            found.append(f"{[batch.total_minor for batch in won]} went through, {left} is left")
        found += [
            f"{batch.total_minor} was refused although {left} is left"
            for batch in lost
            if batch.total_minor <= left
        ]
        return found + self.refill(answers)


class NewFundsBookedOnce(Race):
    """Several processes read the balance after funds were added: they are booked once."""

    gate = (funding.Deposit.objects, "filter")  # type: ignore[misc]
    tells_who = False

    def prepare(self, contestants: int) -> dict[str, Any]:
        funding.ask_the_provider(ProviderAccount.objects.get())
        self._sandbox.add_funds("25.00")
        return {"before": Deposit.objects.get().expected.minor}

    def act(self, prize: dict[str, Any], number: int) -> str:
        funding.ask_the_provider(ProviderAccount.objects.get())
        return "read"

    def problems(self, prize: dict[str, Any], answers: Sequence[Any]) -> list[str]:
        gained = Deposit.objects.get().expected.minor - prize["before"]
        found = [] if gained == 2500 else [f"25.00 were added, {gained / 100:.2f} were booked"]
        return found + self.books_agree()
