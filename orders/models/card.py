from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from giftops.clock import now
from giftops.identity import new_id
from giftops.money import Money
from giftops.sealing import SealedField
from orders.issuing_states import CardState
from orders.models.issuance import Issuance
from orders.models.order import Order, OrderLine
from orders.models.reservation import ReservedNumber
from providers.models import ProviderAccount


class Card(models.Model):
    """A gift card we bought, or had created on a number of ours.

    Whoever knows the code has the money, so the code is sealed. A card that is still to be created
    has none, and is not releasable.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="cards")
    line = models.ForeignKey(OrderLine, models.PROTECT, null=True, blank=True, related_name="cards")
    issuance = models.ForeignKey(
        Issuance, models.PROTECT, null=True, blank=True, related_name="cards"
    )
    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, null=True, blank=True, related_name="cards"
    )
    """Where it was issued; of a bought card its order says where it is from."""
    state = models.CharField(max_length=16, choices=CardState.choices, default=CardState.BOUGHT)
    code = SealedField(blank=True)
    pin = SealedField(blank=True)
    claim_url = SealedField(blank=True)
    challenge = SealedField(blank=True)
    """What has to be typed on the page behind the claim link."""
    external_id = models.CharField(max_length=64, blank=True)
    code_index = models.CharField(max_length=64, blank=True)
    """Blind index of the code (of the claim link where there is no code): finds the card by it."""
    last_four = models.CharField(max_length=4, blank=True)
    currency = models.CharField(max_length=3)
    face_value_minor = models.BigIntegerField()
    expires_on = models.DateField(null=True, blank=True)
    is_releasable = models.BooleanField(default=True)
    """False while the delivery does not add up: the code is kept, and shown to nobody."""
    created_at = models.DateTimeField(default=now, editable=False)

    # Of an issued card
    number = models.OneToOneField(
        ReservedNumber, models.PROTECT, null=True, blank=True, related_name="card"
    )
    """The reserved number that it is, or is to be, created on; changed only for a retired one."""
    other_code = SealedField(blank=True)
    """Another number that the answer to its creation named: asked about, never used."""
    position = models.PositiveIntegerField(default=1)
    gift_card_code = models.CharField(max_length=40, blank=True)
    """The issuer's name for the kind of card."""
    customer_id = models.CharField(max_length=64, blank=True)
    customer_name = models.CharField(max_length=120, blank=True)
    customer_email = models.EmailField(blank=True)
    sale_id = models.CharField(max_length=64, blank=True)
    """Ours, derived from the card's id."""
    points = models.PositiveBigIntegerField(null=True, blank=True)
    """Loyalty points that pay for it; None: the sale does."""
    provider_text = models.CharField(max_length=60, blank=True)
    """The issuer's status exactly as it was written."""
    balance_minor = models.BigIntegerField(null=True, blank=True)
    held_minor = models.BigIntegerField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    """When balance and holds were last read."""
    moved_at = models.DateTimeField(null=True, blank=True)
    """When a reading last differed from the one before: who moves is asked about more often."""
    next_look_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    absent_looks = models.PositiveIntegerField(default=0)
    send_slot_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["last_four"]),
            models.Index(fields=["code_index"]),
            models.Index(fields=["issuance", "state"]),
            models.Index(fields=["state", "next_look_at"]),
            models.Index(fields=["customer_id"]),
            models.Index(fields=["customer_email"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["code_index"],
                condition=Q(is_releasable=True, state="bought") & ~Q(code_index=""),
                name="a_code_belongs_to_one_order",
            ),
            models.UniqueConstraint(
                fields=["account", "code_index"],
                condition=Q(is_releasable=True) & ~Q(state="bought") & ~Q(code_index=""),
                name="an_issued_number_is_one_card",
            ),
            models.UniqueConstraint(
                fields=["order", "code_index"], name="a_code_is_stored_once_per_order"
            ),
            models.UniqueConstraint(
                fields=["sale_id"], condition=~Q(sale_id=""), name="a_sale_pays_for_one_card"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="bought",
                    order__isnull=False,
                    line__isnull=False,
                    issuance__isnull=True,
                    number__isnull=True,
                )
                | Q(
                    order__isnull=True,
                    line__isnull=True,
                    issuance__isnull=False,
                    account__isnull=False,
                )
                & ~Q(state="bought"),
                name="card_is_bought_or_issued",
            ),
        ]

    def __str__(self) -> str:
        return self.mask

    @property
    def mask(self) -> str:
        """What may be shown of it to anybody; of a claim link nothing at all."""
        if self.last_four:
            return f"•••• {self.last_four}"
        return "link ••••" if self.claim_url and not self.code else "••••••••"

    @property
    def face_value(self) -> Money:
        return Money(self.face_value_minor, self.currency)

    @property
    def is_issued(self) -> bool:
        return self.state != CardState.BOUGHT

    @property
    def available_minor(self) -> int | None:
        if self.balance_minor is None or self.held_minor is None:
            return None
        return self.balance_minor - self.held_minor

    @property
    def in_doubt_since(self) -> datetime:
        return self.sent_at or self.created_at


class Reveal(models.Model):
    """Somebody looked at a secret of a card; written before the secret is shown, append-only."""

    class Secret(models.TextChoices):
        CODE = "code", "Card number"
        PIN = "pin", "PIN"
        CLAIM_URL = "claim_url", "Claim link"
        CHALLENGE = "challenge", "Answer for the claim link"
        PICTURE = "picture", "Certificate"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    card = models.ForeignKey(Card, models.PROTECT, related_name="reveals")
    secret = models.CharField(max_length=10, choices=Secret.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ticket = models.CharField(max_length=60)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["user", "at"]), models.Index(fields=["card", "at"])]

    def __str__(self) -> str:
        return f"{self.get_secret_display()} of {self.card}"
