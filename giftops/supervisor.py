"""Several programs as one: started together, watched, and ended together, whatever happens.

Each program gets a session of its own, so that Ctrl-C reaches it only through us (a worker whose
whole process group is signalled loses the tasks it is running). What it prints goes to a file.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

TICK = 0.1  # seconds between two looks
MOST_RESTARTS = 5  # of one program within
RESTART_WINDOW = 60.0  # seconds
PR_SET_PDEATHSIG = 1  # prctl(2)


class SupervisorError(Exception):
    """The programs cannot go on; the text is for the person who started them."""


@dataclass(kw_only=True)
class Program:
    """One program and how to see that it is up.

    `grace` is how many seconds it gets between SIGTERM and SIGKILL. One with `is_once` has an end
    of its own: it is not started again.
    """

    name: str
    command: Sequence[str]
    is_up: Callable[[], bool]
    grace: float = 15.0
    is_once: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: deque[float] = field(default_factory=deque, init=False)


class Supervisor:
    """Starts programs in their order, restarts what dies later, ends them in the reverse order.

    `say` gets sentences for the person in front of the terminal.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        logs: Path,
        say: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._programs = list(programs)
        self._logs = logs
        self._say = say
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self.is_stopping = False

    def listen(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as the wish to stop (main thread only)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays nohup
                signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_stopping = True

    def start(self) -> None:
        """Start every program with a fresh log."""
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        for program in self._programs:
            self._begin(program)

    def also(self, program: Program) -> None:
        """Start one more program, beside those that run."""
        self._programs.append(program)
        self._begin(program)

    def _begin(self, program: Program) -> None:
        self.log_of(program).unlink(missing_ok=True)
        self._launch(program)

    def _launch(self, program: Program) -> None:
        program.started.append(time.monotonic())
        descriptor = os.open(self.log_of(program), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            program.process = subprocess.Popen(  # noqa: S603 - the commands are ours
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                preexec_fn=partial(_end_with_parent, os.getpid()),  # safe: we start no threads
            )
        finally:
            os.close(descriptor)

    def wait_until_up(self, seconds: float) -> bool:
        """Wait until all answer; False when asked to stop meanwhile.

        Raises SupervisorError when one dies or is not up after `seconds`.
        """
        deadline = time.monotonic() + seconds
        waiting = list(self._programs)
        while waiting and not self.is_stopping:
            self._refuse_the_dead()
            if time.monotonic() > deadline:
                raise SupervisorError(
                    self._last_words(waiting[0], f"was not up after {seconds:.0f} s")
                )
            waiting = [program for program in waiting if not program.is_up()]
            time.sleep(TICK)
        return not self.is_stopping

    def _refuse_the_dead(self) -> None:
        for program in self._programs:
            if (code := _exit_code(program)) is not None:
                raise SupervisorError(self._last_words(program, f"ended at start ({_spell(code)})"))

    def watch(self) -> None:
        """Stay until asked to stop; start again what ends.

        Raises SupervisorError for what does not stay up.
        """
        while not self.is_stopping:
            self.look()
            time.sleep(TICK)

    def look(self) -> None:
        """Look once whether all are there; start again what ended. Raises as `watch` does."""
        for program in list(self._programs):
            if (code := _exit_code(program)) is not None:
                (self._let_go if program.is_once else self._restart)(program, code)

    def _let_go(self, program: Program, code: int) -> None:
        self._programs.remove(program)
        _kill_group(program)
        if code:
            self._say(f"The {program.name} ended ({_spell(code)}); see {self.log_of(program)}.")

    def _restart(self, program: Program, code: int) -> None:
        while program.started and program.started[0] < time.monotonic() - RESTART_WINDOW:
            program.started.popleft()
        if len(program.started) > MOST_RESTARTS:
            raise SupervisorError(self._last_words(program, f"keeps ending ({_spell(code)})"))
        self._say(f"The {program.name} ended ({_spell(code)}) and is started again.")
        _kill_group(program)
        self._launch(program)

    def stop(self) -> None:
        """End every program, the last one first: SIGTERM, `grace`, then SIGKILL to all it left."""
        for program in reversed(self._programs):
            if program.process is not None:
                _end(program, program.process)

    def log_of(self, program: Program) -> Path:
        """Where the program's output goes."""
        return self._logs / f"{program.name}.log"

    def _last_words(self, program: Program, what: str) -> str:
        path = self.log_of(program)
        tail = path.read_text(errors="replace").splitlines()[-15:] if path.exists() else []
        told = "".join(f"\n    {line}" for line in tail)
        return f"The {program.name} {what}. The end of {path}:{told or ' (empty)'}"


def _exit_code(program: Program) -> int | None:
    return None if program.process is None else program.process.poll()


def _spell(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _end(program: Program, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):  # then the group is killed, just below
            process.wait(program.grace)
    _kill_group(program)
    process.wait()


def _kill_group(program: Program) -> None:
    """Kill what is left in the program's session: children that outlived it, or itself."""
    assert program.process is not None  # noqa: S101 - only called for started programs
    try:
        os.killpg(program.process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # nobody is left


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _end_with_parent(parent: int) -> None:
    """In the child, before it becomes the program: have the kernel end it when we are killed."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed before the line above
            os._exit(1)
