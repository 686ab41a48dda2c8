"""Authorizations: money held on a card until it is confirmed or cancelled."""

from collections.abc import Mapping
from typing import Any

from providers.sandbox.cp_extender.cards import EXPIRED, REDEEMED, VOIDED, Cards, NotFound
from providers.sandbox.cp_extender.form import AuthorizeForm
from providers.sandbox.cp_extender.ledger import CONFIRMED, OPEN, CPExtenderLedger
from providers.sandbox.cp_extender.numbers import auth_code, request_id
from providers.sandbox.cp_extender.plan import Plan
from providers.sandbox.ledger import Row
from providers.sandbox.reading import BadRequest

REFUSALS = {VOIDED: "GiftCard has been voided", EXPIRED: "GiftCard has expired"}


class Holds:
    """Holds money, takes it, lets it go."""

    def __init__(self, ledger: CPExtenderLedger, settings: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._cards = Cards(ledger, settings)

    def place(self, form: AuthorizeForm, at: float, plan: Plan, stranger: bool = False) -> Row:
        """Commit a hold of what was asked for, or of what is left. Raises BadRequest, NotFound."""
        card = self._cards.known(form.number)
        if card["status"] in REFUSALS:
            raise BadRequest(REFUSALS[card["status"]])
        left = self._ledger.available(card)
        if left <= 0:
            raise BadRequest("No Balance Remaining")
        held = min(form.amount, left if plan.held_most is None else min(left, plan.held_most))
        return self._write(card, form, held, at, stranger)

    def _write(self, card: Row, form: AuthorizeForm, held: int, at: float, stranger: bool) -> Row:
        ordinal = (self._ledger.value("SELECT max(id) FROM holds") or 0) + 1
        code = auth_code(self._ledger.setting("seed"), ordinal)
        self._ledger.insert(
            "holds",
            {
                "card": card["id"],
                "sale_id": form.sale_id,
                "requested": form.amount,
                "held": held,
                "request_id": request_id(self._ledger.setting("seed"), ordinal),
                "auth_code": code,
                "state": OPEN,
                "placed_at": at,
                "stranger": stranger,
            },
        )
        return self.known(form.number, code)

    def known(self, number: str, code: str) -> Row:
        """The hold with this code on this card. Raises NotFound."""
        card, hold = self._ledger.card(number), self._ledger.hold(code)
        if card is None or hold is None or hold["card"] != card["id"]:
            raise NotFound("Authorization not found")
        return hold

    def complete(self, hold: Row, state: str, at: float) -> None:
        """Confirm or cancel a hold; the same again changes nothing. Raises BadRequest."""
        if hold["state"] == state:
            return
        if hold["state"] != OPEN:
            raise BadRequest(f"Authorization has already been {hold['state']}")
        self._ledger.run(
            "UPDATE holds SET state = ?, done_at = ? WHERE id = ?", state, at, hold["id"]
        )
        if state == CONFIRMED:
            card = self._ledger.row("SELECT * FROM cards WHERE id = ?", hold["card"])
            assert card is not None  # noqa: S101 - a hold belongs to a card
            stranger = bool(hold["stranger"])
            self._cards.move(card, at, -hold["held"], REDEEMED, hold["sale_id"], stranger=stranger)
