"""What every simulated provider reads from a request, and the sentence for what it cannot read."""

import json
import re
from collections.abc import Mapping
from typing import Any

from providers.sandbox.wire import Request


class BadRequest(ValueError):
    """The request is refused with 400; the text is what the provider says."""


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in a body. Raises BadRequest."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadRequest("Content-Type must be application/json")
    try:
        body = read_json(request.body)
    except ValueError:
        raise BadRequest("The body is not valid JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object")
    return body


def whole_number(query: Mapping[str, str], name: str, default: int, most: int | None) -> int:
    """A parameter that counts from 1 up to `most`. Raises BadRequest."""
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,4000}", text) or int(text) < 1:
        raise BadRequest(f"{name} must be a whole number of at least 1")
    if most is not None and int(text) > most:
        raise BadRequest(f"{name} must not be greater than {most}")
    return int(text)


def read_json(body: bytes) -> Any:
    """Strict JSON: no NaN or Infinity, no repeated key. Raises ValueError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    def never(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(body.decode(), object_pairs_hook=once, parse_constant=never)
    except RecursionError:
        raise ValueError("nested too deeply") from None
