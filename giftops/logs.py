"""Logs that may be read by anyone who runs the machine: no code, PIN, credential or query string.

Three nets, one below the other: only listed fields are written at all, fields named like a secret
are emptied, and every text is searched for registered secrets and for what looks like a card code.
Tracebacks never show local variables.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import EventDict, Processor, WrappedLogger

from giftops.money import Money

log = structlog.get_logger(__name__)

HIDDEN = "[hidden]"
UNLISTED = "[unlisted field]"
SHORTEST_SECRET = 8  # characters; shorter ones would blank ordinary words

SECRET_NAMES = re.compile(
    r"(^|_)(code|codes|pin|pins|password|passwd|token|secret|authorization|credentials?|cookie|"
    r"csrfmiddlewaretoken|api_?key|access_?token|auth_?code|claim_?url|card_?number|body)($|_)",
    re.IGNORECASE,
)
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_CODE_SHAPED = re.compile(
    rf"(?P<uuid>{_UUID})"
    r"|(?<![0-9A-Za-z.])(?P<digits>(?:\d[ -]?){11,}\d)(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z-])(?P<groups>[A-Z0-9]{4}(?:-[A-Z0-9]{4}){2,})(?![0-9A-Za-z-])"
)
# The path of a webhook is a secret, also where somebody mistypes what stands before it.
_DOORBELL = re.compile(
    r"(?<=/webhooks/)\s*[^\s\"'<>]+|(?<=/)[0-9a-f]{64}(?![0-9a-z])", re.IGNORECASE
)
_QUERY = re.compile(r"(?<=[\w/.\-])\?[^\s\"'<>]+")

_allowed = {
    "account", "action", "address", "age_seconds", "amount", "app", "asked", "attempt", "attempts",
    "backup_at", "batch", "capability", "card", "changed", "check", "command", "correlation_id",
    "count", "currency", "deadline_seconds", "done", "duration_ms", "environment", "epoch",
    "error", "event", "exception", "failed", "fault", "fence", "figure", "file", "func",
    "func_name", "gone", "held", "host", "id", "ids", "instance", "job", "job_id", "kind",
    "lease_until", "left", "level", "limit", "line", "lineno", "logger", "message", "method",
    "missing", "name", "new", "next_due", "object", "of", "operation", "order", "order_id",
    "outcome", "page", "pages", "pathname", "pid", "port", "previous", "probe", "problem",
    "product", "progress", "provider", "purpose", "reason", "reference", "request", "request_id",
    "reservation", "result", "retry_after", "role", "route", "row", "rows", "run_after", "same",
    "seconds", "sentence", "sequence", "signal", "size", "stack", "standing", "state", "status",
    "step", "sweep", "sync_run", "table", "target", "task", "timestamp", "to", "total", "trigger",
    "until", "user", "user_agent", "user_id", "verdict", "version", "waiting", "what", "when",
    "worker",
}  # fmt: skip
_secrets: set[str] = set()
_secret_pattern: re.Pattern[str] | None = None


def allow_fields(*names: str) -> None:
    """List more field names whose values may be written (after the search for secrets)."""
    _allowed.update(names)


def keep_secret(*values: str) -> None:
    """Never write these values again, wherever they turn up; shorter than 8 characters: ignored."""
    global _secret_pattern
    fresh = {value for value in values if len(value) >= SHORTEST_SECRET} - _secrets
    if fresh:
        _secrets.update(fresh)
        longest_first = sorted(_secrets, key=len, reverse=True)
        _secret_pattern = re.compile("|".join(map(re.escape, longest_first)))


def keep_our_keys() -> None:
    """Register every key of the settings as a secret."""
    ring = [entry.partition(":")[2] for entry in settings.GIFTOPS_SEALING_KEYS]
    single = [
        settings.GIFTOPS_INDEX_KEY,
        settings.GIFTOPS_AUDIT_KEY,
        *settings.SECRET_KEY_FALLBACKS,
    ]
    try:
        single.append(settings.SECRET_KEY)
    except ImproperlyConfigured:
        log.warning("no_secret_key")  # the system checks refuse to start without it
    keep_secret(*ring, *single)


def clean_text(text: str) -> str:
    """Blank registered secrets, paths and queries, and code-shaped runs (to their last four)."""
    if _secret_pattern is not None:
        text = _secret_pattern.sub(HIDDEN, text)
    text = _DOORBELL.sub(HIDDEN, _QUERY.sub("?…", text))
    return _CODE_SHAPED.sub(_mask, text)


def clean(value: Any) -> Any:
    """Clean a value of any depth; what is not plain data is named by its type only."""
    match value:
        case str():
            return clean_text(value)
        case bool() | float() | None:
            return value
        case int():
            return value if abs(value) < 10**11 else clean_text(str(value))
        case UUID() | datetime() | date() | time() | timedelta() | Decimal() | Money():
            return str(value)
        case Mapping():
            return {str(k): HIDDEN if is_secret_name(k) else clean(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [clean(item) for item in value]
        case BaseException():
            return clean_text(f"{type(value).__name__}: {value}")
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case _:
            return f"[{type(value).__name__}]"


def is_secret_name(name: object) -> bool:
    """Say whether a field of that name may hold a secret."""
    return bool(SECRET_NAMES.search(str(name)))


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Pass on what may be written, as a structlog processor."""
    return {key: _clean_field(key, value) for key, value in event.items()}


def _clean_field(key: str, value: Any) -> Any:
    if key == "code" and type(value) is int and 100 <= value <= 599:
        return value  # the HTTP status, under the name django-structlog gives it
    if is_secret_name(key):
        return HIDDEN
    if key not in _allowed:
        return UNLISTED
    return clean(value)


def _mask(match: re.Match[str]) -> str:
    if match["uuid"]:
        return match[0]
    return "••••" + re.sub(r"[ -]", "", match[0])[-4:]


def configuration(*, level: str, style: str) -> dict[str, Any]:
    """Set structlog up and give Django's LOGGING; `style` is "json" or "console"."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            *_stamps(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "redacted": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [structlog.contextvars.merge_contextvars, *_stamps()],
                "processors": list(last_processors(style)),
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "redacted"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "django.db.backends": {"level": "INFO"},  # its DEBUG lines carry every parameter
            "django.request": {"level": "ERROR"},  # django_structlog says it once, with an id
            "urllib3": {"level": "CRITICAL"},  # its lines carry whole addresses
        },
    }


def last_processors(style: str) -> Iterable[Processor]:
    """What every line goes through, ours and other libraries' alike; redaction before writing."""
    yield structlog.stdlib.ProcessorFormatter.remove_processors_meta
    yield structlog.processors.format_exc_info  # the plain traceback: no local variables
    yield redact
    if style == "json":
        yield structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        yield structlog.dev.ConsoleRenderer(colors=False)


def _stamps() -> list[Processor]:
    return [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
