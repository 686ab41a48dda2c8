"""How many calls to an account may be under way at a time: one row for each place.

Who wants to call takes a free place by compare-and-set and gives it back afterwards. A place is
held on a lease that is longer than the longest call, so a process that dies holds nobody up for
long. Times are those of the database clock.

A place stays taken until its lease ends even where its holder is known to be dead (a process id
that is gone, say). What is counted are the calls that the provider, a till at a merchant's, has to
work on at a time, and it goes on with one whose caller has died; nobody can tell when that was
begun, or whether it was. A place that is free at once would let four calls come together there, in
the very moment in which something is wrong. What must wait meanwhile is told so before anything is
sent, and comes back by itself. A worker that is told to stop gives its places back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.db.models import Q, QuerySet

from giftops import clock
from giftops.identity import new_id
from providers.gateways.errors import RateLimited
from providers.guards import nothing_sent_without_database, refuse_inside_transaction
from providers.models import CallPermit

log = structlog.get_logger(__name__)

STEP = 0.1  # seconds between two looks for a free place
MARGIN = timedelta(seconds=20)  # beside the call: its turn in the rate budget, its journal
AGAIN = 2.0  # seconds after which it is worth trying again


class Turnstile:
    """The places of one account; see `gateways.client.Turnstile`."""

    def __init__(self, account_id: UUID, places: int, longest_call: timedelta) -> None:
        self._account_id = account_id
        self._places = range(1, places + 1)
        self._lease = longest_call + MARGIN

    @contextmanager
    def passage(self, max_wait: float) -> Iterator[None]:
        """Hold a place inside the block; RateLimited if none is free within `max_wait` seconds."""
        holder = new_id().hex
        number = self._enter(holder, max_wait)
        try:
            yield
        finally:
            self._leave(holder, number)

    @nothing_sent_without_database
    def _enter(self, holder: str, max_wait: float) -> int:
        """Take a place, or wait for one; its number."""
        refuse_inside_transaction()
        self._make_places()
        waited = 0.0
        while (number := self._take_any(holder)) is None:
            if waited >= max_wait:
                raise RateLimited(
                    "nothing was sent, as many calls as may be are under way", retry_after=AGAIN
                )
            clock.sleep(STEP)
            waited += STEP
        return number

    def _take_any(self, holder: str) -> int | None:
        now = clock.db_now()
        free = self._free(now).order_by("number").values_list("number", flat=True)
        return next((number for number in list(free) if self._take(number, holder, now)), None)

    def _take(self, number: int, holder: str, now: datetime) -> bool:
        place = self._free(now).filter(number=number)
        return place.update(holder=holder, held_until=now + self._lease) == 1

    def _free(self, now: datetime) -> QuerySet[CallPermit]:
        """The free places; what is held far into the future was before a clock was set back."""
        is_over = Q(held_until__lte=now) | Q(held_until__gt=now + 2 * self._lease)
        mine = CallPermit.objects.filter(account=self._account_id, number__in=self._places)
        return mine.filter(Q(held_until__isnull=True) | is_over)

    def _make_places(self) -> None:
        known = CallPermit.objects.filter(account=self._account_id, number__in=self._places)
        if known.count() == len(self._places):
            return
        rows = [CallPermit(account_id=self._account_id, number=number) for number in self._places]
        CallPermit.objects.bulk_create(rows, ignore_conflicts=True)

    def _leave(self, holder: str, number: int) -> None:
        """Give the place back; the answer on its way matters more than that, the lease ends."""
        mine = CallPermit.objects.filter(account=self._account_id, number=number, holder=holder)
        try:
            mine.update(holder="", held_until=None)
        except DatabaseError as problem:
            log.error("place_not_given_back", problem=type(problem).__name__)
