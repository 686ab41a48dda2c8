"""How the machinery does: providers, and the jobs that wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest

from giftops.clock import db_now
from giftops.models import Job
from giftops.queue import due
from orders.admin.everywhere import accounts_of, makes_cards
from orders.issuing_states import CardState, IssuanceState
from orders.models import Card, Order
from orders.statuses import Status
from providers.models import CircuitState, Outcome, ProviderAccount, ProviderCall
from providers.registry import spec_for

MINUTE = timedelta(seconds=60)
CARDS_TO_SEND = Q(state=CardState.WAITING, issuance__state=IssuanceState.RUNNING)


@dataclass(frozen=True, slots=True)
class Health:
    """One account: does it answer, how fast, how much of its rate is used, who waits for it."""

    account: ProviderAccount
    label: str
    answered_at: datetime | None
    took_ms: int | None
    used: int
    circuit: CircuitState | None
    waiting: int
    cards: int = 0  # to be created there

    @property
    def is_open(self) -> bool:
        """Whether its breaker is open: nothing is bought there."""
        return self.circuit is not None and self.circuit.is_open

    @property
    def tone(self) -> str:
        """The colour of its lamp."""
        if not self.account.is_active:
            return "grey"
        if self.is_open:
            return "red"
        return "green" if self.answered_at else "grey"


def providers(request: HttpRequest) -> list[Health]:
    """Every account and its health; accounts are few, so a few small looks for each."""
    circuits = {state.account_id: state for state in CircuitState.objects.all()}
    orders = _by_account(Order.objects.filter(status=Status.APPROVED))
    cards = _by_account(Card.objects.filter(CARDS_TO_SEND)) if makes_cards(request) else {}
    return [
        health_of(
            account, circuits.get(account.pk), orders.get(account.pk, 0), cards.get(account.pk, 0)
        )
        for account in accounts_of(request)
    ]


def _by_account(rows: QuerySet[Any]) -> dict[UUID | None, int]:
    return dict(rows.order_by().values_list("account").annotate(count=Count("id")))


def health_of(
    account: ProviderAccount, circuit: CircuitState | None, waiting: int, cards: int = 0
) -> Health:
    """How one account does."""
    calls = ProviderCall.objects.filter(account=account)
    last = (
        calls.filter(outcome=Outcome.ANSWERED)
        .order_by("-created_at")
        .values_list("created_at", "duration_ms")
        .first()
    )
    lately = calls.filter(created_at__gte=db_now() - MINUTE)
    return Health(
        account=account,
        label=spec_for(account.provider).label,
        answered_at=last[0] if last else None,
        took_ms=last[1] if last else None,
        used=lately.exclude(outcome=Outcome.REFUSED_LOCALLY).count(),
        circuit=circuit,
        waiting=waiting,
        cards=cards,
    )


@dataclass(frozen=True, slots=True)
class Jobs:
    """What is due and not done yet, and what was given up."""

    due: int
    oldest: datetime | None
    given_up: int


def jobs() -> Jobs:
    """How the queue stands."""
    found = due().order_by().aggregate(count=Count("id"), oldest=Min("run_after"))
    since = db_now() - timedelta(days=7)
    retired = Job.objects.filter(state=Job.State.RETIRED, finished_at__gte=since)
    return Jobs(found["count"], found["oldest"], retired.count())
