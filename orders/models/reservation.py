from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from giftops.clock import now
from giftops.identity import new_id
from giftops.sealing import SealedField
from orders.issuing_states import NumberState, ReservationState
from providers.gateways.base import ReservationType
from providers.models import ProviderAccount

RESERVATION_TYPES = [
    (ReservationType.SINGLE, "One number, for an hour"),
    (ReservationType.POOL, "A pool of numbers"),
]


class Pool(models.Model):
    """Numbers kept in stock for one company or campaign; they come in reservations."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="pools")
    agency = models.CharField(max_length=60)
    name = models.CharField(max_length=60)
    low_stock_at = models.PositiveIntegerField(default=0)
    """From how many numbers left it is said to run low; 0: never."""
    tops_up = models.BooleanField(default=False)
    """Whether what the provider cut off a request is asked for again by itself."""
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["agency", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "agency", "name"], name="one_pool_of_a_name_per_agency"
            )
        ]

    def __str__(self) -> str:
        return f"{self.agency} · {self.name}"


class Reservation(models.Model):
    """One request for numbers: how many were asked for, how many came."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="reservations")
    pool = models.ForeignKey(
        Pool, models.PROTECT, null=True, blank=True, related_name="reservations"
    )
    """None: a single number."""
    reference = models.CharField(max_length=64, unique=True)
    """Ours, for forensics only: the provider takes the same name twice."""
    type = models.CharField(max_length=10, choices=RESERVATION_TYPES)
    agency = models.CharField(max_length=60)
    name = models.CharField(max_length=60)
    asked = models.PositiveIntegerField()
    received = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=16, choices=ReservationState.choices, default=ReservationState.REQUESTED
    )
    tops_up = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="top_ups"
    )
    """The reservation whose missing numbers this one asks for."""
    may_be_lost = models.PositiveIntegerField(default=0)
    """Numbers that may have been reserved by requests whose answer was lost: for nobody's use."""
    reason = models.CharField(max_length=300, blank=True)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    send_slot_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    """When the last request left us: a single number's hour counts from here."""
    changed_at = models.DateTimeField(default=now)
    next_look_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["account", "state"]),
            models.Index(fields=["state", "next_look_at"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(asked__gt=0), name="reservation_asks_for_something"),
            models.CheckConstraint(
                condition=Q(type="pool", pool__isnull=False)
                | Q(type="single", pool__isnull=True, asked=1),
                name="reservation_is_single_or_of_a_pool",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def in_doubt_since(self) -> datetime:
        return self.sent_at or self.created_at


class ReservedNumber(models.Model):
    """A number that is set aside for us; a card can be created on it once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="+")
    reservation = models.ForeignKey(Reservation, models.PROTECT, related_name="numbers")
    position = models.PositiveIntegerField()
    number = SealedField()
    number_index = models.CharField(max_length=64)
    """Blind index of the number: says whether we know it already, without opening any."""
    last_four = models.CharField(max_length=4, blank=True)
    state = models.CharField(
        max_length=16, choices=NumberState.choices, default=NumberState.RESERVED
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    """When the provider gives it to somebody else; None: never."""
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["reservation", "state"]),
            models.Index(fields=["number_index"]),
            models.Index(fields=["state", "expires_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "number_index"],
                condition=~Q(state="quarantined"),
                name="a_number_is_reserved_once",
            )
        ]

    def __str__(self) -> str:
        return self.mask

    @property
    def mask(self) -> str:
        return f"•••• {self.last_four}" if self.last_four else "••••••••"
