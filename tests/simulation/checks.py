"""What must be true after every step (safety), and once all faults are off (liveness).

What only some providers can do is checked by their operations, see `Operation.checks`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from giftops import audit, sealing
from orders.models import Card
from orders.statuses import ALLOWED, DEAD, Status
from providers import spool
from tests.simulation.database import MemoryDatabase
from tests.simulation.oracle import Oracle, Purchase, SellersOracle
from tests.simulation.scheduler import Violation
from tests.simulation.sent import Sent

ALLOWED_TEXT = frozenset((str(old), str(new)) for old, new in ALLOWED)
MAY_LIVE_THERE = frozenset(
    {
        Status.SUBMITTING,
        Status.UNKNOWN,
        Status.PLACED,
        Status.PARTLY_FULFILLED,
        Status.FULFILLED,
        Status.NEEDS_REVIEW,
    }
)
HOLDS_ALL = frozenset(
    {Status.APPROVED, Status.SUBMITTING, Status.UNKNOWN, Status.PLACED}
)  # and needs_review, unless some of it was settled before
HOLDS_NOTHING = DEAD | {
    Status.DRAFT,
    Status.AWAITING_APPROVAL,
    Status.AWAITING_FUNDS,
    Status.FULFILLED,
}
HANDS_OUT = ("codes", "links")


class Check(Protocol):
    """One rule; raises Violation. `is_last`: the run is over, be thorough."""

    def __call__(self, *, is_last: bool = False) -> None: ...


@dataclass(slots=True)
class OrderRow:
    """What the checks read of one order, in one query for all."""

    id: str
    reference: str
    external_id: str
    status: str
    total: int  # what was approved and is held, minor units
    held: int
    account: str
    type: str
    face: int  # the face value of all its cards, minor units
    root: str


@dataclass
class Books:
    """One look at our tables, shared by all checks of one moment."""

    database: MemoryDatabase
    orders: dict[str, OrderRow] = field(default_factory=dict)  # by reference
    stamp: int = -1

    def look(self) -> "Books":
        """Read again, unless nothing was written since."""
        if self.stamp == self.database.changes():
            return self
        self.stamp = self.database.changes()
        rows = self.database.raw.execute(
            "SELECT id, reference, external_id, status, total_minor, held_minor, account_id, type,"
            " (SELECT sum(face_value_minor * quantity) FROM orders_orderline l"
            "  WHERE l.order_id = o.id), retry_of_id FROM orders_order o ORDER BY id"
        ).fetchall()
        parents = {row[0]: row[-1] for row in rows}
        self.orders = {row[1]: OrderRow(*row[:-1], root=_root(row[0], parents)) for row in rows}
        return self

    def at(self, account: str) -> dict[str, OrderRow]:
        """The orders of one account, by reference."""
        return {name: one for name, one in self.orders.items() if one.account == account}

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Rows of a query below the ORM: nobody may interfere while we look."""
        return self.database.raw.execute(sql, values).fetchall()


def _root(order_id: str, parents: dict[str, str | None]) -> str:
    while parent := parents.get(order_id):
        order_id = parent
    return order_id


class Purchases:
    """S1: one need is bought once. S2: nothing that was bought is forgotten. S3: no code twice.

    All of it at one account, held against the ledger of the provider behind it.
    """

    def __init__(self, books: Books, oracle: SellersOracle, account: str) -> None:
        self._books = books
        self._oracle = oracle
        self._account = account
        self._orders: dict[str, OrderRow] = {}

    def __call__(self, *, is_last: bool = False) -> None:
        self._orders = self._books.at(self._account)
        purchases = self._oracle.purchases()
        self._one_each(purchases)
        self._nothing_more_than_approved(purchases)
        self._none_forgotten(purchases)
        self._none_is_somebody_elses(purchases)
        self._codes_are_ours(is_last)

    def _one_each(self, purchases: Iterable[Purchase]) -> None:
        by_need: dict[str, list[Purchase]] = defaultdict(list)
        for one in purchases:
            if one.is_live and one.reference in self._orders:
                by_need[self._orders[one.reference].root].append(one)
        for bought in by_need.values():
            if len(bought) > 1:
                names = ", ".join(f"{one.name} for {one.reference}" for one in bought)
                raise Violation("S1", f"one need was bought {len(bought)} times: {names}")

    def _nothing_more_than_approved(self, purchases: Iterable[Purchase]) -> None:
        for one in purchases:
            order = self._orders.get(one.reference)
            if order is None:
                raise Violation("S1", f"{one.name} was bought under a reference of no order")
            if one.is_live and one.value_minor != order.face:
                raise Violation("S1", f"{one.name} is worth {one.value_minor}, not {order.face}")
            if one.is_live and one.cost_minor > order.total:
                raise Violation("S1", f"{one.name} costs {one.cost_minor}, not {order.total}")

    def _none_forgotten(self, purchases: Iterable[Purchase]) -> None:
        for one in purchases:
            status = self._orders[one.reference].status
            if one.is_live and status not in MAY_LIVE_THERE:
                raise Violation("S2", f"{one.name} lives, but {one.reference} is {status}")

    def _none_is_somebody_elses(self, purchases: Iterable[Purchase]) -> None:
        owners = {one.name: one.reference for one in purchases}
        for order in self._orders.values():
            if order.external_id and owners.get(order.external_id) != order.reference:
                owner = owners.get(order.external_id, "a stranger")
                raise Violation("S3", f"{order.reference} took {order.external_id} of {owner}")

    def _codes_are_ours(self, is_last: bool) -> None:
        stored = self._books.rows(
            "SELECT o.reference, count(*) FROM orders_card c JOIN orders_order o"
            " ON o.id = c.order_id WHERE c.is_releasable AND o.account_id = ? GROUP BY o.reference",
            self._account,
        )
        counts = dict(stored)
        for reference, order in self._orders.items():
            is_empty = order.type in HANDS_OUT and not counts.get(reference)
            if order.status == Status.FULFILLED and is_empty:
                raise Violation("S2", f"{reference} is fulfilled without a card")
        if is_last:
            self._every_code_is_where_it_belongs()

    def _every_code_is_where_it_belongs(self) -> None:
        cards = Card.objects.filter(order__account_id=self._account).select_related("order")
        plain = [(card, secret_of(card)) for card in cards.order_by("id")]
        owners = Counter(code for card, code in plain if card.is_releasable)
        if doubled := [code for code, count in owners.items() if count > 1]:
            raise Violation("S3", f"{len(doubled)} codes are releasable in two orders")
        for card, code in plain:
            if code not in self._oracle.cards_under(card.order.external_id):
                raise Violation("S3", f"{card.order.reference} has a code of another order")
        self._no_code_is_lost({(card.order.reference, code) for card, code in plain})

    def _no_code_is_lost(self, stored: set[tuple[str, str]]) -> None:
        waiting = {Status.UNKNOWN, Status.PLACED, Status.NEEDS_REVIEW, Status.SUBMITTING}
        for reference, codes in self._oracle.codes().items():
            order = self._orders[reference]
            if order.status in waiting:
                continue
            lost = [code for code in codes if (reference, code) not in stored]
            if lost and order.status != Status.CANCELLED:
                raise Violation("S2", f"{len(lost)} codes of {reference} ({order.status}) are lost")


def secret_of(card: Card) -> str:
    """What makes it this card: its number or, where there is none, its claim link."""
    text: str = card.code.reveal() if card.code else card.claim_url.reveal()
    return text


class Ledger:
    """S4: every movement sums to nought, totals are the sums of postings, holds are the orders'."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def __call__(self, *, is_last: bool = False) -> None:
        self._movements_balance()
        self._totals_are_sums()
        self._holds_are_those_of_orders()

    def _movements_balance(self) -> None:
        odd = self._books.rows(
            "SELECT transaction_id FROM orders_ledgerposting GROUP BY transaction_id"
            " HAVING sum(amount_minor) <> 0 OR count(*) <> 2"
        )
        if odd:
            raise Violation("S4", f"{len(odd)} movements do not sum to nought")

    def _totals_are_sums(self) -> None:
        sums: dict[int, Counter[str]] = defaultdict(Counter)
        for deposit, book, total in self._books.rows(
            "SELECT t.deposit_id, p.book, sum(p.amount_minor) FROM orders_ledgerposting p"
            " JOIN orders_ledgertransaction t ON t.id = p.transaction_id GROUP BY 1, 2"
        ):
            sums[deposit][book] = total
        for deposit, *totals in self._books.rows(
            "SELECT id, available_minor, held_minor, spent_minor FROM orders_deposit"
        ):
            booked = [sums[deposit][book] for book in ("available", "held", "spent")]
            if totals != booked:
                raise Violation("S4", f"totals {totals} are not the sums of postings {booked}")

    def _holds_are_those_of_orders(self) -> None:
        deposits = dict(self._books.rows("SELECT account_id, held_minor FROM orders_deposit"))
        orders = self._books.orders.values()
        held: Counter[str] = Counter(dict.fromkeys(deposits, 0))
        for order in orders:
            held[order.account] += order.held
        if any(deposits.get(account, 0) != total for account, total in held.items()):
            raise Violation("S4", f"held {deposits}, orders hold {dict(held)}")
        for order in orders:
            if order.status in HOLDS_ALL and order.held != order.total:
                raise Violation("S4", f"{order.reference} is {order.status}, holds {order.held}")
            if order.status in HOLDS_NOTHING and order.held:
                raise Violation("S4", f"{order.reference} is {order.status}, holds {order.held}")


class Timeline:
    """S6: only allowed steps, none missing. S7: one audit entry for each, and a sound chain."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._last_event = 0
        self._last_entry = 0
        self._status: dict[str, str] = {}
        self._told: Counter[tuple[str, str, str]] = Counter()
        self._audited: Counter[tuple[str, str, str]] = Counter()

    def __call__(self, *, is_last: bool = False) -> None:
        self._read_events()
        self._read_entries()
        for order in self._books.orders.values():
            if self._status.get(order.id) != order.status:
                told = self._status.get(order.id)
                raise Violation("S6", f"{order.reference} is {order.status}, last told {told}")
        if self._told != self._audited:
            difference = list((self._told - self._audited) + (self._audited - self._told))
            raise Violation("S7", f"timeline and audit trail differ: {difference[:3]}")
        verdict = audit.verify() if is_last else None
        if verdict and not (verdict.ok or verdict.lacks_anchor):  # a seed keeps no files
            raise Violation("S7", verdict.problem)

    def _read_events(self) -> None:
        for row in self._books.rows(
            "SELECT id, order_id, old_status, new_status FROM orders_orderevent"
            " WHERE id > ? ORDER BY id",
            self._last_event,
        ):
            self._last_event, order_id, old, new = row
            if new:
                self._follow(order_id, old, new)

    def _follow(self, order_id: str, old: str, new: str) -> None:
        before = self._status.get(order_id, "")
        if old != before:
            raise Violation("S6", f"a step from {old} of an order that was {before}")
        if (before or new != Status.DRAFT) and (old, new) not in ALLOWED_TEXT:
            raise Violation("S6", f"{old} → {new} is in no table")
        self._status[order_id] = new
        if old:  # a draft is part of its batch's entry
            self._told[order_id, old, new] += 1

    def _read_entries(self) -> None:
        for row in self._books.rows(
            "SELECT sequence, replace(object_id, '-', ''), facts ->> '$.old', facts ->> '$.new'"
            " FROM giftops_auditentry WHERE sequence > ? AND action LIKE 'order.%'"
            " ORDER BY sequence",
            self._last_entry,
        ):
            self._last_entry, order_id, old, new = row
            if old and new:
                self._audited[order_id, old, new] += 1


class Rates:
    """S8: at no time more requests under way than the account may send."""

    def __init__(self, per_second: int, per_minute: int) -> None:
        self._limits = ((1.0, per_second), (60.0, per_minute))
        self._departures: list[float] = []

    def note(self, sent: Sent) -> None:
        """A request leaves."""
        self._departures.append(sent.at)
        for window, most in self._limits:
            within = [at for at in self._departures[-most - 1 :] if at > sent.at - window]
            if len(within) > most:
                raise Violation("S8", f"{len(within)} requests in {window:g} s, {most} are allowed")


class AtOnce:
    """S8: never more requests under way than the provider takes at a time."""

    def __init__(self, most: int | None, sent: list[Sent]) -> None:
        self._most = most
        self._sent = sent  # to this provider

    def note(self, now: Sent) -> None:
        """A request leaves."""
        under_way = [one for one in self._sent if one is not now and one.is_under_way]
        if self._most is not None and len(under_way) >= self._most:
            raise Violation("S8", f"{len(under_way) + 1} requests at once, {self._most} are taken")


class Journal:
    """J1: whatever was answered is written down, once; only a program that died may fail to."""

    def __init__(self, books: Books, sent: list[Sent]) -> None:
        self._books = books
        self._sent = sent  # of all providers
        self._before = self._count()

    def __call__(self, *, is_last: bool = False) -> None:
        if not is_last:
            return
        lost = sum(1 for one in self._sent if one.call is not None and one.call.is_lost)
        ended = sum(1 for one in self._sent if one.fate != "in flight")
        written = self._count() - self._before
        if not ended - lost <= written <= ended:
            raise Violation("J1", f"{ended} exchanges ended, {written} are written down")

    def _count(self) -> int:
        """Rows of the journal, and records in the spool that wait to become rows; one whose commit
        was only said to have failed is both for a while.
        """
        waiting = [UUID(path.stem).hex for path in spool.waiting()]
        found = self._books.rows("SELECT id FROM providers_providercall")
        return len({str(row_id) for (row_id,) in found} | set(waiting))


class Seals:
    """S9: a sealed code opens in its own row only."""

    def __call__(self, *, is_last: bool = False) -> None:
        for column in ("code", "claim_url") if is_last else ():
            cards = [card for card in Card.objects.order_by("id")[:9] if getattr(card, column)]
            if len(cards) > 1:
                self._try(column, *cards[:2])

    def _try(self, column: str, card: Card, other: Card) -> None:
        token = getattr(card, column).token
        try:
            sealing.unseal(token, table=Card._meta.db_table, row=other.pk, column=column)
        except sealing.SealError:
            return
        raise Violation("S9", "a sealed code opens in the row of another card")


class Secrets:
    """S9: no code, PIN, claim link or credential anywhere but in sealed columns."""

    def __init__(self, database: MemoryDatabase, oracles: list[Oracle], lines: list[str]) -> None:
        self._database = database
        self._oracles = oracles
        self._lines = lines
        self._read = 0

    def __call__(self, *, is_last: bool = False) -> None:
        secrets = [text for oracle in self._oracles for text in oracle.secrets()]
        fresh, self._read = "\n".join(self._lines[self._read :]), len(self._lines)
        self._search("the log", fresh.encode(), secrets)
        self._search("the database", self._database.bytes(), secrets)

    def _search(self, where: str, content: bytes, secrets: Iterable[str]) -> None:
        for secret in secrets:
            if secret.encode() in content:
                raise Violation("S9", f"a secret ({len(secret)} characters) stands in {where}")
