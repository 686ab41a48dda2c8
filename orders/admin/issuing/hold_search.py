"""Which holds a list shows: those that are not finished unless somebody asks for others.

A search is posted. A full card number leads to the holds of that card through its keyed hash, and
comes back in no address, page or log.
"""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from unfold.contrib.filters.admin import DropdownFilter

from giftops.clock import db_now
from giftops.desk import Desk, act, tell
from orders.admin.card_search import with_number
from orders.admin.searching import LAST_FOUR, is_no_secret
from orders.issuing_states import HOLDS_FOR_TWO, OPEN_HOLDS, UNFINISHED_HOLDS, HoldState
from orders.models import Authorization
from orders.services.issuing.holds.ageing import A_DAY, AN_HOUR, Age

Rows = QuerySet[Authorization]

SEARCHED = (
    "our reference (its beginning), a part of the note, the last four digits or the full number of "
    "the card"
)
NOTHING = f"Nothing fits what you typed. Searched: {SEARCHED}. Check for a missing character."
LONGEST = 120
NOT_FINISHED = (HoldState.REQUESTED, *OPEN_HOLDS, *UNFINISHED_HOLDS)
IN_DOUBT = (HoldState.UNKNOWN, HoldState.CONFIRM_UNKNOWN, HoldState.CANCEL_UNKNOWN)
STATES = {"": NOT_FINISHED, "held": OPEN_HOLDS, "doubt": IN_DOUBT, "two": HOLDS_FOR_TWO}
OTHER_FILTERS = ("state", "age", "account", "period", "q")


class ShowFilter(DropdownFilter):
    """Holds by what is to be done about them; without a word those that are not finished."""

    title = "what is to be done"
    parameter_name = "show"
    all_option = ["", "Not finished"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("held", "Take it or give it back"),
            ("doubt", "Outcome unknown"),
            ("two", "Two people decide"),
            ("all", "Everything"),
        ]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        asked = self.value() or ""
        if asked not in STATES or (not asked and _is_narrowed(request)):
            return rows
        return rows.filter(state__in=STATES[asked])


class AgeFilter(DropdownFilter):
    """Holds that can be finished, and have stood open for long."""

    title = "how long it is held"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(Age.OVER_AN_HOUR, "An hour to a day"), (Age.OVER_A_DAY, "Over a day")]

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        at, held = db_now(), rows.filter(state__in=OPEN_HOLDS)
        match self.value():
            case Age.OVER_A_DAY:
                return held.filter(authorized_at__lte=at - A_DAY)
            case Age.OVER_AN_HOUR:
                return held.filter(authorized_at__lte=at - AN_HOUR, authorized_at__gt=at - A_DAY)
            case _:
                return rows


def is_by_age(request: HttpRequest) -> bool:
    """Whether the list shows what is not finished, so that the oldest comes first."""
    asked = request.GET.get("show", "")
    if not asked:
        return bool(request.GET.get("age")) or not _is_narrowed(request)
    return asked in STATES


def _is_narrowed(request: HttpRequest) -> bool:
    """Whether another filter or a search says which holds to show: they go over all of them."""
    return any(request.GET.get(name) for name in OTHER_FILTERS)


@act("orders.view_authorization")
def find(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Take what was typed into the search box and lead to what it names."""
    text = " ".join(request.POST.get("q", "").split())[:LONGEST]
    listing = reverse("admin:orders_authorization_changelist")
    if (cards := with_number(text)) and request.user.has_perm("orders.view_card"):
        card = reverse("admin:orders_card_change", args=[cards[0]])
        return HttpResponseRedirect(f"{card}?tab=holds")
    found = list(find_holds(Authorization.objects.all(), text).values_list("pk", flat=True)[:2])
    if text and len(found) == 1:
        page = reverse("admin:orders_authorization_change", args=[found[0]])
        return HttpResponseRedirect(page)
    if text and (found or is_no_secret(text)):
        return HttpResponseRedirect(f"{listing}?{urlencode({'q': text})}")
    if text:
        tell(request, messages.WARNING, NOTHING)
    return HttpResponseRedirect(listing)


def find_holds(holds: Rows, text: str) -> Rows:
    """Narrow `holds` to those that `text` names, secrets apart; nothing if it names none."""
    if text.upper().startswith("GO-"):
        return holds.filter(reference__startswith=text.upper())
    found = Q(note__icontains=text)
    if LAST_FOUR.fullmatch(text):
        found |= Q(card__last_four=text.upper())
    return holds.filter(found)
