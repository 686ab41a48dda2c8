"""What the page of one order shows, and which buttons make sense on it now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse

from giftops.desk import user_of
from giftops.models import User
from orders.admin import order_lines, pills
from orders.admin.steps import steps_of
from orders.models import Card, Order, Resolution
from orders.services.revealing import secrets_of
from orders.services.submitting import needs_approval
from orders.statuses import DEAD, Status
from providers.gateways.base import OrderType
from providers.models import ProviderCall, WebhookReceipt

ASKABLE = frozenset({Status.UNKNOWN, Status.PLACED, Status.PARTLY_FULFILLED})
WITHDRAWABLE = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL, Status.APPROVED})
RETRIABLE = frozenset({Status.CANCELLED, Status.REJECTED})
REVEALABLE = frozenset({Status.FULFILLED, Status.PARTLY_FULFILLED})
RESUMES = "Asks for the balance, and sends it again under its reference if that covers it."
WITHDRAWS_UNFUNDED = "Asks the provider first: it is only withdrawn if they do not have it."
CARDS_A_PAGE = 50
NO_CARDS = {
    OrderType.CODES: (
        "None yet: codes are fetched as soon as the provider says that the order is completed."
    ),
    OrderType.LINKS: (
        "None yet: claim links are fetched as soon as the provider says that the order is done."
    ),
    OrderType.DIGITAL: "None here: the provider delivers these cards to the recipients itself.",
    OrderType.PHYSICAL: "None here: these are plastic cards, sent to the recipients by post.",
}


@dataclass(frozen=True, slots=True)
class Button:
    """One thing that may be done now: what it is called, what it does in a sentence."""

    name: str
    label: str
    effect: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card as the page shows it: masked, whom it is for, with what could be revealed."""

    card: Card
    whom: str
    secrets: str
    may_reveal: bool


def context(request: HttpRequest, order: Order) -> dict[str, Any]:
    """Everything the page of one order needs."""
    user = user_of(request)
    lines, cards = order_lines.page_of(order, request), _cards_page(order, user, request)
    return {
        "crumbs": [("Orders", reverse("admin:orders_order_changelist"))],
        "needs_worker": order.status in pills.NOT_DONE_YET,
        "line": order.lines.first(),
        "whole": order_lines.whole_of(order),
        "lines": list(map(order_lines.row_of, lines)),
        "lines_page": lines,
        "batch": order.batch,
        "pill": pills.pill_of(order),
        "steps": list(steps_of(order)),
        "buttons": list(buttons_for(order, user)),
        "cards": list(_card_rows(order, user, cards)),
        "cards_page": cards,
        "attempts": order.attempts.count(),
        "calls": _calls(order, user),
        "webhooks": _webhooks(order, user),
        "retries": list(order.retries.all()),
        "proposal": proposal_of(order),
        "past_proposals": list(
            order.resolutions.exclude(state=Resolution.State.OPEN).select_related(
                "proposed_by", "decided_by"
            )
        ),
        "breaks": list(order.breaks.filter(closed_at=None)),
        "may_resolve": user.has_perm("orders.resolve_order"),
        "decisions": _decisions(order),
        "refreshes": order.status in pills.NOT_DONE_YET,
        "no_cards": no_cards_sentence(order),
    }


def _decisions(order: Order) -> list[tuple[str, str]]:
    """What two people may say of it; of a partly fulfilled one, only that the rest was credited."""
    if order.status == Status.PARTLY_FULFILLED:
        return [(d.value, d.label) for d in Resolution.Decision if d == Resolution.Decision.CREDIT]
    return Resolution.Decision.choices


def proposal_of(order: Order) -> Resolution | None:
    """The decision that waits for a second person."""
    waiting = order.resolutions.filter(state=Resolution.State.OPEN)
    return waiting.select_related("proposed_by").first()


def _cards_page(order: Order, user: User, request: HttpRequest) -> Page[Card]:
    """The cards, for those who may see that they exist."""
    may_see = user.has_perm("orders.view_card")
    cards = order.cards.select_related("line") if may_see else order.cards.none()
    return Paginator(cards.order_by("line__position", "id"), CARDS_A_PAGE).get_page(
        request.GET.get("c")
    )


def _card_rows(order: Order, user: User, cards: Iterable[Card]) -> Iterator[CardRow]:
    may_reveal = order.status in REVEALABLE and user.has_perm("orders.reveal_card")
    for card in cards:
        names = ", ".join(label.lower() for _, label in secrets_of(card))
        whom = card.line.recipient_name if card.line else ""
        yield CardRow(card, whom, names, may_reveal and card.is_releasable)


def no_cards_sentence(order: Order) -> str:
    """Why there are no cards (yet)."""
    if order.status in DEAD:
        return "None: nothing was bought."
    if order.status == Status.NEEDS_REVIEW:
        return "None are shown while a person has to decide about this order."
    return NO_CARDS[OrderType(order.type)]


def buttons_for(order: Order, user: User) -> Iterator[Button]:
    """What this person may do with this order now, the likeliest first."""
    if user.has_perm("orders.ask_provider") and order.status in ASKABLE:
        yield Button("ask", "Ask the provider now", "One look at the provider; buys nothing.")
    if user.has_perm("orders.add_order"):
        yield from _buttons_of_a_maker(order)


def _buttons_of_a_maker(order: Order) -> Iterator[Button]:
    if order.status == Status.DRAFT and order.batch.order_count == 1:
        verb = "Submit for approval" if needs_approval(order.batch) else "Send 1 order"
        yield Button("submit", f"{verb} · {order.total.format()}", spends(order), "main")
    if order.status == Status.APPROVED and order.is_held_back:
        yield Button("send_again", f"Send again · {order.total.format()}", spends(order), "main")
    if order.status == Status.AWAITING_FUNDS:
        yield Button("resume", f"Send again · {order.total.format()}", RESUMES, "main")
        yield Button("withdraw", "Withdraw", WITHDRAWS_UNFUNDED, "stop")
    if order.status in RETRIABLE and not order.retries.exclude(status__in=DEAD).exists():
        effect = "Drafts a new order for the same need under a new reference; nothing is sent yet."
        yield Button("retry", "Retry as a new order", effect)
    if order.status in WITHDRAWABLE:
        yield Button("withdraw", "Withdraw", "Nothing is sent; its hold is released.", "stop")


def spends(order: Order) -> str:
    """What pressing calls, at whom, for how much."""
    return f"Places one order at {order.account.name} for {order.total.format()}."


def _calls(order: Order, user: User) -> int | None:
    if not user.has_perm("providers.view_providercall"):
        return None
    return ProviderCall.objects.filter(subject=order.reference).count()


def _webhooks(order: Order, user: User) -> int | None:
    """How often the provider rang; None where it does not, or for whom that is no concern."""
    if not (order.doorbell_index and user.has_perm("providers.view_webhookreceipt")):
        return None
    receipts = WebhookReceipt.objects.filter(subject=order.reference)
    return receipts.aggregate(times=Sum("deliveries"))["times"] or 0
