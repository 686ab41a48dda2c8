"""One thing done to many orders: a page that lists it, one press, a line per order on its outcome.

Each order is a step of its own. Its outcome is kept beside the token at once, so that a second
press (or a reload, or a press after the program was killed half way) does nothing twice and shows
how far the first one came; the rest can then be carried on with.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseNotAllowed,
)
from django.urls import reverse

from giftops.desk import Desk, user_of
from giftops.models import ActionToken, User
from giftops.money import Money
from giftops.once import OnceError, once
from giftops.pressing import FIELD
from giftops.queue import enqueue
from orders.admin.order_page import ASKABLE, RETRIABLE, WITHDRAWABLE
from orders.models import Order
from orders.services import drafting, submitting
from orders.services.problems import Refused
from orders.services.sweeping import JOB_OF
from orders.statuses import Status
from providers.gateways.errors import ProviderError

MOST = 500


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done to many orders."""

    name: str
    label: str
    permission: str
    makes_sense: Callable[[Order], bool]
    work: Callable[[Order, User], str]
    calls: str
    spends: bool = False


def _ask(order: Order, actor: User) -> str:
    if order.status not in ASKABLE:
        raise Refused(f"{order.get_status_display()}: there is nothing to ask about.")
    enqueue(JOB_OF[Status(order.status)], order.pk)
    return "The provider is asked in a moment."


def _withdraw(order: Order, actor: User) -> str:
    submitting.withdraw_order(order, actor=actor)
    return "Withdrawn; its hold is released."


def _send_again(order: Order, actor: User) -> str:
    submitting.send_again(order, actor=actor)
    return "Queued to be sent again."


def _retry(order: Order, actor: User) -> str:
    return f"Drafted again as {drafting.retry_as_new(order, actor=actor)}; submit it there."


ACTS: dict[str, Act] = {
    act.name: act
    for act in (
        Act(
            "ask",
            "Ask the provider now",
            "orders.ask_provider",
            lambda order: order.status in ASKABLE,
            _ask,
            "One look at the provider per order. Buys nothing.",
        ),
        Act(
            "withdraw",
            "Withdraw",
            "orders.add_order",
            lambda order: order.status in WITHDRAWABLE,
            _withdraw,
            "Nothing is called. What has not been sent will not be; holds are released.",
        ),
        Act(
            "send_again",
            "Send again",
            "orders.add_order",
            lambda order: order.status == Status.APPROVED and order.is_held_back,
            _send_again,
            "Places one order per row at the provider, under the reference it has.",
            spends=True,
        ),
        Act(
            "retry",
            "Retry as new orders",
            "orders.add_order",
            lambda order: order.status in RETRIABLE,
            _retry,
            "Nothing is called yet: a draft per row, to be submitted on its own.",
        ),
    )
}


def carry_out(desk: Desk, request: HttpRequest) -> HttpResponse:
    """The press: do it to each order, once, and show a line for each."""
    if not any(request.user.has_perm(act.permission) for act in ACTS.values()):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    wanted = ACTS.get(request.POST.get("act", ""))
    if wanted is None:
        return HttpResponseBadRequest("There is no such action.")
    if not request.user.has_perm(wanted.permission):
        raise PermissionDenied
    user = user_of(request)
    token, ids = request.POST.get(FIELD, ""), _ids(request.POST.getlist("order"))
    plan = {"act": wanted.name, "ids": [str(one) for one in ids], "rows": {}}
    try:
        result, is_repeated = once(token, user=user, purpose="orders.bulk", work=lambda: plan)
    except OnceError as problem:
        return _result_page(desk, request, wanted, plan, problem=str(problem))
    if not is_repeated:
        _each(wanted, ids, user, token, result)
    return _result_page(desk, request, ACTS[result["act"]], result, is_repeated=is_repeated)


def _each(act: Act, ids: Iterable[UUID], user: User, token: str, result: dict[str, Any]) -> None:
    for pk in ids:
        result["rows"][str(pk)] = _one(act, pk, user)
        ActionToken.objects.filter(token=token).update(result=result)


def _one(act: Act, pk: UUID, user: User) -> list[str]:
    """(colour, sentence) of one order."""
    order = Order.objects.select_related("account", "batch").filter(pk=pk).first()
    if order is None:
        return ["dark", "This order does not exist."]
    try:
        return ["green", act.work(order, user)]
    except (Refused, ProviderError) as problem:
        return ["amber", str(problem)]


def _ids(texts: Iterable[str]) -> list[UUID]:
    found = []
    for text in list(texts)[:MOST]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue  # not an order of ours: there is nothing to do for it
    return found


def _result_page(
    desk: Desk,
    request: HttpRequest,
    act: Act,
    result: dict[str, Any],
    *,
    is_repeated: bool = False,
    problem: str = "",
) -> HttpResponse:
    orders = {str(o.pk): o for o in Order.objects.filter(pk__in=result["ids"])}
    rows = [
        (orders.get(pk), *result["rows"].get(pk, ["grey", "Not done yet."])) for pk in result["ids"]
    ]
    return desk.page(
        request,
        "orders/bulk_done.html",
        act.label,
        status=400 if problem else 200,
        crumbs=[("Orders", reverse("admin:orders_order_changelist"))],
        act=act,
        rows=rows,
        done=sum(tone == "green" for _, tone, _ in rows),
        refused=sum(tone in ("amber", "dark") for _, tone, _ in rows),
        left=[order for order, tone, _ in rows if tone == "grey" and order],
        is_repeated=is_repeated,
        problem=problem,
        needs_worker=True,
    )


# --- The page before: what will be called, at whom, for how much --------------------------------


def _asking_page(act: Act) -> Callable[..., HttpResponse]:
    def ask_first(desk: Desk, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponse:
        orders = list(rows.select_related("account", "batch")[:MOST])
        return desk.page(request, "orders/bulk.html", act.label, **_plan(act, orders))

    ask_first.__name__ = act.name
    return admin.action(description=act.label)(ask_first)


def _plan(act: Act, orders: list[Order]) -> dict[str, Any]:
    fitting = [order for order in orders if act.makes_sense(order)]
    sums: dict[tuple[str, str], tuple[int, Money]] = {}
    for order in fitting:
        key = (order.account.name, order.currency)
        count, total = sums.get(key, (0, Money(0, order.currency)))
        sums[key] = (count + 1, total + order.total)
    return {
        "crumbs": [("Orders", reverse("admin:orders_order_changelist"))],
        "act": act,
        "fitting": fitting,
        "others": [order for order in orders if not act.makes_sense(order)],
        "sums": [(account, count, total) for (account, _), (count, total) in sums.items()],
    }


ACTIONS = tuple(_asking_page(act) for act in ACTS.values())


def allowed(request: HttpRequest, actions: dict[str, Any]) -> dict[str, Any]:
    """The actions this person may take."""
    return {
        name: action
        for name, action in actions.items()
        if name in ACTS and request.user.has_perm(ACTS[name].permission)
    }
