"""What waits for an approver: what, how much, at whom, who made it, is there enough for it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from giftops.models import User
from giftops.money import Money
from orders.admin.issuing.issuance_approvals import (
    WaitingIssuance,
    in_words,
    is_own_work,
    waiting_issuances,
    waiting_rows,
    whom_in_words,
)
from orders.models import Approval, Batch, Deposit, Issuance, Order, OrderLine
from orders.models.order import ORDER_TYPES
from orders.statuses import Status

MOST = 100
LATELY = 20
NAMED = 3


@dataclass(frozen=True, slots=True)
class Waiting:
    """One batch in the queue. `recipients` counts all who have a name or address, `named` the first
    three of them; `kinds` says how the cards get there."""

    permission: ClassVar[str] = "orders.approve_batch"
    batch: Batch
    free: Money | None
    is_own: bool
    kinds: str
    recipients: int
    named: tuple[str, ...]

    @property
    def thing(self) -> Batch:
        return self.batch

    @property
    def link(self) -> str:
        return reverse("admin:orders_batch_change", args=[self.batch.pk])

    @property
    def about(self) -> str:
        """How many of what, below its title."""
        count = self.batch.order_count
        return f"{self.batch.label} · {in_words(count, 'order')} · {self.kinds}"

    @property
    def is_covered(self) -> bool:
        return self.free is None or self.free >= self.batch.total

    @property
    def whom(self) -> str:
        """For whom it is, in a line."""
        return whom_in_words(self.named, self.recipients)


def waiting_batches() -> QuerySet[Batch]:
    """Batches of which an order waits for approval, the longest waiting first."""
    waits = Order.objects.filter(batch=OuterRef("pk"), status=Status.AWAITING_APPROVAL)
    rows = Batch.objects.filter(Exists(waits), submitted_at__isnull=False)
    return rows.select_related("account", "maker").order_by("submitted_at")


def queue_context(user: User) -> dict[str, Any]:
    """Everything the approvals page shows, batches and issuances in one row of waiting."""
    rows: list[Waiting | WaitingIssuance] = [
        *_with_deposits(waiting_batches()[:MOST], user),
        *waiting_rows(user),
    ]
    rows.sort(key=lambda row: row.thing.submitted_at or row.thing.created_at)
    mine = [row for row in rows if user.has_perm(row.permission) and not row.is_own]
    answered = Approval.objects.select_related("batch", "issuance", "approver")
    return {
        "mine": mine,
        "others": [row for row in rows if row not in mine],
        "may_approve": any(map(user.has_perm, (Waiting.permission, WaitingIssuance.permission))),
        "answered": [_answered(row) for row in answered.order_by("-id")[:LATELY]],
    }


def _answered(row: Approval) -> tuple[Approval, Batch | Issuance | None, str]:
    """An answer, what it was about, and the page of that."""
    kind = "issuance" if row.issuance_id else "batch"
    thing = row.issuance or row.batch
    return row, thing, reverse(f"admin:orders_{kind}_change", args=[thing.pk if thing else None])


def waiting_totals(user: User, *, with_cards: bool) -> tuple[str, list[Money]]:
    """What this approver may answer ("2 batches and 1 issuance"), and the sums per currency."""
    issuances = waiting_issuances()[:MOST] if with_cards else []
    counted: dict[str, list[Batch | Issuance]] = {
        "batch": [each for each in waiting_batches()[:MOST] if not is_own_work(each, user)],
        "issuance": [each for each in issuances if not is_own_work(each, user)],
    }
    sums: dict[str, Money] = {}
    for thing in (each for things in counted.values() for each in things):
        nothing = Money(0, thing.currency)
        sums[thing.currency] = sums.get(thing.currency, nothing) + thing.total
    words = [in_words(len(things), kind) for kind, things in counted.items() if things]
    return " and ".join(words), list(sums.values())


def counts_of(batch: Batch) -> dict[str, int]:
    """How many orders of a batch are in which status."""
    rows = batch.orders.order_by().values_list("status").annotate(count=Count("id"))
    return dict(rows)


def answer_of(batch: Batch, user: User, counts: dict[str, int]) -> str:
    """Whether this person is asked for an answer: "ask", "own" (their own work), or ""."""
    if Status.AWAITING_APPROVAL not in counts or not user.has_perm("orders.approve_batch"):
        return ""
    return "own" if is_own_work(batch, user) else "ask"


def deposit_of(batch: Batch) -> Deposit | None:
    """The deposit a batch is paid from, if it was ever read."""
    return Deposit.objects.filter(account=batch.account_id, currency=batch.currency).first()


def _with_deposits(batches: Iterable[Batch], user: User) -> list[Waiting]:
    batches = list(batches)
    accounts = {batch.account_id for batch in batches}
    free = {
        (deposit.account_id, deposit.currency): deposit.free
        for deposit in Deposit.objects.filter(account__in=accounts)
    }
    kinds, counts, named = _kinds_of(batches), _counts_of(batches), _first_of(batches)
    return [
        Waiting(
            batch=batch,
            free=free.get((batch.account_id, batch.currency)),
            is_own=is_own_work(batch, user),
            kinds=" and ".join(kinds.get(batch.pk, [])),
            recipients=counts.get(batch.pk, 0),
            named=tuple(named.get(batch.pk, [])),
        )
        for batch in batches
    ]


def _kinds_of(batches: list[Batch]) -> dict[UUID, list[str]]:
    """The types of order in each batch, in words; one query."""
    labels = {str(kind): label for kind, label in ORDER_TYPES}
    rows = Order.objects.filter(batch__in=batches).order_by("type").values_list("batch", "type")
    found: dict[UUID, list[str]] = defaultdict(list)
    for batch, kind in rows.distinct():
        found[batch].append(labels[kind])
    return found


def _counts_of(batches: list[Batch]) -> dict[UUID, int]:
    """How many recipients each batch has; one query."""
    rows = _recipients(batches).order_by().values_list("order__batch")
    return dict(rows.annotate(count=Count("id")))


def _first_of(batches: list[Batch]) -> dict[UUID, list[str]]:
    """The first few recipients of each batch; one query, however many there are."""
    place = Window(
        RowNumber(), partition_by=F("order__batch"), order_by=("order__position", "position", "id")
    )
    rows = _recipients(batches).annotate(place=place).filter(place__lte=NAMED).order_by("place")
    found: dict[UUID, list[str]] = defaultdict(list)
    for batch, name, email in rows.values_list("order__batch", "recipient_name", "recipient_email"):
        found[batch].append(name or email)
    return found


def _recipients(batches: list[Batch]) -> QuerySet[OrderLine]:
    lines = OrderLine.objects.filter(order__batch__in=batches)
    return lines.exclude(Q(recipient_name="") & Q(recipient_email=""))
