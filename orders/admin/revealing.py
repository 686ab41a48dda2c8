"""Revealing a secret: a page of its own, a reason, the password again, thirty seconds, once."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from giftops.clock import db_now
from giftops.desk import Desk, user_of
from giftops.once import OnceError, once
from giftops.pressing import FIELD
from giftops.stepping_up import LONGEST, is_really
from orders.models import Card
from orders.services import revealing
from orders.services.problems import Refused

PURPOSE = "card.reveal"
WRONG_PASSWORD = "That is not your password. Nothing was shown."  # noqa: S105 - a sentence
OVER = "This look is over. To look again, say again why."


class LookForm(forms.Form):
    """For which case, why, and the password again: good for one look."""

    ticket = forms.CharField(
        max_length=60,
        label="Ticket or case",
        error_messages={"required": "Give the ticket or case this is for."},
    )
    reason = forms.CharField(
        max_length=300,
        min_length=10,
        error_messages={
            "required": "Say in a few words why you need to see it.",
            "min_length": "Say in a few words why you need to see it.",
        },
    )
    password = forms.CharField(
        max_length=LONGEST,
        strip=False,
        label="Your password",
        error_messages={"required": "Give your password again: it is good for this one look."},
    )


class RevealForm(LookForm):
    """Which of the secrets that a card has."""

    secret = forms.ChoiceField(error_messages={"required": "Choose what you need to see."})

    def __init__(self, *args: Any, card: Card, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secret"].choices = revealing.secrets_of(card)  # type: ignore[attr-defined]


def reveal_page(desk: Desk, request: HttpRequest, card_id: Any) -> HttpResponse:
    """Ask for the reason; take it; show the one secret."""
    card = card_to_show(request, card_id)
    if request.method == "POST":
        return _take(desk, request, card)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    return _ask(desk, request, card, RevealForm(card=card))


def card_to_show(request: HttpRequest, card_id: Any) -> Card:
    """The card, for somebody who may look at secrets. Raises PermissionDenied, Http404."""
    if not request.user.has_perm("orders.reveal_card"):
        raise PermissionDenied
    related = ("order__account", "line", "account", "issuance", "number")
    card = Card.objects.select_related(*related).filter(pk=card_id).first()
    if card is None:
        raise Http404
    return card


def look_begins(request: HttpRequest, form: LookForm, card: Card) -> int:
    """Check form, password and token: 0 if this look may begin, else a status with the errors."""
    if form.is_valid() and not is_really(
        request, form.cleaned_data["password"], action=PURPOSE, obj=card
    ):
        form.add_error("password", WRONG_PASSWORD)
    if form.errors:
        return 422
    try:
        _, is_repeated = once(
            request.POST.get(FIELD, ""), user=request.user, purpose=PURPOSE, work=dict
        )
    except OnceError as problem:
        form.add_error(None, str(problem))
        return 422
    if is_repeated:
        form.add_error(None, OVER)
        return 409
    return 0


def look_page(
    desk: Desk,
    request: HttpRequest,
    card: Card,
    template: str,
    title: str,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """A page that leads to a secret or shows one: the card's facts, the looks left, no cache."""
    user = user_of(request)
    context = {"card": card, "left": revealing.reveals_left(user)} | _where_from(card) | extra
    response = desk.page(request, template, title, status=status, **context)
    response.headers["Cache-Control"] = "no-store, private"
    return response


def mark_of(request: HttpRequest) -> str:
    """Who looked and when, to be written across what is shown."""
    return f"{request.user.get_username()}  ·  {db_now():%d %b %Y %H:%M} UTC"


def _ask(
    desk: Desk, request: HttpRequest, card: Card, form: RevealForm, *, status: int = 200
) -> HttpResponse:
    return look_page(
        desk, request, card, "orders/reveal.html", "Reveal a card", status=status, form=form
    )


def _take(desk: Desk, request: HttpRequest, card: Card) -> HttpResponse:
    form = RevealForm(request.POST, card=card)
    if status := look_begins(request, form, card):
        return _ask(desk, request, card, form, status=status)
    return _show(desk, request, card, form)


@sensitive_variables("value")
def _show(desk: Desk, request: HttpRequest, card: Card, form: RevealForm) -> HttpResponse:
    wanted = form.cleaned_data
    user = user_of(request)
    try:
        value = revealing.reveal(
            card,
            secret=wanted["secret"],
            actor=user,
            ticket=wanted["ticket"],
            reason=wanted["reason"],
        )
    except Refused as problem:
        form.add_error(None, str(problem))
        return _ask(desk, request, card, form, status=409)
    return look_page(
        desk,
        request,
        card,
        "orders/revealed.html",
        "Reveal a card",
        value=value,
        what=dict(revealing.secrets_of(card))[wanted["secret"]],
        seconds=revealing.SHOWN_FOR_SECONDS,
        mark=mark_of(request),
    )


def _where_from(card: Card) -> dict[str, Any]:
    """Of a bought card its order, of an issued one its own page: where the look leads back to."""
    if card.order is not None:
        page = reverse("admin:orders_order_change", args=[card.order.pk])
        orders = reverse("admin:orders_order_changelist")
        crumbs = [("Orders", orders), (f"Order …{card.order.reference[-5:]}", page)]
        return {"back": page, "back_label": "Back to the order", "crumbs": crumbs}
    page = reverse("admin:orders_card_change", args=[card.pk])
    crumbs = [("Cards", reverse("admin:orders_card_changelist")), (f"Card {card.mask}", page)]
    return {"back": page, "back_label": "Back to the card", "crumbs": crumbs}
