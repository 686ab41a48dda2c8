from django.conf import settings
from django.db import models
from django.db.models import Q

from giftops.identity import new_id
from orders.models.authorization import Authorization
from orders.models.card import Card
from orders.models.exclusive import none_of
from orders.models.order import Order
from orders.models.reservation import Reservation
from providers.models import ProviderAccount


class BreakKind(models.TextChoices):
    REFERENCE_COLLISION = "reference_collision", "Reference belongs to another order"
    ABSENT = "absent", "Not found at the provider"
    CONTRADICTION = "contradiction", "The provider contradicts itself"
    DELIVERY_MISMATCH = "delivery_mismatch", "Codes do not match the order"
    UNMAPPED_STATUS = "unmapped_status", "Status text never seen before"
    CONTRACT = "contract", "Answer does not follow the contract"
    STALE = "stale", "No news for too long"
    DEPOSIT = "deposit", "Deposit differs from our books"
    COST = "cost", "The provider charged another amount"
    LATE_TRUTH = "late_truth", "A closed order lives at the provider"
    NUMBERS = "numbers", "Reserved numbers cannot be right"
    LOST_NUMBERS = "lost_numbers", "Numbers may have been lost"
    CREATE_CONFLICT = "create_conflict", "The number carries another card"
    CARD_MISSING = "card_missing", "A card is no longer found"
    HOLD_IN_DOUBT = "hold_in_doubt", "A hold on a card is in doubt"


class Break(models.Model):
    """A difference that somebody has to explain; opened by the system, closed with a reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=24, choices=BreakKind.choices)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="breaks")
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="breaks")
    reservation = models.ForeignKey(
        Reservation, models.PROTECT, null=True, blank=True, related_name="breaks"
    )
    card = models.ForeignKey(Card, models.PROTECT, null=True, blank=True, related_name="breaks")
    authorization = models.ForeignKey(
        Authorization, models.PROTECT, null=True, blank=True, related_name="breaks"
    )
    text = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closing_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "order"],
                condition=Q(closed_at__isnull=True, order__isnull=False),
                name="one_open_break_of_a_kind_per_order",
            ),
            models.UniqueConstraint(
                fields=["kind", "account"],
                condition=Q(closed_at__isnull=True)
                & none_of("order", "reservation", "card", "authorization"),
                name="one_open_break_of_a_kind_per_account",
            ),
            *(
                models.UniqueConstraint(
                    fields=["kind", thing],
                    condition=Q(**{"closed_at__isnull": True, f"{thing}__isnull": False}),
                    name=f"one_open_break_of_a_kind_per_{thing}",
                )
                for thing in ("reservation", "card", "authorization")
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
