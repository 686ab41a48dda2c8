"""Finding a card by exactly one thing somebody has in hand; never by a part of its number.

A search is posted. A full number leads to the card through its keyed hash, and comes back in no
address, page or log.
"""

import re
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from giftops.desk import Desk, act, tell
from giftops.sealing import blind_index
from orders.admin.searching import LONGEST, SHORTEST_CODE, find_cards, is_no_secret
from orders.models import Card
from orders.services.collecting import CODE
from orders.services.issuing.reservations.receiving import INDEX

SEARCHED = (
    "a full card number or claim link, the last four digits, our reference of the sale or order, "
    "the customer's number, e-mail address or exact name"
)
NOTHING = f"Nothing fits what you typed. Searched: {SEARCHED}. Check for a missing character."


@act("orders.view_card")
def find(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Take what was typed into the search box and lead to what it names."""
    text = " ".join(request.POST.get("q", "").split())[:LONGEST]
    listing = reverse("admin:orders_card_changelist")
    by_number = with_number(text)
    found = by_number or list(find_cards(Card.objects.all(), text).values_list("pk", flat=True)[:2])
    if by_number or len(found) == 1:
        return HttpResponseRedirect(reverse("admin:orders_card_change", args=[found[0]]))
    if text and (found or is_no_secret(text)):
        return HttpResponseRedirect(f"{listing}?{urlencode({'q': text})}")
    if text:
        tell(request, messages.WARNING, NOTHING)
    return HttpResponseRedirect(listing)


def with_number(text: str) -> list[Any]:
    """The newest card with this full number, also one whose creation is still in doubt."""
    if len(re.sub(r"[\s-]", "", text)) < SHORTEST_CODE:
        return []
    is_it = Q(code_index=blind_index(text, field=CODE))
    in_doubt = Card.objects.filter(number__number_index=blind_index(text, field=INDEX))
    for cards in (Card.objects.filter(is_it), in_doubt):
        if found := list(cards.order_by("-id").values_list("pk", flat=True)[:1]):
            return found
    return []
