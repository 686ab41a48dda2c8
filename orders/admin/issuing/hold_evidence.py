"""What the card read right before a request and after it, how they differ, and what follows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from giftops.money import Money
from giftops.show import duration
from orders.issuing_states import HoldState as H
from orders.models import Authorization, BalanceCheck
from orders.weighing.holds import LOOKS, READINGS, SETTLE

MOST = 30
GONE = "No such card"
SAME = "Nothing has changed"
ENDS = {H.CONFIRM_UNKNOWN: "To be taken", H.CANCEL_UNKNOWN: "To be given back"}
OF_ENDS = (
    "If both figures fell by that amount it was taken; if only what is held fell, it was given "
    "back. If three readings show no change, the same code is sent once more."
)
FOLLOWS = {
    H.CONFIRM_UNKNOWN: OF_ENDS,
    H.CANCEL_UNKNOWN: OF_ENDS,
    H.NO_EFFECT_SEEN: (
        "Nothing moved on the card. That is evidence, not proof: a late request may still arrive, "
        "so two people decide whether it is asked for again or given up."
    ),
    H.HELD_CODE_LOST: (
        "More is held than before, at most what was asked for: so it is held, and its code never "
        "came. Two people enter the code that the provider's staff tells, or have it released."
    ),
    H.AMBIGUOUS: (
        "The readings disagree, or something else moved on the card, so nobody can tell from them. "
        "Two people find out at the provider and decide."
    ),
    H.NEEDS_REVIEW: "The card does not show how it ended, so two people decide.",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One reading as the page lists it; None where the card was not found."""

    at: datetime
    when: str
    balance: Money | None
    held: Money | None
    difference: str


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was read, before and after; "" where it was not."""

    name: str
    before: str
    after: str = ""
    difference: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The reading right before the request and the newest one since, side by side."""

    before: Look | None
    after: Look | None
    rows: list[Row]
    asked: tuple[str, Money]
    follows: str
    looks: list[Look]


def evidence_of(hold: Authorization) -> Evidence | None:
    """What was read for this hold; None before the first reading."""
    checks = _checks(hold)
    if not checks:
        return None
    before = next((check for check in checks if check.asked_at == hold.before_at), None)
    since = [check for check in checks if _is_since(check, before)]
    after = since[-1] if since else None
    return Evidence(
        before=_look(hold, before, before) if before else None,
        after=_look(hold, after, before) if after else None,
        rows=list(_rows(before, after, hold.currency)),
        asked=_asked(hold),
        follows=follows_of(hold),
        looks=[_look(hold, check, before) for check in checks],
    )


def _checks(hold: Authorization) -> Sequence[BalanceCheck]:
    """The readings, oldest first; of a long story the newest part, and the one before the send."""
    of_hold = BalanceCheck.objects.filter(authorization=hold)
    newest = of_hold.order_by("-asked_at", "-id").values("pk")[:MOST]
    shown = of_hold.filter(Q(pk__in=newest) | Q(asked_at=hold.before_at))
    return list(shown.order_by("asked_at", "id"))


def _is_since(check: BalanceCheck, before: BalanceCheck | None) -> bool:
    return check is not before and (before is None or check.asked_at > before.asked_at)


def _asked(hold: Authorization) -> tuple[str, Money]:
    """What the difference is held against: the amount asked for, or the one to be ended."""
    if hold.state in ENDS and hold.granted is not None:
        return ENDS[H(hold.state)], hold.granted
    return "Asked for", hold.requested


def follows_of(hold: Authorization) -> str:
    """What follows from the readings, in a sentence; "" where nothing is in doubt."""
    if hold.state != H.UNKNOWN:
        return FOLLOWS.get(H(hold.state), "")
    first, last = (duration(look.total_seconds()) for look in (LOOKS[0], LOOKS[-1]))
    if not hold.looks:
        return f"Too early to tell: what is read {first} after it was sent counts, not before."
    agree = "1 reading" if hold.looks == 1 else f"{hold.looks} readings agree"
    return f"{agree} so far; {READINGS} must agree, the last one {last} after it was sent."


def _rows(before: BalanceCheck | None, after: BalanceCheck | None, currency: str) -> Iterator[Row]:
    yield _figure("On the card", "balance_minor", before, after, currency)
    yield _figure("Held", "held_minor", before, after, currency)
    if before and after and before.history_hash != after.history_hash:
        yield Row("Its history", "", "", "another one")
    yield Row("It says", _says(before), _says(after))


def _says(check: BalanceCheck | None) -> str:
    if check is None:
        return ""
    return GONE if check.balance_minor is None else f"“{check.provider_text}”"


def _figure(
    name: str, field: str, before: BalanceCheck | None, after: BalanceCheck | None, currency: str
) -> Row:
    was, now = getattr(before, field, None), getattr(after, field, None)
    gap = "" if was is None or now is None else signed(now - was, currency)
    before_that, after_that = (
        "" if minor is None else Money(minor, currency).format() for minor in (was, now)
    )
    return Row(name, before_that, after_that, gap)


def signed(minor: int, currency: str) -> str:
    """A difference: "+USD 10.00", "−USD 5.00", "none"."""
    if not minor:
        return "none"
    return f"{'+' if minor > 0 else '−'}{Money(abs(minor), currency).format()}"


def _look(hold: Authorization, check: BalanceCheck, before: BalanceCheck | None) -> Look:
    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, check.currency)

    return Look(
        at=check.asked_at,
        when=when_of(hold, check),
        balance=money(check.balance_minor),
        held=money(check.held_minor),
        difference=difference_of(check, before),
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
