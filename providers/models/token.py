"""The token an account signs in with, shared by all processes."""

from django.db import models

from giftops.identity import new_id
from giftops.sealing import SealedField
from providers.models.account import ProviderAccount


class SharedToken(models.Model):
    """At most one token per account; `renewing_until` is the lease of whoever fetches a new one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.OneToOneField(ProviderAccount, on_delete=models.CASCADE, related_name="token")
    token = SealedField(blank=True)
    serial = models.PositiveIntegerField(default=0)
    issued_at = models.DateTimeField(null=True, blank=True)
    renew_at = models.DateTimeField(null=True, blank=True)
    renewing_until = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "shared token"

    def __str__(self) -> str:
        return f"token of {self.account_id}"
