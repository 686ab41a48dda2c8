"""The histories of one certificate, read to their end, whatever number of answers that takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from providers.gateways.answers import reading
from providers.gateways.base import RawAnswer
from providers.gateways.client import Client
from providers.gateways.errors import MalformedResponse, ProviderUnavailable
from providers.gateways.exsited import wire
from providers.gateways.exsited.answers import body_of, part
from providers.gateways.exsited.slices import frame, problem_with_count
from providers.gateways.fields import FieldError, Json, items
from providers.gateways.http import Call

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[T]):
    """The entries from `offset` on, of `records` in all."""

    entries: tuple[T, ...]
    offset: int
    limit: int
    records: int

    @property
    def is_last(self) -> bool:
        return self.offset + self.limit >= self.records


def read_whole(
    client: Client, ask: Callable[[int], Call], read: Callable[[Call, RawAnswer, int], Part[T]]
) -> list[T]:
    """Every entry. ProviderUnavailable if there came or went some while it was read.

    `ask` gives the call for the entries from an offset on, `read` reads the answer to it.
    """
    entries: list[T] = []
    records, offset = None, 0
    for _ in range(wire.MOST_PAGES_OF_HISTORY):
        call = ask(offset)
        found = read(call, client.read(call), offset)
        if records not in (None, found.records):
            raise ProviderUnavailable(f"{call}: the history changed while it was read")
        entries += found.entries
        if found.is_last:
            return entries
        records, offset = found.records, offset + found.limit
    raise MalformedResponse(f"{call}: the history has no end")


def part_of(
    call: Call,
    raw: RawAnswer,
    offset: int,
    *,
    key: str,
    kind: type[Any],
    entry: Callable[[Any], T],
) -> Part[T]:
    """Read a part of a history; MalformedResponse unless every entry of it is there and read."""
    body = body_of(call, raw)
    return reading(call, lambda: _part(part(body, wire.GIFT_CERTIFICATE), offset, key, kind, entry))


def _part(told: Json, offset: int, key: str, kind: type[Any], entry: Callable[[Any], T]) -> Part[T]:
    listed = items(told, key)
    records, limit = frame(part(told, wire.PAGINATION), offset, wire.PER_SLICE)
    due = min(max(records - offset, 0), limit)
    problem = problem_with_count(len(listed), offset=offset, limit=limit, records=records)
    if problem or len(listed) != due:
        raise FieldError(problem or f"{len(listed)} entries came where {due} are due")
    entries = tuple(entry(_typed(one, kind)) for one in listed)
    return Part(entries=entries, offset=offset, limit=limit, records=records)


def _typed(told: Any, kind: type[T]) -> T:
    """The same as one of their objects; FieldError, naming keys and types, if it is none."""
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        problem = str(error)
    raise FieldError(problem)
