"""Put a job into the table, in the transaction of the change that needs it."""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Least

from giftops import clock
from giftops.models import Job
from giftops.queue import doorbell, names

TRIES = 10


def enqueue(
    name: str, *ids: str | int | UUID, run_after: datetime | None = None, max_attempts: int = 20
) -> Job:
    """Have the task `name` called with `ids`, not before `run_after` (aware; default: now).

    Call it inside the transaction of the business change: both commit, or neither. At most one
    job per (name, ids) waits; a further call joins it and keeps the earlier time. A running job
    does not count, because it may have looked before your change: it gets a successor. Ids reach
    the task as strings. Raises UnknownTask, TypeError for arguments that are no ids, ValueError
    for a naive time.
    """
    names.check(name)
    texts = [_id_text(one) for one in ids]
    if run_after is not None and run_after.tzinfo is None:
        raise ValueError("run_after needs a time zone")
    with transaction.atomic():
        now = clock.db_now()
        wanted = Job(
            name=name,
            ids=texts,
            run_after=run_after or now,
            max_attempts=max_attempts,
            created_at=now,
        )
        job = _join_or_insert(wanted, now)
        if job.run_after <= now:
            transaction.on_commit(partial(doorbell.ring, job.pk))
    return job


def _id_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | UUID):
        raise TypeError(f"a job takes ids (str, int, UUID), not {type(value).__name__}")
    return str(value)


def _join_or_insert(wanted: Job, now: datetime) -> Job:
    """Each round either joins the waiting job or becomes it; a claim in between starts another."""
    if wanted.run_after <= now:
        wanted.rung_at = now
    for _ in range(TRIES):
        if job := _joined(wanted) or _inserted(wanted):
            return job
    raise RuntimeError(f"could not queue {wanted.name}: others kept taking its place")


def _joined(wanted: Job) -> Job | None:
    """Join the waiting job.

    Even where its time stays, it is written: PostgreSQL then holds its claim back until our
    transaction has committed, so that the run sees our change. (SQLite has one writer at a time.)
    """
    waiting = Job.objects.filter(name=wanted.name, ids=wanted.ids, state=Job.State.WAITING)
    earlier = Least(F("run_after"), Value(wanted.run_after, DateTimeField()))
    rung = {} if wanted.rung_at is None else {"rung_at": wanted.rung_at}
    return waiting.get() if waiting.update(run_after=earlier, **rung) else None


def _inserted(wanted: Job) -> Job | None:
    """Become the waiting job; None if another transaction just did (the unique index decides)."""
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
    except IntegrityError:
        return None
    return wanted
