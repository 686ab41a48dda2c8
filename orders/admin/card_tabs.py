"""What the tabs of a card's page show; only the one that is open is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils.safestring import SafeString

from giftops.desk import CappedPaginator
from giftops.models import User
from giftops.money import Money
from orders.admin.issuing import issuing_pills
from orders.admin.linking import page_of
from orders.admin.steps import steps_of_issued
from orders.models import Authorization, BalanceCheck, Card
from orders.services.issuing.cards.picturing import has_certificate
from orders.services.revealing import why_hidden

ROWS_A_PAGE = 50
READINGS = 20


@dataclass(frozen=True, slots=True)
class Tab:
    """One part of the page: its name in the address, its label, who sees it, what it shows."""

    name: str
    label: str
    permission: str
    content: Callable[[HttpRequest, Card], dict[str, Any]]
    is_for_bought: bool = False


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold as the tab lists it."""

    hold: Authorization
    pill: SafeString
    link: str


def tabs_for(card: Card, user: User) -> Iterator[Tab]:
    """The tabs that this card has for this person."""
    for tab in TABS:
        if (card.is_issued or tab.is_for_bought) and user.has_perm(tab.permission):
            yield tab


def _history(request: HttpRequest, card: Card) -> dict[str, Any]:
    """Its movements as the issuer tells them, newest first, and how it was read lately."""
    is_told = F("superseded_at").asc(nulls_first=True)
    page = _page(request, card.movements.order_by(is_told, "-position", "-seen_at"))
    return {
        "page": page,
        "movements": [(row, _money(row.amount_minor, row.currency)) for row in page],
        "readings": [_reading(check) for check in card.balance_checks.all()[:READINGS]],
    }


def _reading(check: BalanceCheck) -> tuple[BalanceCheck, Money | None, Money | None]:
    return (
        check,
        _money(check.balance_minor, check.currency),
        _money(check.held_minor, check.currency),
    )


def _holds(request: HttpRequest, card: Card) -> dict[str, Any]:
    page = _page(request, card.authorizations.select_related("maker").defer("auth_code"))
    rows = [
        HoldRow(hold, issuing_pills.pill_of(hold), page_of("authorization", hold.pk))
        for hold in page
    ]
    return {"page": page, "holds": rows}


def _source(request: HttpRequest, card: Card) -> dict[str, Any]:
    """Where it came from: the order of a bought one, issuance and number of an issued one."""
    found: dict[str, Any] = {"steps": list(steps_of_issued(card)) if card.is_issued else []}
    if card.issuance is not None:
        found["issuance_link"] = page_of("issuance", card.issuance.pk)
        found["attempts"] = card.attempts.count()
    if card.number is not None:
        reservation = card.number.reservation
        found["reservation"] = reservation
        found["reservation_link"] = page_of("reservation", reservation.pk)
        found["number_state"] = issuing_pills.pill_of(card.number)
    return found


def _certificate(request: HttpRequest, card: Card) -> dict[str, Any]:
    return {"closed": "" if has_certificate(card) else why_hidden(card)}


def _looks(request: HttpRequest, card: Card) -> dict[str, Any]:
    page = _page(request, card.reveals.select_related("user"))
    return {"page": page, "looks": list(page)}


def _page(request: HttpRequest, rows: Any) -> Any:
    return CappedPaginator(rows, ROWS_A_PAGE).get_page(request.GET.get("p"))


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


TABS = (
    Tab("history", "History", "orders.view_cardmovement", _history),
    Tab("holds", "Holds", "orders.view_authorization", _holds),
    Tab("source", "Where it came from", "orders.view_card", _source, is_for_bought=True),
    Tab("certificate", "Certificate", "orders.reveal_card", _certificate),
    Tab("looks", "Who looked", "orders.view_reveal", _looks, is_for_bought=True),
)
