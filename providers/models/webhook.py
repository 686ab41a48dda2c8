"""What providers sent to us unasked; kept to recognise repeats and to explain what happened."""

from django.db import models

from giftops.identity import new_id
from providers.models.account import ProviderAccount


class WebhookReceipt(models.Model):
    """One delivery behind a right secret. The body is never believed and never kept, only hashed.

    `subject` is our order reference. A repeat of the same body counts up `deliveries`.
    """

    class Outcome(models.TextChoices):
        RUNG = "rung", "The order is asked about now"
        NOTHING_TO_DO = "nothing_to_do", "Nothing to do now"
        UNREADABLE = "unreadable", "Not a message we can read"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        ProviderAccount, on_delete=models.PROTECT, related_name="webhook_receipts"
    )
    subject = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    body_bytes = models.PositiveIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome)
    deliveries = models.PositiveIntegerField(default=1)
    received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "body_hash"], name="webhook_once_per_body")
        ]
        indexes = [models.Index(fields=["received_at"], name="webhook_by_age")]

    def __str__(self) -> str:
        return f"{self.subject}: {self.get_outcome_display()}"
