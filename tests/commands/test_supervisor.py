"""The supervisor, with real processes: all or nothing at the start, nothing left at the end."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from giftops import supervisor
from giftops.supervisor import Program, Supervisor, SupervisorError


def python(code: str) -> list[str]:
    """A command that runs this piece of Python."""
    return [sys.executable, "-c", textwrap.dedent(code)]


def run_script(code: str) -> "subprocess.Popen[str]":
    """Run a piece of Python in the checkout; it hears every signal, whatever we ignore."""
    heard = "import signal; [signal.signal(one, signal.SIG_DFL) for one in (1, 2, 15)]\n"
    command = python(heard + textwrap.dedent(code))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours


def sleeper(name: str = "sleeper", **fields) -> Program:
    """A program that stays."""
    command = python("import time; time.sleep(60)")
    return Program(name=name, command=command, is_up=lambda: True, **fields)


def is_running(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def eventually(condition: Callable[[], bool], seconds: float = 8.0) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervise(tmp_path, said):
    """Make a supervisor; whatever it started is ended with the test."""
    made: list[Supervisor] = []

    def make(*programs: Program, **options) -> Supervisor:
        made.append(Supervisor(programs, logs=tmp_path / "log", say=said.append, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def pid_of(program: Program) -> int:
    assert program.process is not None
    return program.process.pid


def test_all_programs_run_until_they_are_stopped_together(supervise):
    first, second = sleeper("first"), sleeper("second")
    together = supervise(first, second)

    together.start()
    is_up = together.wait_until_up(5)
    were_running = [is_running(pid_of(first)), is_running(pid_of(second))]
    together.stop()

    assert is_up
    assert were_running == [True, True]
    assert not is_running(pid_of(first))
    assert not is_running(pid_of(second))


def test_a_program_that_dies_at_the_start_is_told_with_its_last_words(supervise):
    dying = Program(
        name="web",
        command=python("import sys; print('no database here'); sys.exit(3)"),
        is_up=lambda: False,
    )
    together = supervise(sleeper(), dying)
    together.start()

    with pytest.raises(SupervisorError) as caught:
        together.wait_until_up(5)

    assert "The web ended at start (exit status 3)." in str(caught.value)
    assert "no database here" in str(caught.value)


def test_a_program_that_never_answers_is_not_waited_for_forever(supervise):
    silent = sleeper("worker")
    silent.is_up = lambda: False
    together = supervise(silent)
    together.start()

    with pytest.raises(SupervisorError, match="The worker was not up after 0 s."):
        together.wait_until_up(0.3)


def test_a_program_that_dies_later_is_started_again(supervise, said):
    program = sleeper("worker")
    together = supervise(program)
    together.start()
    together.wait_until_up(5)
    first = pid_of(program)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not is_running(first))

    together.look()

    assert pid_of(program) != first
    assert is_running(pid_of(program))
    assert said == ["The worker ended (signal 9) and is started again."]


@pytest.mark.parametrize(("status", "sentences"), [(0, 0), (4, 1)])
def test_a_program_with_an_end_of_its_own_is_not_started_again(supervise, said, status, sentences):
    program = Program(
        name="errand", command=python(f"raise SystemExit({status})"), is_up=bool, is_once=True
    )
    together = supervise(sleeper())
    together.start()
    together.also(program)
    eventually(lambda: not is_running(pid_of(program)))

    together.look()
    together.look()

    assert len(program.started) == 1
    assert len(said) == sentences


def test_a_program_that_keeps_dying_is_given_up(supervise, monkeypatch):
    monkeypatch.setattr(supervisor, "MOST_RESTARTS", 1)
    program = Program(name="worker", command=python("raise SystemExit(1)"), is_up=lambda: True)
    together = supervise(program)
    together.start()

    with pytest.raises(SupervisorError, match="The worker keeps ending"):
        together.watch()


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(supervise):
    stubborn = Program(
        name="stubborn",
        command=python("""
            import signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("ready", flush=True)
            time.sleep(60)
        """),
        is_up=lambda: True,
        grace=0.3,
    )
    together = supervise(stubborn)
    together.start()
    assert eventually(lambda: "ready" in together.log_of(stubborn).read_text())

    together.stop()

    assert not is_running(pid_of(stubborn))


def test_children_that_outlive_their_program_are_ended_too(supervise):
    parent = Program(
        name="parent",
        command=python("""
            import subprocess, sys, time
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            print(child.pid, flush=True)
            time.sleep(60)
        """),
        is_up=lambda: True,
    )
    together = supervise(parent)
    together.start()
    assert eventually(lambda: together.log_of(parent).read_text().strip().isdigit())
    grandchild = int(together.log_of(parent).read_text())

    together.stop()

    assert eventually(lambda: not is_running(grandchild))


def test_a_killed_supervisor_leaves_no_orphans(tmp_path):
    script = f"""
        import sys, time
        from pathlib import Path
        from giftops.supervisor import Program, Supervisor
        program = Program(name="p", command=[sys.executable, "-c", "import time; time.sleep(60)"],
                          is_up=lambda: True)
        together = Supervisor([program], logs=Path({str(tmp_path)!r}), say=print)
        together.start()
        print(program.process.pid, flush=True)
        together.watch()
    """
    with run_script(script) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()

    assert eventually(lambda: not is_running(child))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_them_in_good_order(tmp_path, number):
    script = f"""
        import sys
        from pathlib import Path
        from giftops.supervisor import Program, Supervisor
        program = Program(name="p", command=[sys.executable, "-c", "import time; time.sleep(60)"],
                          is_up=lambda: True)
        together = Supervisor([program], logs=Path({str(tmp_path)!r}), say=print)
        together.listen()
        together.start()
        print(program.process.pid, flush=True)
        together.watch()
        together.stop()
        print("in good order", flush=True)
    """
    with run_script(script) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(number)
        last_words = process.stdout.read()

    assert process.returncode == 0
    assert last_words == "in good order\n"
    assert not is_running(child)


def test_logs_are_readable_by_their_owner_only(supervise):
    program = sleeper()
    together = supervise(program)

    together.start()

    assert together.log_of(program).stat().st_mode & 0o777 == 0o600
