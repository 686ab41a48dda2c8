"""Claim a job, do its work, write down how it ended. Every step is a conditional UPDATE."""

import os
import socket
import traceback
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.fields import DateTimeField
from django.db.models.functions import Greatest, Least

from giftops import clock, guard, identity
from giftops.models import Job
from giftops.queue import names

log = structlog.get_logger(__name__)

LONGEST_WAIT = 15 * 60  # seconds between two attempts
OURS = ("giftops.", "providers.", "orders.")  # packages whose error texts are safe to store
LONGEST_ERROR = 400  # characters


class Outcome(StrEnum):
    """How one run ended."""

    DONE = "done"
    PUT_BACK = "put back"  # it will be tried again
    RETIRED = "given up"  # it failed for the last time
    JOINED = "left to a newer job"  # the same work was queued again meanwhile
    OVERTAKEN = "overtaken"  # the lease had ended and somebody else took the job over


def due(limit: int | None = None, *conditions: Q) -> QuerySet[Job]:
    """Jobs that may run now, the longest waiting first."""
    jobs = Job.objects.filter(
        *conditions, state=Job.State.WAITING, run_after__lte=clock.db_now()
    ).order_by("run_after", "id")
    return jobs if limit is None else jobs[:limit]


def run_due(limit: int = 100, tally: Counter[tuple[str, Outcome]] | None = None) -> int:
    """Run up to `limit` due jobs in this process; give how many. `tally` counts how they ended."""
    ran = 0
    for job_id, name in list(due(limit).values_list("pk", "name")):
        outcome = run(job_id)
        if outcome is not None:
            ran += 1
        if outcome is not None and tally is not None:
            tally[name, outcome] += 1
    return ran


def run_job(job_id: UUID | str) -> bool:
    """Run this job if it is due and nobody has it; say whether this call ran it."""
    return run(job_id) is not None


def run(job_id: UUID | str) -> Outcome | None:
    """Claim the job (committed), call its task with no transaction open, settle it.

    None if there was nothing to claim. An exception puts the job back with a growing wait; a kill
    or a time limit (SystemExit) settles nothing: the lease ends and the sweeper puts it back.
    """
    if guard.is_quarantined():
        return None
    job = _claim(job_id)
    if job is None:
        return None
    try:
        names.resolve(job.name)(*job.ids)
    except Exception as error:
        _say_failed(job, error)
        return put_back(job, safe_text(error), retry_after=getattr(error, "retry_after", None))
    return _finish(job)


def put_back(job: Job, problem: str, *, retry_after: float | None = None) -> Outcome:
    """End a claimed run that failed: try again later, or give up after the last attempt."""
    if job.attempts >= job.max_attempts:
        return _retire(job, problem)
    wait = wait_before(job.attempts + 1, identity.jitter(), retry_after)
    run_after = clock.db_now() + wait
    try:
        with transaction.atomic():
            return _settle(
                job, Outcome.PUT_BACK, state=Job.State.WAITING, run_after=run_after, error=problem
            )
    except IntegrityError:  # the same work waits already
        return _join_successor(job, problem, run_after)


def retry_job(job_id: UUID | str) -> bool:
    """Give a job that was given up a fresh set of attempts; False if it is not given up.

    False, too, if the same work waits already.
    """
    retired = Job.objects.filter(pk=job_id, state=Job.State.RETIRED)
    try:
        with transaction.atomic():
            return bool(
                retired.update(
                    state=Job.State.WAITING,
                    attempts=0,
                    run_after=clock.db_now(),
                    rung_at=None,
                    finished_at=None,
                )
            )
    except IntegrityError:
        return False


def cancel_job(job_id: UUID | str) -> bool:
    """Give up a waiting job; False if it is not waiting. A running one cannot be called back."""
    return bool(
        Job.objects.filter(pk=job_id, state=Job.State.WAITING).update(
            state=Job.State.RETIRED,
            finished_at=clock.db_now(),
            error="Cancelled by a person.",
        )
    )


def wait_before(attempt: int, jitter: float, retry_after: float | None = None) -> timedelta:
    """How long to wait before attempt number `attempt` (2 is the first retry).

    Exponential with full jitter (0 <= jitter < 1): up to 2, 4, 8 … seconds, at most 15 minutes, but
    never less than the `retry_after` seconds that the other side asked for.
    """
    ceiling = min(2 ** min(attempt - 1, 20), LONGEST_WAIT)
    return timedelta(seconds=max(ceiling * jitter, retry_after or 0))


def safe_text(error: BaseException) -> str:
    """What may be stored of an error: its class, and the first line of its text if it is ours.

    Texts of other packages' errors may quote addresses, rows or bodies with secrets in them.
    """
    kind = type(error)
    if not f"{kind.__module__}.".startswith(OURS):
        return kind.__name__
    first_line = str(error).partition("\n")[0].strip()
    return f"{kind.__name__}: {first_line}"[:LONGEST_ERROR] if first_line else kind.__name__


def worker_name() -> str:
    """Who claims: the worker command's name (or this machine's) and this process."""
    return f"{os.environ.get('GIFTOPS_WORKER') or socket.gethostname()[:64]}:{os.getpid()}"


def _claim(job_id: UUID | str) -> Job | None:
    """Take the job by one conditional UPDATE, committed before any work; None if it is taken."""
    now = clock.db_now()
    job = Job.objects.filter(pk=job_id, state=Job.State.WAITING, run_after__lte=now).first()
    if job is None:
        return None
    fence = job.fence + 1
    with transaction.atomic(durable=True):
        won = Job.objects.filter(pk=job.pk, state=Job.State.WAITING, fence=job.fence).update(
            state=Job.State.RUNNING,
            fence=fence,
            attempts=F("attempts") + 1,
            lease_until=now + timedelta(seconds=settings.GIFTOPS_LEASE_SECONDS),
            started_at=now,
            claimed_by=worker_name(),
        )
    if not won:
        return None
    job.refresh_from_db()
    return job if job.fence == fence else None


def _finish(job: Job) -> Outcome:
    now = clock.db_now()
    outcome = _settle(job, Outcome.DONE, state=Job.State.DONE, finished_at=now, error="")
    took = (now - job.started_at).total_seconds() if job.started_at else 0
    log.info(
        "job_ran", job=str(job.pk), task=job.name, outcome=outcome, duration_ms=round(took * 1000)
    )
    return outcome


def _retire(job: Job, problem: str) -> Outcome:
    outcome = _settle(
        job,
        Outcome.RETIRED,
        state=Job.State.RETIRED,
        finished_at=clock.db_now(),
        error=problem,
    )
    if outcome is Outcome.RETIRED:
        log.error("job_given_up", job=str(job.pk), task=job.name, attempts=job.attempts)
    return outcome


def _join_successor(job: Job, problem: str, run_after: datetime) -> Outcome:
    """Leave the work to the job that waits for it, with the earlier time and the tries so far."""
    successor = Job.objects.filter(name=job.name, ids=job.ids, state=Job.State.WAITING)
    with transaction.atomic():
        successor.update(
            run_after=Least(F("run_after"), Value(run_after, DateTimeField())),
            attempts=Greatest(F("attempts"), Value(job.attempts)),
        )
        return _settle(
            job,
            Outcome.JOINED,
            state=Job.State.DONE,
            finished_at=clock.db_now(),
            error=f"{problem} A newer job does the same work."[:LONGEST_ERROR],
        )


def _settle(job: Job, outcome: Outcome, **changes: object) -> Outcome:
    """Write the end of a claim; only the newest claim of a running job may."""
    ours = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, fence=job.fence)
    if ours.update(lease_until=None, rung_at=None, **changes):
        return outcome
    log.warning("job_overtaken", job=str(job.pk), task=job.name, fence=job.fence)
    return Outcome.OVERTAKEN


def _say_failed(job: Job, error: Exception) -> None:
    log.warning(
        "job_failed",
        job=str(job.pk),
        task=job.name,
        attempt=job.attempts,
        error=safe_text(error),
        stack=_places(error.__traceback__),
    )


def _places(trace: TracebackType | None) -> str:
    """Where an error came from, a line per call (file:line in function): no values, no texts."""
    frames = traceback.extract_tb(trace, limit=-6)
    return "\n".join(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
