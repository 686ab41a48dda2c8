"""Having money held on a card: find the card, see what is on it, say how much; one press, once."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.money import Money
from giftops.once import OnceError, once
from giftops.pressing import press
from orders.admin import card_search
from orders.admin.card_page import live_holds, why_no_hold
from orders.admin.issuing.hold_form import LONGEST_NUMBER, NO_CARD, HoldForm, problems_of, quote_for
from orders.issuing_states import LIVING_CARDS
from orders.models import Authorization, Card
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import authorizing
from orders.services.problems import InvalidOrder, Refused

PURPOSE = "authorization.request"
HOLDS = "orders.add_authorization"


def ask_page(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Show the form; look for a card, read it, or take what was filled in."""
    if not request.user.has_perm(HOLDS):
        raise PermissionDenied
    if request.method == "POST":
        return _posted(desk, request)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    named = request.GET.get("card", "")
    form = HoldForm(initial={"card": named})
    if named and form.chosen is None:
        return _show(desk, request, form, status=404, problem=NO_CARD)
    return _show(desk, request, form)


@act(HOLDS)
def _quote(desk: Desk, request: HttpRequest) -> HttpResponse:
    form = HoldForm(request.POST)
    found = quote_for(form)
    shown = {"quote": found, "problems": problems_of(form, found)}
    return render(request, "orders/hold_quote.html", shown)


def quote(desk: Desk, request: HttpRequest) -> HttpResponse:
    """What the form comes to as far as it is filled in."""
    response: HttpResponse = _quote(desk, request)
    return response


def _posted(desk: Desk, request: HttpRequest) -> HttpResponse:
    if "find" in request.POST:
        return _find(desk, request)
    if "look" in request.POST:
        return _look(desk, request)
    return _take(desk, request)


def _find(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Lead to the form for the card with the number that was typed; it is never shown again."""
    request.sensitive_post_parameters = ("number",)  # type: ignore[attr-defined]
    typed = " ".join(request.POST.get("number", "").split())[:LONGEST_NUMBER]
    found = card_search.with_number(typed)
    form = HoldForm(initial={"card": found[0] if found else ""})
    if form.chosen is None:
        return _show(desk, request, form, status=422, problem=NO_CARD)
    address = reverse("admin:orders_authorization_ask")
    return HttpResponseRedirect(f"{address}?card={form.chosen.pk}")


def _look(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Read what the card is worth now; what was filled in stays."""
    form = HoldForm(initial=request.POST.dict())
    card, actor = form.chosen, user_of(request)
    if card is None:
        return _show(desk, request, form, status=422, problem=NO_CARD)
    said = press(
        request, f"authorization.look:{card.pk}", lambda: balances.ask_now(card, actor=actor),
        refusals=(Refused,),
    )  # fmt: skip
    tell(request, said.level, said.line)
    return _show(desk, request, HoldForm(initial=request.POST.dict()), status=said.status)


def _take(desk: Desk, request: HttpRequest) -> HttpResponse:
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _show(desk, request, form, status=422)
    try:
        hold = _ask_once(request.POST.get("once", ""), user_of(request), form.cleaned_data)
    except InvalidOrder as problem:
        form.add_error(form.field_for(problem.field), str(problem))
        return _show(desk, request, form, status=422)
    except (OnceError, Refused) as problem:
        form.add_error(None, str(problem))
        return _show(desk, request, form, status=422)
    sentence = f"{hold.requested.format()} is asked for on {hold.card} in a moment."
    tell(request, messages.SUCCESS, sentence)
    return HttpResponseRedirect(reverse("admin:orders_authorization_change", args=[hold.pk]))


def _ask_once(token: str, actor: User, wish: dict[str, Any]) -> Authorization:
    """The hold, asked for once: the token and its row commit together."""

    def work() -> dict[str, str]:
        hold = authorizing.request_hold(
            wish["card"], actor=actor, amount=wish["amount"], note=wish["note"],
            takes_partial=wish["takes_partial"],
        )  # fmt: skip
        return {"hold": str(hold.pk)}

    result, _ = once(token, user=actor, purpose=PURPOSE, work=work)
    holds = Authorization.objects.select_related("card").defer("auth_code")
    return holds.get(pk=result["hold"])


def _show(
    desk: Desk, request: HttpRequest, form: HoldForm, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    card = form.chosen
    crumbs = [("Holds", reverse("admin:orders_authorization_changelist"))]
    found = _of_card(form, card) if card is not None else {}
    return desk.page(
        request, "orders/hold_ask.html", "Hold money on a card", status=status, form=form,
        card=card, problem=problem, longest_number=LONGEST_NUMBER, crumbs=crumbs,
        needs_worker=True, **found,
    )  # fmt: skip


def _of_card(form: HoldForm, card: Card) -> dict[str, Any]:
    """What is on the card as it was last read, and why no money can be held on it, if so."""

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, card.currency)

    return {
        "worth": money(card.balance_minor),
        "held": money(card.held_minor),
        "available": money(card.available_minor),
        "closed": why_no_hold(card, live_holds(card)),
        "may_ask": card.state in LIVING_CARDS,
        "quote": quote_for(form),
    }
