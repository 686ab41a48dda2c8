"""How many calls to an account may be under way at the same time."""

from django.db import models

from providers.models.account import ProviderAccount


class CallPermit(models.Model):
    """One of the places that calls to an account take turns at; `held_until` is a lease."""

    account = models.ForeignKey(ProviderAccount, on_delete=models.CASCADE, related_name="permits")
    number = models.PositiveSmallIntegerField()
    held_until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "number"], name="one_call_permit_of_a_number"
            )
        ]

    def __str__(self) -> str:
        return f"place {self.number} of {self.account_id}"
