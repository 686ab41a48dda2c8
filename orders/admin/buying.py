"""The order form: choose a card, say for whom, see what it will cost before anything is sent.

Only the last press acts, once: it drafts the batch (with the token, in one transaction) and then
hands it in. A second press of the same form finds the first one's batch.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html

from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.once import OnceError, once
from orders.admin.buy_form import BuyForm
from orders.admin.quoting import problems_of, quote_for
from orders.admin.shelf import shelf
from orders.models import Batch
from orders.services.drafting import create_batch
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from orders.services.submitting import needs_approval, submit_batch
from orders.statuses import Status
from providers.gateways.errors import ProviderError

PURPOSE = "batch.create"


def order_form(desk: Desk, request: HttpRequest) -> HttpResponse:
    """Show the form; take it when it is sent."""
    if not request.user.has_perm("orders.add_order"):
        raise PermissionDenied
    if request.method == "POST":
        return _take(desk, request)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    return _show(desk, request, BuyForm(initial=_wished(request)))


def product_list(desk: Desk, request: HttpRequest) -> HttpResponse:
    """The choice of cards for what was typed into the search box."""
    if not request.user.has_perm("orders.add_order"):
        raise PermissionDenied
    found = shelf(request.GET.get("find", ""), chosen=request.GET.get("product", ""))
    return render(request, "orders/buy_products.html", {"shelf": found})


@act("orders.add_order")
def _quote(desk: Desk, request: HttpRequest) -> HttpResponse:
    form = BuyForm(request.POST)
    found = {"quote": quote_for(form, user_of(request)), "problems": problems_of(form)}
    return render(request, "orders/buy_quote.html", found)


def quote(desk: Desk, request: HttpRequest) -> HttpResponse:
    """What the form would cost as far as it is filled in; a POST, to keep names out of logs."""
    response: HttpResponse = _quote(desk, request)
    return response


@act("orders.add_order")
def _details(desk: Desk, request: HttpRequest) -> HttpResponse:
    found = {"form": _as_typed(request), "is_fresh": True}
    return render(request, "orders/buy_details.html", found)


def details(desk: Desk, request: HttpRequest) -> HttpResponse:
    """The fields that the chosen card and way ask for, with what was typed so far."""
    response: HttpResponse = _details(desk, request)
    return response


def _as_typed(request: HttpRequest) -> BuyForm:
    """The form as it was filled in, not judged yet."""
    return BuyForm(initial=request.POST.dict())


def _wished(request: HttpRequest) -> dict[str, Any]:
    return {"quantity": 1, "product": request.GET.get("product", "")}


def _show(desk: Desk, request: HttpRequest, form: BuyForm, *, status: int = 200) -> HttpResponse:
    return desk.page(
        request,
        "orders/buy.html",
        "Buy a card",
        status=status,
        form=form,
        shelf=shelf(request.POST.get("find", ""), chosen=str(form["product"].value() or "")),
        quote=quote_for(form, user_of(request)),
        crumbs=[("Orders", reverse("admin:orders_order_changelist"))],
        needs_worker=True,
    )


def _take(desk: Desk, request: HttpRequest) -> HttpResponse:
    if "adapt" in request.POST:
        return _show(desk, request, _as_typed(request))
    form, user = BuyForm(request.POST), user_of(request)
    if not form.is_valid():
        return _show(desk, request, form, status=422)
    try:
        batch = _draft(request.POST.get("once", ""), user, form)
    except InvalidOrder as problem:
        form.add_error(form.field_for(problem.field) or None, str(problem))
        return _show(desk, request, form, status=422)
    except (OnceError, ProviderError) as problem:
        form.add_error(None, str(problem))
        return _show(desk, request, form, status=422)
    return _hand_in(request, batch, user)


def _draft(token: str, user: User, form: BuyForm) -> Batch:
    def work() -> dict[str, str]:
        return {"batch": str(create_batch(user, form.wish()).pk)}

    result, _ = once(token, user=user, purpose=PURPOSE, work=work)
    return Batch.objects.select_related("account").get(pk=result["batch"])


def _hand_in(request: HttpRequest, batch: Batch, user: User) -> HttpResponse:
    page = _page_of(batch)
    if "draft" in request.POST:
        tell(request, messages.SUCCESS, f"{batch} is saved as a draft. Nothing is sent yet.")
        return HttpResponseRedirect(reverse("admin:orders_batch_change", args=[batch.pk]))
    try:
        submit_batch(batch, actor=user)
    except LostTheRace:  # a repeat may have overtaken the press that made the draft
        tell(request, messages.INFO, "This form was sent before; this is what came of it.")
        return HttpResponseRedirect(page)
    except (Refused, ProviderError) as problem:
        tell(request, messages.WARNING, f"{problem} It is kept as a draft.")
        return HttpResponseRedirect(reverse("admin:orders_batch_change", args=[batch.pk]))
    tell(request, messages.SUCCESS, queued_line(batch, page))
    return HttpResponseRedirect(page)


def _page_of(batch: Batch) -> str:
    """One order is watched on its own page, several on their batch's."""
    if batch.order_count == 1:
        return reverse("admin:orders_order_change", args=[batch.orders.get().pk])
    return reverse("admin:orders_batch_change", args=[batch.pk])


def queued_line(batch: Batch, page: str) -> str:
    """What was queued, how much it is, where to watch it."""
    count = "1 order" if batch.order_count == 1 else f"{batch.order_count:,} orders"
    if batch.orders.filter(status=Status.AWAITING_APPROVAL).exists() and needs_approval(batch):
        sentence = f"{count} · {batch.total.format()}: waiting for an approver."
    else:
        sentence = f"{count} queued · {batch.total.format()}."
    return format_html('{} <a href="{}">Watch {}</a>', sentence, page, batch.label)
