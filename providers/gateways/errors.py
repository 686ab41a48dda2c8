"""What can go wrong with a provider, named by what to do next.

ProviderError                       carries only text that is safe to log, store and show
├── ProviderUnavailable             nothing happened over there: try again later
│   ├── NotSent                     the request never left us
│   ├── TokenRefused                our token was not taken and is dropped: again with a new one
│   ├── AnswerTooLong               a read brought more than we take in: ask for less at a time
│   ├── RateLimited                 too many requests, theirs (429) or our own budget
│   └── Maintenance                 they are closed for at least ten minutes
├── ProviderRejected                they understood and said no: final, tell a human
│   ├── InsufficientFunds           the deposit does not cover it: the same again once it does
│   ├── DuplicateReference          refused because the reference was seen before: look it up
│   ├── NotReserved                 the number is not (or no longer) reserved for us: never again
│   ├── HoldIsOver                  the hold was finished the other way, or is not there
│   └── UnknownRefusal              a refusal of a write in words we do not know: look it up
├── ProviderMisconfigured           our key or set-up is wrong: stop this provider
└── OutcomeUnknown                  they may have acted: look it up, then decide
    └── MalformedResponse           they answered, we could not read it: raise the alarm
        └── AnswerMismatch          readable, but about another order than the one we sent

The meaning of a class does not depend on whether an earlier attempt is still unresolved; that
bit belongs to the caller, who must not classify without it (`orders/decisions.py`).

For a read nothing can have happened over there, so what would be unknown for a write is
`ProviderUnavailable`, an unreadable answer stays `MalformedResponse`, and every other 4xx is
`ProviderRejected`.

Messages are made of operation names, route templates ("/orders/{transactionId}") and numbers.
They never hold a filled address, a body, a card code or a credential; errors are raised `from
None`, so that no library exception with an address in it travels along.
"""


class ProviderError(Exception):
    """Base of everything a gateway raises; `str()` of it is safe to log, store and show.

    `http_status` is the status that came back, None if none did.
    """

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status


class ProviderUnavailable(ProviderError):
    """Nothing happened over there: try again later, not before `retry_after` seconds if given."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.retry_after = retry_after


class NotSent(ProviderUnavailable):
    """No byte of the request left us: name not resolved, connection refused, TLS refused, address
    not allowed, or the circuit breaker is open."""


class TokenRefused(ProviderUnavailable):
    """The token we signed in with was refused before anything was executed; it is dropped."""


class AnswerTooLong(ProviderUnavailable):
    """A read was answered with more than we take in: the same again brings the same again."""


class RateLimited(ProviderUnavailable):
    """Too many requests: their 429, or our own budget said "not yet" and nothing was sent."""


class Maintenance(ProviderUnavailable):
    """They are closed for repairs; `retry_after` is at least 600 seconds."""

    MINIMUM_WAIT = 600.0

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        http_status: int | None = None,
    ) -> None:
        wait = max(self.MINIMUM_WAIT, retry_after or 0.0)
        super().__init__(message, retry_after=wait, http_status=http_status)


class ProviderRejected(ProviderError):
    """They understood and said no. On a first attempt this is final.

    `reason` is the provider's own sentence, from the table of known messages only.
    """

    def __init__(self, message: str, *, reason: str = "", http_status: int | None = None) -> None:
        super().__init__(message, http_status=http_status)
        self.reason = reason


class InsufficientFunds(ProviderRejected):
    """The deposit did not cover it and nothing was bought; the reference may be used again."""


class DuplicateReference(ProviderRejected):
    """Refused because an order with this reference exists: whose, only a look-up can tell.

    `external_ids` are the orders they name, if they do.
    """

    def __init__(
        self,
        message: str,
        *,
        external_ids: tuple[str, ...] = (),
        reason: str = "",
        http_status: int | None = None,
    ) -> None:
        super().__init__(message, reason=reason, http_status=http_status)
        self.external_ids = external_ids


class NotReserved(ProviderRejected):
    """The number is not reserved for us, or no longer is: somebody else may have it by now."""


class HoldIsOver(ProviderRejected):
    """The hold cannot be finished: it was finished the other way, or they do not know it."""


class UnknownRefusal(ProviderRejected):
    """A write was refused in words we do not know: it is not proven that nothing was bought."""


class ProviderMisconfigured(ProviderError):
    """Our key, our permissions or our base URL are wrong; nothing was executed.

    `opens_breaker`: every further call would fail too (401, 403), so stop calling this account.
    """

    def __init__(
        self, message: str, *, opens_breaker: bool = False, http_status: int | None = None
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.opens_breaker = opens_breaker


class OutcomeUnknown(ProviderError):
    """The request left us and no usable answer came: look it up, then decide. Never "failed"."""

    is_contract_alarm = False


class MalformedResponse(OutcomeUnknown):
    """They answered something the contract does not know. For a write the outcome is unknown."""

    is_contract_alarm = True


class AnswerMismatch(MalformedResponse):
    """A valid answer about another reference, product, amount, quantity or currency than ours."""
