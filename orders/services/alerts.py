"""A deposit that runs low: the figure below which somebody wants to know, and the moment it does.

Start shows it for as long as it lasts; the log gets one line (`deposit.low`) when it is crossed.
"""

from functools import partial

import structlog
from django.db import transaction

from giftops import audit
from giftops.models import User
from giftops.money import Money
from orders.models import Deposit
from orders.services.problems import Refused

log = structlog.get_logger(__name__)


def set_alert(deposit: Deposit, *, below: Money | None, actor: User) -> Deposit:
    """Warn when less than `below` is free; None: never. Raises `Refused`."""
    if not actor.has_perm("orders.change_deposit"):
        raise Refused("Your role may not say when to warn.")
    if below is not None and (below.currency != deposit.currency or below.minor <= 0):
        raise Refused(f"Give an amount above nothing in {deposit.currency}.")
    with transaction.atomic():
        kept = Deposit.objects.select_for_update(no_key=True).get(pk=deposit.pk)
        was = kept.alert_below_minor
        kept.alert_below_minor = below.minor if below else None
        kept.save(update_fields=["alert_below_minor"])
        audit.record(
            "deposit.alert_changed", actor=actor, obj=kept,
            was=_text(was, kept.currency), now=_text(kept.alert_below_minor, kept.currency),
        )  # fmt: skip
    return kept


def is_low(deposit: Deposit) -> bool:
    """Whether less is free than somebody wants to have."""
    limit = deposit.alert_below_minor
    return limit is not None and deposit.free.minor < limit


def warn_if_crossed(deposit: Deposit, *, was_free: int) -> None:
    """Log once that the deposit ran low, if this very movement did it.

    `was_free`: minor units that were free before. Call it with the row as it stands, in the
    transaction that moved it; a movement that is rolled back warns nobody.
    """
    limit = deposit.alert_below_minor
    if limit is not None and is_low(deposit) and was_free >= limit:
        transaction.on_commit(
            partial(
                log.warning, "deposit.low", deposit=str(deposit.pk), currency=deposit.currency,
                free_minor=deposit.free.minor, alert_below_minor=limit,
            )
        )  # fmt: skip


def _text(minor: int | None, currency: str) -> str:
    return "never" if minor is None else str(Money(minor, currency))
