"""What tests need to run the simulated providers and to look behind their curtain."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[1]
CREDENTIALS = ("sandbox", "sandbox")


class SandboxControl:
    """The control end points of one simulated provider at `base_url` (such as http://127.0.0.1:8010).

    Every method raises requests.HTTPError with the provider's own words when it is refused.
    """

    def __init__(self, base_url: str, slug: str = "ncentiva") -> None:
        self.base_url = base_url
        self._url = f"{base_url}/{slug}/_control"
        self._http = requests.Session()
        self._http.trust_env = False

    def arm(self, name: str, params: dict[str, Any] | None = None, **rest: Any) -> int:
        """Arm a fault: operation, count, skip, probability, seed, reference; returns its id."""
        answer = self._post("faults", {"name": name, "params": params or {}, **rest})
        return int(answer["id"])

    def faults(self) -> dict[str, Any]:
        """`armed` faults and all `kinds`."""
        found: dict[str, Any] = self._get("faults")
        return found

    def clear(self) -> None:
        """Disarm all faults."""
        self._read(self._http.delete(f"{self._url}/faults", timeout=10))

    def advance(self, seconds: float) -> float:
        """Move the provider's clock; returns its Unix time."""
        return float(self._post("clock", {"advance": seconds})["now"])

    def freeze(self) -> None:
        """Stop the provider's clock."""
        self._post("clock", {"frozen": True})

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings (none: just read them)."""
        found: dict[str, Any] = self._post("settings", changes)
        return found

    def state(self) -> dict[str, Any]:
        """The summary."""
        found: dict[str, Any] = self._get("state")
        return found

    def ledger(self) -> dict[str, Any]:
        """What really happened."""
        found: dict[str, Any] = self._get("ledger")
        return found

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        """All arrivals with an id above `after`."""
        found: list[dict[str, Any]] = self._get(f"journal?after={after}")
        return found

    def force(self, name: str, status: str, *, refund: bool = False) -> dict[str, Any]:
        """Give an order a status by hand."""
        found: dict[str, Any] = self._post(f"orders/{name}", {"status": status, "refund": refund})
        return found

    def add_funds(self, amount: str | int) -> None:
        """Add funds, in main units."""
        self._post("funds", {"amount": amount})

    def stranger(self, **order: Any) -> dict[str, Any]:
        """Let somebody else order: reference, giftCardTypeId, amount, quantity."""
        found: dict[str, Any] = self._post("stranger", order)
        return found

    def reset(self) -> None:
        """Start over."""
        self._post("reset", {})

    def _get(self, path: str) -> Any:
        return self._read(self._http.get(f"{self._url}/{path}", timeout=10))

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._read(self._http.post(f"{self._url}/{path}", json=body, timeout=10))

    def _read(self, response: requests.Response) -> Any:
        if response.status_code != 200:
            raise requests.HTTPError(response.text, response=response)
        return response.json()


class GiftCardPartnersControl(SandboxControl):
    """What only the simulated GiftCard Partners can be told."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, "giftcardpartners")

    def act(self, order_id: str, act: str, line: int | None = None) -> dict[str, Any]:
        """Let the staff complete, fail or cancel a pending order, or fail_line one `line`."""
        body = {"act": act} if line is None else {"act": act, "line": line}
        found: dict[str, Any] = self._post(f"orders/{order_id}", body)
        return found

    def fund(self, amount: str | int) -> dict[str, Any]:
        """Request funding: the amount is pending from now on."""
        found: dict[str, Any] = self._post("fund", {"amount": amount})
        return found

    def apply(self, amount: str | int | None = None) -> dict[str, Any]:
        """Make pending funds available; all of them when no amount is given."""
        found: dict[str, Any] = self._post("apply", {} if amount is None else {"amount": amount})
        return found

    def enable(self, enabled: bool) -> None:
        """Switch API access on or off."""
        self._post("credentials", {"enabled": enabled})

    def revoke_tokens(self) -> None:
        """Make all tokens worth nothing."""
        self._read(self._http.delete(f"{self._url}/tokens", timeout=10))

    def webhooks(self) -> list[dict[str, Any]]:
        """All webhooks with their attempts and outcomes."""
        found: list[dict[str, Any]] = self._get("webhooks")
        return found

    def send_webhook(self, order_id: str, **given: Any) -> None:
        """Send one by hand: `body` (order, forged, lie, empty, not_json, large), `url`."""
        self._post(f"webhooks/{order_id}", given)


class CPExtenderControl(SandboxControl):
    """What only the simulated CP Extender can be told: its staff, and strangers at the till."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, "cp_extender")

    def card(self, number: str) -> dict[str, Any] | None:
        """A card as it really is, with its movements; None when there is none."""
        return next((one for one in self.ledger()["cards"] if one["number"] == number), None)

    def holds(self, number: str = "") -> list[dict[str, Any]]:
        """What the staff sees: the authorizations (of one card), with their AuthCodes."""
        found: list[dict[str, Any]] = self._get(f"holds/{number}")
        return found

    def act(self, number: str, act: str, **given: Any) -> dict[str, Any]:
        """Let the staff void, expire, reactivate or adjust (`amount`) a card."""
        found: dict[str, Any] = self._post(f"cards/{number}", {"act": act, **given})
        return found

    def finish_hold(self, auth_code: str, act: str = "release") -> dict[str, Any]:
        """Let the staff release or confirm an authorization."""
        found: dict[str, Any] = self._post(f"holds/{auth_code}", {"act": act})
        return found

    def lapse(self, number: str) -> dict[str, Any]:
        """A number that was set aside is free again, now."""
        found: dict[str, Any] = self._post(f"reservations/{number}", {"act": "lapse"})
        return found

    def stranger_acts(self, act: str, number: str | None = None, **given: Any) -> dict[str, Any]:
        """Let a stranger reserve a number, take one, or spend, hold, release on a card."""
        body = given if number is None else {"number": number, **given}
        found: dict[str, Any] = self._post(f"stranger/{act}", body)
        return found

    def set_points(self, customer: str, points: int) -> None:
        """Give a customer points."""
        self._post(f"customers/{customer}", {"points": points})

    def revoke_tokens(self) -> None:
        """Make all tokens of log-ins worth nothing."""
        self._read(self._http.delete(f"{self._url}/tokens", timeout=10))


class ExsitedControl(SandboxControl):
    """What only the simulated Exsited can be told: its book, its staff, and others who log in."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, "exsited")

    def print_book(self, size: int, **given: Any) -> dict[str, Any]:
        """A new book of `size`; `seed` and `until` (Unix time) if they matter."""
        url = f"{self._url}/book"
        answer = self._http.post(url, json={"size": size, **given}, timeout=600)
        found: dict[str, Any] = self._read(answer)
        return found

    def certificate(self, uuid: str) -> dict[str, Any]:
        """A certificate as it really is."""
        found: dict[str, Any] = self._get(f"ledger/{uuid}")
        return found

    def certificates(self, after: int = 0, most: int = 1000) -> list[dict[str, Any]]:
        """What is really in the book, in the order of ids."""
        found: list[dict[str, Any]] = self._get(f"ledger?after={after}&most={most}")["certificates"]
        return found

    def changes(self, after: int = 0) -> list[dict[str, Any]]:
        """What happened since the book was printed: at, uuid, what, who."""
        found: list[dict[str, Any]] = self._get(f"changes?after={after}")
        return found

    def add(self, **fields: Any) -> dict[str, Any]:
        """Somebody else's certificate: any of the fields of the contract."""
        found: dict[str, Any] = self._post("certificates", fields)
        return found

    def act(self, uuid: str, act: str, **given: Any) -> dict[str, Any]:
        """Let the staff do something: spend, amend, disable, delete, break (`how`), vanish …"""
        found: dict[str, Any] = self._post(f"certificates/{uuid}", {"act": act, **given})
        return found

    def shift(self, **given: Any) -> dict[str, list[str]]:
        """Let rows `come`, `go` and `change` once; their uuids."""
        found: dict[str, list[str]] = self._post("shift", given)
        return found

    def take_token(self) -> str:
        """Somebody else logs in with our credentials, which ends our token."""
        return str(self._post("tokens", {})["access_token"])

    def revoke_tokens(self) -> None:
        """Make all tokens worth nothing."""
        self._read(self._http.delete(f"{self._url}/tokens", timeout=10))


class SandboxProcess:
    """The simulated providers as a process of their own."""

    def __init__(self, state: Path, port: int = 0, *arguments: str) -> None:
        command = [sys.executable, "-m", "providers.sandbox", "--port", str(port)]
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--state", str(state), *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line.startswith("sandbox listening on "):
            _, error = self.process.communicate(timeout=10)
            raise RuntimeError(f"The sandbox did not start: {error.strip()}")
        self.url = line.removeprefix("sandbox listening on ")
        self.ncentiva = SandboxControl(self.url)
        self.giftcardpartners = GiftCardPartnersControl(self.url)
        self.cp_extender = CPExtenderControl(self.url)
        self.exsited = ExsitedControl(self.url)

    def kill(self) -> None:
        """End it like a power cut."""
        self.process.kill()
        self._collect()

    def stop(self) -> int:
        """Ask it to end; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self._collect()
        return self.process.returncode

    def _collect(self) -> None:
        self.output, self.errors = self.process.communicate(timeout=10)


@contextmanager
def running_sandbox(state: Path, *arguments: str) -> Iterator[SandboxProcess]:
    """The simulated providers, for as long as the block lasts."""
    sandbox = SandboxProcess(state, 0, *arguments)
    try:
        yield sandbox
    finally:
        if sandbox.process.poll() is None:
            sandbox.stop()
