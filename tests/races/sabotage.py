"""Guards taken away, each by a patch of this process: a race must then have something to tell.

What is put in their place is what a careless hand would have written.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import F

from giftops import audit, clock, once
from giftops.models import ActionToken, AuditHead
from orders.models import Book, Deposit, LedgerEvent, Order
from orders.services import funding, moving
from orders.services.issuing import stepping
from orders.services.issuing.cards import issuing, pausing
from orders.services.issuing.reservations import stock
from orders.services.problems import LostTheRace, NotEnoughMoney


def hold_by_looking_first() -> None:
    """Look whether the money is there, then take it."""

    def hold(account: Any, amount: Any, orders: Any) -> None:
        deposit = funding.deposit_of(account, amount.currency)
        if deposit.free < amount:
            raise NotEnoughMoney(funding.shortage(deposit, amount))
        funding.db_now()  # anything that takes a moment
        Deposit.objects.filter(pk=deposit.pk).update(
            available_minor=F("available_minor") - amount.minor,
            held_minor=F("held_minor") + amount.minor,
        )
        for order in orders:
            funding._post(
                deposit, LedgerEvent.HOLD, order, order.total_minor, Book.AVAILABLE, Book.HELD
            )

    funding.hold = hold


def move_whatever_it_was() -> None:
    """Change a status without naming the one that was read."""

    def shift(order: Order, to: Any, **changes: Any) -> Any:
        at = clock.db_now()
        changes = {"changed_at": at} | changes | {"status": to, "version": F("version") + 1}
        Order.objects.filter(pk=order.pk).update(**changes)
        order.refresh_from_db()
        return at

    moving.shift = shift


def book_what_was_read() -> None:
    """Book a surplus onto whatever the deposit holds by now."""

    def note_reading(reading: Any) -> None:
        deposit = funding.deposit_of(reading.account, reading.currency)
        surplus = max(0, reading.available_minor - deposit.expected.minor)
        Deposit.objects.filter(pk=deposit.pk).update(
            available_minor=F("available_minor") + surplus, asked_at=reading.asked_at
        )
        if surplus:
            funding._book_surplus(deposit, surplus)

    funding.note_reading = note_reading


def count_the_chain_by_hand() -> None:
    """Read the end of the audit trail, then write behind it."""

    def next_head() -> AuditHead:
        head = AuditHead.objects.get(pk=1)
        head.sequence += 1
        head.save()
        return head

    audit._next_head = next_head


def look_for_the_token_first() -> None:
    """Look whether the token was used, act, then write it down."""

    def use_once(token: str, *, user: Any, purpose: str, work: Callable[[], Any]) -> Any:
        used = ActionToken.objects.filter(token=token).first()
        if used is not None:
            return used.result, True
        result = work()
        ActionToken.objects.bulk_create(
            [ActionToken(token=token, user=user, purpose=purpose, result=result)],
            ignore_conflicts=True,
        )
        return result, False

    once.once = use_once


def audit_before_money() -> None:
    """Take the end of the audit trail first, the deposit after it."""
    hold = funding.hold

    def hold_late(account: Any, amount: Any, orders: Any) -> None:
        audit.record("race.held", actor=None)
        hold(account, amount, orders)

    funding.hold = hold_late


def step_whatever_it_was() -> None:
    """Change the state of what is issued without naming the version that was read."""

    def shift(thing: Any, to: Any, **changes: Any) -> Any:
        at = clock.db_now()
        rows = type(thing)._default_manager.filter(pk=thing.pk)
        rows.update(**{"changed_at": at, "state": to, "version": F("version") + 1} | changes)
        thing.refresh_from_db()
        return at

    stepping.shift = shift


def decide_on_what_was_seen() -> None:
    """Look how cards stand that were asked for, then answer, without having their row to itself."""
    step_whatever_it_was()

    def look(issuance: Any, *states: Any) -> None:
        issuance.refresh_from_db()
        if states and issuance.state not in states:
            raise LostTheRace("Somebody was first.")

    issuing.held = pausing.held = look


def take_what_was_seen() -> None:
    """Look for a number that is left, then take it, without naming the version that was read."""
    step_whatever_it_was()

    def first_of(card: Any, source: Any) -> Any:
        free = stock.usable(source, clock.db_now()).filter(card__isnull=True)
        return free.order_by("position").first()

    stock._next = first_of
