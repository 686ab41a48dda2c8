"""Claims, successors and single-use tokens under real processes on the database of this run."""

import json
from collections import Counter
from pathlib import Path

import pytest

from giftops.models import ActionToken, Job
from giftops.queue import enqueue
from tests.giftops import processes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("effect_tasks"),
]

NOTE = "tests.giftops.effects.note"


def race(runners: int, *part: str, effects_file: Path) -> list[object]:
    """Let several processes do the same at the same moment; give what each said."""
    started = [
        processes.start("tests.giftops.race", *part, EFFECTS_FILE=str(effects_file))
        for _ in range(runners)
    ]
    assert [process.stdout.readline() for process in started] == ["ready\n"] * runners
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * runners, answers
    return [json.loads(answer.splitlines()[-1]) for answer in answers]


def effects_in(file: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in file.read_text().splitlines())


@pytest.mark.parametrize(
    ("runners", "jobs"), [(2, 40), pytest.param(6, 400, marks=pytest.mark.prove)]
)
def test_every_job_has_exactly_one_winner(runners, jobs, tmp_path):
    for number in range(jobs):
        enqueue(NOTE, number)

    ran = race(runners, "run_all", effects_file=tmp_path / "effects")

    assert sum(ran) == jobs
    assert effects_in(tmp_path / "effects") == {str(number): 1 for number in range(jobs)}
    assert set(Job.objects.values_list("state", "attempts")) == {(Job.State.DONE, 1)}


@pytest.mark.parametrize(
    ("runners", "jobs"), [(2, 20), pytest.param(6, 200, marks=pytest.mark.prove)]
)
def test_several_requests_at_once_leave_one_waiting_job(runners, jobs, tmp_path):
    race(runners, "enqueue_same", str(jobs), effects_file=tmp_path / "effects")

    assert Job.objects.count() == jobs


@pytest.mark.parametrize("runners", [2, pytest.param(6, marks=pytest.mark.prove)])
def test_one_of_several_presses_acts_and_all_get_its_answer(runners, tmp_path, user):
    person, file = user("finance_maker"), tmp_path / "effects"

    answers = race(runners, "use_once", "token-1", person.username, effects_file=file)

    results = [result for result, _ in answers]
    assert all(result == results[0] for result in results)
    assert sorted(repeated for _, repeated in answers) == [False] + [True] * (runners - 1)
    assert effects_in(file) == {"once": 1}
    assert ActionToken.objects.count() == 1
