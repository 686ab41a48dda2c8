"""L2 and L3: what a doubt at CP Extender had to end as, by the merchant's own ledger.

A doubt in which strangers, the staff or false readings took part has no one right end.
"""

from datetime import datetime, timedelta

from orders.issuing_states import HoldState
from orders.models import Authorization, Card, IssuingEvent
from orders.weighing.creations import Verdict
from providers.sandbox.cp_extender.cards import ACTIVE
from tests.simulation.operations.cp_extender_faults import CHECK, CREATE, LIES
from tests.simulation.operations.cp_extender_oracle import CPExtenderOracle, Worth
from tests.simulation.scheduler import Violation
from tests.simulation.sent import Sent
from tests.simulation.time import START

THE_THREE = (HoldState.NO_EFFECT_SEEN, HoldState.HELD_CODE_LOST, HoldState.AMBIGUOUS)
MOST_SENDS = 8
SETTLE, JUDGED_AFTER = timedelta(minutes=5), timedelta(minutes=20)
A_CALL = timedelta(seconds=45)  # how long a reading may be under way


class Verdicts:
    """What the ledger says that we should have said."""

    def __init__(self, oracle: CPExtenderOracle, sent: list[Sent]) -> None:
        self._oracle = oracle
        self._sent = sent

    # L3: holds

    def check(self) -> None:
        """Every hold whose answer was lost ended in the right one of the three."""
        for event in IssuingEvent.objects.filter(
            old_state=HoldState.UNKNOWN, new_state__in=THE_THREE
        ).select_related("authorization__card__number"):
            hold = event.authorization
            assert hold is not None
            assert hold.sent_at is not None
            if event.at - hold.sent_at < JUDGED_AFTER:
                raise Violation("L3", f"{hold} was judged before it could be")
            right = self._right_for(hold, event.at)
            if right is not None and event.new_state != right:
                raise Violation("L3", f"{hold} ended as {event.new_state}, it was {right}")

    def _right_for(self, hold: Authorization, ended_at: datetime) -> HoldState | None:
        """None: it cannot be told, because it was asked about more than once or lied about."""
        number = hold.card.number.number.reveal() if hold.card.number is not None else ""
        if self._was_asked_again(hold) or self._is_spoilt(number):
            return None
        looks = hold.balance_checks.filter(asked_at__lte=ended_at).order_by("asked_at")
        times = [look.asked_at for look in looks]
        assert hold.sent_at is not None
        before = [at for at in times if at < hold.sent_at]
        later = [at for at in times if at >= hold.sent_at + SETTLE]
        if not before or not later:
            return None
        readings = [(before[-1], hold.sent_at), *((at, at + A_CALL) for at in later)]
        if self._is_blurred(number, readings):
            return None
        return self._judged(hold, number, before[-1], later)

    def _judged(
        self, hold: Authorization, number: str, before: datetime, later: list[datetime]
    ) -> HoldState | None:
        was, now = self._at(number, before), [self._at(number, at) for at in later]
        if was is None or None in now:
            return None
        differences = {(one.balance - was.balance, one.held - was.held) for one in now if one}
        entries = {one.entries - was.entries for one in now if one}
        if len(differences) > 1 or entries != {0}:
            return HoldState.AMBIGUOUS
        balance, held = differences.pop()
        if (balance, held) == (0, 0):
            return HoldState.NO_EFFECT_SEEN
        is_held = balance == 0 and 0 < held <= hold.requested_minor
        return HoldState.HELD_CODE_LOST if is_held else HoldState.AMBIGUOUS

    def _at(self, number: str, at: datetime) -> Worth | None:
        return self._oracle.worth(number, at.timestamp())

    def _was_asked_again(self, hold: Authorization) -> bool:
        return hold.attempts.filter(operation="authorize").exclude(phase="not_sent").count() > 1

    def _is_spoilt(self, number: str) -> bool:
        """Whether a reading of this card lied, or its status was changed by hand."""
        card = self._oracle.card_at(number)
        return card is None or card["status"] != ACTIVE or self._lied_about(number)

    def _lied_about(self, number: str) -> bool:
        return any(
            (one.operation, one.reference) == (CHECK, number)
            and one.call is not None
            and one.call.fault in LIES
            for one in self._sent
        )

    def _is_blurred(self, number: str, readings: list[tuple[datetime, datetime]]) -> bool:
        """Whether something stirred on the card while a reading was under way."""
        stirs = [datetime.fromtimestamp(at, START.tzinfo) for at in self._oracle.stirs(number)]
        return any(begun <= stir <= ended for begun, ended in readings for stir in stirs)

    # L2: cards

    def is_resolvable(self, begun: IssuingEvent, ended: IssuingEvent) -> bool:
        """Whether a creation in doubt could be settled without a person."""
        card = begun.card
        if card is None or card.number is None:
            return False
        number = card.number.number.reveal()
        found = self._oracle.card_at(number)
        if self._lied_about(number) or _is_worn_out(card):
            return False
        if found is None:
            is_nowhere = not self._oracle.was_any_created_for(number)
            return card.points is None and is_nowhere and not self._is_said_to_exist(number)
        is_plain = not self._oracle.is_meddled_with(number) and found["asked_for"] == number
        return is_plain and found["value"] == card.face_value_minor

    def _is_said_to_exist(self, number: str) -> bool:
        answers = [one for one in self._sent if (one.operation, one.reference) == (CREATE, number)]
        return any(one.fate == "duplicate" for one in answers)


def _is_worn_out(card: Card) -> bool:
    """Whether it was sent as often as it may be, and a no was among the answers: a no that comes
    after a lost answer ends nothing, and the next send is answered by the same no."""
    sends = card.attempts.filter(number_sent=card.number).exclude(phase="not_sent")
    has_refusal = sends.filter(verdict=Verdict.REFUSED).exists()
    return has_refusal and sends.count() >= MOST_SENDS
