"""Finding an order, or a card of our own, by one thing in hand; never by a part of a secret.

The kind of thing is told by its shape, and each kind is one indexed look: a prefix of our
reference, the provider's number, the last four digits, an e-mail address, a name, or a full card
number or claim link through its keyed hash. A search is posted, and what may be a secret never
comes back in an address, a page or a log: it leads to the order (or to the card, if we issued it
ourselves), or to "nothing fits".
"""

import re
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from giftops.desk import Desk, act, tell
from giftops.sealing import blind_index
from orders.models import Card, Order, OrderLine
from orders.services.collecting import CODE

SEARCHED = (
    "our reference (its beginning), the provider's number, the last four digits, a full card "
    "number or claim link, the recipient's e-mail address or exact name, the customer's number"
)
NOTHING = f"Nothing fits what you typed. Searched: {SEARCHED}. Check for a missing character."
LAST_FOUR = re.compile(r"[0-9A-Za-z]{4}")
LONGEST = 2000  # a claim link may be long
SHORTEST_CODE = 8


@act("orders.view_order")
def find(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Take what was typed into the search box and lead to what it names."""
    text = " ".join(request.POST.get("q", "").split())[:LONGEST]
    listing = reverse("admin:orders_order_changelist")
    if by_code := _page_with_code(request, text):
        return HttpResponseRedirect(by_code)
    found = list(find_orders(Order.objects.all(), text).values_list("pk", flat=True)[:2])
    if len(found) == 1:
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[found[0]]))
    if text and not found and (by_card := _page_of_cards(request, text)):
        return HttpResponseRedirect(by_card)
    if text and (found or is_no_secret(text)):
        return HttpResponseRedirect(f"{listing}?{urlencode({'q': text})}")
    if text:
        tell(request, messages.WARNING, NOTHING)
    return HttpResponseRedirect(listing)


def find_orders(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """Narrow `orders` to those that `text` names, secrets apart; nothing if it names none."""
    if "@" in text:
        return orders.filter(pk__in=_of_lines(recipient_email__iexact=text))
    if text.upper().startswith("GO-"):
        return orders.filter(reference__startswith=text.upper())
    found = Q(external_id=text) | Q(pk__in=_of_lines(recipient_name=text))
    if LAST_FOUR.fullmatch(text):
        found |= Q(pk__in=Card.objects.filter(last_four=text.upper()).values("order"))
    return orders.filter(found)


def find_cards(cards: QuerySet[Card], text: str) -> QuerySet[Card]:
    """Narrow `cards` to those that `text` names, secrets apart; nothing if it names none."""
    if "@" in text:
        return cards.filter(_of_line(recipient_email__iexact=text) | Q(customer_email__iexact=text))
    if text.upper().startswith("GO-"):
        ours = text.upper()
        return cards.filter(Q(sale_id__startswith=ours) | Q(order__reference__startswith=ours))
    found = Q(customer_id=text) | Q(customer_name=text) | _of_line(recipient_name=text)
    if LAST_FOUR.fullmatch(text):
        found |= Q(last_four=text.upper())
    return cards.filter(found)


def is_no_secret(text: str) -> bool:
    """Whether this can stand in an address though nothing we have in clear is named by it.

    "GO-" or "@" beside it makes a card number no reference and no e-mail address, so what may be
    echoed is short, whatever its shape.
    """
    if len(text) <= 4:
        return True
    known_shape = "@" in text or text.upper().startswith("GO-")
    signs = sum(one.isalnum() for one in text.upper().removeprefix("GO-"))
    return known_shape and signs < SHORTEST_CODE


def _page_with_code(request: HttpRequest, text: str) -> str:
    """The page of the newest order that has a card with this full number, or of a card we issued.

    "" if there is none, or none that this person may see.
    """
    if len(re.sub(r"[\s-]", "", text)) < SHORTEST_CODE:
        return ""
    cards = Card.objects.filter(code_index=blind_index(text, field=CODE))
    card = cards.order_by("-id").only("order").first()
    if card is not None and card.order_id is not None:
        return reverse("admin:orders_order_change", args=[card.order_id])
    if card is not None and request.user.has_perm("orders.view_card"):
        return reverse("admin:orders_card_change", args=[card.pk])
    return ""


def _page_of_cards(request: HttpRequest, text: str) -> str:
    """The page of the card of ours that `text` names, the list if it names several, or ""."""
    if not request.user.has_perm("orders.view_card"):
        return ""
    found = list(find_cards(Card.objects.filter(order=None), text).values_list("pk", flat=True)[:2])
    if len(found) == 1:
        return reverse("admin:orders_card_change", args=found)
    listing = reverse("admin:orders_card_changelist")
    return f"{listing}?{urlencode({'q': text})}" if found else ""


def _of_lines(**wanted: str) -> QuerySet[OrderLine, Any]:
    return OrderLine.objects.filter(**wanted).values("order")


def _of_line(**wanted: str) -> Q:
    """Cards of lines for this recipient, found without joining every card to its line."""
    return Q(line__in=OrderLine.objects.filter(**wanted).values("pk"))
