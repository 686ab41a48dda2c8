"""What providers sent us unasked, by order: how often, and what came of it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk
from providers.admin.filters import AccountFilter, choice_filter
from providers.models import WebhookReceipt

TONES = {
    WebhookReceipt.Outcome.RUNG: show.GREEN,
    WebhookReceipt.Outcome.NOTHING_TO_DO: show.GREY,
    WebhookReceipt.Outcome.UNREADABLE: show.AMBER,
}


@admin.register(WebhookReceipt)
class WebhookDesk(Desk):
    """One line per message; what it says is never believed and never kept."""

    heading = "Webhooks"
    searched = "order references, exactly"
    empty_title = "No provider rang yet"
    empty_text = "Each message a provider sends us is listed for thirty days, never what it says."
    empty_icon = "notifications"
    list_display = ("about", "state", "times", "size", "account_name", "first", "latest")
    list_display_links = None
    list_filter = (
        choice_filter("outcome", "outcome", lambda: list(WebhookReceipt.Outcome.choices)),
        AccountFilter,
    )
    list_filter_submit = True
    search_fields = ("subject__exact",)
    search_help_text = "Order reference"
    ordering = ("-received_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookReceipt]:
        rows = super().get_queryset(request).select_related("account")
        return rows.defer("account__credentials")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookReceipt], search_term: str
    ) -> tuple[QuerySet[WebhookReceipt], bool]:
        text = search_term.strip()
        return queryset.filter(subject=text) if text else queryset, False

    @admin.display(description="about")
    def about(self, receipt: WebhookReceipt) -> SafeString:
        return show.code(receipt.subject, shorten=True)

    @admin.display(description="outcome")
    def state(self, receipt: WebhookReceipt) -> SafeString:
        tone = TONES[WebhookReceipt.Outcome(receipt.outcome)]
        return show.pill(tone, receipt.get_outcome_display())

    @admin.display(description="times")
    def times(self, receipt: WebhookReceipt) -> int:
        return receipt.deliveries

    @admin.display(description="bytes")
    def size(self, receipt: WebhookReceipt) -> int:
        return receipt.body_bytes

    @admin.display(description="account")
    def account_name(self, receipt: WebhookReceipt) -> str:
        return receipt.account.name

    @admin.display(description="first")
    def first(self, receipt: WebhookReceipt) -> SafeString:
        return show.age(receipt.received_at)

    @admin.display(description="latest")
    def latest(self, receipt: WebhookReceipt) -> SafeString:
        return show.age(receipt.last_received_at)
