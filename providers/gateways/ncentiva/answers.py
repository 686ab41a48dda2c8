"""Reading Ncentiva's answers in general: status, errors, envelopes of lists; pure."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from providers.gateways import fields
from providers.gateways.answers import raise_for_status, reading, sorted_out
from providers.gateways.base import Page, RawAnswer
from providers.gateways.errors import (
    DuplicateReference,
    Maintenance,
    MalformedResponse,
    ProviderError,
    ProviderRejected,
)
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call
from providers.gateways.ncentiva import wire
from providers.gateways.strict_json import JsonError, decode_object

T = TypeVar("T")


# --- Lists --------------------------------------------------------------------------------------


def page_of(call: Call, raw: RawAnswer, page: int, read: Callable[[Json], T]) -> Page[T]:
    """Read a page of a list; items that cannot be read are set aside, the others are good."""
    body = body_of(call, raw)
    listed = reading(call, lambda: fields.items(body, wire.DATA))
    total_pages = reading(call, lambda: fields.integer(body, wire.TOTAL_PAGES))
    number = reading(call, lambda: fields.optional_integer(body, wire.PAGE))
    if number not in (None, page):
        raise MalformedResponse(f"{call}: asked for page {page}, got another one")
    if not listed and page < total_pages:
        raise MalformedResponse(f"{call}: page {page} of {total_pages} is empty")
    good, bad = sorted_out(listed, f"page {page}", read, id_of=_id_of)
    return Page(
        items=good,
        page=page,
        total_pages=total_pages,
        unreadable=bad,
        total=reading(call, lambda: fields.optional_integer(body, wire.TOTAL_RECORDS)),
    )


def _id_of(item: Json) -> str:
    found = fields.optional_integer(item, wire.TYPE_ID)
    return "" if found is None else str(found)


# --- Answers in general -------------------------------------------------------------------------


def body_of(call: Call, raw: RawAnswer) -> dict[str, Any]:
    """The object in a success; the error that the answer stands for otherwise."""
    raise_for_status(call, raw, refusal=refusal)
    return reading(call, lambda: decode_object(raw.body))


def refusal(call: Call, raw: RawAnswer) -> ProviderError | None:
    """The error for one of the documented messages (contract section 7), else None.

    Maintenance is a 400 that only its text tells from a refusal.
    """
    if raw.status != 400:
        return None
    message = _message(raw)
    if wire.MAINTENANCE.search(message):
        return Maintenance(f"{call}: the provider is under maintenance", http_status=400)
    if not call.is_write:
        return None
    if wire.DUPLICATE.search(message):
        return DuplicateReference(f"{call}: an order with this reference exists", http_status=400)
    if any(known.fullmatch(message) for known in wire.KNOWN_REFUSALS):
        return ProviderRejected(f"{call}: {message}", reason=message, http_status=400)
    return None


def plain_message(raw: RawAnswer) -> str:
    """Their error message without case and final point, for exact comparison."""
    return _message(raw).casefold().rstrip(".!")


def _message(raw: RawAnswer) -> str:
    """Their error message, "" if the answer is not one of their errors."""
    try:
        body = decode_object(raw.body)
        texts = [fields.optional_text(body, key) for key in wire.MESSAGE_KEYS]
    except (FieldError, JsonError):
        return ""
    return re.sub(r"\s+", " ", next(filter(None, texts), ""))
