"""Reservations: numbers set aside for us, pool by pool, and single ones with their clock."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.once import OnceError, once
from giftops.pressing import press
from orders.admin.issuing import pool_rows
from orders.admin.issuing.issuing_pills import pill_of
from orders.admin.issuing.number_form import NumberForm, issuing_accounts, wished
from orders.models import Pool, Reservation, ReservedNumber
from orders.services.issuing.reservations import reserving, stock
from orders.services.problems import InvalidOrder, Refused
from providers.gateways.errors import ProviderError

PURPOSE = "reservation.request"
POOLS_A_PAGE = 25
REQUESTS_SHOWN = 30
MAKES = "orders.add_reservation"


@admin.register(Pool)
class PoolDesk(Desk):
    """How much is left in each pool, which single numbers still live, what may be lost."""

    detail_template = "orders/pool.html"
    heading = "Reservations"

    def pages(self) -> list[URLPattern]:
        return [
            self.route("request/", self.request_numbers, "request"),
            self.route("<uuid:object_id>/line/", self.line, "line"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        return super().get_queryset(request).select_related("account")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Panels instead of a list: pools are few."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        pools = Paginator(self.get_queryset(request), POOLS_A_PAGE).get_page(request.GET.get("p"))
        rows, singles = pool_rows.rows_of(pools), pool_rows.singles()
        lost, quarantined = stock.leaks(), pool_rows.quarantined()
        return self.page(
            request,
            "orders/pools.html",
            "Reservations",
            rows=rows,
            pools_page=pools,
            singles=[(row, pill_of(row.reservation)) for row in singles],
            lost=list(lost[: pool_rows.MOST_LOST]),
            quarantined=list(quarantined[: pool_rows.MOST_LOST]),
            is_empty=not (rows or singles or lost or quarantined),
            accounts=issuing_accounts(),
            refreshes=any(row.under_way for row in rows) or bool(singles),
            needs_worker=True,
            **_may(request),
        )

    def detail_context(self, request: HttpRequest, obj: Pool) -> dict[str, Any]:
        """Everything the page of one pool shows."""
        requests = obj.reservations.order_by("-id")
        row = pool_rows.rows_of([obj])[0]
        numbers = ReservedNumber.objects.filter(reservation__pool=obj)
        return {
            "title": str(obj),
            "crumbs": [("Reservations", reverse("admin:orders_pool_changelist"))],
            "row": row,
            "requests": [(each, pill_of(each)) for each in requests[:REQUESTS_SHOWN]],
            "refreshes": bool(row.under_way or row.stock.in_use),
            "needs_worker": bool(row.under_way),
            **pool_rows.numbers_context(numbers, request),
            **_may(request),
        }

    def request_numbers(self, request: HttpRequest) -> HttpResponse:
        """Show the form; take it when it is sent."""
        if not request.user.has_perm(MAKES):
            raise PermissionDenied
        if request.method == "POST":
            return self._take(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "POST"])
        return self._form(request, NumberForm(initial=wished(request.GET.dict())))

    @act(MAKES)
    def line(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say from how few numbers on a pool runs low, and whether it tops itself up."""
        pool = self.find(request, object_id)
        actor = user_of(request)

        def work() -> str:
            return _change(pool, request.POST, actor)

        said = press(request, f"pool.line:{pool.pk}", work, refusals=(Refused,))
        tell(request, said.level, said.line)
        return HttpResponseRedirect(reverse("admin:orders_pool_change", args=[pool.pk]))

    def _form(self, request: HttpRequest, form: NumberForm, *, status: int = 200) -> HttpResponse:
        crumbs = [("Reservations", reverse("admin:orders_pool_changelist"))]
        return self.page(
            request, "orders/number_request.html", "Ask for numbers", status=status, form=form,
            crumbs=crumbs, needs_worker=True,
        )  # fmt: skip

    def _take(self, request: HttpRequest) -> HttpResponse:
        form = NumberForm(request.POST)
        actor = user_of(request)
        if not form.is_valid():
            return self._form(request, form, status=422)
        try:
            asked = _ask_once(request.POST.get("once", ""), actor, form)
        except InvalidOrder as problem:
            form.add_error(form.field_for(problem.field), str(problem))
            return self._form(request, form, status=422)
        except (OnceError, Refused, ProviderError) as problem:
            form.add_error(None, str(problem))
            return self._form(request, form, status=422)
        page = reverse("admin:orders_reservation_change", args=[asked.pk])
        tell(request, messages.SUCCESS, _queued_line(asked, page))
        where = reverse("admin:orders_pool_change", args=[asked.pool_id]) if asked.pool_id else page
        return HttpResponseRedirect(where)


def _may(request: HttpRequest) -> dict[str, bool]:
    user = request.user
    return {
        "may_reserve": user.has_perm(MAKES),
        "may_issue": user.has_perm("orders.add_issuance"),
    }


def _ask_once(token: str, actor: User, form: NumberForm) -> Reservation:
    """The request, made once: the token and its rows commit together."""

    def work() -> dict[str, str]:
        return {"reservation": str(_ask(actor, form.cleaned_data).pk)}

    result, _ = once(token, user=actor, purpose=PURPOSE, work=work)
    return Reservation.objects.select_related("account").get(pk=result["reservation"])


def _ask(actor: User, wish: dict[str, Any]) -> Reservation:
    whom = {"actor": actor, "agency": wish["agency"], "name": wish["name"]}
    if wish["type"] == "single":
        return reserving.request_single(wish["account"], **whom)
    more = {name: wish[name] for name in ("count", "low_stock_at", "tops_up")}
    return reserving.request_pool(wish["account"], **whom, **more)


def _change(pool: Pool, wish: QueryDict, actor: User) -> str:
    text = wish.get("low_stock_at", "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Refused("Give the number as a whole number, nought for never.")
    tops_up = "tops_up" in wish
    pool = reserving.change_pool(pool, actor=actor, low_stock_at=int(text), tops_up=tops_up)
    if not pool.low_stock_at:
        return "Nobody is warned when this pool runs low."
    return f"Start warns when {pool.low_stock_at:,} numbers or fewer are left."


def _queued_line(asked: Reservation, page: str) -> str:
    many = "1 number is" if asked.asked == 1 else f"{asked.asked:,} numbers are"
    sentence = f"{many} asked for at {asked.account.name} in a moment."
    return format_html('{} <a href="{}">Watch it</a>', sentence, page)
