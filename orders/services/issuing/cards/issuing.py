"""From draft to under way: submit, approve, decline an issuance, and what makes an approval lapse.

An approval is bound to a fingerprint of what was approved and lapses after 24 hours. Every step
moves the issuance and all of its cards or none. Transactions take rows in one order: the issuance,
its cards, their numbers, the end of the audit trail, jobs.

Everything that edges ask of an issuance can be imported from here.
"""

from datetime import timedelta

from django.db import transaction

from giftops import audit
from giftops.clock import db_now
from giftops.models import User
from giftops.money import Money
from orders.issuing_states import CardState, IssuanceState
from orders.models import Approval, Issuance
from orders.services import limits
from orders.services.issuing import stepping
from orders.services.issuing.cards import promises
from orders.services.issuing.cards.agreeing import AGREED, fingerprint_of, fingerprint_of_card
from orders.services.issuing.cards.card_wishes import CardWish
from orders.services.issuing.cards.drafting_cards import draft_issuance, refused_wishes
from orders.services.issuing.cards.issuance_steps import (
    cards_in,
    held,
    require,
    ring_for_the_waiting,
    step_all,
    withdraw_cards,
)
from orders.services.issuing.cards.pausing import pause_issuance, resume_issuance, withdraw_issuance
from orders.services.issuing.cards.progress import Progress, finish_if_done, progress_of
from orders.services.problems import LostTheRace, Refused

__all__ = [
    "CardWish",
    "Progress",
    "approve_issuance",
    "decline_issuance",
    "draft_issuance",
    "fingerprint_of",
    "finish_if_done",
    "lapse",
    "limit_of",
    "needs_approval",
    "pause_issuance",
    "progress_of",
    "refused_wishes",
    "resume_issuance",
    "submit_issuance",
    "withdraw_issuance",
]

APPROVAL_LASTS = timedelta(hours=24)


def submit_issuance(issuance: Issuance, *, actor: User) -> Issuance:
    """Hand a draft in. Below the limit it goes ahead by rule, above it waits for an approver.

    Raises `Refused`, `LostTheRace` (already submitted).
    """
    require(actor, "orders.add_issuance", "submit cards")
    _require_active(issuance)
    with transaction.atomic():
        held(issuance, IssuanceState.DRAFT, IssuanceState.AWAITING_APPROVAL)
        promises.require_numbers(issuance)
        if needs_approval(issuance):
            _hand_in(issuance, actor)
        else:
            words = f"No approval needed below {_in_words(limit_of(issuance))}"
            _let_go(issuance, actor, words, kind="released_by_rule")
    return issuance


def approve_issuance(issuance: Issuance, *, actor: User, fingerprint: str) -> Issuance:
    """A second person says yes to exactly what they saw; the cards are created.

    Raises `Refused`, `LostTheRace`.
    """
    require(actor, "orders.approve_issuance", "approve cards")
    _require_other(actor, issuance)
    _require_active(issuance)
    with transaction.atomic():
        held(issuance, IssuanceState.AWAITING_APPROVAL)
        if fingerprint != issuance.fingerprint or fingerprint != fingerprint_of(issuance):
            raise Refused(f"{issuance} was changed after you opened it. Look at it again.")
        promises.require_numbers(issuance)
        _let_go(issuance, actor, f"Approved; fingerprint {fingerprint[:8]}", kind="approved")
        _answer(issuance, actor, is_approved=True)
    return issuance


def decline_issuance(issuance: Issuance, *, actor: User, reason: str) -> Issuance:
    """A second person says no, and why; no card is created. Raises `Refused`, `LostTheRace`."""
    require(actor, "orders.approve_issuance", "decline cards")
    _require_other(actor, issuance)
    if not reason.strip():
        raise Refused("Say why, so that the maker knows what to change.")
    with transaction.atomic():
        held(issuance, IssuanceState.AWAITING_APPROVAL)
        to = IssuanceState.DECLINED
        text = f"Declined: {reason}"[:300]
        withdraw_cards(issuance, text, actor)
        stepping.step(issuance, to, kind="declined", text=text, actor=actor, reason=reason[:300])
        _answer(issuance, actor, is_approved=False, reason=reason)
    return issuance


def lapse(issuance: Issuance, *, because: str) -> None:
    """An approval that no longer holds: what was not sent yet waits for a new one.

    Raises `LostTheRace` if it moved meanwhile. In the caller's transaction, if there is one.
    """
    with transaction.atomic():
        held(issuance, IssuanceState.RUNNING, IssuanceState.PAUSED)
        waiting = cards_in(issuance, CardState.WAITING)
        if not waiting:
            return
        to, text = IssuanceState.AWAITING_APPROVAL, because[:300]
        step_all(waiting, CardState.DRAFT, "approval_lapsed", because, reason=text,
                 send_slot_at=None, next_look_at=None)  # fmt: skip
        stepping.step(
            issuance, to, kind="approval_lapsed", text=because, reason=text,
            fingerprint=fingerprint_of(issuance),
        )  # fmt: skip
        Approval.objects.filter(issuance=issuance, voided_at=None).update(voided_at=db_now())


def needs_approval(issuance: Issuance) -> bool:
    """Whether a second person must look: its total is not below the maker's limit."""
    return not limits.is_below(issuance.total, limit_of(issuance))


def limit_of(issuance: Issuance) -> Money | None:
    """From which total on an issuance of this maker needs an approver there; None: always."""
    return limits.limit_for(issuance.account, issuance.maker.role, issuance.currency)


def _hand_in(issuance: Issuance, actor: User) -> None:
    if issuance.state != IssuanceState.DRAFT:
        raise LostTheRace(stepping.who_was_first(issuance))
    stepping.step(
        issuance, IssuanceState.AWAITING_APPROVAL, kind="submitted", text="Submitted", actor=actor,
        fingerprint=fingerprint_of(issuance), submitted_at=db_now(),
    )  # fmt: skip


def _let_go(issuance: Issuance, actor: User, text: str, *, kind: str) -> None:
    """Under way: each card that is still a draft gets its job."""
    at = db_now()
    stepping.step(
        issuance, IssuanceState.RUNNING, kind=kind, text=text, actor=actor, reason="",
        fingerprint=fingerprint_of(issuance), submitted_at=issuance.submitted_at or at,
        approval_lapses_at=at + APPROVAL_LASTS,
    )  # fmt: skip
    drafts = cards_in(issuance, CardState.DRAFT)
    step_all(
        drafts, CardState.WAITING, kind, text, actor=actor, reason="", next_look_at=at,
        facts_of=lambda card: {AGREED: fingerprint_of_card(card, issuance)},
    )  # fmt: skip
    ring_for_the_waiting(issuance)


def _answer(issuance: Issuance, actor: User, *, is_approved: bool, reason: str = "") -> None:
    Approval.objects.create(
        issuance=issuance, fingerprint=issuance.fingerprint, maker=issuance.maker,
        last_editor=issuance.last_editor, approver=actor, is_approved=is_approved,
        reason=reason[:300], at=db_now(),
    )  # fmt: skip
    verb = "approved" if is_approved else "declined"
    audit.record(f"issuance.{verb}_by", actor=actor, obj=issuance, fingerprint=issuance.fingerprint)


def _in_words(limit: Money | None) -> str:
    return limit.format() if limit else "any limit"


def _require_other(actor: User, issuance: Issuance) -> None:
    if actor.pk in (issuance.maker_id, issuance.last_editor_id):
        raise Refused("Nobody approves their own work. Ask another approver.")


def _require_active(issuance: Issuance) -> None:
    if not issuance.account.is_active:
        raise Refused(f"{issuance.account} is switched off. No card can be created there.")
