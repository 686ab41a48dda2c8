"""The accounts at the simulated providers, and what is read from them before anybody buys."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import CommandError

from giftops.models import User
from giftops.money import Money
from orders.models import ApprovalLimit
from orders.services import funding, limits
from providers import services as providers
from providers.models import Environment, ProviderAccount, SyncRun
from providers.registry import spec_for

NCENTIVA, PARTNERS, ISSUER = "ncentiva", "giftcardpartners", "cp_extender"
BOOK = "exsited"
LONGEST_READING = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAccount:
    """How to sign in at one simulated provider; these credentials are no secret."""

    name: str
    provider: str
    credentials: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    makers_up_to: str = ""
    """From here on what makers do there needs an approver; "": as the settings say."""


ACCOUNTS = (
    SimulatedAccount(
        name="ncentiva-sandbox",
        provider=NCENTIVA,
        credentials={"username": "sandbox", "password": "sandbox"},
        settings={"reference_is_unique": True},
    ),
    SimulatedAccount(
        name="partners-sandbox",
        provider=PARTNERS,
        credentials={"email": "sandbox@example.com", "access_token": "sandbox"},
    ),
    SimulatedAccount(
        name="counterpoint-sandbox",
        provider=ISSUER,
        credentials={"user_name": "sandbox", "password": "sandbox"},
        makers_up_to="750.00",
    ),
    SimulatedAccount(
        name="book-sandbox",
        provider=BOOK,
        credentials={
            "client_id": "sandbox",
            "client_secret": "sandbox",
            "redirect_uri": "https://sandbox.example.com",
        },
    ),
)


def seed_accounts(simulator_url: str) -> list[ProviderAccount]:
    """Connect the simulators at this address; accounts that are there follow their address."""
    return [_seed(wanted, f"{simulator_url}/{wanted.provider}") for wanted in ACCOUNTS]


def seed_rules(accounts: Iterable[ProviderAccount]) -> None:
    """The limits of makers at these accounts, where none is set. The demo people are there."""
    wishes = {wanted.name: wanted.makers_up_to for wanted in ACCOUNTS if wanted.makers_up_to}
    for account in accounts:
        if account.name in wishes and not ApprovalLimit.objects.filter(account=account).exists():
            limit = Money.parse(wishes[account.name], account.currency)
            sam = User.objects.get(username="sam")
            limits.set_limit(account, "finance_maker", limit, actor=sam)


def mirror(account: ProviderAccount) -> str:
    """Read catalogue, options and balance, where there are any; a sentence on what is there.

    Raises ProviderError, and CommandError if a list could not be read to its end.
    """
    can = spec_for(account.provider).capabilities
    if "certificate_source" in can:
        return f"{account}: {providers.test_connection(account)}"
    if "seller" not in can:
        return f"{account}: nothing to read, it issues what we ask for."
    _read_to_the_end(account, providers.refresh_products)
    if "option_lister" in can:
        _read_to_the_end(account, providers.refresh_options)
    funding.ask_the_provider(account)
    products = account.products.filter(is_listed=True).count()
    options = account.options.filter(is_listed=True).count()
    return f"{account}: {products} products, {options} options to choose from."


def _seed(wanted: SimulatedAccount, base_url: str) -> ProviderAccount:
    account = ProviderAccount.objects.filter(name=wanted.name).first()
    if account is None:
        return providers.create_account(
            name=wanted.name,
            provider=wanted.provider,
            environment=Environment.SANDBOX,
            base_url=base_url,
            credentials=wanted.credentials,
            settings=wanted.settings,
        )
    if account.base_url != base_url:
        return _follow(account, base_url)
    return account


def _follow(account: ProviderAccount, base_url: str) -> ProviderAccount:
    """Move the account to the simulator's new port, unless orders are under way at the old one."""
    try:
        return providers.update_account(account, base_url=base_url)
    except providers.AccountError as problem:
        port = urlsplit(account.base_url).port
        raise CommandError(
            f"{problem} For the demo: start with SANDBOX_PORT={port} once more and let them end."
        ) from None


def _read_to_the_end(account: ProviderAccount, refresh: Any) -> None:
    """Read a list, or wait for the worker that reads it already."""
    run = refresh(account.pk)
    ends = time.monotonic() + LONGEST_READING
    while run.state == SyncRun.State.RUNNING and time.monotonic() < ends:
        time.sleep(0.2)
        run.refresh_from_db()
    if run.state != SyncRun.State.DONE:
        raise CommandError(f"{account}: the list of {run.what} was not read. {run.error}".strip())
