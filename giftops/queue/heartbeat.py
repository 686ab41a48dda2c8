"""Does work flow? One row a worker, written only by work that went all the way through it."""

import os
import socket
from datetime import datetime, timedelta

from django.db.models import Max

from giftops import clock
from giftops.models import Heartbeat

ALIVE_WITHIN = 60.0  # seconds


def beat(worker: str, pid: int | None = None) -> None:
    """Note that work flows through `worker` (its process id, for the first beat, is `pid`)."""
    now = clock.db_now()
    if Heartbeat.objects.filter(worker=worker).update(beat_at=now):
        return
    first = Heartbeat(
        worker=worker,
        host=socket.gethostname()[:64],
        pid=pid or os.getpid(),
        started_at=now,
        beat_at=now,
    )
    Heartbeat.objects.bulk_create([first], ignore_conflicts=True)


def last_heartbeat(worker: str | None = None) -> datetime | None:
    """When work last flowed (through `worker`, or through any); None if it never did."""
    beats = Heartbeat.objects.all() if worker is None else Heartbeat.objects.filter(worker=worker)
    last: datetime | None = beats.aggregate(at=Max("beat_at"))["at"]
    return last


def worker_is_alive(within: float = ALIVE_WITHIN) -> bool:
    """Say whether work flowed through any worker in the last `within` seconds."""
    last = last_heartbeat()
    return last is not None and clock.db_now() - last <= timedelta(seconds=within)


def stop(worker: str) -> None:
    """Forget a worker that ended in good order."""
    Heartbeat.objects.filter(worker=worker).delete()
