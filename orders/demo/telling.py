"""How a story of the demo is told: drafted, given its faults, and taken as far as it goes.

The faults are the simulator's own: each is armed for one reference before that order is sent, so
that whoever orders beside them is not disturbed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from giftops.models import User
from orders.demo.simulator import Simulator
from orders.demo.wanted import Wanted, wish_for
from orders.models import Batch
from orders.services.drafting import create_batch
from orders.services.submitting import decline_batch, submit_batch
from providers.models import ProviderAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One batch and what becomes of it. `faults` names what goes wrong, with its parameters.

    A fault happens once, unless its parameters have a `count`.
    """

    title: str
    maker: str
    wanted: Wanted
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_submitted: bool = True
    declined_because: str = ""


def tell(story: Story, account: ProviderAccount, simulator: Simulator) -> Batch:
    """Draft the batch, arm its faults, and take it as far as its story goes."""
    maker = User.objects.get(username=story.maker)
    batch = create_batch(maker, wish_for(story.wanted, account, story.title))
    for reference in batch.orders.values_list("reference", flat=True):
        for fault, params in story.faults.items():
            simulator.arm(fault, reference=reference, **params)
    if story.is_submitted:
        submit_batch(batch, actor=maker)
    if story.declined_because:
        tom = User.objects.get(username="tom")
        decline_batch(batch, actor=tom, reason=story.declined_because)
    return batch
