"""A card that was refused, or that waits for a person: once more, by somebody's word."""

from typing import Any

from django.db import transaction
from django.db.models import F

from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from orders.issuing_states import CardState, IssuanceState
from orders.models import Card, Issuance, Reservation, ReservedNumber
from orders.services.issuing import stepping
from orders.services.issuing.cards import creation_answers, promises
from orders.services.issuing.cards.issuance_steps import CREATE_CARD, held, require
from orders.services.problems import LostTheRace, Refused

NO_NUMBER = "This card has no number. Choose a reserved one."


def retry_card(card: Card, *, actor: User, reservation: Reservation | None = None) -> None:
    """Try a refused card again as it is, or give one that waits for a person another number.

    Where numbers are single, `reservation` brings it, or its last one is taken if it is free. A
    card that must be changed goes into a new issuance (`issuing.refused_wishes`). Raises `Refused`,
    `LostTheRace`.
    """
    require(actor, "orders.add_issuance", "retry cards")
    with transaction.atomic():
        issuance = Issuance.objects.get(cards=card)
        held(issuance)
        card.refresh_from_db()
        _require_retriable(card, issuance)
        number = _number_for_a_retry(card, issuance, reservation)
        changes: dict[str, Any] = {
            "number": number, "refusals": 0, "reason": "", "next_look_at": db_now(),
        }  # fmt: skip
        if card.state == CardState.REFUSED:
            text = "To be created again"
            to = CardState.WAITING
            stepping.step(card, to, kind="retried", text=text, actor=actor, **changes)
        elif stepping.note(card, **changes):
            stepping.tell(card, "retried", "To be created", actor=actor)
        if issuance.state == IssuanceState.DONE:
            to_run, text = IssuanceState.RUNNING, "A card is tried again"
            stepping.step(issuance, to_run, kind="reopened", text=text, actor=actor)
        else:  # who is about to call it done looks again
            Issuance.objects.filter(pk=issuance.pk).update(version=F("version") + 1)
        enqueue(CREATE_CARD, card.pk)


def waits_for_a_person(card: Card) -> bool:
    """Whether it waits, and nothing will happen until somebody acts."""
    return card.state == CardState.WAITING and card.next_look_at is None


def _require_retriable(card: Card, issuance: Issuance) -> None:
    if card.state != CardState.REFUSED and not waits_for_a_person(card):
        raise LostTheRace(stepping.who_was_first(card))
    if issuance.state in (IssuanceState.WITHDRAWN, IssuanceState.DECLINED):
        raise Refused(f"{issuance} is {issuance.get_state_display().lower()}.")
    if card.points is not None and creation_answers.points_may_be_gone(card):
        raise Refused(
            "Its points may have been taken: settle that at the till, then draft a new card."
        )


def _number_for_a_retry(
    card: Card, issuance: Issuance, reservation: Reservation | None
) -> ReservedNumber | None:
    if issuance.pool_id is not None:
        return None
    if reservation is None:
        last = card.attempts.exclude(number_sent=None).order_by("id").last()
        sent_on = card.number or (last.number_sent if last else None)
        reservation = sent_on.reservation if sent_on else None
    if reservation is None:
        raise Refused(NO_NUMBER)
    number = promises.single_number(reservation, but=card)
    if number is None or reservation.account_id != card.account_id:
        raise Refused(f"{promises.why_not(reservation)} Choose another one.")
    return number
