"""A request as it left us: what the rules about sending judge by."""

from dataclasses import dataclass

from tests.simulation.scheduler import Call


@dataclass(slots=True)
class Sent:
    """One request as it left us, and what we could know of it afterwards.

    `fate` is "in flight", "unknown" or what a whole answer says: "not executed", "refused",
    "no funds", "duplicate", "absent" (a look-up that found nothing) or "answered".
    """

    at: float
    operation: str
    reference: str
    actor: str
    body: bytes = b""
    fate: str = "in flight"
    call: Call | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it may still be answered: neither is it answered nor has its program died."""
        return self.fate == "in flight" and not (self.call is not None and self.call.is_lost)
