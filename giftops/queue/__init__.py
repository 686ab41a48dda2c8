"""The one door to background work: our job table is the queue, django-q2 only its doorbell.

A job row commits together with the business change that needs it (`enqueue`). A claim is one
conditional UPDATE committed before the work starts; the end of the work is written only by the
newest claim. So a lost doorbell is rung again by the sweeper, a doubled one finds the job taken,
and a killed worker's job is taken up again when its lease ends.

    names       which tasks there are
    enqueueing  a job into the table
    doorbell    to django-q2 and back
    running     claim, work, finish
    sweeping    what was left behind
    periodic    work that comes back
    heartbeat   does work flow?
"""

from giftops.queue.doorbell import ring, ring_due, run_job_task
from giftops.queue.enqueueing import enqueue
from giftops.queue.heartbeat import last_heartbeat, worker_is_alive
from giftops.queue.names import UnknownTask
from giftops.queue.periodic import Periodic, enqueue_periodic, sync_periodic
from giftops.queue.running import Outcome, cancel_job, due, retry_job, run, run_due, run_job
from giftops.queue.sweeping import Swept, seconds_until_next, sweep_jobs

__all__ = [
    "Outcome",
    "Periodic",
    "Swept",
    "UnknownTask",
    "cancel_job",
    "due",
    "enqueue",
    "enqueue_periodic",
    "last_heartbeat",
    "retry_job",
    "ring",
    "ring_due",
    "run",
    "run_due",
    "run_job",
    "run_job_task",
    "seconds_until_next",
    "sweep_jobs",
    "sync_periodic",
    "worker_is_alive",
]
