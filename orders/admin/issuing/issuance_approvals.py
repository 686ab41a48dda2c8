"""Issuances in the approvers' queue: how many cards, for whom, of which numbers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from giftops.models import User
from orders.admin.issuing import pool_rows
from orders.issuing_states import IssuanceState
from orders.models import Batch, Card, Issuance

MOST = 100
NAMED = 3
PLURALS = {"batch": "batches"}


@dataclass(frozen=True, slots=True)
class WaitingIssuance:
    """One issuance in the queue. `named`: the first three customers; `source`: its numbers."""

    permission: ClassVar[str] = "orders.approve_issuance"
    issuance: Issuance
    is_own: bool
    named: tuple[str, ...]
    source: str
    is_covered: bool

    @property
    def thing(self) -> Issuance:
        return self.issuance

    @property
    def link(self) -> str:
        return reverse("admin:orders_issuance_change", args=[self.issuance.pk])

    @property
    def about(self) -> str:
        """How many of what, below its title."""
        cards = in_words(self.issuance.card_count, "card")
        return f"{self.issuance.label} · {cards} to be created"

    @property
    def recipients(self) -> int:
        return self.issuance.card_count

    @property
    def whom(self) -> str:
        """For whom it is, in a line."""
        return whom_in_words(self.named, self.recipients)


def waiting_issuances() -> QuerySet[Issuance]:
    """Issuances that wait for approval, the longest waiting first."""
    rows = Issuance.objects.filter(state=IssuanceState.AWAITING_APPROVAL)
    return rows.select_related("account", "pool", "maker").order_by("submitted_at")


def waiting_rows(user: User) -> list[WaitingIssuance]:
    """The issuances in the queue as the page shows them; a few queries, however many."""
    issuances = list(waiting_issuances()[:MOST])
    pools = {each.pool_id: each.pool for each in issuances if each.pool is not None}
    rows = {row.pool.pk: row for row in pool_rows.rows_of(pools.values())} if pools else {}
    named = _first_of(issuances)
    return [
        WaitingIssuance(
            issuance=each,
            is_own=is_own_work(each, user),
            named=tuple(named.get(each.pk, [])),
            source=_source(each, rows.get(each.pool_id)) if each.pool_id else "a single number",
            is_covered=_is_covered(rows.get(each.pool_id)) if each.pool_id else True,
        )
        for each in issuances
    ]


def is_own_work(thing: Batch | Issuance, user: User) -> bool:
    """Whether this person made it or last changed it, and so may not answer it."""
    return user.pk in (thing.maker_id, thing.last_editor_id)


def in_words(count: int, what: str) -> str:
    """A count with its noun: "1 batch", "2 batches"."""
    return f"{count:,} {what if count == 1 else PLURALS.get(what, what + 's')}"


def whom_in_words(named: Sequence[str], count: int) -> str:
    """The first few by name, and how many more."""
    if not count:
        return "nobody named"
    others = count - len(named)
    return ", ".join(named) + (f" and {others:,} more" if others else "")


def _source(issuance: Issuance, row: pool_rows.PoolRow | None) -> str:
    if row is None:
        return ""
    return f"{row.pool.name}: {row.stock.left:,} left, {row.promised:,} promised"


def _is_covered(row: pool_rows.PoolRow | None) -> bool:
    """Whether the pool has a number for every card that waits for one of it."""
    return row is None or row.stock.left >= row.promised


def _first_of(issuances: list[Issuance]) -> dict[UUID | None, list[str]]:
    """The first few customers of each issuance; one query, however many there are."""
    rows = Card.objects.filter(issuance__in=issuances, position__lte=NAMED).order_by("position")
    found: dict[UUID | None, list[str]] = defaultdict(list)
    for issuance, name, customer in rows.values_list("issuance", "customer_name", "customer_id"):
        found[issuance].append(name or customer)
    return found
