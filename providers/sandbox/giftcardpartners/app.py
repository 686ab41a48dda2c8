"""The simulated GiftCard Partners: every operation of docs/contracts/giftcardpartners.md."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from providers.sandbox.control import Route
from providers.sandbox.faults import Armed, shape
from providers.sandbox.giftcardpartners import catalogue
from providers.sandbox.giftcardpartners.claims import make_token
from providers.sandbox.giftcardpartners.control import GiftCardPartnersControl
from providers.sandbox.giftcardpartners.faults import DUPLICATE, KINDS, TARGETS
from providers.sandbox.giftcardpartners.form import Form, read_form
from providers.sandbox.giftcardpartners.ledger import (
    OWN_TABLES,
    PENDING_FUNDS,
    GiftCardPartnersLedger,
    money,
)
from providers.sandbox.giftcardpartners.orders import COMPLETED, Desk, InsufficientFunds, Plan
from providers.sandbox.giftcardpartners.shapes import (
    carrier_json,
    named_json,
    order_json,
    product_json,
    shipping_json,
)
from providers.sandbox.giftcardpartners.webhooks import BODIES
from providers.sandbox.ledger import Row
from providers.sandbox.provider import Call, Operation, Refusal, SimulatedProvider, clean
from providers.sandbox.reading import BadRequest, read_json, read_object, whole_number
from providers.sandbox.wire import Reply, Request, json_reply

EMAIL, ACCESS_TOKEN = "sandbox@example.com", "sandbox"  # noqa: S105 - there is nothing to protect
LARGEST_PAGE = 500
PAGING = frozenset({"pageIndex", "pageSize"})
FILTERS = frozenset({"productName", "productDescription", "productType"})


class SimulatedGiftCardPartners(SimulatedProvider):
    """One client's view of GiftCard Partners."""

    slug = "giftcardpartners"
    prefix = "/v1"
    kinds = KINDS
    targets = TARGETS
    own_tables = OWN_TABLES
    make_ledger = GiftCardPartnersLedger
    ledger: GiftCardPartnersLedger
    defaults = {
        "token_lifetime": 3600,
        "enabled": True,
        "pending_above": 10,  # cards
        "completed_after": 5.0,
        "completed_per_card": 0.2,
        "conflict_ids": True,
        "po_number_unique_for": None,  # seconds; None: for ever
        "webhooks": True,
        "webhook_delay": 0.5,
        "webhook_copies": 1,
        "webhook_before_reply": 0.0,
        "webhook_body": "order",
        "per_second": None,
        "per_minute": None,
        "currency": "USD",
        "exchange_rates": {"EUR": 1.1, "CAD": 0.75},
    }
    operations = (
        Operation("createToken", "POST", "/Tokens"),
        Operation("listProducts", "GET", "/Products"),
        Operation("getProduct", "GET", "/Products/{id}"),
        Operation("createOrder", "POST", "/Orders", writes=True),
        Operation("listOrders", "GET", "/Orders"),
        Operation("getOrder", "GET", "/Orders/{id}"),
        Operation("getAccountBalance", "GET", "/AccountBalance"),
        Operation("listShippingMethods", "GET", "/ShippingMethods"),
        Operation("listCarriers", "GET", "/Carriers"),
        Operation("listBrandings", "GET", "/Brandings"),
        Operation("listDepartments", "GET", "/Departments"),
        Operation("getStatus", "GET", "/Status"),
    )
    first_funds = 5_000_000  # minor units

    def stock(self) -> None:
        """Some money in the account."""
        self.ledger.move(self.clock.now(), self.first_funds, "opening")

    @property
    def desk(self) -> Desk:
        """The desk, with the settings of this moment."""
        return Desk(self.ledger, {name: self.setting(name) for name in self.defaults})

    def next_event_at(self) -> float | None:
        """When an order changes by itself next."""
        return self.ledger.next_event_at()

    def run_event(self, at: float) -> None:
        """Let one order take its next step."""
        self.announce(self.desk.run_event(at), at)

    def controls(self) -> Mapping[tuple[str, str], Route]:
        """GiftCard Partners' own control end points."""
        return GiftCardPartnersControl(self).routes()

    # Who may, and how a no sounds

    def authenticate(self, request: Request) -> Reply | None:
        """A pair of headers for a token, a token for the rest; contract section 3."""
        path = request.path.removeprefix(self.prefix)
        if path == "/Status":
            return None
        right = self._has_pair(request) if path == "/Tokens" else self._has_token(request)
        if not right:
            refusal = self.refuse(401, "Authorization is missing or invalid")
            return replace(refusal, headers={**refusal.headers, "WWW-Authenticate": "Bearer"})
        if not self.setting("enabled"):
            return self.refuse(403, "API access is disabled for these credentials")
        return None

    def _has_pair(self, request: Request) -> bool:
        wanted = {"Email": EMAIL, "AccessToken": ACCESS_TOKEN}
        given = {name: request.headers.get(name, "").encode() for name in wanted}
        return all([hmac.compare_digest(given[name], wanted[name].encode()) for name in wanted])

    def _has_token(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.ledger.row(
            "SELECT * FROM tokens WHERE value = ? AND expires_at > ?",
            clean(value.strip()),
            self.clock.now(),
        )
        return scheme.lower() == "bearer" and token is not None

    def refuse(self, status: int, message: str) -> Reply:
        """An error in the shape of contract section 5."""
        return json_reply(status, {"Message": message})

    def _no(self, status: int, message: str) -> NoReturn:
        raise Refusal(self.refuse(status, message))

    def reference_of(
        self, operation: Operation, params: Mapping[str, str], request: Request
    ) -> str | None:
        """The PO number in the body, or that of the order in the path."""
        if operation.id == "getOrder":
            order = self.ledger.order_with_id(clean(params["id"]) or "")
            return order["po_number"] if order else None
        try:
            body = read_json(request.body) if request.body else None
        except ValueError:
            return None
        found = body.get("PONumber") if isinstance(body, dict) else None
        return found if isinstance(found, str) else None

    def damage(self, armed: Armed, reply: Reply, call: Call) -> Reply | None:
        """As everywhere; two faults need strangers, who order before or after the answer."""
        damaged = super().damage(armed, reply, call)
        if armed.kind.name == "paging_shift" and reply.status == 200:
            for _ in range(int(armed.params["rows"])):
                self.place_stranger(call.at)
        if armed.kind.name == "conflict_foreign_id" and damaged is not None:
            ids = [self.place_stranger(call.at)["id"]]
            return self._conflict(ids)
        return damaged

    def place_stranger(self, at: float, form: Form | None = None, plan: Plan | None = None) -> Row:
        """An order in the history that this client did not place."""
        return self._take_steps(self.desk.place_stranger(at, form, plan), at)

    def announce(self, order: Row, at: float) -> None:
        """Send FulfillmentComplete when the order was completed just then."""
        if order["status"] != COMPLETED or order["completed_at"] != at or not order["webhook"]:
            return
        if self.setting("webhooks"):
            body = self.webhook_body(order, self.setting("webhook_body"))
            delay = 0.0 if self.setting("webhook_before_reply") else self.setting("webhook_delay")
            for _ in range(int(self.setting("webhook_copies"))):
                self.outbox.put(order["webhook"], body, at + delay, order["id"])

    def webhook_body(self, order: Row, kind: str) -> bytes:
        """The order resource, or what is sent in its place."""
        return BODIES[kind](self.resource(order))

    def resource(self, order: Row) -> dict[str, Any]:
        """The order resource as of now."""
        number = order["number"]
        return order_json(order, self.ledger.lines_of(number), self.ledger.cards_of(number))

    # The operations

    def execute(self, call: Call) -> tuple[Reply, str | None]:
        """Do what the operation does."""
        run = {
            "createToken": self._create_token,
            "listProducts": self._list_products,
            "getProduct": self._get_product,
            "createOrder": self._create_order,
            "listOrders": self._list_orders,
            "getOrder": self._get_order,
            "getAccountBalance": self._get_balance,
            "listShippingMethods": self._shipping_methods,
            "listCarriers": self._carriers,
            "listBrandings": self._brandings,
            "listDepartments": self._departments,
            "getStatus": self._get_status,
        }[call.operation.id]
        return run(call)

    def _create_token(self, call: Call) -> tuple[Reply, None]:
        lifetime = self.setting("token_lifetime")
        lives = min([lifetime, *(armed.params["after"] for armed in call.shaping)])
        ordinal = (self.ledger.value("SELECT max(id) FROM tokens") or 0) + 1
        value = make_token(self.ledger.setting("seed"), ordinal)
        token = {"value": value, "issued_at": call.at, "expires_at": call.at + lives}
        self.ledger.insert("tokens", token)
        return json_reply(200, {"Value": value, "ExpiresIn": int(lifetime)}), None

    def _list_products(self, call: Call) -> tuple[Reply, None]:
        self._check_parameters(call, PAGING | FILTERS)
        found = [product_json(one) for one in catalogue.PRODUCTS]
        found = [one for one in found if self._is_wanted(one, call.request.query)]
        page, size = self._page(call)
        start = (page - 1) * size
        return self._envelope(page, size, len(found), found[start : start + size]), None

    def _is_wanted(self, one: dict[str, Any], query: Mapping[str, str]) -> bool:
        kind = query.get("productType")
        if kind not in (None, "Digital", "Physical"):
            raise BadRequest("productType must be Digital or Physical")
        texts = one["ShortDescription"] + one["LongDescription"]
        return (
            kind in (None, one["Type"])
            and query.get("productName", "").casefold() in one["Name"].casefold()
            and query.get("productDescription", "").casefold() in texts.casefold()
        )

    def _get_product(self, call: Call) -> tuple[Reply, None]:
        found = catalogue.PRODUCT.get(call.params["id"])
        if found is None:
            self._no(404, "Product not found")
        return json_reply(200, product_json(found)), None

    def _create_order(self, call: Call) -> tuple[Reply, str]:
        form = read_form(read_object(call.request))
        self._check_po_number(form.po_number, call.at)
        plan = self.desk.usual_plan(form)
        shape(plan, call.shaping)
        try:
            order = self.desk.place(form, call.at, plan)
        except InsufficientFunds:
            self._no(422, "Insufficient funds")
        order = self._take_steps(order, call.at)
        reply = json_reply(201, self.resource(order))
        return replace(reply, delay=self._head_start(order)), order["id"]

    def _check_po_number(self, po_number: str, at: float) -> None:
        window = self.setting("po_number_unique_for")
        earlier = self.ledger.ids_of(po_number, since=0.0 if window is None else at - window)
        if earlier:
            raise Refusal(self._conflict(earlier))

    def _conflict(self, ids: list[str]) -> Reply:
        shown = {"PreviousOrderIds": ids} if self.setting("conflict_ids") else {}
        return json_reply(409, {"Message": DUPLICATE, **shown})

    def _take_steps(self, order: Row, at: float) -> Row:
        while order["next_at"] is not None and order["next_at"] <= at:
            self.run_event(order["next_at"])
            order = self.ledger.order(order["number"])
        return order

    def _head_start(self, order: Row) -> float:
        """Seconds that the webhook of an order completed at once is ahead of the answer."""
        if order["status"] != COMPLETED or not order["webhook"] or not self.setting("webhooks"):
            return 0.0
        return float(self.setting("webhook_before_reply"))

    def _list_orders(self, call: Call) -> tuple[Reply, None]:
        """Newest first."""
        self._check_parameters(call, PAGING)
        page, size = self._page(call)
        total, skip = self._count_orders(call.at), (page - 1) * size
        rows = [] if skip >= total else self._orders_from(skip, size, call.at)
        return self._envelope(page, size, total, [self.resource(row) for row in rows]), None

    def _count_orders(self, at: float) -> int:
        total: int = self.ledger.value("SELECT count(*) FROM orders WHERE listed_at <= ?", at)
        return total

    def _orders_from(self, skip: int, size: int, at: float) -> list[Row]:
        return self.ledger.rows(
            "SELECT * FROM orders WHERE listed_at <= ? ORDER BY number DESC LIMIT ? OFFSET ?",
            at,
            size,
            skip,
        )

    def _get_order(self, call: Call) -> tuple[Reply, str]:
        order = self.ledger.order_with_id(clean(call.params["id"]) or "", call.at)
        if order is None:
            self._no(404, "Order not found")
        return json_reply(200, self.resource(order)), order["id"]

    def _get_balance(self, _call: Call) -> tuple[Reply, None]:
        body = {
            "Available": money(self.ledger.funds()),
            "Pending": money(self.ledger.funds(PENDING_FUNDS)),
            "CurrencyCode": self.setting("currency"),
        }
        return json_reply(200, body), None

    def _shipping_methods(self, _call: Call) -> tuple[Reply, None]:
        return _list(shipping_json(one) for one in catalogue.SHIPPING_METHODS)

    def _carriers(self, _call: Call) -> tuple[Reply, None]:
        return _list(carrier_json(one) for one in catalogue.CARRIERS)

    def _brandings(self, _call: Call) -> tuple[Reply, None]:
        return _list(named_json(one) for one in catalogue.BRANDINGS)

    def _departments(self, _call: Call) -> tuple[Reply, None]:
        return _list(named_json(one) for one in catalogue.DEPARTMENTS)

    def _get_status(self, _call: Call) -> tuple[Reply, None]:
        return json_reply(200, {"Status": "OK"}), None

    # Pages

    def _check_parameters(self, call: Call, known: frozenset[str]) -> None:
        if call.request.query.keys() - known:
            raise BadRequest(f"The only parameters are {', '.join(sorted(known))}")

    def _page(self, call: Call) -> tuple[int, int]:
        query = call.request.query
        page = whole_number(query, "pageIndex", 1, 2**31 - 1)
        return page, whole_number(query, "pageSize", 20, LARGEST_PAGE)

    def _envelope(self, page: int, size: int, total: int, data: list[Any]) -> Reply:
        return json_reply(200, {"Data": data, "Page": page, "PageSize": size, "TotalCount": total})


def _list(items: Iterable[dict[str, Any]]) -> tuple[Reply, None]:
    return json_reply(200, list(items)), None
