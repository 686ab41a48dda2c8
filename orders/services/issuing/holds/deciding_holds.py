"""Two people decide what a hold in doubt is: one proposes, another one confirms or drops.

Each time the card is read anew, and what it shows stands against a decision that denies it.
"""

from django.db import IntegrityError, transaction

from giftops import guard
from giftops.clock import db_now
from giftops.models import User
from giftops.money import Money
from giftops.queue import enqueue
from orders.issuing_states import HOLDS_FOR_TWO, HoldState
from orders.models import Authorization, Phase, Resolution
from orders.services import breaking
from orders.services.issuing import proposals, stepping
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import holding
from orders.services.issuing.holds.hold_evidence import Finding, examine
from orders.services.problems import InvalidOrder, LostTheRace, Refused

Decision = Resolution.Decision

LONGEST_CODE = 200
DECISIONS_FOR = {
    HoldState.NO_EFFECT_SEEN: (
        Decision.ASK_AGAIN, Decision.ABANDON, Decision.ENTER_CODE, Decision.WAS_RELEASED,
    ),
    HoldState.HELD_CODE_LOST: (Decision.ENTER_CODE, Decision.WAS_RELEASED, Decision.ABANDON),
    HoldState.AMBIGUOUS: (Decision.ENTER_CODE, Decision.WAS_RELEASED, Decision.ABANDON),
    HoldState.NEEDS_REVIEW: (
        Decision.STILL_HELD, Decision.WAS_CONFIRMED, Decision.WAS_RELEASED, Decision.ABANDON,
        Decision.ENTER_CODE,
    ),
}  # fmt: skip
"""What may be decided about a hold in each of these states; the reading may still object."""


def propose(
    authorization: Authorization,
    *,
    actor: User,
    decision: str,
    reason: str,
    auth_code: str = "",
    amount: Money | None = None,
) -> Resolution:
    """First of two people: says what the hold is, with what the card reads now as evidence.

    `auth_code` and `amount` come with ENTER_CODE only; the code is sealed and never shown again.
    Raises `InvalidOrder` (fields "reason", "auth_code", "amount"), `Refused` when the reading
    speaks against it.
    """
    _require(actor)
    hold = holding.read_hold(authorization.pk)
    _require_doubt(hold, decision)
    if not reason.strip():
        raise InvalidOrder("Say what you found out and where.", "reason")
    code = auth_code.strip()
    if decision == Decision.ENTER_CODE:
        _check_code(hold, code, amount)
    elif code or amount is not None:
        raise InvalidOrder("A code and an amount belong to a code that is entered.", "auth_code")
    finding = examine(hold, decision, amount)
    with transaction.atomic():
        return _write_down(hold, finding, actor, decision, reason.strip(), code, amount)


def confirm(proposal: Resolution, *, actor: User) -> Authorization:
    """Second of two people: the card is read anew, and the decision is carried out.

    Raises `Refused` if it is the same person, or the card now speaks against it.
    """
    _require(actor)
    if proposal.proposed_by_id == actor.pk:
        raise Refused("A second person has to confirm this.")
    proposals.require_open(proposal)
    hold = _hold_of(proposal)
    _require_doubt(hold, proposal.decision)
    amount = _amount_of(proposal, hold)
    finding = examine(hold, proposal.decision, amount)
    with transaction.atomic():
        proposals.confirm(proposal, hold, actor)
        _carry_out(hold, proposal, finding, actor)
    return hold


def drop(proposal: Resolution, *, actor: User) -> None:
    """Take a proposal off the table; the hold stays in doubt."""
    _require(actor)
    with transaction.atomic():
        proposals.drop(proposal, _hold_of(proposal), actor)


def _require(actor: User) -> None:
    if not actor.has_perm("orders.resolve_order"):
        raise Refused("Your role may not decide about holds in doubt.")
    if guard.is_quarantined():
        raise Refused(guard.status())


def _hold_of(proposal: Resolution) -> Authorization:
    if proposal.authorization_id is None:
        raise Refused("This proposal is not about a hold.")
    return holding.read_hold(proposal.authorization_id)


def _require_doubt(hold: Authorization, decision: str) -> None:
    if hold.state not in HOLDS_FOR_TWO:
        raise LostTheRace(stepping.who_was_first(hold))
    if decision not in DECISIONS_FOR[HoldState(hold.state)]:
        raise Refused(f"That cannot be said of a hold that is “{hold.get_state_display()}”.")


def _check_code(hold: Authorization, code: str, amount: Money | None) -> None:
    if not code or len(code) > LONGEST_CODE or not code.isprintable():
        raise InvalidOrder("Give the code exactly as the provider's staff told it.", "auth_code")
    if amount is None or amount.minor <= 0:
        raise InvalidOrder("Say how much is held under this code.", "amount")
    if amount.currency != hold.currency or amount > hold.requested:
        raise InvalidOrder(f"At most {hold.requested.format()} was asked for.", "amount")
    if holding.is_known_code(hold.card, code, but=hold):
        raise InvalidOrder("Another hold on this card has that code.", "auth_code")


def _amount_of(proposal: Resolution, hold: Authorization) -> Money | None:
    minor = proposal.amount_minor
    return None if minor is None else Money(minor, hold.currency)


def _write_down(
    hold: Authorization,
    finding: Finding,
    actor: User,
    decision: str,
    reason: str,
    code: str,
    amount: Money | None,
) -> Resolution:
    try:
        with transaction.atomic():
            proposal = Resolution.objects.create(
                authorization=hold, decision=decision, reason=reason[:500], auth_code=code,
                amount_minor=amount.minor if amount else None, evidence=finding.facts(),
                proposed_by=actor, proposed_at=db_now(),
            )  # fmt: skip
    except IntegrityError:
        raise LostTheRace(
            "Somebody has already proposed what to do. Confirm or drop that first."
        ) from None
    if not stepping.note(hold, seen=hold.seen):
        raise LostTheRace(stepping.who_was_first(hold))
    stepping.tell(
        hold, "resolution_proposed", f"Proposed: {proposal.get_decision_display()}. {reason}",
        actor=actor, facts=finding.facts(),
    )  # fmt: skip
    return proposal


def _carry_out(hold: Authorization, proposal: Resolution, finding: Finding, actor: User) -> None:
    to, phase = _consequences(hold, proposal)
    at = db_now()
    text = f"{proposal.get_decision_display()}, confirmed with {proposal.proposed_by}"
    stepping.step(
        hold, to, kind=f"decided_{proposal.decision}", text=text, actor=actor,
        facts=finding.facts(), **_columns(hold, proposal, to),
    )  # fmt: skip
    holding.close_doubtful(hold, phase, at)
    note = f"Decided by {proposal.proposed_by} and {actor}."
    breaking.close_all_of(hold, note=note)
    if to == HoldState.REQUESTED:
        enqueue(holding.AUTHORIZE_HOLD, hold.pk)
    enqueue(balances.READ_CARD, hold.card_id)


def _consequences(hold: Authorization, proposal: Resolution) -> tuple[HoldState, Phase]:
    """Where a decision leads, and what it says of the requests that got no usable answer."""
    match proposal.decision:
        case Decision.ASK_AGAIN:
            return HoldState.REQUESTED, Phase.RESOLVED_ABSENT
        case Decision.ABANDON:
            return HoldState.ABANDONED, Phase.RESOLVED_ABSENT
        case Decision.WAS_RELEASED:
            return HoldState.RELEASED_BY_PROVIDER, Phase.RESOLVED_SUCCESS
        case Decision.WAS_CONFIRMED:
            return HoldState.CONFIRMED, Phase.RESOLVED_SUCCESS
        case Decision.ENTER_CODE if proposal.amount_minor != hold.requested_minor:
            return HoldState.AUTHORIZED_PARTIAL, Phase.RESOLVED_SUCCESS
        case Decision.ENTER_CODE:
            return HoldState.AUTHORIZED, Phase.RESOLVED_SUCCESS
        case _:
            return holding.standing_of(hold), Phase.RESOLVED_ABSENT


def _columns(hold: Authorization, proposal: Resolution, to: HoldState) -> dict[str, object]:
    """What else the decision writes on the hold."""
    columns: dict[str, object] = {"reason": "", "next_look_at": None, "finishes": 0}
    at = db_now()
    match proposal.decision:
        case Decision.ASK_AGAIN:
            columns |= {"refusals": 0, "send_slot_at": None, "next_look_at": at}
        case Decision.ENTER_CODE:
            columns |= {
                "auth_code": holding.sealed_code(hold, proposal.auth_code.reveal()),
                "granted_minor": proposal.amount_minor,
                "authorized_at": hold.authorized_at or at,
            }
        case Decision.WAS_CONFIRMED | Decision.WAS_RELEASED | Decision.ABANDON:
            columns |= {"finished_at": at}
    return columns
