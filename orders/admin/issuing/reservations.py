"""Requests for numbers: a list, a page for each, and what a person may do about one."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.pressing import Done, press
from orders.admin import filters
from orders.admin.break_words import open_breaks
from orders.admin.issuing import pool_rows
from orders.admin.issuing.issuing_pills import pill_of
from orders.admin.order_page import Button
from orders.admin.steps import steps_of_issued
from orders.issuing_states import ReservationState
from orders.models import Reservation
from orders.models.reservation import RESERVATION_TYPES
from orders.services.issuing.reservations import reserving
from orders.services.issuing.reservations.opening import missing_of
from orders.services.problems import Refused
from providers.gateways.base import ReservationType
from providers.gateways.errors import ProviderError
from providers.models import ProviderCall

REFUSALS = (Refused, ProviderError)
MAKES = "orders.add_reservation"
WITHDRAWS = "Nothing is called: it was not sent yet."
TOPS_UP = "One request for the numbers that did not come. It costs nothing."


@admin.register(Reservation)
class ReservationDesk(Desk):
    """Follow one request for numbers; decide about one whose answer was lost."""

    detail_template = "orders/reservation.html"
    heading = "Requests for numbers"
    searched = "our reference, company and name (their beginning)"
    empty_title = "No numbers were asked for yet"
    empty_text = "Each request to an issuer for numbers is followed here, with what came of it."
    empty_icon = "confirmation_number"
    list_display = ("wanted", "state_pill", "numbers", "account_name", "made")
    list_filter = (
        filters.choice_filter("state", "state", lambda: list(ReservationState.choices)),
        filters.choice_filter("type", "kind", lambda: list(RESERVATION_TYPES)),
        filters.AccountFilter,
        filters.period_filter("created_at", "asked"),
    )
    list_filter_submit = True
    search_fields = ("reference__istartswith", "agency__istartswith", "name__istartswith")
    search_help_text = "Reference, company, name"
    ordering = ("-id",)

    def pages(self) -> list[URLPattern]:
        """What the buttons press."""
        views = {
            "withdraw": self.withdraw, "top_up": self.top_up, "ask_again": self.ask_again,
            "leave": self.leave,
        }  # fmt: skip
        return [
            self.route(f"<uuid:object_id>/{name.replace('_', '-')}/", view, name)
            for name, view in views.items()
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        return super().get_queryset(request).select_related("account", "pool", "maker", "tops_up")

    def first_step(self, request: HttpRequest) -> tuple[str, str] | None:
        """Asking for numbers, for those who may."""
        if not request.user.has_perm(MAKES):
            return None
        return reverse("admin:orders_pool_request"), "Ask for numbers"

    def detail_context(self, request: HttpRequest, obj: Reservation) -> dict[str, Any]:
        """Everything the page of one request shows."""
        user = user_of(request)
        moves = obj.state in pool_rows.UNDER_WAY
        return {
            "title": obj.name or obj.reference,
            "crumbs": [("Reservations", reverse("admin:orders_pool_changelist"))],
            "pill": pill_of(obj),
            "steps": list(steps_of_issued(obj)),
            "buttons": list(buttons_for(obj, user)),
            "may_decide": obj.state == ReservationState.NEEDS_REVIEW and user.has_perm(MAKES),
            "may_create": _may_create(obj, user),
            "missing": max(obj.asked - obj.received, 0),
            "attempts": obj.attempts.count(),
            "calls": _calls(obj, user),
            "top_ups": list(obj.top_ups.all()),
            "breaks": open_breaks(obj),
            "refreshes": moves,
            "needs_worker": moves,
            **pool_rows.numbers_context(obj.numbers.all(), request),
        }

    # --- What the buttons press -------------------------------------------------------------------

    @act(MAKES)
    def withdraw(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "withdraw", _withdraw)

    @act(MAKES)
    def top_up(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "top_up", _top_up)

    @act(MAKES)
    def ask_again(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Send it once more, though the first answer may have cost numbers."""

        def work(reservation: Reservation, actor: User) -> str:
            reserving.ask_again(reservation, actor=actor, reason=_reason(request))
            return f"{_numbers(reservation.asked)} asked for again in a moment."

        return self._do(request, object_id, "ask_again", work)

    @act(MAKES)
    def leave(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Give it up: whatever was set aside there is for nobody."""

        def work(reservation: Reservation, actor: User) -> str:
            reserving.leave_it(reservation, actor=actor, reason=_reason(request))
            return "It is left as it is. Nothing more is asked for."

        return self._do(request, object_id, "leave", work)

    def _do(
        self,
        request: HttpRequest,
        object_id: Any,
        name: str,
        work: Callable[[Reservation, User], str | Done],
    ) -> HttpResponse:
        """Carry out once; then show the request again, with one sentence on what came of it."""
        reservation = self.find(request, object_id)
        actor = user_of(request)
        purpose = f"reservation.{name}:{reservation.pk}"
        said = press(request, purpose, lambda: work(reservation, actor), refusals=REFUSALS)
        tell(request, said.level, said.line)
        if said.is_done:
            page = reverse("admin:orders_reservation_change", args=[reservation.pk])
            return HttpResponseRedirect(page)
        fresh = self.find(request, reservation.pk)
        return self.detail(request, fresh, status=said.status, entered=request.POST)

    # --- Columns ----------------------------------------------------------------------------------

    @admin.display(description="for")
    def wanted(self, row: Reservation) -> SafeString:
        return show.two_lines(f"{row.agency} · {row.name}", show.code(row.reference, shorten=True))

    @admin.display(description="state")
    def state_pill(self, row: Reservation) -> SafeString:
        return show.two_lines(pill_of(row), row.reason)

    @admin.display(description="numbers")
    def numbers(self, row: Reservation) -> SafeString:
        return show.two_lines(f"{row.received:,} of {row.asked:,}", row.get_type_display())

    @admin.display(description="account")
    def account_name(self, row: Reservation) -> str:
        return row.account.name

    @admin.display(description="asked")
    def made(self, row: Reservation) -> SafeString:
        return show.two_lines(show.age(row.created_at), row.maker.get_full_name())


def buttons_for(reservation: Reservation, user: User) -> Iterator[Button]:
    """What this person may do with this request now."""
    if not user.has_perm(MAKES):
        return
    if missing := missing_of(reservation):
        yield Button("top_up", f"Ask for {missing:,} more", TOPS_UP, "main")
    if reservation.state == ReservationState.REQUESTED:
        yield Button("withdraw", "Withdraw", WITHDRAWS, "stop")


def _may_create(reservation: Reservation, user: User) -> bool:
    """Whether this person may have a card created on the single number that came."""
    is_single = reservation.type == ReservationType.SINGLE
    return (
        is_single
        and user.has_perm("orders.add_issuance")
        and pool_rows.single(reservation).is_usable
    )


def _withdraw(reservation: Reservation, actor: User) -> str:
    reserving.withdraw_reservation(reservation, actor=actor)
    return "Withdrawn. Nothing was asked for."


def _top_up(reservation: Reservation, actor: User) -> Done:
    more = reserving.top_up(reservation, actor=actor)
    link = reverse("admin:orders_reservation_change", args=[more.pk])
    return Done(f"{_numbers(more.asked)} more asked for in a moment.", link)


def _numbers(count: int) -> str:
    return "1 number is" if count == 1 else f"{count:,} numbers are"


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[:300]


def _calls(reservation: Reservation, user: User) -> int | None:
    if not user.has_perm("providers.view_providercall"):
        return None
    return ProviderCall.objects.filter(subject=reservation.reference).count()
