"""Every exchange with a provider: which question, what came of it, how long it took.

Bodies are sealed and never shown here; addresses are templates, never filled in.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk
from providers.admin.filters import AccountFilter, choice_filter
from providers.models import Outcome, ProviderCall

TONES = {
    Outcome.ANSWERED: show.GREEN,
    Outcome.TIMED_OUT: show.RED,
    Outcome.NOT_SENT: show.AMBER,
    Outcome.BROKEN: show.RED,
    Outcome.REFUSED_LOCALLY: show.GREY,
}


@admin.register(ProviderCall)
class CallDesk(Desk):
    """The journal of calls, without what was in them."""

    detail_template = "providers/call.html"
    heading = "Calls"
    searched = "order references and names of operations, exactly"
    empty_title = "No calls yet"
    empty_text = "Each exchange with a provider is listed here for thirty days."
    empty_icon = "swap_vert"
    list_display = ("call", "state", "about", "account_name", "took", "when")
    list_filter = (
        choice_filter("outcome", "outcome", lambda: list(Outcome.choices)),
        AccountFilter,
    )
    list_filter_submit = True
    search_fields = ("subject__exact",)
    search_help_text = "Order reference or operation"
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderCall]:
        rows = super().get_queryset(request).select_related("account")
        return rows.defer("request_body", "response_body", "account__credentials")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ProviderCall], search_term: str
    ) -> tuple[QuerySet[ProviderCall], bool]:
        text = search_term.strip()
        found = queryset.filter(Q(subject=text) | Q(operation=text)) if text else queryset
        return found, False

    def detail_context(self, request: HttpRequest, obj: ProviderCall) -> dict[str, Any]:
        return {
            "title": f"{obj.method} {obj.route}",
            "crumbs": [("Calls", reverse("admin:providers_providercall_changelist"))],
            "pill": state_of(obj),
            "orders": f"{reverse('admin:orders_order_changelist')}?q={obj.subject}",
        }

    @admin.display(description="call")
    def call(self, call: ProviderCall) -> SafeString:
        return show.two_lines(show.code(f"{call.method} {call.route}"), call.operation)

    @admin.display(description="outcome")
    def state(self, call: ProviderCall) -> SafeString:
        return show.two_lines(state_of(call), call.error)

    @admin.display(description="about")
    def about(self, call: ProviderCall) -> object:
        return show.code(call.subject, shorten=True) if call.subject else show.EMPTY

    @admin.display(description="account")
    def account_name(self, call: ProviderCall) -> str:
        return call.account.name

    @admin.display(description="took")
    def took(self, call: ProviderCall) -> str:
        return show.milliseconds(call.duration_ms)

    @admin.display(description="when")
    def when(self, call: ProviderCall) -> SafeString:
        return show.age(call.created_at)


def state_of(call: ProviderCall) -> SafeString:
    """What came of a call: its outcome in words, the status number beside it."""
    tone = TONES.get(Outcome(call.outcome), show.GREY)
    if call.outcome == Outcome.ANSWERED and call.http_status and call.http_status >= 400:
        tone = show.RED if call.http_status >= 500 else show.AMBER
    number = f" {call.http_status}" if call.http_status else ""
    return show.pill(tone, f"{call.get_outcome_display()}{number}")
