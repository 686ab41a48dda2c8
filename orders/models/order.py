from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from giftops.clock import now
from giftops.identity import new_id
from giftops.money import Money
from giftops.sealing import SealedField
from orders.models.batch import Batch
from orders.statuses import ALIVE, DEAD, Status
from providers.gateways.base import OrderType, Standing
from providers.models import Product, ProviderAccount

ORDER_TYPES = [
    (OrderType.CODES, "Codes for us"),
    (OrderType.DIGITAL, "Delivered by e-mail or text message"),
    (OrderType.LINKS, "Claim links for us"),
    (OrderType.PHYSICAL, "Plastic cards by post"),
]


class Order(models.Model):
    """One purchase at one provider under one reference."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="orders")
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="orders")
    position = models.PositiveIntegerField(default=1)
    reference = models.CharField(max_length=64, unique=True)
    """Ours, stable through every retry: the idempotency key the provider is given."""
    external_id = models.CharField(max_length=64, blank=True)
    type = models.CharField(max_length=20, choices=ORDER_TYPES, default=OrderType.CODES)
    note = models.CharField(max_length=300, blank=True)
    department_id = models.CharField(max_length=64, blank=True)
    doorbell_url = SealedField(blank=True)
    """Where the provider may tell us that it is done; its path is a secret of this order alone."""
    doorbell_index = models.CharField(max_length=64, blank=True)
    """Blind index of the secret in `doorbell_url`."""
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    standing = models.CharField(
        max_length=20, blank=True, choices=[(s.value, s.value.replace("_", " ")) for s in Standing]
    )
    provider_text = models.CharField(max_length=200, blank=True)
    """The provider's status exactly as it was written."""
    reason = models.CharField(max_length=300, blank=True)
    """Why it waits, in a sentence for the person who looks at it."""
    is_held_back = models.BooleanField(default=False)
    """Approved, but tried in vain too often: a person says when it is sent again."""
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    """What it will cost us as far as we know: this is approved and held."""
    cost_minor = models.BigIntegerField(null=True, blank=True)
    """What the provider charged in the end; None while it did not say."""
    held_minor = models.BigIntegerField(default=0)
    """What this order holds on the deposit right now, in minor units."""
    retry_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="retries"
    )
    need = models.UUIDField(null=True, blank=True)
    """The first order of a chain of retries: one need, for which one order may live at a time.

    None once it came back to life beside a retry that was sent already."""
    version = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    """Sends of this reference that the provider did not carry out (429 not counted)."""
    absent_looks = models.PositiveIntegerField(default=0)
    """Unbroken run of look-ups that did not find the reference."""
    send_slot_at = models.DateTimeField(null=True, blank=True)
    """The place in the provider's rate budget that waits for this order."""
    created_at = models.DateTimeField(default=now, editable=False)
    approved_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    placed_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=now)
    """When it last changed status or standing: polling backs off and staleness counts from here."""
    asked_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    short_since = models.DateTimeField(null=True, blank=True)
    """Since when the provider shows fewer codes than were bought."""
    fulfilled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status", "-id"]),
            models.Index(fields=["account", "status"]),
            models.Index(fields=["standing", "-id"]),
            models.Index(fields=["external_id"]),
            models.Index(fields=["doorbell_index"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"],
                condition=~Q(external_id=""),
                name="one_order_per_remote_order",
            ),
            models.UniqueConstraint(
                fields=["need"],
                condition=Q(need__isnull=False) & ~Q(status__in=sorted(DEAD)),
                name="one_live_order_per_need",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(Status.values)), name="order_status_is_known"
            ),
            models.CheckConstraint(condition=Q(total_minor__gt=0), name="order_costs_something"),
            models.CheckConstraint(
                condition=Q(held_minor__gte=0) & Q(held_minor__lte=F("total_minor")),
                name="order_holds_at_most_its_total",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def is_alive(self) -> bool:
        return self.status in ALIVE

    @property
    def in_doubt_since(self) -> datetime:
        """When its last request left us: look-ups of an unknown outcome are timed from here."""
        return self.sent_at or self.created_at


class OrderLine(models.Model):
    """One product, face value and recipient of an order."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    product_external_id = models.CharField(max_length=64)
    product_name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    face_value_minor = models.BigIntegerField()
    quantity = models.PositiveIntegerField(default=1)
    position = models.PositiveIntegerField(default=1)
    cost_minor = models.BigIntegerField(default=0)
    """What the whole line will cost us as far as we know, in minor units."""
    recipient_name = models.CharField(max_length=120, blank=True)
    recipient_email = models.EmailField(blank=True)
    recipient_phone = models.CharField(max_length=20, blank=True)
    address = models.JSONField(null=True, blank=True)
    """The fields of `gateways.base.PostalAddress`, or None."""
    shipping_method_id = models.CharField(max_length=64, blank=True)
    carrier_id = models.CharField(max_length=64, blank=True)
    branding_id = models.CharField(max_length=64, blank=True)
    from_name = models.CharField(max_length=120, blank=True)
    from_email = models.EmailField(blank=True)
    message = models.CharField(max_length=500, blank=True)
    deliver_on = models.DateField(null=True, blank=True)
    external_id = models.CharField(max_length=64, blank=True)
    standing = models.CharField(max_length=20, blank=True)
    provider_text = models.CharField(max_length=200, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    """When we first saw it completed over there."""

    class Meta:
        ordering = ["position", "id"]
        indexes = [
            models.Index(fields=["recipient_email"]),
            models.Index(fields=["recipient_name"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(face_value_minor__gt=0, quantity__gt=0), name="line_buys_something"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_name} {self.face_value}"

    @property
    def face_value(self) -> Money:
        return Money(self.face_value_minor, self.currency)

    @property
    def cost(self) -> Money:
        return Money(self.cost_minor, self.currency)


class OrderEvent(models.Model):
    """One line of an order's timeline; append-only."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    old_status = models.CharField(max_length=20, blank=True)
    new_status = models.CharField(max_length=20, blank=True)
    facts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["order", "id"])]

    def __str__(self) -> str:
        return self.text
