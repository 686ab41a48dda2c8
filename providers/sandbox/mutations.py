"""Twelve ways in which a well-formed answer can break its schema."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from providers.sandbox.wire import Reply, dump

Holder = tuple[Any, Any]  # a dictionary or list, and the key in it

MUTATIONS = {
    "null": "a text becomes null",
    "bool": "a number becomes true",
    "string_number": "a number becomes a string of digits",
    "nan": "a number becomes NaN (not JSON, yet Python reads it)",
    "nested": "a number becomes an object around it",
    "missing": "a text field is left out",
    "extra": "fields that nobody described, deep and named like built-ins",
    "duplicate_key": "a number is there twice, the second time larger by one",
    "huge_int": "a number becomes 10**30",
    "unicode": "a text gets full-width digits, a zero-width space and a right-to-left mark",
    "negative": "a number becomes negative",
    "float": "a number gets a remainder of 0.005",
}
ON_TEXT = frozenset({"null", "missing", "unicode"})
TWICE = "\ue000twice\ue000"  # marks the second of two equal keys until the text is written
FULL_WIDTH = {ord(str(digit)): 0xFF10 + digit for digit in range(10)}


@dataclass(frozen=True, slots=True)
class Targets:
    """The fields that a provider's answers stand or fall with, most important first."""

    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def mutate(reply: Reply, name: str, targets: Targets, field: str | None = None) -> Reply | None:
    """The reply with one field changed: `field`, else the first of `targets` that it has.

    None when the reply is no success or has no such field.
    """
    value = decoded(reply)
    if not isinstance(value, dict | list):
        return None
    if name == "extra":
        return _with_extra(reply, value)
    found = _spot(value, name, targets, field)
    if found is None:
        return None
    CHANGES[name](*found)
    return replace(reply, body=dump(value).replace(TWICE.encode(), b""))


def _with_extra(reply: Reply, value: Any) -> Reply | None:
    holders = value if isinstance(value, list) else [value]
    if not holders:
        return None
    holders[0] |= {"unexpectedField": {"deep": [1, {"er": None}]}, "__class__": "constructor"}
    return replace(reply, body=dump(value))


def _spot(value: Any, name: str, targets: Targets, field: str | None) -> Holder | None:
    if field:
        return next(find(value, field), None)
    wanted, kind = (targets.texts, str) if name in ON_TEXT else (targets.numbers, (int, float))
    spots = (spot for one in wanted for spot in find(value, one))
    return next((spot for spot in spots if isinstance(spot[0][spot[1]], kind)), None)


def decoded(reply: Reply) -> Any:
    """The body of a successful JSON reply, or None."""
    if reply.status not in (200, 201):
        return None
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def find(value: Any, wanted: str) -> Iterator[Holder]:
    """Every place where `wanted` is a key with a value, outermost first."""
    if isinstance(value, dict):
        if value.get(wanted) is not None:
            yield value, wanted
        for inner in value.values():
            yield from find(inner, wanted)
    elif isinstance(value, list):
        for inner in value:
            yield from find(inner, wanted)


def _put(change: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    def apply(holder: Any, key: Any) -> None:
        holder[key] = change(holder[key])

    return apply


def _drop(holder: Any, key: Any) -> None:
    del holder[key]


def _repeat(holder: Any, key: Any) -> None:
    holder[key + TWICE] = _number(holder[key]) + 1


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) else 0


CHANGES: dict[str, Callable[[Any, Any], None]] = {
    "null": _put(lambda _value: None),
    "bool": _put(lambda _value: True),
    "string_number": _put(str),
    "nan": _put(lambda _value: float("nan")),
    "nested": _put(lambda value: {"value": value}),
    "missing": _drop,
    "duplicate_key": _repeat,
    "huge_int": _put(lambda _value: 10**30),
    "unicode": _put(lambda value: "\u200f" + str(value).translate(FULL_WIDTH) + "\u200b"),
    "negative": _put(lambda value: -_number(value)),
    "float": _put(lambda value: _number(value) + 0.005),
}
