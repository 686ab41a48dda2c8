"""The issuer's ledger against our database: each number, card and hold once, and none lost."""

from collections import Counter
from functools import partial
from typing import Any

from orders.issuing_states import CardState, HoldState, NumberState, ReservationState
from orders.models import Attempt, Authorization, Card, Phase, Reservation, ReservedNumber
from providers import services as providers

MODELS = {"reserve": Reservation, "create": Card, "authorize": Authorization}
MODELS |= {"confirm": Authorization, "cancel": Authorization}
OVER = {"confirm": (HoldState.CONFIRMED, "confirmed"), "cancel": (HoldState.RELEASED, "cancelled")}
"""How a hold ends, here and there."""
PARKED = {HoldState.NO_EFFECT_SEEN, HoldState.HELD_CODE_LOST, HoldState.AMBIGUOUS}


def read(write: str, id: str) -> Any:
    """The thing that a write is about, as it stands now."""
    return MODELS[write]._default_manager.get(pk=id)


def facts(write: str, id: str) -> dict[str, Any]:
    """How our side stands, without secrets."""
    thing = read(write, id)
    attempts = [one for one in thing.attempts.order_by("id") if _is_of(write, one)]
    return {
        "status": thing.state,
        "attempts": [attempt.phase for attempt in attempts],
        "journaled": [bool(providers.journaled_answer(str(one.pk))) for one in attempts],
        "kinds": [],
        "reason": thing.reason,
    }


def _is_of(write: str, attempt: Attempt) -> bool:
    return attempt.operation == {"reserve": "reserve_numbers", "create": "create_card"}.get(
        write, write
    )


def problems(write: str, id: str, ledger: dict[str, Any]) -> list[str]:
    """Everything that does not agree about one thing, each as a sentence; none is what we want."""
    judge = {
        "reserve": _problems_of_numbers,
        "create": _problems_of_a_card,
        "authorize": _problems_of_a_hold,
        "confirm": partial(_problems_of_an_end, *OVER["confirm"]),
        "cancel": partial(_problems_of_an_end, *OVER["cancel"]),
    }[write]
    found = judge(read(write, id), ledger)
    if Attempt.objects.filter(phase=Phase.SENDING).exists():
        found.append("an attempt has no end")
    return found


def _problems_of_numbers(reservation: Reservation, ledger: dict[str, Any]) -> list[str]:
    there = [
        row["number"]
        for row in ledger["reservations"]
        if row["request_name"] == reservation.reference
    ]
    ours = [one.number.reveal() for one in reservation.numbers.all()]
    unknown = len(there) - len(ours) - reservation.may_be_lost
    found = []
    if reservation.state != ReservationState.RESERVED or len(ours) != reservation.asked:
        found.append(f"{reservation.state}, {len(ours)} of {reservation.asked} numbers are here")
    if Counter(ours) - Counter(there):
        found.append(f"DOUBLE: {reservation} has numbers that they did not give it")
    if unknown > 0:
        found.append(f"LOST: {unknown} numbers that were given are listed nowhere")
    if any(one.state != NumberState.RESERVED for one in reservation.numbers.all()):
        found.append("a number that came cannot be used")
    return found


def _problems_of_a_card(card: Card, ledger: dict[str, Any]) -> list[str]:
    there = [one for one in ledger["cards"] if one["sale_id"] == card.sale_id]
    if len(there) > 1:
        return [f"DOUBLE: {len(there)} cards were created for one sale"]
    if not there:
        return [f"LOST: the card is {card.state} here and not there"]
    found, number = [], card.number
    if card.state != CardState.ACTIVE or not card.is_releasable:
        found.append(f"LOST: the card lives there and is {card.state} here: {card.reason}")
    if number is None or (number.number.reveal(), card.code.reveal()) != (there[0]["number"],) * 2:
        found.append("the card has another number here")
    elif number.state != NumberState.CREATED:
        found.append(f"its number is {number.state}")
    if there[0]["balance_minor"] != card.face_value_minor:
        found.append("it is not worth what was asked for")
    return found


def _problems_of_a_hold(hold: Authorization, ledger: dict[str, Any]) -> list[str]:
    there = [one for one in ledger["holds"] if one["sale_id"] == hold.reference]
    found = []
    if len(there) > 1:
        found.append(f"DOUBLE: held {len(there)} times")
    codes = [one["auth_code"] for one in there]
    if hold.state == HoldState.AUTHORIZED:
        if codes != [hold.auth_code.reveal()]:
            found.append("LOST: the code here is not that of the hold there")
    elif hold.state not in PARKED:
        found.append(f"{hold} is {hold.state}: {hold.reason}")
    if hold.state == HoldState.NO_EFFECT_SEEN and there:
        found.append("LOST: it is said to have had no effect, and money is held")
    if hold.state == HoldState.HELD_CODE_LOST and not there:
        found.append("it is said to be held, and is not")
    return found


def _problems_of_an_end(
    here: HoldState, over_there: str, hold: Authorization, ledger: dict[str, Any]
) -> list[str]:
    there = [one for one in ledger["holds"] if one["sale_id"] == hold.reference]
    (card,) = (one for one in ledger["cards"] if one["number"] == there[0]["card"])
    taken = card["value_minor"] - card["balance_minor"]
    owed = hold.granted_minor if here == HoldState.CONFIRMED else 0
    found = []
    if hold.state != here or [one["state"] for one in there] != [over_there]:
        found.append(f"LOST: {hold} is {hold.state} here, {[one['state'] for one in there]} there")
    if taken != owed:
        found.append(f"DOUBLE: {taken} were taken instead of {owed}")
    return found


def problems_at_the_end(ledger: dict[str, Any]) -> list[str]:
    """The whole house: every number once, every card of theirs ours, every open hold known."""
    found = []
    numbers = Counter(ReservedNumber.objects.values_list("number_index", flat=True))
    found += [f"a number is stored {n} times" for n in numbers.values() if n > 1]
    codes = Counter(card.code.reveal() for card in Card.objects.filter(state=CardState.ACTIVE))
    there = Counter(card["number"] for card in ledger["cards"] if not card["stranger"])
    if codes != there:
        found.append(f"{(there - codes).total()} cards LOST, {(codes - there).total()} not theirs")
    ours = Authorization.objects.values_list("reference", flat=True)
    unknown = {one["sale_id"] for one in ledger["holds"] if not one["stranger"]} - set(ours)
    return found + [f"{len(unknown)} holds are nobody's"] * bool(unknown)
