"""The circuit breaker of an account: one row, shared by all processes."""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F

from giftops import clock, guard
from providers.gateways.errors import NotSent, ProviderUnavailable
from providers.gateways.http import Call
from providers.guards import nothing_sent_without_database, refuse_inside_transaction
from providers.models import CircuitState

log = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
REFUSALS_TO_OPEN = 2  # the first 401 may be a hiccup of theirs
FIRST_PROBE = timedelta(seconds=60)
LONGEST_PROBE = timedelta(minutes=15)


class CircuitBreaker:
    """Stops calling an account that cannot answer or does not let us in.

    Opens on five failures in a row (5xx, time-outs, no connection), on the second 401 in a row, on
    a 403. While it is open one read at a time may probe, first after a minute, then less and less
    often; a purchase never does. Any answer that is none of these closes it.
    """

    def __init__(self, account_id: UUID) -> None:
        self._account_id = account_id

    @nothing_sent_without_database
    def before_write(self) -> None:
        """NotSent while it is open, and in quarantine: a copied database must not buy again."""
        refuse_inside_transaction()
        if guard.is_quarantined():
            raise NotSent("This installation is in quarantine; nothing is sent.")
        state = self._open_state()
        if state is not None:
            raise NotSent(_held_back(state), retry_after=_until_probe(state))

    @nothing_sent_without_database
    def before_read(self) -> None:
        """ProviderUnavailable while it is open, unless this read becomes the probe."""
        refuse_inside_transaction()
        state = self._open_state()
        if state is not None and not self._becomes_probe(state):
            raise ProviderUnavailable(_held_back(state), retry_after=_until_probe(state))

    def note_answer(self, status: int, call: Call) -> None:
        """Learn from a status."""
        if status in (401, 403):
            enough = 1 if status == 403 else REFUSALS_TO_OPEN
            what = "does not permit us" if status == 403 else "refuses our credentials"
            self._count("refusals", enough, f"The provider {what} ({status} to {call}).")
        elif status >= 500:
            self._count("failures", FAILURES_TO_OPEN, f"The provider answered {status} to {call}.")
        else:
            self._close()

    def note_silence(self, reason: str) -> None:
        """Learn from a call that got no usable answer."""
        self._count("failures", FAILURES_TO_OPEN, reason)

    def _open_state(self) -> CircuitState | None:
        return CircuitState.objects.filter(pk=self._account_id, opened_at__isnull=False).first()

    def _becomes_probe(self, state: CircuitState) -> bool:
        now = clock.db_now()
        if state.probe_at is not None and state.probe_at > now:
            return False
        same = CircuitState.objects.filter(
            pk=state.pk, opened_at=state.opened_at, probe_at=state.probe_at
        )
        wait = min(FIRST_PROBE * 2 ** min(state.probes + 1, 6), LONGEST_PROBE)
        return same.update(probes=F("probes") + 1, probe_at=now + wait, changed_at=now) == 1

    def _count(self, what: str, enough: int, reason: str) -> None:
        now = clock.db_now()
        CircuitState.objects.bulk_create(
            [CircuitState(account_id=self._account_id)], ignore_conflicts=True
        )
        mine = CircuitState.objects.filter(pk=self._account_id)
        mine.update(**{what: F(what) + 1}, changed_at=now)
        closed = mine.filter(**{f"{what}__gte": enough}, opened_at__isnull=True)
        opened = closed.update(
            opened_at=now, reason=reason[:300], probes=0, probe_at=now + FIRST_PROBE
        )
        if opened:
            log.error("circuit breaker of account %s opened: %s", self._account_id, reason)

    def _close(self) -> None:
        troubled = CircuitState.objects.filter(pk=self._account_id).exclude(
            failures=0, refusals=0, opened_at__isnull=True
        )
        if not troubled.exists():
            return  # the usual case: nothing to write
        closed: dict[str, Any] = {"opened_at": None, "probe_at": None, "reason": ""}
        troubled.update(failures=0, refusals=0, probes=0, changed_at=clock.db_now(), **closed)


def _held_back(state: CircuitState) -> str:
    return f"nothing was sent, this account is held back: {state.reason}"


def _until_probe(state: CircuitState) -> float:
    if state.probe_at is None:
        return 0.0
    return max((state.probe_at - clock.db_now()).total_seconds(), 1.0)
