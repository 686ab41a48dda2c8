"""Other people at the same till: they take lapsed numbers, and spend from cards."""

from collections.abc import Mapping
from typing import Any

from providers.sandbox.cp_extender.cards import ACTIVE, REDEEMED, Cards
from providers.sandbox.cp_extender.form import AuthorizeForm, CreateForm, ReserveForm
from providers.sandbox.cp_extender.holds import Holds
from providers.sandbox.cp_extender.ledger import CANCELLED, OPEN, CPExtenderLedger
from providers.sandbox.cp_extender.plan import Meddling, Plan
from providers.sandbox.cp_extender.reservations import Reservations
from providers.sandbox.ledger import Row

CUSTOMER, CODE, SALE = "CASH", "GC", "WALK-IN"
USUAL_VALUE = 2500  # minor units


class Strangers:
    """Everybody but this client. None of this costs the client's calls."""

    def __init__(self, ledger: CPExtenderLedger, settings: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._reservations = Reservations(ledger, settings)
        self._cards = Cards(ledger, settings)
        self._holds = Holds(ledger, settings)

    def reserve(self, at: float) -> str:
        """Somebody else's single number."""
        form = ReserveForm(agency="Counter")
        return self._reservations.set_aside(form, at, Plan(), stranger=True)[0]

    def take(self, number: str, at: float, value: int = USUAL_VALUE) -> Row:
        """The number lapses at once, and a stranger has a card on it."""
        self._reservations.hand_on(number, at)
        form = CreateForm(customer=CUSTOMER, code=CODE, value=value, number=number, sale_id=SALE)
        return self._cards.issue(form, at, Plan(), stranger=True)

    def spend(self, card: Row, minor: int, at: float) -> int:
        """Spend up to that much from a card; returns how much it was."""
        spent = min(minor, self._ledger.available(card))
        if spent > 0:
            self._cards.move(card, at, -spent, REDEEMED, SALE, stranger=True)
        return spent

    def hold(self, card: Row, minor: int, at: float) -> Row:
        """Hold that much on a card. Raises BadRequest as for anybody."""
        form = AuthorizeForm(number=card["number"], sale_id=SALE, amount=minor)
        return self._holds.place(form, at, Plan(), stranger=True)

    def release(self, card: Row, at: float) -> Row | None:
        """Let the oldest hold of a stranger on a card go; None when there is none."""
        theirs = [
            one for one in self._ledger.holds_of(card) if one["stranger"] and one["state"] == OPEN
        ]
        if not theirs:
            return None
        self._holds.complete(theirs[0], CANCELLED, at)
        return theirs[0]

    def meddle(self, card: Row, meddling: Meddling, at: float) -> None:
        """Do to a card what a fault wants; what cannot be is left."""
        match meddling.act:
            case "spend":
                self.spend(card, meddling.minor, at)
            case "hold" if card["status"] == ACTIVE and self._ledger.available(card) > 0:
                self.hold(card, meddling.minor, at)
            case "release":
                self.release(card, at)

    def run_event(self, at: float) -> None:
        """Take the numbers that were waited for until then."""
        due = self._ledger.rows(
            "SELECT number FROM reservations WHERE stranger_at <= ? ORDER BY id", at
        )
        for row in due:
            if self._ledger.card(row["number"]) is None:
                self.take(row["number"], at)
            else:
                self._ledger.run(
                    "UPDATE reservations SET stranger_at = NULL WHERE number = ?", row["number"]
                )
