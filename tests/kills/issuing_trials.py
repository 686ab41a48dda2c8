"""One kill of somebody who asks an issuer for something, and what becomes of it."""

import random
from dataclasses import dataclass

from tests.kills import plan
from tests.kills.installation import Installation
from tests.kills.trials import Trial

LIFE = "tests.kills.issuing_life."


@dataclass
class IssuingTrial(Trial):
    """A trial whose end is a state of what was asked for."""

    write: str = ""

    @property
    def recovery(self) -> str:
        """As what it ended, and after how many sends."""
        (left,) = self.left
        return f"{left['status']} after {len(left['attempts'])} sends"


def sender(till: Installation, write: str, point: str, variant: str, seed: int) -> IssuingTrial:
    """Kill the worker that sends this write; let another one take over, and ask the oracle."""
    made = till.run(f"{LIFE}prepare", write=write)
    if fault := plan.FAULTS.get((point, variant)):
        name, params = fault(random.Random(seed))
        (operation,) = plan.OPERATIONS[write]
        till.control.arm(name, params, operation=operation)
    ended = till.lose("work", point=point, variant=variant, seed=seed, write=write)
    after = till.run(
        f"{LIFE}take_over", write=write, id=made["id"], control=till.sandbox.url,
        checked=till.checked,
    )  # fmt: skip
    till.checked = after["checked"]
    return IssuingTrial(
        point, variant, write=write, kills=int(ended.was_killed), found=after["found"],
        left=after["left"], seconds=after["seconds"],
        problems=[*([ended.error] if ended.error else []), *after["problems"]],
    )  # fmt: skip
