"""What the faults of several providers do: edit an answer, or change a plan before it is followed.

A plan is the provider's own; one of orders has `steps`, (seconds after its creation, status) in the
order of time, and `twist` for the oddities of its cards.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from providers.sandbox.faults import Params
from providers.sandbox.mutations import Targets, decoded
from providers.sandbox.wire import Reply, dump

Change = Callable[[Any, Params], bool]
Damage = Callable[[Reply, Params, Targets], Reply | None]
Shape = Callable[[Any, Params], None]
Step = tuple[float, str]


def edit(change: Change) -> Damage:
    """Damage that edits a decoded success; `change` returns False when it found nothing."""

    def damage(reply: Reply, params: Params, _targets: Targets) -> Reply | None:
        value = decoded(reply)
        return replace(reply, body=dump(value)) if value and change(value, params) else None

    return damage


def put(attribute: str, make: Callable[[Any, Params], Any]) -> Shape:
    """Give the plan an attribute that `make` makes of the plan and the parameters."""

    def change(plan: Any, params: Params) -> None:
        setattr(plan, attribute, make(plan, params))

    return change


def copy(attribute: str, param: str, convert: Callable[[Any], Any] = float) -> Shape:
    """Give the plan a parameter of the fault as an attribute."""
    return put(attribute, lambda _plan, params: convert(params[param]))


def twist(name: str, param: str | None = None) -> Shape:
    """Note an oddity of an order's cards: that it is there, or how many it is about."""

    def change(plan: Any, params: Params) -> None:
        plan.twist[name] = True if param is None else int(params[param])

    return change


def fall_back(done: str) -> Shape:
    """The last status, `after` seconds later `to`, and perhaps `done` again."""

    def make(plan: Any, params: Params) -> list[Step]:
        last = plan.steps[-1][0] if plan.steps else 0.0
        back = last + params["after"]
        return [*plan.steps, (back, params["to"]), *resumed(back, params, done)]

    return put("steps", make)


def resumed(since: float, params: Params, done: str) -> list[Step]:
    """The step to `done`, `resume_after` seconds later; none when that is null or unknown."""
    after = params.get("resume_after")
    return [] if after is None else [(since + after, done)]
