"""S10: no second purchase request while the first may still have worked.

Judged from what went over the wire alone, by the exceptions that each provider documents.
"""

from abc import ABC, abstractmethod
from typing import Protocol

from tests.simulation.checks import Books
from tests.simulation.scheduler import Violation
from tests.simulation.sent import Sent

ABSENCE_SECONDS = 20 * 60
TOOK_TO_SEND = 60  # the product counts from the intent, we from the departure

NOTHING_BOUGHT = {"not executed", "no funds"}


class SendRule(Protocol):
    """What may leave after what has left already."""

    def note(self, now: Sent) -> None:
        """A request leaves. Raises Violation."""


def fate_of(sent: Sent) -> str:
    """What we can know of a request: an answer that nobody wrote down is no answer."""
    is_lost = sent.call is not None and sent.call.is_lost
    return "unknown" if is_lost else sent.fate


class Sends(ABC):
    """What every provider has in common: a reference is sent again only under its own rule."""

    def __init__(self, books: Books, sent: list[Sent], *, buys: str) -> None:
        self.books = books
        self.sent = sent
        self._buys = buys

    def note(self, now: Sent) -> None:
        """A request leaves."""
        if now.operation != self._buys:
            return
        earlier = self.sends_of(now.reference)
        doubtful = self.doubtful(earlier)
        if not self.may_leave(now, earlier, doubtful):
            raise Violation("S10", f"{now.reference} is sent again while it may exist there")

    def sends_of(self, reference: str) -> list[Sent]:
        """The purchase requests under a reference so far."""
        return [
            one for one in self.sent if (one.operation, one.reference) == (self._buys, reference)
        ]

    def doubtful(self, sent: list[Sent]) -> list[Sent]:
        """Those that may have bought something, for all we can know."""
        return [one for one in sent if fate_of(one) not in NOTHING_BOUGHT]

    def decided(self, reference: str) -> int:
        """How often two people decided to send it again."""
        found: int = self.books.rows(
            "SELECT count(*) FROM orders_resolution r JOIN orders_order o ON o.id = r.order_id"
            " WHERE o.reference = ? AND r.decision = 'resend' AND r.state = 'confirmed'",
            reference,
        )[0][0]
        return found

    @abstractmethod
    def may_leave(self, now: Sent, earlier: list[Sent], doubtful: list[Sent]) -> bool:
        """Whether this request may leave after those."""


class AfterProof(Sends):
    """At least two "not found", the last of them 20 minutes later; then one resend where references
    are unique, and as many as two people decide."""

    look_up = "getOrderByCustomerReference"
    is_unique = False

    def may_leave(self, now: Sent, earlier: list[Sent], doubtful: list[Sent]) -> bool:
        if not doubtful:
            return True
        decided = self.decided(now.reference)
        if len(doubtful) > 1 + decided or not (decided or self.is_unique):
            return False
        return self._is_proven_absent(now.reference, doubtful[0].at)

    def _is_proven_absent(self, reference: str, since: float) -> bool:
        looks = [
            look.at
            for look in self.sent
            if look.operation == self.look_up
            and (look.reference, look.fate) == (reference, "absent")
            and look.at > since
        ]
        return len(looks) >= 2 and looks[-1] - since >= ABSENCE_SECONDS - TOOK_TO_SEND


class Replays(Sends):
    """The same bytes under the same reference, for 24 hours and eight sends, until they say that
    they have it; besides, as often as two people decide. Never other bytes.

    S11: what may have been bought holds its money, so no order waits for funds in doubt.
    """

    seconds = 24 * 3600.0
    most = 8

    def __init__(self, books: Books, sent: list[Sent], *, buys: str, account: str) -> None:
        super().__init__(books, sent, buys=buys)
        self._account = account

    def may_leave(self, now: Sent, earlier: list[Sent], doubtful: list[Sent]) -> bool:
        if any(one.body != now.body for one in earlier):
            return False
        if not doubtful or self.decided(now.reference):
            return True
        is_early = now.at - doubtful[0].at < self.seconds + TOOK_TO_SEND
        is_said_to_exist = any(fate_of(one) == "duplicate" for one in doubtful)
        return is_early and len(earlier) < self.most and not is_said_to_exist

    def __call__(self, *, is_last: bool = False) -> None:
        for order in self.books.at(self._account).values():
            if order.status != "awaiting_funds" or self.decided(order.reference):
                continue
            fates = {one.fate for one in self.sends_of(order.reference)}
            if fates - NOTHING_BOUGHT:
                raise Violation("S11", f"{order.reference} gave its hold back and may exist there")
