"""How a card comes into being, and what moves on it."""

from collections.abc import Mapping
from typing import Any

from providers.sandbox.cp_extender.catalogue import CODES
from providers.sandbox.cp_extender.form import PLAIN, CreateForm
from providers.sandbox.cp_extender.ledger import CPExtenderLedger
from providers.sandbox.cp_extender.numbers import assigned_number
from providers.sandbox.cp_extender.plan import Plan
from providers.sandbox.cp_extender.reservations import Reservations
from providers.sandbox.ledger import Row
from providers.sandbox.reading import BadRequest

ACTIVE, VOIDED, EXPIRED = "active", "voided", "expired"
ISSUED, REDEEMED, ADJUSTED = "Issued", "Redeemed", "Adjusted"
ELSEWHERE = "Main Street Counter"  # where strangers shop


class NotFound(LookupError):
    """What the request names is not there; the text is what the provider says."""


class Cards:
    """The cards of the merchant."""

    def __init__(self, ledger: CPExtenderLedger, settings: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._settings = settings
        self._reservations = Reservations(ledger, settings)

    def create(self, form: CreateForm, at: float, plan: Plan) -> Row:
        """Commit a card of this client. Raises BadRequest and NotFound."""
        self._check_code(form)
        points = self._ledger.points_of(form.customer)
        if points is None:
            raise NotFound("Customer Not Found")
        if form.number is not None:
            self._check_number(form.number, at)
        if form.points is not None:
            self._take_points(form, points)
        return self.issue(form, at, plan)

    def _check_code(self, form: CreateForm) -> None:
        code = CODES.get(form.code)
        if code is None:
            raise NotFound("Gift Card Code Not Found")
        if code.value not in (None, form.value):
            raise BadRequest("GiftCardCode specified does not allow value change")

    def _check_number(self, number: str, at: float) -> None:
        if self._ledger.card(number) is not None:
            raise BadRequest("GiftcardId Already Exists")
        if not self._reservations.holds_good(number, at):
            raise BadRequest("GiftcardId Not Reserved")

    def _take_points(self, form: CreateForm, points: int) -> None:
        """The points pay for the value at the rate of the setting, and are gone."""
        price = form.value * int(self._settings["points_per_unit"])
        if form.points is None or form.points * 100 < price or form.points > points:
            raise BadRequest(PLAIN)
        self._ledger.run(
            "UPDATE customers SET points = points - ? WHERE number = ?", form.points, form.customer
        )

    def issue(self, form: CreateForm, at: float, plan: Plan, stranger: bool = False) -> Row:
        """Write a card down; the form must have been checked."""
        number, value = form.number, form.value + plan.value_off
        if number is None or plan.is_renamed:
            ordinal = (self._ledger.value("SELECT max(id) FROM cards") or 0) + 1
            number = assigned_number(self._ledger.setting("seed"), ordinal)
        self._ledger.insert(
            "cards",
            {
                "number": number,
                "asked_for": form.number,
                "code": form.code,
                "customer": form.customer,
                "status": ACTIVE,
                "value": value,
                "sale_id": form.sale_id,
                "points": form.points,
                "created_at": at,
                "found_at": at + plan.unfound_for,
                "stranger": stranger,
            },
        )
        card = self.known(number)
        document = form.sale_id if self._settings["issued_document"] else None
        self.move(card, at, value, ISSUED, document, stranger=stranger, off=plan.dated_off)
        return card

    def move(
        self,
        card: Row,
        at: float,
        minor: int,
        activity: str,
        document: str | None = None,
        *,
        stranger: bool = False,
        off: float = 0.0,
    ) -> None:
        """Put money onto a card (negative: take it); the history shows it `off` seconds later."""
        self._ledger.insert(
            "movements",
            {
                "card": card["id"],
                "at": at,
                "shown_at": at + off,
                "minor": minor,
                "activity": activity,
                "location": ELSEWHERE if stranger else self._settings["location"],
                "document": document,
                "stranger": stranger,
            },
        )

    def known(self, number: str, found_at: float | None = None) -> Row:
        """A card by its number. Raises NotFound."""
        card = self._ledger.card(number, found_at)
        if card is None:
            raise NotFound("Id not found")
        return card

    def set_status(self, card: Row, status: str) -> None:
        """Give a card a status by hand; its balance stays."""
        self._ledger.run("UPDATE cards SET status = ? WHERE id = ?", status, card["id"])
