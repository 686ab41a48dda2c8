"""The journal of calls: every exchange is written down before anybody reads it.

It may hold the only copy of the codes we paid for. So each exchange is its own small transaction,
tried three times; if the database does not take it, it goes sealed to the spool.
"""

import base64
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import QuerySet

from giftops import clock
from giftops.identity import new_id
from providers import spool
from providers.gateways.base import RawAnswer
from providers.gateways.http import Exchange, Record
from providers.models import Outcome, ProviderCall

log = logging.getLogger(__name__)

PAUSES = (0.1, 0.5)  # seconds between the tries
KEPT_FOR = timedelta(days=30)
PURGE_BATCH = 500


def recorder(account_id: UUID, *, attempt_ref: str = "", subject: str = "") -> Record:
    """What a session calls with every exchange; reads carry no attempt."""

    def record(exchange: Exchange) -> None:
        attempt = attempt_ref if exchange.call.is_write else ""
        fields = _fields_of(exchange, account_id, attempt, subject)
        keep(new_id(), fields)

    return record


def keep(row: UUID, fields: spool.Fields) -> None:
    """Store one exchange durably, in the database or else in the spool."""
    for pause in (*PAUSES, None):
        try:
            return store(row, fields)
        except DatabaseError as problem:
            log.warning("the journal was not written: %s", type(problem).__name__)
            _drop_connection()
        if pause is not None:
            clock.sleep(pause)
    spool.write(row, fields)
    return None


def store(row: UUID, fields: spool.Fields) -> None:
    """Insert the row in its own transaction. A repetition changes nothing."""
    try:
        with transaction.atomic(durable=True):
            created_at = _moment(fields.get("created_at")) or clock.db_now()
            call = ProviderCall(id=row, **fields | {"created_at": created_at})
            call.request_body = _bytes(fields["request_body"])
            call.response_body = _bytes(fields["response_body"])
            call.save(force_insert=True)
    except IntegrityError:
        if not ProviderCall.objects.filter(pk=row).exists():
            raise
        # An earlier try was committed although we heard otherwise: it is there, that is enough.


def take_in(row: UUID, fields: spool.Fields) -> bool:
    """Store a spooled exchange; False if the database will never take it."""
    try:
        store(row, fields)
    except (IntegrityError, KeyError, TypeError, ValueError) as problem:
        log.error("a spooled call was refused: %s", type(problem).__name__)
        return False
    return True


def answer_to(attempt_ref: str) -> RawAnswer | None:
    """The recorded answer to the write of an attempt, None if there is none."""
    calls = ProviderCall.objects.of_attempt(attempt_ref).exclude(method="GET")
    call = calls.filter(outcome=Outcome.ANSWERED).first() if attempt_ref else None
    if call is None or call.http_status is None:
        return None
    return RawAnswer(
        status=call.http_status,
        headers=dict(call.response_headers),
        body=call.response_body.reveal_bytes() if call.response_body else b"",
        received_at=call.created_at,
    )


def purge(now: datetime) -> int:
    """Delete what is older than 30 days, in small transactions; count it."""
    count = 0
    while rows := _some_old(now):
        deleted, _ = ProviderCall.objects.filter(pk__in=rows).delete()
        count += deleted
    return count


def _some_old(now: datetime) -> list[UUID]:
    old: QuerySet[ProviderCall] = ProviderCall.objects.older_than(now - KEPT_FOR)
    return list(old.order_by("created_at").values_list("pk", flat=True)[:PURGE_BATCH])


def _fields_of(
    exchange: Exchange, account_id: UUID, attempt_ref: str, subject: str
) -> spool.Fields:
    """The row as plain JSON: bodies in base64, because the spool keeps text."""
    call, answer = exchange.call, exchange.answer
    question, body = _bodies_of(exchange)
    return {
        "account_id": str(account_id),
        "operation": call.operation,
        "method": call.method,
        "route": call.route,
        "http_status": answer.status if answer else None,
        "outcome": exchange.outcome,
        "duration_ms": exchange.duration_ms,
        "attempt_ref": attempt_ref,
        "subject": (subject or call.subject)[:64],
        "request_body": base64.b64encode(question).decode(),
        "response_body": base64.b64encode(body).decode(),
        "response_headers": dict(answer.headers) if answer else {},
        "error": exchange.error[:300],
    }


def _bodies_of(exchange: Exchange) -> tuple[bytes, bytes]:
    """What was sent and what came back, as far as it is kept for a month.

    Of a sign-in nothing is: a password or a token would outlive its use. A picture can be asked
    for again.
    """
    call, answer = exchange.call, exchange.answer
    if call.is_sign_in:
        return b"", b""
    body = answer.body if answer else exchange.partial
    kind = answer.headers.get("content-type", "") if answer else ""
    is_picture = kind.startswith("image/") and not call.is_write
    return call.body or b"", b"" if is_picture else body


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _drop_connection() -> None:
    if not connection.in_atomic_block:
        connection.close()  # it may be half dead; the next try opens a fresh one
