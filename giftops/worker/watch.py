"""The watch over one pool: sweeps, sees whether work flows, ends everything when it does not."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from giftops import clock, guard, identity
from giftops.models import Job
from giftops.queue import heartbeat, sweeping
from giftops.queue.periodic import sync_periodic

log = structlog.get_logger(__name__)

LOOK = 0.2  # seconds between two looks of the watch at its pool
LONGEST_SLEEP = 1.0  # seconds between two looks of the sweeper into the job table
PULSES_A_STALL = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """`stall`: seconds without flow until the pool counts as hung; `stop`: seconds to end in."""

    workers: int
    stall: float = 60.0
    stop: float = 60.0


class Watch:
    """Runs one pool; `run()` returns the exit status: 0 only if it was asked to stop and did."""

    def __init__(self, limits: Limits) -> None:
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{identity.entropy(3).hex()}"
        self._limits = limits
        self._asked_to_stop = 0
        self._fine_at = time.monotonic()
        self._sweeper = threading.Thread(target=self._sweep_and_look, daemon=True, name="sweeper")

    def run(self) -> int:
        """Start the pool and the sweeper, watch both, end the pool whatever happens."""
        sync_periodic()
        if guard.is_quarantined():
            log.error("quarantined", reason=guard.status())
        connection.close()  # from here on only the sweeper's thread needs one
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        self._pool = self._start_pool()
        self._sweeper.start()
        try:
            problem = self._watch()
            return self._end(problem)
        finally:
            self._kill_pool()

    def _watch(self) -> str:
        """Return when asked to stop (empty text) or when something is wrong (what)."""
        while not self._asked_to_stop:
            time.sleep(LOOK)
            if self._pool.poll() is not None:
                return "The pool ended by itself."
            if time.monotonic() - self._fine_at > self._limits.stall:
                return f"No work went through the pool for {self._limits.stall:.0f} seconds."
        return ""

    def _end(self, problem: str) -> int:
        if problem:
            log.critical("worker_failed", reason=problem, worker=self.name)
            return 1
        if not self._stop_pool():
            log.critical("worker_killed", reason="It did not end in time.", worker=self.name)
            return 1
        heartbeat.stop(self.name)
        return 0

    def _stop_pool(self) -> bool:
        """Let running jobs end; False if that took too long, somebody insisted, or it broke."""
        self._pool.terminate()
        deadline = time.monotonic() + self._limits.stop
        while self._pool.poll() is None and time.monotonic() < deadline and self._asked_to_stop < 2:
            time.sleep(LOOK)
        return self._pool.poll() == 0

    def _start_pool(self) -> subprocess.Popen[bytes]:
        pulse = self._limits.stall / PULSES_A_STALL
        command = [sys.executable, "-m", "django", "worker", "--skip-checks"]
        command += ["--pool", str(os.getpid()), "--workers", str(self._limits.workers)]
        command += ["--pulse-seconds", str(pulse)]
        path = os.pathsep.join(filter(None, [str(settings.BASE_DIR), os.getenv("PYTHONPATH")]))
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "GIFTOPS_WORKER": self.name},
            start_new_session=True,  # signals for our group reach the pool only through us
        )

    def _kill_pool(self) -> None:
        """Kill what is left of the pool: its whole session."""
        try:
            os.killpg(self._pool.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # nobody is left
        self._pool.wait()

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop += 1

    # The sweeper's thread: the only one that speaks to the database.

    def _sweep_and_look(self) -> None:
        again_after: float | None = 0  # whatever was rung before we started may be lost
        while not self._asked_to_stop:
            try:
                close_old_connections()
                sweeping.sweep_jobs(ring_again_after=again_after)
                again_after = None
                self._look()
                time.sleep(min(sweeping.seconds_until_next(), LONGEST_SLEEP))
            except Exception as error:
                log.error("sweep_failed", error=type(error).__name__)
                connection.close()
                time.sleep(LONGEST_SLEEP)

    def _look(self) -> None:
        """Note that all is well if a pulse came through lately or every worker is at a job."""
        if self._is_busy():
            heartbeat.beat(self.name)
        beat_at = heartbeat.last_heartbeat(self.name)
        if beat_at is None:
            return
        age = max((clock.db_now() - beat_at).total_seconds(), 0)
        self._fine_at = max(self._fine_at, time.monotonic() - age)

    def _is_busy(self) -> bool:
        """Say whether each worker of the pool is at a job: then the pulse has to wait."""
        claims = Job.objects.filter(
            state=Job.State.RUNNING,
            claimed_by__startswith=f"{self.name}:",
            lease_until__gt=clock.db_now(),
        ).values_list("claimed_by", flat=True)
        alive = [claim for claim in claims if self._is_ours(int(claim.rpartition(":")[2]))]
        return len(alive) >= self._limits.workers

    def _is_ours(self, pid: int) -> bool:
        try:
            return os.getpgid(pid) == self._pool.pid
        except ProcessLookupError:
            return False
