"""Work that comes back: a table in the code, mirrored in the database with when it is due next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Least
from django.utils.module_loading import import_string

from giftops import clock
from giftops.models import PeriodicJob
from giftops.queue import names
from giftops.queue.enqueueing import enqueue


@dataclass(frozen=True, slots=True)
class Periodic:
    """The task `name` is enqueued, without ids, once every `every` (whole seconds)."""

    name: str
    every: timedelta

    @property
    def seconds(self) -> int:
        return int(self.every.total_seconds())


BUILT_IN = (Periodic("giftops.tasks.prune", timedelta(hours=1)),)


def sync_periodic() -> None:
    """Make the database's table follow the one in the code (settings.GIFTOPS_PERIODIC).

    New work is due at once. Raises UnknownTask for a name that is no task.
    """
    table = [*import_string(settings.GIFTOPS_PERIODIC), *BUILT_IN]
    for entry in table:
        names.resolve(entry.name)
        _sync(entry)
    PeriodicJob.objects.exclude(name__in=[entry.name for entry in table]).delete()


def enqueue_periodic() -> int:
    """Enqueue what is due, each once however many sweepers look; give how many this call did.

    Missed turns are not made up for: one run, then the next full interval.
    """
    now = clock.db_now()
    return sum(_enqueue(row, now) for row in PeriodicJob.objects.filter(next_due__lte=now))


def next_turn(due_at: datetime, every: timedelta, now: datetime) -> datetime:
    """The first turn after `now` of a rhythm with a turn at `due_at`."""
    return due_at + every * ((now - due_at) // every + 1)


def _sync(entry: Periodic) -> None:
    now = clock.db_now()
    fresh = PeriodicJob(name=entry.name, every_seconds=entry.seconds, next_due=now)
    PeriodicJob.objects.bulk_create([fresh], ignore_conflicts=True)
    latest = Value(now + entry.every, DateTimeField())
    PeriodicJob.objects.filter(name=entry.name).exclude(every_seconds=entry.seconds).update(
        every_seconds=entry.seconds, next_due=Least(F("next_due"), latest)
    )


def _enqueue(row: PeriodicJob, now: datetime) -> bool:
    following = next_turn(row.next_due, timedelta(seconds=row.every_seconds), now)
    with transaction.atomic():
        turn = PeriodicJob.objects.filter(pk=row.pk, next_due=row.next_due)
        if not turn.update(next_due=following):
            return False
        enqueue(row.name)
    return True
