"""System checks: what must hold before this installation may start.

Commands run them by themselves; `giftops.wsgi` runs them too, so that no server starts with weak,
missing or equal keys (S38) or with times that let two workers buy the same order.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from giftops.money import Money, MoneyError
from giftops.sealing import KeyRing, SealError

TAG = "giftops"
SHORTEST_KEY = 43  # characters: 32 bytes in base64
FEWEST_CHARACTERS = 16  # different ones; random base64 of 32 bytes has about 30
INSTANCE = re.compile(r"[A-Z0-9]{2,8}")
WRITE_ENV = "Write a .env with fresh ones: python -m giftops.make_env"

Messages = list[checks.CheckMessage]


def _register(check: Callable[..., Messages]) -> Callable[..., Messages]:
    checks.register(check, TAG)
    return check


def _error(number: int, sentence: str, hint: str = "") -> checks.Error:
    return checks.Error(sentence, hint=hint or None, id=f"giftops.E{number:03}")


def refuse_unsound() -> None:
    """Raise ImproperlyConfigured if any of our checks finds an error; for servers."""
    found = [m for m in checks.run_checks(tags=[TAG]) if m.is_serious()]
    if found:
        raise ImproperlyConfigured("\n".join(f"{m.id}: {m.msg} {m.hint or ''}" for m in found))


@_register
def keys_are_strong(**kwargs: Any) -> Messages:
    """Refuse missing and weak keys."""
    found: Messages = [
        _error(1, f"{name} is missing or weak.", WRITE_ENV)
        for name, key in _single_keys().items()
        if not _is_strong(key)
    ]
    try:
        ring = KeyRing.parse(settings.GIFTOPS_SEALING_KEYS)
    except SealError as problem:
        return [*found, _error(2, f"GIFTOPS_SEALING_KEYS: {problem}", WRITE_ENV)]
    weak = [kid for kid, key in ring.keys.items() if len(set(key)) < FEWEST_CHARACTERS]
    return found + [_error(2, f"Sealing key {kid} is weak.", WRITE_ENV) for kid in weak]


@_register
def keys_differ(**kwargs: Any) -> Messages:
    """Refuse one key for two purposes: whoever learns one must not have the other."""
    seen: dict[bytes, str] = {}
    found: Messages = []
    for name, key in _every_key():
        other = seen.setdefault(key, name)
        if other != name and key:
            found.append(_error(3, f"{other} and {name} are the same key.", WRITE_ENV))
    return found


def _single_keys() -> dict[str, str]:
    return {
        "SECRET_KEY": _secret_key(),
        "GIFTOPS_INDEX_KEY": settings.GIFTOPS_INDEX_KEY,
        "GIFTOPS_AUDIT_KEY": settings.GIFTOPS_AUDIT_KEY,
    }


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django refuses to hand out an empty one
        return ""


def _every_key() -> list[tuple[str, bytes]]:
    named = [*_single_keys().items()]
    named += [("SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS]
    for entry in settings.GIFTOPS_SEALING_KEYS:
        kid, _, key = entry.partition(":")
        named.append((f"Sealing key {kid}", key))
    return [(name, _decoded(key)) for name, key in named]


def _decoded(key: str) -> bytes:
    """Give the bytes behind base64, so that the same key in two spellings is still the same."""
    text = key.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return key.encode()


def _is_strong(key: str) -> bool:
    is_sample = key.startswith("django-insecure-")
    return len(key) >= SHORTEST_KEY and len(set(key)) >= FEWEST_CHARACTERS and not is_sample


@_register
def times_are_in_order(**kwargs: Any) -> Messages:
    """Refuse times that would let a second worker start before the first one is surely dead."""
    cluster = settings.Q_CLUSTER
    order = (
        ("GIFTOPS_READ_DEADLINE", settings.GIFTOPS_READ_DEADLINE),
        ("GIFTOPS_WRITE_DEADLINE", settings.GIFTOPS_WRITE_DEADLINE),
        ("the worker's timeout", cluster["timeout"]),
        ("GIFTOPS_LEASE_SECONDS", settings.GIFTOPS_LEASE_SECONDS),
        ("the broker's retry", cluster["retry"]),
    )
    return [
        _error(4, f"{later} ({high} s) must be longer than {earlier} ({low} s).")
        for (earlier, low), (later, high) in zip(order, order[1:], strict=False)
        if not 0 < low < high
    ]


@_register
def instance_is_named(**kwargs: Any) -> Messages:
    """Refuse an installation without a proper name: it is part of every reference we send."""
    found: Messages = []
    if not INSTANCE.fullmatch(settings.GIFTOPS_INSTANCE):
        sentence = "GIFTOPS_INSTANCE must be 2 to 8 capital letters and digits."
        found.append(_error(5, sentence, WRITE_ENV))
    if settings.GIFTOPS_EPOCH < 1:
        found.append(_error(5, "GIFTOPS_EPOCH must be 1 or more."))
    return found


@_register
def addresses_are_safe(**kwargs: Any) -> Messages:
    """Refuse, outside DEBUG, any host header and a public address without TLS."""
    if settings.DEBUG:
        return []
    found: Messages = []
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(_error(6, "ALLOWED_HOSTS must name the hosts of this installation."))
    is_tls = urlsplit(settings.GIFTOPS_PUBLIC_URL).scheme == "https"
    if not is_tls and settings.SESSION_COOKIE_SECURE:
        found.append(_error(7, "GIFTOPS_PUBLIC_URL must begin with https://."))
    return found


@_register
def broker_is_reachable_by_name(**kwargs: Any) -> Messages:
    """Refuse a broker we do not know, and Redis without its address."""
    if settings.GIFTOPS_BROKER not in ("database", "redis"):
        return [_error(8, "GIFTOPS_BROKER must be database or redis.")]
    if settings.GIFTOPS_BROKER == "redis" and not settings.REDIS_URL:
        return [_error(8, "GIFTOPS_BROKER is redis, but REDIS_URL is not set.")]
    return []


@_register
def limits_are_amounts(**kwargs: Any) -> Messages:
    """Refuse approval limits that are no amounts of money."""
    found: Messages = []
    for currency, amount in settings.GIFTOPS_APPROVAL_LIMITS.items():
        try:
            Money.parse(amount, currency)
        except MoneyError as problem:
            found.append(_error(9, f"GIFTOPS_APPROVAL_LIMITS, {currency}: {problem}"))
    return found
