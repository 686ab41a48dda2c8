"""The rate window of one account in Redis, changed by compare-and-set.

Redis may lose everything at any time; an `epoch` in the value tells whether it did. Without the
right epoch there is no window, and the caller falls back to the database.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any, TypeVar

import redis

from providers.rates import Window

T = TypeVar("T")

TIMEOUT = 0.5  # seconds; slower than that is as good as down
TRIES = 200
# KEYS[1] the window; ARGV[1] the value we read, ARGV[2] the value we want
COMPARE_AND_SET = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  return 1
end
return 0
"""


class RedisFailed(Exception):
    """Redis did not answer, or has forgotten; the text is safe."""


class RedisWindow:
    """One account's window under `key`."""

    def __init__(self, client: redis.Redis, key: str) -> None:
        self._client = client
        self._key = key
        self._compare_and_set = client.register_script(COMPARE_AND_SET)

    def begin(self, epoch: str, window: Window) -> None:
        """Start to keep the window under a new epoch."""
        self._safely(lambda: self._client.set(self._key, _encode(epoch, window)))

    def change(self, epoch: str, change: Callable[[Window], T]) -> T:
        """Apply a change to the window, again if somebody was faster; RedisFailed if it is gone."""
        for _ in range(TRIES):
            before = self._safely(lambda: self._client.get(self._key))
            window = _decode(epoch, before)
            result = change(window)
            after = _encode(epoch, window)
            if self._safely(self._set_if, before, after):
                return result
        raise RedisFailed("too many at once")

    def _set_if(self, before: bytes, after: bytes) -> bool:
        return bool(self._compare_and_set(keys=[self._key], args=[before, after]))

    def _safely(self, work: Callable[..., T], *args: Any) -> T:
        try:
            return work(*args)
        except redis.RedisError as problem:
            raise RedisFailed(type(problem).__name__) from None


@lru_cache(maxsize=8)
def connect(url: str) -> redis.Redis:
    """A client that gives up quickly; one per process and address, with its own pool."""
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)


def _encode(epoch: str, window: Window) -> bytes:
    return json.dumps({"epoch": epoch, **asdict(window)}, separators=(",", ":")).encode()


def _decode(epoch: str, value: bytes | str | None) -> Window:
    found = json.loads(value) if value else {}
    if found.pop("epoch", None) != epoch:
        raise RedisFailed("it has forgotten the window")
    return Window(**found | {"grants": [(at, kind) for at, kind in found["grants"]]})
