"""The book of certificates: finding them, turning its pages, and changing them."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from providers.sandbox.exsited.breaks import shown
from providers.sandbox.exsited.certificate import Certificate
from providers.sandbox.exsited.ledger import ExsitedLedger
from providers.sandbox.exsited.shapes import item_json
from providers.sandbox.wire import dump

COLUMNS = {
    "created_on": "created_at",
    "last_updated_on": "updated_at",
    "code": "code",
    "expiry_date": "expires_on",
    "amount": "amount",
}
EDITION = "book_edition"


class Positions:
    """The ids of all certificates in one order, the smallest first; equals stay as they came.

    A page at any offset is a slice of it, where the database would have to count.
    """

    def __init__(self, ledger: ExsitedLedger, column: str) -> None:
        self._ledger, self._column = ledger, column
        found = ledger.run(f"SELECT id FROM certificates ORDER BY {column}, id")  # noqa: S608 - ours
        self.ids = array("q", (row[0] for row in found))

    def add(self, number: int) -> None:
        """A certificate that the ledger has just been told of."""
        self.ids.insert(self._place(number), number)

    def remove(self, number: int) -> None:
        """A certificate that the ledger is about to forget, or to change."""
        del self.ids[self._place(number)]

    def slice(self, offset: int, limit: int, descending: bool) -> "array[int]":
        """The ids from `offset` on."""
        if not descending:
            return self.ids[offset : offset + limit]
        end = max(0, len(self.ids) - offset)
        return self.ids[max(0, end - limit) : end][::-1]

    def _place(self, number: int) -> int:
        return bisect_left(self.ids, self._key(number), key=self._key)

    def _key(self, number: int) -> tuple[float | str, int]:
        sql = f"SELECT {self._column} FROM certificates WHERE id = ?"  # noqa: S608 - ours
        return self._ledger.value(sql, number), number


class Book:
    """All certificates. Positions are kept in memory, for the edition that the ledger has."""

    def __init__(self, ledger: ExsitedLedger) -> None:
        self._ledger = ledger
        self._positions: dict[str, Positions] = {}
        self._edition: str | None = None

    @property
    def size(self) -> int:
        """How many certificates it has."""
        return len(self._ordered("created_on").ids)

    @property
    def changes(self) -> int:
        """How often it was changed since it was printed."""
        found: int = self._ledger.value("SELECT max(id) FROM changes") or 0
        return found

    def find(self, uuid: str) -> Certificate | None:
        """A certificate by its uuid."""
        return self._ledger.certificate(uuid)

    def at(self, position: int) -> Certificate:
        """The certificate at a position by age, the oldest first."""
        return self._ledger.certificate_with_id(self._ordered("created_on").ids[position])

    def page(self, field: str, descending: bool, offset: int, limit: int) -> list[bytes]:
        """The JSON of the certificates on one page."""
        return self._ledger.items(self._ordered(field).slice(offset, limit, descending))

    def fill(self, certificates: Iterable[Certificate]) -> None:
        """Replace everything."""
        self._ledger.empty(["items", "certificates", "changes"])
        self._ledger.write_many(_numbered(certificates))
        self._positions.clear()
        self._publish()

    def add(self, one: Certificate, who: str, at: float, what: str = "created") -> Certificate:
        """Take in a new certificate."""
        one.id = self._next_id()
        with self._moving() as ordered:
            self._ledger.write(one, item_of(one))
            for positions in ordered:
                positions.add(one.id)
        self._log(one, what, who, at)
        return one

    def change(self, one: Certificate, what: str, who: str, at: float) -> None:
        """Store what has become of a certificate, and make its JSON anew."""
        with self._moving() as ordered:
            for positions in ordered:
                positions.remove(one.id)
            self._ledger.write(one, item_of(one))
            for positions in ordered:
                positions.add(one.id)
        self._log(one, what, who, at)

    def remove(self, one: Certificate, who: str, at: float) -> None:
        """Forget a certificate for good."""
        with self._moving() as ordered:
            for positions in ordered:
                positions.remove(one.id)
            self._ledger.erase(one.id)
        self._log(one, "deleted", who, at)

    def _next_id(self) -> int:
        found = self._ledger.value("SELECT seq FROM sqlite_sequence WHERE name = 'certificates'")
        return (found or 0) + 1

    def _ordered(self, field: str) -> Positions:
        self._current()
        if field not in self._positions:
            self._positions[field] = Positions(self._ledger, COLUMNS[field])
        return self._positions[field]

    def _current(self) -> list[Positions]:
        """The positions in memory; none when they belong to changes that were taken back."""
        edition = self._ledger.setting(EDITION)
        if edition != self._edition:
            self._positions.clear()
            self._edition = edition
        return list(self._positions.values())

    @contextmanager
    def _moving(self) -> Iterator[list[Positions]]:
        """The positions in memory, for a change; without its end they are worth nothing."""
        ordered = self._current()
        self._edition = None
        yield ordered
        self._publish()

    def _publish(self) -> None:
        self._edition = uuid4().hex
        self._ledger.keep(EDITION, self._edition)

    def _log(self, one: Certificate, what: str, who: str, at: float) -> None:
        self._ledger.insert("changes", {"at": at, "uuid": one.uuid, "what": what, "who": who})


def item_of(one: Certificate) -> bytes:
    """The JSON of a certificate as the list has it; every other one has bare numbers in it."""
    return dump(shown(item_json(one, bare=one.id % 2 == 1), one.quirks))


def _numbered(certificates: Iterable[Certificate]) -> Iterator[tuple[Certificate, bytes]]:
    for number, one in enumerate(certificates, start=1):
        one.id = number
        yield one, item_of(one)
