"""Time limits, lost connections, commits in doubt, a full disk: nothing doubled, nothing lost."""

import random
from collections import Counter

import pytest

from giftops import make_env
from tests.kills import plan, trials
from tests.kills.trials import Trial, times

pytestmark = pytest.mark.prove

MISHAPS = "tests.kills.mishaps"


def come_home(house, name: str, references: list[str]) -> Trial:
    """Let others go on, and ask the oracle."""
    return trials.finish(house, Trial(name), [], references)


def sound(done: list[Trial]) -> bool:
    """Whether nothing was doubled or lost, and every order was fulfilled."""
    assert [trial for trial in done if trial.problems] == []
    return {status for trial in done for status in trial.statuses} == {"fulfilled"}


def test_a_job_that_runs_into_its_time_limit_is_like_a_killed_one(house, tell):
    """The limits lie within the time that one job took; on a busy machine another may be faster."""
    chance, done, struck, limit = random.Random(7), [], 0, length_of_a_job(house)
    for _ in range(times(20)):
        made = house.run("order")
        life = house.run(f"{MISHAPS}.overtime", after_us=int(chance.random() * limit) + 500)
        struck += life["struck"]
        done.append(come_home(house, "overtime", made["references"]))

    tell(trials.table(done), trials.figures(done) | {"struck": struck})
    assert sound(done)
    assert struck >= len(done) // 3


def length_of_a_job(house) -> int:
    """Microseconds in which an order is sent here."""
    house.run("order")
    return house.run(f"{MISHAPS}.overtime", after_us=60_000_000)["took_us"]


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "lost"])
@pytest.mark.parametrize("scope", ["intent", "journal", "answer"])
def test_a_commit_in_doubt_is_looked_at_again(house, tell, scope, is_kept):
    done = []
    for _ in range(times(5)):
        made = house.run("order")
        house.run(f"{MISHAPS}.doubtful_commit", scope=scope, is_kept=is_kept)
        done.append(come_home(house, scope, made["references"]))

    tell(trials.table(done), trials.figures(done))
    assert sound(done)
    if scope == "journal":
        assert {trial.recovery for trial in done} == {plan.FOLLOWED}


@pytest.mark.parametrize("scope", ["intent", "journal", "answer"])
def test_a_session_that_postgresql_ends_around_a_commit(house, tell, scope):
    if house.database != "postgresql":
        pytest.skip("SQLite has no sessions")
    done, errors = [], Counter()
    for seed in range(times(8)):
        made = house.run("order")
        life = house.run(f"{MISHAPS}.terminated_commit", scope=scope, seed=seed)
        errors[life["error"] or "none"] += 1
        done.append(come_home(house, scope, made["references"]))

    tell(trials.table(done), trials.figures(done) | {"errors": dict(errors)})
    assert sound(done)


def test_an_answer_that_the_database_did_not_take_waits_in_the_spool(house, tell):
    done = []
    for _ in range(times(6)):
        made = house.run("order")
        ended = house.lose(f"{MISHAPS}.database_down")
        house.let_the_database_in()
        assert len(spooled(house)) == 1, ended
        done.append(come_home(house, "spool", made["references"]))

    tell(trials.table(done), trials.figures(done))
    assert sound(done)
    assert {trial.recovery for trial in done} == {plan.JOURNAL}
    assert spooled(house) == []


def test_an_answer_that_no_disk_took_is_looked_up(house, tell):
    if house.database != "sqlite":
        pytest.skip("a full disk of the server is not ours to fill")
    done = []
    for _ in range(times(4)):
        made = house.run("order")
        house.lose(f"{MISHAPS}.database_down", leaves=0)
        assert spooled(house) == []
        done.append(come_home(house, "full", made["references"]))

    tell(trials.table(done), trials.figures(done))
    assert sound(done)
    assert {trial.recovery for trial in done} == {plan.FOUND}


@pytest.mark.parametrize("dies", ["before the draft commits", "draft committed", "submitted"])
def test_a_form_posted_again_after_its_web_process_died_orders_once(house, dies):
    for _ in range(times(5)):
        token = make_env.fresh_key()
        before = house.run(f"{MISHAPS}.press", token=make_env.fresh_key())["batches"]

        lost = house.lose(f"{MISHAPS}.press", token=token, dies=dies)
        first = house.run(f"{MISHAPS}.press", token=token)
        second = house.run(f"{MISHAPS}.press", token=token)

        assert lost.was_killed
        assert first == second
        assert (first["status"], first["batches"]) == (302, before + 1)
        assert come_home(house, "web", first["references"]).problems == []


def spooled(house) -> list[str]:
    """What waits in the spool, wherever."""
    return [path.name for path in house.directory.rglob("*.sealed")]
