"""What the page of one card shows, what may be done with it now, and why the rest is closed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from giftops.desk import user_of
from giftops.models import User
from giftops.money import Money
from orders.admin import card_chart, pills
from orders.admin.break_words import open_breaks
from orders.admin.card_tabs import Tab, tabs_for
from orders.admin.issuing import issuing_pills
from orders.admin.linking import page_of
from orders.issuing_states import HOLDS_FOR_TWO, LIVING_CARDS, OPEN_HOLDS, UNFINISHED_HOLDS
from orders.issuing_states import CardState as C
from orders.issuing_states import HoldState as H
from orders.models import Authorization, Card
from orders.services.issuing.cards import worth
from orders.services.issuing.cards.picturing import has_certificate
from orders.services.revealing import is_showable, secrets_of, why_hidden

SEES_HOLDS = "orders.view_authorization"
CHANGES_BY_ITSELF = frozenset({C.WAITING, C.CREATING, C.IN_DOUBT})
"""States that move on without anybody pressing anything, so that the page refreshes."""
DECIDED_ELSEWHERE = {
    C.IN_DOUBT: "giftops finds out by itself whether it exists; its issuance shows how far it is.",
    C.NEEDS_REVIEW: "Two people decide there what becomes of it.",
    C.REFUSED: "It can be tried again there.",
}
"""What is done about a card on the page of its issuance."""
DECIDED_BY_OTHERS = {
    C.IN_DOUBT: "giftops finds out by itself whether it exists. Do not issue it again.",
    C.NEEDS_REVIEW: "Two people in finance decide what becomes of it. Do not issue it again.",
    C.REFUSED: "Colleagues in finance can try it again.",
}
"""The same for somebody who may not open that page."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with a card: where it leads, or why it is closed now."""

    label: str
    effect: str
    link: str = ""
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is on the card, as it was last read; None where it never was."""

    worth: Money | None
    held: Money | None
    available: Money | None
    ours: Money
    """What our own open holds have of it."""


def context(request: HttpRequest, card: Card) -> dict[str, Any]:
    """Everything the page of one card needs."""
    user = user_of(request)
    holds = live_holds(card) if card.is_issued else []
    tabs = list(tabs_for(card, user))
    tab = _open_tab(request, tabs)
    known = worth.series(card) if card.is_issued else None
    return {
        "title": f"Card {mask_of(card)}",
        "mask": mask_of(card),
        "crumbs": [("Cards", reverse("admin:orders_card_changelist"))],
        "pill": pill_of(card),
        "kind": kind_of(card),
        "whom": whom_of(card),
        "account": account_of(card),
        "figures": _figures(card, holds),
        "chart": card_chart.chart_of(known) if known else None,
        "next_step": next_step(card, holds, user),
        "actions": list(actions_for(card, user, holds)),
        "may_ask": card.state in LIVING_CARDS and user.has_perm("orders.ask_provider"),
        "breaks": open_breaks(card) if card.is_issued else [],
        "tabs": tabs,
        "tab": tab,
        "keep": f"tab={tab.name}" if tab else "",
        "needs_worker": card.state in CHANGES_BY_ITSELF,
        "refreshes": card.state in CHANGES_BY_ITSELF,
    } | (tab.content(request, card) if tab else {})


def mask_of(card: Card) -> str:
    """What may be shown of its number; before it lives, of the number it is to be created on."""
    return card.number.mask if card.number and not card.last_four else card.mask


def pill_of(card: Card) -> SafeString:
    """How it stands: of a bought card, how its order stands."""
    return pills.pill_of(card.order) if card.order else issuing_pills.pill_of(card)


def kind_of(card: Card) -> str:
    """What it is, in a few words: "Amazon US, bought", "GC, issued by us"."""
    if card.line is not None:
        return f"{card.line.product_name}, bought"
    return f"{card.gift_card_code}, issued by us"


def whom_of(card: Card) -> tuple[str, str]:
    """Whose card it is: the name, and what else tells the person apart."""
    if card.line is not None:
        line = card.line
        return line.recipient_name, line.recipient_email
    rest = " · ".join(text for text in (card.customer_id, card.customer_email) if text)
    return card.customer_name, rest


def account_of(card: Card) -> Any:
    """The account it was issued at or bought at."""
    return card.order.account if card.order else card.account


def actions_for(card: Card, user: User, holds: list[Authorization]) -> Iterator[Action]:
    """What this person may do with it, the likeliest first; of what is closed, why."""
    ask = _address("admin:orders_authorization_ask")
    if card.is_issued and ask and user.has_perm("orders.add_authorization"):
        effect = "Holds money on the card until it is taken or given back."
        closed = why_no_hold(card, holds)
        yield Action("Authorize…", effect, f"{ask}?card={card.pk}", closed)
    if user.has_perm("orders.reveal_card"):
        yield from _looks_at(card)


def _looks_at(card: Card) -> Iterator[Action]:
    closed = "" if is_showable(card) else why_hidden(card)
    if secrets_of(card) or closed:
        link = reverse("admin:orders_card_reveal", args=[card.pk])
        effect = "Shows the number once, for thirty seconds; written down with your reason."
        yield Action("Reveal the number…", effect, link, closed)
    if card.is_issued:
        link = reverse("admin:orders_card_certificate", args=[card.pk])
        effect = "Has the provider draw it; it shows the number, and counts like a look at it."
        yield Action(
            "Certificate…", effect, link, "" if has_certificate(card) else why_hidden(card)
        )


def why_no_hold(card: Card, holds: list[Authorization]) -> str:
    """Why no money can be held on it now; "" if it can."""
    if card.state != C.ACTIVE:
        return f"Authorize is closed: the card is {card.get_state_display().lower()}."
    for hold in holds:
        if hold.state in UNFINISHED_HOLDS:
            since = hold.sent_at or hold.created_at
            return (
                f"Authorize is closed: hold of {hold.requested.format()}, "
                f"{hold.get_state_display().lower()} since {since:%H:%M} UTC."
            )
    if card.available_minor is not None and card.available_minor <= 0:
        return "Authorize is closed: nothing is available on the card."
    return ""


def next_step(card: Card, holds: list[Authorization], user: User) -> Action | None:
    """What most wants doing, if anything does; with a link for those who may follow it."""
    for hold in holds:
        if hold.state in HOLDS_FOR_TWO:
            why = f"Nobody can tell what became of a hold of {hold.requested.format()}."
            return _about_hold("Decide about the hold", why, hold, user, "orders.resolve_order")
    if card.state in DECIDED_ELSEWHERE and card.issuance is not None:
        return _about_issuing(card, user)
    for hold in holds:
        if hold.state in OPEN_HOLDS and hold.granted is not None:
            why = f"{hold.granted.format()} is held until somebody takes it or gives it back."
            return _about_hold("Finish the hold", why, hold, user, "orders.add_authorization")
    return None


def _about_hold(label: str, why: str, hold: Authorization, user: User, needs: str) -> Action:
    link = page_of("authorization", hold.pk) if user.has_perm(SEES_HOLDS) else ""
    return Action(label if user.has_perm(needs) else "See the hold", why, link)


def _about_issuing(card: Card, user: User) -> Action:
    if not user.has_perm("orders.view_issuance"):
        return Action(card.get_state_display(), DECIDED_BY_OTHERS[C(card.state)])
    link = reverse("admin:orders_issuance_card", args=[card.pk])
    return Action("See how it is issued", DECIDED_ELSEWHERE[C(card.state)], link)


def live_holds(card: Card) -> list[Authorization]:
    """The holds that are open or not finished, oldest first."""
    states = sorted({*OPEN_HOLDS, *UNFINISHED_HOLDS, H.REQUESTED})
    holds = card.authorizations.filter(state__in=states).defer("auth_code")
    return list(holds.order_by("id"))


def _figures(card: Card, holds: list[Authorization]) -> Figures:
    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, card.currency)

    ours = sum(hold.granted_minor or 0 for hold in holds)
    return Figures(
        worth=money(card.balance_minor),
        held=money(card.held_minor),
        available=money(card.available_minor),
        ours=Money(ours, card.currency),
    )


def _open_tab(request: HttpRequest, tabs: list[Tab]) -> Tab | None:
    asked = request.GET.get("tab", "")
    return next((tab for tab in tabs if tab.name == asked), tabs[0] if tabs else None)


def _address(name: str) -> str:
    """A page that another desk brings; "" while it is not there."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
