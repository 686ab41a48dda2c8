"""`manage.py worker` as real processes: what it does, and what it does when they are killed."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from giftops import clock
from giftops.models import Heartbeat, Job
from giftops.queue import enqueue, worker_is_alive
from tests.giftops import processes
from tests.giftops.processes import children_of, kill, members_of, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("effect_tasks"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc"),
    pytest.mark.xdist_group("worker"),  # two cores: not several clusters beside each other
]

NOTE = "tests.giftops.effects.note"
SLEEP = "tests.giftops.effects.sleep_and_note"
KILL_OWN_WORKER = "tests.giftops.effects.kill_own_worker"


@dataclass
class Worker:
    """A running worker command and the processes below it."""

    command: subprocess.Popen[str]
    log: Path

    @property
    def pool(self) -> int:
        return children_of(self.command.pid)[0]

    @property
    def sentinel(self) -> int:
        return children_of(self.pool)[0]

    @property
    def runners(self) -> list[int]:
        """The processes that run jobs; the sentinel starts them first, then its two helpers."""
        return children_of(self.sentinel)[:-2]

    def hang(self) -> None:
        """Kill the idle process that holds the queue's lock: from then on nothing flows."""
        for _ in range(10):
            beats = set(Heartbeat.objects.values_list("beat_at"))
            time.sleep(0.5)  # whatever ran has ended, so the process waits with the lock
            kill(*self.runners)
            time.sleep(2.5)
            if set(Heartbeat.objects.values_list("beat_at")) <= beats:
                return
        raise AssertionError("the pool did not hang")

    def is_up(self) -> bool:
        return Heartbeat.objects.filter(pid=self.command.pid).exists()

    def stop(self) -> int:
        self.command.terminate()
        return self.command.wait(30)


@pytest.fixture
def effects_file(tmp_path: Path) -> Path:
    file = tmp_path / "effects"
    file.touch()
    return file


@pytest.fixture
def start_worker(tmp_path: Path, effects_file: Path) -> Iterator[Callable[..., Worker]]:
    """Start a worker and wait for its first heartbeat; what is left of it is killed afterwards."""
    started: list[Worker] = []

    def start(*options: str, **env: str) -> Worker:
        log = tmp_path / f"worker-{len(started)}.log"
        if "TEST_LEASE_SECONDS" in env:  # shorter than the system checks allow
            options = ("--skip-checks", *options)
        env["EFFECTS_FILE"] = str(effects_file)
        command = processes.start("django", "worker", *options, log=log, **env)
        worker = Worker(command, log)
        started.append(worker)
        until(lambda: worker.is_up() or command.poll() is not None, 60, f"a heartbeat; see {log}")
        assert command.poll() is None, log.read_text()
        return worker

    yield start
    for worker in started:
        kill(*(pid for pool in children_of(worker.command.pid) for pid in members_of(pool)))
        kill(worker.command.pid)
        worker.command.communicate()


@pytest.fixture
def effects(effects_file: Path) -> Callable[[], Counter[str]]:
    """Count what the jobs did, by their first id."""
    return lambda: Counter(line.split()[0] for line in effects_file.read_text().splitlines())


def all_done() -> bool:
    return not Job.objects.exclude(state=Job.State.DONE).exists()


def is_running(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).exists()


def runner_of(job: Job) -> int:
    return int(Job.objects.get(pk=job.pk).claimed_by.rpartition(":")[2])


# --- In good order ------------------------------------------------------------------------------


def test_a_worker_runs_jobs_shows_its_heart_and_ends_when_asked(start_worker, effects):
    enqueue(NOTE, "before")
    worker = start_worker()
    enqueue(NOTE, "after")
    enqueue(NOTE, "in a second", run_after=clock.db_now() + timedelta(seconds=1))

    until(all_done, 10, "three jobs")
    alive = worker_is_alive()
    pool = worker.pool
    status = worker.stop()

    assert effects() == {"before": 1, "after": 1, "in": 1}
    assert (alive, worker_is_alive()) == (True, False)
    assert (status, members_of(pool)) == (0, [])


@pytest.mark.prove
def test_a_later_job_runs_at_its_time_and_not_at_the_next_sweep(start_worker):
    start_worker()
    job = enqueue(NOTE, 1, run_after=clock.db_now() + timedelta(seconds=5))

    until(all_done, 10, "the job")

    job.refresh_from_db()
    assert timedelta() <= job.started_at - job.run_after < timedelta(seconds=1.5)


@pytest.mark.prove
def test_a_doorbell_that_was_lost_is_rung_by_the_sweeper(start_worker, effects):
    start_worker(TEST_SWEEP_SECONDS="2")
    now = clock.db_now()
    Job.objects.create(name=NOTE, ids=["lost"], rung_at=now)

    until(all_done, 8, "the job that nobody rang for")

    assert effects() == {"lost": 1}


@pytest.mark.prove
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("to_group", [False, True])
def test_a_running_job_may_end_before_the_worker_does(start_worker, effects, number, to_group):
    worker = start_worker()
    job = enqueue(SLEEP, "3", "x")
    until(lambda: is_running(job), 10, "the job to start")

    (os.killpg if to_group else os.kill)(worker.command.pid, number)

    assert worker.command.wait(15) == 0
    assert effects() == {"x": 1}
    assert all_done()


@pytest.mark.prove
def test_jobs_not_yet_started_are_left_for_the_next_worker(start_worker, effects):
    worker = start_worker("--workers", "1")
    for number in range(5):
        enqueue(SLEEP, "2", number)
    until(lambda: Job.objects.filter(state=Job.State.RUNNING).exists(), 10, "a start")

    started = time.monotonic()
    status = worker.stop()
    took = time.monotonic() - started
    start_worker("--workers", "2")
    until(all_done, 20, "the rest")

    assert status == 0
    assert took < 5
    assert effects() == {str(number): 1 for number in range(5)}


@pytest.mark.prove
def test_a_second_signal_does_not_wait(start_worker):
    worker = start_worker()
    job = enqueue(SLEEP, "60", "x")
    until(lambda: is_running(job), 10, "the job to start")
    pool = worker.pool

    worker.command.send_signal(signal.SIGINT)
    time.sleep(0.5)
    worker.command.send_signal(signal.SIGINT)

    assert worker.command.wait(5) == 1
    assert members_of(pool) == []


@pytest.mark.prove
def test_an_end_takes_no_longer_than_it_may(start_worker):
    worker = start_worker("--stop-seconds", "2")
    job = enqueue(SLEEP, "60", "x")
    until(lambda: is_running(job), 10, "the job to start")

    worker.command.terminate()

    assert worker.command.wait(6) == 1


@pytest.mark.prove
def test_a_signal_to_every_process_at_once_does_not_hang(start_worker):
    """What systemd does with its default KillMode; django-q2 alone hangs for good."""
    worker = start_worker("--stop-seconds", "5")
    pool = worker.pool

    for pid in [worker.command.pid, *members_of(pool)]:
        os.kill(pid, signal.SIGTERM)

    worker.command.wait(10)
    assert members_of(pool) == []


# --- Two workers --------------------------------------------------------------------------------


@pytest.mark.prove
def test_two_workers_on_one_queue_do_everything_exactly_once(start_worker, effects):
    workers = [start_worker(), start_worker()]
    for number in range(60):
        enqueue(SLEEP, "0.05", number)

    until(all_done, 60, "sixty jobs")

    assert effects() == {str(number): 1 for number in range(60)}
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}
    assert {
        name.rpartition(":")[0] for name in Job.objects.values_list("claimed_by", flat=True)
    } == {*Heartbeat.objects.values_list("worker", flat=True)}
    assert [worker.stop() for worker in workers] == [0, 0]


# --- kill -9 ------------------------------------------------------------------------------------


@pytest.mark.prove
def test_a_job_whose_process_is_killed_is_done_by_another(start_worker, effects):
    start_worker("--workers", "2", TEST_LEASE_SECONDS="3")
    job = enqueue(SLEEP, "2", "x")
    until(lambda: is_running(job), 10, "the job to start")

    kill(runner_of(job))
    until(all_done, 30, "the second attempt")

    job.refresh_from_db()
    assert (effects(), job.attempts) == ({"x": 1}, 2)


@pytest.mark.prove
def test_a_job_that_kills_its_worker_is_given_up_and_others_are_done(start_worker, effects):
    start_worker("--workers", "2", TEST_LEASE_SECONDS="1")
    poison = enqueue(KILL_OWN_WORKER, "poison", max_attempts=3)
    for number in range(10):
        enqueue(NOTE, number)

    until(lambda: not Job.objects.filter(state__in=["waiting", "running"]).exists(), 60, "the end")

    poison.refresh_from_db()
    assert (poison.state, poison.attempts) == (Job.State.RETIRED, 3)
    assert effects() == {"poison": 3, **{str(number): 1 for number in range(10)}}


@pytest.mark.prove
@pytest.mark.parametrize("victim", ["command", "pool", "sentinel"])
def test_nothing_outlives_a_killed_parent(start_worker, effects, victim):
    worker = start_worker("--workers", "2", TEST_LEASE_SECONDS="4")
    job = enqueue(SLEEP, "3", "x")
    until(lambda: is_running(job), 10, "the job to start")
    pool = worker.pool

    kill({"command": worker.command.pid, "pool": pool, "sentinel": worker.sentinel}[victim])

    assert worker.command.wait(5) != 0
    until(lambda: not members_of(pool), 3, "the end of every process")
    start_worker(TEST_LEASE_SECONDS="4")
    until(all_done, 30, "the job at the next worker")
    assert effects() == {"x": 1}


@pytest.mark.prove
@pytest.mark.parametrize("helper", ["monitor", "pusher"])
def test_a_killed_helper_is_replaced_or_the_worker_ends(start_worker, effects, helper):
    worker = start_worker("--stall-seconds", "6")
    monitor, pusher = children_of(worker.sentinel)[-2:]

    kill(monitor if helper == "monitor" else pusher)
    enqueue(NOTE, "x")

    until(lambda: all_done() or worker.command.poll() == 1, 20, "the job, or the end")
    if worker.command.poll() == 1:
        start_worker()
        until(all_done, 20, "the job at the next worker")
    assert effects() == {"x": 1}


@pytest.mark.prove
def test_a_hung_pool_is_noticed_and_the_next_worker_does_the_work(start_worker, effects):
    """An idle process killed with the queue's lock in its hand stops django-q2 without a trace."""
    worker = start_worker("--workers", "1", "--stall-seconds", "6")
    pool = worker.pool

    worker.hang()
    enqueue(NOTE, "x")
    status = worker.command.wait(20)

    assert (status, members_of(pool)) == (1, [])
    assert "No work went through the pool" in worker.log.read_text()
    start_worker("--workers", "1")
    until(all_done, 20, "the job at the next worker")
    assert effects() == {"x": 1}


@pytest.mark.prove
def test_a_pool_that_is_only_busy_is_not_taken_for_a_hung_one(start_worker, effects):
    worker = start_worker("--workers", "1", "--stall-seconds", "3")
    enqueue(SLEEP, "8", "x")

    until(all_done, 20, "the long job")
    time.sleep(2)

    assert worker.command.poll() is None
    assert effects() == {"x": 1}


@pytest.mark.prove
def test_a_job_that_never_ends_is_given_up_and_others_are_done(start_worker, effects):
    start_worker("--workers", "1", TEST_TASK_TIMEOUT="1", TEST_LEASE_SECONDS="2")
    endless = enqueue(SLEEP, "60", "x", max_attempts=2)
    enqueue(NOTE, "other")

    until(lambda: not Job.objects.filter(state__in=["waiting", "running"]).exists(), 40, "the end")

    endless.refresh_from_db()
    assert (endless.state, endless.attempts) == (Job.State.RETIRED, 2)
    assert effects() == {"other": 1}


@pytest.mark.prove
def test_a_killed_worker_loses_none_of_many_jobs(start_worker, effects):
    worker = start_worker("--workers", "2", TEST_LEASE_SECONDS="4")
    for number in range(8):
        enqueue(SLEEP, "1", number)
    until(lambda: Job.objects.filter(state=Job.State.RUNNING).count() == 2, 10, "two starts")

    kill(worker.command.pid)
    start_worker("--workers", "2", TEST_LEASE_SECONDS="4")
    until(all_done, 60, "eight jobs")

    assert effects() == {str(number): 1 for number in range(8)}


# --- Redis as the doorbell ----------------------------------------------------------------------


@pytest.fixture
def redis_env() -> dict[str, str]:
    """Settings of a worker that listens to Redis; skips where none answers."""
    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/5")
    try:
        redis.Redis.from_url(url, socket_connect_timeout=1).ping()
    except redis.RedisError:
        pytest.skip("no Redis answers (TEST_REDIS_URL)")
    return {"GIFTOPS_BROKER": "redis", "REDIS_URL": url}


@pytest.mark.prove
def test_redis_may_lose_every_doorbell(start_worker, effects, redis_env):
    """django-q2 loses what a killed worker had taken from Redis; the job table does not."""
    worker = start_worker(TEST_LEASE_SECONDS="4", TEST_SWEEP_SECONDS="1", **redis_env)
    for number in range(8):
        enqueue(SLEEP, "1", number)
    until(lambda: Job.objects.filter(state=Job.State.RUNNING).count() == 2, 10, "two starts")

    kill(worker.command.pid)
    start_worker(TEST_LEASE_SECONDS="4", TEST_SWEEP_SECONDS="1", **redis_env)
    until(all_done, 60, "eight jobs")

    assert effects() == {str(number): 1 for number in range(8)}


@pytest.mark.prove
def test_a_redis_that_is_down_at_the_start_ends_the_worker(tmp_path):
    command = processes.start(
        "django",
        "worker",
        log=tmp_path / "worker.log",
        GIFTOPS_BROKER="redis",
        REDIS_URL="redis://127.0.0.1:1/5",
    )

    assert command.wait(20) == 1
    command.communicate()
