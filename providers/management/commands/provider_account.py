"""Connect a provider: make or change an account; credentials come on standard input."""

import json
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from providers import accounts
from providers.accounts import AccountError
from providers.gateways.strict_json import JsonError, decode_object
from providers.models import Environment, ProviderAccount
from providers.registry import PROVIDERS

LONGEST_INPUT = 64 * 1024


class Command(BaseCommand):
    """Everything is checked before anything is changed; a mistake is one sentence and exit 1."""

    help = (
        "Make a provider account, or change the one of that name. Credentials are a JSON object on "
        "standard input, never an argument; without any, a known account keeps its own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what you call the account: letters, digits, dashes")
        parser.add_argument("--provider", metavar="|".join(PROVIDERS), help="needed for a new one")
        parser.add_argument("--environment", metavar="|".join(Environment.values))
        parser.add_argument("--base-url", help="the address, without the path of the API")
        parser.add_argument("--currency", help="what the account buys in (default USD)")
        parser.add_argument("--per-minute", help="requests a minute it may send")
        parser.add_argument("--per-second", help="requests a second it may send")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=JSON",
            help="a setting, for example reference_is_unique=true; may be repeated",
        )
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--deactivate", action="store_true", help="stop using the account")
        state.add_argument("--activate", action="store_true", help="use it again")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._save(options)
        except AccountError as problem:
            raise CommandError(str(problem)) from None

    def _save(self, options: dict[str, Any]) -> None:
        known = ProviderAccount.objects.filter(name=options["name"]).first()
        account = self._change(known, options) if known else self._create(options)
        word = "Changed" if known else "Made"
        state = "" if account.is_active else " It is not active."
        self.stdout.write(
            f"{word} account {account.name}: {account.provider_label}, {account.environment}, "
            f"{account.base_url}, credentials {account.credentials_fingerprint}.{state}"
        )

    def _create(self, options: dict[str, Any]) -> ProviderAccount:
        missing = [
            f"--{name.replace('_', '-')}"
            for name in ("provider", "environment", "base_url")
            if not options[name]
        ]
        if missing:
            refuse(
                f"There is no account {options['name']!r}; to make it, add {', '.join(missing)}."
            )
        credentials = _credentials_from(sys.stdin)
        if credentials is None:
            refuse("Give the credentials as a JSON object on standard input.")
        if options["deactivate"]:
            refuse("A new account is active; make it first, then deactivate it.")
        return accounts.create_account(
            name=options["name"],
            provider=options["provider"],
            environment=options["environment"],
            credentials=credentials,
            **_values_in(options),
        )

    def _change(self, known: ProviderAccount, options: dict[str, Any]) -> ProviderAccount:
        for name in ("provider", "environment"):
            if options[name] and options[name] != getattr(known, name):
                refuse(
                    f"Account {known.name} belongs to {getattr(known, name)}; its {name} cannot "
                    "be changed. Make another account under another name."
                )
        changes = _values_in(options)
        if options["deactivate"] or options["activate"]:
            changes["is_active"] = options["activate"]
        return accounts.update_account(known, credentials=_credentials_from(sys.stdin), **changes)


def refuse(sentence: str) -> NoReturn:
    """End with a sentence; nothing was changed."""
    raise AccountError(sentence)


def _values_in(options: dict[str, Any]) -> dict[str, Any]:
    values = {name: options[name] for name in ("base_url", "currency") if options[name]}
    for name in ("per_minute", "per_second"):
        if options[name] is not None:
            values[name] = _whole_number(f"--{name.replace('_', '-')}", options[name])
    if options["set"]:
        values["settings"] = dict(_setting(text) for text in options["set"])
    return values


def _whole_number(option: str, text: str) -> int:
    if not str(text).isdecimal():
        refuse(f"{option} must be a whole number.")
    return int(text)


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    try:
        return key, json.loads(value)
    except ValueError:
        hint = "a text needs its quotes" if equals else "write it as key=value"
        return refuse(f"--set {key}: the value must be JSON; {hint}.")


def _credentials_from(stdin: Any) -> dict[str, Any] | None:
    """What stands on standard input; None if nothing does, or a terminal is there."""
    if stdin is None or stdin.isatty():
        return None
    text = stdin.read(LONGEST_INPUT + 1)
    if len(text) > LONGEST_INPUT:
        refuse("Standard input is far too long for credentials.")
    return _read_object(text) if text.strip() else None


def _read_object(text: str) -> dict[str, Any]:
    """Read what was piped in, strictly; a message never repeats it."""
    try:
        return decode_object(text.encode())
    except (JsonError, UnicodeEncodeError):
        return refuse(
            "Standard input is not a JSON object; write it like "
            '{"username": "...", "password": "..."}.'
        )
