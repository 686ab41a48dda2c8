"""One kill and what becomes of it: order, die, take over, ask the oracle."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.kills import plan
from tests.kills.installation import Ended, Installation

SOAK = float(os.environ.get("SOAK") or 1)


def times(figure: int) -> int:
    """How often, with SOAK= considered."""
    return max(1, round(figure * SOAK))


@dataclass
class Trial:
    """What happened: where it died, how the others got the order home, what does not agree."""

    point: str
    variant: str = ""
    kills: int = 0
    found: list[dict[str, Any]] = field(default_factory=list)  # at the take-over
    left: list[dict[str, Any]] = field(default_factory=list)  # at the end
    problems: list[str] = field(default_factory=list)
    seconds: int = 0  # of the installation's time, until all was settled

    @property
    def recovery(self) -> str:
        """How it came home, in a few words."""
        return "; ".join(sorted({how(*pair) for pair in zip(self.found, self.left, strict=True)}))

    @property
    def at(self) -> tuple[str, str]:
        return self.point, self.variant

    @property
    def statuses(self) -> list[str]:
        return sorted({one["status"] for one in self.left})


def how(found: dict[str, Any], left: dict[str, Any]) -> str:
    """How one order got from where the dead process left it to its end."""
    since = left["kinds"][len(found["kinds"]) :]
    if not since:
        return "nothing to do"
    if found["status"] in ("approved", "awaiting_approval", "draft"):
        return "sent for the first time"
    if len(left["attempts"]) > len(found["attempts"]):
        return "absent, sent again"
    if "answered" in since:
        return "read from the journal"
    if "adopted" in since:
        return "found by look-up"
    return "followed on"


def place(house: Installation, point: str, variant: str, seed: int) -> Trial:
    """Kill a worker that sends an order."""
    made = house.run("order")
    if fault := plan.FAULTS.get((point, variant)):
        name, params = fault(random.Random(seed))
        house.sandbox.ncentiva.arm(
            name, params, operation="createOrder", reference=made["references"][0]
        )
    ended = house.lose("work", point=point, variant=variant, seed=seed)
    return finish(house, Trial(point, variant), [ended], made["references"])


def collect(house: Installation, point: str, variant: str, seed: int) -> Trial:
    """Kill a worker that looks at a placed order and stores its cards."""
    made = house.run("order", quantity=2)
    house.run("work")
    house.pass_time(20)
    ended = house.lose("work", point=point, variant=variant, seed=seed)
    return finish(house, Trial(point, variant), [ended], made["references"])


def look_up(house: Installation, point: str, variant: str, seed: int) -> Trial:
    """Kill a worker that sends, so that the outcome is unknown; then the one that looks it up."""
    made = house.run("order")
    first = house.lose("work", point="K5", seed=seed)
    house.pass_time(plan.LEASE + 1)
    house.run("work", sweep=True)
    house.pass_time(plan.LEASE + 1)
    second = house.lose("work", point=point, variant=variant, seed=seed, sweep=True)
    return finish(house, Trial(point, variant), [first, second], made["references"])


def length_of_a_life(house: Installation) -> int:
    """Microseconds in which one process buys, follows and collects here, if nobody kills it."""
    made = house.run("order")
    began = time.monotonic()
    house.run("go_on", references=made["references"], control=house.sandbox.url)
    took = time.monotonic() - began
    house.catch_up()
    return round(took * 1e6)


def anywhere(
    house: Installation, seed: int, *, quantity: int, deaths: int, within_us: int
) -> Trial:
    """Kill whoever is at it, `deaths` times, each at a random moment, an early one rather."""
    chance = random.Random(seed)
    made = house.run("order", quantity=quantity)
    ended = []
    for _ in range(deaths):
        moment = int(chance.random() ** 2 * within_us)
        ended.append(
            house.lose(
                "go_on",
                kill_after_us=moment,
                references=made["references"],
                control=house.sandbox.url,
            )
        )
        house.catch_up()
    return finish(house, Trial("random"), ended, made["references"])


def twice(house: Installation, point: str, variant: str, seed: int) -> Trial:
    """Kill a sender before a byte leaves; after the absence is proven, kill the next sender."""
    made = house.run("order")
    first = house.lose("work", point="K3", seed=seed)
    ended = house.lose(
        "go_on",
        references=made["references"],
        control=house.sandbox.url,
        point=point,
        variant=variant,
        seed=seed,
    )
    house.catch_up()
    return finish(house, Trial(point, variant), [first, ended], made["references"])


def finish(
    house: Installation, trial: Trial, ended: Iterable[Ended], references: list[str]
) -> Trial:
    """Let another process take over, and note what it found and left."""
    deaths = list(ended)
    trial.kills = sum(one.was_killed for one in deaths)
    trial.problems += [one.error for one in deaths if one.error]
    after = house.run(
        "take_over", references=references, control=house.sandbox.url, checked=house.checked
    )
    house.checked = after["checked"]
    trial.found, trial.left = after["found"], after["left"]
    trial.seconds = after["seconds"]
    trial.problems += after["problems"]
    return trial


# --- The table ----------------------------------------------------------------------------------


def table(trials: Iterable[Trial]) -> str:
    """One line a point: kills, doubles, losses, how the orders came home."""
    by_point: dict[str, list[Trial]] = {}
    for trial in trials:
        by_point.setdefault(trial.point, []).append(trial)
    lines = [f"{'point':7}{'kills':>6}{'double':>8}{'lost':>6}{'slowest':>9}  came home by"]
    for point, some in by_point.items():
        lines.append(_line(point, some))
    every = [trial for some in by_point.values() for trial in some]
    return "\n".join([*lines, _line("all", every)])


def figures(trials: Iterable[Trial]) -> dict[str, Any]:
    """The table's figures for the report."""
    every = list(trials)
    problems = [problem for trial in every for problem in trial.problems]
    return {
        "trials": len(every),
        "kills": sum(trial.kills for trial in every),
        "double": sum("DOUBLE" in one for one in problems),
        "lost": sum("LOST" in one for one in problems),
        "problems": len(problems),
        "kills_by_point": dict(sum((Counter({t.point: t.kills}) for t in every), Counter())),
        "recovered_by": dict(Counter(trial.recovery for trial in every)),
    }


def _line(point: str, some: list[Trial]) -> str:
    problems = [problem for trial in some for problem in trial.problems]
    ways = Counter(trial.recovery for trial in some)
    slowest = max(trial.seconds for trial in some)
    return (
        f"{point:7}{sum(trial.kills for trial in some):6}"
        f"{sum('DOUBLE' in one for one in problems):8}{sum('LOST' in one for one in problems):6}"
        f"{slowest:7} s  " + ", ".join(f"{way} {n}" for way, n in ways.most_common())
    )
