"""The readings of a card that say what became of a hold, each against the one before the send."""

from dataclasses import dataclass
from datetime import datetime

from giftops.money import Money
from giftops.show import duration
from orders.models import Authorization, BalanceCheck
from orders.weighing.holds import SETTLE

MOST = 30
GONE = "No such card"
SAME = "Nothing has changed"


@dataclass(frozen=True, slots=True)
class Look:
    """One reading as the page shows it; None where the card was not found."""

    at: datetime
    when: str
    says: str
    balance: Money | None
    held: Money | None
    available: Money | None
    difference: str
    is_before: bool


def looks_of(hold: Authorization) -> list[Look]:
    """What the card read for this hold, oldest first; of a long story the newest part."""
    newest = BalanceCheck.objects.filter(authorization=hold).order_by("-asked_at", "-id")[:MOST]
    checks = list(reversed(newest))
    before = next((check for check in checks if check.asked_at == hold.before_at), None)
    return [_look(hold, check, before) for check in checks]


def _look(hold: Authorization, check: BalanceCheck, before: BalanceCheck | None) -> Look:
    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, check.currency)

    return Look(
        at=check.asked_at,
        when=when_of(hold, check),
        says=check.provider_text,
        balance=money(check.balance_minor),
        held=money(check.held_minor),
        available=money(check.available_minor),
        difference=difference_of(check, before),
        is_before=check is before,
    )


def when_of(hold: Authorization, check: BalanceCheck) -> str:
    """When it was read, by the last request: "right before it was sent", "5 min after it"."""
    if check.asked_at == hold.before_at:
        return "right before it was sent" if hold.sent_at else "to see what is on it"
    if hold.sent_at is None or check.asked_at < hold.sent_at:
        return "earlier"
    gap = check.asked_at - hold.sent_at
    after = f"{duration(gap.total_seconds())} after it"
    return after if gap >= SETTLE else f"{after}, too early to tell"


def difference_of(check: BalanceCheck, before: BalanceCheck | None) -> str:
    """What has changed since the reading before the request, in words; "" where it is earlier."""
    if before is not None and check.asked_at <= before.asked_at:
        return ""
    if check.balance_minor is None or check.held_minor is None:
        return GONE
    if before is None or before.balance_minor is None or before.held_minor is None:
        return ""
    parts = [
        _change(check.held_minor - before.held_minor, check.currency, "held"),
        _change(check.balance_minor - before.balance_minor, check.currency, "on the card"),
    ]
    if check.provider_text != before.provider_text:
        parts.append(f"says “{check.provider_text}” now")
    if check.history_hash != before.history_hash:
        parts.append("another history")
    return ", ".join(part for part in parts if part) or SAME


def _change(minor: int, currency: str, what: str) -> str:
    if not minor:
        return ""
    return f"{Money(abs(minor), currency).format()} {'more' if minor > 0 else 'less'} {what}"
