"""The journal: every exchange with a provider, as it came, sealed."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from giftops.identity import new_id
from giftops.sealing import SealedField
from providers.models.account import ProviderAccount


class Outcome(models.TextChoices):
    ANSWERED = "answered", "Answered"
    TIMED_OUT = "timed_out", "Timed out"
    NOT_SENT = "not_sent", "Not sent"
    BROKEN = "broken", "Broken off"
    REFUSED_LOCALLY = "refused_locally", "Held back by us"


class ProviderCallQuerySet(models.QuerySet["ProviderCall"]):
    def of_attempt(self, attempt_ref: str) -> "ProviderCallQuerySet":
        """The writes of one attempt, newest first; reads carry no attempt."""
        return self.filter(attempt_ref=attempt_ref).order_by("-created_at", "-id")

    def older_than(self, moment: datetime) -> "ProviderCallQuerySet":
        return self.filter(created_at__lt=moment)


class ProviderCall(models.Model):
    """One HTTP exchange. Added by the journal, re-sealed by key rotation, purged after 30 days.

    `route` is the template ("/orders/{transactionId}"), never the filled address. `attempt_ref`
    names the purchase attempt a write belongs to ("" for reads), `subject` is our order reference.
    `error` is a safe sentence. The bodies are sealed: an answer may hold codes.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="calls")
    operation = models.CharField(max_length=40)
    method = models.CharField(max_length=8)
    route = models.CharField(max_length=120)
    http_status = models.PositiveSmallIntegerField("HTTP status", null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome)
    duration_ms = models.PositiveIntegerField("duration (ms)", default=0)
    attempt_ref = models.CharField(max_length=40, blank=True)
    subject = models.CharField(max_length=64, blank=True)
    request_body = SealedField()
    response_body = SealedField()
    response_headers = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    objects = ProviderCallQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "provider call"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="call_outcome_known"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="answered") | Q(http_status__isnull=False),
                name="call_answered_has_status",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-created_at"], name="call_by_account"),
            models.Index(fields=["-created_at"], name="call_by_time"),
            models.Index(fields=["outcome", "-created_at"], name="call_by_outcome"),
            models.Index(fields=["operation", "-created_at"], name="call_by_operation"),
            models.Index(
                fields=["attempt_ref", "-created_at"],
                condition=~Q(attempt_ref=""),
                name="call_by_attempt",
            ),
            models.Index(
                fields=["subject", "-created_at"], condition=~Q(subject=""), name="call_by_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.route}: {self.http_status or self.outcome}"
