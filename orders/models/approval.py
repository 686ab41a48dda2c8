from django.conf import settings
from django.db import models
from django.db.models import F, Q

from giftops.identity import new_id
from giftops.money import Money
from orders.models.batch import Batch
from orders.models.exclusive import exactly_one
from orders.models.issuance import Issuance
from providers.models import ProviderAccount


class Approval(models.Model):
    """A second person's yes or no to a batch or an issuance, good for its fingerprint only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    batch = models.ForeignKey(
        Batch, models.PROTECT, null=True, blank=True, related_name="approvals"
    )
    issuance = models.ForeignKey(
        Issuance, models.PROTECT, null=True, blank=True, related_name="approvals"
    )
    fingerprint = models.CharField(max_length=64)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    last_editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    is_approved = models.BooleanField()
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(approver=F("maker")) & ~Q(approver=F("last_editor")),
                name="nobody_approves_own_work",
            ),
            models.UniqueConstraint(
                fields=["batch", "approver"],
                condition=Q(voided_at__isnull=True),
                name="one_standing_answer_per_approver",
            ),
            models.UniqueConstraint(
                fields=["issuance", "approver"],
                condition=Q(voided_at__isnull=True),
                name="one_standing_answer_per_issuance_and_approver",
            ),
            models.CheckConstraint(
                condition=exactly_one("batch", "issuance"), name="approval_is_of_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch or self.issuance} {'approved' if self.is_approved else 'declined'}"


class ApprovalLimit(models.Model):
    """From which total on a batch of a maker's role needs an approver, at one account.

    `limit_minor` in minor units of the account's currency; 0: every batch needs one.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="approval_limits")
    role = models.CharField(max_length=32)
    limit_minor = models.BigIntegerField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["account__name", "role"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "role"], name="one_approval_limit_per_account_and_role"
            ),
            models.CheckConstraint(
                condition=Q(limit_minor__gte=0), name="approval_limit_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} at {self.account}"

    @property
    def limit(self) -> Money:
        return Money(self.limit_minor, self.account.currency)
