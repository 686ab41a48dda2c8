"""Numbers that are set aside for cards: a single one for an hour, a pool for good."""

from collections.abc import Mapping
from typing import Any

from providers.sandbox.cp_extender.form import POOL, SINGLE, ReserveForm
from providers.sandbox.cp_extender.ledger import CPExtenderLedger
from providers.sandbox.cp_extender.numbers import reserved_number
from providers.sandbox.cp_extender.plan import Plan
from providers.sandbox.ledger import Row


class Reservations:
    """Who may create a card on which number until when."""

    def __init__(self, ledger: CPExtenderLedger, settings: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._settings = settings

    def set_aside(
        self, form: ReserveForm, at: float, plan: Plan, stranger: bool = False
    ) -> list[str]:
        """Commit as many new numbers as the form wants, up to the cap of a pool."""
        count = min(form.count, self._settings["pool_cap"] if form.type == POOL else 1)
        if plan.most is not None:
            count = min(count, plan.most)
        batch = (self._ledger.value("SELECT max(batch) FROM reservations") or 0) + 1
        return [self._add(form, batch, at, plan, stranger) for _ in range(count + plan.extra)]

    def _add(self, form: ReserveForm, batch: int, at: float, plan: Plan, stranger: bool) -> str:
        ordinal = (self._ledger.value("SELECT max(id) FROM reservations") or 0) + 1
        number = reserved_number(self._ledger.setting("seed"), ordinal)
        lapses_at = self._lapses_at(form.type, at, plan)
        taken = None if plan.stranger_after is None else at + plan.stranger_after
        self._ledger.insert(
            "reservations",
            {
                "number": number,
                "batch": batch,
                "request_name": form.request_name,
                "agency": form.agency,
                "type": form.type,
                "reserved_at": at,
                "lapses_at": lapses_at if taken is None else min(taken, lapses_at or taken),
                "stranger_at": taken,
                "stranger": stranger,
            },
        )
        return number

    def _lapses_at(self, kind: str, at: float, plan: Plan) -> float | None:
        if plan.lapses_after is not None:
            return at + plan.lapses_after
        return at + float(self._settings["reservation_lifetime"]) if kind == SINGLE else None

    def holds_good(self, number: str, at: float) -> bool:
        """Whether this client may create a card on the number."""
        found = self._ledger.reservation(number)
        return found is not None and not found["stranger"] and not has_lapsed(found, at)

    def lapse(self, number: str, at: float) -> None:
        """The number is free again from now on."""
        self._ledger.run(
            "UPDATE reservations SET lapses_at = ? WHERE number = ?"
            " AND (lapses_at IS NULL OR lapses_at > ?)",
            at,
            number,
            at,
        )

    def hand_on(self, number: str, at: float) -> None:
        """The number lapses now and is somebody else's."""
        self.lapse(number, at)
        self._ledger.run(
            "UPDATE reservations SET stranger = 1, stranger_at = NULL WHERE number = ?", number
        )


def has_lapsed(reservation: Row, at: float) -> bool:
    """Whether a number that was set aside is free again."""
    return reservation["lapses_at"] is not None and reservation["lapses_at"] <= at
