"""The races of workers: the same order sent, followed or resolved several times at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from giftops.models import Job
from giftops.queue import running
from orders.models import LedgerEvent, Order, Phase
from orders.services import (
    answering,
    drafting,
    following,
    moving,
    placing,
    resolving,
    submitting,
)
from orders.services.problems import LostTheRace
from orders.statuses import Status
from providers import spool
from providers.models import ProviderAccount, ProviderCall
from tests.races.racing import Race, holds, person


class PlaceTheSameOrder(Race):
    """Several workers place the same order, whatever the queue promised."""

    def prepare(self, contestants: int) -> str:
        return str(self.approved().pk)

    def act(self, prize: str, number: int) -> str:
        order = moving.read_order(prize)
        if order.status != Status.APPROVED:
            raise LostTheRace(moving.who_was_first(order))
        placing.send(order, retry_job="orders.tasks.place_order")
        return "sent"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        order = Order.objects.get(pk=prize)
        found = self.one_winner(answers)
        if self.purchases(order.reference) != 1:
            found.append(f"DOUBLE: {self.purchases(order.reference)} purchases")
        if order.status != Status.PLACED or order.attempts.count() != 1:
            found.append(f"{order.status} after {order.attempts.count()} attempts")
        return found


class ClaimTheSameJob(Race):
    """Several workers hear the doorbell of one job."""

    gate = (running, "_claim")
    tells_who = False

    def prepare(self, contestants: int) -> str:
        order = self.approved()
        return str(Job.objects.get(ids=[str(order.pk)], state=Job.State.WAITING).pk)

    def act(self, prize: str, number: int) -> str:
        if running.run(prize) is None:
            raise LostTheRace("Nothing to claim.")
        return "ran"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        job = Job.objects.get(pk=prize)
        order = Order.objects.get(pk=job.ids[0])
        found = self.one_winner(answers)
        if (job.state, job.attempts) != (Job.State.DONE, 1):
            found.append(f"the job is {job.state} after {job.attempts} attempts")
        if self.purchases(order.reference) != 1:
            found.append(f"DOUBLE: {self.purchases(order.reference)} purchases")
        return found


class WithdrawOrSend(PlaceTheSameOrder):
    """Some withdraw an order while workers send it."""

    def act(self, prize: str, number: int) -> str:
        if number % 2:
            return super().act(prize, number)
        submitting.withdraw_order(Order.objects.get(pk=prize), actor=person("jon"))
        return "withdrawn"

    def one_winner(self, answers: Sequence[Any], winners: int = 1) -> list[str]:
        """Some losers are told in other words that it is being sent."""
        won = [answer.said for answer in answers if answer.kind == "won"]
        return [] if len(won) == 1 else [f"winners: {won}"]

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        order = Order.objects.get(pk=prize)
        found = self.one_winner(answers)
        bought = self.purchases(order.reference)
        expected = {Status.PLACED: (1, 1), Status.WITHDRAWN: (0, 0)}.get(order.status)
        if expected != (bought, holds(str(order.batch_id))):
            found.append(
                f"{order.status} with {bought} purchases, {holds(str(order.batch_id))} holds"
            )
        return found + self.books_agree()


class LateAnswerOrLookUp(Race):
    """A late answer, the journal and look-ups tell of the same order at the same moment."""

    tells_who = False

    def prepare(self, contestants: int) -> dict[str, str]:
        order = self.doubtful()
        bought = self._sandbox.stranger(reference=order.reference, giftCardTypeId=1410, amount=5)
        return {
            "order": str(order.pk),
            "attempt": str(order.attempts.get().pk),
            "name": bought["name"],
        }

    def act(self, prize: dict[str, str], number: int) -> str:
        if number % 2:
            resolving.resolve_order(prize["order"])
        else:
            order = Order.objects.get(pk=prize["order"])
            gateway = placing.providers.gateway_for(order.account)
            remote = gateway.get_order(prize["name"])
            answering.apply_answer(UUID(prize["attempt"]), remote)
        return "told"

    def problems(self, prize: dict[str, str], answers: Sequence[Any]) -> list[str]:
        order = Order.objects.get(pk=prize["order"])
        adopted = order.events.filter(kind__in=("adopted", "answered")).count()
        open_ones = order.attempts.filter(Q(phase=Phase.SENDING) | Q(phase=Phase.UNKNOWN)).count()
        found = self.one_winner(answers, winners=len(answers))
        if (order.status, order.external_id, adopted) != (Status.PLACED, prize["name"], 1):
            found.append(f"{order.status}, taken over {adopted} times")
        return found + ([f"{open_ones} attempts without an end"] if open_ones else [])


class FollowTheSameOrder(Race):
    """Several workers fetch the codes of the same completed order."""

    tells_who = False

    def prepare(self, contestants: int) -> str:
        order = self.approved()
        placing.place_order(str(order.pk))
        order.refresh_from_db()
        self._sandbox.force(order.external_id, "Completed")
        return str(order.pk)

    def act(self, prize: str, number: int) -> str:
        following.follow_order(prize)
        return "followed"

    def problems(self, prize: str, answers: Sequence[Any]) -> list[str]:
        order = Order.objects.get(pk=prize)
        settled = order.ledger.filter(event=LedgerEvent.SETTLE).count()
        found = self.one_winner(answers, winners=len(answers))
        if (order.status, order.cards.count(), settled) != (Status.FULFILLED, 1, 1):
            found.append(f"{order.status}, {order.cards.count()} cards, settled {settled} times")
        return found + self.books_agree()


class ImportTheSameSpool(Race):
    """Several processes bring spooled answers into the journal: each once, none set aside."""

    gate = (spool, "_read")
    tells_who = False

    def prepare(self, contestants: int) -> list[str]:
        account = str(ProviderAccount.objects.get().pk)
        rows = [drafting.new_id() for _ in range(5)]
        for row in rows:
            spool.write(row, spooled(account, str(row)))
        return [str(row) for row in rows]

    def act(self, prize: list[str], number: int) -> str:
        return str(placing.providers.import_spool())

    def problems(self, prize: list[str], answers: Sequence[Any]) -> list[str]:
        stored = ProviderCall.objects.filter(pk__in=prize).count()
        left = [path.name for place in spool.paths() for path in place.glob("*")]
        found = self.one_winner(answers, winners=len(answers))
        return found + ([] if (stored, left) == (5, []) else [f"{stored} stored, left: {left}"])


def spooled(account: str, attempt: str) -> dict[str, Any]:
    """An answer as the journal would spool it."""
    return {
        "account_id": account, "operation": "place_order", "method": "POST", "route": "/orders",
        "http_status": 200, "outcome": "answered", "duration_ms": 7, "attempt_ref": attempt,
        "subject": "", "request_body": "", "response_body": "e30=", "response_headers": {},
        "error": "",
    }  # fmt: skip
