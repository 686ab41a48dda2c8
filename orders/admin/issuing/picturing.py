"""The certificate of a card: asked for like a secret, drawn into the one answer and nowhere else.

The picture travels inside the page that answers the form, so it has no address of its own, stays in
no cache and in no folder of downloads.
"""

from base64 import b64encode
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.debug import sensitive_variables

from giftops.desk import Desk, user_of
from orders.admin.revealing import LookForm, card_to_show, look_begins, look_page, mark_of
from orders.models import Card
from orders.services.issuing.cards import picturing
from orders.services.problems import Refused
from orders.services.revealing import SHOWN_FOR_SECONDS, why_hidden

TITLE = "Certificate of a card"
BOUGHT = "A bought card has no certificate."


def certificate_page(desk: Desk, request: HttpRequest, card_id: Any) -> HttpResponse:
    """Ask for the reason; take it; show the picture."""
    card = card_to_show(request, card_id)
    if request.method == "POST":
        return _take(desk, request, card)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    return _ask(desk, request, card, LookForm())


def _ask(
    desk: Desk, request: HttpRequest, card: Card, form: LookForm, *, status: int = 200
) -> HttpResponse:
    closed = ""
    if not picturing.has_certificate(card):
        closed = why_hidden(card) if card.is_issued else BOUGHT
    template = "orders/certificate.html"
    return look_page(desk, request, card, template, TITLE, status=status, form=form, closed=closed)


def _take(desk: Desk, request: HttpRequest, card: Card) -> HttpResponse:
    form = LookForm(request.POST)
    if status := look_begins(request, form, card):
        return _ask(desk, request, card, form, status=status)
    return _show(desk, request, card, form)


@sensitive_variables("picture", "drawn")
def _show(desk: Desk, request: HttpRequest, card: Card, form: LookForm) -> HttpResponse:
    wanted = form.cleaned_data
    user = user_of(request)
    try:
        picture = picturing.certificate_of(
            card, actor=user, ticket=wanted["ticket"], reason=wanted["reason"]
        )
    except Refused as problem:
        form.add_error(None, str(problem))
        return _ask(desk, request, card, form, status=409)
    drawn = f"data:{picture.content_type};base64,{b64encode(picture.content).decode()}"
    return look_page(
        desk,
        request,
        card,
        "orders/certificate_shown.html",
        TITLE,
        drawn=drawn,
        seconds=SHOWN_FOR_SECONDS,
        mark=mark_of(request),
    )
