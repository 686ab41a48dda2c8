"""Which tasks there are: dotted names under a few prefixes, and no others.

A dotted path that can be edited is code execution, so the name in a job row is never trusted.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

PREFIXES = ("orders.tasks.", "orders.tasks_issuing.", "providers.tasks.", "giftops.tasks.")


class UnknownTask(ValueError):
    """That name is no task of ours; the job cannot run."""


def check(name: str) -> None:
    """Raise UnknownTask unless `name` is one public function right under an allowed prefix."""
    prefixes = getattr(settings, "GIFTOPS_TASK_PREFIXES", PREFIXES)
    functions = [name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)]
    if not any(function.isidentifier() and function[0] != "_" for function in functions):
        raise UnknownTask(f"{name!r} is not a task: tasks live in {', '.join(prefixes)}")


def resolve(name: str) -> Callable[..., Any]:
    """The function of that name. Raises UnknownTask if it is not allowed or not there."""
    check(name)
    try:
        function: Callable[..., Any] = import_string(name)
    except ImportError as error:
        raise UnknownTask(f"there is no task {name}") from error
    home = name.rpartition(".")[0]
    if not f"{getattr(function, '__module__', '')}.".startswith(f"{home}."):
        raise UnknownTask(f"{name} is defined somewhere else")
    return function
