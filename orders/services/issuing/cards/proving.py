"""A creation in doubt: ask what is on its number until the answer is proof, else call a person.

Only these may end the doubt: an answer in the journal, a reading that shows the card exactly as it
was asked for, a run of "no such card" that outlasts whatever may still arrive, or two people on
evidence (`deciding_cards`).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from giftops import guard
from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from giftops.sealing import normalised
from orders import decisions
from orders.issuing_states import CardState, IssuanceState, NumberState
from orders.models import Attempt, BreakKind, Card, Phase
from orders.services.issuing import sending, stepping
from orders.services.issuing.cards import balances, creating, creation_answers
from orders.services.issuing.cards.card_steps import (
    DOUBTFUL,
    close_doubtful,
    has_pool,
    read_card,
    step_both,
)
from orders.services.issuing.cards.creation_answers import park
from orders.services.issuing.cards.issuance_steps import CREATE_CARD, RESOLVE_CARD
from orders.services.issuing.cards.progress import finish_if_done
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from orders.weighing import creations
from orders.weighing.creations import Absence, Silence, Verdict, Wanted
from orders.weighing.reservations import is_usable
from providers import services as providers
from providers.gateways.base import CardReading, Issuer
from providers.gateways.errors import ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What they show on the card's number, and on the other one that an answer named."""

    asked_at: datetime
    card: CardReading | None
    other: CardReading | None = None

    def in_words(self) -> str:
        """Without any number, for the timeline and as evidence."""
        said = _in_words(self.card)
        return f"{said}; on the other number: {_in_words(self.other)}" if self.other else said


def resolve_card(card_id: str, *, may_send: bool = True) -> None:
    """Look at one card in doubt: the journal first, then the issuer.

    `may_send` is False where a person only asks: what is proven absent is then left to the job.
    """
    card = read_card(card_id)
    if card.state != CardState.IN_DOUBT or guard.is_quarantined():
        return
    if not journal_knows(card):
        _look(read_card(card_id), may_send)
    if card.issuance_id:
        finish_if_done(card.issuance_id)


def ask_now(card: Card, *, actor: User) -> str:
    """A person wants to know now: look, and say in one sentence where the card stands."""
    if not actor.has_perm("orders.ask_provider"):
        raise Refused("Your role may not ask the provider.")
    if guard.is_quarantined():
        raise Refused(guard.status())
    resolve_card(str(card.pk), may_send=False)
    card.refresh_from_db()
    return f"{card}: {card.get_state_display().lower()}. {card.reason}".strip()


def look_at(card: Card) -> Found:
    """Ask about its number, and about the other one that an answer named. Raises ProviderError."""
    gateway: Issuer = providers.gateway_for(sending.account_of(card), subject=card.sale_id)
    number = balances.number_of(card)
    asked_at = db_now()
    return Found(
        asked_at=asked_at,
        card=gateway.check_balance(number),
        other=_other_reading(card, number, gateway),
    )


def wanted(card: Card) -> Wanted:
    """The card as it was asked for on the number that it has now."""
    sends = card.attempts.filter(number_sent=card.number).order_by("sent_at")
    times = list(sends.values_list("sent_at", flat=True)) or [card.in_doubt_since]
    ends_at = card.number.expires_at if card.number else None
    return Wanted(
        value=card.face_value, sale_id=card.sale_id, first_sent_at=times[0],
        last_sent_at=times[-1], may_be_reissued=ends_at is not None and db_now() >= ends_at,
    )  # fmt: skip


def _look(card: Card, may_send: bool) -> None:
    try:
        found = look_at(card)
    except ProviderError as error:
        _apply_silence(card, plainly(error, sending.account_of(card)))
        return
    try:
        if found.card is None and found.other is None:
            _apply_absence(card, found, may_send)
        else:
            _apply_find(card, found)
    except LostTheRace:
        return  # a late answer or a person was first; nothing is left to decide here


def _other_reading(card: Card, number: str, gateway: Issuer) -> CardReading | None:
    """None as well if it is the same in other letters, or cannot be the number of a card."""
    other = card.other_code.reveal() if card.other_code else ""
    if not other or normalised(other) == normalised(number):
        return None
    try:
        return gateway.check_balance(other)
    except ValueError:
        return None


def journal_knows(card: Card) -> bool:
    """Whether an answer that nobody read lies in the journal and ends the doubt."""
    for attempt in Attempt.objects.filter(card=card, phase__in=DOUBTFUL):
        sending.apply_journaled(attempt)
    was = card.state
    card.refresh_from_db()
    return card.state != was


def _apply_find(card: Card, found: Found) -> None:
    """It is there: ours if nothing speaks against it, else for two people."""
    objection = _objection(card, found)
    with transaction.atomic():
        if objection:
            park(card, BreakKind.CREATE_CONFLICT, objection)
        elif card.number is not None:
            creation_answers.activate(
                card, card.number, kind="adopted",
                text=f"Asked about its number: there, {found.in_words()}, as asked for",
            )  # fmt: skip
        balances.store_reading(card, found.card, asked_at=found.asked_at)


def _objection(card: Card, found: Found) -> str:
    if found.card is None:
        return "Nothing is on its number; a card is on the other number that the answer named."
    if found.other is not None:
        return "A card is on its number, and one on the other number that the answer named."
    return creations.objection_to(found.card, wanted(card))


def _apply_absence(card: Card, found: Found, may_send: bool) -> None:
    looks = card.absent_looks + 1
    with transaction.atomic():
        balances.store_reading(card, None, asked_at=found.asked_at)
    match creations.after_absence(_silence(card, looks)):
        case Absence.SAME_NUMBER if may_send and not _is_paused(card):
            _send_again(card)
        case Absence.ANOTHER_NUMBER:
            _give_number_up(card)
        case Absence.PARK:
            with transaction.atomic():
                park(card, BreakKind.ABSENT, _why_parked(card))
        case then:
            _look_again(card, "Asked about its number: no such card (yet)", absent_looks=looks)
            if then is Absence.SAME_NUMBER and not _is_paused(card):
                enqueue(RESOLVE_CARD, card.pk)


def _silence(card: Card, looks: int) -> Silence:
    sent = card.attempts.filter(number_sent=card.number).exclude(phase=Phase.NOT_SENT)
    verdicts = set(sent.values_list("verdict", flat=True))
    number, now = card.number, db_now()
    is_in_time = number is not None and is_usable(number.expires_at, now)
    mark = providers.account_mark(sending.account_of(card))
    return Silence(
        looks=looks, since_send=now - card.in_doubt_since, sends=sent.count(),
        is_in_time=is_in_time and Verdict.NOT_RESERVED not in verdicts,
        is_said_to_exist=Verdict.EXISTS in verdicts, pays_with_points=card.points is not None,
        was_sent_elsewhere=sent.exclude(account_mark=mark).exists(),
    )  # fmt: skip


def _is_paused(card: Card) -> bool:
    """While its issuance is paused a card is only looked at."""
    return card.issuance is not None and card.issuance.state == IssuanceState.PAUSED


def _send_again(card: Card) -> None:
    """The same number again, if what allowed the first send still holds; else a person."""
    if problem := creating.problem_with_creating(card):
        with transaction.atomic():
            text = f"No such card there, and it was not sent again. {problem}"
            park(card, BreakKind.ABSENT, text)
        return
    try:
        sending.run(creating.AGAIN, card)
    except LostTheRace:
        raise
    except Refused as late:
        _look_again(read_card(card.pk), str(late), absent_looks=card.absent_looks)


def _give_number_up(card: Card) -> None:
    """Proven absent, and the number may be somebody else's by now: never again on this one."""
    at = db_now()
    text = f"No card on {card.number} half an hour after it was sent: the number is given up"
    with transaction.atomic():
        step_both(
            card, CardState.WAITING, card.number, NumberState.RETIRED, kind="proven_absent",
            text=text, number=None, reason=text, absent_looks=0, refusals=0,
            next_look_at=at if has_pool(card) else None,
        )  # fmt: skip
        close_doubtful(card, Phase.RESOLVED_ABSENT, at)
        if has_pool(card):
            enqueue(CREATE_CARD, card.pk)


def _why_parked(card: Card) -> str:
    if card.points is None:
        return "No such card there, and it cannot be sent again by itself. Two people decide."
    return (
        f"No such card there, and its {card.points:,} points may have been taken: nothing can be "
        "looked up about them. Ask at the till; two people decide."
    )


def _apply_silence(card: Card, words: str) -> None:
    """They do not say: again later, and after a day two people."""
    if db_now() - card.in_doubt_since < creations.PATIENCE:
        _look_again(card, f"Asked about its number: no answer. {words}", absent_looks=0)
        return
    try:
        with transaction.atomic():
            park(
                card, BreakKind.STALE, f"Nothing could be read about its number for a day. {words}"
            )
    except LostTheRace:
        return  # a late answer was first


def _look_again(card: Card, text: str, *, absent_looks: int) -> None:
    """Write down what a look brought and when the next one is due."""
    at = db_now()
    look = decisions.next_look_up(card.in_doubt_since, at, creations.LOOKS)
    with transaction.atomic():
        if stepping.note(card, next_look_at=look, absent_looks=absent_looks):
            stepping.tell(card, "asked", text)
            enqueue(RESOLVE_CARD, card.pk, run_after=look)


def _in_words(reading: CardReading | None) -> str:
    if reading is None:
        return "no such card"
    held = f", {reading.held.format()} held" if reading.held else ""
    return f"“{reading.status_text[:60]}”, {reading.balance.format()}{held}"
