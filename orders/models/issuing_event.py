from django.conf import settings
from django.db import models
from django.db.models import Q

from orders.models.authorization import Authorization
from orders.models.card import Card
from orders.models.exclusive import exactly_one
from orders.models.issuance import Issuance
from orders.models.reservation import Reservation


class IssuingEvent(models.Model):
    """One line of the timeline of a reservation, an issuance, a card or a hold; append-only."""

    reservation = models.ForeignKey(
        Reservation, models.PROTECT, null=True, blank=True, related_name="events"
    )
    issuance = models.ForeignKey(
        Issuance, models.PROTECT, null=True, blank=True, related_name="events"
    )
    card = models.ForeignKey(Card, models.PROTECT, null=True, blank=True, related_name="events")
    authorization = models.ForeignKey(
        Authorization, models.PROTECT, null=True, blank=True, related_name="events"
    )
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    old_state = models.CharField(max_length=24, blank=True)
    new_state = models.CharField(max_length=24, blank=True)
    facts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=[thing, "id"],
                condition=Q(**{f"{thing}__isnull": False}),
                name=f"events_of_{thing}"[:30],
            )
            for thing in ("reservation", "issuance", "card", "authorization")
        ]
        constraints = [
            models.CheckConstraint(
                condition=exactly_one("reservation", "issuance", "card", "authorization"),
                name="issuing_event_is_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return self.text
