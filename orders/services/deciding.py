"""Two people decide what a held order is: one proposes, another one confirms or drops.

Each time the provider is asked anew, and its word stands against a decision that denies it.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from orders import decisions
from orders.decisions import Match
from orders.models import Break, BreakKind, Card, Order, Phase, Resolution
from orders.services import answering, breaking, finding, funding, moving, resolving
from orders.services.drafting import request_of
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import RemoteOrder, Seller, Standing
from providers.gateways.errors import ProviderError


def propose(
    order: Order, *, actor: User, decision: str, reason: str, external_id: str = ""
) -> Resolution:
    """First of two people: says what the order is, with the provider's present word as evidence.

    Raises `Refused` when the evidence speaks against the decision.
    """
    _require(actor)
    _require_held(order, decision)
    if not reason.strip():
        raise Refused("Say what you found out and where.")
    evidence = _gather(order, decision, external_id.strip())
    with transaction.atomic():
        if not moving.note(order, asked_at=db_now()):
            raise LostTheRace(moving.who_was_first(order))
        if order.resolutions.filter(state=Resolution.State.OPEN).exists():
            raise LostTheRace(
                "Somebody has already proposed what to do. Confirm or drop that first."
            )
        proposal = Resolution.objects.create(
            order=order, decision=decision, external_id=external_id.strip(), reason=reason[:500],
            evidence=evidence, proposed_by=actor, proposed_at=db_now(),
        )  # fmt: skip
        moving.tell(
            order, "resolution_proposed", f"Proposed: {proposal.get_decision_display()}. {reason}",
            actor=actor, facts=evidence,
        )  # fmt: skip
    return proposal


def confirm(proposal: Resolution, *, actor: User) -> Order:
    """Second of two people: the evidence is gathered anew, and the decision is carried out."""
    _require(actor)
    if proposal.proposed_by_id == actor.pk:
        raise Refused("A second person has to confirm this.")
    order = moving.read_order(_order_of(proposal).pk)
    _require_held(order, proposal.decision)
    remote = _examine(order, proposal.decision, proposal.external_id)
    with transaction.atomic():
        _decide(proposal, Resolution.State.CONFIRMED, actor)
        _carry_out(order, proposal, remote, actor)
    return order


def drop(proposal: Resolution, *, actor: User) -> None:
    """Take a proposal off the table; the order stays held for a person."""
    _require(actor)
    with transaction.atomic():
        _decide(proposal, Resolution.State.DROPPED, actor)
        moving.tell(_order_of(proposal), "resolution_dropped", "Proposal dropped", actor=actor)


def _order_of(proposal: Resolution) -> Order:
    if proposal.order is None:
        raise Refused("This proposal is not about an order.")
    return proposal.order


def _require(actor: User) -> None:
    if not actor.has_perm("orders.resolve_order"):
        raise Refused("Your role may not decide about held orders.")


def _require_held(order: Order, decision: str) -> None:
    """People decide about held orders, and about the missing rest of a partly fulfilled one."""
    is_rest = order.status == Status.PARTLY_FULFILLED and decision == Resolution.Decision.CREDIT
    if order.status != Status.NEEDS_REVIEW and not is_rest:
        raise LostTheRace(moving.who_was_first(order))


def _gather(order: Order, decision: str, external_id: str) -> dict[str, str]:
    remote = _examine(order, decision, external_id)
    says = f"{remote.external_id} “{remote.status_text}”" if remote else "not found"
    return {"asked_at": db_now().isoformat(), "provider_says": says}


def _examine(order: Order, decision: str, external_id: str) -> RemoteOrder | None:
    """Ask the provider now, and refuse a decision that its answer speaks against."""
    try:
        gateway: Seller = providers.gateway_for(order.account, subject=order.reference)
        match decision:
            case Resolution.Decision.ADOPT:
                return _examine_adoption(order, gateway, external_id or order.external_id)
            case Resolution.Decision.ACCEPT:
                return _examine_delivery(order, gateway)
            case Resolution.Decision.CREDIT:
                return _examine_credit(order, gateway)
            case _:
                return _examine_absence(order, gateway, decision)
    except ProviderError as error:
        why = plainly(error, order.account)
        raise Refused(f"The provider could not be asked, so nothing was decided. {why}") from None


def _examine_absence(order: Order, gateway: Seller, decision: str) -> RemoteOrder | None:
    """Nothing that ever showed that the order exists may stand against saying that it does not."""
    if db_now() - order.in_doubt_since < decisions.ABSENCE_WINDOW:
        minutes = decisions.ABSENCE_WINDOW // timedelta(minutes=1)
        raise Refused(
            f"It may still arrive there: wait until {minutes} minutes after its last send."
        )
    answered = order.attempts.filter(phase__in=(Phase.APPLIED, Phase.RESOLVED_SUCCESS))
    if order.external_id or order.cards.exists() or answered.filter(verdict="placed").exists():
        number = order.external_id or "an order"
        raise Refused(f"The provider had it once, as {number}: it cannot be said not to exist.")
    if Break.objects.filter(order=order, kind=BreakKind.LATE_TRUTH, closed_at=None).exists():
        raise Refused("The provider's own list shows it: it cannot be said not to exist.")
    found = finding.look_up(order, gateway)
    if found is not None and decisions.match_of(request_of(order), found) is Match.SAME:
        raise Refused(f"It does exist there, as {found.external_id}. Take it over instead.")
    if found is not None and decision == Resolution.Decision.RESEND:
        raise Refused(
            f"{found.external_id} carries this reference there: nothing more can be sent under "
            "it. Close the order and retry it as a new one."
        )
    return found


def _examine_delivery(order: Order, gateway: Seller) -> RemoteOrder:
    if not _acceptable_cards(order).exists():
        raise Refused("No card came that belongs to this order alone.")
    return gateway.get_order(order.external_id)


def _acceptable_cards(order: Order) -> QuerySet[Card]:
    """The sealed cards of a delivery that are in no other order."""
    others = Card.objects.exclude(order=order).values("code_index")
    return order.cards.exclude(code_index__in=others)


def _examine_credit(order: Order, gateway: Seller) -> RemoteOrder:
    """A whole order counts as credited only once the provider itself shows it as cancelled."""
    if not order.external_id:
        raise Refused("The provider never gave it a number: say that it does not exist instead.")
    remote = gateway.get_order(order.external_id)
    is_whole = order.status == Status.NEEDS_REVIEW
    if is_whole and remote.standing is not Standing.CANCELLED:
        raise Refused(
            f"The provider still shows it as “{remote.status_text}”. Have it cancelled there first."
        )
    return remote


def _examine_adoption(order: Order, gateway: Seller, external_id: str) -> RemoteOrder:
    if not external_id:
        raise Refused("Give the provider's number of the order.")
    remote = gateway.get_order(external_id)
    is_foreign = decisions.match_of(request_of(order), remote) is Match.FOREIGN
    if is_foreign or finding.is_taken(order, remote):
        raise Refused(
            f"{external_id} is another order: card, amount, quantity or reference differ."
        )
    return remote


def _decide(proposal: Resolution, state: Resolution.State, actor: User) -> None:
    rows = Resolution.objects.filter(pk=proposal.pk, state=Resolution.State.OPEN)
    if rows.update(state=state, decided_by=actor, decided_at=db_now()) != 1:
        raise LostTheRace("This proposal was decided meanwhile.")


def _carry_out(order: Order, proposal: Resolution, remote: RemoteOrder | None, actor: User) -> None:
    says = f"confirmed with {proposal.proposed_by}"
    beyond = 0
    match proposal.decision:
        case Resolution.Decision.ADOPT if remote is not None:
            resolving.adopt(
                order, remote, text=f"Taken over as {remote.external_id}, {says}", actor=actor
            )
        case Resolution.Decision.REJECT:
            answering.reject(
                order, kind="confirmed_absent", text=f"Does not exist there, {says}",
                reason="Two people confirmed that it does not exist there.", actor=actor,
            )  # fmt: skip
            answering.close_doubtful(order, Phase.RESOLVED_ABSENT)
        case Resolution.Decision.ACCEPT:
            beyond = _accept_delivery(order, says, actor)
        case Resolution.Decision.CREDIT:
            _close_as_credited(order, says, actor)
        case Resolution.Decision.RESEND:
            moving.move(
                order, Status.APPROVED, kind="to_be_resent", actor=actor, reason="",
                text=f"Does not exist there, {says}: same reference again",
                next_look_at=db_now(), refusals=0,
            )  # fmt: skip
            answering.close_doubtful(order, Phase.RESOLVED_ABSENT)
            enqueue("orders.tasks.place_order", order.pk)
    breaking.close_all_of(order, note=f"Decided by {proposal.proposed_by} and {actor}.")
    funding.say_if_overcharged(order, beyond)


def _accept_delivery(order: Order, says: str, actor: User) -> int:
    """Answers by how much more was charged than was held, in minor units."""
    beyond = funding.settle_in_full(order)
    text = f"The cards that came are ours, {says}"
    moving.move(
        order, Status.FULFILLED, kind="delivery_accepted", text=text, actor=actor,
        held_minor=0, reason="", fulfilled_at=db_now(), next_look_at=None,
    )  # fmt: skip
    _acceptable_cards(order).update(is_releasable=True)
    return beyond


def _close_as_credited(order: Order, says: str, actor: User) -> None:
    """The money is back: the hold is released. Cards that came before stay what they were."""
    text = f"Credited by the provider, {says}"
    to = Status.FULFILLED if order.status == Status.PARTLY_FULFILLED else Status.REJECTED
    funding.release(order)
    moving.move(
        order, to, kind="credited", text=text, actor=actor, held_minor=0, reason=text,
        next_look_at=None,
    )  # fmt: skip
    answering.close_doubtful(order, Phase.RESOLVED_SUCCESS)
