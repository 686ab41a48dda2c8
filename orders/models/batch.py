from django.conf import settings
from django.db import models

from giftops.clock import now
from giftops.identity import new_id, ulid
from giftops.money import Money
from providers.models import ProviderAccount


class Batch(models.Model):
    """What a person asked for in one go: approved, followed and retried as one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="batches")
    title = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    order_count = models.PositiveIntegerField()
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    last_editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    fingerprint = models.CharField(max_length=64, blank=True)
    """SHA-256 of what was submitted: an approval is good for this and nothing else."""
    created_at = models.DateTimeField(default=now, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    approval_lapses_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["account", "-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(total_minor__gt=0, order_count__gt=0), name="batch_is_not_empty"
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """A short name for conversation: B- and the last six characters of the ULID."""
        return f"B-{ulid(self.id)[-6:]}"

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)
