"""The queue of record: what is to be done, by when, and who is at it."""

from django.db import models
from django.db.models import Q

from giftops import clock, identity


class Job(models.Model):
    """One call of one task with some ids, kept until it is done or given up.

    `fence` counts the claims: only the newest claim may write the end of the job, so a worker that
    was thought dead cannot overwrite what its successor did.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        RETIRED = "retired", "given up"

    id = models.UUIDField(primary_key=True, default=identity.new_id, editable=False)
    name = models.CharField("task", max_length=200)
    ids = models.JSONField("for", default=list)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=20)
    run_after = models.DateTimeField("not before", default=clock.db_now)
    rung_at = models.DateTimeField("worker called at", null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    claimed_by = models.CharField("worker", max_length=100, blank=True)
    error = models.CharField("last problem", max_length=400, blank=True)
    created_at = models.DateTimeField(default=clock.db_now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "ids"],
                condition=Q(state="waiting"),
                name="one_waiting_job_per_task_and_ids",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "retired"]),
                name="job_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="running_job_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["run_after"], condition=Q(state="waiting"), name="job_waiting"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="job_running"),
            models.Index(fields=["state", "finished_at"], name="job_by_state"),
            models.Index(fields=["created_at"], name="job_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.ids)})"


class PeriodicJob(models.Model):
    """When a task that runs again and again is due next; follows the table in the code."""

    name = models.CharField("task", max_length=200, unique=True)
    every_seconds = models.PositiveIntegerField()
    next_due = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} every {self.every_seconds} s"


class Heartbeat(models.Model):
    """When work last flowed all the way through one worker."""

    worker = models.CharField(primary_key=True, max_length=80)
    host = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-beat_at"]

    def __str__(self) -> str:
        return self.worker
