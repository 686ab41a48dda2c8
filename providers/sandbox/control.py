"""The control end points of a simulated provider: look behind it, arm faults, move its clock.

Only callers on the same machine are let in. Each provider adds its own routes by `controls()`.
"""

import ipaddress
import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from providers.sandbox.clock import iso
from providers.sandbox.faults import UnknownFault
from providers.sandbox.wire import Reply, Request, json_reply

if TYPE_CHECKING:
    from providers.sandbox.provider import SimulatedProvider

Route = Callable[[str, dict[str, Any]], Any]  # (rest of the path, body or query) -> JSON value


class ControlError(ValueError):
    """The control request makes no sense; the text is safe to show."""


class Control:
    """The control end points that all providers have."""

    def __init__(self, provider: "SimulatedProvider") -> None:
        self._provider = provider
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", "faults"): self.list_faults,
            ("POST", "faults"): self.arm,
            ("DELETE", "faults"): self.clear,
            ("GET", "clock"): self.tell_time,
            ("POST", "clock"): self.set_clock,
            ("GET", "journal"): self.journal,
            ("POST", "reset"): self.reset,
            **provider.controls(),
        }

    def handle(self, request: Request) -> Reply:
        """Answer one control request (its path starts after `/_control`)."""
        if not _is_local(request.client):
            return json_reply(403, {"error": "The control end points answer only local callers."})
        name, _, rest = request.path.lstrip("/").partition("/")
        route = self._routes.get((request.method, name))
        if route is None:
            known = sorted(f"{method} {path}" for method, path in self._routes)
            return json_reply(404, {"error": "No such control end point.", "known": known})
        try:
            given = _body(request) if request.method == "POST" else dict(request.query)
            with self._provider.ledger.transaction():
                return json_reply(200, route(rest, given))
        except (ControlError, UnknownFault) as error:
            return json_reply(400, {"error": str(error)})
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            return json_reply(400, {"error": f"{type(error).__name__}: {error}"})

    def list_faults(self, _rest: str, _given: dict[str, Any]) -> Any:
        """The armed faults, and all kinds with their parameters."""
        kinds = [
            {
                "name": kind.name,
                "what": kind.what,
                "commits": kind.commits.value,
                "parameters": kind.parameters,
                "operations": None if kind.operations is None else sorted(kind.operations),
            }
            for kind in self._provider.faults.kinds.values()
        ]
        return {"armed": self._provider.faults.listed(), "kinds": kinds}

    def arm(self, _rest: str, given: dict[str, Any]) -> Any:
        """Arm one fault: name, params, operation, count, skip, probability, seed, reference."""
        return {"id": self._provider.faults.arm(**given)}

    def clear(self, rest: str, _given: dict[str, Any]) -> Any:
        """Disarm one fault (`faults/<id>`) or all."""
        return {"cleared": self._provider.faults.clear(int(rest) if rest else None)}

    def tell_time(self, _rest: str, _given: dict[str, Any]) -> Any:
        """What time it is at the provider."""
        clock = self._provider.clock
        frozen = clock.frozen_at is not None
        return {
            "now": clock.now(),
            "iso": iso(clock.now()),
            "offset": clock.offset,
            "frozen": frozen,
        }

    def set_clock(self, rest: str, given: dict[str, Any]) -> Any:
        """Any of: `advance` (seconds), `offset` (seconds), `frozen` (true or false)."""
        clock = self._provider.clock
        if unknown := given.keys() - {"advance", "offset", "frozen"}:
            raise ControlError(f"The clock has no {', '.join(sorted(unknown))}.")
        if "frozen" in given:
            (clock.freeze if given["frozen"] else clock.thaw)()
        if "offset" in given:
            clock.offset = float(given["offset"])
        clock.advance(float(given.get("advance", 0)))
        self._provider.save_clock()
        return self.tell_time(rest, {})

    def journal(self, _rest: str, given: dict[str, Any]) -> Any:
        """Arrivals, oldest first; `after` is the id of the last one seen."""
        rows = self._provider.ledger.rows(
            "SELECT * FROM journal WHERE id > ? ORDER BY id", int(given.get("after", 0))
        )
        faults = {row["id"]: [name for name in row["faults"].split(",") if name] for row in rows}
        return [
            {**dict(row), "admitted": bool(row["admitted"]), "faults": faults[row["id"]]}
            for row in rows
        ]

    def reset(self, _rest: str, _given: dict[str, Any]) -> Any:
        """Start over with an empty ledger and the defaults."""
        self._provider.reset()
        return {"reset": True}


def summary(provider: "SimulatedProvider") -> dict[str, Any]:
    """What the state of every provider tells."""
    ledger = provider.ledger
    return {
        "provider": provider.slug,
        "now": provider.clock.now(),
        "arrivals": ledger.value("SELECT count(*) FROM journal"),
        "postponed": ledger.value("SELECT count(*) FROM postponed WHERE done_at IS NULL"),
        "faults_armed": ledger.value("SELECT count(*) FROM faults WHERE left IS NULL OR left > 0"),
    }


def late_commits(provider: "SimulatedProvider") -> list[dict[str, Any]]:
    """All late commits, done or still due."""
    names = ("id", "due_at", "journal_id", "operation", "done_at", "outcome")
    rows = provider.ledger.rows("SELECT * FROM postponed ORDER BY id")
    return [{name: row[name] for name in names} for row in rows]


def minor_units(amount: Any) -> int:
    """Main units (a number or a string) as minor units. Raises ControlError for a remainder."""
    minor = Decimal(str(amount)) * 100
    if minor != minor.to_integral_value():
        raise ControlError("The amount has a remainder below the cent.")
    return int(minor)


def checked_setting(name: str, value: Any, default: Any) -> Any:
    """A new value, when it is like the default; a limit (`per_…`) may be null, as without one."""
    if name.startswith("per_"):
        right = value is None or _is_quantity(value)
    elif isinstance(default, bool):
        right = isinstance(value, bool)
    elif isinstance(default, int | float):
        right = _is_quantity(value)
    else:
        right = isinstance(value, type(default))
    if not right:
        raise ControlError(f"{name} cannot be {value!r}.")
    return value


def _is_quantity(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_local(client: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def _body(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError:
        raise ControlError("The body must be JSON.") from None
    if not isinstance(value, dict):
        raise ControlError("The body must be a JSON object.")
    return value
