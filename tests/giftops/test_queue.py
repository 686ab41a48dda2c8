import inspect
import traceback
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ

from giftops import clock, identity, queue, tasks
from giftops.models import Heartbeat, InstanceGuard, Job, PeriodicJob
from giftops.queue import Outcome, doorbell, enqueue, heartbeat, running, sweeping
from tests.giftops import effects

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("effect_tasks")]

NOTE = "tests.giftops.effects.note"
FAIL = "tests.giftops.effects.fail"


def lapse(standing_clock):
    standing_clock.sleep(301)


# --- Enqueueing ---------------------------------------------------------------------------------


def test_a_job_and_its_business_change_are_undone_together():
    def change_and_break():
        with transaction.atomic():
            enqueue(NOTE, 1)
            raise LookupError

    with pytest.raises(LookupError):
        change_and_break()

    assert not Job.objects.exists()


def test_ids_of_every_kind_reach_the_task_as_text(effect_tasks):
    uid = UUID(int=7)

    job = enqueue(NOTE, "a", 2, uid)
    queue.run_job(job.pk)

    assert effect_tasks == [("a", "2", str(uid))]


@pytest.mark.parametrize("argument", [None, True, 1.5, {"code": "1"}, ["1"], b"1"])
def test_only_ids_are_arguments(argument):
    with pytest.raises(TypeError, match="takes ids"):
        enqueue(NOTE, argument)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "tests.giftops.effects",
        "tests.giftops.effects.",
        "tests.giftops.effects._hidden",
        "tests.giftops.effects.os.system",
        "tests.giftops.effectsnote",
        "",
    ],
)
def test_a_path_outside_the_task_modules_is_no_task(name):
    with pytest.raises(queue.UnknownTask):
        enqueue(name)


@pytest.mark.parametrize("name", ["os.system", f"{effects.PREFIX}os", f"{effects.PREFIX}enqueue"])
def test_an_edited_job_row_runs_no_foreign_code(name):
    job = Job.objects.create(name=name, ids=["true"])

    outcome = queue.run(job.pk)

    job.refresh_from_db()
    assert outcome is Outcome.PUT_BACK
    assert job.error.startswith("UnknownTask")


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        enqueue(NOTE, run_after=datetime(2030, 1, 1))


def test_a_second_request_joins_the_waiting_job_and_keeps_the_earlier_time(standing_clock):
    soon, later = (clock.db_now() + timedelta(minutes=minutes) for minutes in (1, 9))

    first = enqueue(NOTE, 1, run_after=later)
    second = enqueue(NOTE, 1, run_after=soon)
    third = enqueue(NOTE, 1, run_after=later)

    assert first.pk == second.pk == third.pk
    assert third.run_after == soon


def test_other_ids_are_another_job():
    jobs = {enqueue(NOTE, 1).pk, enqueue(NOTE, 2).pk, enqueue(NOTE, 1, 2).pk, enqueue(NOTE).pk}

    assert len(jobs) == 4


def test_the_database_itself_refuses_a_second_waiting_job():
    enqueue(NOTE, 1)

    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(name=NOTE, ids=["1"])


def test_a_running_job_gets_a_successor_because_it_may_have_looked_too_early():
    first = enqueue(NOTE, 1)
    running._claim(first.pk)

    second = enqueue(NOTE, 1)

    assert second.pk != first.pk
    assert second.state == Job.State.WAITING


# --- The doorbell -------------------------------------------------------------------------------


def test_a_due_job_is_rung_when_its_transaction_has_committed(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        enqueue(NOTE, 1)
        assert not OrmQ.objects.exists()

    assert OrmQ.objects.count() == 1


def test_a_later_job_is_not_rung_yet(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        enqueue(NOTE, 1, run_after=clock.db_now() + timedelta(minutes=1))

    assert not OrmQ.objects.exists()


def test_a_broker_that_is_down_costs_no_job(monkeypatch, django_capture_on_commit_callbacks):
    def refuse(*args, **kwargs):
        raise ConnectionError("no broker")

    monkeypatch.setattr(doorbell, "async_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue(NOTE, 1)

    assert queue.run_job(job.pk)


def test_the_doorbell_carries_the_id_of_the_job_and_nothing_else(
    monkeypatch, django_capture_on_commit_callbacks
):
    rings = []
    monkeypatch.setattr(doorbell, "async_task", lambda *args, **options: rings.append(args))

    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue(NOTE, "order-1")

    assert rings == [("giftops.queue.run_job_task", str(job.pk))]


def test_a_lost_doorbell_is_rung_again_but_not_over_and_over(standing_clock, settings):
    enqueue(NOTE, 1)
    OrmQ.objects.all().delete()

    at_once = queue.ring_due()
    standing_clock.sleep(settings.GIFTOPS_SWEEP_SECONDS)
    a_sweep_later = queue.ring_due()
    right_after = queue.ring_due()

    assert (at_once, a_sweep_later, right_after) == (0, 1, 0)


def test_a_backlog_does_not_flood_the_broker(monkeypatch):
    monkeypatch.setattr(doorbell, "MOST_WAITING_RINGS", 3)
    for number in range(5):
        enqueue(NOTE, number)

    first = queue.ring_due(again_after=0)
    second = queue.ring_due(again_after=0)

    assert (first, second) == (3, 0)


def test_a_worker_that_is_ending_leaves_the_job_to_others(effect_tasks):
    job = enqueue(NOTE, 1)

    doorbell.close_when(lambda: True)
    try:
        queue.run_job_task(str(job.pk))
    finally:
        doorbell.close_when(lambda: False)

    job.refresh_from_db()
    assert (job.state, job.rung_at, effect_tasks) == (Job.State.WAITING, None, [])


# --- Running ------------------------------------------------------------------------------------


def test_a_doubled_doorbell_does_not_run_the_job_again(effect_tasks):
    job = enqueue(NOTE, 1)

    queue.run_job_task(str(job.pk))
    queue.run_job_task(str(job.pk))

    job.refresh_from_db()
    assert (effect_tasks, job.state, job.attempts) == ([("1",)], Job.State.DONE, 1)


def test_a_job_does_not_run_before_its_time(standing_clock, effect_tasks):
    job = enqueue(NOTE, 1, run_after=clock.db_now() + timedelta(seconds=15))

    early = queue.run_job(job.pk)
    standing_clock.sleep(15)
    in_time = queue.run_job(job.pk)

    assert (early, in_time, len(effect_tasks)) == (False, True, 1)


def test_a_wrong_clock_of_the_worker_changes_nothing(effect_tasks):
    soon = enqueue(NOTE, "soon", run_after=clock.db_now() + timedelta(hours=1))
    running_elsewhere = running._claim(enqueue(NOTE, "elsewhere").pk)

    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        ran = queue.run_job(soon.pk)
        freed = sweeping.free_lapsed()

    running_elsewhere.refresh_from_db()
    assert (ran, freed, running_elsewhere.state) == (False, [], Job.State.RUNNING)


def test_a_failed_job_comes_back_after_a_wait(standing_clock):
    job = enqueue(FAIL, 1)

    with identity.use(lambda n: b"\xff" * n):  # the longest jitter
        outcome = queue.run(job.pk)

    job.refresh_from_db()
    wait = (job.run_after - clock.db_now()).total_seconds()
    assert (outcome, job.state) == (Outcome.PUT_BACK, Job.State.WAITING)
    assert wait == pytest.approx(2, abs=0.01)


def test_the_texts_of_foreign_errors_are_not_kept(caplog):
    job = enqueue(FAIL, 1)

    queue.run_job(job.pk)

    job.refresh_from_db()
    assert job.error == "LookupError"
    assert "6006491286999929" not in caplog.text


def test_our_own_errors_keep_their_first_line():
    job = enqueue("tests.giftops.effects.fail_politely", 1)

    queue.run_job(job.pk)

    job.refresh_from_db()
    assert job.error == "MoneyError: 12.345 has more than two decimals"


def test_a_wait_that_the_other_side_asked_for_is_kept(standing_clock):
    job = enqueue("tests.giftops.effects.come_later", 1)

    queue.run_job(job.pk)

    job.refresh_from_db()
    assert job.run_after == clock.db_now() + timedelta(seconds=120)


def test_a_job_is_given_up_after_its_last_attempt(standing_clock):
    job = enqueue(FAIL, 1, max_attempts=3)

    for _ in range(5):
        queue.run_due()
        standing_clock.sleep(900)

    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.RETIRED, 3)


@pytest.mark.parametrize(
    ("attempt", "jitter", "retry_after", "seconds"),
    [
        (2, 0.5, None, 1),
        (3, 0.5, None, 2),
        (11, 0.5, None, 450),  # the cap of 15 minutes, halved
        (2000, 0.5, None, 450),
        (2, 0.0, None, 0),
        (2, 0.5, 60, 60),
        (11, 0.5, 60, 450),
    ],
)
def test_waits_grow_with_jitter_up_to_a_quarter_of_an_hour(attempt, jitter, retry_after, seconds):
    assert running.wait_before(attempt, jitter, retry_after) == timedelta(seconds=seconds)


def test_a_failing_job_leaves_its_work_to_a_newer_one(standing_clock):
    job = enqueue("tests.giftops.effects.queue_itself_and_fail", 1, max_attempts=4)

    outcome = queue.run(job.pk)

    successor = Job.objects.get(state=Job.State.WAITING)
    job.refresh_from_db()
    assert (outcome, job.state) == (Outcome.JOINED, Job.State.DONE)
    assert successor.attempts == 1  # it cannot go on for ever by renewing itself


def test_leaving_the_process_settles_nothing():
    job = enqueue("tests.giftops.effects.leave", 1)

    with pytest.raises(SystemExit):
        queue.run_job_task(str(job.pk))

    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.RUNNING, 1)


def test_the_time_limit_is_like_a_kill_and_shows_no_secrets():
    job = enqueue("tests.giftops.effects.run_out_of_time", 1)

    with pytest.raises(TimeoutException) as caught:
        queue.run_job_task(str(job.pk))

    job.refresh_from_db()
    told = "".join(traceback.format_exception(caught.value))
    assert job.state == Job.State.RUNNING
    assert "6006491286999929" not in told.replace(inspect.getsource(effects), "")


# --- Leases and fences --------------------------------------------------------------------------


def test_a_job_whose_worker_vanished_is_taken_up_again(standing_clock, effect_tasks):
    job = enqueue(NOTE, 1)
    running._claim(job.pk)

    lapse(standing_clock)
    swept = queue.sweep_jobs()
    standing_clock.sleep(2)
    queue.run_due()

    job.refresh_from_db()
    assert (swept.freed, effect_tasks, job.state) == (1, [("1",)], Job.State.DONE)


def test_a_living_lease_is_left_alone(standing_clock):
    job = running._claim(enqueue(NOTE, 1).pk)

    standing_clock.sleep(299)
    swept = queue.sweep_jobs()

    job.refresh_from_db()
    assert (swept.freed, job.state) == (0, Job.State.RUNNING)


def test_a_job_that_kills_its_workers_is_given_up(standing_clock):
    job = enqueue(NOTE, 1, max_attempts=3)

    for _ in range(3):
        running._claim(job.pk)
        lapse(standing_clock)
        swept = queue.sweep_jobs()
        standing_clock.sleep(900)

    job.refresh_from_db()
    assert (swept.retired, job.state, job.error) == (1, Job.State.RETIRED, sweeping.LEASE_ENDED)


def test_a_worker_thought_dead_cannot_overwrite_its_successor(standing_clock):
    job = enqueue(NOTE, 1)
    zombie = running._claim(job.pk)
    lapse(standing_clock)
    sweeping.free_lapsed()
    standing_clock.sleep(2)
    successor = running._claim(job.pk)

    finished = running._finish(zombie)
    failed = running.put_back(zombie, "too late")

    job.refresh_from_db()
    assert (finished, failed) == (Outcome.OVERTAKEN, Outcome.OVERTAKEN)
    assert (job.state, job.fence) == (Job.State.RUNNING, successor.fence)


def test_without_the_fence_the_zombie_would_have_won(standing_clock):
    """The check of the check: the promise above rests on the fence alone."""
    job = enqueue(NOTE, 1)
    zombie = running._claim(job.pk)
    lapse(standing_clock)
    sweeping.free_lapsed()
    standing_clock.sleep(2)
    zombie.fence = running._claim(job.pk).fence

    assert running._finish(zombie) is Outcome.DONE


def test_a_lapsed_job_leaves_its_work_to_a_newer_one(standing_clock):
    old = running._claim(enqueue(NOTE, 1).pk)
    new = enqueue(NOTE, 1)

    lapse(standing_clock)
    queue.sweep_jobs()

    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, new.state) == (Job.State.DONE, Job.State.WAITING)


# --- What people do -----------------------------------------------------------------------------


def test_a_person_can_give_a_retired_job_another_chance(standing_clock, effect_tasks):
    job = enqueue(NOTE, 1)
    Job.objects.update(state=Job.State.RETIRED, attempts=20)

    queue.retry_job(job.pk)
    queue.run_due()

    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.DONE, 1)


def test_a_retired_job_does_not_come_back_beside_a_waiting_one():
    old = enqueue(NOTE, 1)
    Job.objects.update(state=Job.State.RETIRED)
    enqueue(NOTE, 1)

    assert queue.retry_job(old.pk) is False


def test_a_person_can_cancel_what_waits_but_not_what_runs(effect_tasks):
    waiting, busy = enqueue(NOTE, 1), enqueue(NOTE, 2)
    running._claim(busy.pk)

    answers = queue.cancel_job(waiting.pk), queue.cancel_job(busy.pk)
    queue.run_due()

    assert (answers, effect_tasks) == ((True, False), [])


# --- Quarantine ---------------------------------------------------------------------------------


def test_nothing_runs_and_nothing_is_rung_in_quarantine(settings, effect_tasks, standing_clock):
    job = enqueue(NOTE, 1)
    settings.GIFTOPS_EPOCH += 1

    ran = queue.run_job(job.pk), queue.run_due()
    rung = queue.ring(job.pk), queue.sweep_jobs(ring_again_after=0)

    job.refresh_from_db()
    assert (ran, rung) == ((False, 0), (0, queue.Swept()))
    assert (job.state, effect_tasks) == (Job.State.WAITING, [])


# --- Periodic work ------------------------------------------------------------------------------


def turns():
    return dict(PeriodicJob.objects.values_list("name", "every_seconds"))


def test_the_table_of_periodic_work_follows_the_code(standing_clock):
    PeriodicJob.objects.create(name="gone", every_seconds=1, next_due=clock.db_now())
    PeriodicJob.objects.create(name=NOTE, every_seconds=1, next_due=clock.db_now())

    queue.sync_periodic()
    queue.sync_periodic()

    assert turns() == {NOTE: 300, "giftops.tasks.prune": 3600}


def test_periodic_work_is_due_once_each_turn(standing_clock):
    queue.sync_periodic()

    counts = []
    for _ in range(4):
        counts.append(queue.enqueue_periodic())
        standing_clock.sleep(150)

    assert counts == [2, 0, 1, 0]


def test_missed_turns_are_not_made_up_for(standing_clock, effect_tasks):
    queue.sync_periodic()
    queue.sweep_jobs()
    queue.run_due()
    effect_tasks.clear()

    standing_clock.sleep(86_400)
    for _ in range(3):
        queue.sweep_jobs()
        queue.run_due()

    assert len(effect_tasks) == 1


def test_two_sweepers_enqueue_a_turn_once(standing_clock):
    queue.sync_periodic()
    row = PeriodicJob.objects.get(name=NOTE)

    results = [queue.periodic._enqueue(row, clock.db_now()) for _ in range(2)]

    assert results == [True, False]


def test_the_sweeper_wakes_when_the_next_job_is_due(standing_clock):
    PeriodicJob.objects.all().delete()

    idle = queue.seconds_until_next()
    enqueue(NOTE, 1, run_after=clock.db_now() + timedelta(seconds=15))
    one_waits = queue.seconds_until_next()
    standing_clock.sleep(14.95)
    nearly = queue.seconds_until_next()

    assert (idle, one_waits, nearly) == (60, 15, 0.2)


# --- `manage.py sweep` --------------------------------------------------------------------------


def sweep(*args):
    out = StringIO()
    call_command("sweep", *args, stdout=out)
    return out.getvalue()


def test_sweep_runs_everything_that_is_due_and_says_what(effect_tasks):
    enqueue("tests.giftops.effects.queue_a_note", "from a job")
    enqueue(NOTE, "direct")
    enqueue(FAIL, 1, max_attempts=1)
    enqueue(NOTE, "not yet", run_after=clock.db_now() + timedelta(hours=1))

    told = [" ".join(line.split()) for line in sweep().splitlines()]

    assert sorted(effect_tasks) == [(), ("direct",), ("from a job",)]  # () is the periodic one
    assert told == [
        "giftops.tasks.prune 1 done",
        "tests.giftops.effects.fail 1 given up",
        "tests.giftops.effects.note 3 done",
        "tests.giftops.effects.queue_a_note 1 done",
    ]


def test_sweep_twice_has_nothing_left_to_do():
    sweep()

    assert sweep() == "Nothing is due.\n"


def test_sweep_in_quarantine_says_what_to_do(settings):
    settings.GIFTOPS_INSTANCE = "COPY"

    with pytest.raises(CommandError, match="release_quarantine"):
        sweep()


def test_sweep_stops_at_its_limit(effect_tasks):
    for number in range(5):
        enqueue(NOTE, number)

    sweep("--limit", "2")

    assert Job.objects.filter(state=Job.State.DONE).count() == 2


# --- Heartbeats and old rows --------------------------------------------------------------------


def test_a_worker_is_alive_while_its_heart_beats(standing_clock):
    before = queue.worker_is_alive()
    heartbeat.beat("w1")
    standing_clock.sleep(59)
    heartbeat.beat("w1")
    standing_clock.sleep(59)
    beating = queue.worker_is_alive()
    standing_clock.sleep(2)

    assert (before, beating, queue.worker_is_alive()) == (False, True, False)
    assert queue.last_heartbeat() == clock.db_now() - timedelta(seconds=61)
    assert Heartbeat.objects.count() == 1


def test_old_rows_are_pruned_and_open_work_is_kept(standing_clock):
    for number in range(3):
        enqueue(NOTE, number)
    queue.run_due(1)
    running._claim(Job.objects.filter(state=Job.State.WAITING).first().pk)
    heartbeat.beat("dead")

    standing_clock.sleep(8 * 86_400)
    tasks.prune()

    assert set(Job.objects.values_list("state", flat=True)) == {"waiting", "running"}
    assert not Heartbeat.objects.exists()
    assert InstanceGuard.objects.exists()
