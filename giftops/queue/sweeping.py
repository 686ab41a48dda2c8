"""What was left behind: leases that ended, doorbells that were lost, work that comes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min

from giftops import clock, guard
from giftops.models import Job, PeriodicJob
from giftops.queue import doorbell, periodic, running
from giftops.queue.running import Outcome

AT_ONCE = 100
SHORTEST_SLEEP = 0.2  # seconds
LEASE_ENDED = "The worker died or hung: its lease ended."


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What one sweep did."""

    freed: int = 0
    retired: int = 0
    enqueued: int = 0
    rung: int = 0


def sweep_jobs(*, ring_again_after: float | None = None) -> Swept:
    """Free lapsed leases (or give the job up), enqueue periodic work that is due, ring what is due.

    `ring_again_after` (seconds) as in `ring_due`; 0 rings for every due job, as a worker does when
    it starts. In quarantine nothing happens.
    """
    if guard.is_quarantined():
        return Swept()
    ended = free_lapsed()
    enqueued = periodic.enqueue_periodic()
    return Swept(
        freed=len(ended) - ended.count(Outcome.RETIRED),
        retired=ended.count(Outcome.RETIRED),
        enqueued=enqueued,
        rung=doorbell.ring_due(again_after=ring_again_after),
    )


def free_lapsed() -> list[Outcome]:
    """Put back running jobs whose lease has ended; give up those out of attempts."""
    lapsed = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=clock.db_now())
    outcomes = [running.put_back(job, LEASE_ENDED) for job in lapsed[:AT_ONCE]]
    return [outcome for outcome in outcomes if outcome is not Outcome.OVERTAKEN]


def seconds_until_next() -> float:
    """How long a sweeper may sleep: until the next known moment, 0.2 s to GIFTOPS_SWEEP_SECONDS."""
    now = clock.db_now()
    waiting = Job.objects.filter(state=Job.State.WAITING, run_after__gt=now)
    leased = Job.objects.filter(state=Job.State.RUNNING)
    moments = [
        waiting.aggregate(at=Min("run_after"))["at"],
        leased.aggregate(at=Min("lease_until"))["at"],
        PeriodicJob.objects.aggregate(at=Min("next_due"))["at"],
        now + timedelta(seconds=settings.GIFTOPS_SWEEP_SECONDS),
    ]
    next_moment: datetime = min(moment for moment in moments if moment is not None)
    return max((next_moment - now).total_seconds(), SHORTEST_SLEEP)
