from django.conf import settings
from django.db import models
from django.db.models import F, Q

from giftops.identity import new_id
from giftops.sealing import SealedField
from orders.models.authorization import Authorization
from orders.models.card import Card
from orders.models.exclusive import exactly_one
from orders.models.order import Order


class Resolution(models.Model):
    """What two people decide about a held order, card or hold: one proposes, another confirms."""

    class Decision(models.TextChoices):
        ADOPT = "adopt", "It exists at the provider: take it over"
        REJECT = "reject", "It does not exist: close the order, release the money"
        RESEND = "resend", "It does not exist: send it again under the same reference"
        ACCEPT = "accept", "The cards that came are ours: release them, the order is fulfilled"
        CREDIT = "credit", "The provider took it back and credited the money: close the order"
        # Of a card that is to be created
        CARD_IS_OURS = "card_is_ours", "The card on this number is ours: take it over"
        CARD_IS_NOT = "card_is_not", "It is not ours or not there: the number is never used again"
        # Of a hold
        ASK_AGAIN = "ask_again", "Nothing was held: ask for it again"
        ABANDON = "abandon", "Nothing of ours is held: give it up"
        ENTER_CODE = "enter_code", "It is held: this is its code"
        WAS_RELEASED = "was_released", "The provider has released it"
        WAS_CONFIRMED = "was_confirmed", "It was confirmed"
        STILL_HELD = "still_held", "It is still held: it may be confirmed or cancelled"

    class State(models.TextChoices):
        OPEN = "open", "Waiting for a second person"
        CONFIRMED = "confirmed", "Confirmed"
        DROPPED = "dropped", "Dropped"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="resolutions"
    )
    card = models.ForeignKey(
        Card, models.PROTECT, null=True, blank=True, related_name="resolutions"
    )
    authorization = models.ForeignKey(
        Authorization, models.PROTECT, null=True, blank=True, related_name="resolutions"
    )
    decision = models.CharField(max_length=16, choices=Decision.choices)
    auth_code = SealedField(blank=True)
    """The code of a hold as the provider's staff told it."""
    amount_minor = models.BigIntegerField(null=True, blank=True)
    """What they say is held under it, in minor units."""
    external_id = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=500)
    evidence = models.JSONField(default=dict)
    """The look-up made when it was proposed: when, and what the provider said."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state="open"), name="one_open_proposal_per_order"
            ),
            models.UniqueConstraint(
                fields=["card"], condition=Q(state="open"), name="one_open_proposal_per_card"
            ),
            models.UniqueConstraint(
                fields=["authorization"],
                condition=Q(state="open"),
                name="one_open_proposal_per_authorization",
            ),
            models.CheckConstraint(
                condition=exactly_one("order", "card", "authorization"),
                name="resolution_is_of_one_thing",
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="nobody_confirms_own_proposal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order or self.card or self.authorization}: {self.get_decision_display()}"
