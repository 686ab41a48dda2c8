"""What must hold before a provider is called."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection

from providers.gateways.errors import NotSent

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def nothing_sent_without_database(work: Callable[P, T]) -> Callable[P, T]:
    """Before a call, a database that is down means: not sent."""

    @functools.wraps(work)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        except DatabaseError as problem:
            log.error("shared state of an account is out of reach: %s", type(problem).__name__)
            raise NotSent("nothing was sent, our database did not answer") from None

    return guarded


def refuse_inside_transaction() -> None:
    """RuntimeError if a provider is to be called with a transaction open: commit first."""
    if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]
        raise RuntimeError("A provider is never called inside a database transaction.")
