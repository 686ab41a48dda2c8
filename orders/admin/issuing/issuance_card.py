"""The page of one card on its way into being: what came of it, and who decides in doubt."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from giftops.desk import Desk, tell, user_of
from giftops.models import User
from giftops.pressing import press
from giftops.stepping_up import problem_with_password
from orders.admin import linking
from orders.admin.break_words import open_breaks
from orders.admin.issuing import pool_rows
from orders.admin.issuing.issuing_pills import pill_of
from orders.admin.issuing.pool_rows import SingleRow
from orders.admin.proposals import open_proposal, proposal_of, seen_proposal
from orders.admin.steps import steps_of_issued
from orders.issuing_states import LIVING_CARDS, CardState
from orders.models import BalanceCheck, Card, Reservation, Resolution
from orders.services.issuing.cards import deciding_cards, proving, retrying
from orders.services.problems import Refused
from providers.gateways.errors import ProviderError
from providers.models import ProviderCall

REFUSALS = (Refused, ProviderError)
MAKES = "orders.add_issuance"
MOVING = frozenset({CardState.WAITING, CardState.CREATING, CardState.IN_DOUBT})
LOOKS_SHOWN = 20
DECISIONS = (Resolution.Decision.CARD_IS_OURS, Resolution.Decision.CARD_IS_NOT)


def card_page(desk: Desk, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Show one card of an issuance."""
    return _show(desk, request, find(request, object_id))


def find(request: HttpRequest, object_id: Any) -> Card:
    """An issued card, for somebody who may see cards and what they were issued with."""
    if not request.user.has_perms(("orders.view_card", "orders.view_issuance")):
        raise PermissionDenied
    card = _issued().filter(pk=object_id).first()
    if card is None:
        raise Http404
    return card


def retry(desk: Desk, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Try a refused card again, unchanged."""

    chosen = _chosen_number(request.POST.get("reservation", ""))

    def work(card: Card, actor: User) -> str:
        retrying.retry_card(card, actor=actor, reservation=chosen)
        return f"Card {card.position} is tried again · {card.face_value.format()}."

    return _do(desk, request, object_id, "retry", work)


def ask(desk: Desk, request: HttpRequest, object_id: Any) -> HttpResponse:
    """One look at the issuer for a card in doubt; creates nothing."""
    return _do(
        desk, request, object_id, "ask", lambda card, actor: proving.ask_now(card, actor=actor)
    )


def propose(desk: Desk, request: HttpRequest, object_id: Any) -> HttpResponse:
    """First of two people: what became of the card."""

    def work(card: Card, actor: User) -> str:
        decision = request.POST.get("decision", "")
        if decision not in DECISIONS:
            raise Refused("Choose what this card is.")
        reason = request.POST.get("reason", "")
        deciding_cards.propose(card, actor=actor, decision=decision, reason=reason)
        return "Proposed. A second person has to confirm it."

    return _do(desk, request, object_id, "propose", work)


def confirm(desk: Desk, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Carry out what a colleague proposed; the password again, because it decides on money."""
    card, seen = find(request, object_id), request.POST.get("proposal", "")
    if problem := problem_with_password(request, action="card.confirmed", obj=card):
        return _show(desk, request, card, status=422, password_error=problem)

    def work(card: Card, actor: User) -> str:
        deciding_cards.confirm(seen_proposal(card, seen), actor=actor)
        return "Confirmed and carried out."

    return _do(desk, request, object_id, "confirm", work)


def drop(desk: Desk, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Take the proposal off the table."""

    def work(card: Card, actor: User) -> str:
        deciding_cards.drop(open_proposal(card), actor=actor)
        return "The proposal is off the table. The card stays held for a person."

    return _do(desk, request, object_id, "drop", work)


def _issued() -> QuerySet[Card]:
    """Issued cards without anything sealed."""
    rows = Card.objects.exclude(state=CardState.BOUGHT)
    rows = rows.select_related("account", "number__reservation", "issuance__pool")
    return rows.defer("code", "pin", "claim_url", "challenge", "other_code", "number__number")


def _do(
    desk: Desk, request: HttpRequest, object_id: Any, name: str, work: Callable[[Card, User], str]
) -> HttpResponse:
    """Carry out once; then show the card again, with one sentence on what came of it."""
    card = find(request, object_id)
    actor = user_of(request)
    said = press(request, f"card.{name}:{card.pk}", lambda: work(card, actor), refusals=REFUSALS)
    tell(request, said.level, said.line)
    if said.is_done:
        return HttpResponseRedirect(reverse("admin:orders_issuance_card", args=[card.pk]))
    fresh = find(request, card.pk)
    return _show(desk, request, fresh, status=said.status, entered=request.POST)


def _show(
    desk: Desk, request: HttpRequest, card: Card, *, status: int = 200, **extra: Any
) -> HttpResponse:
    context = _context(request, card) | extra
    title = f"Card {card.position} of {card.issuance}"
    return desk.page(request, "orders/issuance_card.html", title, status=status, **context)


def _context(request: HttpRequest, card: Card) -> dict[str, Any]:
    user = user_of(request)
    moves = card.state in MOVING and not retrying.waits_for_a_person(card)
    may_retry = may_be_retried(card, user)
    return {
        "card": card,
        "issuance": card.issuance,
        "crumbs": list(_crumbs(card)),
        "pill": pill_of(card),
        "steps": list(steps_of_issued(card)),
        "looks": _looks(card),
        "attempts": list(card.attempts.select_related("number_sent").order_by("number")),
        "breaks": open_breaks(card),
        "proposal": proposal_of(card),
        "past_proposals": list(_past_proposals(card)),
        "decisions": [(each.value, each.label) for each in DECISIONS],
        "may_resolve": user.has_perm("orders.resolve_order"),
        "may_retry": may_retry,
        "may_ask": card.state == CardState.IN_DOUBT and user.has_perm("orders.ask_provider"),
        "singles": _other_numbers(card) if may_retry else [],
        "calls": _calls(card, user),
        "card_link": _card_link(card),
        "refreshes": moves,
        "needs_worker": moves,
    }


def may_be_retried(card: Card, user: User) -> bool:
    """Whether a person may have it tried again: it was refused, or waits for somebody's word."""
    is_stuck = card.state == CardState.REFUSED or retrying.waits_for_a_person(card)
    return is_stuck and user.has_perm(MAKES)


def _other_numbers(card: Card) -> list[SingleRow]:
    """Single numbers that a card without a pool could be created on."""
    if card.issuance is None or card.issuance.pool_id is not None:
        return []
    rows = pool_rows.singles()
    return [row for row in rows if row.is_usable and row.reservation.account_id == card.account_id]


def _chosen_number(text: str) -> Reservation | None:
    """The single number that was chosen for another try; None: none was."""
    try:
        return Reservation.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _crumbs(card: Card) -> Iterator[tuple[str, str]]:
    yield "Issuances", reverse("admin:orders_issuance_changelist")
    yield str(card.issuance), reverse("admin:orders_issuance_change", args=[card.issuance_id])


def _looks(card: Card) -> list[BalanceCheck]:
    """What the issuer said about its number, the latest first: the evidence."""
    return list(card.balance_checks.order_by("-asked_at", "-id")[:LOOKS_SHOWN])


def _past_proposals(card: Card) -> QuerySet[Resolution]:
    done = card.resolutions.exclude(state=Resolution.State.OPEN)
    return done.select_related("proposed_by", "decided_by")


def _calls(card: Card, user: User) -> int | None:
    if not user.has_perm("providers.view_providercall"):
        return None
    return ProviderCall.objects.filter(subject=card.sale_id).count()


def _card_link(card: Card) -> str:
    """The page of a card that lives."""
    return linking.page_of("card", card.pk) if card.state in LIVING_CARDS else ""
