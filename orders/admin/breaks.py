"""Breaks: differences that somebody has to explain. Open ones first; closed with a sentence."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from giftops import show
from giftops.desk import Desk, act, tell, user_of
from giftops.pressing import press
from orders.admin import filters, linking
from orders.admin.break_words import said_of
from orders.models import Break, BreakKind
from orders.services import breaking
from orders.services.problems import Refused


class OpenFilter(DropdownFilter):
    """Open breaks, or those that were explained."""

    title = "open or closed"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("closed", "Closed")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Break]) -> QuerySet[Break]:
        if self.value() in ("open", "closed"):
            return rows.filter(closed_at__isnull=self.value() == "open")
        return rows


@admin.register(Break)
class BreakDesk(Desk):
    """What does not add up, whose it is, and how old."""

    detail_template = "orders/break.html"
    heading = "Breaks"
    empty_title = "Everything adds up"
    empty_text = (
        "A break is a difference between what we know and what a provider says. Each is opened by "
        "giftops and closed with an explanation."
    )
    empty_icon = "balance"
    list_display = ("what", "state", "about", "account_name", "whose", "opened")
    list_filter = (
        OpenFilter,
        filters.choice_filter("kind", "kind", lambda: list(BreakKind.choices)),
        filters.AccountFilter,
    )
    list_filter_submit = True

    def pages(self) -> list[URLPattern]:
        return [self.route("<uuid:object_id>/close/", self.close, "close")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Break]:
        rows = super().get_queryset(request).select_related("account", "owner", *linking.THINGS)
        return rows.order_by(F("closed_at").desc(nulls_first=True), "opened_at")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return (F("closed_at").desc(nulls_first=True), "opened_at")

    def detail_context(self, request: HttpRequest, obj: Break) -> dict[str, Any]:
        return {
            "title": str(obj),
            "crumbs": [("Breaks", reverse("admin:orders_break_changelist"))],
            "may_close": obj.closed_at is None and request.user.has_perm("orders.resolve_order"),
            "pill": _pill(obj),
            "thing": linking.thing_of(obj),
            "said": said_of(obj, _about(obj)),
        }

    @act("orders.resolve_order")
    def close(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Close a break with an explanation."""
        found = self.find(request, object_id)
        actor = user_of(request)

        def work() -> str:
            breaking.explain(found, actor=actor, note=request.POST.get("note", "").strip()[:300])
            return "Closed, with your explanation."

        said = press(request, f"break.close:{found.pk}", work, refusals=(Refused,))
        tell(request, said.level, said.line)
        if said.is_done:
            return HttpResponseRedirect(reverse("admin:orders_break_changelist"))
        fresh = self.find(request, found.pk)
        return self.detail(request, fresh, status=said.status, entered=request.POST)

    @admin.display(description="what")
    def what(self, found: Break) -> SafeString:
        return show.two_lines(found.get_kind_display(), said_of(found, _about(found)))

    @admin.display(description="state")
    def state(self, found: Break) -> SafeString:
        return _pill(found)

    @admin.display(description="about")
    def about(self, found: Break) -> object:
        thing = linking.thing_of(found)
        return show.two_lines(thing.name, thing.kind) if thing else show.EMPTY

    @admin.display(description="account")
    def account_name(self, found: Break) -> str:
        return found.account.name

    @admin.display(description="whose")
    def whose(self, found: Break) -> str:
        return found.owner.get_full_name() if found.owner else show.EMPTY

    @admin.display(description="opened")
    def opened(self, found: Break) -> SafeString:
        return show.age(found.opened_at)


def _about(found: Break) -> Any:
    """The order, reservation, card or hold; None: the account."""
    things = (getattr(found, kind) for kind in linking.THINGS)
    return next((thing for thing in things if thing is not None), None)


def _pill(found: Break) -> SafeString:
    return show.pill(show.DARK, "Closed") if found.closed_at else show.pill(show.RED, "Open")
