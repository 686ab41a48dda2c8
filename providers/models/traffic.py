"""How fast we ask an account, and whether we ask it at all: shared by all processes."""

from django.db import models

from providers.models.account import ProviderAccount


class RateWindow(models.Model):
    """The requests of one account that count against its limits. Times are microseconds (UTC).

    `grants` are requests sent or about to be ([time, "r" or "w"]), `line` the times promised to
    writes that wait. `keeper` says who keeps the account's budget: this row, or Redis under
    `epoch`.
    """

    class Keeper(models.TextChoices):
        DATABASE = "database", "Database"
        REDIS = "redis", "Redis"

    account = models.OneToOneField(
        ProviderAccount, on_delete=models.CASCADE, primary_key=True, related_name="rate_window"
    )
    grants = models.JSONField(default=list)
    line = models.JSONField(default=list)
    blocked_until = models.BigIntegerField(default=0)
    penalties = models.PositiveIntegerField(default=0)
    keeper = models.CharField(max_length=10, choices=Keeper, default=Keeper.DATABASE)
    keeper_since = models.BigIntegerField(default=0)
    epoch = models.CharField(max_length=32, blank=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "rate window"

    def __str__(self) -> str:
        return f"rate window of {self.account_id}"


class CircuitState(models.Model):
    """The circuit breaker of one account.

    Open from `opened_at` until a look-up succeeds; `probe_at` is when the next one may try.
    """

    account = models.OneToOneField(
        ProviderAccount, on_delete=models.CASCADE, primary_key=True, related_name="circuit"
    )
    failures = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    probes = models.PositiveIntegerField(default=0)
    probe_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "circuit state"

    def __str__(self) -> str:
        return "open" if self.is_open else "closed"

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None
