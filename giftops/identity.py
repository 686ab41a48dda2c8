"""Identities: sortable ids, the references we send to providers, and the randomness beneath them.

Ids have the bits of a ULID (https://github.com/ulid/spec): 48 bits of milliseconds, then 80 random
bits. They come from no database sequence, so restoring a backup cannot hand one out twice. All
randomness passes through `entropy`, which a simulation replaces to replay a run.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from giftops import clock

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_CHARACTERS = 26
RANDOM_BITS = 80

_entropy: Callable[[int], bytes] = os.urandom


def entropy(n: int) -> bytes:
    """`n` random bytes: the operating system's, or the replaced source's."""
    return _entropy(n)


@contextmanager
def use(source: Callable[[int], bytes]) -> Iterator[None]:
    """Take all randomness of this module from `source(n)` inside the block."""
    global _entropy
    previous, _entropy = _entropy, source
    try:
        yield
    finally:
        _entropy = previous


def new_id() -> uuid.UUID:
    """A new unique id that sorts by the millisecond it was made in."""
    milliseconds = int(clock.now().timestamp() * 1000)
    return uuid.UUID(int=milliseconds << RANDOM_BITS | int.from_bytes(entropy(RANDOM_BITS // 8)))


def reference_for(uid: uuid.UUID) -> str:
    """Our reference for `uid` as providers see it: GO-<instance>-<ULID>, at most 38 characters.

    The instance is part of it, so that a copy of the database run under another name (staging)
    never speaks about production's orders.
    """
    return f"GO-{settings.GIFTOPS_INSTANCE}-{ulid(uid)}"


def ulid(uid: uuid.UUID) -> str:
    """The 26 characters of Crockford's base 32 that spell `uid`; they sort as the ids do."""
    digits = (uid.int >> shift & 31 for shift in range(5 * (ULID_CHARACTERS - 1), -1, -5))
    return "".join(CROCKFORD[digit] for digit in digits)


def jitter() -> float:
    """A random number, 0 <= x < 1, to spread retries with."""
    return (int.from_bytes(entropy(7)) >> 3) / 2**53
