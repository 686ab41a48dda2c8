"""The deposit: what is free, what is held by orders, what is spent; double entry, append-only.

Every amount is in minor units of the deposit's currency. All functions but `ask_the_provider` run
inside the caller's transaction and take the deposit row first, before any order.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Sum

from giftops import audit
from giftops.clock import db_now
from giftops.money import Money
from giftops.queue import enqueue
from orders.decisions import Reading
from orders.models import (
    Book,
    BreakKind,
    Deposit,
    LedgerEvent,
    LedgerPosting,
    LedgerTransaction,
    Order,
)
from orders.services import alerts, breaking
from orders.services.debits import debits_of
from orders.services.problems import LostTheRace, NotEnoughMoney
from orders.statuses import Status
from providers import services as providers
from providers.gateways.errors import ProviderError
from providers.models import BalanceReading, ProviderAccount
from providers.registry import slugs_with

FRESH = timedelta(seconds=60)
SHORT_TOO_LONG = timedelta(minutes=15)


def deposit_of(account: ProviderAccount, currency: str) -> Deposit:
    return Deposit.objects.get_or_create(account=account, currency=currency)[0]


def hold(account: ProviderAccount, amount: Money, orders: list[Order]) -> None:
    """Set money aside for orders of one batch, or raise `NotEnoughMoney`.

    One conditional UPDATE decides, so whoever comes second to the last of the money loses.
    """
    deposit = deposit_of(account, amount.currency)
    fits = Deposit.objects.filter(
        pk=deposit.pk, available_minor__gte=F("shortfall_minor") + amount.minor
    )
    moved = fits.update(
        available_minor=F("available_minor") - amount.minor,
        held_minor=F("held_minor") + amount.minor,
        moved_at=db_now(),
    )
    if moved != 1:
        deposit.refresh_from_db()
        raise NotEnoughMoney(shortage(deposit, amount))
    _watch_the_level(deposit, spent=amount.minor)
    for order in orders:
        _post(deposit, LedgerEvent.HOLD, order, order.total_minor, Book.AVAILABLE, Book.HELD)


def shortage(deposit: Deposit, amount: Money) -> str:
    missing = Money(amount.minor - deposit.free.minor, amount.currency)
    return (
        f"The deposit does not cover this: it costs {amount.format()}, {deposit.free.format()} is "
        f"free, {missing.format()} is missing. Add funds at the provider or order less."
    )


def release(order: Order) -> None:
    """Give the order's hold back; the caller sets `held_minor` to 0 with the same step."""
    _give_back(order, order.held_minor)


def settle(order: Order, amount_minor: int) -> int:
    """Turn held money into spend for cards that arrived; answers what the order still holds."""
    amount = min(amount_minor, order.held_minor)
    if amount:
        deposit = _book(order, held=-amount, spent=amount)
        _post(deposit, LedgerEvent.SETTLE, order, amount, Book.HELD, Book.SPENT)
    return order.held_minor - amount


def settle_in_full(order: Order) -> int:
    """Everything that will come has come: what they charged is spend, what is over is free again.

    The order holds nothing any more. Answers by how much they charged more than was held: that is
    taken from what is free, and the caller calls somebody (`say_if_overcharged`).
    """
    due = order.held_minor
    if order.cost_minor is not None:
        due = max(0, order.cost_minor - _spent_on(order))
    left = settle(order, due)
    _give_back(order, left)
    return spend_beyond(order, due)


def spend_beyond(order: Order, amount_minor: int) -> int:
    """Spend, out of what is free, what of this amount the order did not hold; answers how much.

    `order` is as it was before its money was settled.
    """
    beyond = max(0, amount_minor - order.held_minor)
    if beyond:
        deposit = _book(order, available=-beyond, spent=beyond)
        _post(deposit, LedgerEvent.SETTLE, order, beyond, Book.AVAILABLE, Book.SPENT)
    return beyond


def say_if_overcharged(order: Order, beyond: int) -> None:
    """Open a break if more was charged than was approved; after the order's own step."""
    if beyond:
        text = (
            f"{order.reference}: {Money(order.cost_minor or 0, order.currency)} was charged, "
            f"{Money(beyond, order.currency)} more than was approved."
        )
        breaking.open_break(BreakKind.COST, order.account, order=order, text=text)


def _spent_on(order: Order) -> int:
    spent = LedgerPosting.objects.filter(transaction__order=order, book=Book.SPENT)
    return spent.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def _give_back(order: Order, amount: int) -> None:
    if amount:
        deposit = _book(order, available=amount, held=-amount)
        _post(deposit, LedgerEvent.RELEASE, order, amount, Book.HELD, Book.AVAILABLE)


def hold_again(order: Order) -> None:
    """Hold for a dead order that lives after all: the money is gone, so it always fits."""
    missing = order.total_minor - order.held_minor
    if missing:
        deposit = _book(order, available=-missing, held=missing)
        _post(deposit, LedgerEvent.HOLD, order, missing, Book.AVAILABLE, Book.HELD)


def ask_the_provider(
    account: ProviderAccount, *, unless_asked_within: timedelta = timedelta()
) -> None:
    """Read the balance over there and hold it against our books. May raise `ProviderError`."""
    deposit = deposit_of(account, account.currency)
    if deposit.asked_at and db_now() - deposit.asked_at < unless_asked_within:
        return
    note_reading(providers.read_balance(account.pk))


def refresh_all() -> None:
    """Arrange for the balance of every active deposit to be read, each in a job of its own."""
    holders = slugs_with("deposit_holder")
    for account in ProviderAccount.objects.filter(is_active=True, provider__in=holders):
        enqueue("orders.tasks.read_deposit", account.pk)


def freshen(account: ProviderAccount) -> str:
    """Ask for the balance if our figure is old or short; a sentence if that did not work."""
    is_short = deposit_of(account, account.currency).shortfall_minor > 0
    try:
        ask_the_provider(account, unless_asked_within=timedelta() if is_short else FRESH)
    except ProviderError as error:
        return str(error)
    return ""


@transaction.atomic
def note_reading(reading: BalanceReading) -> Deposit:
    """Book funds that appeared at the provider; what is missing there is not free.

    What orders on their way may explain is neither new funds nor, for as long, a break.
    """
    deposit = deposit_of(reading.account, reading.currency)
    debits = debits_of(reading.account, reading.currency, asked_at=reading.asked_at)
    expected = deposit.expected.minor - debits.taken
    compared = Reading(expected=expected, seen=reading.available_minor)
    is_settled = deposit.moved_at is None or deposit.moved_at < reading.asked_at
    surplus = max(0, compared.surplus - debits.may_return) if is_settled else 0
    is_short = compared.shortfall > debits.in_doubt
    short_since = (deposit.short_since or reading.asked_at) if is_short else None
    # Only onto the totals that were compared: two readings of the same new funds book them once.
    compared_with = Deposit.objects.filter(
        pk=deposit.pk, available_minor=deposit.available_minor, held_minor=deposit.held_minor,
        shortfall_minor=deposit.shortfall_minor,
    )  # fmt: skip
    noted = compared_with.update(
        available_minor=F("available_minor") + surplus,
        provider_minor=reading.available_minor,
        pending_minor=reading.pending_minor,
        asked_at=reading.asked_at,
        shortfall_minor=compared.shortfall,
        short_since=short_since,
    )
    if not noted:
        return note_reading(reading)
    if surplus:
        _book_surplus(deposit, surplus)
    _watch_the_gap(deposit, compared, short_since)
    was_free = deposit.free.minor
    deposit.refresh_from_db()
    alerts.warn_if_crossed(deposit, was_free=was_free)
    ring_for_the_waiting(reading.account)
    return deposit


def ring_for_the_waiting(account: ProviderAccount) -> None:
    """Have a look at the orders that wait for funds at this account, if there are any."""
    if Order.objects.filter(account=account, status=Status.AWAITING_FUNDS).exists():
        enqueue("orders.tasks.resume_orders", account.pk)


def _book_surplus(deposit: Deposit, surplus: int) -> None:
    _post(deposit, LedgerEvent.FUND, None, surplus, Book.OUTSIDE, Book.AVAILABLE)
    audit.record(
        "deposit.funded", actor=None, obj=deposit, amount=str(Money(surplus, deposit.currency))
    )


def _watch_the_gap(deposit: Deposit, compared: Reading, short_since: datetime | None) -> None:
    if short_since is None:
        breaking.close(BreakKind.DEPOSIT, deposit.account, note="The figures agree again.")
    elif db_now() - short_since > SHORT_TOO_LONG:
        gap = Money(compared.shortfall, deposit.currency)
        text = f"The provider shows {gap} less than our books since {short_since:%d %b %H:%M} UTC."
        breaking.open_break(BreakKind.DEPOSIT, deposit.account, text=text)


def _book(order: Order, *, available: int = 0, held: int = 0, spent: int = 0) -> Deposit:
    """Move money; `LostTheRace` if less is held than the order held when it was read."""
    deposit = deposit_of(order.account, order.currency)
    moved = Deposit.objects.filter(pk=deposit.pk, held_minor__gte=-held).update(
        available_minor=F("available_minor") + available,
        held_minor=F("held_minor") + held,
        spent_minor=F("spent_minor") + spent,
        moved_at=db_now(),
    )
    if moved != 1:
        raise LostTheRace(f"The money held for {order.reference} was moved meanwhile.")
    if available < 0:
        _watch_the_level(deposit, spent=-available)
    return deposit


def _watch_the_level(deposit: Deposit, *, spent: int) -> None:
    """Warn if this movement, which took `spent` minor units out of what is free, made it low."""
    if deposit.alert_below_minor is None:
        return
    deposit.refresh_from_db()
    alerts.warn_if_crossed(deposit, was_free=deposit.free.minor + spent)


def _post(
    deposit: Deposit, event: LedgerEvent, order: Order | None, amount: int, out_of: Book, into: Book
) -> None:
    entry = LedgerTransaction.objects.create(deposit=deposit, event=event, order=order, at=db_now())
    LedgerPosting.objects.bulk_create(
        [
            LedgerPosting(transaction=entry, book=out_of, amount_minor=-amount),
            LedgerPosting(transaction=entry, book=into, amount_minor=amount),
        ]
    )
