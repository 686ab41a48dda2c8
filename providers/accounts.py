"""Making and changing accounts: the only door for credentials and addresses."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from giftops import audit, clock
from giftops.models import User
from giftops.money import Money, MoneyError
from giftops.sealing import SealError, blind_index
from providers.egress import Egress, EgressRefused
from providers.gateways.errors import ProviderMisconfigured
from providers.models import Environment, ProviderAccount
from providers.registry import ProviderSpec, RateLimits, UnknownProvider, spec_for

LONGEST_CREDENTIAL = 4000
CHANGEABLE = ("base_url", "currency", "per_minute", "per_second", "settings", "is_active")
KNOWN_SETTINGS: dict[str, Any] = {
    "reference_is_unique": lambda value: isinstance(value, bool),
    "debits_at": lambda value: value in ("placed", "completed"),
    "ca_file": lambda value: isinstance(value, str) and value.startswith("/"),
    "certificates_per_slice": lambda value: type(value) is int and 1 <= value <= 1000,
}

ChangeVeto = Callable[[ProviderAccount, set[str]], str]
_vetoes: list[ChangeVeto] = []


class AccountError(ValueError):
    """Something about an account is not right; the message is a sentence that says what to do."""


def before_change(veto: ChangeVeto) -> ChangeVeto:
    """Ask `veto(account, changed_fields)` before a change; a sentence it gives refuses the change.

    It gets the account as it stands, locked, inside the transaction of the change. The names are
    those of the fields, and "user_name" if other credentials sign in as somebody else (a new
    password alone is "credentials_fingerprint"). Use as a decorator, or call it in `ready`.
    """
    if veto not in _vetoes:
        _vetoes.append(veto)
    return veto


def account_mark(account: ProviderAccount) -> str:
    """Say where and as whom an account speaks, as 32 hex digits of an HMAC.

    Made of provider, environment, base URL and user name; a new password does not change it, but a
    new secret without a user name does. What was sent under one mark cannot be missed under
    another. Raises ProviderMisconfigured if the credentials cannot be opened.
    """
    place = [account.provider, account.environment, account.base_url, _user_name(account)]
    digest = hashlib.sha256(json.dumps(place).encode()).hexdigest()
    return blind_index(digest, field="provider_account.mark")[:32]


def credentials_of(account: ProviderAccount) -> dict[str, str]:
    """What the account signs in with; ProviderMisconfigured if it cannot be opened."""
    try:
        found: dict[str, str] = json.loads(account.credentials.reveal())
    except (SealError, ValueError, AttributeError):
        raise ProviderMisconfigured(
            f"{account.name}: its credentials cannot be opened; enter them again"
        ) from None
    return found


def egress_for(spec: ProviderSpec) -> Egress:
    """The places that accounts of a provider may point to."""
    documented = [host for hosts in spec.hosts.values() for host in hosts]
    return Egress.of([*documented, *settings.GIFTOPS_PROVIDER_HOSTS], allow_loopback=settings.DEBUG)


def problem_with_address(account: ProviderAccount) -> str:
    """A sentence if this account may not be called as it stands, else ""."""
    try:
        spec = spec_for(account.provider)
        egress_for(spec).check_base_url(account.base_url)
    except (UnknownProvider, EgressRefused) as problem:
        return str(problem)
    return spec.environment_problem(account.environment, account.base_url)


def create_account(
    *,
    name: str,
    provider: str,
    environment: str,
    base_url: str,
    credentials: Mapping[str, str],
    currency: str = "USD",
    per_minute: int | None = None,
    per_second: int | None = None,
    settings: Mapping[str, Any] | None = None,
    actor: User | None = None,
    request: HttpRequest | None = None,
) -> ProviderAccount:
    """Make an account, or raise AccountError with a sentence and change nothing."""
    spec = _spec(provider)
    limits = _limits(spec, environment)
    account = ProviderAccount(
        name=name,
        provider=provider,
        environment=environment,
        base_url=base_url.rstrip("/"),
        currency=currency,
        per_minute=limits.per_minute if per_minute is None else per_minute,
        per_second=limits.per_second if per_second is None else per_second,
        settings={**spec.settings.get(environment, {}), **(settings or {})},
    )
    _check(account)
    _set_credentials(account, spec, credentials)
    _save_new(account, actor, request)
    return account


def update_account(
    account: ProviderAccount,
    *,
    credentials: Mapping[str, str] | None = None,
    actor: User | None = None,
    request: HttpRequest | None = None,
    **changes: Any,
) -> ProviderAccount:
    """Change an account, or raise AccountError with a sentence and change nothing.

    `changes` are base_url, currency, per_minute, per_second, settings (merged) and is_active; the
    provider and the environment of an account never change, because its orders belong to them.
    """
    with transaction.atomic():
        earlier = ProviderAccount.objects.select_for_update().get(pk=account.pk)
        fresh = ProviderAccount.objects.get(pk=account.pk)
        _change(fresh, changes, credentials)
        before, after = _facts(earlier), _facts(fresh)
        changed = {name: value for name, value in after.items() if before[name] != value}
        if changed:
            _refuse_vetoed(earlier, set(changed) | _change_of_user(earlier, credentials))
            _save_changes(fresh, changed, actor, request)
    return fresh


def _change(
    account: ProviderAccount, changes: dict[str, Any], credentials: Mapping[str, str] | None
) -> None:
    _refuse_unknown(changes)
    if "settings" in changes:
        changes["settings"] = account.settings | changes["settings"]
    if "base_url" in changes:
        changes["base_url"] = changes["base_url"].rstrip("/")
    for name, value in changes.items():
        setattr(account, name, value)
    _check(account)
    if credentials is not None:
        _set_credentials(account, spec_for(account.provider), credentials)


def _refuse_vetoed(account: ProviderAccount, fields: set[str]) -> None:
    for veto in _vetoes:
        if sentence := veto(account, set(fields)):
            raise AccountError(sentence)


def _change_of_user(earlier: ProviderAccount, credentials: Mapping[str, str] | None) -> set[str]:
    """Give {"user_name"} if these credentials sign in as somebody else than the account did."""
    if credentials is None:
        return set()
    spec = spec_for(earlier.provider)
    try:
        is_same = _user_name(earlier) == _user_in(spec, credentials)
    except ProviderMisconfigured:  # a lost key: of the name only its end is left
        is_same = earlier.credentials_fingerprint.endswith(_shown_of_user(spec, credentials))
    return set() if is_same else {"user_name"}


def _refuse_unknown(changes: Mapping[str, Any]) -> None:
    fixed = sorted(set(changes) - set(CHANGEABLE))
    if fixed:
        raise AccountError(
            f"An account keeps its {' and '.join(fixed)}; make another account instead."
        )


def _save_changes(
    account: ProviderAccount, changed: dict[str, Any], actor: User | None, request: Any
) -> None:
    account.updated_at = clock.db_now()
    account.save()
    audit.record("provider_account.changed", actor=actor, obj=account, request=request, **changed)


def _facts(account: ProviderAccount) -> dict[str, Any]:
    """What is noted of an account in the audit trail; no secrets."""
    names = (*CHANGEABLE, "credentials_fingerprint")
    return {name: getattr(account, name) for name in names}


def _spec(provider: str) -> ProviderSpec:
    try:
        return spec_for(provider)
    except UnknownProvider as problem:
        raise AccountError(str(problem)) from None


def _limits(spec: ProviderSpec, environment: str) -> RateLimits:
    """How fast an account of that environment may ask unless told otherwise."""
    if environment not in Environment.values:
        raise AccountError(f"The environment must be one of: {', '.join(Environment.values)}.")
    return spec.limits[environment]


def _save_new(account: ProviderAccount, actor: User | None, request: HttpRequest | None) -> None:
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            audit.record(
                "provider_account.created", actor=actor, obj=account, request=request,
                provider=account.provider, environment=account.environment,
                base_url=account.base_url, credentials=account.credentials_fingerprint,
            )  # fmt: skip
    except IntegrityError:
        raise AccountError(f"There is an account {account.name!r} already.") from None


def _check(account: ProviderAccount) -> None:
    problem = _problem_with_values(account) or problem_with_address(account)
    if problem:
        raise AccountError(problem)


def _problem_with_values(account: ProviderAccount) -> str:
    try:
        validate_slug(account.name)
        Money(0, account.currency)
    except ValidationError:
        return "An account's name is made of letters, digits, dashes and underscores."
    except MoneyError as problem:
        return str(problem)
    if len(account.name) > 50:
        return "An account's name has at most 50 characters."
    for count, unit in ((account.per_minute, "minute"), (account.per_second, "second")):
        if type(count) is not int or not 1 <= count <= 100_000:
            return f"The requests per {unit} must be a whole number from 1 to 100000."
    return _problem_with_settings(account.settings)


def _problem_with_settings(values: Mapping[str, Any]) -> str:
    for key, value in values.items():
        if key not in KNOWN_SETTINGS:
            return f"There is no setting {key!r}; known are: {', '.join(KNOWN_SETTINGS)}."
        if not KNOWN_SETTINGS[key](value):
            return (
                f"The setting {key} cannot have that value: reference_is_unique is true or false, "
                'debits_at is "placed" or "completed", ca_file is an absolute path, '
                "certificates_per_slice is a whole number from 1 to 1000."
            )
    return ""


def _set_credentials(
    account: ProviderAccount, spec: ProviderSpec, credentials: Mapping[str, str]
) -> None:
    problem = _problem_with_credentials(spec, credentials)
    if problem:
        raise AccountError(problem)
    text = json.dumps(dict(credentials), sort_keys=True)
    account.credentials = text
    account.credentials_fingerprint = fingerprint(spec, credentials)


def _problem_with_credentials(spec: ProviderSpec, credentials: Mapping[str, str]) -> str:
    ways = [sorted(entry.name for entry in way) for way in spec.ways_in]
    if not isinstance(credentials, Mapping) or sorted(credentials) not in ways:
        return _what_is_wanted(spec)
    for name, value in credentials.items():
        if not isinstance(value, str) or not value or len(value) > LONGEST_CREDENTIAL:
            return f"The credential {name} must be a text that is not empty."
        if not value.isprintable() or value != value.strip():
            return f"The credential {name} holds a space at its end or a control character."
    if ":" in credentials.get("username", ""):
        return "A user name cannot hold a colon (RFC 7617)."
    return ""


def _what_is_wanted(spec: ProviderSpec) -> str:
    examples = [json.dumps({entry.name: "..." for entry in way}) for way in spec.ways_in]
    if len(examples) == 1:
        return f"The credentials of {spec.label} must be exactly: {examples[0]}."
    return f"For the credentials of {spec.label}, give either {' or '.join(examples)}, not both."


def _user_name(account: ProviderAccount) -> str:
    return _user_in(spec_for(account.provider), credentials_of(account))


def _user_in(spec: ProviderSpec, credentials: Mapping[str, str]) -> str:
    """The public part of the credentials; their fingerprint if all of them is secret."""
    public = _public_field(spec, credentials)
    return credentials[public] if public else fingerprint(spec, credentials)


def _shown_of_user(spec: ProviderSpec, credentials: Mapping[str, str]) -> str:
    """What a fingerprint ends with if the user is the same."""
    public = _public_field(spec, credentials)
    return _visible_end(credentials[public]) if public else fingerprint(spec, credentials)


def _public_field(spec: ProviderSpec, credentials: Mapping[str, str]) -> str:
    """The name of the credential that names the account, "" if they hold none."""
    entries = (entry for way in spec.ways_in for entry in way)
    public = (entry.name for entry in entries if not entry.is_secret)
    return next((name for name in public if name in credentials), "")


def _visible_end(user_name: str) -> str:
    return f"…{user_name[-4:]}"


def fingerprint(spec: ProviderSpec, credentials: Mapping[str, str]) -> str:
    """What people see of credentials: 8 hex digits of an HMAC, the end of the public part."""
    text = json.dumps(dict(credentials), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    mark = blind_index(digest, field="provider_account.credentials")[:8]
    public = _public_field(spec, credentials)
    return f"{mark} {_visible_end(credentials[public])}" if public else mark
