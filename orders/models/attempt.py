from django.db import models
from django.db.models import Q

from giftops.identity import new_id
from orders.models.authorization import Authorization
from orders.models.card import Card
from orders.models.exclusive import exactly_one
from orders.models.order import Order
from orders.models.reservation import Reservation, ReservedNumber

SUBJECTS = ("order", "reservation", "card", "authorization")


class Phase(models.TextChoices):
    SENDING = "sending", "On the wire"
    UNKNOWN = "unknown", "No usable answer"
    NOT_SENT = "not_sent", "Never left"
    APPLIED = "applied", "Answered"
    RESOLVED_SUCCESS = "resolved_success", "Found at the provider"
    RESOLVED_ABSENT = "resolved_absent", "Proven absent"
    PARKED = "parked", "Left to a person"


UNRESOLVED = frozenset({Phase.SENDING, Phase.UNKNOWN, Phase.PARKED})


class Attempt(models.Model):
    """One request with side effects: what was sent, under which reference, its fate."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="attempts")
    reservation = models.ForeignKey(
        Reservation, models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    card = models.ForeignKey(Card, models.PROTECT, null=True, blank=True, related_name="attempts")
    authorization = models.ForeignKey(
        Authorization, models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    number_sent = models.ForeignKey(
        ReservedNumber, models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    """The reserved number that a card was to be created on."""
    operation = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=64)
    request_fingerprint = models.CharField(max_length=64)
    """SHA-256 of what was sent; a repeat must have the same."""
    named_external_id = models.CharField(max_length=64, blank=True)
    """The order that they named when they said that they have this reference."""
    account_mark = models.CharField(max_length=64)
    """Where and as whom it was sent: "not found" counts only when asked there as the same buyer."""
    phase = models.CharField(max_length=20, choices=Phase.choices, default=Phase.SENDING)
    fence = models.PositiveIntegerField()
    lease_until = models.DateTimeField()
    sent_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["phase", "lease_until"]),
            models.Index(fields=["reference"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=exactly_one(*SUBJECTS), name="attempt_is_for_one_thing"
            ),
            models.CheckConstraint(
                condition=Q(number_sent__isnull=True) | Q(card__isnull=False),
                name="only_a_card_is_created_on_a_number",
            ),
            models.UniqueConstraint(
                fields=["order", "number"], name="attempts_of_an_order_are_numbered"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(phase="sending"),
                name="one_attempt_in_flight_per_order",
            ),
            *(
                models.UniqueConstraint(
                    fields=[thing, "number"], name=f"attempts_of_{thing}_are_numbered"
                )
                for thing in SUBJECTS[1:]
            ),
            *(
                models.UniqueConstraint(
                    fields=[thing],
                    condition=Q(phase="sending"),
                    name=f"one_attempt_in_flight_per_{thing}",
                )
                for thing in SUBJECTS[1:]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} attempt {self.number}"
