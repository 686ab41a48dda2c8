"""Reading GiftCard Partners' answers in general: case of keys, status, errors, lists; pure."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from providers.gateways import fields
from providers.gateways.answers import raise_for_status, reading, sorted_out
from providers.gateways.base import Page, RawAnswer
from providers.gateways.errors import (
    DuplicateReference,
    InsufficientFunds,
    MalformedResponse,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    TokenRefused,
)
from providers.gateways.fields import FieldError, Json, as_object
from providers.gateways.giftcardpartners import wire
from providers.gateways.http import Call
from providers.gateways.strict_json import JsonError, decode

T = TypeVar("T")

LONGEST_REASON = 200
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_EMAIL = re.compile(r"\S+@\S+")
_SECRET = re.compile(r"[A-Za-z0-9_+/=-]{32,}")


# --- Keys in any case ---------------------------------------------------------------------------


class AnyCase(dict[str, Any]):
    """A JSON object as it came whose keys are found whatever their case.

    JsonError if two keys differ by nothing else: which one is meant cannot be told.
    """

    def __init__(self, item: Json) -> None:
        super().__init__({key: any_case(value) for key, value in item.items()})
        self._names = {key.lower(): key for key in self}
        if len(self._names) != len(self):
            raise JsonError("an object gives the same key twice, but for its case")

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(self._names.get(key.lower(), key), default)


def any_case(document: Any) -> Any:
    """The same document with every object in it an `AnyCase`."""
    match document:
        case dict():
            return AnyCase(document)
        case list():
            return [any_case(item) for item in document]
        case _:
            return document


def document_in(raw: RawAnswer) -> Any:
    """The JSON of an answer; JsonError if it is not acceptable."""
    return any_case(decode(raw.body))


def has(item: Json, key: str) -> bool:
    """Whether a key is there, null or not."""
    missing = object()
    return item.get(key, missing) is not missing


# --- Lists --------------------------------------------------------------------------------------


def page_of(call: Call, raw: RawAnswer, page: int, size: int, read: Callable[[Json], T]) -> Page[T]:
    """Read a page of a list; items that cannot be read are set aside, the others are good.

    MalformedResponse for a page that is not as full as the list is long: something is missing.
    """
    body = body_of(call, raw)
    listed = reading(call, lambda: fields.items(body, wire.DATA))
    total = reading(call, lambda: _count(body, wire.TOTAL))
    number = reading(call, lambda: fields.optional_integer(body, wire.PAGE))
    if number not in (None, page):
        raise MalformedResponse(f"{call}: asked for page {page}, got another one")
    given = reading(call, lambda: _page_size(body, size))
    due = min(max(total - (page - 1) * given, 0), given)
    if len(listed) < due:
        raise MalformedResponse(f"{call}: page {page} holds {len(listed)} of {due} items")
    good, bad = sorted_out(listed, f"page {page}", read, id_of=id_of)
    return Page(
        items=good, page=page, total_pages=max(1, -(-total // given)), unreadable=bad, total=total
    )


def _count(body: Json, key: str) -> int:
    count = fields.integer(body, key)
    if count < 0:
        raise FieldError(f"{key} is less than nothing")
    return count


def _page_size(body: Json, asked: int) -> int:
    """How many items a page of theirs has: they may give less than we ask for."""
    given = fields.optional_integer(body, wire.PAGE_SIZE)
    if given is not None and not 1 <= given <= asked:
        raise FieldError(f"{wire.PAGE_SIZE} is not from 1 to {asked}")
    return given or asked


def id_of(item: Json) -> str:
    """The id of an item that cannot be read otherwise."""
    return fields.identifier(item, wire.ID)


def part(item: Json, key: str) -> Json:
    """An object inside another one, an empty one if it is missing or null."""
    value = item.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FieldError(f"{key} is not an object")
    return value


# --- Answers in general -------------------------------------------------------------------------


def body_of(call: Call, raw: RawAnswer) -> Json:
    """The object in a success; the error that the answer stands for otherwise."""
    return reading(call, lambda: as_object(content_of(call, raw)))


def list_of(call: Call, raw: RawAnswer) -> list[Any]:
    """The bare list in a success; the error that the answer stands for otherwise."""
    content = content_of(call, raw)
    if not isinstance(content, list):
        raise MalformedResponse(f"{call}: the answer is not a list", http_status=raw.status)
    return content


def content_of(call: Call, raw: RawAnswer) -> Any:
    """The JSON in a success; the error that the answer stands for otherwise."""
    raise_for_status(call, raw, refusal=refusal)
    return reading(call, lambda: document_in(raw))


def refusal(call: Call, raw: RawAnswer) -> ProviderError | None:
    """The error for a refusal that means something of its own here (section 5), else None."""
    if call.is_sign_in:
        return _refused_sign_in(call, raw.status)
    if raw.status == 401:
        return TokenRefused(f"{call}: our token was refused", http_status=401)
    return _refused_write(call, raw) if call.is_write else None


def _refused_sign_in(call: Call, status: int) -> ProviderError | None:
    if status != 404:
        return None
    return ProviderMisconfigured(
        f"{call}: this address does not exist there (404); check the base URL", http_status=status
    )


def _refused_write(call: Call, raw: RawAnswer) -> ProviderError | None:
    """A 409 is a duplicate whoever words it; the others count only in their own JSON."""
    error = _error_in(raw)
    if raw.status == 409:
        return DuplicateReference(
            f"{call}: an order with this reference exists",
            external_ids=_previous_ids(error),
            http_status=409,
        )
    reason = _reason_in(error)
    if raw.status == 422 and error:
        return InsufficientFunds(
            f"{call}: the deposit does not cover it", reason=reason, http_status=422
        )
    if raw.status == 400 and reason:
        return ProviderRejected(f"{call}: {reason}", reason=reason, http_status=400)
    return None


def _error_in(raw: RawAnswer) -> Json:
    """Their error, an empty object if the answer is not one of theirs."""
    try:
        return as_object(document_in(raw))
    except (FieldError, JsonError):
        return {}


def _previous_ids(error: Json) -> tuple[str, ...]:
    """The orders that a conflict names; none if one of them is not an id."""
    try:
        named = fields.items(error, wire.PREVIOUS_IDS)
        return tuple(fields.identifier({wire.ID: value}, wire.ID) for value in named)
    except FieldError:
        return ()


def _reason_in(error: Json) -> str:
    """Their sentence, with what it complains of; "" if they say none.

    They may repeat what we sent, so addresses and whatever looks like a secret are left out.
    """
    try:
        message = fields.optional_text(error, wire.ERROR_MESSAGE, longest=5000)
    except FieldError:
        return ""
    listed = error.get(wire.ERROR_LIST)
    details = listed if isinstance(listed, list) else []
    texts = [message, *(text for text in details if isinstance(text, str))] if message else []
    return _safe(" ".join(texts))


def _safe(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    for pattern, word in ((_URL, "[address]"), (_EMAIL, "[e-mail]"), (_SECRET, "[left out]")):
        printable = pattern.sub(word, printable)
    short = " ".join(printable.split())
    return short if len(short) <= LONGEST_REASON else f"{short[: LONGEST_REASON - 1]}…"
