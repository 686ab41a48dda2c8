"""How far an issuance has come, and when it is done."""

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count

from orders.issuing_states import LIVING_CARDS, CardState, IssuanceState
from orders.models import Issuance
from orders.services.issuing import stepping
from orders.services.problems import Refused

UNFINISHED = (CardState.DRAFT, CardState.WAITING, CardState.CREATING, CardState.IN_DOUBT)
"""As long as one card is here, the issuance is not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Cards of an issuance by what has become of them; `held` waits for two people."""

    total: int
    created: int
    waiting: int
    in_flight: int
    in_doubt: int
    refused: int
    held: int
    withdrawn: int = 0

    @property
    def left(self) -> int:
        """Cards that are still on their way."""
        return self.waiting + self.in_flight + self.in_doubt


def progress_of(issuance: Issuance) -> Progress:
    """Count its cards, in one query."""
    rows = issuance.cards.order_by().values_list("state").annotate(count=Count("pk"))
    count = dict(rows)
    return Progress(
        total=sum(count.values()),
        created=sum(count.get(state, 0) for state in LIVING_CARDS),
        waiting=count.get(CardState.DRAFT, 0) + count.get(CardState.WAITING, 0),
        in_flight=count.get(CardState.CREATING, 0),
        in_doubt=count.get(CardState.IN_DOUBT, 0),
        refused=count.get(CardState.REFUSED, 0),
        held=count.get(CardState.NEEDS_REVIEW, 0),
        withdrawn=count.get(CardState.WITHDRAWN, 0),
    )


def finish_if_done(issuance_id: uuid.UUID | str) -> None:
    """Close an issuance that has nothing left to create. Not inside a transaction.

    Asked after each card's own change was committed, so whichever is the last one sees it.
    """
    with transaction.atomic():
        issuance = Issuance.objects.get(pk=issuance_id)
        if issuance.state not in (IssuanceState.RUNNING, IssuanceState.PAUSED):
            return
        if issuance.cards.filter(state__in=UNFINISHED).exists():
            return
        try:
            stepping.step(issuance, IssuanceState.DONE, kind="done", text=_in_words(issuance))
        except Refused:
            return  # somebody paused, resumed or closed it this very moment: the sweep asks again


def _in_words(issuance: Issuance) -> str:
    progress = progress_of(issuance)
    others = {
        "refused": progress.refused,
        "held for a person": progress.held,
        "withdrawn": progress.withdrawn,
    }
    said = [f"{count} {what}" for what, count in others.items() if count]
    return ", ".join([f"{progress.created} of {progress.total} cards created", *said])
