"""The audit trail: who did what, when, from where; and whether the chain still holds."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from giftops import audit, show
from giftops.desk import Desk, act, tell
from giftops.models import AuditEntry

TONES = {"done": show.GREEN, "refused": show.AMBER, "failed": show.RED}


class OutcomeFilter(DropdownFilter):
    """What was done, or what was refused."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("done", "Done"), ("refused", "Refused")]

    def queryset(self, request: HttpRequest, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return rows.filter(outcome=self.value()) if self.value() in TONES else rows


@admin.register(AuditEntry)
class AuditDesk(Desk):
    """Every entry, newest first."""

    detail_template = "giftops/audit_entry.html"
    heading = "Audit trail"
    searched = "actions (their beginning), user names, and what it was about, exactly"
    empty_title = "Nothing happened yet"
    empty_text = "Every change and every look at a secret is written here, and cannot be changed."
    empty_icon = "verified_user"
    list_before_template = "giftops/audit_before.html"
    list_display = ("what", "outcome_pill", "person", "about", "address_text", "when")
    list_filter = (OutcomeFilter,)
    list_filter_submit = True
    search_fields = ("action",)
    search_help_text = "Action, user name, reference"
    ordering = ("-sequence",)

    def pages(self) -> list[URLPattern]:
        """Verifying, and the page of an entry (entries are numbered)."""
        return [
            self.route("verify/", self.verify, "verify"),
            self.route("<int:object_id>/change/", self.change_view, "change"),
        ]

    def get_urls(self) -> list[URLPattern]:
        """The list and the pages above; entries have no UUID."""
        return [*self.pages(), self.route("", self.changelist_view, "changelist")]

    def find(self, request: HttpRequest, object_id: Any) -> AuditEntry:
        """The entry, if its number is one the database can hold."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not 0 < int(object_id) < 2**63:
            raise Http404
        entry: AuditEntry = super().find(request, object_id)
        return entry

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Search by the beginning of an action, or exactly by person or thing."""
        text = search_term.strip()
        if not text:
            return queryset, False
        wanted = Q(action__startswith=text) | Q(actor_name=text) | Q(object_label=text)
        return queryset.filter(wanted | Q(object_id=text)), False

    def detail_context(self, request: HttpRequest, obj: AuditEntry) -> dict[str, Any]:
        return {
            "title": f"Entry {obj.sequence}",
            "crumbs": [("Audit trail", reverse("admin:giftops_auditentry_changelist"))],
            "pill": _pill(obj),
            "facts": [(name, _plain(value)) for name, value in obj.facts.items()],
        }

    @act("giftops.view_auditentry")
    def verify(self, request: HttpRequest) -> HttpResponse:
        """Work through the whole chain and say whether it holds; that it was done is recorded."""
        verdict = audit.verify()
        if verdict.ok:
            count = f"{verdict.count:,} entries"
            sentence = f"The chain holds: {count}, {verdict.anchored:,} compared with the anchor."
            tell(request, messages.SUCCESS, sentence)
        else:
            tell(request, messages.ERROR, f"The chain is broken. {verdict.problem}")
        audit.record(
            "audit.verified", actor=request.user, request=request, holds=verdict.ok,
            count=verdict.count,
        )  # fmt: skip
        return HttpResponseRedirect(reverse("admin:giftops_auditentry_changelist"))

    @admin.display(description="what")
    def what(self, entry: AuditEntry) -> SafeString:
        return show.two_lines(entry.action, f"entry {entry.sequence:,}")

    @admin.display(description="outcome")
    def outcome_pill(self, entry: AuditEntry) -> SafeString:
        return _pill(entry)

    @admin.display(description="who")
    def person(self, entry: AuditEntry) -> SafeString:
        return show.two_lines(entry.actor_name or "giftops", entry.role.replace("_", " "))

    @admin.display(description="about")
    def about(self, entry: AuditEntry) -> SafeString:
        return show.two_lines(entry.object_label or show.EMPTY, entry.object_type)

    @admin.display(description="from")
    def address_text(self, entry: AuditEntry) -> str:
        return entry.address or show.EMPTY

    @admin.display(description="when")
    def when(self, entry: AuditEntry) -> SafeString:
        return show.age(entry.created_at)


def _pill(entry: AuditEntry) -> SafeString:
    return show.pill(TONES.get(entry.outcome, show.GREY), entry.outcome.capitalize())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
