"""Having cards created: choose numbers, say for whom, see what it comes to before anything is sent.

Only the last press acts, once. Its token is taken before the draft is made, because the customer of
a single card is looked up, which must not happen in a transaction.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html

from giftops.desk import Desk, act, tell, user_of
from giftops.models import ActionToken, User
from giftops.once import OnceError, once
from giftops.pressing import STILL_AT_IT
from orders.admin.issuing.codes import known_codes
from orders.admin.issuing.issue_form import IssueForm, wished
from orders.admin.issuing.issue_quote import problems_of, quote_for
from orders.models import Issuance
from orders.services.issuing.cards import card_wishes, issuing, wish_sheets
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from providers.gateways.errors import ProviderError

PURPOSE = "issuance.create"
MAKES = "orders.add_issuance"


def issue_form(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Show the form; take it when it is sent."""
    if not request.user.has_perm(MAKES):
        raise PermissionDenied
    if request.method == "POST":
        return _take(desk, request)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    return _show(desk, request, IssueForm(initial=wished(request.GET.dict())))


@act(MAKES)
def _quote(desk: Desk, request: HttpRequest) -> HttpResponse:
    form = IssueForm(request.POST, request.FILES)
    found = {"quote": quote_for(form, user_of(request)), "problems": problems_of(form)}
    return render(request, "orders/issue_quote.html", found)


def quote(desk: Desk, request: HttpRequest) -> HttpResponse:
    """What the form comes to as far as it is filled in; a POST, to keep names out of logs."""
    response: HttpResponse = _quote(desk, request)
    return response


@act(MAKES)
def _customer(desk: Desk, request: HttpRequest) -> HttpResponse:
    found: dict[str, Any] = {}
    form = IssueForm(request.POST)
    try:
        found["customer"] = _look_up(form)
    except (Refused, ProviderError) as problem:
        found["problem"] = str(problem)
    return render(request, "orders/issue_customer.html", found)


def customer(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Ask the provider who the customer is: one look, nothing is created."""
    response: HttpResponse = _customer(desk, request)
    return response


def template(desk: Desk, request: HttpRequest) -> HttpResponse:
    """A sheet to fill in."""
    if not request.user.has_perm(MAKES):
        raise PermissionDenied
    headers = {"Content-Disposition": 'attachment; filename="customers.csv"'}
    return HttpResponse(wish_sheets.TEMPLATE, content_type="text/csv; charset=utf-8",
                        headers=headers)  # fmt: skip


def _look_up(form: IssueForm) -> Any:
    named = str(form["customer"].value() or "").strip()
    if form.chosen is None:
        raise Refused("Choose where the number comes from: its account says whom to ask.")
    if not named:
        raise Refused("Give the customer's number or e-mail address.")
    return card_wishes.customer_of(form.chosen.account, named)


def _show(desk: Desk, request: HttpRequest, form: IssueForm, *, status: int = 200) -> HttpResponse:
    return desk.page(
        request,
        "orders/issue.html",
        "Issue cards",
        status=status,
        form=form,
        quote=quote_for(form, user_of(request)),
        accounts=form.accounts,
        known_codes=known_codes(form.accounts),
        crumbs=[("Issuances", reverse("admin:orders_issuance_changelist"))],
        needs_worker=True,
    )


def _take(desk: Desk, request: HttpRequest) -> HttpResponse:
    form, user = IssueForm(request.POST, request.FILES), user_of(request)
    if not form.is_valid():
        return _show(desk, request, form, status=422)
    if not request.POST.keys() & {"send", "draft"}:  # it is only to be checked
        return _show(desk, request, form)
    try:
        issuance = _draft_once(request.POST.get("once", ""), user, form)
    except InvalidOrder as problem:
        form.add_error(form.field_for(problem.field), str(problem))
        return _show(desk, request, form, status=422)
    except (OnceError, Refused, ProviderError) as problem:
        form.add_error(None, str(problem))
        return _show(desk, request, form, status=422)
    return _hand_in(request, issuance, user)


def _draft_once(token: str, user: User, form: IssueForm) -> Issuance:
    """The draft of this form: a second press of it finds the first one's."""
    kept, is_repeated = once(token, user=user, purpose=PURPOSE, work=dict)
    if not is_repeated:
        kept = {"issuance": str(_draft(user, form).pk)}
        ActionToken.objects.filter(token=token).update(result=kept)
    if not kept:
        raise Refused(STILL_AT_IT)
    return Issuance.objects.select_related("account", "maker").get(pk=kept["issuance"])


def _draft(user: User, form: IssueForm) -> Issuance:
    source = form.chosen
    if source is None:
        raise Refused("Choose where the number comes from.")
    return issuing.draft_issuance(
        source.account, actor=user, wishes=form.wishes(), pool=source.pool,
        reservation=source.reservation, title=form.cleaned_data["title"],
        may_repeat=form.cleaned_data["may_repeat"], corrects=form.corrected,
    )  # fmt: skip


def _hand_in(request: HttpRequest, issuance: Issuance, user: User) -> HttpResponse:
    page = reverse("admin:orders_issuance_change", args=[issuance.pk])
    if "draft" in request.POST:
        tell(request, messages.SUCCESS, f"{issuance} is saved as a draft. Nothing is sent yet.")
        return HttpResponseRedirect(page)
    try:
        issuing.submit_issuance(issuance, actor=user)
    except LostTheRace:  # a repeat may have overtaken the press that made the draft
        tell(request, messages.INFO, "This form was sent before; this is what came of it.")
    except (Refused, ProviderError) as problem:
        tell(request, messages.WARNING, f"{problem} It is kept as a draft.")
    else:
        tell(request, messages.SUCCESS, queued_line(issuance))
    return HttpResponseRedirect(page)


def queued_line(issuance: Issuance) -> str:
    """What is created now, or waits for somebody, and how much it is."""
    count = "1 card" if issuance.card_count == 1 else f"{issuance.card_count:,} cards"
    ends = "waiting for an approver" if issuing.needs_approval(issuance) else "to be created"
    return format_html("{} · {}: {}.", count, issuance.total.format(), ends)
