"""GiftCard Partners' own control end points: its ledger as an oracle, the hands of its staff."""

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
from providers.sandbox.giftcardpartners.form import read_form
from providers.sandbox.giftcardpartners.ledger import AVAILABLE, PENDING_FUNDS, money
from providers.sandbox.giftcardpartners.orders import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PENDING,
    Plan,
)
from providers.sandbox.giftcardpartners.webhooks import BODIES
from providers.sandbox.ledger import Row

if TYPE_CHECKING:
    from providers.sandbox.giftcardpartners.app import SimulatedGiftCardPartners

ACTS = {"complete": COMPLETED, "fail": FAILED, "cancel": CANCELLED}


class GiftCardPartnersControl:
    """What a test may see and do behind the curtain."""

    def __init__(self, partners: "SimulatedGiftCardPartners") -> None:
        self._partners = partners
        self._ledger = partners.ledger

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by method and first part of the path."""
        return {
            ("GET", "state"): self.state,
            ("GET", "ledger"): self.ledger,
            ("GET", "settings"): self.settings,
            ("POST", "settings"): self.set_settings,
            ("POST", "orders"): self.act,
            ("POST", "fund"): self.fund,
            ("POST", "apply"): self.apply,
            ("POST", "funds"): self.add_funds,
            ("POST", "stranger"): self.stranger,
            ("POST", "credentials"): self.set_credentials,
            ("DELETE", "tokens"): self.revoke_tokens,
            ("GET", "webhooks"): self.webhooks,
            ("POST", "webhooks"): self.send_webhook,
        }

    # Looking

    def state(self, _rest: str, _given: dict[str, Any]) -> Any:
        """A summary without secrets."""
        by_status = self._ledger.rows("SELECT status, count(*) FROM orders GROUP BY status")
        return {
            **summary(self._partners),
            **self._deposit(),
            "orders": {row[0]: row[1] for row in by_status},
            "cards": self._ledger.value("SELECT count(*) FROM cards"),
            "webhooks_waiting": self._ledger.value(
                "SELECT count(*) FROM posts WHERE done_at IS NULL"
            ),
        }

    def _deposit(self) -> dict[str, float]:
        return {
            "available": money(self._ledger.funds()),
            "pending": money(self._ledger.funds(PENDING_FUNDS)),
        }

    def ledger(self, _rest: str, _given: dict[str, Any]) -> Any:
        """Everything that really happened: orders with lines and cards, money, late commits."""
        orders = self._ledger.rows("SELECT * FROM orders ORDER BY number")
        movements = self._ledger.rows("SELECT * FROM movements ORDER BY id")
        return {
            "now": self._partners.clock.now(),
            "available_minor": self._ledger.funds(),
            "pending_minor": self._ledger.funds(PENDING_FUNDS),
            "orders": [self._order(row) for row in orders],
            "movements": [dict(row) for row in movements],
            "postponed": late_commits(self._partners),
        }

    def _order(self, row: Row) -> dict[str, Any]:
        resource = self._partners.resource(row)
        lines = self._ledger.lines_of(row["number"])
        cards = [dict(card) for card in self._ledger.cards_of(row["number"])]
        position = {line["id"]: line["position"] for line in lines}
        return {
            "number": row["number"],
            "id": row["id"],
            "reference": row["po_number"],
            "type": row["type"],
            "status": row["status"],
            "note": row["note"],
            "department": row["department"],
            "webhook": row["webhook"],
            "cost_minor": sum(line["cost"] for line in lines),
            "refunded_minor": sum(line["cost"] for line in lines if line["refunded"]),
            "committed_at": row["created_at"],
            "listed_at": row["listed_at"],
            "completed_at": row["completed_at"],
            "stranger": bool(row["stranger"]),
            "lines": [
                {
                    "id": shown["Id"],
                    "product": line["product"],
                    "value_minor": line["value"],
                    "quantity": line["quantity"],
                    "cost_minor": line["cost"],
                    "status": line["status"],
                    "refunded": bool(line["refunded"]),
                    "branding": shown["BrandingId"],
                    "external_id": shown["ExternalId"],
                    "digital_address": shown["DigitalDeliveryAddress"],
                    "physical_address": shown["PhysicalDeliveryAddress"],
                    "personalization": shown["Personalization"],
                }
                for line, shown in zip(lines, resource["LineItems"], strict=True)
            ],
            "cards_count": len(cards),
            "cards": [{**card, "line": position[card["line"]]} for card in cards],
        }

    def webhooks(self, _rest: str, _given: dict[str, Any]) -> Any:
        """Every webhook with its attempts and what came back, without its body."""
        return self._partners.outbox.listed()

    # Settings

    def settings(self, _rest: str, _given: dict[str, Any]) -> Any:
        """The settings and the deposit."""
        named = {name: self._partners.setting(name) for name in self._partners.defaults}
        return {**named, "seed": self._ledger.setting("seed"), **self._deposit()}

    def set_settings(self, rest: str, given: dict[str, Any]) -> Any:
        """Any of the settings, and `available` (also called `balance`), `pending`, `seed`."""
        special: dict[str, Callable[[Any], None]] = {
            "available": lambda value: self._correct(AVAILABLE, value),
            "balance": lambda value: self._correct(AVAILABLE, value),
            "pending": lambda value: self._correct(PENDING_FUNDS, value),
            "seed": lambda value: self._ledger.keep("seed", str(value)),
        }
        for name, value in given.items():
            if name in special:
                special[name](value)
            elif name in self._partners.defaults:
                self._ledger.keep(name, self._checked(name, value))
            else:
                raise ControlError(f"There is no setting {name!r}.")
        self._partners.settle()
        return self.settings(rest, {})

    def _checked(self, name: str, value: Any) -> Any:
        if name == "webhook_body" and value not in BODIES:
            raise ControlError(f"webhook_body is one of: {', '.join(BODIES)}.")
        if name == "po_number_unique_for":
            return None if value is None else checked_setting(name, value, 0)
        return checked_setting(name, value, self._partners.defaults[name])

    def _correct(self, portion: str, value: Any) -> None:
        missing = minor_units(value) - self._ledger.funds(portion)
        self._ledger.move(self._now, missing, "correction", portion=portion)

    @property
    def _now(self) -> float:
        return self._partners.clock.now()

    # The deposit

    def fund(self, _rest: str, given: dict[str, Any]) -> Any:
        """A funding request: `amount` (main units) is pending from now on."""
        self._ledger.move(self._now, minor_units(given["amount"]), "funding", portion=PENDING_FUNDS)
        return self._deposit()

    def apply(self, _rest: str, given: dict[str, Any]) -> Any:
        """Make `amount` (default: all) of what is pending available."""
        pending = self._ledger.funds(PENDING_FUNDS)
        minor = minor_units(given["amount"]) if "amount" in given else pending
        if minor > pending:
            raise ControlError(f"Only {money(pending):.2f} is pending.")
        self._ledger.move(self._now, -minor, "applied", portion=PENDING_FUNDS)
        self._ledger.move(self._now, minor, "applied")
        return self._deposit()

    def add_funds(self, _rest: str, given: dict[str, Any]) -> Any:
        """Make `amount` (main units) available at once."""
        self._ledger.move(self._now, minor_units(given["amount"]), "funds")
        return self._deposit()

    # Orders

    def act(self, rest: str, given: dict[str, Any]) -> Any:
        """The order `orders/<id>`: an `act` of the staff, or any `status` (and `refund`).

        The acts are complete, fail and cancel, which need a pending order and give money back, and
        fail_line with the position of the `line`.
        """
        order = self._known(rest)
        if "act" not in given:
            refund = bool(given.get("refund", False))
            self._partners.desk.become(order, str(given["status"]), self._now, refund=refund)
        elif given["act"] == "fail_line":
            self._fail_line(order, int(given["line"]))
        elif given["act"] not in ACTS:
            raise ControlError(f"The acts are: {', '.join([*ACTS, 'fail_line'])}.")
        elif order["status"] in ACTS.values():
            raise ControlError(f"The order is {order['status']}.")
        else:
            self._partners.desk.become(order, ACTS[given["act"]], self._now, refund=True)
        changed = self._ledger.order(order["number"])
        if order["status"] != changed["status"]:
            self._partners.announce(changed, self._now)
        return self._order(changed)

    def _fail_line(self, order: Row, position: int) -> None:
        lines = [
            one for one in self._ledger.lines_of(order["number"]) if one["position"] == position
        ]
        if not lines or lines[0]["status"] not in (PENDING, COMPLETED):
            raise ControlError(f"There is no line {position} that could fail.")
        self._partners.desk.fail_line(order, lines[0], self._now)

    def _known(self, order_id: str) -> Row:
        order = self._ledger.order_with_id(order_id)
        if order is None:
            raise ControlError(f"There is no order {order_id!r}.")
        return order

    def stranger(self, _rest: str, given: dict[str, Any]) -> Any:
        """Somebody else's order, as the body of POST Orders; what is left out is made up."""
        ordinal = (self._ledger.value("SELECT max(number) FROM orders") or 0) + 1
        line = {"ProductId": "PRODUCTA", "Value": 10, "Quantity": 1}
        usual = {"Type": "Links", "PONumber": f"STRANGER-{ordinal}", "LineItems": [line]}
        form = read_form({**usual, **given})
        if self._ledger.ids_of(form.po_number, since=0.0):
            raise ControlError("This reference is taken.")
        plan = Plan(steps=[(0.0, COMPLETED)])
        return self._order(self._partners.place_stranger(self._now, form, plan))

    # Credentials

    def set_credentials(self, _rest: str, given: dict[str, Any]) -> Any:
        """Switch API access off or on: `enabled`."""
        self._ledger.keep("enabled", checked_setting("enabled", given["enabled"], True))
        return {"enabled": given["enabled"]}

    def revoke_tokens(self, _rest: str, _given: dict[str, Any]) -> Any:
        """All tokens are worth nothing from now on."""
        revoked = self._ledger.run(
            "UPDATE tokens SET expires_at = ? WHERE expires_at > ?", self._now, self._now
        )
        return {"revoked": revoked.rowcount}

    # Webhooks

    def send_webhook(self, rest: str, given: dict[str, Any]) -> Any:
        """Send a webhook about the order `webhooks/<id>`, now: `body`, `url` (the order's)."""
        order, kind = self._known(rest), given.get("body", "order")
        url = given.get("url", order["webhook"])
        if kind not in BODIES:
            raise ControlError(f"body is one of: {', '.join(BODIES)}.")
        if not url:
            raise ControlError("The order has no webhook.")
        body = self._partners.webhook_body(order, kind)
        self._partners.outbox.put(url, body, self._now, order["id"])
        return self._partners.outbox.listed()[-1]
