"""Our books beside a provider's own ledger, to the cent and to the card."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from giftops.money import Money
from giftops.sealing import blind_index
from orders.demo.account import NCENTIVA, PARTNERS
from orders.models import Card, Deposit, LedgerPosting, Order, OrderLine
from orders.models.deposit import Book
from orders.services.collecting import CODE
from orders.statuses import Status
from providers.gateways.base import OrderType
from providers.models import ProviderAccount

Theirs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """How a provider's ledger is read: what was taken for an order, the cards, what is left."""

    taken_for: Callable[[Theirs], int]
    cards_of: Callable[[Theirs], Iterable[str]]
    balance: str


def _links_and_plastic(order: Theirs) -> Iterable[str]:
    """Links by their index; a card that went by post by the line that it was sent for."""
    for card in order["cards"]:
        if card["claim_link"]:
            yield blind_index(card["claim_link"], field=CODE)
        else:
            yield _sent_for(order["lines"][card["line"] - 1]["external_id"])


def _sent_for(line_id: str) -> str:
    return f"by post for {line_id}"


LEDGERS = {
    NCENTIVA: Ledger(
        taken_for=lambda order: 0 if order["completed_at"] is None else order["cost_minor"],
        cards_of=lambda order: [
            blind_index(card["card_number"], field=CODE) for card in order["cards"]
        ],
        balance="balance_minor",
    ),
    PARTNERS: Ledger(
        taken_for=lambda order: order["cost_minor"] - order["refunded_minor"],
        cards_of=_links_and_plastic,
        balance="available_minor",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one of the two says about some orders; secrets as blind indexes."""

    orders: int
    cards: Counter[str]
    spent: Money

    @property
    def card_count(self) -> int:
        return self.cards.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both sides of one scene, and how the orders stand."""

    ours: Side
    theirs: Side
    our_status: str
    their_status: str
    is_fulfilled: bool

    @property
    def differences(self) -> list[str]:
        """Sentences; none when both agree and everything that was asked for is here."""
        ours, theirs = self.ours, self.theirs
        found = []
        if not self.is_fulfilled:
            found.append(f"not fulfilled, but: {self.our_status}")
        if ours.orders != theirs.orders:
            found.append(f"we wanted {ours.orders} orders, they have {theirs.orders}")
        if missing := theirs.cards - ours.cards:
            found.append(f"{missing.total()} of their cards are not in our books")
        if invented := ours.cards - theirs.cards:
            found.append(f"{invented.total()} of our cards are not in theirs")
        if ours.spent != theirs.spent:
            found.append(f"we spent {ours.spent}, they took {theirs.spent}")
        return found


def compare(orders: Sequence[Order], ledger: Theirs) -> Comparison:
    """Hold our orders against the provider's ledger (as its control end point gives it)."""
    references = {order.reference for order in orders}
    remote = [one for one in ledger["orders"] if one["reference"] in references]
    currency = orders[0].currency
    return Comparison(
        ours=our_side(orders),
        theirs=their_side(remote, currency, LEDGERS[orders[0].account.provider]),
        our_status=_together(order.get_status_display() for order in orders),
        their_status=_together(one["status"] for one in remote) or "(nothing)",
        is_fulfilled=all(order.status == Status.FULFILLED for order in orders),
    )


def our_side(orders: Sequence[Order]) -> Side:
    """Our cards, and what our double-entry ledger says was spent."""
    cards = Card.objects.filter(order__in=orders, is_releasable=True)
    indexes = Counter(cards.values_list("code_index", flat=True))
    spent = LedgerPosting.objects.filter(transaction__order__in=orders, book=Book.SPENT)
    return Side(
        orders=len(orders),
        cards=indexes + _sent_by_post(orders),
        spent=Money(sum(spent.values_list("amount_minor", flat=True)), orders[0].currency),
    )


def _sent_by_post(orders: Sequence[Order]) -> Counter[str]:
    """The plastic that is on its way, as far as we know."""
    lines = OrderLine.objects.filter(
        order__in=orders, order__type=OrderType.PHYSICAL, delivered_at__isnull=False
    )
    return Counter({_sent_for(line.id.hex): line.quantity for line in lines})


def their_side(remote: Sequence[Theirs], currency: str, ledger: Ledger) -> Side:
    """Their cards, and what they took for them."""
    return Side(
        orders=len(remote),
        cards=Counter(card for one in remote for card in ledger.cards_of(one)),
        spent=Money(sum(map(ledger.taken_for, remote)), currency),
    )


def compare_deposit(account: ProviderAccount, ledger: Theirs) -> list[str]:
    """Sentences where our deposit and the provider's balance differ; none when all is settled."""
    deposit = Deposit.objects.get(account=account, currency=account.currency)
    theirs = balance_in(ledger, account)
    found = []
    if deposit.held_minor:
        found.append(f"{deposit.held} is still held although nothing is on its way")
    if deposit.free != theirs:
        found.append(f"we count {deposit.free} as available, they have {theirs}")
    return found


def balance_in(ledger: Theirs, account: ProviderAccount) -> Money:
    """What the provider's ledger says is left for us to spend."""
    return Money(ledger[LEDGERS[account.provider].balance], account.currency)


def _together(words: Iterable[str]) -> str:
    """The different words, with how often where there are several."""
    counted = Counter(words)
    if len(counted) == 1:
        return next(iter(counted))
    return ", ".join(f"{count} × {word}" for word, count in counted.items())
