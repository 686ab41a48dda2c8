"""One true answer, broken in one place: every field, every wrong type."""

import copy
import json
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]

FOR_TEXT: tuple[Any, ...] = (None, "", True, 7, 7.5, [], {}, ["x"], {"value": "x"}, "a\x00b")
FOR_NUMBER: tuple[Any, ...] = (None, "", "25", True, [], {}, {"value": 25}, float("nan"))
FOR_FLAG: tuple[Any, ...] = (None, "true", 1, [], {})
FOR_OBJECT: tuple[Any, ...] = (None, "", "x", 7, True, [], ["x"])
FOR_LIST: tuple[Any, ...] = (None, "", "x", 7, True, {}, {"value": []})


def broken(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Where and how, with the whole answer; of a list only the first item is broken."""
    document = json.loads(body)
    for path, value in _fields(document, ()):
        for wrong in _wrong_for(value):
            yield f"{_named(path)} = {wrong!r}", _dump(_with(document, path, wrong))
        if path and isinstance(path[-1], str):
            yield f"{_named(path)} left out", _dump(_without(document, path))


def with_more_fields(body: bytes) -> bytes:
    """The same answer with fields that nobody described, in every object."""
    document = json.loads(body)
    for path, value in [((), document), *_fields(document, ())]:
        if isinstance(value, dict):
            _at(document, path).update(unexpectedField={"deep": [1, {"er": None}]}, __class__="x")
    return _dump(document)


def with_a_key_twice(body: bytes) -> bytes:
    """The same answer with its first key given twice."""
    text = body.strip()
    if not text.startswith(b"{"):
        text, rest = text.split(b"{", 1)
        return text + b'{"twice":1,"twice":2,' + rest
    return b'{"twice":1,"twice":2,' + text[1:]


def _fields(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _fields(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from _fields(value[0], (*path, 0))


def _wrong_for(value: Any) -> tuple[Any, ...]:
    match value:
        case bool():
            return FOR_FLAG
        case int() | float():
            return (*FOR_NUMBER, value + 0.005)
        case dict():
            return FOR_OBJECT
        case list():
            return FOR_LIST
        case None:
            return (True, 7.5, [], {}, ["x"])
        case _:
            return FOR_TEXT


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _with(document: Any, path: Path, wrong: Any) -> Any:
    changed = copy.deepcopy(document)
    _at(changed, path[:-1])[path[-1]] = wrong
    return changed


def _without(document: Any, path: Path) -> Any:
    changed = copy.deepcopy(document)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def _dump(document: Any) -> bytes:
    return json.dumps(document).encode()


def _named(path: Path) -> str:
    return ".".join(str(step) for step in path)
