"""CP Extender: numbers reserved, cards created on them, money held on the cards, taken, given back.

There is neither key nor look-up for a hold, strangers share the cards, and numbers lapse.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from orders.issuing_states import CardState, HoldState, IssuanceState, ReservationState
from orders.models import Authorization, Card, Issuance, IssuingEvent, Reservation
from orders.services.issuing.reservations import stock
from providers import services as providers
from providers.models import ProviderAccount
from providers.sandbox.wire import Reply, Request
from tests.simulation.checks import Books, Check
from tests.simulation.house_rules import TILL
from tests.simulation.operations.base import Action, Resolved
from tests.simulation.operations.cp_extender_checks import HeldMoney, IssuedCards, Numbers
from tests.simulation.operations.cp_extender_deciders import Deciders
from tests.simulation.operations.cp_extender_faults import (
    AUTHORIZE,
    CANCEL,
    CHECK,
    CONFIRM,
    CREATE,
    CUSTOMER,
    FAULTS,
    FINISH,
    LOGIN,
    READS,
    RESERVE,
    WRITES,
)
from tests.simulation.operations.cp_extender_oracle import (
    PASSWORD,
    USER_NAME,
    CPExtenderOracle,
    make_provider,
)
from tests.simulation.operations.cp_extender_sends import ABSENT_LOOKS, OneOfEach
from tests.simulation.operations.cp_extender_staff import Till
from tests.simulation.operations.cp_extender_verdicts import Verdicts
from tests.simulation.scheduler import Violation
from tests.simulation.sends import SendRule, fate_of
from tests.simulation.sent import Sent
from tests.simulation.steps import Steps
from tests.simulation.time import VirtualTime

if TYPE_CHECKING:
    from tests.simulation.world import World

NOT_EXECUTED = {401, 403, 429}
REFUSED = re.compile(
    rb"SaleId is Required|Value must be greater|does not allow value|Code Not Found"
    rb"|Customer Not Found|voided|expired|No Balance|Required: Type|Type is required"
    rb"|already|Authorization not found|Agency|PoolCount|RequestType"
    rb'|(?i:^[{"]*(message":"?)?Bad Request["}]*$)'
)
GOING_ON = {
    Reservation: (ReservationState.REQUESTED, ReservationState.SENDING, ReservationState.UNKNOWN),
    Card: (CardState.CREATING, CardState.IN_DOUBT),
    Authorization: (
        *(HoldState.PRECHECKED, HoldState.SENDING, HoldState.UNKNOWN, HoldState.CONFIRMING),
        *(HoldState.CONFIRM_UNKNOWN, HoldState.CANCELLING, HoldState.CANCEL_UNKNOWN),
    ),
}
IN_DOUBT = {"unknown", "in_doubt", "confirm_unknown", "cancel_unknown"}


class CPExtenderCards(Deciders):
    """What goes over the wire, what has to be true, and what must come to an end."""

    slug = "cp_extender"
    name = "cp_extender cards"
    writes = WRITES
    seldom = FINISH
    jobs = {
        "send_reservation": RESERVE,
        "resolve_reservation": RESERVE,
        "create_card": CREATE,
        "resolve_card": CREATE,
        "authorize_hold": AUTHORIZE,
        "finish_hold": CONFIRM,
        "resolve_finish": CONFIRM,
    }
    calls = (RESERVE, CREATE, AUTHORIZE, CONFIRM, CANCEL, CHECK, LOGIN, CUSTOMER)
    faults = FAULTS
    unreachable = {
        **{(read, "K1"): "a read commits no intent" for read in READS},
        (CANCEL, "K1"): "counted with confirmAuthorization: the same job sends both",
    }
    limits = (5, 300)
    at_once = 2
    write_seconds = 30.0

    def __init__(self, seed: str, time: VirtualTime, random: Random) -> None:
        self.provider = make_provider(seed, time, random)
        self.oracle: CPExtenderOracle = CPExtenderOracle(self.provider)
        self._till = Till(self.provider, self.oracle)
        self.wire: list[Sent] = []

    @staticmethod
    def open_account() -> ProviderAccount:
        per_second, per_minute = CPExtenderCards.limits
        return providers.create_account(
            name="cp-extender-sim",
            provider=CPExtenderCards.slug,
            environment="uat",
            base_url=f"https://{TILL}",
            credentials={"user_name": USER_NAME, "password": PASSWORD},
            per_second=per_second,
            per_minute=per_minute,
        )

    @staticmethod
    def mirror(account: ProviderAccount) -> None:
        """An issuer sells nothing."""

    def prepare(self, world: "World") -> None:
        """Mostly there is a pool already, and cards in use; the rest has to begin with nothing."""
        if world.people.random() < 0.8:
            with world.fair_weather():
                self.stock_up(world)
            with world.fair_weather():
                self.open_shop(world)
            if world.people.random() < 0.5:
                with world.fair_weather():
                    self.hold_some(world)
            waits = world.people.choice((0.0, 0.0, 2900.0, 4000.0))
            world.time.move_to(world.time.after(waits))

    # On the wire

    def reference_in(self, request: Request) -> str:
        """The card's number; of a request without one, our name for it."""
        if request.method == "GET":
            parts = request.path.split("/")
            return parts[2] if len(parts) > 3 else ""
        body = json.loads(request.body or b"{}")
        names = ("GiftCardId", "Ref", "RequestName")
        return next((str(body[name]) for name in names if name in body), "")

    def fate_of(self, call: str, reply: Reply) -> str:
        status, body = reply.status, reply.body
        if call == CHECK:
            is_absent = status == 404 and b"Id not found" in body
            return "absent" if is_absent else "answered" if status == 200 else "unknown"
        if status in NOT_EXECUTED:
            return "not executed"
        if status == 400 and b"Already Exists" in body:
            return "duplicate"
        if status == 400 and b"Not Reserved" in body:
            return "not reserved"
        if status in (400, 404) and REFUSED.search(body):
            return "refused"
        if status == 404:
            return "not executed"
        is_success = status == (204 if call in (CONFIRM, CANCEL) else 200)
        return "answered" if is_success else "unknown"

    def sends(self, books: Books, sent: list[Sent]) -> SendRule:
        self.wire = sent
        return OneOfEach(books, sent, self.oracle)

    def checks(self, world: "World", sends: SendRule) -> Sequence[Check]:
        books = world.books
        return (
            Steps(books),
            Numbers(books, self.oracle),
            IssuedCards(books, self.oracle),
            HeldMoney(books, self.oracle),
        )

    def staff(self, world: "World") -> Action | None:
        return self._till.action(world)

    # Its things

    def things(self) -> list[tuple[Any, str]]:
        found: list[tuple[Any, str]] = []
        kinds = ((Reservation, "reservation"), (Issuance, "issuance"), (Card, "card"))
        for model, kind in (*kinds, (Authorization, "hold")):
            mine: Any = model._default_manager.filter(account=self.account_id)
            rows = mine.order_by("created_at", "pk").values_list("pk", flat=True)
            found += [(pk, kind) for pk in rows]
        return found

    def endings(self) -> Counter[str]:
        return Counter(
            f"{kind} {state}"
            for kind, model in (("card", Card), ("hold", Authorization), ("number", Reservation))
            for state in self._mine(model).values_list("state", flat=True)
        )

    def owns(self, ids: Sequence[str]) -> bool:
        models = (Reservation, Issuance, Card, Authorization)
        return any(self._mine(model).filter(pk__in=ids).exists() for model in models)

    def _mine(self, model: Any) -> Any:
        return model.objects.filter(account=self.account_id)

    # Endings

    def settle(self, world: "World") -> None:
        self.switch_everything_on()

    def going_on(self) -> list[Any]:
        """What has to move on by itself."""
        found: list[Any] = []
        for model, states in GOING_ON.items():
            found += self._mine(model).filter(state__in=states)
        waits = {card.pk for card in self._absent_while_paused()}
        found = [one for one in found if one.pk not in waits]
        return [*found, *self._cards_that_could_go(), *self._holds_that_could_go()]

    def _absent_while_paused(self) -> list[Card]:
        """Proven absent, under an issuance that somebody paused: it waits to be sent again.

        Every other doubt ends, whatever became of its issuance: a card that is there is found, one
        that is said to be there, or was paid with points, is held for people.
        """
        paused = self._mine(Card).filter(
            state=CardState.IN_DOUBT, issuance__state=IssuanceState.PAUSED, points=None,
            absent_looks__gte=ABSENT_LOOKS,
        )  # fmt: skip
        return [card for card in paused.select_related("number") if self._is_nowhere(card)]

    def _is_nowhere(self, card: Card) -> bool:
        number = card.number.number.reveal() if card.number is not None else ""
        answers = [one for one in self.wire if (one.operation, one.reference) == (CREATE, number)]
        is_said_to_exist = any(fate_of(one) == "duplicate" for one in answers)
        return self.oracle.card_at(number) is None and not is_said_to_exist

    def _cards_that_could_go(self) -> list[Card]:
        """Waiting under an issuance that is under way, with a number to be had."""
        waiting = self._mine(Card).filter(
            state=CardState.WAITING, issuance__state=IssuanceState.RUNNING
        )
        return [card for card in waiting.select_related("issuance__pool") if self._has_number(card)]

    def _has_number(self, card: Card) -> bool:
        pool = card.issuance.pool if card.issuance is not None else None
        return pool is not None and stock.stock_of(pool).left > 0

    def _holds_that_could_go(self) -> list[Authorization]:
        return list(self._mine(Authorization).filter(state=HoldState.REQUESTED))

    def is_settled(self) -> bool:
        return not self.going_on()

    def is_overdue(self) -> bool:
        return bool(self.going_on())

    def check_liveness(self, world: "World") -> None:
        stuck = self.going_on()
        if stuck:
            names = ", ".join(f"{world.name_of(one)} {one.state}" for one in stuck[:5])
            raise Violation("L1", f"{len(stuck)} things came to no end: {names}")
        Verdicts(self.oracle, self.wire).check()

    def resolved(self, world: "World") -> list[Resolved]:
        """Unknown creations have to be resolved; all other doubts may end with a person."""
        verdicts = Verdicts(self.oracle, self.wire)
        return [
            Resolved(
                (ended.at - begun.at).total_seconds(),
                ended.new_state,
                is_resolvable=begun.card is not None and verdicts.is_resolvable(begun, ended),
            )
            for begun, ended in spells(IN_DOUBT)
        ]


def spells(states: set[str]) -> list[tuple[IssuingEvent, IssuingEvent]]:
    """From the event that began each spell in one of these states to the one that ended it."""
    found, since = [], {}
    events = IssuingEvent.objects.exclude(new_state="").select_related("card__number")
    for event in events.order_by("id"):
        thing = (event.reservation_id, event.issuance_id, event.card_id, event.authorization_id)
        begun = since.pop(thing, None)
        if begun is not None:
            found.append((begun, event))
        if event.new_state in states:
            since[thing] = event
    return found
