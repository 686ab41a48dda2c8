"""Exsited's own control end points."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from providers.sandbox.control import ControlError, Route, checked_setting, summary

if TYPE_CHECKING:
    from providers.sandbox.exsited.app import SimulatedExsited


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
            ("GET", "settings"): self.settings,
            ("POST", "settings"): self.set_settings,
            ("POST", "book"): self.print_book,
        }

    @property
    def _now(self) -> float:
        return self._exsited.clock.now()

    def state(self, _rest: str, _given: dict[str, Any]) -> Any:
        """A summary without secrets."""
        by_status = self._ledger.rows("SELECT status, count(*) FROM certificates GROUP BY status")
        return {
            **summary(self._exsited),
            "certificates": {row[0]: row[1] for row in by_status},
            "changes": self._book.changes,
        }

    def settings(self, _rest: str, _given: dict[str, Any]) -> Any:
        """The settings."""
        return {**self._exsited.settings, "seed": self._ledger.setting("seed")}

    def set_settings(self, rest: str, given: dict[str, Any]) -> Any:
        """Any of the settings, and `seed`."""
        for name, value in given.items():
            if name == "seed":
                self._ledger.keep("seed", str(value))
            elif name in self._exsited.defaults:
                self._ledger.keep(name, checked_setting(name, value, self._exsited.defaults[name]))
            else:
                raise ControlError(f"There is no setting {name!r}.")
        return self.settings(rest, {})

    def print_book(self, _rest: str, given: dict[str, Any]) -> Any:
        """A new book: `size`, and perhaps `seed` and `until` (Unix time; the last day in it)."""
        if "seed" in given:
            self._ledger.keep("seed", str(given["seed"]))
        until = float(given.get("until", self._now))
        self._exsited.strangers.print_book(int(given["size"]), until)
        return {"size": self._book.size, "seed": self._ledger.setting("seed"), "until": until}
