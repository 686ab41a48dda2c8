"""Background work of the house itself."""

from datetime import timedelta

from django_q.models import Task

from giftops import clock
from giftops.models import ActionToken, Heartbeat, Job

KEEP_DONE = timedelta(days=7)
KEEP_RETIRED = timedelta(days=90)
KEEP_TOKENS = timedelta(days=30)
KEEP_HEARTBEATS = timedelta(days=1)


def prune() -> None:
    """Delete what nobody will look at again: old jobs, used tokens, dead workers, broker notes."""
    now = clock.db_now()
    Job.objects.filter(state=Job.State.DONE, finished_at__lt=now - KEEP_DONE).delete()
    Job.objects.filter(state=Job.State.RETIRED, finished_at__lt=now - KEEP_RETIRED).delete()
    ActionToken.objects.filter(used_at__lt=now - KEEP_TOKENS).delete()
    Heartbeat.objects.filter(beat_at__lt=now - KEEP_HEARTBEATS).delete()
    Task.objects.filter(stopped__lt=now - KEEP_DONE).delete()  # django-q2 keeps every failure
