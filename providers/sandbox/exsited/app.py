"""The simulated Exsited: every operation of docs/contracts/exsited.md."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from providers.sandbox.control import Route
from providers.sandbox.exsited.book import Book
from providers.sandbox.exsited.breaks import shown
from providers.sandbox.exsited.certificate import ACTIVE, DISABLED, Certificate, NotPossible
from providers.sandbox.exsited.control import ExsitedControl
from providers.sandbox.exsited.desk import Desk
from providers.sandbox.exsited.faults import KINDS, SIGN_IN, TARGETS
from providers.sandbox.exsited.form import (
    PageForm,
    read_account,
    read_amend,
    read_create,
    read_page,
    read_patch,
    read_token,
)
from providers.sandbox.exsited.ledger import OWN_TABLES, ExsitedLedger
from providers.sandbox.exsited.shapes import one_json, pagination_json, sub_list_json
from providers.sandbox.exsited.strangers import Strangers
from providers.sandbox.exsited.tokens import Tokens, knows
from providers.sandbox.faults import Armed, Params
from providers.sandbox.provider import Call, Operation, Refusal, SimulatedProvider, clean
from providers.sandbox.reading import BadRequest, read_object
from providers.sandbox.wire import Reply, Request, dump, html_reply, json_reply

CERTIFICATES = "/api/v3/gift_certificates"
ONE = f"{CERTIFICATES}/{{uuid}}"
CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "RESOURCE_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    429: "TOO_MANY_REQUESTS",
}
API = "api"  # who changed a certificate over the wire


class SimulatedExsited(SimulatedProvider):
    """One account's book of gift certificates."""

    slug = "exsited"
    prefix = ""
    kinds = KINDS
    targets = TARGETS
    own_tables = OWN_TABLES
    make_ledger = ExsitedLedger
    ledger: ExsitedLedger
    defaults = {
        "token_lifetime": 3600,
        "one_token": True,
        "enabled": True,
        "largest_page": 100,
        "clamps_limit": False,
        "numeric_error_codes": False,
        "per_second": None,
        "per_minute": None,
    }
    operations = (
        Operation("createToken", "POST", "/api/v1/oauth2/token"),
        Operation("createTokenAlias", "POST", "/api/v4/oauth2/token"),
        Operation("signIn", "GET", "/login"),
        Operation("listGiftCertificates", "GET", CERTIFICATES),
        Operation("createGiftCertificate", "POST", CERTIFICATES, writes=True),
        Operation("getGiftCertificate", "GET", ONE),
        Operation("updateGiftCertificate", "PATCH", ONE, writes=True),
        Operation("deleteGiftCertificate", "DELETE", ONE, writes=True),
        Operation("listAllocations", "GET", f"{ONE}/allocations"),
        Operation("listTransactions", "GET", f"{ONE}/transactions"),
        Operation("disableGiftCertificate", "POST", f"{ONE}/disable", writes=True),
        Operation("enableGiftCertificate", "POST", f"{ONE}/enable", writes=True),
        Operation("allocateGiftCertificate", "POST", f"{ONE}/allocate", writes=True),
        Operation("deallocateGiftCertificate", "POST", f"{ONE}/deallocate", writes=True),
        Operation("amendGiftCertificate", "POST", f"{ONE}/amend", writes=True),
    )
    first_size = 60

    def stock(self) -> None:
        """A small book."""
        self.strangers.print_book(self.first_size, self.clock.now())

    @cached_property
    def book(self) -> Book:
        """The book of certificates."""
        return Book(self.ledger)

    @cached_property
    def _spoilt(self) -> dict[str, Reply]:
        """By connection: the 400 that it will repeat. A connection does not outlive the process."""
        return {}

    @property
    def tokens(self) -> Tokens:
        """The tokens of our credentials."""
        return Tokens(self.ledger)

    @property
    def desk(self) -> Desk:
        """Where certificates are made and changed."""
        return Desk(self.book, self.ledger.setting("seed"))

    @property
    def strangers(self) -> Strangers:
        """The other people who work with the book."""
        return Strangers(self.book, self.ledger.setting("seed"))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of this moment."""
        return {name: self.setting(name) for name in self.defaults}

    def next_event_at(self) -> float | None:
        """Nothing happens by itself."""
        return None

    def run_event(self, at: float) -> None:
        """Nothing to do."""

    def controls(self) -> Mapping[tuple[str, str], Route]:
        """Exsited's own control end points."""
        return ExsitedControl(self).routes()

    # Who may, and how a no sounds

    def authenticate(self, request: Request) -> Reply | None:
        """A token on every request for data; contract section 2."""
        if not request.path.startswith(CERTIFICATES):
            return None
        if not self._has_token(request):
            refusal = self.refuse(401, "The access token is missing or no longer valid")
            return replace(refusal, headers={**refusal.headers, "WWW-Authenticate": "Bearer"})
        return None if self.setting("enabled") else self.refuse(403, "Access denied")

    def _has_token(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        given = clean(value.strip()) or ""
        return scheme.lower() == "bearer" and self.tokens.are_good(given, self.clock.now())

    def refuse(self, status: int, message: str, code: str | None = None) -> Reply:
        """An error in the shape of contract section 4."""
        text = code or CODES.get(status, "INTERNAL_ERROR")
        shown_code = status if self.setting("numeric_error_codes") else text
        return json_reply(status, {"errors": [{"code": shown_code, "message": message}]})

    def sign_in_page(self) -> Reply:
        """Where those are sent whose credentials are wrong; the page itself answers 200."""
        return Reply(302, {"Location": SIGN_IN})

    def reference_of(
        self, operation: Operation, params: Mapping[str, str], request: Request
    ) -> str | None:
        """The uuid in the path."""
        return params.get("uuid")

    def damage(self, armed: Armed, reply: Reply, call: Call) -> Reply | None:
        """As everywhere; some faults need the book, the tokens or the connection."""
        own = {
            "shift": self._shift_after,
            "token_taken": self._take_token_after,
            "endless_pages": self._go_on,
            "offset_ignored": self._first_page,
            "bad_request_sticks": self._spoil,
        }.get(armed.kind.name)
        return own(armed.params, reply, call) if own else super().damage(armed, reply, call)

    def _shift_after(self, params: Params, reply: Reply, call: Call) -> Reply | None:
        if reply.status != 200:
            return None
        self.strangers.shift(call.at, **params)
        return reply

    def _take_token_after(self, _params: Params, reply: Reply, call: Call) -> Reply:
        self.take_token(call.at)
        return reply

    def _go_on(self, _params: Params, reply: Reply, call: Call) -> Reply | None:
        """After the last page the book starts over, and there is always one more."""
        if reply.status != 200 or not self.book.size:
            return None
        form = read_page(call.request.query)
        start = form.offset % self.book.size
        return self._page(form, start, form.offset, records=form.offset + 2 * self._limit(form))

    def _first_page(self, params: Params, reply: Reply, call: Call) -> Reply | None:
        """The first page, which may claim to be the one that was asked for."""
        if reply.status != 200 or not read_page(call.request.query).offset:
            return None
        form = read_page(call.request.query)
        claimed = form.offset if params["claims"] else 0
        return self._page(form, 0, claimed, self.book.size)

    def _spoil(self, params: Params, reply: Reply, call: Call) -> Reply | None:
        if reply.status != 400 and not params["unasked"]:
            return None
        if reply.status != 400:
            reply = self.refuse(400, params["message"])
        self._spoilt[call.request.connection] = reply
        return reply

    # The operations

    def execute(self, call: Call) -> tuple[Reply, str | None]:
        """Do what the operation does."""
        if (earlier := self._spoilt.pop(call.request.connection, None)) is not None:
            raise Refusal(earlier)
        run = {
            "createToken": self._create_token,
            "createTokenAlias": self._create_token,
            "signIn": lambda _call: (html_reply(200, "<h1>Please sign in</h1>"), None),
            "listGiftCertificates": self._list,
            "createGiftCertificate": self._create,
            "getGiftCertificate": self._get,
            "updateGiftCertificate": self._update,
            "deleteGiftCertificate": self._delete,
            "listAllocations": self._list_allocations,
            "listTransactions": self._list_transactions,
            "disableGiftCertificate": self._disable,
            "enableGiftCertificate": self._enable,
            "allocateGiftCertificate": self._allocate,
            "deallocateGiftCertificate": self._deallocate,
            "amendGiftCertificate": self._amend,
        }[call.operation.id]
        try:
            return run(call)
        except NotPossible as no:
            raise Refusal(self.refuse(400, str(no), no.code)) from None

    # Tokens

    def _create_token(self, call: Call) -> tuple[Reply, None]:
        form = read_token(read_object(call.request))
        if not knows(form):
            raise Refusal(self.sign_in_page())
        if form.refresh_token is not None and not self.tokens.use_up(form.refresh_token):
            raise BadRequest("The refresh token is not valid")
        lifetime = self.setting("token_lifetime")
        lives = min([lifetime, *(armed.params["after"] for armed in call.shaping)])
        access, refresh = self.take_token(call.at, lives)
        body = {"access_token": access, "refresh_token": refresh, "expires_in": int(lifetime)}
        return json_reply(200, body), None

    def take_token(self, at: float, lives: float | None = None) -> tuple[str, str]:
        """A new access token and its refresh token, whoever asks for them."""
        lifetime = self.setting("token_lifetime") if lives is None else lives
        return self.tokens.issue(at, lifetime, alone=self.setting("one_token"))

    # Reading

    def _list(self, call: Call) -> tuple[Reply, None]:
        form = read_page(call.request.query)
        return self._page(form, form.offset, form.offset, self.book.size), None

    def _page(self, form: PageForm, start: int, claimed: int, records: int) -> Reply:
        """The page that starts at `start`, put together from JSON that is ready."""
        limit = self._limit(form)
        rows = self.book.page(form.order_by, form.direction != "asc", start, limit)
        pagination = dump(pagination_json(records, limit, claimed))
        body = b'{"gift_certificates":[%b],"pagination":%b}' % (b",".join(rows), pagination)
        return Reply(200, {"Content-Type": "application/json"}, body)

    def _limit(self, form: PageForm) -> int:
        most = int(self.setting("largest_page"))
        if form.limit > most and not self.setting("clamps_limit"):
            raise BadRequest(f"limit must not be greater than {most}")
        return min(form.limit, most)

    def _get(self, call: Call) -> tuple[Reply, str]:
        return self._reply(self._found(call))

    def _list_allocations(self, call: Call) -> tuple[Reply, str]:
        return self._sub_list(call, "allocations")

    def _list_transactions(self, call: Call) -> tuple[Reply, str]:
        return self._sub_list(call, "transactions")

    def _sub_list(self, call: Call, name: str) -> tuple[Reply, str]:
        """One of the histories, by its date whatever `order_by` says; the oldest first."""
        certificate, form = self._found(call), read_page(call.request.query)
        told = self.resource(certificate).get(name)
        rows = told if isinstance(told, list) else []
        if form.direction == "desc":
            rows = rows[::-1]
        body = sub_list_json(name, rows, self._limit(form), form.offset)
        return json_reply(200, body), certificate.uuid

    def resource(self, certificate: Certificate) -> dict[str, Any]:
        """A certificate as it is told by itself."""
        return shown(one_json(certificate), certificate.quirks)

    def _found(self, call: Call) -> Certificate:
        found = self.book.find(clean(call.params["uuid"]) or "")
        if found is None:
            raise Refusal(self.refuse(404, "Gift certificate not found"))
        return found

    def _reply(self, certificate: Certificate, status: int = 200) -> tuple[Reply, str]:
        body = {"gift_certificate": self.resource(certificate)}
        return json_reply(status, body), certificate.uuid

    # Writing

    def _create(self, call: Call) -> tuple[Reply, str]:
        form = read_create(read_object(call.request))
        return self._reply(self.desk.create(form, call.at, API), 201)

    def _update(self, call: Call) -> tuple[Reply, str]:
        one, form = self._found(call), read_patch(read_object(call.request))
        self.desk.update(one, form, call.at, API)
        return self._reply(one)

    def _delete(self, call: Call) -> tuple[Reply, str]:
        one = self._found(call)
        if one.used:
            raise NotPossible("A gift certificate that was used cannot be deleted")
        self.book.remove(one, API, call.at)
        return Reply(204, {"Content-Type": "application/json"}), one.uuid

    def _disable(self, call: Call) -> tuple[Reply, str]:
        return self._switch(call, DISABLED)

    def _enable(self, call: Call) -> tuple[Reply, str]:
        return self._switch(call, ACTIVE)

    def _switch(self, call: Call, status: str) -> tuple[Reply, str]:
        one = self._found(call)
        one.switch(status, call.at, API)
        return self._changed(one, "switched", call)

    def _allocate(self, call: Call) -> tuple[Reply, str]:
        one, account = self._found(call), read_account(read_object(call.request))
        one.allocate(account, call.at, API)
        return self._changed(one, "allocated", call)

    def _deallocate(self, call: Call) -> tuple[Reply, str]:
        one, account = self._found(call), read_account(read_object(call.request))
        one.deallocate(account, call.at, API)
        return self._changed(one, "deallocated", call)

    def _amend(self, call: Call) -> tuple[Reply, str]:
        one, (balance, accounting_code) = self._found(call), read_amend(read_object(call.request))
        one.amend(balance, call.at, API, accounting_code)
        return self._changed(one, "amended", call)

    def _changed(self, one: Certificate, what: str, call: Call) -> tuple[Reply, str]:
        self.book.change(one, what, API, call.at)
        return self._reply(one)
