"""Jobs: what is to be done in the background, what failed and why, try again or give up."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from giftops import audit, show
from giftops.desk import Desk, act, tell
from giftops.models import Job, PeriodicJob
from giftops.pressing import press
from giftops.queue import cancel_job, retry_job
from giftops.queue import due as due_jobs

TONES = {
    Job.State.WAITING: show.GREY,
    Job.State.RUNNING: show.BLUE,
    Job.State.DONE: show.GREEN,
    Job.State.RETIRED: show.RED,
}


class NotPossible(Exception):
    """The job is in another state by now; the text is a sentence."""


class StateFilter(admin.SimpleListFilter):
    """Jobs in one state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(state.value), str(state.label).capitalize()) for state in Job.State]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        return rows.filter(state=self.value()) if self.value() in Job.State.values else rows


@admin.register(Job)
class JobDesk(Desk):
    """The queue of record."""

    detail_template = "giftops/job.html"
    heading = "Jobs"
    searched = "names of tasks (their beginning)"
    empty_title = "No jobs"
    empty_text = "What is to be done in the background stands here until it is done."
    empty_icon = "conveyor_belt"
    list_before_template = "giftops/jobs_before.html"
    list_display = ("task", "state_pill", "tries", "next_try", "created")
    list_filter = (StateFilter,)
    search_fields = ("name__startswith",)
    search_help_text = "Name of a task"
    ordering = ("-created_at",)

    def pages(self) -> list[URLPattern]:
        return [
            self.route("<uuid:object_id>/retry/", self.retry, "retry"),
            self.route("<uuid:object_id>/cancel/", self.cancel, "cancel"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {
            "needs_worker": True,
            "periodic": list(PeriodicJob.objects.all()),
            "due_count": due_jobs().count(),
        }
        return super().changelist_view(request, extra | (extra_context or {}))

    def detail_context(self, request: HttpRequest, obj: Job) -> dict[str, Any]:
        may_change = request.user.has_perm("giftops.change_job")
        return {
            "title": obj.name,
            "crumbs": [("Jobs", reverse("admin:giftops_job_changelist"))],
            "pill": _pill(obj),
            "may_retry": may_change and obj.state == Job.State.RETIRED,
            "may_cancel": may_change and obj.state == Job.State.WAITING,
            "needs_worker": obj.state == Job.State.WAITING,
        }

    @act("giftops.change_job")
    def retry(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Give a job that was given up a fresh set of attempts."""

        def work(job: Job) -> str:
            if not retry_job(job.pk):
                raise NotPossible("It is not given up any more, or the same work waits already.")
            return "It waits again and is tried in a moment."

        return self._do(request, object_id, "retry", work)

    @act("giftops.change_job")
    def cancel(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Give up a waiting job."""

        def work(job: Job) -> str:
            if not cancel_job(job.pk):
                raise NotPossible("It does not wait any more: it runs, or it is done.")
            return "It is given up. If it is still needed, the sweep queues it again."

        return self._do(request, object_id, "cancel", work)

    def _do(self, request: HttpRequest, object_id: Any, name: str, work: Any) -> HttpResponse:
        job = self.find(request, object_id)

        def recorded() -> str:
            sentence: str = work(job)
            audit.record(f"job.{name}", actor=request.user, obj=job, request=request)
            return sentence

        said = press(request, f"job.{name}:{job.pk}", recorded, refusals=(NotPossible,))
        tell(request, said.level, said.line)
        return HttpResponseRedirect(reverse("admin:giftops_job_change", args=[job.pk]))

    @admin.display(description="task")
    def task(self, job: Job) -> SafeString:
        return show.two_lines(job.name, ", ".join(job.ids))

    @admin.display(description="state")
    def state_pill(self, job: Job) -> SafeString:
        return show.two_lines(_pill(job), job.error)

    @admin.display(description="tries")
    def tries(self, job: Job) -> str:
        return f"{job.attempts} of {job.max_attempts}"

    @admin.display(description="not before")
    def next_try(self, job: Job) -> SafeString:
        return show.age(job.run_after if job.state == Job.State.WAITING else None)

    @admin.display(description="queued")
    def created(self, job: Job) -> SafeString:
        return show.age(job.created_at)


def _pill(job: Job) -> SafeString:
    return show.pill(TONES[Job.State(job.state)], job.get_state_display().capitalize())
