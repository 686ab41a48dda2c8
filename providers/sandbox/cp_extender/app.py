"""The simulated CP Extender: every operation of docs/contracts/cp_extender.md."""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.sandbox.control import Route
from providers.sandbox.cp_extender.cards import Cards, NotFound
from providers.sandbox.cp_extender.catalogue import BY_EMAIL, CUSTOMER, Customer
from providers.sandbox.cp_extender.certificate import draw
from providers.sandbox.cp_extender.control import CPExtenderControl
from providers.sandbox.cp_extender.edits import repeat_numbers
from providers.sandbox.cp_extender.faults import KINDS, TARGETS
from providers.sandbox.cp_extender.form import (
    read_authorize,
    read_completion,
    read_create,
    read_login,
    read_reserve,
)
from providers.sandbox.cp_extender.holds import Holds
from providers.sandbox.cp_extender.ledger import (
    CANCELLED,
    CONFIRMED,
    OWN_TABLES,
    CPExtenderLedger,
)
from providers.sandbox.cp_extender.numbers import make_jwt
from providers.sandbox.cp_extender.plan import Plan
from providers.sandbox.cp_extender.reservations import Reservations
from providers.sandbox.cp_extender.shapes import (
    STATUS,
    VERSION,
    card_json,
    customer_json,
    hold_json,
)
from providers.sandbox.cp_extender.strangers import Strangers
from providers.sandbox.faults import Armed, shape
from providers.sandbox.ledger import Row
from providers.sandbox.provider import Call, Operation, Refusal, SimulatedProvider, clean
from providers.sandbox.reading import read_json, read_object
from providers.sandbox.wire import Reply, Request, json_reply

USER_NAME, PASSWORD = "sandbox", "sandbox"  # noqa: S105 - there is nothing to protect
PERMANENT_TOKEN = "sandbox-permanent"  # noqa: S105 - as above
OPEN_TO_ALL = frozenset({"/Connection/Status", "/Connection/GetVersion", "/SSO/Login"})
OPPOSITE = {CONFIRMED: CANCELLED, CANCELLED: CONFIRMED}


class SimulatedCPExtender(SimulatedProvider):
    """One merchant's CP Extender, in front of the merchant's Counterpoint."""

    slug = "cp_extender"
    prefix = ""
    kinds = KINDS
    targets = TARGETS
    own_tables = OWN_TABLES
    make_ledger = CPExtenderLedger
    ledger: CPExtenderLedger
    paths_are_secret = True
    defaults = {
        "token_lifetime": 3600,
        "token_has_exp": True,
        "permanent_token": True,
        "reservation_lifetime": 3600,
        "pool_cap": 500,
        "points_per_unit": 100,
        "issued_document": False,
        "pending_in_history": False,
        "location": "Harbor Street Gifts",
        "currency": "USD",
        "error_body": "Message",
        "per_second": None,
        "per_minute": None,
    }
    operations = (
        Operation("connectionStatus", "GET", "/Connection/Status"),
        Operation("connectionVersion", "GET", "/Connection/GetVersion"),
        Operation("login", "POST", "/SSO/Login"),
        Operation("reserveIds", "POST", "/Giftcard/ReserveIds", writes=True),
        Operation("createGiftcard", "POST", "/Giftcard/Create", writes=True),
        Operation("balanceCheck", "GET", "/Giftcard/{id}/BalanceCheck"),
        Operation("certificate", "GET", "/Giftcard/{id}/Certificate"),
        Operation("authorizeGiftcard", "POST", "/Giftcard/Authorize", writes=True),
        Operation("confirmAuthorization", "POST", "/Authorize/Confirm", writes=True),
        Operation("cancelAuthorization", "POST", "/Authorize/Cancel", writes=True),
        Operation("customerFromEmail", "GET", "/Customer/FromEmail/{EmailAddress}"),
        Operation("customerFromId", "GET", "/Customer/FromId/{CustomerId}"),
    )

    def stock(self) -> None:
        """The merchant's customers."""
        self.ledger.sign_up()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of this moment."""
        return {name: self.setting(name) for name in self.defaults}

    @property
    def strangers(self) -> Strangers:
        """The other people at the till."""
        return Strangers(self.ledger, self.settings)

    def next_event_at(self) -> float | None:
        """When a stranger takes a number next."""
        return self.ledger.next_event_at()

    def run_event(self, at: float) -> None:
        """Let strangers take what they wait for."""
        self.strangers.run_event(at)

    def controls(self) -> Mapping[tuple[str, str], Route]:
        """CP Extender's own control end points."""
        return CPExtenderControl(self).routes()

    # Who may, and how a no sounds

    def authenticate(self, request: Request) -> Reply | None:
        """Content-Type on every request, a token on most; contract sections 1 and 2."""
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not kind:
            return self.refuse(400, "Content-Type is required")
        if kind != "application/json":
            return self.refuse(415, "Content-Type must be application/json")
        if request.path in OPEN_TO_ALL or self._has_token(request):
            return None
        refusal = self.refuse(401, "Not Authorized")
        return replace(refusal, headers={**refusal.headers, "WWW-Authenticate": "Bearer"})

    def _has_token(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        given = clean(value.strip()) or ""
        if scheme.lower() != "bearer":
            return False
        if hmac.compare_digest(given.encode(), PERMANENT_TOKEN.encode()):
            return bool(self.setting("permanent_token"))
        return None is not self.ledger.row(
            "SELECT * FROM tokens WHERE value = ? AND expires_at > ?", given, self.clock.now()
        )

    def refuse(self, status: int, message: str) -> Reply:
        """An error as the setting `error_body` shapes it; contract section 4."""
        form = self.setting("error_body")
        if form == "text":
            return Reply(status, {"Content-Type": "text/plain; charset=utf-8"}, message.encode())
        return json_reply(status, message if form == "string" else {form: message})

    def reference_of(
        self, operation: Operation, params: Mapping[str, str], request: Request
    ) -> str | None:
        """The card number that a request names; without one, its RequestName or SaleId."""
        if operation.method == "GET":
            return params.get("id")
        try:
            body = read_json(request.body) if request.body else None
        except ValueError:
            return None
        if not isinstance(body, dict):
            return None
        found = (body.get(key) for key in ("GiftCardId", "Ref", "RequestName", "SaleId"))
        return next((one for one in found if isinstance(one, str)), None)

    def damage(self, armed: Armed, reply: Reply, call: Call) -> Reply | None:
        """As everywhere; one fault needs the numbers that were given before."""
        if armed.kind.name == "numbers_repeated":
            return repeat_numbers(reply, armed.params, self._earlier_numbers)
        return super().damage(armed, reply, call)

    def _earlier_numbers(self, but: list[str]) -> list[str]:
        rows = self.ledger.rows("SELECT number FROM reservations ORDER BY id DESC")
        return [row["number"] for row in rows if row["number"] not in but]

    # The operations

    def execute(self, call: Call) -> tuple[Reply, str | None]:
        """Do what the operation does."""
        run = {
            "connectionStatus": lambda _call: (json_reply(200, STATUS), None),
            "connectionVersion": lambda _call: (json_reply(200, VERSION), None),
            "login": self._login,
            "reserveIds": self._reserve,
            "createGiftcard": self._create,
            "balanceCheck": self._check_balance,
            "certificate": self._certificate,
            "authorizeGiftcard": self._authorize,
            "confirmAuthorization": self._confirm,
            "cancelAuthorization": self._cancel,
            "customerFromEmail": self._customer_from_email,
            "customerFromId": self._customer_from_id,
        }[call.operation.id]
        try:
            return run(call)
        except NotFound as missing:
            raise Refusal(self.refuse(404, str(missing))) from None

    def _login(self, call: Call) -> tuple[Reply, None]:
        given = read_login(read_object(call.request))
        pairs = zip(given, (USER_NAME, PASSWORD), strict=True)
        if not all([hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs]):
            raise Refusal(self.refuse(401, "Not Authorized"))
        return json_reply(200, {"APItoken": self._new_token(call)}), None

    def _new_token(self, call: Call) -> str:
        lifetime = float(self.setting("token_lifetime"))
        ordinal = (self.ledger.value("SELECT max(id) FROM tokens") or 0) + 1
        claims = {"unique_name": USER_NAME, "jti": str(ordinal), "nbf": int(call.at)}
        if self.setting("token_has_exp"):
            claims["exp"] = int(call.at + lifetime)
        value = make_jwt(self.ledger.setting("seed"), claims)
        lives = min([lifetime, *(armed.params["after"] for armed in call.shaping)])
        token = {"value": value, "issued_at": call.at, "expires_at": call.at + lives}
        self.ledger.insert("tokens", token)
        return value

    def _plan(self, call: Call) -> Plan:
        plan = Plan()
        shape(plan, call.shaping)
        return plan

    def _reserve(self, call: Call) -> tuple[Reply, str]:
        form = read_reserve(read_object(call.request))
        reservations = Reservations(self.ledger, self.settings)
        numbers = reservations.set_aside(form, call.at, self._plan(call))
        return json_reply(200, {"GiftCards": numbers}), ", ".join(numbers[:1])

    def _create(self, call: Call) -> tuple[Reply, str]:
        form, plan = read_create(read_object(call.request)), self._plan(call)
        card = Cards(self.ledger, self.settings).create(form, call.at, plan)
        self._meddle(card, plan, call.at)
        return json_reply(200, {"GiftCard": {"Id": card["number"]}}), card["number"]

    def _check_balance(self, call: Call) -> tuple[Reply, str]:
        card = self._found(call)
        return json_reply(200, {"GiftCard": self.resource(card)}), card["number"]

    def resource(self, card: Row) -> dict[str, Any]:
        """A card as of now."""
        shown = self.setting("location") if self.setting("pending_in_history") else None
        movements, holds = self.ledger.movements_of(card), self.ledger.holds_of(card)
        return card_json(card, movements, holds, shown)

    def _certificate(self, call: Call) -> tuple[Reply, str]:
        card = self._found(call)
        place, currency = self.setting("location"), self.setting("currency")
        picture = draw(
            place, CUSTOMER[card["customer"]].name, card["number"], card["value"], currency
        )
        return Reply(200, {"Content-Type": "image/jpeg"}, picture), card["number"]

    def _found(self, call: Call) -> Row:
        number = clean(call.params["id"]) or ""
        return Cards(self.ledger, self.settings).known(number, call.at)

    def _authorize(self, call: Call) -> tuple[Reply, str]:
        form, plan = read_authorize(read_object(call.request)), self._plan(call)
        hold = Holds(self.ledger, self.settings).place(form, call.at, plan)
        self._meddle(self._card_of(hold), plan, call.at)
        return json_reply(200, hold_json(hold)), hold["request_id"]

    def _confirm(self, call: Call) -> tuple[Reply, str]:
        return self._complete(call, CONFIRMED)

    def _cancel(self, call: Call) -> tuple[Reply, str]:
        return self._complete(call, CANCELLED)

    def _complete(self, call: Call, state: str) -> tuple[Reply, str]:
        holds, plan = Holds(self.ledger, self.settings), self._plan(call)
        hold = holds.known(*read_completion(read_object(call.request)))
        holds.complete(hold, OPPOSITE[state] if plan.is_opposite else state, call.at)
        self._meddle(self._card_of(hold), plan, call.at)
        return Reply(204), hold["request_id"]

    def _card_of(self, hold: Row) -> Row:
        card = self.ledger.row("SELECT * FROM cards WHERE id = ?", hold["card"])
        assert card is not None  # noqa: S101 - a hold belongs to a card
        return card

    def _meddle(self, card: Row, plan: Plan, at: float) -> None:
        for meddling in plan.meddling:
            self.strangers.meddle(card, meddling, at)

    def _customer_from_email(self, call: Call) -> tuple[Reply, None]:
        return self._customer(BY_EMAIL.get(call.params["EmailAddress"].casefold()))

    def _customer_from_id(self, call: Call) -> tuple[Reply, None]:
        return self._customer(CUSTOMER.get(call.params["CustomerId"]))

    def _customer(self, found: Customer | None) -> tuple[Reply, None]:
        if found is None:
            raise NotFound("Customer Not Found")
        return json_reply(200, customer_json(found)), None
