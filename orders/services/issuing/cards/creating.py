"""Creating one card of an issuance: on a number that is taken as the intent is written."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from giftops import guard
from giftops.clock import db_now
from giftops.queue import enqueue
from orders.issuing_states import CardState, IssuanceState, NumberState
from orders.models import Attempt, Card, Issuance, ReservedNumber
from orders.services.issuing import sending, stepping
from orders.services.issuing.cards import creation_answers, issuing
from orders.services.issuing.cards.agreeing import is_as_agreed
from orders.services.issuing.cards.card_steps import has_pool, read_card
from orders.services.issuing.cards.issuance_steps import CREATE_CARD, RESOLVE_CARD, withdraw_cards
from orders.services.issuing.cards.progress import UNFINISHED, finish_if_done
from orders.services.issuing.cards.retrying import NO_NUMBER, retry_card, waits_for_a_person
from orders.services.issuing.reservations import stock
from orders.services.issuing.sending import Errand
from orders.services.problems import LostTheRace, Refused
from orders.weighing.reservations import is_usable
from providers.gateways.base import CreatedCard, CreateRequest, Issuer, RawAnswer, Slot
from providers.gateways.errors import ProviderError

__all__ = [
    "AGAIN",
    "CREATE",
    "create_card",
    "problem_with_creating",
    "retry_card",
    "sweep",
    "waits_for_a_person",
]

log = structlog.get_logger(__name__)

NUMBERS_AGAIN = timedelta(minutes=10)
"""When a card that found its pool empty looks again."""
FORGOTTEN_AFTER = timedelta(minutes=1)
BATCH = 500
LAPSED = "The approval lapsed after 24 hours."


class Create(Errand[Card, CreatedCard]):
    """Have a card created on a reserved number, which is the key of this request."""

    operation = "create_card"
    subject = "card"
    job = CREATE_CARD
    model = Card

    def reference_of(self, thing: Card) -> str:
        return thing.sale_id

    def problem_with(self, thing: Card) -> str:
        return problem_with_creating(thing)

    def request_of(self, thing: Card) -> CreateRequest:
        if thing.number is None:
            raise Refused(NO_NUMBER)
        request = CreateRequest(
            number=thing.number.number.reveal(), code=thing.gift_card_code,
            value=thing.face_value, customer_id=thing.customer_id, sale_id=thing.sale_id,
        )  # fmt: skip
        if thing.points is None:
            return request
        return replace(request, sale_id="", points=thing.points)

    def begin(self, thing: Card, at: datetime, attempt_id: uuid.UUID) -> dict[str, Any]:
        old = thing.state
        stepping.shift(
            thing, CardState.CREATING, fence=F("fence") + 1, sent_at=at, send_slot_at=None,
            absent_looks=0, reason="", next_look_at=None,
        )  # fmt: skip
        number = _taken_for(thing)
        stepping.note(thing, number=number)
        thing.number = number
        stepping.tell(
            thing, "sent", f"Sent, on {number}", at=at, old=old, new=thing.state,
            facts={"attempt": str(attempt_id)},
        )  # fmt: skip
        return {"number_sent": number}

    def ask(self, gateway: Issuer, request: CreateRequest, slot: Slot) -> CreatedCard:
        return gateway.create(request, slot=slot)

    def read(self, gateway: Issuer, raw: RawAnswer, request: CreateRequest) -> CreatedCard:
        return gateway.read_created(raw, request)

    def apply(self, attempt: Attempt, thing: Card, answer: CreatedCard | ProviderError) -> None:
        creation_answers.apply(attempt, thing, answer)


class CreateAgain(Create):
    """The same number again, by the job that found out that nothing had arrived."""

    job = RESOLVE_CARD


CREATE = sending.register(Create())
AGAIN = CreateAgain()


def create_card(card_id: str) -> None:
    """Create one card that waits for it; what keeps it waiting stands on the card."""
    card = read_card(card_id)
    if card.state != CardState.WAITING or not _may_go(card):
        return
    try:
        sending.run(CREATE, card)
    except stock.OutOfNumbers as none:
        _wait_for_a_number(card_id, str(none))
    except Refused as second:
        log.info("card.taken", card=str(card.pk), sentence=str(second))
    if card.issuance_id:
        finish_if_done(card.issuance_id)


def problem_with_creating(card: Card) -> str:
    """Why this card may not be created (any more), in a sentence; "" if it may."""
    issuance = Issuance.objects.select_related("account", "maker").get(cards=card)
    maker = issuance.maker
    if guard.is_quarantined():
        return guard.status()
    if issuance.state != IssuanceState.RUNNING:
        return f"{issuance} is {issuance.get_state_display().lower()}."
    if not issuance.account.is_active:
        return f"{issuance.account} was switched off after the approval."
    if not (maker.is_active and maker.has_perm("orders.add_issuance")):
        return f"{maker} may no longer have cards created."
    if issuance.approval_lapses_at is None or db_now() >= issuance.approval_lapses_at:
        return LAPSED
    if not is_as_agreed(card.pk, issuance):
        return "The card was changed after the approval."
    return ""


def sweep(now: datetime) -> None:
    """Ring again for forgotten cards, lapse old approvals, close what is done. Safe to repeat."""
    _ring_for_the_forgotten(now)
    _lapse_old(now)
    _close_what_is_done()
    _withdraw_what_came_back()


def _ring_for_the_forgotten(now: datetime) -> None:
    for job, cards in (
        (CREATE_CARD, {"state": CardState.WAITING, "issuance__state": IssuanceState.RUNNING}),
        (RESOLVE_CARD, {"state": CardState.IN_DOUBT}),
    ):
        due = Card.objects.filter(**cards, next_look_at__lt=now - FORGOTTEN_AFTER)
        for pk in due.order_by("next_look_at").values_list("pk", flat=True)[:BATCH]:
            enqueue(job, pk)


def _lapse_old(now: datetime) -> None:
    waiting = Card.objects.filter(issuance=OuterRef("pk"), state=CardState.WAITING)
    old = _under_way().filter(Exists(waiting), approval_lapses_at__lt=now)
    for issuance in old.select_related("account")[:BATCH]:
        try:
            issuing.lapse(issuance, because=LAPSED)
        except Refused:
            continue  # a card of it was sent or withdrawn this very moment: next time


def _close_what_is_done() -> None:
    unfinished = Card.objects.filter(issuance=OuterRef("pk"), state__in=UNFINISHED)
    done = _under_way().filter(~Exists(unfinished))
    for pk in done.values_list("pk", flat=True)[:BATCH]:
        finish_if_done(pk)


def _under_way() -> QuerySet[Issuance]:
    return Issuance.objects.filter(state__in=(IssuanceState.RUNNING, IssuanceState.PAUSED))


def _withdraw_what_came_back() -> None:
    """Cards whose issuance ended while they were in doubt, or with a backup: free their numbers."""
    unsent = Card.objects.filter(
        issuance=OuterRef("pk"), state__in=(CardState.DRAFT, CardState.WAITING)
    )
    ended = Issuance.objects.filter(state__in=(IssuanceState.WITHDRAWN, IssuanceState.DECLINED))
    for issuance in ended.filter(Exists(unsent))[:BATCH]:
        try:
            with transaction.atomic():
                withdraw_cards(issuance, f"Withdrawn with {issuance}")
        except Refused:
            continue  # one of them moved this very moment: next time


def _may_go(card: Card) -> bool:
    """Re-check what may have changed since the approval; what no longer holds voids it."""
    issuance = card.issuance
    if issuance is None or issuance.state != IssuanceState.RUNNING or guard.is_quarantined():
        return False
    problem = problem_with_creating(card)
    if problem:
        try:
            issuing.lapse(issuance, because=problem)
        except LostTheRace:
            return False  # another card of it found the same
    return not problem


def _taken_for(card: Card) -> ReservedNumber:
    """The number it is created on: the same again, the one it was promised, or one of the pool."""
    number = card.number
    if number is None:
        pool = card.issuance.pool if card.issuance else None
        if pool is None:
            raise stock.OutOfNumbers(NO_NUMBER)
        return stock.take(card=card, pool=pool)
    if number.state != NumberState.IN_DOUBT:
        return stock.take(card=card, reservation=number.reservation)
    if not is_usable(number.expires_at, db_now()):
        raise Refused("The hour of this number is over, or nearly.")
    stepping.shift(number, NumberState.CREATING)
    return number


def _wait_for_a_number(card_id: str, why: str) -> None:
    """A pool may be filled up; where its single number is gone, only a person can help."""
    card = read_card(card_id)
    look = db_now() + NUMBERS_AGAIN if has_pool(card) else None
    with transaction.atomic():
        if card.state != CardState.WAITING or not stepping.note(
            card, reason=why[:300], next_look_at=look
        ):
            return
        if look is not None:
            enqueue(CREATE_CARD, card.pk, run_after=look)
