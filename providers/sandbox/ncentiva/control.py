"""Ncentiva's own control end points: its ledger as an oracle, and the hands of its staff."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from providers.sandbox.control import (
    ControlError,
    Route,
    checked_setting,
    late_commits,
    minor_units,
    summary,
)
from providers.sandbox.ledger import Row
from providers.sandbox.ncentiva.ledger import money
from providers.sandbox.ncentiva.orders import Line

if TYPE_CHECKING:
    from providers.sandbox.ncentiva.app import SimulatedNcentiva

ENVIRONMENTS = {  # requests per second and per minute, contract section 3
    "production": (2, 60),
    "uat": (1, 20),
    "unlimited": (None, None),
}


class NcentivaControl:
    """What a test may see and do behind the curtain."""

    def __init__(self, ncentiva: "SimulatedNcentiva") -> None:
        self._ncentiva = ncentiva
        self._ledger = ncentiva.ledger

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by method and first part of the path."""
        return {
            ("GET", "state"): self.state,
            ("GET", "ledger"): self.ledger,
            ("GET", "settings"): self.settings,
            ("POST", "settings"): self.set_settings,
            ("POST", "orders"): self.force,
            ("POST", "funds"): self.add_funds,
            ("POST", "stranger"): self.stranger,
        }

    def state(self, _rest: str, _given: dict[str, Any]) -> Any:
        """A summary without secrets."""
        by_status = self._ledger.rows("SELECT status, count(*) FROM orders GROUP BY status")
        return {
            **summary(self._ncentiva),
            "balance": money(self._ledger.balance()),
            "orders": {row[0]: row[1] for row in by_status},
            "cards": self._ledger.value("SELECT count(*) FROM cards"),
        }

    def ledger(self, _rest: str, _given: dict[str, Any]) -> Any:
        """Everything that really happened: orders with lines and cards, money, late commits."""
        return {
            "now": self._ncentiva.clock.now(),
            "balance_minor": self._ledger.balance(),
            "orders": [
                self._order(row)
                for row in self._ledger.rows("SELECT * FROM orders ORDER BY number")
            ],
            "movements": [
                dict(row) for row in self._ledger.rows("SELECT * FROM movements ORDER BY id")
            ],
            "postponed": late_commits(self._ncentiva),
        }

    def _order(self, row: Row) -> dict[str, Any]:
        lines = self._ledger.lines_of(row["number"])
        cards = [dict(card) for card in self._ledger.cards_of(row["number"])]
        return {
            "name": row["name"],
            "reference": row["reference"],
            "status": row["status"],
            "currency": row["currency"],
            "cost_minor": row["cost"],
            "committed_at": row["created_at"],
            "visible_at": row["visible_at"],
            "completed_at": row["completed_at"],
            "waits_for": row["waits_for"],
            "stranger": bool(row["stranger"]),
            "lines": [
                {key: line[key] for key in ("product", "amount", "quantity", "reference")}
                for line in lines
            ],
            "cards_count": len(cards),
            "cards": cards,
        }

    def settings(self, _rest: str, _given: dict[str, Any]) -> Any:
        """The settings, the balance and what is available."""
        named = {name: self._ncentiva.setting(name) for name in self._ncentiva.defaults}
        shelves = self._ledger.rows("SELECT id, available FROM products ORDER BY id")
        return {
            **named,
            "seed": self._ledger.setting("seed"),
            "balance": money(self._ledger.balance()),
            "available": {str(row["id"]): bool(row["available"]) for row in shelves},
        }

    def set_settings(self, rest: str, given: dict[str, Any]) -> Any:
        """Any of the settings, and `environment`, `balance`, `available` (by product), `seed`."""
        special: dict[str, Callable[[Any], None]] = {
            "environment": self._set_environment,
            "balance": self._set_balance,
            "available": self._set_available,
            "seed": lambda value: self._ledger.keep("seed", str(value)),
        }
        for name, value in given.items():
            if name in special:
                special[name](value)
            elif name in self._ncentiva.defaults:
                self._ledger.keep(name, checked_setting(name, value, self._ncentiva.defaults[name]))
            else:
                raise ControlError(f"There is no setting {name!r}.")
        self._go_on()
        return self.settings(rest, {})

    def _set_environment(self, value: str) -> None:
        if value not in ENVIRONMENTS:
            raise ControlError(f"The environments are: {', '.join(ENVIRONMENTS)}.")
        for name, limit in zip(("per_second", "per_minute"), ENVIRONMENTS[value], strict=True):
            self._ledger.keep(name, limit)

    def _set_balance(self, value: Any) -> None:
        missing = minor_units(value) - self._ledger.balance()
        self._ledger.move(self._ncentiva.clock.now(), missing, "correction")

    def _set_available(self, value: dict[str, bool]) -> None:
        for product, available in value.items():
            changed = self._ledger.run(
                "UPDATE products SET available = ? WHERE id = ?", bool(available), int(product)
            )
            if not changed.rowcount:
                raise ControlError(f"There is no product {product}.")

    def force(self, rest: str, given: dict[str, Any]) -> Any:
        """Give the order `orders/<name>` a `status`; with `refund` its money comes back."""
        order = self._ledger.order_named(rest)
        if order is None:
            raise ControlError(f"There is no order {rest!r}.")
        now, refund = self._ncentiva.clock.now(), bool(given.get("refund", False))
        self._ncentiva.desk.force(order, str(given["status"]), now, refund=refund)
        self._go_on()
        return self._order(self._ledger.order(order["number"]))

    def add_funds(self, _rest: str, given: dict[str, Any]) -> Any:
        """Add `amount` (main units) to the funds; parked orders go on."""
        self._ledger.move(self._ncentiva.clock.now(), minor_units(given["amount"]), "funds")
        self._go_on()
        return {"balance": money(self._ledger.balance())}

    def stranger(self, _rest: str, given: dict[str, Any]) -> Any:
        """Somebody else's order: `reference`, `giftCardTypeId`, `amount`, `quantity`."""
        line = Line(
            product=int(given.get("giftCardTypeId", 1410)),
            amount=int(given.get("amount", 5)),
            quantity=int(given.get("quantity", 1)),
        )
        if self._ledger.product(line.product) is None:
            raise ControlError(f"There is no product {line.product}.")
        reference = given.get("reference")
        if reference is not None and self._ledger.order_referenced(str(reference)):
            raise ControlError("This reference is taken.")
        order = self._ncentiva.place_stranger(self._ncentiva.clock.now(), reference, line)
        self._go_on()
        return self._order(self._ledger.order(order["number"]))

    def _go_on(self) -> None:
        self._ncentiva.desk.resume_waiting(self._ncentiva.clock.now())
        self._ncentiva.settle()
