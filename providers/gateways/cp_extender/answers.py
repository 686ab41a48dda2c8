"""Reading CP Extender's answers in general: status, errors, what is absent; pure."""

import re

from providers.gateways import fields
from providers.gateways.answers import raise_for_status, reading
from providers.gateways.base import RawAnswer
from providers.gateways.cp_extender import wire
from providers.gateways.errors import (
    DuplicateReference,
    HoldIsOver,
    NotReserved,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
)
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call
from providers.gateways.strict_json import JsonError, decode, decode_object

_REFUSALS: dict[str, dict[type[ProviderRejected], wire.Sentences]] = {
    wire.RESERVE: {},
    wire.CREATE: {
        DuplicateReference: wire.ALREADY_EXISTS,
        NotReserved: wire.NOT_RESERVED,
        ProviderRejected: wire.CREATE_REFUSALS,
    },
    wire.AUTHORIZE: {ProviderRejected: wire.AUTHORIZE_REFUSALS},
    wire.CONFIRM: {HoldIsOver: wire.HOLD_IS_OVER},
    wire.CANCEL: {HoldIsOver: wire.HOLD_IS_OVER},
}


def body_of(call: Call, raw: RawAnswer) -> Json:
    """The object in a success; the error that the answer stands for otherwise."""
    raise_for_status(call, raw, refusal=refusal)
    return reading(call, lambda: decode_object(raw.body))


def part(item: Json, key: str) -> Json:
    """A required object inside another one."""
    value = item.get(key)
    if not isinstance(value, dict):
        raise FieldError(f"{key} is not an object")
    return value


def is_absent(raw: RawAnswer, words: re.Pattern[str]) -> bool:
    """Whether they say "there is none", in exactly these words.

    Any other 404 proves nothing: it may be a web server that does not know the path.
    """
    return raw.status == 404 and bool(words.fullmatch(message_in(raw)))


def refusal(call: Call, raw: RawAnswer) -> ProviderError | None:
    """The error for a refusal that means something of its own here (section 5), else None."""
    if call.is_sign_in:
        return _refused_sign_in(call, raw.status)
    return _refused_write(call, raw) if call.is_write else None


def _refused_sign_in(call: Call, status: int) -> ProviderError | None:
    if status != 404:
        return None
    return ProviderMisconfigured(
        f"{call}: this address does not exist there (404); check the base URL", http_status=status
    )


def _refused_write(call: Call, raw: RawAnswer) -> ProviderError | None:
    status, told = raw.status, message_in(raw).casefold()
    for error, known in _REFUSALS[call.route].items():
        said = (text for code, text in known if code == status and text.casefold() in told)
        if reason := next(said, ""):
            return error(f"{call}: {reason}", reason=reason, http_status=status)
    code, reason = wire.PLAIN_REFUSAL
    if call.route in wire.REFUSES_PLAINLY and (status, told) == (code, reason.casefold()):
        return ProviderRejected(f"{call}: {reason}", reason=reason, http_status=status)
    return None


def message_in(raw: RawAnswer) -> str:
    """Their sentence on one line: from their JSON, or plain; "" for a web page or nothing."""
    try:
        document = decode(raw.body)
    except JsonError:
        document = _plain_text(raw.body)
    if isinstance(document, dict):
        document = _message_of(document)
    return " ".join(document.split()) if isinstance(document, str) else ""


def _message_of(document: Json) -> str:
    try:
        texts = [fields.optional_text(document, key) for key in wire.MESSAGE_KEYS]
    except FieldError:
        return ""
    return next(filter(None, texts), "")


def _plain_text(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    is_sentence = len(text) <= wire.LONGEST_MESSAGE and not wire.MARKUP.search(text)
    return text if is_sentence else ""
