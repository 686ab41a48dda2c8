"""S10: what may be sent to CP Extender again, by the rules of docs/issued-cards.md alone.

Judged from what went over the wire; from our tables only what people decided, and which card or
hold a request was about.
"""

import json
from typing import Any

from tests.simulation.checks import Books
from tests.simulation.operations.cp_extender_checks import index_of
from tests.simulation.operations.cp_extender_faults import (
    AUTHORIZE,
    CANCEL,
    CHECK,
    CONFIRM,
    CREATE,
    FINISH,
    RESERVE,
)
from tests.simulation.operations.cp_extender_oracle import CPExtenderOracle
from tests.simulation.scheduler import Violation
from tests.simulation.sends import TOOK_TO_SEND, fate_of
from tests.simulation.sent import Sent
from tests.simulation.time import START

NOTHING_DONE = {"not executed", "refused", "not reserved", "duplicate"}
ABSENT_LOOKS, ABSENT_SECONDS, FINAL_SECONDS = 3, 600, 1800
SETTLED_LOOKS = 3
HOUR, MARGIN, LEASE = 3600.0, 600.0, 300.0
MOST_RESERVES = {"single": 3, "pool": 2}
OPPOSITE = {CONFIRM: CANCEL, CANCEL: CONFIRM}
UNFINISHED = {
    *("sending", "unknown", "no_effect_seen", "held_code_lost", "ambiguous", "needs_review"),
    *("confirming", "confirm_unknown", "cancelling", "cancel_unknown"),
}


class OneOfEach:
    """The rule of each write."""

    def __init__(self, books: Books, sent: list[Sent], oracle: CPExtenderOracle) -> None:
        self._books = books
        self._sent = sent
        self._oracle = oracle

    def note(self, now: Sent) -> None:
        """A request leaves."""
        rule = {
            RESERVE: self._reserve,
            CREATE: self._create,
            AUTHORIZE: self._authorize,
            CONFIRM: self._finish,
            CANCEL: self._finish,
        }.get(now.operation)
        if rule is not None:
            rule(now, json.loads(now.body))

    def _earlier(self, *operations: str, **fields: str) -> list[Sent]:
        """What left before and may have been carried out, for all we can know."""
        return [
            one
            for one in self._sent
            if one.operation in operations
            and fate_of(one) not in NOTHING_DONE
            and fields.items() <= json.loads(one.body).items()
        ]

    def _looks(self, number: str, fate: str, since: float) -> list[float]:
        """When a card was asked about, with this outcome."""
        return [
            one.at
            for one in self._sent
            if (one.operation, one.reference, one.fate) == (CHECK, number, fate) and one.at > since
        ]

    def _reserve(self, now: Sent, body: dict[str, Any]) -> None:
        name = body["RequestName"]
        asked_again = self._count(
            "SELECT count(*) FROM orders_issuingevent e JOIN orders_reservation r"
            " ON r.id = e.reservation_id WHERE r.reference = ? AND e.old_state = 'needs_review'"
            " AND e.new_state = 'requested'",
            name,
        )
        unheard = [one for one in self._earlier(RESERVE, RequestName=name)]
        if len(unheard) >= MOST_RESERVES[body["RequestType"]] + asked_again:
            raise Violation("S10", f"{name} was reserved {len(unheard)} times without an answer")

    # Cards

    def _create(self, now: Sent, body: dict[str, Any]) -> None:
        number = body.get("GiftCardId")
        if not number:
            raise Violation("N2", "a card is created on a number of their choosing")
        self._is_ours(number, now)
        self._is_as_wished(number, body)
        for one in self._earlier(CREATE, GiftCardId=number):
            self._may_be_repeated(number, one, now)
        for other, one in self._on_other_numbers(body):
            self._is_finally_absent(other, one)

    def _is_ours(self, number: str, now: Sent) -> None:
        found = self._oracle.ledger.reservation(number)
        if found is None or found["request_name"] is None:
            raise Violation("N2", "a card is created on a number that was not reserved for us")
        if any(
            (one.operation, one.reference) == (CREATE, number) and fate_of(one) == "not reserved"
            for one in self._sent
        ):
            raise Violation("N2", "a number is used again that they said is not ours")
        age = now.at + START.timestamp() - found["reserved_at"]
        if found["type"] == "single" and age > HOUR - MARGIN + LEASE:
            raise Violation("N2", f"a number is used {age:.0f} seconds after it was reserved")

    def _is_as_wished(self, number: str, body: dict[str, Any]) -> None:
        wished = self._books.rows(
            "SELECT c.face_value_minor, c.customer_id, c.gift_card_code, c.sale_id, c.points"
            " FROM orders_card c JOIN orders_reservednumber n ON n.id = c.number_id"
            " WHERE n.number_index = ?",
            index_of(number),
        )
        points = body.get("PointsToRedeem")
        sent = (
            round(body["GiftCardValue"] * 100),
            body["CustomerNumber"],
            body["GiftCardCode"],
        )
        if not wished or wished[0][:3] != sent:
            raise Violation("S1", "a card is created that nobody wished for like this")
        if (str(wished[0][4]) != points) if points else (wished[0][3] != body["SaleId"]):
            raise Violation("S1", "a card is paid in another way than was wished for")

    def _may_be_repeated(self, number: str, one: Sent, now: Sent) -> None:
        looks = self._looks(number, "absent", one.at)
        if one.body != now.body:
            raise Violation("S10", "the same number is sent again with something else")
        if b"PointsToRedeem" in one.body:
            raise Violation("S10", "points are paid a second time while the first may have worked")
        if len(looks) < ABSENT_LOOKS or looks[-1] - one.at < ABSENT_SECONDS - TOOK_TO_SEND:
            raise Violation("S10", "a card is created again while it may exist there")

    def _on_other_numbers(self, body: dict[str, Any]) -> list[tuple[str, Sent]]:
        """What left for the same sale under other numbers; points name none."""
        if "SaleId" not in body:
            return []
        same = self._earlier(CREATE, SaleId=body["SaleId"])
        numbers = [(json.loads(one.body)["GiftCardId"], one) for one in same]
        return [(number, one) for number, one in numbers if number != body["GiftCardId"]]

    def _is_finally_absent(self, number: str, one: Sent) -> None:
        decided = self._count(
            "SELECT count(*) FROM orders_resolution r"
            " JOIN orders_attempt a ON a.card_id = r.card_id"
            " JOIN orders_reservednumber n ON n.id = a.number_sent_id WHERE n.number_index = ?"
            " AND r.decision = 'card_is_not' AND r.state = 'confirmed'",
            index_of(number),
        )
        looks = self._looks(number, "absent", one.at)
        is_absent = bool(looks) and looks[-1] - one.at >= FINAL_SECONDS - TOOK_TO_SEND
        if not (decided or is_absent):
            raise Violation("S10", "another number is used while the first may have a card")

    # Holds

    def _authorize(self, now: Sent, body: dict[str, Any]) -> None:
        reference = body["SaleId"]
        asked_again = self._count(
            "SELECT count(*) FROM orders_resolution r JOIN orders_authorization a"
            " ON a.id = r.authorization_id WHERE a.reference = ? AND r.decision = 'ask_again'"
            " AND r.state = 'confirmed'",
            reference,
        )
        if len(self._earlier(AUTHORIZE, SaleId=reference)) > asked_again:
            raise Violation("S10", f"{reference} is authorized again while it may be held")
        for one in self._earlier(AUTHORIZE, Ref=body["Ref"]):
            other = json.loads(one.body)["SaleId"]
            if other != reference and self._is_unfinished(other):
                raise Violation("S10", f"{reference} leaves while {other} is unfinished")

    def _is_unfinished(self, reference: str) -> bool:
        rows = self._books.rows(
            "SELECT state FROM orders_authorization WHERE reference = ?", reference
        )
        return any(state in UNFINISHED for (state,) in rows)

    def _finish(self, now: Sent, body: dict[str, Any]) -> None:
        number, code = body["Ref"], body["AuthCode"]
        still_held = self._count(
            "SELECT count(*) FROM orders_resolution r JOIN orders_authorization a"
            " ON a.id = r.authorization_id WHERE a.reference = ? AND r.decision = 'still_held'"
            " AND r.state = 'confirmed'",
            self._reference_of(code),
        )
        earlier = self._earlier(*FINISH, AuthCode=code)
        looks = self._looks(number, "answered", earlier[-1].at) if earlier else []
        if earlier and not still_held and len(looks) < SETTLED_LOOKS:
            raise Violation("S10", "a hold is finished again without a look at the card")
        if not still_held and any(one.operation != now.operation for one in earlier):
            raise Violation("S5", "a hold is taken and given back")
        if len(earlier) > 1 + 2 * still_held:
            raise Violation("S10", f"the same code was sent {len(earlier)} times")

    def _reference_of(self, code: str) -> str:
        found = self._oracle.ledger.hold(code)
        return found["sale_id"] if found is not None else ""

    def _count(self, sql: str, *values: Any) -> int:
        found: int = self._books.rows(sql, *values)[0][0]
        return found
