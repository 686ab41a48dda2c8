"""Slices of Exsited's book, cut out of the answer without reading the certificates in them; pure.

Of an item only its uuid is looked at. What stands around the items is read strictly: it decides
where the book ends.
"""

import msgspec

from providers.gateways import fields
from providers.gateways.answers import reading
from providers.gateways.base import RawAnswer, RawItem, Slice, UnreadableItem
from providers.gateways.errors import AnswerMismatch, MalformedResponse
from providers.gateways.exsited import wire
from providers.gateways.exsited.answers import decoded, is_absent, part, success
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call
from providers.gateways.strict_json import JsonError, decode_object

_BOOK = msgspec.json.Decoder(wire.Book)
_SINGLE = msgspec.json.Decoder(wire.Single)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_NAMED = msgspec.json.Decoder(wire.Named)


def slice_of(call: Call, raw: RawAnswer, *, offset: int, limit: int) -> Slice:
    """Cut a slice into items; MalformedResponse for whatever is not the one that was asked for."""
    body = success(call, raw)
    items, around = reading(call, lambda: _cut(body))
    records, given = reading(call, lambda: frame(part(around, wire.PAGINATION), offset, limit))
    problem = problem_with_count(len(items), offset=offset, limit=given, records=records)
    if problem:
        raise MalformedResponse(f"{call}: {problem}", http_status=raw.status)
    good, bad = _sorted_out(items, offset)
    return Slice(items=good, offset=offset, limit=given, records=records, unreadable=bad)


def single(call: Call, raw: RawAnswer) -> RawItem | None:
    """Cut one certificate out; None if they say that there is none, AnswerMismatch for another."""
    if is_absent(raw):
        return None
    body = success(call, raw)
    item = reading(call, lambda: _item(_cut_single(body)))
    if item.external_id != call.ids[wire.UUID]:
        raise AnswerMismatch(f"{call}: another certificate came", http_status=raw.status)
    return item


def _cut(body: bytes) -> tuple[list[msgspec.Raw], Json]:
    """The items as they stand there, and what stands around them."""
    listed = decoded(_BOOK, body).gift_certificates
    return decoded(_ITEMS, listed), _around(body, listed)


def _cut_single(body: bytes) -> msgspec.Raw:
    item = decoded(_SINGLE, body).gift_certificate
    _around(body, item)
    return item


def _around(body: bytes, inner: msgspec.Raw) -> Json:
    """The answer with nothing in the place of what was cut out: no key is there twice."""
    return decode_object(body.replace(bytes(inner), b"null", 1))


# --- What stands around items -------------------------------------------------------------------


def frame(pagination: Json, offset: int, limit: int) -> tuple[int, int]:
    """How many records there are, and how many this answer may hold; numbers or texts.

    Links to other pages are not even looked at: some are the word "NULL", and none is followed.
    """
    if _count(pagination, wire.OFFSET) != offset:
        raise FieldError(f"{wire.OFFSET} is not the one that was asked for")
    given = _count(pagination, wire.LIMIT)
    if not 1 <= given <= limit:
        raise FieldError(f"{wire.LIMIT} is not from 1 to {limit}")
    return _count(pagination, wire.RECORDS), given


def problem_with_count(count: int, *, offset: int, limit: int, records: int) -> str:
    """A sentence if so many items cannot be the part of a list that it is said to be, else "".

    More than there are said to be is none while there is room for more: the list ends here.
    """
    if count > limit:
        return f"{count} items came where at most {limit} are due"
    if count == limit and offset + count > records:
        return "there are more items than there are said to be, and perhaps others behind them"
    if not count and offset < records:
        return "nothing came although there is more"
    return ""


def _count(item: Json, key: str) -> int:
    value = item.get(key)
    if isinstance(value, str) and wire.COUNT.fullmatch(value):
        return int(value)
    count = fields.integer(item, key)
    if not 0 <= count <= wire.MOST_RECORDS:
        raise FieldError(f"{key} is not a count")
    return count


# --- Items --------------------------------------------------------------------------------------


def _sorted_out(
    items: list[msgspec.Raw], offset: int
) -> tuple[tuple[RawItem, ...], tuple[UnreadableItem, ...]]:
    good: list[RawItem] = []
    bad: list[UnreadableItem] = []
    for position, item in enumerate(items, start=1):
        try:
            good.append(_item(item))
        except (FieldError, JsonError) as problem:
            place = f"offset {offset}, item {position}"
            bad.append(UnreadableItem(position=place, problem=str(problem)))
    return tuple(good), tuple(bad)


def _item(item: msgspec.Raw) -> RawItem:
    """One item with its name; of a uuid that is there twice the last counts, here and later."""
    uuid = decoded(_NAMED, item).uuid
    if not wire.NAME.fullmatch(uuid):
        raise FieldError(f"{wire.UUID} is not an id")
    return RawItem(uuid, bytes(item))
