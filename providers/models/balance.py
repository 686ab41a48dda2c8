"""What a provider said we have, each time we asked."""

from django.db import models

from giftops.identity import new_id
from giftops.money import Money
from providers.models.account import ProviderAccount


class BalanceReading(models.Model):
    """One answer to "how much do we have?". A reading is a fact of its moment, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(
        ProviderAccount, on_delete=models.PROTECT, related_name="balance_readings"
    )
    currency = models.CharField(max_length=3)
    available_minor = models.BigIntegerField()
    pending_minor = models.BigIntegerField(null=True, blank=True)
    asked_at = models.DateTimeField()

    class Meta:
        ordering = ["-asked_at"]
        get_latest_by = "asked_at"
        indexes = [models.Index(fields=["account", "-asked_at"], name="balance_by_account")]

    def __str__(self) -> str:
        return self.available.format()

    @property
    def available(self) -> Money:
        return Money(self.available_minor, self.currency)

    @property
    def pending(self) -> Money | None:
        return None if self.pending_minor is None else Money(self.pending_minor, self.currency)
