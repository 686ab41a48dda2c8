"""Every change of state of what is issued, as the database saw it: by triggers, whoever made it.

S6 and S7 of reservations, their numbers, issuances, cards and holds are judged by these, not by
what the product says of itself.
"""

from collections import Counter
from typing import Any

from orders.models import Authorization, Card, Issuance, Reservation, ReservedNumber
from orders.services.issuing.stepping import STEPS
from tests.simulation.checks import Books
from tests.simulation.scheduler import Violation

TABLE = "simulated_step"
WATCHED: tuple[Any, ...] = (Reservation, ReservedNumber, Issuance, Card, Authorization)
ALLOWED = {
    model._meta.db_table: frozenset((str(old), str(new)) for old, new in STEPS[model])
    for model in WATCHED
}
SILENT = {ReservedNumber._meta.db_table}  # numbers have no timeline

Change = tuple[str, str, str]  # row, old state, new state


def watch(database: Any) -> None:
    """Have an SQLite database note each change of state."""
    database.execute(
        f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, thing TEXT, row TEXT, old TEXT, new TEXT)"
    )
    for table in ALLOWED:
        database.execute(
            f"CREATE TRIGGER {table}_steps AFTER UPDATE OF state ON {table}"  # noqa: S608 - our own words
            f" WHEN old.state <> new.state BEGIN INSERT INTO {TABLE} (thing, row, old, new)"
            f" VALUES ('{table}', new.id, old.state, new.state); END"
        )


class Steps:
    """S6: only steps of the tables. S7: each stands in the timeline and in the audit trail."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._last_step = self._last_event = self._last_entry = 0
        self._made: Counter[Change] = Counter()
        self._told: Counter[Change] = Counter()
        self._audited: Counter[Change] = Counter()

    def __call__(self, *, is_last: bool = False) -> None:
        if self._read_steps() + self._read_events() + self._read_entries() == 0:
            return
        self._compare("timeline", self._told)
        self._compare("audit trail", self._audited)

    def _compare(self, where: str, found: Counter[Change]) -> None:
        if found != self._made:
            odd = list((found - self._made) + (self._made - found))
            raise Violation("S7", f"what happened and the {where} differ: {odd[:3]}")

    def _read_steps(self) -> int:
        rows = self._books.rows(
            f"SELECT id, thing, row, old, new FROM {TABLE} WHERE id > ? ORDER BY id",  # noqa: S608 - our own words
            self._last_step,
        )
        for self._last_step, thing, row, old, new in rows:
            if (old, new) not in ALLOWED[thing]:
                raise Violation("S6", f"{thing}: {old} → {new} is in no table")
            if thing not in SILENT:
                self._made[row, old, new] += 1
        return len(rows)

    def _read_events(self) -> int:
        rows = self._books.rows(
            "SELECT id, coalesce(reservation_id, issuance_id, card_id, authorization_id),"
            " old_state, new_state FROM orders_issuingevent WHERE id > ? ORDER BY id",
            self._last_event,
        )
        for self._last_event, row, old, new in rows:
            if old and new:
                self._told[row, old, new] += 1
        return len(rows)

    def _read_entries(self) -> int:
        rows = self._books.rows(
            "SELECT sequence, replace(object_id, '-', ''), facts ->> '$.old', facts ->> '$.new'"
            " FROM giftops_auditentry WHERE sequence > ? AND (action LIKE 'reservation.%' OR"
            " action LIKE 'issuance.%' OR action LIKE 'card.%' OR action LIKE 'authorization.%')"
            " ORDER BY sequence",
            self._last_entry,
        )
        for self._last_entry, row, old, new in rows:
            if old and new and old != new:
                self._audited[row, old, new] += 1
        return len(rows)
