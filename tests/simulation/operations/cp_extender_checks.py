"""What must be true of numbers, cards and holds, held against the merchant's own ledger.

N1: no number that was given to us is forgotten. N2: none is used that was not. S1: one card for
each wish. S2: no card and no hold is forgotten. S3: no card of a stranger is ours. S5: what was
taken and given back is what was held. A2: nothing is issued that nobody approved.
"""

from collections import Counter, defaultdict
from typing import Any

from giftops.sealing import blind_index
from orders.issuing_states import LIVING_CARDS, CardState, HoldState, NumberState, ReservationState
from orders.models import Authorization, Card, ReservedNumber
from providers.sandbox.cp_extender.ledger import CANCELLED, CONFIRMED, OPEN
from providers.sandbox.ledger import Row
from tests.simulation.checks import Books
from tests.simulation.operations.cp_extender_oracle import CPExtenderOracle
from tests.simulation.scheduler import Violation

STILL_IN_DOUBT = {ReservationState.SENDING, ReservationState.UNKNOWN}
MAY_EXIST = {
    *(CardState.CREATING, CardState.IN_DOUBT, CardState.NEEDS_REVIEW),
    *LIVING_CARDS,
}
KNOWN_HOLDS = {HoldState.AUTHORIZED, HoldState.AUTHORIZED_PARTIAL}
MAY_BE_HELD = KNOWN_HOLDS | {
    *(HoldState.SENDING, HoldState.UNKNOWN, HoldState.NO_EFFECT_SEEN, HoldState.HELD_CODE_LOST),
    *(HoldState.AMBIGUOUS, HoldState.NEEDS_REVIEW, HoldState.CONFIRMING, HoldState.CANCELLING),
    *(HoldState.CONFIRM_UNKNOWN, HoldState.CANCEL_UNKNOWN),
}
ENDS_AS = {
    HoldState.CONFIRMED: CONFIRMED,
    HoldState.RELEASED: CANCELLED,
    HoldState.RELEASED_BY_PROVIDER: CANCELLED,
}
BEFORE_APPROVAL = {CardState.DRAFT, CardState.WITHDRAWN}
LIMIT = 100_000  # minor units: from that total on somebody else has to approve


def index_of(number: str) -> str:
    """How our tables know a number without showing it."""
    return blind_index(number, field="reserved_number.number")


def sale_of(reference: str) -> str:
    """What a hold was asked for as: one that came late has the number of its send behind it."""
    base, _, number = reference.rpartition("-")
    return base if number.isdigit() and len(number) < 3 else reference


class Numbers:
    """N1, N2."""

    def __init__(self, books: Books, oracle: CPExtenderOracle) -> None:
        self._books = books
        self._oracle = oracle

    def __call__(self, *, is_last: bool = False) -> None:
        given = Counter(row["request_name"] for row in self._oracle.given())
        for reference, state, lost, stored in self._books.rows(
            "SELECT reference, state, may_be_lost, (SELECT count(*) FROM orders_reservednumber n"
            " WHERE n.reservation_id = r.id) FROM orders_reservation r"
        ):
            missing = given.pop(reference, 0) - stored - lost
            if missing > 0 and state not in STILL_IN_DOUBT | {ReservationState.QUARANTINED}:
                raise Violation("N1", f"{missing} numbers of {reference} ({state}) are forgotten")
        if given:
            raise Violation("N2", f"{sum(given.values())} numbers were reserved by no request")
        if is_last:
            self._all_are_ours()

    def _all_are_ours(self) -> None:
        owners = {row["number"]: row["request_name"] for row in self._oracle.given()}
        numbers = ReservedNumber.objects.exclude(state=NumberState.QUARANTINED)
        for number in numbers.select_related("reservation").order_by("pk"):
            owner = owners.get(number.number.reveal())
            if owner != number.reservation.reference:
                raise Violation("N2", f"{number.reservation} has a number of {owner or 'nobody'}")


class IssuedCards:
    """S1, S2, S3 and A2 of cards."""

    def __init__(self, books: Books, oracle: CPExtenderOracle) -> None:
        self._books = books
        self._oracle = oracle

    def __call__(self, *, is_last: bool = False) -> None:
        cards = self._cards()
        self._one_number_one_card()
        self._none_forgotten_or_doubled(cards)
        self._none_unapproved()
        self._newest_reading_counts()
        if is_last:
            self._every_number_is_its_own()

    def _cards(self) -> dict[str, str]:
        rows = self._books.rows("SELECT id, state FROM orders_card WHERE issuance_id IS NOT NULL")
        return dict(rows)

    def _senders(self) -> dict[str, str]:
        """By index of a number: the card that was sent to be created on it."""
        rows = self._books.rows(
            "SELECT n.number_index, a.card_id FROM orders_attempt a"
            " JOIN orders_reservednumber n ON n.id = a.number_sent_id"
        )
        return dict(rows)

    def _one_number_one_card(self) -> None:
        shared = self._books.rows(
            "SELECT number_sent_id FROM orders_attempt WHERE phase NOT IN ('not_sent', 'applied')"
            " AND number_sent_id IS NOT NULL GROUP BY 1 HAVING count(DISTINCT card_id) > 1"
        )
        if shared:
            raise Violation("S1", "a number was sent for two cards")

    def _none_forgotten_or_doubled(self, cards: dict[str, str]) -> None:
        senders = self._senders()
        living: dict[str, list[Row]] = defaultdict(list)
        for found in self._oracle.live_cards():
            card = senders.get(index_of(found["asked_for"] or ""), "")
            if not card:
                raise Violation("S2", "a card of ours was created on a number that was never sent")
            if cards[card] not in MAY_EXIST:
                raise Violation("S2", f"a card lives there that is {cards[card]} here")
            living[card].append(found)
        if any(len(found) > 1 for found in living.values()):
            raise Violation("S1", "one wish brought two living cards")

    def _none_unapproved(self) -> None:
        odd = self._books.rows(
            "SELECT i.id FROM orders_issuance i JOIN orders_card c ON c.issuance_id = i.id"
            " WHERE i.total_minor >= ? AND c.sent_at IS NOT NULL AND NOT EXISTS ("
            " SELECT 1 FROM orders_approval a WHERE a.issuance_id = i.id AND a.is_approved"
            " AND a.approver_id <> i.maker_id)",
            LIMIT,
        )
        if odd:
            raise Violation("A2", "cards were sent that nobody approved")

    def _newest_reading_counts(self) -> None:
        odd = self._books.rows(
            "SELECT c.id FROM orders_card c JOIN orders_balancecheck b ON b.card_id = c.id"
            " WHERE c.asked_at IS NOT NULL GROUP BY c.id HAVING max(b.asked_at) > c.asked_at"
        )
        if odd:
            raise Violation("B1", "a card shows another reading than its newest")

    def _every_number_is_its_own(self) -> None:
        cards = Card.objects.filter(state__in=LIVING_CARDS).select_related("number")
        for card in cards.order_by("pk"):
            number = card.code.reveal()
            found = self._oracle.card_at(number)
            if found is None or found["stranger"]:
                raise Violation("S3", f"{card} is a stranger's card, or none")
            if card.number is None or card.number.number.reveal() != number:
                raise Violation("S3", f"{card} is not the card of its number")
            if card.number.state != NumberState.CREATED:
                raise Violation("S3", f"the number of {card} is {card.number.state}")


class HeldMoney:
    """S2 and S5 of holds."""

    def __init__(self, books: Books, oracle: CPExtenderOracle) -> None:
        self._books = books
        self._oracle = oracle

    def __call__(self, *, is_last: bool = False) -> None:
        states = self._states()
        asked_again = Counter(
            row[0]
            for row in self._books.rows(
                "SELECT a.reference FROM orders_resolution r JOIN orders_authorization a"
                " ON a.id = r.authorization_id WHERE r.decision = 'ask_again'"
                " AND r.state = 'confirmed'"
            )
        )
        placed: Counter[str] = Counter()
        for hold in self._oracle.holds():
            reference = hold["sale_id"]
            placed[reference] += 1
            if reference not in states:
                raise Violation("S2", "money is held for a sale that is none of ours")
            if hold["state"] == OPEN and not states[reference] & MAY_BE_HELD:
                raise Violation("S2", f"{reference} is {states[reference]}, and money is held")
        for reference, count in placed.items():
            if count > 1 + asked_again[reference]:
                raise Violation("S1", f"{reference} holds money {count} times")
        if is_last:
            self._everything_adds_up()

    def _states(self) -> dict[str, set[str]]:
        """By sale: how the hold stands, and those kept beside it because they came late."""
        found: dict[str, set[str]] = defaultdict(set)
        for reference, state in self._books.rows(
            "SELECT reference, state FROM orders_authorization"
        ):
            found[sale_of(reference)].add(state)
        return found

    def _everything_adds_up(self) -> None:
        by_code = {hold["auth_code"]: hold for hold in self._oracle.holds()}
        for hold in Authorization.objects.order_by("pk"):
            code = hold.auth_code.reveal() if hold.auth_code else ""
            self._compare(hold, by_code.get(code))

    def _compare(self, hold: Authorization, found: Row | None) -> None:
        """What we know of a hold is what is in their ledger, to the cent."""
        if hold.auth_code and found is None:
            raise Violation("S3", f"{hold} has a code that they never gave")
        if found is not None and found["sale_id"] != sale_of(hold.reference):
            raise Violation("S3", f"{hold} has the code of another hold")
        if found is not None and hold.granted_minor != found["held"]:
            raise Violation("S5", f"{hold}: {hold.granted_minor} granted, {found['held']} held")
        if hold.state == HoldState.AUTHORIZED and hold.granted_minor != hold.requested_minor:
            raise Violation("S5", f"{hold} is held in part and counts as held in full")
        wanted: Any = ENDS_AS.get(HoldState(hold.state))
        if wanted and found is not None and found["state"] != wanted:
            raise Violation("S5", f"{hold} is {hold.state}, and {found['state']} there")
