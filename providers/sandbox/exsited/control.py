"""Exsited's own control end points: its book as an oracle, its staff, and others who log in."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from providers.sandbox.control import (
    ControlError,
    Route,
    checked_setting,
    late_commits,
    minor_units,
    summary,
)
from providers.sandbox.exsited.breaks import BREAKS, add_quirk
from providers.sandbox.exsited.certificate import (
    ACTIVE,
    DISABLED,
    EXPIRED,
    Certificate,
    NotPossible,
)
from providers.sandbox.exsited.form import read_create
from providers.sandbox.exsited.ledger import certificate_of
from providers.sandbox.exsited.strangers import STRANGER

if TYPE_CHECKING:
    from providers.sandbox.exsited.app import SimulatedExsited

MOST_AT_ONCE = 1000
STATUS_OF = {"disable": DISABLED, "enable": ACTIVE, "expire": EXPIRED}

Given = dict[str, Any]
Act = Callable[[Certificate, Given], None]


class ExsitedControl:
    """What a test may see and do behind the curtain."""

    def __init__(self, exsited: "SimulatedExsited") -> None:
        self._exsited = exsited
        self._ledger = exsited.ledger
        self._book = exsited.book

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by method and first part of the path."""
        return {
            ("GET", "state"): self.state,
            ("GET", "ledger"): self.ledger,
            ("GET", "changes"): self.changes,
            ("GET", "settings"): self.settings,
            ("POST", "settings"): self.set_settings,
            ("POST", "book"): self.print_book,
            ("POST", "certificates"): self.act,
            ("POST", "shift"): self.shift,
            ("POST", "tokens"): self.take_token,
            ("DELETE", "tokens"): self.revoke_tokens,
        }

    @property
    def _now(self) -> float:
        return self._exsited.clock.now()

    # Looking

    def state(self, _rest: str, _given: Given) -> Any:
        """A summary without secrets."""
        by_status = self._ledger.rows("SELECT status, count(*) FROM certificates GROUP BY status")
        return {
            **summary(self._exsited),
            "certificates": {row[0]: row[1] for row in by_status},
            "changes": self._book.changes,
        }

    def ledger(self, rest: str, given: Given) -> Any:
        """What is really in the book, `most` rows (1000) from the id `after` on; or one uuid."""
        if rest:
            return self._certificate(self._known(rest))
        rows = self._ledger.rows(
            "SELECT * FROM certificates WHERE id > ? ORDER BY id LIMIT ?",
            int(given.get("after", 0)),
            int(given.get("most", MOST_AT_ONCE)),
        )
        return {
            "now": self._now,
            "size": self._book.size,
            "certificates": [self._certificate(certificate_of(row)) for row in rows],
            "postponed": late_commits(self._exsited),
        }

    def _certificate(self, one: Certificate) -> dict[str, Any]:
        plain = ("id", "uuid", "code", "status", "accounting_code", "currency", "expires_on")
        return {
            **{name: getattr(one, name) for name in plain},
            "amount_minor": one.amount,
            "used_minor": one.used,
            "remaining_minor": one.remaining,
            "created_at": one.created_at,
            "created_by": one.created_by,
            "updated_at": one.updated_at or None,
            "updated_by": one.updated_by,
            "attributes": one.attributes,
            "allocations": [each._asdict() for each in one.allocations],
            "transactions": [each._asdict() for each in one.transactions],
            "quirks": {key: str(value) for key, value in one.quirks.items()},
        }

    def changes(self, _rest: str, given: Given) -> Any:
        """What happened since the book was printed, oldest first; `after`: the last id seen."""
        rows = self._ledger.rows(
            "SELECT * FROM changes WHERE id > ? ORDER BY id", int(given.get("after", 0))
        )
        return [dict(row) for row in rows]

    # Settings

    def settings(self, _rest: str, _given: Given) -> Any:
        """The settings."""
        return {**self._exsited.settings, "seed": self._ledger.setting("seed")}

    def set_settings(self, rest: str, given: Given) -> Any:
        """Any of the settings, and `seed`."""
        for name, value in given.items():
            if name == "seed":
                self._ledger.keep("seed", str(value))
            elif name in self._exsited.defaults:
                self._ledger.keep(name, checked_setting(name, value, self._exsited.defaults[name]))
            else:
                raise ControlError(f"There is no setting {name!r}.")
        return self.settings(rest, {})

    def print_book(self, _rest: str, given: Given) -> Any:
        """A new book: `size`, and perhaps `seed` and `until` (Unix time; the last day in it)."""
        if "seed" in given:
            self._ledger.keep("seed", str(given["seed"]))
        until = float(given.get("until", self._now))
        self._exsited.strangers.print_book(int(given["size"]), until)
        return {"size": self._book.size, "seed": self._ledger.setting("seed"), "until": until}

    # Others with our credentials

    def take_token(self, _rest: str, _given: Given) -> Any:
        """Somebody else logs in with our credentials, which ends our token."""
        return {"access_token": self._exsited.take_token(self._now)[0]}

    def revoke_tokens(self, _rest: str, _given: Given) -> Any:
        """All tokens are worth nothing from now on."""
        return {"revoked": self._exsited.tokens.end(self._now)}

    # The staff

    def shift(self, _rest: str, given: Given) -> Any:
        """Rows `come` (2), `go` (2) and `change` (4) once, as `seed` says; their uuids."""
        usual = {"come": 2, "go": 2, "change": 4, "seed": "shift"}
        if unknown := given.keys() - usual:
            raise ControlError(f"A shift has no {', '.join(sorted(unknown))}.")
        return self._exsited.strangers.shift(self._now, **{**usual, **given})

    def act(self, rest: str, given: Given) -> Any:
        """The certificate `certificates/<uuid>`: an `act`; without a uuid, a new certificate."""
        if not rest:
            return self._create(given)
        one, acts = self._known(rest), self._acts()
        if given["act"] == "delete":
            self._book.remove(one, STRANGER, self._now)
            return {"deleted": rest}
        if given["act"] not in acts:
            raise ControlError(f"The acts are: {', '.join([*acts, 'delete'])}.")
        try:
            acts[given["act"]](one, given)
        except NotPossible as no:
            raise ControlError(str(no)) from None
        return self._certificate(self._known(rest))

    def _create(self, given: Given) -> Any:
        """A certificate of somebody else's: any of the fields of the contract."""
        usual = {"accounting_code": "Gift Certificate", "amount": "100.00", "currency": "AUD"}
        form = read_create({"gift_certificate": {**usual, **given}})
        return self._certificate(self._exsited.desk.create(form, self._now, STRANGER))

    def _acts(self) -> dict[str, Act]:
        return {
            "spend": self._spend,
            "amend": self._amend,
            **dict.fromkeys(STATUS_OF, self._switch),
            "allocate": self._allocate,
            "deallocate": self._deallocate,
            "touch": lambda one, _given: self._store(one, "touched"),
            "status": self._set_status,
            "break": self._break,
            "mend": self._mend,
            "vanish": self._vanish,
            "rewrite": self._rewrite,
            "duplicate": self._duplicate,
            "older_copy": self._older_copy,
        }

    def _store(self, one: Certificate, what: str, touch: bool = True) -> None:
        if touch:
            one.touch(self._now, STRANGER)
        self._book.change(one, what, STRANGER, self._now)

    def _spend(self, one: Certificate, given: Given) -> None:
        """What the payment of an invoice does: `amount`, `reference`, `times` in one second."""
        reference = str(given.get("reference", "INV-0001"))
        for _ in range(int(given.get("times", 1))):
            one.spend(minor_units(given["amount"]), self._now, STRANGER, reference)
        self._store(one, "spent")

    def _amend(self, one: Certificate, given: Given) -> None:
        one.amend(minor_units(given["amount"]), self._now, STRANGER)
        self._store(one, "amended")

    def _switch(self, one: Certificate, given: Given) -> None:
        one.switch(STATUS_OF[given["act"]], self._now, STRANGER)
        self._store(one, "switched")

    def _set_status(self, one: Certificate, given: Given) -> None:
        """Any `status` by hand; nothing follows by itself."""
        one.status = str(given["status"])
        self._store(one, "switched")

    def _allocate(self, one: Certificate, given: Given) -> None:
        one.allocate(str(given["account"]), self._now, STRANGER)
        self._store(one, "allocated")

    def _deallocate(self, one: Certificate, given: Given) -> None:
        one.deallocate(str(given["account"]), self._now, STRANGER)
        self._store(one, "deallocated")

    # Rows that are wrong

    def _break(self, one: Certificate, given: Given) -> None:
        """What is told of it is wrong from now on, until it is mended: `how`."""
        if given.get("how") not in BREAKS:
            raise ControlError(f"A certificate is broken by: {', '.join(BREAKS)}.")
        add_quirk(one.quirks, given)
        self._store(one, "broken", touch=bool(given.get("touch", False)))

    def _mend(self, one: Certificate, given: Given) -> None:
        one.quirks = {}
        self._store(one, "mended", touch=bool(given.get("touch", False)))

    def _vanish(self, one: Certificate, given: Given) -> None:
        """A transaction (`index`, the last) was never there."""
        one.take_back(int(given.get("index", -1)))
        self._store(one, "rewritten", touch=bool(given.get("touch", False)))

    def _rewrite(self, one: Certificate, given: Given) -> None:
        """A transaction (`index`, the last) was about another `amount`."""
        one.rewrite(int(given.get("index", -1)), minor_units(given["amount"]))
        self._store(one, "rewritten", touch=bool(given.get("touch", False)))

    def _duplicate(self, one: Certificate, _given: Given) -> None:
        """The same row again, next to it by age."""
        self._book.add(deepcopy(one), STRANGER, self._now, "duplicated")

    def _older_copy(self, one: Certificate, _given: Given) -> None:
        """The row as it was before its last transaction, after it by age."""
        if len(one.transactions) < 2:
            raise ControlError("Nothing was spent from it or amended yet.")
        copy = deepcopy(one)
        copy.take_back(-1)
        copy.updated_at = copy.transactions[-1].at if len(copy.transactions) > 1 else 0.0
        self._book.add(copy, STRANGER, self._now, "duplicated")

    def _known(self, uuid: str) -> Certificate:
        one = self._book.find(uuid)
        if one is None:
            raise ControlError(f"There is no certificate {uuid!r}.")
        return one
