"""Is this installation sound? Every question once, each answer with what to do about it."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings
from django.core import checks
from django.db import connection

from giftops import append_only, audit, health, resealing
from giftops.addresses import can_be_told
from giftops.checks import TAG
from giftops.models import AuditHead

log = structlog.get_logger(__name__)

LAST_ENTRIES = 1000  # of the audit trail; `manage.py verify_audit` reads all of it

POSTGRESQL_SETTINGS = {
    # name: (is it right?, what it should be)
    "synchronous_commit": (lambda v: v in ("on", "remote_apply"), "on"),
    "transaction_isolation": (lambda v: v == "read committed", "read committed"),
    "statement_timeout": (lambda v: v != "0", "more than 0"),
    "idle_in_transaction_session_timeout": (lambda v: v != "0", "more than 0"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: what was asked, is it well, what was found, what to do if not."""

    what: str
    ok: bool
    sentence: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{'✓' if self.ok else '✗'} {self.what}: {self.sentence}"
        return line if self.ok or not self.remedy else f"{line}\n    → {self.remedy}"


Question = Callable[[], Iterator[Finding]]


def examine() -> Iterator[Finding]:
    """Ask everything, in an order in which the first ✗ is usually the cause of the others."""
    for question in QUESTIONS:
        try:
            yield from question()
        except Exception as problem:  # one broken part must not hide the others
            log.warning("not_examined", check=question.__name__, problem=problem)
            what = question.__name__.strip("_").replace("_", " ")
            yield Finding(what, False, f"could not be examined ({type(problem).__name__}).")


def _settings() -> Iterator[Finding]:
    found = [m for m in checks.run_checks(tags=[TAG]) if m.is_serious()]
    for message in found:
        yield Finding("settings", False, f"{message.id}: {message.msg}", message.hint or "")
    if not found:
        yield Finding("settings", True, "keys, times, names and limits are sound.")


def _files() -> Iterator[Finding]:
    env_file = Path(os.environ.get("GIFTOPS_ENV_FILE", settings.BASE_DIR / ".env"))
    if env_file.is_file():
        yield _private(env_file, "600")
    else:
        yield Finding(".env", True, "there is none; the environment holds the settings.")
    yield _private(settings.GIFTOPS_VAR, "700")
    if connection.vendor == "sqlite":
        database = Path(connection.settings_dict["NAME"])
        for path in (database, Path(f"{database}-wal"), audit.anchor_path()):
            if path.is_file():
                yield _private(path, "600")


def _private(path: Path, mode: str) -> Finding:
    is_private = not stat.S_IMODE(path.stat().st_mode) & 0o077
    sentence = "only you can read it." if is_private else "others on this machine can read it."
    return Finding(str(path), is_private, sentence, f"chmod {mode} {path}")


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA journal_mode")
            (journal,) = cursor.fetchone()
            cursor.execute("PRAGMA synchronous")
            (synchronous,) = cursor.fetchone()
            yield _sqlite(journal, synchronous, connection.settings_dict["OPTIONS"])
            return
        for name, (is_right, wanted) in POSTGRESQL_SETTINGS.items():
            cursor.execute(f"SHOW {name}")
            (value,) = cursor.fetchone()
            yield Finding("database", is_right(value), f"{name} is {value}.", f"Make it {wanted}.")


def _sqlite(journal: str, synchronous: int, options: dict[str, object]) -> Finding:
    ok = (journal, synchronous, options.get("transaction_mode")) == ("wal", 2, "IMMEDIATE")
    sentence = (
        f"SQLite, journal {journal}, synchronous {synchronous}, "
        f"transactions {options.get('transaction_mode', 'DEFERRED')}."
    )
    remedy = "Take the OPTIONS of giftops/settings.py: WAL, synchronous FULL (2), IMMEDIATE."
    return Finding("database", ok, sentence, remedy)


def _append_only() -> Iterator[Finding]:
    gone = append_only.missing(connection)
    sentence = f"not protected: {', '.join(gone)}." if gone else "the database refuses changes."
    yield Finding("append-only tables", not gone, sentence, "Run manage.py migrate.")


def _probes() -> Iterator[Finding]:
    for reading in health.readings():
        yield Finding(reading.name, reading.ok, reading.sentence)


def _spool() -> Iterator[Finding]:
    spool = settings.GIFTOPS_SPOOL
    place = next(path for path in (spool, *spool.parents) if path.exists())
    ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    sentence = f"{spool} can{'' if ok else 'not'} be written."
    yield Finding("spool", ok, sentence, f"Let the user of this process write to {place}.")


def _webhooks() -> Iterator[Finding]:
    """Never a fault: every order is polled, whether or not a provider may ring."""
    if can_be_told(settings.GIFTOPS_PUBLIC_URL):
        yield Finding("webhooks", True, "orders give providers an address to ring at.")
    else:
        sentence = "GIFTOPS_PUBLIC_URL is not https, so no provider is asked to ring; we poll."
        yield Finding("webhooks", True, sentence)


def _sealed_values() -> Iterator[Finding]:
    lost = resealing.count_lost()
    for column, count in lost.items():
        sentence = f"{count} values of {column} were sealed by a key that is not on the ring."
        yield Finding("sealed values", False, sentence, "Put that key back on the ring.")
    if not lost:
        yield Finding("sealed values", True, "every key that was used is on the ring.")


def _audit() -> Iterator[Finding]:
    head = AuditHead.objects.filter(pk=1).first() or AuditHead()
    verdict = audit.verify(max(1, head.sequence - LAST_ENTRIES + 1))
    sentence = verdict.problem or f"the last {verdict.count} entries are sound."
    yield Finding("audit trail", verdict.ok, sentence, "Run manage.py verify_audit; keep copies.")


QUESTIONS: tuple[Question, ...] = (
    _settings,
    _files,
    _database,
    _append_only,
    _probes,
    _spool,
    _webhooks,
    _sealed_values,
    _audit,
)
