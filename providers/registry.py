"""The providers we know: one row each. Choices, forms and commands derive from this table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

from providers.gateways.base import capabilities
from providers.models.account import Environment
from providers.rates import Limit, limits_of


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing that an account signs in with. The first public one names the account.

    Without one, the fingerprint of the secret does.
    """

    name: str
    label: str
    is_secret: bool = True


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What an account may ask: requests a second and a minute."""

    per_second: int
    per_minute: int

    def windows(self) -> tuple[Limit, ...]:
        """The same for the rate budget."""
        return limits_of(self.per_second, self.per_minute)


@dataclass(frozen=True)
class ProviderSpec:
    """What must be known of a provider before anybody speaks to it."""

    slug: str
    label: str
    gateway: str  # dotted path, imported on use
    hosts: Mapping[str, tuple[str, ...]]  # documented host per environment
    credentials: tuple[CredentialField, ...]
    limits: Mapping[str, RateLimits]  # default per environment
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # default of accounts
    catalogue_keeps: timedelta = timedelta(days=1)  # products and options are as good as new
    credentials_instead: tuple[CredentialField, ...] = ()  # another way to sign in, if there is one
    at_once: int | None = None  # calls to one account that may be under way at a time
    longest_call: float | None = None  # seconds that a call may take, if less than the settings let

    @cached_property
    def gateway_class(self) -> Any:
        """The class that speaks to this provider."""
        return import_string(self.gateway)

    @property
    def ways_in(self) -> tuple[tuple[CredentialField, ...], ...]:
        """The sets of credentials of which an account has one, whole."""
        return tuple(filter(None, (self.credentials, self.credentials_instead)))

    @property
    def capabilities(self) -> frozenset[str]:
        """The protocols it implements: "seller", "deposit_holder"."""
        return capabilities(self.gateway_class)

    def environment_problem(self, environment: str, base_url: str) -> str:
        """A sentence if this address belongs to another environment, "" if they fit together.

        A test host under "production", or the reverse, would buy for real by mistake or sell
        worthless codes.
        """
        host = urlsplit(base_url).hostname or ""
        for owner, hosts in self.hosts.items():
            if host in hosts and owner != environment:
                return (
                    f"{host} is {self.label}'s {Environment(owner).label} host; "
                    f"it cannot be used for {Environment(environment).label}."
                )
        if environment == Environment.PRODUCTION and not base_url.startswith("https://"):
            return "A production account needs an https address."
        return ""


PROVIDERS: dict[str, ProviderSpec] = {
    spec.slug: spec
    for spec in (
        ProviderSpec(
            slug="ncentiva",
            label="Ncentiva",
            gateway="providers.gateways.ncentiva.NcentivaGateway",
            hosts={
                Environment.UAT: ("api-uat.ncentiva.com",),
                Environment.PRODUCTION: ("api.ncentiva.com",),
            },
            credentials=(
                CredentialField("username", "User name", is_secret=False),
                CredentialField("password", "Password"),
            ),
            limits={
                Environment.SANDBOX: RateLimits(2, 60),
                Environment.UAT: RateLimits(1, 20),
                Environment.PRODUCTION: RateLimits(2, 60),
            },
            settings={
                # Proven for the simulator only; elsewhere after a test in UAT.
                Environment.SANDBOX: {"reference_is_unique": True, "debits_at": "completed"},
                Environment.UAT: {"reference_is_unique": False, "debits_at": "completed"},
                Environment.PRODUCTION: {"reference_is_unique": False, "debits_at": "completed"},
            },
            catalogue_keeps=timedelta(hours=1),
        ),
        ProviderSpec(
            slug="giftcardpartners",
            label="GiftCard Partners",
            gateway="providers.gateways.giftcardpartners.GiftCardPartnersGateway",
            hosts={},  # they print none: it is named in GIFTOPS_PROVIDER_HOSTS
            credentials=(
                CredentialField("email", "E-mail address", is_secret=False),
                CredentialField("access_token", "Access token"),
            ),
            limits=dict.fromkeys(Environment.values, RateLimits(5, 300)),
            settings=dict.fromkeys(
                Environment.values, {"reference_is_unique": True, "debits_at": "placed"}
            ),
            catalogue_keeps=timedelta(days=7),  # what they ask for
        ),
        ProviderSpec(
            slug="cp_extender",
            label="CP Extender",
            gateway="providers.gateways.cp_extender.CPExtenderGateway",
            hosts={},  # each merchant has its own: it is named in GIFTOPS_PROVIDER_HOSTS
            credentials=(
                CredentialField("user_name", "User name", is_secret=False),
                CredentialField("password", "Password"),
            ),
            credentials_instead=(CredentialField("token", "Permanent token"),),
            limits=dict.fromkeys(Environment.values, RateLimits(5, 300)),
            at_once=2,
            longest_call=30.0,
        ),
        ProviderSpec(
            slug="exsited",
            label="Exsited",
            gateway="providers.gateways.exsited.ExsitedGateway",
            hosts={
                Environment.UAT: ("dev-api.exsited.com", "api-stage.exsited.com"),
                Environment.PRODUCTION: ("api.exsited.com",),
            },
            credentials=(
                CredentialField("client_id", "Client id", is_secret=False),
                CredentialField("client_secret", "Client secret"),
                CredentialField("redirect_uri", "Redirect address", is_secret=False),
            ),
            limits=dict.fromkeys(Environment.values, RateLimits(5, 300)),
            settings=dict.fromkeys(Environment.values, {"certificates_per_slice": 100}),
        ),
    )
}


class UnknownProvider(ValueError):
    """No such provider; the message lists those there are."""


def spec_for(slug: str) -> ProviderSpec:
    """The row of a provider; UnknownProvider with a sentence if there is none."""
    try:
        return PROVIDERS[slug]
    except KeyError:
        known = ", ".join(sorted(PROVIDERS))
        raise UnknownProvider(f"There is no provider {slug!r}; known are: {known}.") from None


def choices() -> list[tuple[str, str]]:
    """Slug and label of every provider, for forms."""
    return [(spec.slug, spec.label) for spec in PROVIDERS.values()]


def slugs_with(capability: str) -> list[str]:
    """The providers that can do this: "seller", "deposit_holder", "issuer"."""
    return [spec.slug for spec in PROVIDERS.values() if capability in spec.capabilities]
