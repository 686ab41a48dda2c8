"""The short lists an order may choose from: shipping methods, carriers, brandings, departments."""

from django.db import models

from giftops.identity import new_id
from giftops.money import Money
from providers.gateways.base import OptionKind
from providers.models.account import ProviderAccount

KINDS = [(kind.value, kind.value.replace("_", " ").capitalize()) for kind in OptionKind]


class ProviderOption(models.Model):
    """One entry of such a list, mirrored. Never deleted: a vanished one is no longer listed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="options")
    kind = models.CharField(max_length=16, choices=KINDS)
    external_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    currency = models.CharField(max_length=3, blank=True)
    cost_minor = models.BigIntegerField(null=True, blank=True)
    fulfillment_group = models.CharField(max_length=64, blank=True)
    is_listed = models.BooleanField("listed", default=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "name", "external_id"]
        verbose_name = "option"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "external_id"], name="option_once_per_account"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def cost(self) -> Money | None:
        return None if self.cost_minor is None else Money(self.cost_minor, self.currency)
