"""An account at a provider: where it is, how we sign in, how fast we may ask."""

from typing import Any

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from giftops.clock import db_now
from giftops.identity import new_id
from giftops.sealing import SealedField


class Environment(models.TextChoices):
    SANDBOX = "sandbox", "Sandbox"
    UAT = "uat", "UAT"
    PRODUCTION = "production", "Production"


class ProviderAccountQuerySet(models.QuerySet["ProviderAccount"]):
    def active(self) -> "ProviderAccountQuerySet":
        return self.filter(is_active=True)


class ProviderAccount(models.Model):
    """One set of credentials at one provider, in one environment.

    `credentials` are a sealed JSON object, written by `services.create_account` and
    `services.update_account` only and never shown again; `credentials_fingerprint` is what people
    see. `base_url` is set by command and read-only in the admin.

    `settings` holds what differs between accounts of one provider:
    `reference_is_unique` (the provider is proven to refuse a second order with the same reference),
    `debits_at` ("placed" or "completed"), `ca_file` (path of a private certificate authority).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.SlugField(max_length=50, unique=True)
    provider = models.CharField(max_length=32)
    environment = models.CharField(max_length=16, choices=Environment)
    base_url = models.CharField("base URL", max_length=200)
    currency = models.CharField(
        max_length=3, default="USD", validators=[RegexValidator(r"\A[A-Z]{3}\Z")]
    )
    credentials = SealedField()
    credentials_fingerprint = models.CharField(max_length=40, blank=True)
    per_minute = models.PositiveIntegerField(
        "requests per minute", validators=[MinValueValidator(1)]
    )
    per_second = models.PositiveIntegerField(
        "requests per second", validators=[MinValueValidator(1)]
    )
    settings = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=db_now)
    updated_at = models.DateTimeField(default=db_now)

    objects = ProviderAccountQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = "provider account"
        constraints = [
            models.CheckConstraint(
                condition=Q(environment__in=Environment.values), name="account_environment_known"
            ),
            models.CheckConstraint(
                condition=Q(per_minute__gte=1) & Q(per_second__gte=1),
                name="account_limits_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def provider_label(self) -> str:
        """The provider's name as people write it."""
        from providers.registry import spec_for  # the registry is read on use

        return spec_for(self.provider).label

    @property
    def reference_is_unique(self) -> bool:
        return bool(self._setting("reference_is_unique", False))

    @property
    def debits_at(self) -> str:
        """When the provider takes the money: "placed" or "completed"."""
        return str(self._setting("debits_at", "completed"))

    def _setting(self, key: str, default: Any) -> Any:
        return self.settings.get(key, default)
