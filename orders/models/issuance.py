from django.conf import settings
from django.db import models
from django.db.models import Q

from giftops.clock import now
from giftops.identity import new_id, ulid
from giftops.money import Money
from orders.issuing_states import IssuanceState
from orders.models.reservation import Pool
from providers.models import ProviderAccount


class Issuance(models.Model):
    """Cards that a person has created in one go: approved, followed, paused as one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="issuances")
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, blank=True, related_name="issuances")
    """Where its numbers come from; None: from single reservations."""
    title = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    card_count = models.PositiveIntegerField()
    state = models.CharField(
        max_length=20, choices=IssuanceState.choices, default=IssuanceState.DRAFT
    )
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    last_editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    fingerprint = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=now, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    approval_lapses_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "-id"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(total_minor__gt=0, card_count__gt=0), name="issuance_is_not_empty"
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """A short name for conversation: I- and the last six characters of the ULID."""
        return f"I-{ulid(self.id)[-6:]}"

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)
