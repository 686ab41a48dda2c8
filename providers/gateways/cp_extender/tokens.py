"""Reading CP Extender's tokens: JWTs that may say themselves how long they live; pure."""

from base64 import urlsafe_b64decode
from datetime import datetime
from decimal import Decimal

from providers.gateways import fields
from providers.gateways.answers import reading
from providers.gateways.base import RawAnswer
from providers.gateways.client import Grant
from providers.gateways.cp_extender import wire
from providers.gateways.cp_extender.answers import body_of
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call
from providers.gateways.strict_json import JsonError, decode_object


def token(call: Call, raw: RawAnswer) -> Grant:
    """Read a token; one that does not say when it ends is good until it is refused.

    An end that makes no sense counts as a minute, and is told.
    """
    item = body_of(call, raw)
    value = reading(call, lambda: _token(item))
    claims = _claims(value)
    if claims.get(wire.EXPIRES) is None:
        return Grant(value=value, seconds=wire.LIFE_UNTIL_REFUSED)
    try:
        seconds = _life(claims, raw.received_at)
    except FieldError as problem:
        return Grant(value=value, seconds=wire.LIFE_IF_SENSELESS, problem=str(problem))
    return Grant(value=value, seconds=min(seconds, wire.LIFE_UNTIL_REFUSED))


def is_token(value: str) -> bool:
    """Whether a text can be sent as a token at all."""
    return bool(wire.TOKEN.fullmatch(value))


def _token(item: Json) -> str:
    value = fields.text(item, wire.API_TOKEN, longest=8192)
    if not is_token(value):
        raise FieldError(f"{wire.API_TOKEN} is not a token")
    return value


def _claims(value: str) -> Json:
    """What a JWT says of itself, unproven; nothing if it cannot be read."""
    _, _, rest = value.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        return decode_object(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (JsonError, ValueError):
        return {}


def _life(claims: Json, now: datetime) -> int:
    """Seconds from its beginning to its end; from now on if it does not say when it began."""
    ends = _moment(claims, wire.EXPIRES)
    began = _moment(claims, wire.ISSUED) or _moment(claims, wire.NOT_BEFORE)
    seconds = (ends or 0) - (began or int(now.timestamp()))
    if seconds <= 0:
        raise FieldError(f"{wire.EXPIRES} is not after the beginning")
    return seconds


def _moment(claims: Json, key: str) -> int | None:
    """A time in whole seconds since 1970, None if missing or null."""
    value = claims.get(key)
    if value is None:
        return None
    if type(value) not in (int, Decimal):
        raise FieldError(f"{key} is not a time")
    return int(value)
