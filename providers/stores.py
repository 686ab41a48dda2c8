"""The rate budget of an account, shared by all processes.

The budget is kept in one place at a time, and the row of `RateWindow` says where: in
the row itself, or in Redis. When Redis fails or has forgotten, the row takes over, and because it
cannot know what Redis granted last, it grants nothing for a minute: the budget fails closed. After
five minutes Redis is tried again, and takes the row's knowledge along.

Every change is a read, a decision of `providers.rates` and a write that is refused if somebody
else came between: a row lock (SQLite: an IMMEDIATE transaction) in the database, compare-and-set
by Lua in Redis. Times are those of the database clock.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from giftops import clock
from giftops.identity import entropy, jitter
from providers import rates
from providers.gateways.base import Slot
from providers.gateways.errors import RateLimited
from providers.guards import nothing_sent_without_database, refuse_inside_transaction
from providers.models import RateWindow
from providers.rates import SECOND, Limit, Window
from providers.redis_window import RedisFailed, RedisWindow

log = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TAKE_OVER_PAUSE = 66 * SECOND  # a minute's window, the farthest grant, and a margin
TRY_REDIS_AGAIN = 300 * SECOND

T = TypeVar("T")
Change = Callable[[Window, int], T]


class MovedToRedis(Exception):
    """The window is not in the row any more."""


class RateBudget:
    """The rate limits of one account, shared by all processes and machines."""

    def __init__(
        self, account_id: UUID, limits: tuple[Limit, ...], redis: RedisWindow | None = None
    ) -> None:
        self._account_id = account_id
        self._limits = limits
        self._redis = redis

    @nothing_sent_without_database
    def reserve_write(self) -> Slot:
        """Promise a time to one write, at the end of the line; never sleeps."""
        return _slot(self._change(lambda window, now: rates.promise(window, self._limits, now)))

    @nothing_sent_without_database
    def renew_write(self, slot: Slot) -> Slot:
        """Say when a promised write can really go; its owner keeps the turn, however late."""
        promised = _micros(slot.at)
        return _slot(
            self._change(lambda window, now: rates.renew(window, self._limits, now, promised))
        )

    @nothing_sent_without_database
    def redeem_write(self, slot: Slot, max_wait: float) -> None:
        """Sleep until the write may be sent; RateLimited if that is more than `max_wait` away."""
        promised, longest = _micros(slot.at), int(max_wait * SECOND)
        self._go(
            lambda window, now: rates.grant_write(window, self._limits, now, promised, longest),
            rates.WRITE,
            longest,
        )

    @nothing_sent_without_database
    def acquire_read(self, max_wait: float) -> None:
        """Sleep until a read may be sent; RateLimited if that is more than `max_wait` away."""
        longest = int(max_wait * SECOND)
        self._go(
            lambda window, now: rates.grant_read(window, self._limits, now, longest),
            rates.READ,
            longest,
        )

    def penalise(self, wait: float | None) -> None:
        """They said 429: nobody sends for `wait` seconds (None: 2 s, doubling up to a minute)."""
        micros, spread = None if wait is None else int(wait * SECOND), jitter()
        self._change(lambda window, now: rates.penalise(window, now, micros, spread))

    def _go(self, change: "Change[tuple[int, bool]]", kind: str, longest: int) -> None:
        """Sleep until the grant; whoever misses it (slow commit, busy machine) asks again."""
        at = self._granted(change)
        clock.sleep((at - _db_micros()) / SECOND)
        while (late := _db_micros() - at) > rates.TOLERANCE:
            missed = rates.Late(at, kind, late)
            at = self._granted(
                lambda window, now, missed=missed: rates.grant_again(  # type: ignore[misc]
                    window, self._limits, now, missed, longest
                )
            )
            clock.sleep((at - _db_micros()) / SECOND)

    def _granted(self, change: "Change[tuple[int, bool]]") -> int:
        at, is_granted = self._change(change)
        if not is_granted:
            wait = max(at - _db_micros(), 0) / SECOND
            raise RateLimited("nothing was sent, our own rate limit is used up", retry_after=wait)
        return at

    # Where the window is kept

    def _change(self, change: "Change[T]") -> T:
        refuse_inside_transaction()
        while True:
            epoch, lost = self._epoch_in_redis(), None
            if epoch is not None and self._redis is not None:
                try:
                    return self._redis.change(epoch, lambda window: change(window, _db_micros()))
                except RedisFailed as problem:
                    log.error("rate budget: the database takes over from Redis, %s", problem)
                    lost = epoch
            try:
                return self._change_row(change, lost=lost)
            except MovedToRedis:
                continue  # between our look at the row and our lock on it

    def _epoch_in_redis(self) -> str | None:
        """The epoch under which Redis keeps the window; None if the row keeps it."""
        rows = RateWindow.objects.filter(pk=self._account_id, keeper=RateWindow.Keeper.REDIS)
        return rows.values_list("epoch", flat=True).first()

    @transaction.atomic
    def _change_row(self, change: "Change[T]", *, lost: str | None = None) -> T:
        """Change the window in the row; `lost` is the epoch that Redis failed to keep, if any."""
        row = self._locked_row()
        now = _db_micros()
        if row.keeper == RateWindow.Keeper.REDIS:
            if self._redis is not None and row.epoch != lost:
                raise MovedToRedis
            _take_over(row, now)
        window = _window_of(row)
        result = change(window, now)
        _store(row, window)
        if self._redis is not None and now - row.keeper_since > TRY_REDIS_AGAIN:
            _hand_over(row, window, self._redis, now)
        row.save()
        return result

    def _locked_row(self) -> RateWindow:
        rows = RateWindow.objects.select_for_update().filter(pk=self._account_id)
        row = rows.first()
        if row is None:
            RateWindow.objects.bulk_create(
                [RateWindow(account_id=self._account_id)], ignore_conflicts=True
            )
            row = rows.get()
        return row


def _take_over(row: RateWindow, now: int) -> None:
    row.keeper, row.keeper_since = RateWindow.Keeper.DATABASE, now
    row.grants, row.line = [], []
    row.blocked_until = max(row.blocked_until, now + TAKE_OVER_PAUSE)


def _hand_over(row: RateWindow, window: Window, redis: RedisWindow, now: int) -> None:
    row.keeper_since = now
    row.epoch = entropy(10).hex()
    try:
        redis.begin(row.epoch, window)
    except RedisFailed as problem:
        log.warning("rate budget: stays in the database, %s", problem)
    else:
        row.keeper = RateWindow.Keeper.REDIS


def _window_of(row: RateWindow) -> Window:
    return Window(
        grants=[(at, kind) for at, kind in row.grants],
        line=list(row.line),
        blocked_until=row.blocked_until,
        penalties=row.penalties,
    )


def _store(row: RateWindow, window: Window) -> None:
    row.grants, row.line = window.grants, window.line
    row.blocked_until, row.penalties = window.blocked_until, window.penalties
    row.version += 1


def _db_micros() -> int:
    return _micros(clock.db_now())


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _slot(micros: int) -> Slot:
    return Slot(at=_moment(micros))
