"""Reading answers, the same for every provider: what a status means, what cannot be read.

What differs between providers, the meaning of a 4xx with words in it, comes in as `refusal`: a
function that knows this provider's messages and gives the error for one of them, else None.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from providers.gateways.base import RawAnswer, UnreadableItem
from providers.gateways.errors import (
    MalformedResponse,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    UnknownRefusal,
)
from providers.gateways.fields import FieldError, Json, as_object
from providers.gateways.http import Call
from providers.gateways.strict_json import JsonError

T = TypeVar("T")

LOOK_IT_UP = {408, 409, 425}  # "later", "conflict", "too early": they may have acted
FIRST_BACKOFF = 2.0  # seconds, where they give no hint; the shared budget doubles it
LONGEST_WISH = 3600.0

Refusal = Callable[[Call, RawAnswer], ProviderError | None]


def raise_for_status(
    call: Call, raw: RawAnswer, *, refusal: Refusal, is_empty: bool = False
) -> None:
    """Return for a success with a body; raise what comes next for everything else. Pure.

    `is_empty`: this call's success is a 204 with nothing in it, and no other answer is one.
    """
    if 200 <= raw.status < 300:
        error = (_problem_with_silence if is_empty else _problem_with_success)(call, raw)
    else:
        error = _error_for(call, raw, refusal)
    if error is not None:
        raise error


def _error_for(call: Call, raw: RawAnswer, refusal: Refusal) -> ProviderError:
    status = raw.status
    if status == 429:
        wait = retry_after(raw.headers, received=raw) or FIRST_BACKOFF
        return RateLimited(f"{call}: too many requests", retry_after=wait, http_status=status)
    if 400 <= status < 500:
        return refusal(call, raw) or _refused(call, status)
    if 500 <= status < 600:
        return _no_outcome(call, raw)
    return _off_contract(call, status)


def _problem_with_success(call: Call, raw: RawAnswer) -> ProviderError | None:
    if raw.status in (204, 205) or not raw.body.strip():
        return MalformedResponse(f"{call}: {raw.status} with nothing in it", http_status=raw.status)
    return None


def _problem_with_silence(call: Call, raw: RawAnswer) -> ProviderError | None:
    if raw.status == 204 and not raw.body:
        return None
    return MalformedResponse(
        f"{call}: {raw.status} where 204 with nothing in it is due", http_status=raw.status
    )


def _refused(call: Call, status: int) -> ProviderError:
    if status in (401, 403):
        what = "our credentials were refused" if status == 401 else "we are not permitted"
        return ProviderMisconfigured(
            f"{call}: {what} ({status})", opens_breaker=True, http_status=status
        )
    if status == 404 and call.is_write:
        return ProviderMisconfigured(
            f"{call}: this address does not exist there (404); check the base URL",
            http_status=status,
        )
    if status in LOOK_IT_UP:
        return _unknown(call, status)
    if call.is_write:
        return UnknownRefusal(
            f"{call}: refused in words we do not know ({status})", http_status=status
        )
    return ProviderRejected(f"{call}: refused ({status})", http_status=status)


def _no_outcome(call: Call, raw: RawAnswer) -> ProviderError:
    return _unknown(call, raw.status, retry_after(raw.headers, received=raw))


def _unknown(call: Call, status: int, wait: float | None = None) -> ProviderError:
    sentence = f"{call}: the provider answered {status}"
    if call.is_write:
        return OutcomeUnknown(sentence, http_status=status)
    return ProviderUnavailable(sentence, retry_after=wait, http_status=status)


def _off_contract(call: Call, status: int) -> ProviderError:
    return MalformedResponse(f"{call}: answered {status}, off the contract", http_status=status)


def retry_after(headers: Mapping[str, str], *, received: RawAnswer) -> float | None:
    """Seconds they ask us to wait (RFC 9110 section 10.2.3: seconds or a date), at most an hour."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WISH)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - received.received_at).total_seconds()
    return min(max(wait, 0.0), LONGEST_WISH)


def reading(call: Call, read: Callable[[], T]) -> T:
    """What `read` gives; MalformedResponse naming the field if it could not be read."""
    try:
        return read()
    except (FieldError, JsonError) as problem:
        raise MalformedResponse(f"{call}: {problem}") from None


def sorted_out(
    listed: Iterable[Any],
    where: str,
    read: Callable[[Json], T],
    *,
    id_of: Callable[[Json], str],
) -> tuple[tuple[T, ...], tuple[UnreadableItem, ...]]:
    """Read every item: those that can be read, and those that cannot with what is wrong.

    `where` is said before the position of an item ("page 2"), `id_of` tells its id if it can.
    """
    good: list[T] = []
    bad: list[UnreadableItem] = []
    for position, item in enumerate(listed, start=1):
        try:
            good.append(read(as_object(item)))
        except (FieldError, JsonError) as problem:
            place = f"{where}, item {position}"
            named = _id_or_nothing(item, id_of)
            bad.append(UnreadableItem(position=place, problem=str(problem), external_id=named))
    return tuple(good), tuple(bad)


def _id_or_nothing(item: Any, id_of: Callable[[Json], str]) -> str:
    try:
        return id_of(as_object(item))
    except FieldError:
        return ""
