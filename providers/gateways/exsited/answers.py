"""Reading Exsited's answers in general: status, errors, who is signed in; pure."""

from typing import Any, TypeVar

import msgspec

from providers.gateways.answers import raise_for_status, reading
from providers.gateways.base import RawAnswer
from providers.gateways.errors import ProviderError, ProviderMisconfigured
from providers.gateways.exsited import wire
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call
from providers.gateways.strict_json import JsonError, decode_object, storable

T = TypeVar("T")


def success(call: Call, raw: RawAnswer) -> bytes:
    """The body of a success; the error that the answer stands for otherwise."""
    if is_signed_out(raw):
        raise ProviderMisconfigured(
            f"{call}: our credentials were refused ({raw.status})",
            opens_breaker=True,
            http_status=raw.status,
        )
    raise_for_status(call, raw, refusal=refusal)
    return raw.body


def body_of(call: Call, raw: RawAnswer) -> Json:
    """The object in a success; the error that the answer stands for otherwise."""
    body = success(call, raw)
    return reading(call, lambda: _object_in(body))


def _object_in(body: bytes) -> Json:
    document = decode_object(body)
    storable(document)
    return document


def part(item: Json, key: str) -> Json:
    """A required object inside another one."""
    value = item.get(key)
    if not isinstance(value, dict):
        raise FieldError(f"{key} is not an object")
    return value


# --- Errors: section 4 --------------------------------------------------------------------------


def is_signed_out(raw: RawAnswer) -> bool:
    """Whether an answer says that we are not signed in, as it may in three ways: by a 401, by the
    way to a page to sign in (any 3xx, section 2), or by a 401 in words with another status."""
    return raw.status == 401 or 300 <= raw.status < 400 or _says(raw, *wire.UNAUTHORIZED)


def is_absent(raw: RawAnswer) -> bool:
    """Whether they say "there is none", in exactly these words.

    Any other 404 proves nothing: it may be a web server that does not know the path.
    """
    return raw.status == 404 and _says(raw, *wire.NO_SUCH_CERTIFICATE)


def refusal(call: Call, raw: RawAnswer) -> ProviderError | None:
    """The error for a refusal that means something of its own here, else None."""
    if not call.is_sign_in or raw.status != 404:
        return None
    return ProviderMisconfigured(
        f"{call}: this address does not exist there (404); check the base URL", http_status=404
    )


def _says(raw: RawAnswer, *words: str) -> bool:
    """Whether this is what all their errors say, and nothing else."""
    codes = _codes_in(raw)
    return bool(codes) and codes <= set(words)


def _codes_in(raw: RawAnswer) -> set[str]:
    """The codes of their errors, texts or numbers; none if the answer is not one of theirs."""
    if len(raw.body) > wire.LONGEST_ERROR:
        return set()
    try:
        listed = decode_object(raw.body).get(wire.ERRORS)
    except JsonError:
        return set()
    errors = listed if isinstance(listed, list) else []
    return {_code_of(error) for error in errors}


def _code_of(error: Any) -> str:
    code = error.get(wire.ERROR_CODE) if isinstance(error, dict) else None
    return str(code).strip().casefold() if type(code) in (str, int) else ""


# --- Typed reading ------------------------------------------------------------------------------


def decoded(decoder: "msgspec.json.Decoder[T]", content: "bytes | msgspec.Raw") -> T:
    """What there is in JSON of this type; JsonError with a safe sentence if it is none.

    Their sentences name keys and types, never what was read.
    """
    try:
        return decoder.decode(content)
    except msgspec.MsgspecError as error:
        problem = str(error)
    except UnicodeDecodeError:
        problem = "a text is not UTF-8"
    except ArithmeticError:
        problem = "a number is out of range"
    except RecursionError:
        problem = "the answer is nested too deeply"
    # Raised from here: an error that holds the text must not ride along.
    raise JsonError(problem)
