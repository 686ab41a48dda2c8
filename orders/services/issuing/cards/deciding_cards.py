"""Two people decide about a card that may or may not exist: one proposes, another one confirms.

Each time the issuer is asked anew, the reading is kept as evidence, and its word stands against a
decision that it denies.
"""

from datetime import timedelta

from django.db import transaction

from giftops.clock import db_now
from giftops.models import User
from orders.issuing_states import CardState, NumberState
from orders.models import BreakKind, Card, Phase, Resolution
from orders.services import breaking
from orders.services.issuing import proposals, sending, stepping
from orders.services.issuing.cards import balances, creation_answers, proving
from orders.services.issuing.cards.card_steps import DOUBTFUL, close_doubtful, read_card, step_both
from orders.services.issuing.cards.progress import finish_if_done
from orders.services.issuing.cards.proving import Found
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from orders.weighing import creations
from orders.weighing.creations import Verdict
from providers.gateways.errors import ProviderError

Decision = Resolution.Decision
DECISIONS = (Decision.CARD_IS_OURS, Decision.CARD_IS_NOT)


def propose(card: Card, *, actor: User, decision: str, reason: str) -> Resolution:
    """First of two people: says what is on the number, with the issuer's present word as evidence.

    Raises `Refused` when the evidence speaks against the decision. Not inside a transaction.
    """
    _require(actor)
    card = read_card(card.pk)
    _require_held(card, decision)
    if not reason.strip():
        raise Refused("Say what you found out and where.")
    found = _examine(card, decision)
    evidence = {"asked_at": found.asked_at.isoformat(), "provider_says": found.in_words()}
    with transaction.atomic():
        if not stepping.note(card, reason=card.reason):
            raise LostTheRace(stepping.who_was_first(card))
        if card.resolutions.filter(state=Resolution.State.OPEN).exists():
            raise LostTheRace(
                "Somebody has already proposed what to do. Confirm or drop that first."
            )
        proposal = Resolution.objects.create(
            card=card, decision=decision, reason=reason[:500], evidence=evidence,
            proposed_by=actor, proposed_at=db_now(),
        )  # fmt: skip
        stepping.tell(
            card, "resolution_proposed", f"Proposed: {proposal.get_decision_display()}. {reason}",
            actor=actor, facts=evidence,
        )  # fmt: skip
    return proposal


def confirm(proposal: Resolution, *, actor: User) -> Card:
    """Second of two people: the issuer is asked anew, and the decision is carried out.

    Raises `Refused`, `LostTheRace`. Not inside a transaction.
    """
    _require(actor)
    if proposal.proposed_by_id == actor.pk:
        raise Refused("A second person has to confirm this.")
    proposals.require_open(proposal)
    card = read_card(_card_of(proposal).pk)
    _require_held(card, proposal.decision)
    found = _examine(card, proposal.decision)
    with transaction.atomic():
        proposals.confirm(proposal, card, actor)
        _carry_out(card, proposal, found, actor)
    if card.issuance_id:
        finish_if_done(card.issuance_id)
    return card


def drop(proposal: Resolution, *, actor: User) -> None:
    """Take a proposal off the table; the card stays held for a person."""
    _require(actor)
    with transaction.atomic():
        proposals.drop(proposal, _card_of(proposal), actor)


def _card_of(proposal: Resolution) -> Card:
    if proposal.card is None:
        raise Refused("This proposal is not about a card.")
    return proposal.card


def _require(actor: User) -> None:
    if not actor.has_perm("orders.resolve_order"):
        raise Refused("Your role may not decide about held cards.")


def _require_held(card: Card, decision: str) -> None:
    if decision not in DECISIONS:
        raise Refused("That is not what can be decided about a card.")
    if card.state != CardState.NEEDS_REVIEW:
        raise LostTheRace(stepping.who_was_first(card))


def _examine(card: Card, decision: str) -> Found:
    """Read the journal, ask the issuer now, and refuse a decision that they speak against."""
    if proving.journal_knows(card):
        raise LostTheRace("Its answer has just been found: there is nothing to decide any more.")
    try:
        found = proving.look_at(card)
    except ProviderError as error:
        why = plainly(error, sending.account_of(card))
        raise Refused(f"The provider could not be asked, so nothing was decided. {why}") from None
    balances.store_reading(card, found.card, asked_at=found.asked_at)
    problem = _against_ours(card, found) if decision == Decision.CARD_IS_OURS else ""
    if decision == Decision.CARD_IS_NOT:
        problem = _against_giving_up(card, found)
    if problem:
        raise Refused(problem)
    return found


def _against_ours(card: Card, found: Found) -> str:
    if found.card is None:
        return "The provider shows no card on its number: there is nothing to take over."
    if creations.is_foreign_sale(found.card, card.sale_id):
        return "The provider says that it was issued for another sale: it is not ours."
    return ""


def _against_giving_up(card: Card, found: Found) -> str:
    """Nothing that ever showed that the card is ours may stand against saying that it is not."""
    if db_now() - card.in_doubt_since < creations.FINAL_LOOK:
        minutes = creations.FINAL_LOOK // timedelta(minutes=1)
        return f"It may still arrive there: wait until {minutes} minutes after its last send."
    attempts = card.attempts.filter(number_sent=card.number)
    if attempts.filter(verdict=Verdict.CREATED).exists():
        return "The provider once answered that it was created: it cannot be said not to exist."
    wanted = proving.wanted(card)
    if found.other is not None and not creations.objection_to(found.other, wanted):
        return "The card is on the other number that the answer named: have it voided there first."
    if found.card is None:
        return ""
    if creations.is_our_sale(found.card, card.sale_id):
        return "The provider says that it was issued for our sale. Take it over instead."
    may_be_ours = attempts.filter(phase__in=DOUBTFUL).exists()
    if may_be_ours and not creations.objection_to(found.card, wanted):
        return "The card is there exactly as we asked for it. Take it over instead."
    return ""


def _carry_out(card: Card, proposal: Resolution, found: Found, actor: User) -> None:
    says = f"confirmed with {proposal.proposed_by}"
    if proposal.decision == Decision.CARD_IS_OURS and card.number is not None:
        creation_answers.activate(
            card, card.number, kind="taken_over", text=f"It is ours, {says}", actor=actor
        )
        balances.store_reading(card, found.card, asked_at=found.asked_at)
    else:
        text = f"Not ours or not there, {says}: {card.number} is never used again"
        step_both(
            card, CardState.REFUSED, card.number, NumberState.RETIRED, kind="given_up", text=text,
            actor=actor, number=None, reason=text[:300], next_look_at=None, absent_looks=0,
        )  # fmt: skip
        close_doubtful(card, Phase.RESOLVED_ABSENT, db_now())
    note = f"Decided by {proposal.proposed_by} and {actor}."
    breaking.close_all_of(card, note, but=[BreakKind.LATE_TRUTH])
