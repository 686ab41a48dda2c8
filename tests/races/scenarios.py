"""The races: what everybody wants, what they do for it, and what must be true afterwards."""

import itertools
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q

from giftops import audit, once
from giftops.models import ActionToken, AuditEntry, Job, User
from giftops.money import Money
from giftops.queue import running
from orders.issuing_states import CardState, NumberState, ReservationState
from orders.models import (
    Approval,
    Authorization,
    Batch,
    BreakKind,
    Card,
    Deposit,
    Issuance,
    LedgerEvent,
    LedgerTransaction,
    Order,
    Phase,
    Pool,
    Reservation,
    ReservedNumber,
    Resolution,
)
from orders.services import (
    answering,
    deciding,
    drafting,
    following,
    funding,
    mirroring,
    moving,
    placing,
    resolving,
    submitting,
)
from orders.services.drafting import Wish
from orders.services.issuing import stepping
from orders.services.issuing.holds import authorizing, holding
from orders.services.issuing.reservations import stock
from orders.services.problems import LostTheRace
from orders.statuses import Status
from providers import spool
from providers.gateways.errors import OutcomeUnknown, ProviderRejected
from providers.models import Product, ProviderAccount, ProviderCall
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


class OneTokenOnce(Race):
    """A double-clicked form: everybody posts the same token."""

    gate = (once, "_use")
    tells_who = False

    def prepare(self, contestants: int) -> list[str]:
        return [once.new_token()] * contestants

    def act(self, prize: list[str], number: int) -> str:
        result, is_repeated = once.once(
            prize[number], user=person("mira"), purpose="race", work=self._work
        )
        return f"{result['entry']} {'again' if is_repeated else 'first'}"

    def _work(self) -> dict[str, Any]:
        return {"entry": audit.record("race.acted", actor=None).sequence}

    def problems(self, prize: list[str], answers: Sequence[Any]) -> list[str]:
        results = {answer.said.split()[0] for answer in answers}
        firsts = sum(answer.said.endswith("first") for answer in answers)
        tokens = len(set(prize))
        found = self.one_winner(answers, winners=len(answers))
        if (len(results), firsts) != (tokens, tokens):
            found.append(f"{len(results)} results, {firsts} acted, {tokens} tokens")
        if ActionToken.objects.filter(token__in=prize).count() != tokens:
            found.append("tokens are missing")
        return found


class ManyTokens(OneTokenOnce):
    """Everybody posts a token of their own: everybody acts."""

    def prepare(self, contestants: int) -> list[str]:
        return [once.new_token() for _ in range(contestants)]


class AppendToTheChain(Race):
    """Everybody appends to the audit trail: no gap, no fork, no twin."""

    gate = (audit, "_next_head")

    def prepare(self, contestants: int) -> int:
        return oracle.last_entry()

    def act(self, prize: int, number: int) -> str:
        return str(audit.record("race.appended", actor=None, number=number).sequence)

    def problems(self, prize: int, answers: Sequence[Any]) -> list[str]:
        numbers = sorted(int(answer.said) for answer in answers if answer.kind == "won")
        found = oracle.problems_of_the_chain(prize)
        if numbers != list(range(prize + 1, prize + 1 + len(answers))):
            found.append(f"the numbers after {prize} are {numbers}")
        twins = AuditEntry.objects.values("sequence").annotate(n=Count("pk")).filter(n__gt=1)
        return found + (["twins in the chain"] if twins.exists() else [])


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


class Everything(Race):
    """Everybody does something else, all of it with money and the audit trail: nobody deadlocks."""

    tells_who = False
    parts = ("approve", "follow", "withdraw", "confirm", "reject", "mirror", "retry", "fund")

    def prepare(self, contestants: int) -> list[tuple[str, str]]:
        self._sandbox.add_funds("1.00")
        return [
            (part, getattr(self, f"prepare_{part}")())
            for part in (self.parts[number % len(self.parts)] for number in range(contestants))
        ]

    def act(self, prize: list[tuple[str, str]], number: int) -> str:
        part, subject = prize[number]
        getattr(self, part)(subject)
        return part

    def problems(self, prize: list[tuple[str, str]], answers: Sequence[Any]) -> list[str]:
        return self.one_winner(answers, winners=len(answers)) + self.books_agree()

    def prepare_approve(self) -> str:
        return str(submitting.submit_batch(self.big_draft(), actor=person("mira")).pk)

    def approve(self, subject: str) -> None:
        batch = Batch.objects.get(pk=subject)
        submitting.approve_batch(batch, actor=person("tom"), fingerprint=batch.fingerprint)

    def prepare_follow(self) -> str:
        return FollowTheSameOrder.prepare(self, 1)  # type: ignore[arg-type]

    def follow(self, subject: str) -> None:
        following.follow_order(subject)

    def prepare_withdraw(self) -> str:
        return str(self.approved().pk)

    def withdraw(self, subject: str) -> None:
        submitting.withdraw_order(Order.objects.get(pk=subject), actor=person("jon"))

    def prepare_confirm(self) -> str:
        proposal = deciding.propose(
            self.held(), actor=person("mira"), decision=Resolution.Decision.REJECT,
            reason="Asked them by telephone.",
        )  # fmt: skip
        return str(proposal.pk)

    def confirm(self, subject: str) -> None:
        proposal = Resolution.objects.select_related("order").get(pk=subject)
        deciding.confirm(proposal, actor=person("tea"))

    def prepare_reject(self) -> str:
        return str(placing._write_intent(self.approved(), drafting.new_id()).pk)

    def reject(self, subject: str) -> None:
        answering.apply_answer(UUID(subject), ProviderRejected("Not this card."))

    def prepare_mirror(self) -> str:
        for _ in range(2):  # two dead orders that live there after all
            attempt = placing._write_intent(self.approved(), drafting.new_id())
            answering.apply_answer(attempt.pk, ProviderRejected("Not this card."))
            self._sandbox.stranger(reference=attempt.reference, giftCardTypeId=1410, amount=5)
        return str(ProviderAccount.objects.get().pk)

    def mirror(self, subject: str) -> None:
        mirroring.mirror_remote_orders(subject)

    def prepare_retry(self) -> str:
        return RetryTwice.prepare(self, 1)  # type: ignore[arg-type]

    def retry(self, subject: str) -> None:
        drafting.retry_as_new(Order.objects.get(pk=subject), actor=person("mira"))

    def prepare_fund(self) -> str:
        return str(ProviderAccount.objects.get().pk)

    def fund(self, subject: str) -> None:
        funding.ask_the_provider(ProviderAccount.objects.get(pk=subject))
