from django.conf import settings
from django.db import models
from django.db.models import F, Q

from giftops.clock import now
from giftops.identity import new_id
from giftops.money import Money
from giftops.sealing import SealedField
from orders.issuing_states import UNFINISHED_HOLDS, HoldState
from orders.models.card import Card
from providers.models import ProviderAccount


class Authorization(models.Model):
    """Money held on a card until it is confirmed (taken) or cancelled (given back)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="authorizations")
    card = models.ForeignKey(Card, models.PROTECT, related_name="authorizations")
    reference = models.CharField(max_length=64, unique=True)
    """Ours, sent as the sale; nothing can be looked up by it."""
    note = models.CharField(max_length=120, blank=True)
    """What the till or the shop calls this sale."""
    currency = models.CharField(max_length=3)
    requested_minor = models.BigIntegerField()
    granted_minor = models.BigIntegerField(null=True, blank=True)
    takes_partial = models.BooleanField(default=False)
    """Whether it may be sent although less than the amount is on the card."""
    state = models.CharField(max_length=24, choices=HoldState.choices, default=HoldState.REQUESTED)
    external_id = models.CharField(max_length=64, blank=True)
    auth_code = SealedField(blank=True)
    """The only thing that can confirm or cancel it."""
    before_at = models.DateTimeField(null=True, blank=True)
    before_balance_minor = models.BigIntegerField(null=True, blank=True)
    before_held_minor = models.BigIntegerField(null=True, blank=True)
    before_history = models.CharField(max_length=64, blank=True)
    """What was read of the card right before the last send: silence is judged against it."""
    looks = models.PositiveIntegerField(default=0)
    """Unbroken run of readings that say the same."""
    seen = models.CharField(max_length=24, blank=True)
    """What the last of them said."""
    finishes = models.PositiveIntegerField(default=0)
    """How often its confirmation or cancellation was sent."""
    reason = models.CharField(max_length=300, blank=True)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    send_slot_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    authorized_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=now)
    next_look_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "hold"
        indexes = [
            models.Index(fields=["state", "next_look_at"]),
            models.Index(fields=["state", "authorized_at"]),
            models.Index(fields=["card", "-id"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["card"],
                condition=Q(state__in=sorted(UNFINISHED_HOLDS)),
                name="one_unfinished_hold_per_card",
            ),
            models.CheckConstraint(condition=Q(requested_minor__gt=0), name="hold_asks_for_money"),
            models.CheckConstraint(
                condition=Q(granted_minor__isnull=True)
                | Q(granted_minor__gt=0, granted_minor__lte=F("requested_minor")),
                name="hold_grants_at_most_what_was_asked",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def requested(self) -> Money:
        return Money(self.requested_minor, self.currency)

    @property
    def granted(self) -> Money | None:
        return None if self.granted_minor is None else Money(self.granted_minor, self.currency)
