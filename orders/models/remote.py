from django.db import models
from django.db.models import Q

from giftops.identity import new_id
from orders.models.order import Order
from providers.models import ProviderAccount


class RemoteOrder(models.Model):
    """An order as the provider's own history lists it: matched to ours, or not placed by us."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="remote_orders")
    external_id = models.CharField(max_length=64)
    reference = models.CharField(max_length=64, blank=True)
    status_text = models.CharField(max_length=200, blank=True)
    standing = models.CharField(max_length=20)
    product_external_id = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    face_value_minor = models.BigIntegerField(null=True, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    placed_at = models.DateTimeField(null=True, blank=True)
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="remote_orders"
    )
    content_hash = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-placed_at", "-id"]
        indexes = [models.Index(fields=["account", "reference"])]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"], name="one_mirror_per_remote_order"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(order__isnull=False),
                name="an_order_is_matched_once",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id
