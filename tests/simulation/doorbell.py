"""The broker between jobs and workers: it loses rings, doubles them, mixes up their order."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest import mock

from giftops.queue import doorbell


class Broker:
    """What django-q2 and its broker are to us: job ids in, perhaps job ids out."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.rings: list[str] = []
        self.loses = 0.0
        self.doubles = 0.0
        self.is_down = False
        self.lost = self.doubled = 0

    def async_task(self, _function: str, job_id: str, **_options: Any) -> None:
        """Take a ring, as `django_q.tasks.async_task` would."""
        if self.is_down:
            raise ConnectionError("the broker is down")
        if self._random.random() < self.loses:
            self.lost += 1
            return
        copies = 2 if self._random.random() < self.doubles else 1
        self.doubled += copies - 1
        self.rings += [job_id] * copies

    def queue_size(self) -> int:
        """How many rings wait."""
        return len(self.rings)

    def take(self) -> str:
        """Hand out one of the rings, not always the oldest."""
        return self.rings.pop(self._random.randrange(min(3, len(self.rings))))

    @contextmanager
    def installed(self) -> Iterator["Broker"]:
        """Ring here instead of at django-q2."""
        with (
            mock.patch.object(doorbell, "async_task", self.async_task),
            mock.patch.object(doorbell, "get_broker", return_value=self),
        ):
            yield self
