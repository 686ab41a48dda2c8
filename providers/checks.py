"""System checks: no account may point to a host of another environment, or to one not allowed."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DatabaseError

from providers.accounts import problem_with_address
from providers.models import ProviderAccount

Messages = list[checks.CheckMessage]


def register() -> None:
    """Add the checks; the one that reads accounts runs wherever databases are checked."""
    checks.register(accounts_fit_their_environment, checks.Tags.database)


def accounts_fit_their_environment(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> Messages:
    """Refuse active accounts whose address belongs elsewhere: UAT under production, or reverse."""
    if not databases:
        return []
    return [
        checks.Error(
            f"Account {account.name}: {problem}",
            hint="Correct it with manage.py provider_account, or deactivate it.",
            id="providers.E001",
        )
        for account in _active_accounts()
        if (problem := problem_with_address(account))
    ]


def _active_accounts() -> list[ProviderAccount]:
    try:
        return list(ProviderAccount.objects.active())
    except DatabaseError:
        return []  # before the first migration there is no table, and no account either
