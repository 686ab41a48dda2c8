"""D1 to D3: what an order of many lines must have brought when it counts as fulfilled.

Orders that two people credited or whose delivery they accepted are theirs to answer for.
"""

from collections import Counter, defaultdict

from orders.models import Card
from orders.statuses import Status
from providers.gateways.base import OrderType
from tests.simulation.checks import Books, OrderRow, secret_of
from tests.simulation.operations.giftcardpartners_oracle import GiftCardPartnersOracle, Goods
from tests.simulation.scheduler import Violation


class Deliveries:
    """D1: one card for each unit, each in the line it was bought for. D2: a line that failed was
    not delivered. D3: what they charged is what was spent."""

    def __init__(self, books: Books, oracle: GiftCardPartnersOracle, account: str) -> None:
        self._books = books
        self._oracle = oracle
        self._account = account

    def __call__(self, *, is_last: bool = False) -> None:
        if not is_last:
            return
        goods: dict[str, list[Goods]] = defaultdict(list)
        for line in self._oracle.goods():
            goods[line.reference].append(line)
        decided = self._decided()
        self._cards_are_at_home(decided)
        for reference, order in self._books.at(self._account).items():
            if order.status != Status.FULFILLED or order.id in decided or not goods[reference]:
                continue
            self._nothing_failed(order, goods[reference])
            self._one_card_a_unit(order)
            self._what_they_charged_is_spent(order, goods[reference])

    def _decided(self) -> set[str]:
        rows = self._books.rows(
            "SELECT order_id FROM orders_resolution WHERE state = 'confirmed'"
            " AND decision IN ('credit', 'accept')"
        )
        return {row[0] for row in rows}

    def _cards_are_at_home(self, decided: set[str]) -> None:
        homes = self._oracle.homes()
        cards = Card.objects.filter(order__account_id=self._account, is_releasable=True)
        for card in cards.select_related("order").order_by("id"):
            home = homes.get(secret_of(card), "")
            if home not in ("", card.line_id.hex) and not self._is_contested(home, decided):
                raise Violation("D1", f"{card.order.reference} has a card in another's line")

    def _is_contested(self, line_id: str, decided: set[str]) -> bool:
        """Whether they gave its link to another order first: then its own waits for people."""
        order_id, status = self._books.rows(
            "SELECT o.id, o.status FROM orders_order o JOIN orders_orderline l"
            " ON l.order_id = o.id WHERE l.id = ?",
            line_id,
        )[0]
        return status != Status.FULFILLED or order_id in decided

    def _nothing_failed(self, order: OrderRow, goods: list[Goods]) -> None:
        failed = sum(line.is_failed for line in goods)
        if failed:
            raise Violation("D2", f"{order.reference} is fulfilled, {failed} lines failed")

    def _one_card_a_unit(self, order: OrderRow) -> None:
        if order.type == OrderType.PHYSICAL:
            return
        rows = self._books.rows(
            "SELECT l.id, l.quantity, (SELECT count(*) FROM orders_card c WHERE c.line_id = l.id"
            " AND c.is_releasable) FROM orders_orderline l WHERE l.order_id = ?",
            order.id,
        )
        is_for_us = order.type == OrderType.LINKS or any(count for _, _, count in rows)
        if is_for_us and any(count != quantity for _, quantity, count in rows):
            counts = [(quantity, count) for _, quantity, count in rows]
            raise Violation("D1", f"{order.reference} is fulfilled, (bought, came): {counts}")

    def _what_they_charged_is_spent(self, order: OrderRow, goods: list[Goods]) -> None:
        charged = sum(line.cost_minor for line in goods if not line.is_failed)
        spent: Counter[str] = Counter()
        for book, amount in self._books.rows(
            "SELECT p.book, p.amount_minor FROM orders_ledgerposting p"
            " JOIN orders_ledgertransaction t ON t.id = p.transaction_id WHERE t.order_id = ?",
            order.id,
        ):
            spent[book] += amount
        if spent["spent"] != charged:
            raise Violation("D3", f"{order.reference}: {charged} charged, {spent['spent']} spent")
