"""What a scene at an issuer is: numbers, cards or holds that are asked for, and what goes wrong."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from orders.demo.account import ISSUER
from orders.demo.scenes import Part, Stage
from orders.issuing_states import CardState, HoldState, ReservationState
from orders.models import Authorization, Card, IssuingEvent, Reservation

Thing = Reservation | Card | Authorization

AT_REST: dict[type[Thing], set[str]] = {
    Reservation: {
        ReservationState.RESERVED, ReservationState.LAPSED, ReservationState.NEEDS_REVIEW,
        ReservationState.REJECTED, ReservationState.QUARANTINED,
    },
    Card: {CardState.ACTIVE, CardState.REFUSED, CardState.NEEDS_REVIEW, CardState.DEPLETED},
    Authorization: {
        HoldState.CONFIRMED, HoldState.RELEASED, HoldState.DECLINED, HoldState.AMBIGUOUS,
        HoldState.NO_EFFECT_SEEN, HoldState.NEEDS_REVIEW,
    },
}  # fmt: skip
"""States that nothing leaves by itself, and that no scene means to leave."""
FIELD_OF = {Reservation: "reservation", Card: "card", Authorization: "authorization"}


@dataclass(kw_only=True)
class IssuingScene(Part):
    """Some things of one kind at the issuer.

    `begin` asks for them (after arming its faults) and says which they are; `stands_on` is the
    scene whose numbers or cards it needs, `waits_for` another one whose help must have come.
    """

    begin: Callable[[Stage, "IssuingScene"], list[Thing]]
    meanwhile: Callable[[Stage, "IssuingScene"], None] = lambda stage, scene: None
    proof: Callable[[Stage, "IssuingScene"], bool] = lambda stage, scene: True
    stands_on: "IssuingScene | None" = None
    waits_for: Part | None = None
    things: list[Thing] = field(default_factory=list)
    armed_for: list[str] = field(default_factory=list)

    @property
    def provider(self) -> str:
        return ISSUER

    @property
    def references(self) -> list[str]:
        return self.armed_for

    @property
    def has_begun(self) -> bool:
        return bool(self.things)

    @property
    def may_begin(self) -> bool:
        is_free = self.waits_for is None or self.waits_for.is_helped
        return is_free and (self.stands_on is None or self.stands_on.is_over)

    @property
    def is_over(self) -> bool:
        """As far as was read last."""
        if not self.has_begun or (self.needs_help and not self.is_helped):
            return False
        return all(one.state in AT_REST[type(one)] for one in self.things)

    def play(self, stage: Stage) -> None:
        self.things = self.begin(stage, self)

    def look(self) -> bool:
        for one in self.things:
            one.refresh_from_db()
        return self.is_over

    def help(self, stage: Stage) -> None:
        self.meanwhile(stage, self)

    def is_proven(self, stage: Stage) -> bool:
        return self.proof(stage, self)

    def stands(self) -> str:
        """The states, with how often where there are several things."""
        counted = Counter(one.get_state_display() for one in self.things)
        if len(self.things) == 1:
            return next(iter(counted))
        return ", ".join(f"{count} × {state}" for state, count in counted.items())

    def arm(self, stage: Stage, fault: str, *, operation: str, reference: str) -> None:
        """Let something go wrong with one request of this scene."""
        stage.simulator(self).arm(fault, operation=operation, reference=reference)
        self.armed_for.append(reference)

    def was_told(self, kind: str) -> bool:
        """Whether the timeline of one of its things has such a line."""
        return any(
            IssuingEvent.objects.filter(**{FIELD_OF[type(one)]: one}, kind=kind).exists()
            for one in self.things
        )
