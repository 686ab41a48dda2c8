"""What every page of the admin knows: which accounts are not for real money, whether work flows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from giftops import guard, show
from giftops.clock import db_now
from giftops.queue import last_heartbeat
from giftops.queue.heartbeat import ALIVE_WITHIN
from providers.models import Environment, ProviderAccount
from providers.registry import slugs_with


@dataclass(frozen=True, slots=True)
class Worker:
    """Whether the program that does the background work is at it."""

    is_alive: bool
    last_seen: datetime | None

    @property
    def is_down(self) -> bool:
        return not self.is_alive

    @property
    def sentence(self) -> str:
        """Since when it is gone."""
        if self.last_seen is None:
            return "It has never run on this database."
        gone = show.duration((db_now() - self.last_seen).total_seconds())
        return f"It was last seen {gone} ago."


def context(request: HttpRequest) -> dict[str, Any]:
    """Join every page's context; worker and quarantine are looked up only where they are shown."""
    if not (request.user.is_active and request.user.is_staff):
        return {}
    return {
        "trial_accounts": [account for account in accounts_of(request) if is_on_trial(account)],
        "worker": SimpleLazyObject(worker),
        "quarantine": SimpleLazyObject(quarantine),
    }


def accounts_of(request: HttpRequest) -> list[ProviderAccount]:
    """Every account, read once a request."""
    if not hasattr(request, "_accounts"):
        light = ProviderAccount.objects.defer("credentials", "settings")
        request._accounts = list(light.order_by("name"))  # type: ignore[attr-defined]
    return request._accounts  # type: ignore[attr-defined]


def makes_cards(request: HttpRequest) -> bool:
    """Whether there is an account at which cards of our own are made."""
    return is_able(request, "issuer")


def is_able(request: HttpRequest, capability: str) -> bool:
    """Whether the provider of any account has this capability."""
    able = slugs_with(capability)
    return any(account.provider in able for account in accounts_of(request))


def is_on_trial(account: ProviderAccount) -> bool:
    """Whether an active account is one where no real money moves."""
    return account.is_active and account.environment != Environment.PRODUCTION


def worker() -> Worker:
    last = last_heartbeat()
    is_alive = last is not None and (db_now() - last).total_seconds() <= ALIVE_WITHIN
    return Worker(is_alive, last)


def quarantine() -> str:
    """Why nothing is sent, or an empty text."""
    return guard.status() if guard.is_quarantined() else ""
