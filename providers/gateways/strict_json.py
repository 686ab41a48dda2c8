"""JSON without the liberties of the standard library (RFC 8259).

Refused: NaN and Infinity, numbers too big to be true (1e400), a key given twice, deep nesting,
anything that is not UTF-8. Numbers with a point or an exponent become `Decimal`, never float, and
decimals are written as they are.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_DIGITS = 40  # of one number, exponent included
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class JsonError(ValueError):
    """Not JSON we accept; the sentence never repeats what was read."""


def decode(body: bytes) -> Any:
    """Read one JSON document; JsonError with a safe sentence if it is not acceptable."""
    document, problem = _load(body)
    if problem:
        # Raised from here: the library's own error holds the whole text and must not ride along.
        raise JsonError(problem)
    _check_depth(document)
    return document


def _load(body: bytes) -> tuple[Any, str]:
    try:
        return json.loads(body.decode("utf-8"), **_STRICTLY), ""
    except UnicodeDecodeError:
        return None, "the answer is not UTF-8"
    except json.JSONDecodeError as error:
        return None, f"the answer is not JSON (position {error.pos})"
    except RecursionError:
        return None, "the answer is nested too deeply"
    except JsonError as error:
        return None, str(error)


def decode_object(body: bytes) -> dict[str, Any]:
    """Read one JSON object; JsonError for any other document."""
    document = decode(body)
    if not isinstance(document, dict):
        raise JsonError(f"the answer is not an object but {_kind(document)}")
    return document


def encode(value: Any) -> bytes:
    """Write JSON with exact decimals, which the standard encoder could only write as floats."""
    return _written(value).encode()


def _written(value: Any) -> str:
    match value:
        case dict():
            pairs = (f"{_written(key)}:{_written(item)}" for key, item in value.items())
            return "{" + ",".join(pairs) + "}"
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case Decimal():
            return f"{value:f}"
        case _:
            return json.dumps(value)


def storable(value: Any) -> Any:
    """The same document with decimals as text, for a JSON column.

    JsonError for characters that PostgreSQL cannot store (NUL, lone surrogates).
    """
    match value:
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case list():
            return [storable(item) for item in value]
        case Decimal():
            return str(value)
        case str() if _UNSTORABLE.search(value):
            raise JsonError("a text holds characters that cannot be stored")
        case _:
            return value


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise JsonError("a number is out of range") from None
    if len(text) > MAX_DIGITS or abs(number.adjusted()) > MAX_DIGITS:
        raise JsonError("a number is out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise JsonError("a number is out of range")
    return int(text)


def _no_constant(text: str) -> NoReturn:
    raise JsonError("NaN and Infinity are not JSON")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise JsonError("an object gives the same key twice")
    return result


_STRICTLY: dict[str, Any] = {
    "parse_float": _decimal,
    "parse_int": _integer,
    "parse_constant": _no_constant,
    "object_pairs_hook": _unique_pairs,
}


def _check_depth(document: Any) -> None:
    layer, depth = [document], 0
    while layer:
        depth += 1
        if depth > MAX_DEPTH:
            raise JsonError("the answer is nested too deeply")
        layer = [item for value in layer for item in _children(value)]


def _children(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return []
    return [child for child in children if isinstance(child, dict | list)]


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
