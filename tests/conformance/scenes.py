"""Every way in which an answer goes wrong that any provider can have, and what it must become.

The kinds are those of the simulators' shared library, `providers/sandbox/kinds.py`.
"""

from dataclasses import dataclass

from providers.gateways.errors import (
    AnswerMismatch,
    AnswerTooLong,
    DuplicateReference,
    InsufficientFunds,
    Maintenance,
    MalformedResponse,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    UnknownRefusal,
)
from tests.conformance.subject import Fault, Special


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`write`: what it becomes on a write, `read`: on a read; `exists`: did the write happen.

    `wait`: what `retry_after` says at least, in seconds.
    """

    name: str
    fault: Fault
    write: type[ProviderError]
    read: type[ProviderError]
    exists: bool = False
    wait: float | None = None


def _scene(
    name: str,
    write: type[ProviderError],
    read: type[ProviderError],
    *,
    kind: str = "",
    exists: bool = False,
    wait: float | None = None,
    **params: object,
) -> Scene:
    fault = Fault(kind=kind or name, params=params)
    return Scene(name=name, fault=fault, write=write, read=read, exists=exists, wait=wait)


SILENT = (
    _scene("timeout_before_commit", OutcomeUnknown, ProviderUnavailable),
    _scene("timeout_after_commit", OutcomeUnknown, ProviderUnavailable, exists=True),
    _scene("slow_drip", OutcomeUnknown, ProviderUnavailable, exists=True),
)

LOUD = (
    _scene("reset_before_commit", OutcomeUnknown, ProviderUnavailable),
    _scene("reset_after_commit", OutcomeUnknown, ProviderUnavailable, exists=True),
    _scene("half_headers", MalformedResponse, MalformedResponse, exists=True),
    _scene("truncated_json", OutcomeUnknown, ProviderUnavailable, exists=True),
    _scene("overlong_body", OutcomeUnknown, AnswerTooLong, exists=True, size=12 * 2**20),
    _scene("gzip_bomb", OutcomeUnknown, ProviderUnavailable, exists=True, mebibytes=16),
    _scene(
        "length_too_large",
        OutcomeUnknown,
        ProviderUnavailable,
        kind="wrong_content_length",
        exists=True,
        size=7,
    ),
    _scene(
        "length_too_small",
        MalformedResponse,
        MalformedResponse,
        kind="wrong_content_length",
        exists=True,
        size=-7,
    ),
    _scene("html_200", MalformedResponse, MalformedResponse, exists=True),
    _scene("empty_200", MalformedResponse, MalformedResponse, exists=True),
    _scene("no_content_204", MalformedResponse, MalformedResponse, exists=True),
    *(
        _scene(f"redirect_{status}", MalformedResponse, MalformedResponse)
        for status in (301, 302, 307, 308)
    ),
    _scene("bad_request_html", UnknownRefusal, ProviderRejected),
    _scene("http_403", ProviderMisconfigured, ProviderMisconfigured),
    _scene("rate_limited", RateLimited, RateLimited, wait=17, retry_after=17),
    _scene("rate_limited_no_hint", RateLimited, RateLimited, wait=1),
    _scene("html_502", OutcomeUnknown, ProviderUnavailable),
    *(
        _scene(f"http_{status}", OutcomeUnknown, ProviderUnavailable)
        for status in (500, 502, 503, 504)
    ),
)

# What a purchase becomes when the provider says one of its own things.
OWN_WORDS: dict[Special, tuple[type[ProviderError], bool]] = {
    Special.REFUSED: (ProviderRejected, False),
    Special.NO_FUNDS: (InsufficientFunds, False),
    Special.MAINTENANCE: (Maintenance, False),
    Special.FALSE_DUPLICATE: (DuplicateReference, False),
    Special.OTHER_REFERENCE: (AnswerMismatch, True),
    Special.OTHER_PRODUCT: (AnswerMismatch, True),
    Special.OTHER_VALUE: (AnswerMismatch, True),
    Special.OTHER_QUANTITY: (AnswerMismatch, True),
    Special.NO_ID: (MalformedResponse, True),
}
