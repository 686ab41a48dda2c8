"""The pool: a django-q2 cluster that ends with its parent and drains quickly when asked to."""

import logging
import os
import signal
import sys
from multiprocessing.sharedctypes import RawValue
from types import FrameType

from django.db import connections
from django_q.brokers import get_broker
from django_q.cluster import Cluster
from django_q.conf import Conf

from giftops.queue import doorbell
from giftops.worker.parents import die_with, tie_forks
from giftops.worker.pulse import PulsingBroker


def run_pool(*, worker: str, parent: int, workers: int, pulse_seconds: float) -> int:
    """Run the cluster until SIGTERM; give the exit status: 1 if it ended otherwise.

    `parent` is the process id of the watch that started us, `worker` its name.
    """
    die_with(parent)
    tie_forks()
    _configure(workers)
    pool = Pool(PulsingBroker(get_broker(), worker=worker, every=pulse_seconds, pid=parent))
    return pool.run()


class Pool:
    """The cluster and the wish to stop, which its workers see before they take another job."""

    def __init__(self, broker: PulsingBroker) -> None:
        self._closing = RawValue("b", 0)  # shared with the forks, without a lock that could hang
        self._cluster = Cluster(broker=broker)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us through the watch

    def run(self) -> int:
        """Start, wait for the sentinel to end, say how it went."""
        doorbell.close_when(lambda: bool(self._closing.value))
        connections.close_all()  # before forking: connections cannot be shared
        self._cluster.start()
        sentinel = self._cluster.sentinel
        sentinel.join()
        return 0 if self._closing.value and sentinel.exitcode == 0 else 1

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if not self._closing.value:
            self._closing.value = 1
            self._cluster.stop()


def _configure(workers: int) -> None:
    """Size the pool; django-q2 reads its settings once, at import."""
    logging.getLogger("django-q").setLevel(logging.WARNING)  # jobs have lines of their own
    Conf.WORKERS = workers
    Conf.QUEUE_LIMIT = workers  # what is prefetched is locked long before it starts
    Conf.SCHEDULER = False  # its schedules are editable dotted paths; ours are in the code


def leave(status: int) -> None:
    """End this process at once: multiprocessing would wait for children that may never end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
