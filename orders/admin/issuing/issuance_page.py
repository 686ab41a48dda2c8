"""What the page of an issuance shows: how far it is, at which rate, card by card."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from giftops import show
from giftops.clock import db_now
from giftops.desk import user_of
from giftops.models import User
from orders.admin.issuing import issuance_card, issuing_pills
from orders.admin.issuing.issuing_pills import CARD_GROUPS, pill_of
from orders.admin.order_page import Button
from orders.admin.pills import Share
from orders.admin.steps import steps_of_issued
from orders.issuing_states import LIVING_CARDS, CardState, IssuanceState
from orders.models import Card, Issuance
from orders.services.issuing.cards import issuing

MAKES = "orders.add_issuance"
APPROVES = "orders.approve_issuance"
CARDS_A_PAGE = 50
RATE_OVER = timedelta(minutes=5)
RATE_AT_LEAST_OVER = timedelta(seconds=10)
WITHDRAWABLE = frozenset(
    {IssuanceState.DRAFT, IssuanceState.AWAITING_APPROVAL, IssuanceState.PAUSED}
)
UNSENT = frozenset({IssuanceState.DRAFT, IssuanceState.AWAITING_APPROVAL})
TABS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("All", "", ()),
    ("Need a person", "person", (CardState.NEEDS_REVIEW, CardState.IN_DOUBT, CardState.MISSING)),
    ("Refused", "refused", (CardState.REFUSED,)),
    ("To be created", "waiting", (CardState.DRAFT, CardState.WAITING, CardState.CREATING)),
    ("Created", "created", tuple(LIVING_CARDS)),
)
PAUSES = "No further card is begun; what is on its way arrives."
WITHDRAWS = "Nothing is called: cards that were not sent are taken back."


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast cards are being created, from the last five minutes."""

    per_minute: float
    left: int

    @property
    def sentence(self) -> str:
        """The rate, and when it is done if it stays like that."""
        if not self.per_minute:
            return "none created in the last five minutes"
        takes = show.duration(60 * self.left / self.per_minute)
        rate = f"{self.per_minute:.1f}".removesuffix(".0")
        return f"{rate} a minute, about {takes} to go" if self.left else f"{rate} a minute"


def context(request: HttpRequest, issuance: Issuance) -> dict[str, Any]:
    """Everything the page of one issuance needs."""
    user = user_of(request)
    counts = counts_of(issuance)
    moves = issuance.state == IssuanceState.RUNNING or counts.get(CardState.CREATING, 0) > 0
    limit = issuing.limit_of(issuance)
    return {
        "title": issuance.label,
        "crumbs": [("Issuances", reverse("admin:orders_issuance_changelist"))],
        "pill": pill_of(issuance),
        "shares": issuing_pills.shares(CARD_GROUPS, counts),
        "pace": pace_of(issuance, counts) if issuance.state == IssuanceState.RUNNING else None,
        "refused": counts.get(CardState.REFUSED, 0) if user.has_perm(MAKES) else 0,
        "buttons": list(buttons_for(issuance, user, counts)),
        "steps": list(steps_of_issued(issuance)),
        "is_unsent": issuance.state in UNSENT,
        "limit": limit,
        "needs_approval": issuing.needs_approval(issuance),
        "answer": answer_of(issuance, user),
        "past_answers": list(issuance.approvals.select_related("approver")),
        "refreshes": moves,
        "needs_worker": moves,
        **_cards(request, issuance, user),
    }


def counts_of(issuance: Issuance) -> dict[str, int]:
    """How many of its cards are in which state; one query."""
    rows = issuance.cards.order_by().values_list("state").annotate(count=Count("id"))
    return dict(rows)


def shares_of(issuances: Iterable[Issuance]) -> dict[object, list[Share]]:
    """The bar of each of these issuances, in one query."""
    rows = Card.objects.filter(issuance__in=list(issuances)).order_by()
    counts: dict[object, dict[str, int]] = {}
    for pk, state, count in rows.values_list("issuance", "state").annotate(count=Count("id")):
        counts.setdefault(pk, {})[state] = count
    return {pk: issuing_pills.shares(CARD_GROUPS, found) for pk, found in counts.items()}


def pace_of(issuance: Issuance, counts: dict[str, int]) -> Pace:
    """The present rate, since the first of the cards that were created lately."""
    now = db_now()
    cards = issuance.cards.filter(issued_at__gte=now - RATE_OVER)
    lately = cards.aggregate(count=Count("id"), first=Min("issued_at"))
    over = max(now - lately["first"], RATE_AT_LEAST_OVER) if lately["count"] else RATE_OVER
    left = counts.get(CardState.WAITING, 0) + counts.get(CardState.CREATING, 0)
    return Pace(lately["count"] / (over / timedelta(minutes=1)), left)


def answer_of(issuance: Issuance, user: User) -> str:
    """Whether this person is asked for an answer: "ask", "own" (their own work), or ""."""
    is_asked = issuance.state == IssuanceState.AWAITING_APPROVAL and user.has_perm(APPROVES)
    if not is_asked:
        return ""
    return "own" if user.pk in (issuance.maker_id, issuance.last_editor_id) else "ask"


def buttons_for(issuance: Issuance, user: User, counts: dict[str, int]) -> Iterator[Button]:
    """What this person may do with it now, the likeliest first."""
    if not user.has_perm(MAKES):
        return
    left = counts.get(CardState.WAITING, 0)
    if issuance.state == IssuanceState.DRAFT:
        yield Button("submit", submits(issuance), creates(issuance), "main")
    if issuance.state == IssuanceState.PAUSED:
        yield Button("resume", f"Resume · {_cards_in_words(left)} left", creates(issuance), "main")
    if issuance.state == IssuanceState.RUNNING and left:
        yield Button("pause", f"Pause · {_cards_in_words(left)} left", PAUSES)
    if issuance.state in WITHDRAWABLE:
        yield Button("withdraw", "Withdraw", WITHDRAWS, "stop")


def submits(issuance: Issuance) -> str:
    """What the button of a draft says: the effect and its size."""
    cards, total = _cards_in_words(issuance.card_count), issuance.total.format()
    if issuing.needs_approval(issuance):
        return f"Submit {cards} for approval · {total}"
    return f"Create {cards} · {total}"


def creates(issuance: Issuance) -> str:
    """What pressing calls, at whom, for how much."""
    cards, total = _cards_in_words(issuance.card_count), issuance.total.format()
    return f"Creates {cards} at {issuance.account.name}, {total} in all."


def _cards_in_words(count: int) -> str:
    return "1 card" if count == 1 else f"{count:,} cards"


def _cards(request: HttpRequest, issuance: Issuance, user: User) -> dict[str, Any]:
    """A page of its cards for those who may see them, with the usual filters as tabs."""
    if not user.has_perm("orders.view_card"):
        return {"sees_cards": False}
    shown = request.GET.get("show", "")
    states = next((states for _, name, states in TABS if name == shown), ())
    page = Paginator(_rows(issuance, states), CARDS_A_PAGE).get_page(request.GET.get("p"))
    return {
        "sees_cards": True,
        "cards_page": page,
        "cards": [
            (card, pill_of(card), issuance_card.may_be_retried(card, user)) for card in page
        ],
        "card_tabs": [(label, f"show={name}" if name else "", name == shown)
                      for label, name, _ in TABS],
        "keep": f"show={shown}" if states else "",
    }  # fmt: skip


def _rows(issuance: Issuance, states: tuple[str, ...]) -> QuerySet[Card]:
    """Its cards without anything sealed."""
    rows = issuance.cards.select_related("number").order_by("position")
    rows = rows.defer("code", "pin", "claim_url", "challenge", "other_code", "number__number")
    return rows.filter(state__in=states) if states else rows
