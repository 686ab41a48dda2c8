"""The control end points of one simulated provider: its own ledger, and faults on demand."""

import json
import urllib.request
from typing import Any
from urllib.parse import urlencode

PATIENCE = 10  # seconds


class Simulator:
    """What the staff of `provider` could see and do. `url` is the address of all simulators."""

    def __init__(self, url: str, provider: str) -> None:
        self._control = f"{url}/{provider}/_control"

    def arm(self, fault: str, *, reference: str, operation: str = "createOrder", count: int = 1,
            **params: Any) -> None:  # fmt: skip
        """Let something go wrong with the next `count` requests for `reference`."""
        wanted = {"name": fault, "reference": reference, "operation": operation, "count": count}
        self._post("faults", wanted | {"params": params})

    def change(self, **settings: Any) -> None:
        """Change how it works: `available={"1411": False}`, `completed_after=1.0` (seconds) …"""
        self._post("settings", settings)

    def transfer(self, amount: str) -> None:
        """Send main units; they arrive as pending and are applied at once (GiftCard Partners)."""
        self._post("fund", {"amount": amount})
        self._post("apply", {})

    def revoke_tokens(self) -> None:
        """Whoever signed in has to do it again (GiftCard Partners)."""
        self._ask(urllib.request.Request(f"{self._control}/tokens", method="DELETE"))  # noqa: S310 - http, ours

    def holds_on(self, number: str) -> list[dict[str, Any]]:
        """What is held on a card, with the codes: what the staff tells (CP Extender)."""
        found: list[dict[str, Any]] = self._get(f"holds/{number}")
        return found

    def webhooks(self) -> list[dict[str, Any]]:
        """What it rang of its own accord, and how that ended (GiftCard Partners)."""
        found: list[dict[str, Any]] = self._get("webhooks")
        return found

    def arrivals(self, operation: str, reference: str) -> list[dict[str, Any]]:
        """The requests of that kind for `reference`, oldest first."""
        return [
            one
            for one in self._get("journal")
            if one["operation"] == operation and one["reference"] == reference
        ]

    def answers(self) -> list[int]:
        """The status of every answer that was ever given."""
        return [one["status"] for one in self._get("journal")]

    def status_of(self, reference: str) -> str:
        """How the order stands there, in its words; "" if there is none."""
        found = (o["status"] for o in self.ledger()["orders"] if o["reference"] == reference)
        return next(found, "")

    def unspent_faults(self) -> list[str]:
        """The references for which something was armed that never happened."""
        return [one["reference"] for one in self._get("faults")["armed"] if one["left"]]

    def refused_as_too_fast(self) -> int:
        """How many requests came faster than its limits allow (ordered refusals not counted)."""
        return sum(one["status"] == 429 and not one["faults"] for one in self._get("journal"))

    def ledger(self) -> dict[str, Any]:
        """Everything that really happened there: orders, cards, money in minor units."""
        found: dict[str, Any] = self._get("ledger")
        return found

    def _get(self, name: str, **query: Any) -> Any:
        return self._ask(urllib.request.Request(f"{self._control}/{name}?{urlencode(query)}"))  # noqa: S310 - http, ours

    def _post(self, name: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        return self._ask(urllib.request.Request(f"{self._control}/{name}", data, method="POST"))  # noqa: S310 - as above

    def _ask(self, request: urllib.request.Request) -> Any:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
            return json.load(answer)
