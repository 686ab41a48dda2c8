"""What the page of one hold shows, and which buttons make sense on it now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from giftops.clock import db_now
from giftops.desk import user_of
from giftops.models import User
from giftops.money import Money
from giftops.show import AMBER, BLUE, GREY, RED, duration
from orders.admin.break_words import open_breaks
from orders.admin.issuing import issuing_pills
from orders.admin.issuing.hold_evidence import evidence_of
from orders.admin.linking import page_of
from orders.admin.order_page import Button
from orders.admin.proposals import proposal_of
from orders.admin.steps import steps_of_issued
from orders.issuing_states import HOLDS_FOR_TWO, OPEN_HOLDS
from orders.issuing_states import HoldState as H
from orders.models import Authorization, IssuingEvent, Resolution
from orders.services.issuing.holds import ageing, finishing, holding
from orders.services.issuing.holds.completing import CANCEL, CONFIRM
from orders.services.issuing.holds.deciding_holds import DECISIONS_FOR
from providers.models import ProviderCall

ASKS = "orders.ask_provider"
HOLDS = "orders.add_authorization"
RESOLVES = "orders.resolve_order"
IN_DOUBT = frozenset({H.UNKNOWN, H.CONFIRM_UNKNOWN, H.CANCEL_UNKNOWN})
UNDER_WAY = frozenset({H.REQUESTED, H.PRECHECKED, H.SENDING, H.CONFIRMING, H.CANCELLING})
MOVES_BY_ITSELF = UNDER_WAY | IN_DOUBT
READS = "Reads the card once more; nothing is held or taken by it."
WITHDRAWS = "Nothing is called: it was not sent yet."
DOUBT = {
    H.UNKNOWN: "No usable answer came, so the money may be held already.",
    H.CONFIRM_UNKNOWN: "No usable answer came, so it may have been taken already.",
    H.CANCEL_UNKNOWN: "No usable answer came, so it may have been given back already.",
}
ASKED_ONCE = "Do not ask for it again, here or at the till."
NO_OTHER_END = "Do not take it or give it back anywhere else."
TONE_OF_AGE = {ageing.Age.FRESH: BLUE, ageing.Age.OVER_AN_HOUR: AMBER, ageing.Age.OVER_A_DAY: RED}


@dataclass(frozen=True, slots=True)
class Note:
    """What a person has to know before anything else: a colour, a sentence, what comes when."""

    tone: str
    text: str
    next_look: datetime | None = None


def context(request: HttpRequest, hold: Authorization) -> dict[str, Any]:
    """Everything the page of one hold needs."""
    user = user_of(request)
    wish, closed = finishing.wish_of(hold), why_closed(hold)
    moves = hold.state in MOVES_BY_ITSELF or wish is not None
    return {
        "title": f"Hold on {hold.card}: {size_of(hold)}",
        "size": size_of(hold),
        "crumbs": [("Holds", reverse("admin:orders_authorization_changelist"))],
        "pill": issuing_pills.pill_of(hold),
        "notes": list(notes_of(hold, wish, db_now())),
        "buttons": list(buttons_for(hold, user, wish)) if not closed else [],
        "closed": closed if user.has_perm(HOLDS) else "",
        "steps": list(steps_of_issued(hold)),
        "evidence": evidence_of(hold),
        "attempts": hold.attempts.count(),
        "calls": _calls(hold, user),
        "card_link": page_of("card", hold.card_id) if user.has_perm("orders.view_card") else "",
        "breaks": open_breaks(hold),
        "refreshes": moves,
        "needs_worker": moves,
        **_decision(hold, user),
    }


def size_of(hold: Authorization) -> str:
    """Its amount; of a part both figures, so that neither is taken for the other."""
    asked, granted = hold.requested, hold.granted
    if granted is None or granted == asked:
        return asked.format()
    return f"{granted.format()} of {asked.format()}"


def _decision(hold: Authorization, user: User) -> dict[str, Any]:
    """What two people may say of it, and what one of them has said."""
    if hold.state not in HOLDS_FOR_TWO:
        return {"is_for_two": False}
    decisions = DECISIONS_FOR[H(hold.state)]
    proposal = proposal_of(hold)
    minor = proposal.amount_minor if proposal else None
    return {
        "is_for_two": True,
        "proposal": proposal,
        "proposed_amount": None if minor is None else Money(minor, hold.currency),
        "decisions": [(each.value, each.label) for each in decisions],
        "takes_code": Resolution.Decision.ENTER_CODE in decisions,
        "may_resolve": user.has_perm(RESOLVES),
    }


def why_closed(hold: Authorization) -> str:
    """Why an open hold can neither be taken nor given back now; "" if it can."""
    if hold.state not in OPEN_HOLDS:
        return ""
    if not hold.account.is_active:
        return f"{hold.account.name} is switched off."
    busy = holding.who_is_busy(hold.card, but=hold)
    return holding.why_busy(busy) if busy else ""


def buttons_for(
    hold: Authorization, user: User, wish: IssuingEvent | None = None
) -> Iterator[Button]:
    """What this person may do with this hold now, the likeliest first."""
    if hold.state == H.UNKNOWN and user.has_perm(ASKS):
        yield Button("ask_now", "Ask now", READS)
    if not user.has_perm(HOLDS):
        return
    if hold.state == H.REQUESTED:
        yield Button("withdraw", "Withdraw", WITHDRAWS, "stop")
    elif hold.state in OPEN_HOLDS and hold.granted is not None:
        yield from _ends(hold, hold.granted.format(), wish.kind if wish else "")


def _ends(hold: Authorization, money: str, wished: str) -> Iterator[Button]:
    """Taking it and giving it back; not what was asked for already."""
    if wished != CONFIRM.wish:
        effect = f"Confirms it at {hold.account.name}: {money} leaves {hold.card} for good."
        yield Button("take", f"Take {money}", effect, "main")
    if wished != CANCEL.wish:
        effect = f"Cancels it at {hold.account.name}: {money} is free on {hold.card} again."
        yield Button("give_back", f"Give {money} back", effect)


def notes_of(hold: Authorization, wish: IssuingEvent | None, at: datetime) -> Iterator[Note]:
    """What it means that it stands so, and what not to do."""
    if hold.state in DOUBT:
        never = ASKED_ONCE if hold.state == H.UNKNOWN else NO_OTHER_END
        yield Note(RED, f"{DOUBT[H(hold.state)]} {never}", hold.next_look_at)
    elif hold.state in HOLDS_FOR_TWO:
        never = NO_OTHER_END if hold.state == H.NEEDS_REVIEW else ASKED_ONCE
        yield Note(RED, f"{hold.reason.rstrip('.')}. {never}" if hold.reason else never)
    elif hold.state in OPEN_HOLDS:
        yield from _notes_of_open(hold, wish, at)
    elif hold.reason:
        yield Note(GREY, hold.reason, hold.next_look_at)


def _notes_of_open(hold: Authorization, wish: IssuingEvent | None, at: datetime) -> Iterator[Note]:
    if hold.state == H.AUTHORIZED_PARTIAL and hold.granted is not None:
        yield Note(
            AMBER,
            f"Only {hold.granted.format()} of {hold.requested.format()} is held: take that, or "
            "give it back.",
        )
    if wish is not None:
        yield Note(BLUE, f"{wish.text}: sent in a moment.", hold.next_look_at)
    elif hold.reason:
        yield Note(AMBER, hold.reason)
    if (age := ageing.age_of(hold, at)) is not ageing.Age.FRESH and hold.authorized_at:
        since = duration((at - hold.authorized_at).total_seconds())
        yield Note(
            TONE_OF_AGE[age],
            f"Held for {since}. The customer cannot spend this money until somebody takes it or "
            "gives it back.",
        )


def _calls(hold: Authorization, user: User) -> int | None:
    if not user.has_perm("providers.view_providercall"):
        return None
    return ProviderCall.objects.filter(subject=hold.reference).count()
