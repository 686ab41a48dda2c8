"""The simulated Ncentiva: every operation of its contract, docs/contracts/ncentiva.md."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from providers.sandbox.control import Route
from providers.sandbox.faults import Armed, shape
from providers.sandbox.ledger import Row
from providers.sandbox.ncentiva.control import NcentivaControl
from providers.sandbox.ncentiva.faults import KINDS, TARGETS
from providers.sandbox.ncentiva.ledger import OWN_TABLES, NcentivaLedger, money
from providers.sandbox.ncentiva.orders import COMPLETED, Desk, Line, Plan
from providers.sandbox.ncentiva.shapes import card_json, cart_item, inventory_item, order_json
from providers.sandbox.provider import (
    Call,
    Operation,
    Refusal,
    SimulatedProvider,
    basic_credentials,
    clean,
)
from providers.sandbox.reading import read_json, read_object, whole_number
from providers.sandbox.wire import Reply, Request, json_reply

CREDENTIALS = ("sandbox", "sandbox")
LONGEST_REFERENCE = 64
LARGEST_PAGE = 2000
ERROR_CODES = {  # the gateway's own 5xx carry none
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    429: "TOO_MANY_REQUESTS",
}
MOST_CARDS = 10_000  # in one cart; the contract names no limit, a shelf has one


class SimulatedNcentiva(SimulatedProvider):
    """One purchaser's view of Ncentiva."""

    slug = "ncentiva"
    prefix = "/api/purchasers/v1"
    kinds = KINDS
    targets = TARGETS
    own_tables = OWN_TABLES
    make_ledger = NcentivaLedger
    ledger: NcentivaLedger
    defaults = {
        "processing_after": 2.0,
        "completed_after": 5.0,
        "per_second": 2,  # the limits of production, contract section 3
        "per_minute": 60,
        "currency": "USD",
        "exchange_rates": {"EUR": 1.1, "CAD": 0.75},
    }
    operations = (
        Operation("listInventory", "GET", "/inventory"),
        Operation("getBalance", "GET", "/account/balance"),
        Operation("createOrder", "POST", "/orders", writes=True),
        Operation("listOrders", "GET", "/orders"),
        Operation(
            "getOrderByCustomerReference", "GET", "/orders/customer-reference/{customerReference}"
        ),
        Operation("getOrderCards", "GET", "/orders/{transactionId}/cards"),
        Operation("getOrder", "GET", "/orders/{transactionId}"),
        Operation("getCart", "GET", "/cart"),
        Operation("addCartItem", "POST", "/cart/items", writes=True),
        Operation("removeCartItem", "DELETE", "/cart/items/{itemId}", writes=True),
        Operation("checkoutCart", "POST", "/cart/checkout", writes=True),
    )
    first_funds = 5_000_000  # minor units

    def stock(self) -> None:
        """Shelves full, some money in the account."""
        self.ledger.fill_shelves()
        self.ledger.move(self.clock.now(), self.first_funds, "opening")

    @property
    def desk(self) -> Desk:
        """The desk, with the settings of this moment."""
        return Desk(self.ledger, {name: self.setting(name) for name in self.defaults})

    def next_event_at(self) -> float | None:
        """When an order changes by itself next."""
        return self.desk.next_event_at()

    def run_event(self, at: float) -> None:
        """Let one order take its next step."""
        self.desk.run_event(at)

    def controls(self) -> Mapping[tuple[str, str], Route]:
        """Ncentiva's own control end points."""
        return NcentivaControl(self).routes()

    # Who may, and how a no sounds

    def authenticate(self, request: Request) -> Reply | None:
        """HTTP Basic, contract section 2."""
        given = basic_credentials(request) or ("", "")
        pairs = zip(given, CREDENTIALS, strict=True)
        if all([hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs]):
            return None
        refusal = self.refuse(401, "Unauthorized")
        challenge = {"WWW-Authenticate": 'Basic realm="ncentiva"'}
        return replace(refusal, headers={**refusal.headers, **challenge})

    def refuse(self, status: int, message: str) -> Reply:
        """An error in the shape of contract section 7."""
        code = {"code": ERROR_CODES[status]} if status in ERROR_CODES else {}
        return json_reply(status, {**code, "message": message})

    def _no(self, status: int, message: str) -> NoReturn:
        raise Refusal(self.refuse(status, message))

    def reference_of(
        self, operation: Operation, params: Mapping[str, str], request: Request
    ) -> str | None:
        """The reference in the path or the body, or that of the order in the path."""
        if "customerReference" in params:
            return params["customerReference"]
        if "transactionId" in params:
            order = self.ledger.order_named(clean(params["transactionId"]) or "")
            return order["reference"] if order else None
        try:
            body = read_json(request.body) if request.body else None
        except ValueError:
            return None
        found = body.get("orderReference") if isinstance(body, dict) else None
        return found if isinstance(found, str) else None

    def damage(self, armed: Armed, reply: Reply, call: Call) -> Reply | None:
        """As everywhere; a paging shift lets strangers buy once the page is out."""
        if armed.kind.name == "paging_shift" and reply.status == 200:
            for _ in range(int(armed.params["rows"])):
                self.place_stranger(call.at)
        return super().damage(armed, reply, call)

    def place_stranger(
        self, at: float, reference: str | None = None, line: Line | None = None
    ) -> Row:
        """An order in the history that this client did not place."""
        plan = Plan(steps=[(0.0, COMPLETED)])
        line = line or Line(product=1410, amount=5)
        return self.desk.place([line], reference, at, plan, stranger=True)

    # The operations

    def execute(self, call: Call) -> tuple[Reply, str | None]:
        """Do what the operation does."""
        run = {
            "listInventory": self._list_inventory,
            "getBalance": self._get_balance,
            "createOrder": self._create_order,
            "listOrders": self._list_orders,
            "getOrderByCustomerReference": self._get_by_reference,
            "getOrderCards": self._get_cards,
            "getOrder": self._get_order,
            "getCart": self._get_cart,
            "addCartItem": self._add_item,
            "removeCartItem": self._remove_item,
            "checkoutCart": self._check_out,
        }[call.operation.id]
        return run(call)

    def _list_inventory(self, call: Call) -> tuple[Reply, None]:
        total = self.ledger.value("SELECT count(*) FROM products")
        return self._page(call, total, "SELECT * FROM products ORDER BY id", inventory_item), None

    def _get_balance(self, _call: Call) -> tuple[Reply, None]:
        body = {"balance": money(self.ledger.balance()), "currency": self.setting("currency")}
        return json_reply(200, body), None

    def _list_orders(self, call: Call) -> tuple[Reply, None]:
        """Newest first."""
        where = "FROM orders WHERE visible_at <= ?"
        total = self.ledger.value(f"SELECT count(*) {where}", call.at)
        rows = f"SELECT * {where} ORDER BY number DESC"
        return self._page(call, total, rows, self._listed, call.at), None

    def _listed(self, order: Row) -> dict[str, Any]:
        return order_json(order, self.ledger.lines_of(order["number"]))

    def _page(self, call: Call, total: int, sql: str, shape_row: Any, *values: Any) -> Reply:
        if call.request.query.keys() - {"page", "pageSize"}:
            self._no(400, "The only parameters are page and pageSize")
        page = whole_number(call.request.query, "page", 1, None)
        size = whole_number(call.request.query, "pageSize", 100, LARGEST_PAGE)
        skip = (page - 1) * size
        rows = (
            []
            if skip >= total
            else self.ledger.rows(f"{sql} LIMIT ? OFFSET ?", *values, size, skip)
        )
        envelope = {
            "page": page,
            "pageSize": size,
            "totalRecords": total,
            "totalPages": -(-total // size),
            "data": [shape_row(row) for row in rows],
        }
        return json_reply(200, envelope)

    def _create_order(self, call: Call) -> tuple[Reply, str]:
        body = read_object(call.request)
        line = self._line(body, quantity=1)
        self._free(line.reference)
        return self._place([Line(product=line.product, amount=line.amount)], line.reference, call)

    def _place(self, lines: list[Line], reference: str | None, call: Call) -> tuple[Reply, str]:
        desk = self.desk
        plan = desk.usual_plan()
        shape(plan, call.shaping)
        order = desk.place(lines, reference, call.at, plan)
        while order["next_at"] is not None and order["next_at"] <= call.at:
            desk.run_event(order["next_at"])
            order = self.ledger.order(order["number"])
        return json_reply(200, self._listed(order)), order["name"]

    def _get_order(self, call: Call) -> tuple[Reply, str]:
        order = self._visible(call)
        return json_reply(200, self._listed(order)), order["name"]

    def _get_by_reference(self, call: Call) -> tuple[Reply, str]:
        reference = clean(call.params["customerReference"]) or ""
        order = self.ledger.order_referenced(reference, call.at)
        if order is None:
            self._no(404, "Purchase Order not found")
        return json_reply(200, self._listed(order)), order["name"]

    def _get_cards(self, call: Call) -> tuple[Reply, str]:
        order = self._visible(call)
        if order["status"] != COMPLETED:
            self._no(404, "Data is not available for the given order")
        cards = [card_json(card) for card in self.ledger.cards_of(order["number"])]
        return json_reply(200, {"name": order["name"], "cards": cards}), order["name"]

    def _visible(self, call: Call) -> Row:
        name = clean(call.params["transactionId"]) or ""
        order = self.ledger.order_named(name, call.at)
        if order is None:
            self._no(404, "Purchase Order not found")
        return order

    def _get_cart(self, _call: Call) -> tuple[Reply, None]:
        items = self.ledger.rows("SELECT * FROM cart ORDER BY item_id")
        total = sum(item["amount"] * item["quantity"] for item in items)
        return json_reply(200, {"items": [cart_item(item) for item in items], "total": total}), None

    def _add_item(self, call: Call) -> tuple[Reply, None]:
        line = self._line(read_object(call.request), quantity=None)
        self._free(line.reference)
        self._check_cart(line)
        self.ledger.insert(
            "cart",
            {
                "product": line.product,
                "amount": line.amount,
                "quantity": line.quantity,
                "reference": line.reference,
            },
        )
        return self._get_cart(call)

    def _check_cart(self, line: Line) -> None:
        """One currency and a bounded number of cards: `total` has no meaning otherwise."""
        others = self.ledger.rows(
            "SELECT quantity, currency FROM cart JOIN products ON products.id = cart.product"
        )
        product = self.ledger.product(line.product)
        if product and {other["currency"] for other in others} - {product["currency"]}:
            self._no(400, "All items of a cart must have the same currency")
        if line.quantity + sum(other["quantity"] for other in others) > MOST_CARDS:
            self._no(400, f"A cart cannot hold more than {MOST_CARDS} cards")

    def _remove_item(self, call: Call) -> tuple[Reply, None]:
        text = call.params["itemId"]
        item = int(text) if re.fullmatch(r"[0-9]{1,18}", text) else -1
        if not self.ledger.run("DELETE FROM cart WHERE item_id = ?", item).rowcount:
            self._no(404, "Data not found")
        return self._get_cart(call)

    def _check_out(self, call: Call) -> tuple[Reply, str]:
        reference = self._reference(read_object(call.request))
        self._free(reference)
        lines = [
            Line(
                product=item["product"],
                amount=item["amount"],
                quantity=item["quantity"],
                reference=item["reference"],
            )
            for item in self.ledger.rows("SELECT * FROM cart ORDER BY item_id")
        ]
        if not lines:
            self._no(400, "Cart is empty")
        for line in lines:
            self._free(line.reference)
        self.ledger.run("DELETE FROM cart")
        return self._place(lines, reference, call)

    # What a body must look like

    def _line(self, body: dict[str, Any], quantity: int | None) -> Line:
        """One line, checked against the product; `quantity` None: it is in the body."""
        product_id = self._integer(body, "giftCardTypeId")
        amount = self._integer(body, "amount", least=1)
        if quantity is None:
            quantity = self._integer(body, "quantity", least=1)
        reference = self._reference(body)
        product = self.ledger.product(product_id)
        if product is None:
            self._no(400, f"Gift Card Type with ID {product_id} not found")
        self._check_value(product, amount)
        return Line(product=product_id, amount=amount, quantity=quantity, reference=reference)

    def _check_value(self, product: Row, amount: int) -> None:
        if product["value"] is not None:
            if amount * 100 != product["value"]:
                wanted = f"{product['value'] / 100:.2f}"
                self._no(400, f"Card value not match. CardType value should be {wanted}")
        elif not product["least"] <= amount * 100 <= product["most"]:
            least, most = product["least"] / 100, product["most"] / 100
            wanted = f"between {least:.2f} and {most:.2f}"
            self._no(400, f"Card value not match. CardType value should be {wanted}")

    def _integer(self, body: dict[str, Any], name: str, least: int | None = None) -> int:
        value = body.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON has one kind of number: 25.0 is 25
        if not isinstance(value, int) or isinstance(value, bool):
            self._no(400, f"{name} must be an integer")
        if least is not None and value < least:
            self._no(400, f"{name} must be at least {least}")
        return value

    def _reference(self, body: dict[str, Any]) -> str | None:
        """The client's reference; an empty one counts as none."""
        value = body.get("orderReference", "")
        if not isinstance(value, str):
            self._no(400, "orderReference must be a string")
        if len(value) > LONGEST_REFERENCE:
            self._no(400, f"orderReference must not be longer than {LONGEST_REFERENCE} characters")
        if clean(value) != value:
            self._no(400, "orderReference must be valid text")
        return value or None

    def _free(self, reference: str | None) -> None:
        if reference is not None and self.ledger.order_referenced(reference) is not None:
            self._no(400, "Duplicate customer reference")
