"""CP Extender's own control end points: its ledger as an oracle, its staff, and other customers."""

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
from providers.sandbox.cp_extender.cards import ACTIVE, ADJUSTED, EXPIRED, VOIDED, Cards
from providers.sandbox.cp_extender.holds import Holds
from providers.sandbox.cp_extender.ledger import CANCELLED, CONFIRMED, money
from providers.sandbox.cp_extender.reservations import Reservations, has_lapsed
from providers.sandbox.cp_extender.strangers import USUAL_VALUE
from providers.sandbox.ledger import Row

if TYPE_CHECKING:
    from providers.sandbox.cp_extender.app import SimulatedCPExtender

ERROR_BODIES = ("Message", "message", "string", "text")
STATUS_OF = {"void": VOIDED, "expire": EXPIRED, "reactivate": ACTIVE}
STATE_OF = {"release": CANCELLED, "confirm": CONFIRMED}


class CPExtenderControl:
    """What a test may see and do behind the curtain."""

    def __init__(self, extender: "SimulatedCPExtender") -> None:
        self._extender = extender
        self._ledger = extender.ledger
        self._cards = Cards(extender.ledger, extender.settings)
        self._holds = Holds(extender.ledger, extender.settings)
        self._reservations = Reservations(extender.ledger, extender.settings)

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by method and first part of the path."""
        return {
            ("GET", "state"): self.state,
            ("GET", "ledger"): self.ledger,
            ("GET", "settings"): self.settings,
            ("POST", "settings"): self.set_settings,
            ("GET", "holds"): self.tell_holds,
            ("POST", "holds"): self.act_on_hold,
            ("POST", "cards"): self.act_on_card,
            ("POST", "reservations"): self.act_on_reservation,
            ("POST", "customers"): self.set_points,
            ("POST", "stranger"): self.stranger,
            ("DELETE", "tokens"): self.revoke_tokens,
        }

    @property
    def _now(self) -> float:
        return self._extender.clock.now()

    # Looking

    def state(self, _rest: str, _given: dict[str, Any]) -> Any:
        """A summary without secrets."""
        by_status = self._ledger.rows("SELECT status, count(*) FROM cards GROUP BY status")
        by_state = self._ledger.rows("SELECT state, count(*) FROM holds GROUP BY state")
        return {
            **summary(self._extender),
            "reservations": self._ledger.value("SELECT count(*) FROM reservations"),
            "cards": {row[0]: row[1] for row in by_status},
            "holds": {row[0]: row[1] for row in by_state},
        }

    def ledger(self, _rest: str, _given: dict[str, Any]) -> Any:
        """Everything that really happened, in full: numbers, cards, holds, points, late commits."""
        reservations = self._ledger.rows("SELECT * FROM reservations ORDER BY id")
        cards = self._ledger.rows("SELECT * FROM cards ORDER BY id")
        customers = self._ledger.rows("SELECT number, points FROM customers ORDER BY id")
        return {
            "now": self._now,
            "reservations": [self._reservation(row) for row in reservations],
            "cards": [self._card(row) for row in cards],
            "holds": self.tell_holds("", {}),
            "points": {row["number"]: row["points"] for row in customers},
            "postponed": late_commits(self._extender),
        }

    def _reservation(self, row: Row) -> dict[str, Any]:
        names = ("number", "batch", "request_name", "agency", "type", "reserved_at", "lapses_at")
        return {
            **{name: row[name] for name in names},
            "lapsed": has_lapsed(row, self._now),
            "used": self._ledger.card(row["number"]) is not None,
            "stranger": bool(row["stranger"]),
        }

    def _card(self, row: Row) -> dict[str, Any]:
        names = ("number", "asked_for", "code", "customer", "status", "sale_id", "points")
        moved = ("at", "minor", "activity", "location", "document")
        return {
            **{name: row[name] for name in names},
            "value_minor": row["value"],
            "balance_minor": self._ledger.balance(row),
            "held_minor": self._ledger.held(row),
            "created_at": row["created_at"],
            "found_at": row["found_at"],
            "stranger": bool(row["stranger"]),
            "movements": [
                {**{name: one[name] for name in moved}, "stranger": bool(one["stranger"])}
                for one in self._ledger.movements_of(row)
            ],
        }

    def tell_holds(self, rest: str, _given: dict[str, Any]) -> Any:
        """The authorizations with their codes, as the staff sees them; `holds/<card>`: of one."""
        rows = self._ledger.rows(
            "SELECT holds.*, cards.number FROM holds JOIN cards ON cards.id = holds.card"
            " WHERE ? IN ('', cards.number) ORDER BY holds.id",
            rest,
        )
        return [self._hold(row) for row in rows]

    def _hold(self, row: Row) -> dict[str, Any]:
        names = ("sale_id", "request_id", "auth_code", "state", "placed_at", "done_at")
        return {
            "card": row["number"],
            **{name: row[name] for name in names},
            "requested_minor": row["requested"],
            "held_minor": row["held"],
            "stranger": bool(row["stranger"]),
        }

    # Settings

    def settings(self, _rest: str, _given: dict[str, Any]) -> Any:
        """The settings."""
        return {**self._extender.settings, "seed": self._ledger.setting("seed")}

    def set_settings(self, rest: str, given: dict[str, Any]) -> Any:
        """Any of the settings, and `seed`."""
        for name, value in given.items():
            if name == "seed":
                self._ledger.keep("seed", str(value))
            elif name in self._extender.defaults:
                self._ledger.keep(name, self._checked(name, value))
            else:
                raise ControlError(f"There is no setting {name!r}.")
        return self.settings(rest, {})

    def _checked(self, name: str, value: Any) -> Any:
        if name == "error_body" and value not in ERROR_BODIES:
            raise ControlError(f"error_body is one of: {', '.join(ERROR_BODIES)}.")
        return checked_setting(name, value, self._extender.defaults[name])

    def revoke_tokens(self, _rest: str, _given: dict[str, Any]) -> Any:
        """All tokens of log-ins are worth nothing from now on."""
        revoked = self._ledger.run(
            "UPDATE tokens SET expires_at = ? WHERE expires_at > ?", self._now, self._now
        )
        return {"revoked": revoked.rowcount}

    # The staff

    def act_on_card(self, rest: str, given: dict[str, Any]) -> Any:
        """The card `cards/<number>`: `act` void, expire, reactivate or adjust; or any `status`.

        adjust puts `amount` onto it (negative: takes it off).
        """
        card = self._known(rest)
        if "act" not in given:
            self._cards.set_status(card, str(given["status"]))
        elif given["act"] == "adjust":
            self._cards.move(card, self._now, minor_units(given["amount"]), ADJUSTED)
        else:
            self._cards.set_status(card, _one_of(STATUS_OF, given["act"], "adjust"))
        return self._card(self._known(rest))

    def act_on_hold(self, rest: str, given: dict[str, Any]) -> Any:
        """The authorization `holds/<AuthCode>`: `act` release or confirm."""
        hold = self._ledger.hold(rest)
        if hold is None:
            raise ControlError("There is no such authorization.")
        self._holds.complete(hold, _one_of(STATE_OF, given["act"]), self._now)
        return next(one for one in self.tell_holds("", {}) if one["auth_code"] == rest)

    def act_on_reservation(self, rest: str, given: dict[str, Any]) -> Any:
        """The number `reservations/<number>`: `act` lapse."""
        _one_of({"lapse": ""}, given["act"])
        if self._ledger.reservation(rest) is None:
            raise ControlError(f"The number {rest!r} was never reserved.")
        self._reservations.lapse(rest, self._now)
        found = self._ledger.reservation(rest)
        return found and self._reservation(found)

    def set_points(self, rest: str, given: dict[str, Any]) -> Any:
        """The `points` of the customer `customers/<number>`."""
        changed = self._ledger.run(
            "UPDATE customers SET points = ? WHERE number = ?", int(given["points"]), rest
        )
        if not changed.rowcount:
            raise ControlError(f"There is no customer {rest!r}.")
        return {"number": rest, "points": int(given["points"])}

    # Other customers

    def stranger(self, rest: str, given: dict[str, Any]) -> Any:
        """Somebody else at the till: `stranger/reserve`, `take`, `spend`, `hold` or `release`.

        All but reserve need the card's `number`; take, spend and hold know an `amount`.
        """
        acts: dict[str, Callable[[dict[str, Any]], Any]] = {
            "reserve": lambda _given: {"number": self._extender.strangers.reserve(self._now)},
            "take": self._take,
            "spend": self._spend,
            "hold": self._stranger_hold,
            "release": self._stranger_release,
        }
        return _one_of(acts, rest)(given)

    def _take(self, given: dict[str, Any]) -> Any:
        number = str(given["number"])
        if self._ledger.card(number) is not None:
            raise ControlError("There is a card on this number.")
        minor = minor_units(given.get("amount", money(USUAL_VALUE)))
        return self._card(self._extender.strangers.take(number, self._now, minor))

    def _spend(self, given: dict[str, Any]) -> Any:
        card = self._known(str(given["number"]))
        self._extender.strangers.spend(card, minor_units(given["amount"]), self._now)
        return self._card(card)

    def _stranger_hold(self, given: dict[str, Any]) -> Any:
        card = self._known(str(given["number"]))
        self._extender.strangers.hold(card, minor_units(given["amount"]), self._now)
        return self.tell_holds(card["number"], {})[-1]

    def _stranger_release(self, given: dict[str, Any]) -> Any:
        card = self._known(str(given["number"]))
        if self._extender.strangers.release(card, self._now) is None:
            raise ControlError("No stranger holds anything on this card.")
        return self._card(card)

    def _known(self, number: str) -> Row:
        card = self._ledger.card(number)
        if card is None:
            raise ControlError(f"There is no card {number!r}.")
        return card


def _one_of(known: Mapping[str, Any], given: Any, *others: str) -> Any:
    if given not in known:
        raise ControlError(f"The acts are: {', '.join([*known, *others])}.")
    return known[given]
