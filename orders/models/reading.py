"""What an issuer said about a card: each answer to a question, and its history as they tell it."""

from django.db import models
from django.db.models import Q

from giftops.clock import now
from giftops.identity import new_id
from orders.models.authorization import Authorization
from orders.models.card import Card


class BalanceCheck(models.Model):
    """One answer to "what is it worth now?"; append-only, so that it can serve as evidence."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    card = models.ForeignKey(Card, models.PROTECT, related_name="balance_checks")
    authorization = models.ForeignKey(
        Authorization, models.PROTECT, null=True, blank=True, related_name="balance_checks"
    )
    """The hold that it was asked for; None: nobody's in particular."""
    asked_at = models.DateTimeField()
    """Before the question left: what moves while they answer is newer."""
    is_found = models.BooleanField(default=True)
    provider_text = models.CharField(max_length=60, blank=True)
    balance_minor = models.BigIntegerField(null=True, blank=True)
    held_minor = models.BigIntegerField(null=True, blank=True)
    history_hash = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["card", "-asked_at"])]

    def __str__(self) -> str:
        return f"{self.card} at {self.asked_at:%Y-%m-%d %H:%M:%S}"

    @property
    def available_minor(self) -> int | None:
        if self.balance_minor is None or self.held_minor is None:
            return None
        return self.balance_minor - self.held_minor


class CardMovement(models.Model):
    """One entry of a card's history at the issuer. It has no id: it is its content, the nth time.

    What they no longer tell is superseded, never deleted.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    card = models.ForeignKey(Card, models.PROTECT, related_name="movements")
    position = models.PositiveIntegerField()
    """Where it stood in their list when it was last read."""
    on = models.DateField(null=True, blank=True)
    activity = models.CharField(max_length=60)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    location = models.CharField(max_length=120, blank=True)
    document = models.CharField(max_length=64, blank=True)
    content_hash = models.CharField(max_length=64)
    occurrence = models.PositiveIntegerField(default=1)
    seen_at = models.DateTimeField(default=now)
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["card", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["card", "content_hash", "occurrence"],
                condition=Q(superseded_at__isnull=True),
                name="a_movement_is_stored_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.activity} {self.on or ''}"
