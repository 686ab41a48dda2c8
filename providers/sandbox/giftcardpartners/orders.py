"""How an order comes into being and goes on: statuses, the deposit, cards and their claim links."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.giftcardpartners.catalogue import LINKS, PHYSICAL, PRODUCT, SHIPPING
from providers.sandbox.giftcardpartners.claims import make_claim, order_id
from providers.sandbox.giftcardpartners.form import Form, Line
from providers.sandbox.giftcardpartners.ledger import GiftCardPartnersLedger
from providers.sandbox.ledger import Row

PENDING, COMPLETED, FAILED, CANCELLED = "Pending", "Completed", "Failed", "Cancelled"
HUNDRED_PERCENT = 10_000  # hundredths of a percent; exchange rates are kept in the same steps


@dataclass(slots=True, kw_only=True)
class Plan:
    """What will become of an order: (seconds after its creation, status), and its oddities.

    `unlisted_for` and `unfound_for` are the seconds for which the list and the look-up by id do not
    see it.
    """

    steps: list[tuple[float, str]]
    unlisted_for: float = 0.0
    unfound_for: float = 0.0
    twist: dict[str, Any] = field(default_factory=dict)


class InsufficientFunds(Exception):
    """What is available does not pay for the order; nothing was stored."""


class Desk:
    """The people at GiftCard Partners who take orders and fulfil them."""

    def __init__(self, ledger: GiftCardPartnersLedger, settings: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._settings = settings

    def usual_plan(self, form: Form) -> Plan:
        """Small orders are completed at once, the others take time by the card."""
        if form.cards <= self._settings["pending_above"]:
            return Plan(steps=[(0.0, COMPLETED)])
        return Plan(steps=[(self.working_time(form.cards), COMPLETED)])

    def working_time(self, cards: int) -> float:
        """Seconds that a larger order takes."""
        settings = self._settings
        return float(settings["completed_after"] + settings["completed_per_card"] * cards)

    def place(self, form: Form, at: float, plan: Plan, stranger: bool = False) -> Row:
        """Commit an order and take its cost. Raises InsufficientFunds.

        The form and the PO number must have been checked.
        """
        costs = [self._cost(line) for line in form.lines]
        if not stranger and sum(costs) > self._ledger.funds():
            raise InsufficientFunds
        number = self._write_order(form, at, plan, stranger)
        for position, (line, cost) in enumerate(zip(form.lines, costs, strict=True), start=1):
            self._write_line(number, position, line, cost)
        if not stranger:
            self._ledger.move(at, -sum(costs), "order", number=number)
        self._ledger.set_steps(number, [(at + after, status) for after, status in plan.steps])
        return self._ledger.order(number)

    def _write_order(self, form: Form, at: float, plan: Plan, stranger: bool) -> int:
        number = (self._ledger.value("SELECT max(number) FROM orders") or 0) + 1
        self._ledger.insert(
            "orders",
            {
                "number": number,
                "id": order_id(self._ledger.setting("seed"), number),
                "po_number": form.po_number,
                "type": form.type,
                "status": PENDING,
                "note": form.note,
                "department": form.department,
                "webhook": form.webhook,
                "created_at": at,
                "listed_at": at + plan.unlisted_for,
                "found_at": at + plan.unfound_for,
                "steps": "[]",
                "twist": json.dumps(plan.twist),
                "stranger": stranger,
            },
        )
        return number

    def _write_line(self, number: int, position: int, line: Line, cost: int) -> None:
        self._ledger.insert(
            "lines",
            {
                "number": number,
                "position": position,
                "product": line.product.id,
                "value": line.value,
                "quantity": line.quantity,
                "cost": cost,
                "status": PENDING,
                "extras": json.dumps(line.extras),
            },
        )

    def _cost(self, line: Line) -> int:
        """What a line takes from the deposit: the contract's estimate, and the shipping.

        In minor units of the account's currency; half a cent rounds up.
        """
        product, quantity = line.product, line.quantity
        cards = line.value * quantity * (HUNDRED_PERCENT - product.discount)
        fees = product.fee * quantity * HUNDRED_PERCENT
        rate = round(
            float(self._settings["exchange_rates"].get(product.currency, 1)) * HUNDRED_PERCENT
        )
        whole = HUNDRED_PERCENT * HUNDRED_PERCENT
        shipping = SHIPPING[line.shipping_method].cost if line.shipping_method else 0
        return ((cards + fees) * rate + whole // 2) // whole + shipping

    def run_event(self, at: float) -> Row:
        """Take the next step of the order that is due at that time; returns the order after it."""
        order = self._ledger.row(
            "SELECT * FROM orders WHERE next_at = ? ORDER BY number LIMIT 1", at
        )
        assert order is not None  # noqa: S101 - next_event_at said so
        (_, status), *rest = json.loads(order["steps"])
        self.become(order, status, at, refund=True)
        self._ledger.set_steps(order["number"], rest)
        return self._ledger.order(order["number"])

    def become(self, order: Row, status: str, at: float, *, refund: bool) -> None:
        """Give an order a status; nothing follows by itself.

        `Completed` issues the cards, once. With `refund`, `Failed` and `Cancelled` give the money
        back.
        """
        number = order["number"]
        self._ledger.set_steps(number, [])
        self._ledger.set_status(number, status)
        if status == COMPLETED:
            self._complete(order, at)
        elif refund and status in (FAILED, CANCELLED):
            for line in self._ledger.lines_of(number):
                self._refund(order, line, at)

    def fail_line(self, order: Row, line: Row, at: float) -> None:
        """One line comes to nothing and its money back; the order goes on."""
        self._ledger.run("UPDATE lines SET status = ? WHERE id = ?", FAILED, line["id"])
        self._refund(order, line, at)

    def _refund(self, order: Row, line: Row, at: float) -> None:
        if line["refunded"] or order["stranger"]:
            return
        number = order["number"]
        self._ledger.run("UPDATE lines SET refunded = 1 WHERE id = ?", line["id"])
        self._ledger.move(at, line["cost"], "refund", number=number, line=line["position"])

    def _complete(self, order: Row, at: float) -> None:
        if order["completed_at"] is not None:
            return
        number, twist = order["number"], json.loads(order["twist"])
        self._ledger.run("UPDATE orders SET completed_at = ? WHERE number = ?", at, number)
        lines = self._ledger.lines_of(number)
        if failing := twist.get("fail_line"):
            self.fail_line(order, lines[min(failing, len(lines)) - 1], at)
            lines = self._ledger.lines_of(number)
        self._issue(order, [line for line in lines if line["status"] != FAILED], at, twist)

    def _issue(self, order: Row, lines: Sequence[Row], at: float, twist: Mapping[str, Any]) -> None:
        wanted = [line for line in lines for _ in range(line["quantity"])]
        wanted = wanted[: max(0, len(wanted) - twist.get("missing", 0))]
        wanted += wanted[-1:] * twist.get("extra", 0)
        for line in wanted:
            self._issue_card(order, line, at)
        if wanted and twist.get("duplicate"):
            self._repeat_first(order["number"])
        if wanted and twist.get("foreign"):
            self._swap_last_for_foreign(order, at)

    def _issue_card(self, order: Row, line: Row, at: float) -> None:
        """One card. A plastic one goes by mail: it has no claim link."""
        ordinal = (self._ledger.value("SELECT max(id) FROM cards") or 0) + 1
        plastic = order["type"] == PHYSICAL
        claim = None if plastic else make_claim(self._ledger.setting("seed"), ordinal)
        self._ledger.insert(
            "cards",
            {
                "number": order["number"],
                "line": line["id"],
                "claim_link": claim and claim.link,
                "challenge_answer": claim and claim.answer,
                "value": line["value"],
                "currency": PRODUCT[line["product"]].currency,
                "issued_at": at,
            },
        )

    def _repeat_first(self, number: int) -> None:
        """Make the last card the same as the first; a single card gets a twin."""
        cards = self._ledger.cards_of(number)
        line = cards[-1]["line"]
        if len(cards) > 1:
            self._ledger.run("DELETE FROM cards WHERE id = ?", cards[-1]["id"])
        self._copy(cards[0], number, line)

    def _swap_last_for_foreign(self, order: Row, at: float) -> None:
        """Put a card of another order in the place of the last one."""
        number = order["number"]
        other = self._foreign_card(number) or self._strangers_card(number, at)
        last = self._ledger.cards_of(number)[-1]
        self._ledger.run("DELETE FROM cards WHERE id = ?", last["id"])
        self._copy(other, number, last["line"])

    def _foreign_card(self, number: int) -> Row | None:
        return self._ledger.row(
            "SELECT * FROM cards WHERE number <> ? AND copy_of IS NULL AND claim_link IS NOT NULL"
            " ORDER BY id DESC LIMIT 1",
            number,
        )

    def _strangers_card(self, number: int, at: float) -> Row:
        stranger = self.place_stranger(at)
        self.become(stranger, COMPLETED, at, refund=False)
        found = self._foreign_card(number)
        assert found is not None  # noqa: S101 - a stranger's order was just completed
        return found

    def _copy(self, card: Row, number: int, line: int) -> None:
        fields = {key: card[key] for key in card.keys() if key != "id"}  # noqa: SIM118 - a Row iterates over values
        mine = {"number": number, "line": line, "copy_of": card["id"]}
        self._ledger.insert("cards", {**fields, **mine})

    def place_stranger(self, at: float, form: Form | None = None, plan: Plan | None = None) -> Row:
        """An order in the history that this client did not place, and did not pay."""
        ordinal = (self._ledger.value("SELECT max(number) FROM orders") or 0) + 1
        line = Line(product=PRODUCT["PRODUCTA"], value=1000)
        form = form or Form(type=LINKS, po_number=f"STRANGER-{ordinal}", lines=(line,))
        return self.place(form, at, plan or Plan(steps=[(0.0, COMPLETED)]), stranger=True)
