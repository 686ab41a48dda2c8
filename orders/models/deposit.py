from django.db import models
from django.db.models import Q

from giftops.identity import new_id
from giftops.money import Money
from orders.models.order import Order
from providers.models import ProviderAccount


class Book(models.TextChoices):
    OUTSIDE = "outside", "Our bank"
    AVAILABLE = "available", "Available"
    HELD = "held", "Held by orders"
    SPENT = "spent", "Spent"
    ADJUSTMENT = "adjustment", "Adjustment"


class LedgerEvent(models.TextChoices):
    FUND = "fund", "Funds seen at the provider"
    HOLD = "hold", "Held for an order"
    RELEASE = "release", "Hold released"
    SETTLE = "settle", "Hold settled to spend"
    REFUND = "refund", "Refunded"
    CORRECT = "correct", "Corrected by two people"


class Deposit(models.Model):
    """The running totals of one account's ledger in one currency; every amount in minor units.

    The postings are the truth and these columns are their sums, kept beside them so that one
    conditional UPDATE can decide who gets the last of the money.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="deposits")
    currency = models.CharField(max_length=3)
    available_minor = models.BigIntegerField(default=0)
    held_minor = models.BigIntegerField(default=0)
    spent_minor = models.BigIntegerField(default=0)
    shortfall_minor = models.BigIntegerField(default=0)
    """By how much the provider's last figure was below ours; not free until it is explained."""
    provider_minor = models.BigIntegerField(null=True, blank=True)
    pending_minor = models.BigIntegerField(null=True, blank=True)
    """Funds on their way at the provider: they pay for nothing yet."""
    alert_below_minor = models.BigIntegerField(null=True, blank=True)
    """Warn when less than this is free; None: never."""
    asked_at = models.DateTimeField(null=True, blank=True)
    short_since = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency"], name="one_deposit_per_account_and_currency"
            ),
            models.CheckConstraint(
                condition=Q(held_minor__gte=0, spent_minor__gte=0, shortfall_minor__gte=0),
                name="deposit_totals_are_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.currency}"

    @property
    def free(self) -> Money:
        return Money(self.available_minor - self.shortfall_minor, self.currency)

    @property
    def held(self) -> Money:
        return Money(self.held_minor, self.currency)

    @property
    def expected(self) -> Money:
        """What the provider should show: money not yet debited there."""
        return Money(self.available_minor + self.held_minor, self.currency)


class LedgerTransaction(models.Model):
    """One movement of money in our own books; append-only, its postings sum to nought."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    deposit = models.ForeignKey(Deposit, models.PROTECT, related_name="transactions")
    event = models.CharField(max_length=10, choices=LedgerEvent.choices)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="ledger")
    memo = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["deposit", "-at"]), models.Index(fields=["order"])]

    def __str__(self) -> str:
        return self.get_event_display()


class LedgerPosting(models.Model):
    """One side of a movement: minor units into (positive) or out of (negative) a book."""

    transaction = models.ForeignKey(LedgerTransaction, models.PROTECT, related_name="postings")
    book = models.CharField(max_length=12, choices=Book.choices)
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="posting_moves_something"),
            models.UniqueConstraint(
                fields=["transaction", "book"], name="one_posting_per_book_and_transaction"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.book} {self.amount_minor:+d}"
