"""The token that Exsited gives us: what it is and how long it lives; pure.

The `refresh_token` beside it is left alone: it would only save what our credentials do as well.
"""

from providers.gateways import fields
from providers.gateways.answers import reading
from providers.gateways.base import RawAnswer
from providers.gateways.client import Grant
from providers.gateways.exsited import wire
from providers.gateways.exsited.answers import body_of
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call


def token(call: Call, raw: RawAnswer) -> Grant:
    """Read a token. A life time that makes no sense counts as a minute, and is told."""
    item = body_of(call, raw)
    return reading(call, lambda: _grant(item))


def _grant(item: Json) -> Grant:
    value = fields.text(item, wire.ACCESS_TOKEN, longest=8192)
    if not wire.TOKEN.fullmatch(value):
        raise FieldError(f"{wire.ACCESS_TOKEN} is not a token")
    try:
        seconds = _life(item)
    except FieldError as problem:
        return Grant(value=value, seconds=wire.LIFE_IF_UNSAID, problem=str(problem))
    return Grant(value=value, seconds=min(seconds, wire.LONGEST_LIFE))


def _life(item: Json) -> int:
    seconds = fields.integer(item, wire.EXPIRES_IN)
    if seconds <= 0:
        raise FieldError(f"{wire.EXPIRES_IN} is not more than nothing")
    return seconds
