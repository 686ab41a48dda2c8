"""One mirroring of one list of one account, with its counts."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from giftops.identity import new_id
from providers.models.account import ProviderAccount


class SyncRun(models.Model):
    """What a mirroring found: how many rows were new, changed, the same, gone, unreadable.

    `what` names the list ("products", "orders"). At most one run per account and list is running.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="sync_runs")
    what = models.CharField(max_length=24)
    state = models.CharField(max_length=12, choices=State, default=State.RUNNING)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        verbose_name = "sync run"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "what"],
                condition=Q(state="running"),
                name="sync_run_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "what", "-started_at"], name="sync_run_by_account")
        ]

    def __str__(self) -> str:
        return f"{self.what} of {self.account}: {self.get_state_display()}"

    @property
    def duration(self) -> timedelta | None:
        return self.finished_at - self.started_at if self.finished_at else None

    @property
    def summary(self) -> str:
        """The counts as a sentence."""
        counts = f"{self.new} new, {self.changed} changed, {self.same} the same, {self.gone} gone"
        return f"{counts}, {self.failed} could not be read" if self.failed else counts
