"""After a restore nobody knows what was issued since, so nothing more is issued by itself.

A card that waits in the backup may have been created since, on a number that the backup calls
free; a hold may have been taken or given back. Numbers protect themselves: the issuer refuses a
second card on one. Cards and holds have no look-up by a reference of ours, so people decide.
"""

from datetime import datetime

import structlog
from django.db import transaction

from orders.issuing_states import OPEN_HOLDS, HoldState, IssuanceState, ReservationState
from orders.models import Authorization, BreakKind, Issuance, Reservation
from orders.services import breaking
from orders.services.issuing import stepping

log = structlog.get_logger(__name__)
WITHDRAWN = "Withdrawn: after the backup it may have been sent. Ask for it anew if it was not."
PAUSED = (
    "Paused: after the backup some of these cards may have been created. Compare with the "
    "issuer before you go on."
)
MAY_BE_OVER = "after the backup it may have been taken or given back. Compare with the issuer."


def doubt_issued(backup_at: datetime) -> int:
    """Stop what a restored database would issue or hold by itself; count what was touched.

    What had left already, as far as the backup knows, is in doubt and resolved as ever.
    """
    touched = _withdraw_reservations() + _stop_issuances() + _withdraw_holds() + _doubt_open_holds()
    log.warning("issued.doubted", count=touched, backup_at=backup_at.isoformat())
    return touched


@transaction.atomic
def _withdraw_reservations() -> int:
    asked = list(Reservation.objects.filter(state=ReservationState.REQUESTED))
    for reservation in asked:
        stepping.step(
            reservation, ReservationState.WITHDRAWN, kind="restored", text=WITHDRAWN,
            reason=WITHDRAWN, next_look_at=None,
        )  # fmt: skip
    return len(asked)


@transaction.atomic
def _stop_issuances() -> int:
    running = list(Issuance.objects.filter(state=IssuanceState.RUNNING))
    for issuance in running:
        stepping.step(issuance, IssuanceState.PAUSED, kind="restored", text=PAUSED, reason=PAUSED)
    unapproved = (IssuanceState.DRAFT, IssuanceState.AWAITING_APPROVAL)
    drafts = list(Issuance.objects.filter(state__in=unapproved))
    for issuance in drafts:
        stepping.step(
            issuance, IssuanceState.WITHDRAWN, kind="restored", text=WITHDRAWN, reason=WITHDRAWN
        )
    return len(running) + len(drafts)


@transaction.atomic
def _withdraw_holds() -> int:
    unsent = (HoldState.REQUESTED, HoldState.PRECHECKED)
    asked = list(Authorization.objects.filter(state__in=unsent))
    for hold in asked:
        if hold.state == HoldState.PRECHECKED:
            stepping.step(hold, HoldState.REQUESTED, kind="stepped_back", text="Nothing was sent")
        stepping.step(
            hold, HoldState.WITHDRAWN, kind="restored", text=WITHDRAWN, reason=WITHDRAWN,
            next_look_at=None,
        )  # fmt: skip
    return len(asked)


@transaction.atomic
def _doubt_open_holds() -> int:
    held = list(Authorization.objects.filter(state__in=OPEN_HOLDS).select_related("account"))
    for hold in held:
        text = f"{hold.reference}: {MAY_BE_OVER}"
        stepping.note(hold, next_look_at=None, reason=text[:300])
        stepping.tell(hold, "restored", text)
        breaking.open_break(BreakKind.HOLD_IN_DOUBT, hold.account, authorization=hold, text=text)
    return len(held)
