"""django-q2 as a doorbell: it carries a job's id to a worker, and nothing depends on it arriving.

Whatever the broker loses, doubles or refuses, the sweeper rings again and the claim decides.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Q
from django_q.brokers import get_broker
from django_q.exceptions import TimeoutException
from django_q.tasks import async_task

from giftops import clock, guard
from giftops.models import Job
from giftops.queue import running

log = structlog.get_logger(__name__)

MOST_WAITING_RINGS = 200  # doorbells in the broker; more only make every look at it slower

_is_closing: Callable[[], bool] = lambda: False  # noqa: E731


def ring(*job_ids: UUID) -> int:
    """Ask a worker to run these jobs; give how many doorbells reached the broker, never raise."""
    rung = 0
    try:
        if job_ids and not guard.is_quarantined():
            for job_id in job_ids:
                async_task("giftops.queue.run_job_task", str(job_id), q_options={"save": False})
                rung += 1
    except Exception as error:  # the jobs are safe in their table, the sweeper rings again
        log.warning("doorbell_unreachable", error=type(error).__name__, count=len(job_ids) - rung)
    return rung


def ring_due(*, again_after: float | None = None) -> int:
    """Ring for due jobs that nobody rang for in the last `again_after` seconds (default: a sweep).

    Oldest first, and never so many that the broker holds more than MOST_WAITING_RINGS.
    """
    if again_after is None:
        again_after = settings.GIFTOPS_SWEEP_SECONDS
    now = clock.db_now()
    silent = Q(rung_at=None) | Q(rung_at__lte=now - timedelta(seconds=again_after))
    ids = list(running.due(MOST_WAITING_RINGS, silent).values_list("pk", flat=True))
    ids = ids[: _room()] if ids else []
    Job.objects.filter(silent, pk__in=ids, state=Job.State.WAITING).update(rung_at=now)
    return ring(*ids)


def run_job_task(job_id: str) -> None:
    """What django-q2 calls: run one job if it is still to be had. Raises only at the time limit."""
    if _is_closing():
        leave_for_others([UUID(job_id)])
        return
    try:
        running.run_job(UUID(job_id))
    except TimeoutException:
        # Like a kill: the lease ends by itself. A fresh one, because django-q2 stores the text of
        # the whole chain, and what was being handled may speak of secrets.
        raise TimeoutException("the job took too long") from None
    except Exception as error:
        log.error("job_not_settled", error=type(error).__name__, job=job_id)


def leave_for_others(job_ids: Iterable[UUID]) -> None:
    """Forget that these were rung, so that the next sweep of any worker rings them."""
    Job.objects.filter(pk__in=list(job_ids), state=Job.State.WAITING).update(rung_at=None)


def close_when(is_closing: Callable[[], bool]) -> None:
    """Start no further jobs in this process (and its forks) once `is_closing()` is true."""
    global _is_closing
    _is_closing = is_closing


def _room() -> int:
    try:
        waiting = get_broker().queue_size() or 0
    except Exception as error:
        log.warning("doorbell_unreachable", error=type(error).__name__)
        return 0
    return max(MOST_WAITING_RINGS - waiting, 0)
