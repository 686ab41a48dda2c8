"""How an order comes into being and goes on: statuses, funds, stock, cards."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.sandbox.ledger import Row
from providers.sandbox.ncentiva.codes import Code, make_code
from providers.sandbox.ncentiva.ledger import NcentivaLedger

OPEN, PROCESSING, COMPLETED, CANCELLED = "Open", "Processing", "Completed", "Cancelled"
LOW_FUND, ON_HOLD, OUT_OF_STOCK = "API Low Fund", "On hold", "Temporary Out Of Stock"
CARD_LIFE = timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is ordered: `amount` is the face value in whole currency units."""

    product: int
    amount: int
    quantity: int = 1
    reference: str | None = None


@dataclass(slots=True, kw_only=True)
class Plan:
    """What will become of an order: (seconds after its creation, status), and its oddities."""

    steps: list[tuple[float, str]]
    hidden_for: float = 0.0
    shown_shift: float = 0.0
    twist: dict[str, Any] = field(default_factory=dict)


class Desk:
    """The people at Ncentiva who take orders and fulfil them."""

    def __init__(self, ledger: NcentivaLedger, settings: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._settings = settings

    def usual_plan(self) -> Plan:
        """Open, Processing, Completed."""
        first, second = self._settings["processing_after"], self._settings["completed_after"]
        return Plan(steps=[(first, PROCESSING), (second, COMPLETED)])

    def place(
        self,
        lines: Sequence[Line],
        reference: str | None,
        at: float,
        plan: Plan,
        stranger: bool = False,
    ) -> Row:
        """Commit an order. The lines and the references must have been checked."""
        number, currency = self._ledger.next_number(), self._currency(lines[0])
        self._ledger.insert(
            "orders",
            {
                "number": number,
                "name": f"NCT-PO-P-{number:06d}",
                "reference": reference,
                "status": OPEN,
                "currency": currency,
                "cost": self._cost(lines, currency),
                "created_at": at,
                "shown_at": at + plan.shown_shift,
                "visible_at": at + plan.hidden_for,
                "steps": "[]",
                "twist": json.dumps(plan.twist),
                "stranger": stranger,
            },
        )
        self._write_lines(number, lines, reference)
        self._ledger.set_steps(number, [(at + after, status) for after, status in plan.steps])
        return self._ledger.order(number)

    def _write_lines(self, number: int, lines: Sequence[Line], reference: str | None) -> None:
        for line in lines:
            self._ledger.insert(
                "lines",
                {
                    "number": number,
                    "product": line.product,
                    "amount": line.amount,
                    "quantity": line.quantity,
                    "reference": line.reference,
                },
            )
        for known in {reference, *(line.reference for line in lines)} - {None}:
            self._ledger.insert("refs", {"reference": known, "number": number})

    def _currency(self, line: Line) -> str:
        product = self._ledger.product(line.product)
        return str(product["currency"]) if product else str(self._settings["currency"])

    def _cost(self, lines: Sequence[Line], currency: str) -> int:
        """What an order takes from the funds, in their minor units; half a cent rounds up."""
        face = sum(line.amount * line.quantity for line in lines)  # whole units of `currency`
        rate = round(float(self._settings["exchange_rates"].get(currency, 1)) * 10_000)
        return (face * 100 * rate + 5_000) // 10_000

    def next_event_at(self) -> float | None:
        """When an order changes by itself next."""
        return self._ledger.value("SELECT min(next_at) FROM orders WHERE next_at IS NOT NULL")

    def run_event(self, at: float) -> None:
        """Take the next step of the order that is due at that time."""
        order = self._ledger.row(
            "SELECT * FROM orders WHERE next_at = ? ORDER BY number LIMIT 1", at
        )
        assert order is not None  # noqa: S101 - next_event_at said so
        (_, status), *rest = json.loads(order["steps"])
        self._ledger.set_steps(order["number"], rest)
        if status == COMPLETED:
            self._complete(order, at)
        else:
            self._ledger.set_status(order["number"], status)

    def _complete(self, order: Row, at: float) -> None:
        """Debit and issue, once; without stock or funds the order parks until they are there."""
        if order["completed_at"] is None:
            if lack := self._lack(order):
                status = OUT_OF_STOCK if lack == "stock" else LOW_FUND
                self._ledger.set_status(order["number"], status, waits_for=lack)
                return
            self._issue(order, at)
        self._ledger.set_status(order["number"], COMPLETED)

    def _lack(self, order: Row) -> str | None:
        if order["stranger"]:
            return None
        if not all(line["available"] for line in self._ledger.lines_of(order["number"])):
            return "stock"
        return "funds" if self._ledger.balance() < order["cost"] else None

    def resume_waiting(self, at: float) -> None:
        """Go on with parked orders, oldest first, as far as stock and funds reach."""
        left = self._ledger.balance()
        waiting = self._ledger.rows(
            "SELECT * FROM orders WHERE waits_for IS NOT NULL ORDER BY number"
        )
        for order in waiting:
            if self._lack(order) == "stock" or order["cost"] > left:
                continue
            left -= order["cost"]
            pause = self._settings["completed_after"] - self._settings["processing_after"]
            self._ledger.set_status(order["number"], PROCESSING)
            self._ledger.set_steps(order["number"], [(at + max(pause, 0), COMPLETED)])

    def force(self, order: Row, status: str, at: float, *, refund: bool = False) -> None:
        """Give an order a status by hand; nothing follows by itself.

        `Completed` issues the cards, whatever the funds. `refund` gives the money of an issued one
        back.
        """
        self._ledger.set_steps(order["number"], [])
        if status == COMPLETED and order["completed_at"] is None:
            self._issue(order, at)
        if refund and order["completed_at"] is not None:
            self._ledger.move(at, order["cost"], "refund", order["number"])
        self._ledger.set_status(order["number"], status)

    def _issue(self, order: Row, at: float) -> None:
        number = order["number"]
        if not order["stranger"]:
            self._ledger.move(at, -order["cost"], "order", number)
        self._ledger.run("UPDATE orders SET completed_at = ? WHERE number = ?", at, number)
        twist = json.loads(order["twist"])
        wanted = [line for line in self._ledger.lines_of(number) for _ in range(line["quantity"])]
        wanted = wanted[: max(0, len(wanted) - twist.get("missing", 0))]
        wanted += wanted[-1:] * twist.get("extra", 0)
        for line in wanted:
            self._issue_card(number, line, at)
        if twist.get("duplicate"):
            self._repeat_first(number)
        if twist.get("foreign"):
            self._swap_last_for_foreign(order, at)

    def _issue_card(self, number: int, line: Row, at: float) -> None:
        ordinal = (self._ledger.value("SELECT max(id) FROM cards") or 0) + 1
        code = make_code(self._ledger.setting("seed"), ordinal, line["style"])
        expires = datetime.fromtimestamp(at, UTC) + CARD_LIFE
        self._write_card(
            number,
            code,
            amount=line["amount"],
            currency=line["currency"],
            expiry_date=None if line["style"] == "claim" else expires.date().isoformat(),
            issued_at=at,
        )

    def _write_card(self, number: int, code: Code, **rest: Any) -> None:
        self._ledger.insert(
            "cards",
            {
                "number": number,
                "card_number": code.card_number,
                "pin": code.pin,
                "claim_url": code.claim_url,
                **rest,
            },
        )

    def _repeat_first(self, number: int) -> None:
        """Make the last card the same as the first; a single card gets a twin."""
        cards = self._ledger.cards_of(number)
        if len(cards) > 1:
            self._ledger.run("DELETE FROM cards WHERE id = ?", cards[-1]["id"])
        self._copy(cards[0], number)

    def _swap_last_for_foreign(self, order: Row, at: float) -> None:
        """Put a card of another order in the place of the last one."""
        number = order["number"]
        query = "SELECT * FROM cards WHERE number <> ? AND copy_of IS NULL ORDER BY id DESC LIMIT 1"
        other = self._ledger.row(query, number)
        if other is None:
            line = self._ledger.lines_of(number)[0]
            plan = Plan(steps=[])
            stranger = self.place(
                [Line(product=line["product"], amount=line["amount"])],
                None,
                at,
                plan,
                stranger=True,
            )
            self.force(stranger, COMPLETED, at)
            other = self._ledger.row(query, number)
        assert other is not None  # noqa: S101 - a stranger's order was just completed
        self._ledger.run("DELETE FROM cards WHERE id = ?", self._ledger.cards_of(number)[-1]["id"])
        self._copy(other, number)

    def _copy(self, card: Row, number: int) -> None:
        fields = {key: card[key] for key in card.keys() if key != "id"}  # noqa: SIM118 - a Row iterates over values
        self._ledger.insert("cards", {**fields, "number": number, "copy_of": card["id"]})
