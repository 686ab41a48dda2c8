"""Sync runs: what was mirrored, with which counts, how long it took."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from giftops import show
from giftops.desk import Desk
from providers.admin.filters import AccountFilter, choice_filter
from providers.models import SyncRun

TONES = {
    SyncRun.State.RUNNING: show.BLUE,
    SyncRun.State.DONE: show.GREEN,
    SyncRun.State.FAILED: show.RED,
    SyncRun.State.CANCELLED: show.DARK,
}
WHAT = [("products", "Products"), ("options", "Options"), ("orders", "Orders")]


@admin.register(SyncRun)
class SyncRunDesk(Desk):
    """One line per run."""

    heading = "Sync runs"
    empty_title = "Nothing was mirrored yet"
    empty_text = (
        "Catalogues and order histories are read by themselves; each reading leaves a line here."
    )
    empty_icon = "sync"
    list_display = ("run", "state_pill", "result", "took", "started")
    list_display_links = None
    list_filter = (
        choice_filter("state", "state", lambda: list(SyncRun.State.choices)),
        choice_filter("what", "what", lambda: WHAT),
        AccountFilter,
    )
    list_filter_submit = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncRun]:
        return super().get_queryset(request).select_related("account")

    @admin.display(description="run")
    def run(self, run: SyncRun) -> SafeString:
        return show.two_lines(run.what.capitalize(), run.account.name)

    @admin.display(description="state")
    def state_pill(self, run: SyncRun) -> SafeString:
        return show.pill(TONES[SyncRun.State(run.state)], run.get_state_display())

    @admin.display(description="result")
    def result(self, run: SyncRun) -> SafeString:
        return show.two_lines(run.summary, run.error)

    @admin.display(description="took")
    def took(self, run: SyncRun) -> str:
        if run.duration is None:
            return show.EMPTY
        return show.milliseconds(round(run.duration.total_seconds() * 1000))

    @admin.display(description="started")
    def started(self, run: SyncRun) -> SafeString:
        return show.age(run.started_at)
