"""The simulator's ledger against our database: is there one purchase an order, one card a code?"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Sum

from giftops import audit
from giftops.models import AuditEntry
from orders.models import (
    Attempt,
    Book,
    Card,
    Deposit,
    LedgerPosting,
    Order,
    OrderEvent,
    Phase,
)
from orders.statuses import Status
from providers import services as providers

LIVING = {Status.PLACED, Status.PARTLY_FULFILLED, Status.FULFILLED}
DEAD_THERE = "Cancelled"


def facts(references: Iterable[str]) -> list[dict[str, Any]]:
    """How our side stands, without secrets."""
    return [_facts(order) for order in Order.objects.filter(reference__in=references)]


def _facts(order: Order) -> dict[str, Any]:
    attempts = list(order.attempts.all())
    return {
        "reference": order.reference,
        "status": order.status,
        "attempts": [attempt.phase for attempt in attempts],
        "journaled": [bool(providers.journaled_answer(str(one.pk))) for one in attempts],
        "cards": order.cards.count(),
        "kinds": list(order.events.order_by("id").values_list("kind", flat=True)),
        "reason": order.reason,
    }


def problems(references: list[str], ledger: dict[str, Any]) -> list[str]:
    """Everything that does not agree, each as a sentence; none is what we want."""
    found: list[str] = []
    for order in Order.objects.filter(reference__in=references):
        found += _problems_of(
            order, [o for o in ledger["orders"] if o["reference"] == order.reference]
        )
    found += problems_of_the_money(ledger)
    ours = set(Order.objects.values_list("reference", flat=True))
    found += [
        f"{one['name']} has a reference that is not ours"
        for one in ledger["orders"]
        if not one["stranger"] and one["reference"] not in ours
    ]
    return found


def _problems_of(order: Order, there: list[dict[str, Any]]) -> list[str]:
    alive = [one for one in there if one["status"] != DEAD_THERE]
    found = []
    if len(alive) > 1:
        found.append(f"DOUBLE: {order.reference} lives {len(alive)} times")
    if order.status in LIVING and len(alive) != 1:
        found.append(f"{order.reference} is {order.status} here and lives {len(alive)} times there")
    if order.status in (Status.REJECTED, Status.CANCELLED, Status.WITHDRAWN) and alive:
        found.append(f"LOST: {order.reference} is {order.status} here and lives there")
    if order.status not in LIVING | {Status.NEEDS_REVIEW, Status.REJECTED, Status.WITHDRAWN}:
        found.append(f"{order.reference} is still {order.status}: {order.reason}")
    if order.status == Status.NEEDS_REVIEW and order.reason.startswith("Not found") and alive:
        found.append(f"LOST: {order.reference} is said to be absent and lives there")
    if order.status in LIVING and alive and order.external_id != alive[0]["name"]:
        found.append(f"{order.reference} is {order.external_id} here, {alive[0]['name']} there")
    if order.status == Status.FULFILLED and alive:
        found += _problems_of_the_cards(order, alive[0])
    open_ones = order.attempts.filter(phase__in=(Phase.SENDING, Phase.UNKNOWN))
    if order.status != Status.NEEDS_REVIEW and open_ones.exists():
        found.append(f"{order.reference} has attempts without an end")
    return found


def _problems_of_the_cards(order: Order, there: dict[str, Any]) -> list[str]:
    ours = Counter(_marks(card) for card in order.cards.filter(is_releasable=True))
    theirs = Counter(
        _mark(card["card_number"], card["pin"], card["claim_url"]) for card in there["cards"]
    )
    if ours != theirs:
        lost, made_up = (theirs - ours).total(), (ours - theirs).total()
        return [f"LOST: {order.reference}: {lost} cards missing, {made_up} not theirs"]
    return []


def _marks(card: Card) -> str:
    secrets = (card.code, card.pin, card.claim_url)
    return _mask(*(one.reveal() if one else "" for one in secrets))


def _mark(*secrets: str | None) -> str:
    return _mask(*(one or "" for one in secrets))


def _mask(*secrets: str) -> str:
    return hashlib.sha256("|".join(secrets).encode()).hexdigest()


def problems_of_the_money(ledger: dict[str, Any], *, with_balance: bool = True) -> list[str]:
    """Whether the deposit's columns, its postings, the orders and the provider agree."""
    deposit = Deposit.objects.get()
    posted = dict(
        LedgerPosting.objects.values_list("book")
        .annotate(Sum("amount_minor"))
        .values_list("book", "amount_minor__sum")
    )
    held = Order.objects.aggregate(held=Sum("held_minor"))["held"] or 0
    fulfilled = Order.objects.filter(status=Status.FULFILLED).aggregate(s=Sum("total_minor"))["s"]
    pairs = {
        "the postings sum to nought": (sum(posted.values()), 0),
        "available": (deposit.available_minor, posted.get(Book.AVAILABLE, 0)),
        "held": (deposit.held_minor, posted.get(Book.HELD, 0)),
        "held by orders": (deposit.held_minor, held),
        "spent": (deposit.spent_minor, posted.get(Book.SPENT, 0)),
        "spent on cards": (deposit.spent_minor, fulfilled or 0),
    }
    for_nothing = _held_for_what_is_absent(ledger)
    if with_balance and held == for_nothing:
        ours = deposit.available_minor + for_nothing
        pairs["the provider's balance"] = (ours, ledger["balance_minor"])
    return [
        f"money, {what}: {one} and {other}" for what, (one, other) in pairs.items() if one != other
    ]


def _held_for_what_is_absent(ledger: dict[str, Any]) -> int:
    """What orders hold that wait for people and do not exist there, so cost nothing there."""
    there = [one["reference"] for one in ledger["orders"] if one["status"] != DEAD_THERE]
    absent = Order.objects.filter(status=Status.NEEDS_REVIEW).exclude(reference__in=there)
    return int(absent.aggregate(held=Sum("held_minor"))["held"] or 0)


def problems_of_the_chain(after: int) -> list[str]:
    """Whether the audit trail holds from that entry on."""
    verdict = audit.verify(after)
    return [] if verdict.ok else [f"audit: {verdict.problem}"]


def last_entry() -> int:
    """The number of the newest audit entry."""
    return AuditEntry.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0


def problems_at_the_end() -> list[str]:
    """The whole house: every card once, every status in the timeline, the whole chain."""
    found = problems_of_the_chain(0)
    doubled = Counter(Card.objects.values_list("code_index", flat=True))
    found += [f"a code is stored {n} times" for n in doubled.values() if n > 1]
    for order in Order.objects.all():
        last = OrderEvent.objects.filter(order=order).exclude(new_status="").order_by("id").last()
        if last is None or last.new_status != order.status:
            found.append(f"{order.reference}: the timeline does not end where the order stands")
    if Attempt.objects.filter(phase__in=(Phase.SENDING, Phase.UNKNOWN)).exists():
        found.append("an attempt has no end")
    return found
