"""The sweep of what is issued, whatever the queue says. Safe to run twice.

Attempts whose worker is gone are settled by the sweep of orders, which knows both kinds.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from giftops import guard
from giftops.clock import db_now
from orders.services.issuing.cards import balances, creating
from orders.services.issuing.holds import authorizing
from orders.services.issuing.reservations import reserving

log = structlog.get_logger(__name__)

Sweep = Callable[[datetime], None]
SWEEPS: tuple[Sweep, ...] = (reserving.sweep, creating.sweep, authorizing.sweep, balances.sweep)
"""One for each kind of thing."""


def sweep_issued() -> None:
    """Run every sweep; one that fails must not hide the others."""
    if guard.is_quarantined():
        return
    for sweep in SWEEPS:
        try:
            sweep(db_now())
        except Exception as problem:
            log.error("sweep.failed", sweep=sweep.__module__, error=type(problem).__name__)
