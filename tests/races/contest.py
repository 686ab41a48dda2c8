"""Runs a race: N forks with a connection each, the same start, one answer each, many rounds."""

import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from django.db import OperationalError, connection

from orders.services.problems import Refused
from tests.kills.life import live_at
from tests.races import deposit, everything, issuing, people, sabotage, trail, workers

FORKS = multiprocessing.get_context("fork")
ROOMS = (people, workers, deposit, trail, issuing, everything)
LONGEST_WAIT = 0.05  # seconds that a gate keeps those who came for those who did not
WON, LOST, BROKEN, DEADLOCK = "won", "lost", "broken", "deadlock"


class Scenario(Protocol):
    """One race. `prepare` makes the prize, `act` is what contestant `number` does for it.

    `gate` names the function (its module, its name) before which a forced race gathers everybody.
    """

    gate: tuple[Any, str]

    def prepare(self, contestants: int) -> Any:
        """Before a round, in the judge's process: what everybody is told."""

    def act(self, prize: Any, number: int) -> str:
        """Win (give a word) or lose (raise Refused); anything else is a defect."""

    def problems(self, prize: Any, answers: list["Answer"]) -> list[str]:
        """After a round, in the judge's process: what is wrong, as sentences."""


class Answer(tuple[str, str]):
    """(won, lost, broken or deadlock; what was said)."""

    @property
    def kind(self) -> str:
        return self[0]

    @property
    def said(self) -> str:
        return self[1]


class Gate:
    """Holds callers until all contestants are there, or a moment has passed.

    Put before a write, it lets everybody read the old state first: the worst interleaving.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._has_passed = False
        self._inside = FORKS.Value("i", 0)

    def open_again(self) -> None:
        """Before a round."""
        self._inside.value = 0

    def put_before(self, owner: Any, name: str) -> None:
        """Wrap a function of this process, so that its first call in a round waits here."""
        original = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not self._has_passed:
                self._has_passed = True
                self.wait()
            return original(*args, **kwargs)

        setattr(owner, name, wrapped)

    def begin_round(self) -> None:
        """In a contestant, when it gets the prize."""
        self._has_passed = False

    def wait(self) -> None:
        with self._inside.get_lock():
            self._inside.value += 1
        deadline = time.monotonic() + LONGEST_WAIT
        while self._inside.value < self._size and time.monotonic() < deadline:
            time.sleep(0.0005)


def race(
    *,
    offset: float,
    scenario: str,
    contestants: int,
    rounds: int,
    forced: bool,
    control: str,
    without: str = "",
) -> dict[str, Any]:
    """Run the rounds; `forced` puts a gate before the writes that decide.

    `without` names a function of `sabotage` that takes a guard away first.
    """
    live_at(offset)
    if without:
        getattr(sabotage, without)()
    game: Scenario = next(vars(one)[scenario] for one in ROOMS if scenario in vars(one))(control)
    gate, start = Gate(contestants), FORKS.Barrier(contestants)
    started = time.monotonic()
    runners = [_start(game, number, gate, forced, start) for number in range(contestants)]
    counts: Counter[str] = Counter()
    problems: list[str] = []
    sentences: set[str] = set()
    try:
        for number in range(rounds):
            prize = game.prepare(contestants)
            answers = _round(runners, gate, prize)
            counts.update(answer.kind for answer in answers)
            sentences.update(answer.said for answer in answers if answer.kind == LOST)
            wrong = game.problems(prize, answers)
            wrong += [answer.said for answer in answers if answer.kind in (BROKEN, DEADLOCK)]
            problems += [f"round {number}: {one}" for one in wrong]
            if len(problems) > 20 or (without and problems):
                break
    finally:
        for runner in runners:
            runner.stop()
    return {
        "rounds": rounds,
        "counts": dict(counts),
        "problems": problems,
        "sentences": sorted(sentences)[:5],
        "seconds": round(time.monotonic() - started, 1),
    }


def _round(runners: list["Runner"], gate: Gate, prize: Any) -> list[Answer]:
    """Everybody gets the prize's name, then everybody is let go at once."""
    gate.open_again()
    for runner in runners:
        runner.pipe.send(prize)
    return [Answer(runner.pipe.recv()) for runner in runners]


class Runner:
    """One contestant, seen from the judge."""

    def __init__(self, process: Any, pipe: Any) -> None:
        self.process, self.pipe = process, pipe

    def stop(self) -> None:
        with suppress(OSError):
            self.pipe.send(None)
        self.process.join(10)


def _start(game: Scenario, number: int, gate: Gate, is_forced: bool, start: Any) -> Runner:
    connection.close()  # a fork must not inherit it
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=_run, args=(game, number, gate, is_forced, start, theirs))
    process.start()
    theirs.close()
    return Runner(process, ours)


def _run(game: Scenario, number: int, gate: Gate, is_forced: bool, start: Any, pipe: Any) -> None:
    if is_forced:
        gate.put_before(*game.gate)
    with suppress(EOFError, OSError):
        while (prize := pipe.recv()) is not None:
            gate.begin_round()
            start.wait()
            pipe.send(_answer(game.act, prize, number))
    os._exit(0)


def _answer(act: Callable[[Any, int], str], prize: Any, number: int) -> tuple[str, str]:
    try:
        return WON, act(prize, number)
    except Refused as no:
        return LOST, str(no)
    except OperationalError as error:
        is_deadlock = "deadlock" in str(error)
        return (DEADLOCK if is_deadlock else BROKEN), _told(error)
    except Exception as error:
        return BROKEN, _told(error)


def _told(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)
    ours = [f"{one.name}:{one.lineno}" for one in place if "/orders/" in one.filename]
    return f"{type(error).__name__} in {' > '.join(ours[-3:])}: {str(error).splitlines()[:1]}"
