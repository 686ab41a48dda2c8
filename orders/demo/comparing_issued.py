"""What we issued beside the issuer's own ledger: every number, card, hold and cent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from giftops.money import Money
from giftops.sealing import blind_index
from orders.issuing_states import LIVING_CARDS, HoldState
from orders.models import Authorization, Card, Reservation, ReservedNumber
from orders.services.issuing.cards.creation_answers import CODE
from orders.services.issuing.reservations.receiving import INDEX

Theirs = dict[str, Any]
STATE_THERE = {
    HoldState.AUTHORIZED: "open",
    HoldState.AUTHORIZED_PARTIAL: "open",
    HoldState.CONFIRMED: "confirmed",
    HoldState.RELEASED: "cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """One scene on both sides, in a few words, and sentences where they differ."""

    ours: str
    theirs: str
    differences: list[str]


def compare_issued(
    things: Sequence[Reservation | Card | Authorization], ledger: Theirs, currency: str
) -> Likeness:
    """Hold some things of one kind against the issuer's ledger; cards have just been read."""
    if isinstance(things[0], Reservation):
        return _numbers([one for one in things if isinstance(one, Reservation)], ledger)
    if isinstance(things[0], Card):
        return _cards([one for one in things if isinstance(one, Card)], ledger, currency)
    return _holds([one for one in things if isinstance(one, Authorization)], ledger, currency)


def strangers(ledger: Theirs) -> list[str]:
    """Sentences on what is there and not in our books at all."""
    names = set(Reservation.objects.values_list("reference", flat=True))
    sales = set(Card.objects.values_list("sale_id", flat=True))
    holds = set(Authorization.objects.values_list("reference", flat=True))
    found = {
        "number": (one["request_name"] not in names for one in ledger["reservations"]),
        "card": (one["sale_id"] not in sales for one in ledger["cards"]),
        "hold": (one["sale_id"] not in holds for one in ledger["holds"]),
    }
    counted = {what: sum(odd) for what, odd in found.items()}
    return [
        f"{count} × a {what} that we never asked for" for what, count in counted.items() if count
    ]


def _numbers(reservations: list[Reservation], ledger: Theirs) -> Likeness:
    """Each of ours is theirs; of theirs we lack no more than is listed as lost."""
    references = {one.reference for one in reservations}
    there = [one["number"] for one in ledger["reservations"] if one["request_name"] in references]
    theirs = Counter(blind_index(number, field=INDEX) for number in there)
    kept = ReservedNumber.objects.filter(reservation__in=reservations)
    ours = Counter(kept.values_list("number_index", flat=True))
    lost = sum(one.may_be_lost for one in reservations)
    found = []
    if invented := ours - theirs:
        found.append(f"{invented.total()} of our numbers are not theirs")
    if (missing := (theirs - ours).total()) != lost:
        found.append(f"{missing} of their numbers are not ours, {lost} are listed as lost")
    waste = f" + {lost} listed as lost" if lost else ""
    return Likeness(
        ours=f"{ours.total()} numbers{waste}", theirs=f"{len(there)} numbers", differences=found
    )


def _cards(cards: list[Card], ledger: Theirs, currency: str) -> Likeness:
    """Number, value, balance and what is held, card by card; the refused ones are not there."""
    sales = {one.sale_id for one in cards}
    ours = {
        one.sale_id: (one.code_index, one.face_value_minor, one.balance_minor, one.held_minor)
        for one in cards
        if one.state in LIVING_CARDS
    }
    there = [one for one in ledger["cards"] if one["sale_id"] in sales]
    theirs = {one["sale_id"]: _figures(one) for one in there}
    found = _unlike(ours, theirs, "card")
    if len(there) != len(theirs):
        found.append("a sale of ours paid for two of their cards")
    return Likeness(
        ours=_worth((row[2] for row in ours.values()), "card", currency),
        theirs=_worth((one["balance_minor"] for one in there), "card", currency),
        differences=found,
    )


def _figures(card: Theirs) -> tuple[str, int, int, int]:
    index = blind_index(card["number"], field=CODE)
    return index, card["value_minor"], card["balance_minor"], card["held_minor"]


def _holds(holds: list[Authorization], ledger: Theirs, currency: str) -> Likeness:
    """State and amount, hold by hold."""
    references = {one.reference for one in holds}
    ours = {
        one.reference: (STATE_THERE.get(HoldState(one.state), one.state), one.granted_minor)
        for one in holds
    }
    there = [one for one in ledger["holds"] if one["sale_id"] in references]
    theirs = {one["sale_id"]: (one["state"], one["held_minor"]) for one in there}
    found = _unlike(ours, theirs, "hold")
    if len(there) != len(theirs):
        found.append("one of our holds is there twice")
    return Likeness(
        ours=_worth((row[1] for row in ours.values()), "hold", currency),
        theirs=_worth((one["held_minor"] for one in there), "hold", currency),
        differences=found,
    )


def _unlike(ours: dict[str, Any], theirs: dict[str, Any], what: str) -> list[str]:
    found = [f"the {what} {one} is not there" for one in sorted(ours.keys() - theirs.keys())]
    found += [f"the {what} {one} is not ours" for one in sorted(theirs.keys() - ours.keys())]
    both = sorted(ours.keys() & theirs.keys())
    return found + [f"the {what} {one} differs" for one in both if ours[one] != theirs[one]]


def _worth(minors: Iterable[int | None], what: str, currency: str) -> str:
    """Such as "19 cards, USD 190.00"."""
    amounts = [minor or 0 for minor in minors]
    plural = "" if len(amounts) == 1 else "s"
    return f"{len(amounts)} {what}{plural}\n{Money(sum(amounts), currency).format()}"
