"""One account's traffic: budget, turnstile and breaker before the call, their lesson after it.

Reads wait up to 5 seconds for a place in the rate budget and are tried twice; writes use the slot
that was reserved for them and are sent once.

Where a provider signs us in with a token, it is there before the slot is used, so whatever goes
wrong with it, nothing was executed. A token that is refused is dropped: a read is tried again with
a new one, a write is not and says so.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol

from providers.gateways.answers import retry_after
from providers.gateways.base import RawAnswer, Slot
from providers.gateways.errors import (
    AnswerTooLong,
    NotSent,
    OutcomeUnknown,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
    TokenRefused,
)
from providers.gateways.http import Call

MAX_WAIT = 5.0  # seconds that anybody sleeps for a slot
READ_TRIES = 2
TRY_AGAIN = {502, 503, 504}

log = logging.getLogger(__name__)


class Session(Protocol):
    def exchange(self, call: Call) -> RawAnswer:
        """Send once, record, give whatever came back."""


class Budget(Protocol):
    """The rate limits of one account, shared by all processes."""

    def reserve_write(self) -> Slot:
        """Promise a time to one write; never sleeps."""

    def renew_write(self, slot: Slot) -> Slot:
        """Say when a promised write can really go, and promise that."""

    def redeem_write(self, slot: Slot, max_wait: float) -> None:
        """Sleep until the write may be sent; RateLimited if that is more than `max_wait` away."""

    def acquire_read(self, max_wait: float) -> None:
        """Sleep until a read may be sent; RateLimited if that is more than `max_wait` away."""

    def penalise(self, wait: float | None) -> None:
        """They said 429: nobody sends for `wait` seconds (None: our own growing backoff)."""


class Breaker(Protocol):
    """Whether an account may be called at all, shared by all processes."""

    def before_write(self) -> None:
        """NotSent while it is open: a purchase is never the probe."""

    def before_read(self) -> None:
        """ProviderUnavailable while it is open, but for one probe at a time."""

    def note_answer(self, status: int, call: Call) -> None:
        """Learn from a status."""

    def note_silence(self, reason: str) -> None:
        """Learn from a call that got no usable answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A token as the provider gave it, for `seconds`; `problem` says what was wrong with those."""

    value: str = field(repr=False)
    seconds: int
    problem: str = ""


def is_unauthorized(raw: RawAnswer) -> bool:
    """What most providers say to a token they do not take."""
    return raw.status == 401


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How an account gets a token; `read` may raise any ProviderError.

    `is_refusal` knows how this provider says, to any call, that it does not know who asks.
    """

    call: Call
    read: Callable[[RawAnswer], Grant]
    is_refusal: Callable[[RawAnswer], bool] = is_unauthorized


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The token in use. `serial` tells it from those before it."""

    value: str = field(repr=False)
    serial: int


class Tokens(Protocol):
    """The token of one account, shared by all processes."""

    sign_in: SignIn

    def current(self, fetch: Callable[[], Grant]) -> Token:
        """A token that is good; calls `fetch` for a new one if none is, one process at a time.

        ProviderUnavailable if there is none to be had just now, and whatever `fetch` raises.
        """

    def drop(self, token: Token) -> bool:
        """It was refused: forget it, unless another one took its place.

        True if it was so new that another one will not help.
        """


class Turnstile(Protocol):
    """How many calls to one account may be under way at a time, over all processes."""

    def passage(self, max_wait: float) -> AbstractContextManager[None]:
        """One call's place, held inside the block.

        RateLimited, nothing sent, if none becomes free within `max_wait` seconds.
        """


class Client:
    """What a gateway calls: reads and writes that keep the account's manners."""

    def __init__(
        self,
        session: Session,
        budget: Budget,
        breaker: Breaker,
        tokens: Tokens | None = None,
        turnstile: Turnstile | None = None,
    ) -> None:
        self._session = session
        self._budget = budget
        self._breaker = breaker
        self._tokens = tokens
        self._turnstile = turnstile

    def reserve_slot(self) -> Slot:
        """A place in the budget for one write; NotSent while the breaker is open."""
        self._breaker.before_write()
        return self._budget.reserve_write()

    def renew_slot(self, slot: Slot) -> Slot:
        """When a write with this slot can really go; a slot never lapses."""
        self._breaker.before_write()
        return self._budget.renew_write(slot)

    def write(self, call: Call, slot: Slot) -> RawAnswer:
        """Send one write, once. Raises what `ProviderSession.exchange` raises, and RateLimited."""
        self._breaker.before_write()
        token = self._token_for(call)
        with self._passage():
            self._budget.redeem_write(slot, MAX_WAIT)
            return self._send(call, token)

    def read(self, call: Call) -> RawAnswer:
        """Send a read; once more if the way there or a gateway failed."""
        for is_last in [False] * (READ_TRIES - 1) + [True]:
            self._breaker.before_read()
            token = self._token_for(call)
            with self._passage():
                self._budget.acquire_read(MAX_WAIT)
                try:
                    raw = self._send(call, token)
                except ProviderUnavailable as problem:
                    if is_last or isinstance(problem, AnswerTooLong):
                        raise
                    continue
            if is_last or raw.status not in TRY_AGAIN:
                break
        return raw

    def _passage(self) -> AbstractContextManager[None]:
        return self._turnstile.passage(MAX_WAIT) if self._turnstile else nullcontext()

    def _send(self, call: Call, token: Token | None) -> RawAnswer:
        if token is None or self._tokens is None:
            return self._exchange(call)
        signed = replace(call, headers={"Authorization": f"Bearer {token.value}"})
        raw = self._exchange(signed, learns=lambda raw: not self._is_refusal(raw))
        if self._is_refusal(raw):
            self._drop(self._tokens, token, raw, call)
        return raw

    def _is_refusal(self, raw: RawAnswer) -> bool:
        return self._tokens is not None and self._tokens.sign_in.is_refusal(raw)

    def _drop(self, tokens: Tokens, token: Token, raw: RawAnswer, call: Call) -> None:
        """Raise what it means: it says something about our credentials only for a new token."""
        if tokens.drop(token):
            self._learn(raw, call)
            raise ProviderMisconfigured(
                f"{call}: a new token of ours was refused ({raw.status})",
                opens_breaker=True,
                http_status=raw.status,
            )
        raise TokenRefused(f"{call}: our token was refused, it is dropped", http_status=raw.status)

    def _token_for(self, call: Call) -> Token | None:
        if self._tokens is None or call.is_public:
            return None
        return self._tokens.current(self._fetch_token)

    def _fetch_token(self) -> Grant:
        """Ask for a token; nothing was bought, whatever comes of it, so no error may say it was."""
        sign_in = self._tokens.sign_in  # type: ignore[union-attr]
        with self._passage():
            self._budget.acquire_read(MAX_WAIT)
            raw = self._exchange(sign_in.call, learns=lambda raw: not 200 <= raw.status < 300)
        try:
            return sign_in.read(raw)
        except (OutcomeUnknown, ProviderRejected) as problem:
            log.error("contract alarm, no token: %s", problem.message)
            raise ProviderUnavailable(
                f"nothing was sent, we were not signed in: {problem.message}",
                http_status=problem.http_status,
            ) from None

    def _exchange(
        self, call: Call, learns: Callable[[RawAnswer], bool] = lambda raw: True
    ) -> RawAnswer:
        try:
            raw = self._session.exchange(call)
        except AnswerTooLong:
            raise  # they are well: it says nothing about the next call
        except (NotSent, OutcomeUnknown, ProviderUnavailable) as problem:
            self._learn_silence(problem.message)
            raise
        if learns(raw):
            self._learn(raw, call)
        return raw

    def _learn(self, raw: RawAnswer, call: Call) -> None:
        """An answer that may have cost money must not be lost over our own bookkeeping."""
        try:
            if raw.status == 429:
                self._budget.penalise(retry_after(raw.headers, received=raw))
            self._breaker.note_answer(401 if self._is_refusal(raw) else raw.status, call)
        except Exception as problem:  # the answer matters more than the lesson
            log.error("%s: answer kept, bookkeeping failed: %s", call, type(problem).__name__)

    def _learn_silence(self, reason: str) -> None:
        try:
            self._breaker.note_silence(reason)
        except Exception as problem:  # the error on its way says more
            log.error("bookkeeping of a silence failed: %s", type(problem).__name__)
