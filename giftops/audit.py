"""The audit trail: `record()` in the transaction of the change, `verify()` whenever you doubt it.

Every entry carries an HMAC-SHA256 over itself and the digest of the entry before it, under a key of
its own, so an edited, removed, inserted or moved entry shows. Cutting off the end leaves a chain
that is sound in itself; it shows against the one-row head and against the anchor: a file beside
the database (`audit.anchor`) and the log, which get every committed head. Keep a copy of either
on another machine. An anchor counts if it has seen entry 1 or the entry that says a person
accepted its beginning later: one that began by itself may follow one that was deleted.
"""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.http import HttpRequest

from giftops import clock, logs
from giftops.addresses import client_address
from giftops.models import AuditEntry, AuditHead, InstanceGuard, User

log = structlog.get_logger(__name__)

BATCH = 500  # rows read at a time
ANCHOR_ACCEPTED = "audit.anchor_accepted"
ANCHOR_LINE = re.compile(r"(\d{1,18}) ([0-9a-f]{64})")

_recorded_rows: list[models.QuerySet[Any]] = [
    User.objects.exclude(role=""),
    InstanceGuard.objects.filter(released_at__isnull=False),
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: `problem` is a sentence, "" when the chain holds.

    `head` is the digest of the last entry, `anchored` the number of anchor lines compared,
    `lacks_anchor` says that this is all that is wrong.
    """

    ok: bool
    count: int
    head: str
    problem: str
    anchored: int = 0
    lacks_anchor: bool = False


class AnchorError(Exception):
    """The beginning of an anchor cannot be accepted; the message is a sentence."""


# --- Recording ----------------------------------------------------------------------------------


def record(
    action: str,
    *,
    actor: Any,
    obj: models.Model | None = None,
    outcome: str = "done",
    request: HttpRequest | None = None,
    before: Any = None,
    after: Any = None,
    **facts: Any,
) -> AuditEntry:
    """Add one entry, in the same transaction as the change it tells of.

    `actor` is a User, or None for the system itself. `before` and `after` are kept as keyed hashes
    only. Facts are cleaned like log lines: no secrets, no code-shaped numbers. Appending is serial
    until your transaction ends, so call this after its other writes.
    """
    if before is not None or after is not None:
        facts |= {"before": _fingerprint(before), "after": _fingerprint(after)}
    with transaction.atomic():
        head = _next_head()
        entry = AuditEntry(
            sequence=head.sequence,
            created_at=clock.db_now(),
            action=action[:80],
            outcome=outcome[:20],
            address=client_address(request)[:45] if request is not None else "",
            facts=_storable(facts),
            previous=head.digest,
            **_who(actor),
            **_what(obj),
        )
        entry.digest = digest_of(entry)
        entry.save(force_insert=True)
        AuditHead.objects.filter(pk=1).update(digest=entry.digest)
        transaction.on_commit(partial(_anchor, entry.sequence, entry.digest, entry.action))
    return entry


def _next_head() -> AuditHead:
    """Count the head on by one; from here to the end of the transaction nobody else appends."""
    if not AuditHead.objects.filter(pk=1).update(sequence=F("sequence") + 1):
        AuditHead.objects.bulk_create([AuditHead(pk=1)], ignore_conflicts=True)
        AuditHead.objects.filter(pk=1).update(sequence=F("sequence") + 1)
    return AuditHead.objects.get(pk=1)


def _who(actor: Any) -> dict[str, Any]:
    if not isinstance(actor, User):
        return {"actor": None, "actor_name": "", "role": ""}
    role = actor.role or ("superuser" if actor.is_superuser else "")
    return {"actor": actor, "actor_name": _text(actor.get_username(), 150), "role": role}


def _what(obj: models.Model | None) -> dict[str, str]:
    if obj is None:
        return {}
    return {
        "object_type": obj._meta.label_lower,
        "object_id": _text(str(obj.pk), 64),
        "object_label": _text(logs.clean_text(str(obj)), 200),
    }


def _storable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Turn facts into JSON that reads the same on every database."""
    stored: dict[str, Any] = json.loads(json.dumps(_plain(facts)))
    return stored


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {
                _text(str(key)): logs.HIDDEN if logs.is_secret_name(key) else _plain(item)
                for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case float():
            return repr(value)
        case models.Model():
            return _text(logs.clean_text(f"{value._meta.label_lower} {value.pk}"))
        case None | bool() | int() | bytes():
            return logs.clean(value)
        case _:
            return _text(logs.clean_text(str(value)))


def _text(text: str, longest: int = 2000) -> str:
    """Drop what PostgreSQL cannot store: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:longest]


def _fingerprint(value: Any) -> str:
    return _hmac(json.dumps(value, sort_keys=True, default=str)) if value is not None else ""


# --- The chain ----------------------------------------------------------------------------------


def digest_of(entry: AuditEntry) -> str:
    """Give the HMAC-SHA256 (64 hex characters) over the entry and the digest before it."""
    content = [
        entry.previous,
        entry.sequence,
        entry.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.action,
        entry.outcome,
        entry.actor_id,
        entry.actor_name,
        entry.role,
        entry.address,
        entry.object_type,
        entry.object_id,
        entry.object_label,
        entry.facts,
    ]
    return _hmac(json.dumps(content, sort_keys=True, separators=(",", ":")))


def _hmac(text: str) -> str:
    return hmac.new(settings.GIFTOPS_AUDIT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def verify(from_: int = 0) -> Verdict:
    """Check the chain from entry `from_` (0: from the first) to its end, head and anchor included.

    Reads 500 rows at a time and holds no lock; entries added meanwhile are left for the next time.
    """
    first = max(from_, 1)
    head = AuditHead.objects.filter(pk=1).first() or AuditHead()
    seen = dict(_anchored())
    anchors = {sequence: digest for sequence, digest in seen.items() if sequence >= first}
    last = ""
    expected = first
    if first > 1:
        last = _digest_at(first - 1)
        if not last:
            return _broken(0, "", f"Entry {first - 1} is missing.")
    for entry in _entries(first, head.sequence):
        problem = _problem(entry, expected, last) or _against_anchor(entry, anchors)
        if problem:
            return _broken(expected - first, last, problem)
        expected, last = expected + 1, entry.digest
    count = expected - first
    problem = _problem_at_the_end(expected - 1, last, head, anchors) or _emptied(head)
    anchored = len(anchors)
    if not problem and head.sequence and not _is_rooted(seen):
        return Verdict(False, count, last, _no_anchor(), anchored, lacks_anchor=True)
    return Verdict(not problem, count, last, problem, anchored)


def _entries(first: int, last: int) -> Iterator[AuditEntry]:
    while True:
        found = AuditEntry.objects.filter(sequence__gte=first, sequence__lte=last)
        page = list(found.order_by("sequence")[:BATCH])
        yield from page
        if len(page) < BATCH:
            return
        first = page[-1].sequence + 1


def _digest_at(sequence: int) -> str:
    digests = AuditEntry.objects.filter(sequence=sequence).values_list("digest", flat=True)
    return digests.first() or ""


def _broken(count: int, head: str, problem: str) -> Verdict:
    return Verdict(False, count, head, problem)


def _problem(entry: AuditEntry, expected: int, previous: str) -> str:
    if entry.sequence != expected:
        return f"Entry {expected} is missing."
    if not hmac.compare_digest(entry.digest, digest_of(entry)):
        return f"Entry {entry.sequence} was changed after it was written."
    if entry.previous != previous:
        return f"Entry {entry.sequence} does not follow the entry before it."
    return ""


def _against_anchor(entry: AuditEntry, anchors: Mapping[int, str]) -> str:
    if anchors.get(entry.sequence, entry.digest) != entry.digest:
        return f"Entry {entry.sequence} is not the one that the anchor names."
    return ""


def _problem_at_the_end(
    reached: int, digest: str, head: AuditHead, anchors: Mapping[int, str]
) -> str:
    if reached < head.sequence:
        return f"Entry {reached + 1} is missing: the head names {head.sequence} entries."
    if digest != head.digest:
        return f"The head does not name entry {reached}, the last one."
    if (furthest := max(anchors, default=0)) > reached:
        newer = AuditHead.objects.filter(pk=1, sequence__gte=furthest).exists()
        if not newer:
            return f"Entry {reached + 1} is missing: the anchor has seen {furthest} entries."
    newest = AuditEntry.objects.aggregate(models.Max("sequence"))["sequence__max"] or 0
    if newest > reached and not AuditHead.objects.filter(pk=1, sequence__gte=newest).exists():
        return f"Entry {newest} stands behind the head: it was not written here."
    return ""


def leaves_entries(rows: models.QuerySet[Any]) -> None:
    """Say that none of these rows can come to be without an entry; call it in `ready`."""
    _recorded_rows.append(rows)


def _emptied(head: AuditHead) -> str:
    """A trail without any entry, where something happened that is always recorded."""
    if head.sequence or not any(rows.all().exists() for rows in _recorded_rows):
        return ""
    return (
        "The trail is empty although people have worked here: it was deleted. Compare with your "
        "copies of the anchor and the logs, and restore a backup."
    )


# --- The anchor ---------------------------------------------------------------------------------


def anchor_path() -> Path:
    """Say where committed heads are written, one line each: "<sequence> <digest>"."""
    return Path(settings.GIFTOPS_VAR) / "audit.anchor"


def _anchor(sequence: int, digest: str, action: str) -> None:
    """Witness a committed head outside of the database; a full disk must not undo the change."""
    log.info("audited", sequence=sequence, figure=digest, action=action)
    line = f"{sequence} {digest}\n".encode()
    try:
        handle = os.open(anchor_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
    except OSError as problem:
        log.error("audit_anchor_not_written", sequence=sequence, problem=problem)


def _anchored() -> Iterator[tuple[int, str]]:
    """Read the anchor; a torn last line is skipped. Without a file there is nothing to read."""
    try:
        lines = anchor_path().read_text().splitlines()
    except FileNotFoundError:
        return  # `_is_rooted` will say so
    for line in lines:
        if match := ANCHOR_LINE.fullmatch(line):
            yield int(match[1]), match[2]


def _is_rooted(seen: Mapping[int, str]) -> bool:
    """Say whether this anchor was there from the first entry on, or accepted by a person."""
    if 1 in seen:
        return True
    accepted = AuditEntry.objects.filter(action=ANCHOR_ACCEPTED).values_list("sequence", flat=True)
    return any(sequence in seen for sequence in accepted)


def _no_anchor() -> str:
    return (
        f"There is no anchor at {anchor_path()} that was there from the start: entries cut off the "
        "end together with their head would not show. Put back your copy of it. If you know why it "
        "is gone (a restored backup, another machine), compare the last digest with your logs, "
        "then run manage.py verify_audit --accept-missing-anchor."
    )


def accept_missing_anchor() -> AuditEntry:
    """Let an anchor begin now, and record that. AnchorError unless that is all that is wrong."""
    verdict = verify()
    if not verdict.lacks_anchor:
        raise AnchorError(verdict.problem or "No anchor is missing; nothing was accepted.")
    return record(ANCHOR_ACCEPTED, actor=None, count=verdict.count, figure=verdict.head)


def last_entry_at() -> datetime | None:
    """Say when the newest entry was written (database clock), None without any."""
    return AuditEntry.objects.order_by("-sequence").values_list("created_at", flat=True).first()
