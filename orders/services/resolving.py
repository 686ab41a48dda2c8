"""Unknown outcomes: ask by our reference until the answer is proof, else call a person.

Only three things may end the doubt: a look-up that finds the order, a run of look-ups that
outlasts whatever may still arrive, or the decision of two people on evidence (`deciding`).
"""

from datetime import timedelta

from django.db import transaction

from giftops.clock import db_now
from giftops.models import User
from giftops.queue import enqueue
from orders import decisions
from orders.decisions import Absence, Claim, Match, Replay
from orders.models import Attempt, BreakKind, Order, Phase
from orders.services import answering, breaking, finding, moving, placing
from orders.services.drafting import request_of
from orders.services.problems import LostTheRace
from orders.services.wording import plainly
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import RemoteOrder, Seller
from providers.gateways.errors import ProviderError

RESOLVE_ORDER = "orders.tasks.resolve_order"


def resolve_order(order_id: str, *, may_send: bool = True) -> None:
    """Look at one order whose outcome is unknown: the journal first, then the provider.

    `may_send` is False where a person only asks: what is proven absent is then left to the job.
    """
    order = moving.read_order(order_id)
    if order.status != Status.UNKNOWN or _journal_knows(order):
        return
    try:
        gateway: Seller = providers.gateway_for(order.account, subject=order.reference)
        found = finding.look_up(order, gateway)
    except ProviderError as error:
        words = plainly(error, order.account)
        look_again(order, f"Asked by our reference: no answer. {words}", absent_looks=0)
        return
    try:
        _apply_look(order, found, may_send)
    except LostTheRace:
        return  # a late answer or a person was first; nothing is left to decide here


def look_again(order: Order, text: str, *, absent_looks: int) -> None:
    """Write down what a look brought and when the next one is due."""
    at = db_now()
    look = finding.next_look(order, at)
    with transaction.atomic():
        noted = moving.note(order, asked_at=at, next_look_at=look, absent_looks=absent_looks)
        if noted:
            moving.tell(order, "asked", text)
            enqueue(RESOLVE_ORDER, order.pk, run_after=look)


def park(order: Order, kind: BreakKind, text: str) -> None:
    """Nobody but a person can decide: hold the order, keep the money held, open a break."""
    with transaction.atomic():
        moving.move(
            order, Status.NEEDS_REVIEW, kind="held_for_a_person", text=text, reason=text[:300],
            next_look_at=None,
        )  # fmt: skip
        Attempt.objects.filter(order=order, phase=Phase.UNKNOWN).update(phase=Phase.PARKED)
        breaking.open_break(kind, order.account, order=order, text=f"{order.reference}: {text}")


def adopt(order: Order, remote: RemoteOrder, *, text: str, actor: User | None = None) -> None:
    """Found, and it is ours: take it over and close the attempts that were in doubt."""
    with transaction.atomic():
        answering.take_over(order, remote, kind="adopted", text=text, actor=actor)
        answering.close_doubtful(order, Phase.RESOLVED_SUCCESS)
        breaking.close_all_of(order, note="The order was found at the provider.")


def _journal_knows(order: Order) -> bool:
    """Whether an answer that nobody read lies in the journal and ends the doubt."""
    for attempt in Attempt.objects.filter(order=order, phase=Phase.UNKNOWN):
        answering.apply_journaled(attempt)
    order.refresh_from_db()
    return order.status != Status.UNKNOWN


def _apply_look(order: Order, found: RemoteOrder | None, may_send: bool) -> None:
    if found is None:
        _apply_absence(order, may_send)
    elif decisions.match_of(request_of(order), found) is Match.FOREIGN:
        park(order, BreakKind.REFERENCE_COLLISION,
             f"{found.external_id} carries our reference but is another order.")  # fmt: skip
    elif finding.is_taken(order, found):
        park(
            order, BreakKind.CONTRADICTION, f"{found.external_id} belongs to another order of ours."
        )
    elif _claim_of(order) is Claim.PARK:
        park(order, BreakKind.REFERENCE_COLLISION, f"{found.external_id} had our reference before "
             "we sent anything, although it looks like ours.")  # fmt: skip
    else:
        adopt(order, found, text=f"Asked by our reference: found {found.external_id}, "
              f"same card and amount → on its way")  # fmt: skip


def _claim_of(order: Order) -> Claim:
    is_first_duplicate = finding.is_first_duplicate(order)
    return decisions.claim_of(finding.recovery_of(order), is_first_duplicate=is_first_duplicate)


def _apply_absence(order: Order, may_send: bool) -> None:
    looks = order.absent_looks + 1
    at = db_now()
    if _is_out_of_sight(order):
        _keep_looking(order, looks)
        return
    if _was_sent_again(order, looks, may_send):
        return
    if not decisions.is_proven_absent(sent_at=order.in_doubt_since, now=at, absent_looks=looks):
        look_again(order, "Asked by our reference: not found (yet)", absent_looks=looks)
        return
    sent = order.attempts.exclude(phase=Phase.NOT_SENT)
    if sent.exclude(account_mark=providers.account_mark(order.account)).exists():
        park(order, BreakKind.ABSENT, "Not found, but it was sent as another buyer or elsewhere.")
        return
    match decisions.after_absence(
        sends=sent.count(),
        was_refused=sent.filter(verdict=finding.REFUSED_UNCLEARLY).exists(),
        reference_is_unique=_may_resend_the_absent(order),
    ):
        case Absence.REJECT:
            _close_as_refused(order)
        case Absence.RESEND:
            _send_once_more(order, may_send)
        case Absence.PARK:
            text = "Not found at the provider 20 minutes after it was sent. Two people decide."
            park(order, BreakKind.ABSENT, text)


def _is_out_of_sight(order: Order) -> bool:
    """They said that they have it, and they do not show it: it is not absent, whatever we see."""
    recovery = finding.recovery_of(order)
    return recovery.replays_for is not None and finding.is_said_to_exist(order)


def _keep_looking(order: Order, looks: int) -> None:
    """For as long as they are sure to know the reference; then a person has to ask them."""
    patience = finding.recovery_of(order).replays_for or timedelta()
    if db_now() - finding.first_sent_at(order) < patience:
        look_again(order, "They have our reference, but do not show it (yet)", absent_looks=looks)
    else:
        park(order, BreakKind.REFERENCE_COLLISION,
             "They say that they have our reference, but show no such order.")  # fmt: skip


def _was_sent_again(order: Order, looks: int, may_send: bool) -> bool:
    """Send the same bytes again if it is time and still allowed; True while that may help."""
    replay = decisions.replay_of(finding.recovery_of(order), finding.sends_of(order), db_now())
    if replay is Replay.NEVER or placing.problem_with_sending(order):
        return False
    if replay is Replay.NOW and may_send:
        placing.send(order, retry_job=RESOLVE_ORDER)
    else:
        look_again(order, "Asked by our reference: not found (yet)", absent_looks=looks)
    return True


def _may_resend_the_absent(order: Order) -> bool:
    """Where the same may be sent again early and often, what is absent in the end is a riddle."""
    is_unique = bool(order.account.settings.get("reference_is_unique"))
    return is_unique and finding.recovery_of(order).replays_for is None


def _send_once_more(order: Order, may_send: bool) -> None:
    """The same reference again, if what allowed the first send still holds; else a person."""
    if not may_send:
        look_again(order, "Not found there: it is sent once more", absent_looks=order.absent_looks)
        enqueue(RESOLVE_ORDER, order.pk)
    elif problem := placing.problem_with_sending(order):
        park(order, BreakKind.ABSENT, f"Proven absent, and not sent again. {problem}")
    else:
        placing.send(order, retry_job=RESOLVE_ORDER)


def _close_as_refused(order: Order) -> None:
    with transaction.atomic():
        answering.reject(
            order, kind="refused_and_absent", reason="Refused by the provider; it is not there.",
            text="Refused in words we do not know, and not found there 20 minutes later",
        )  # fmt: skip
        answering.close_doubtful(order, Phase.RESOLVED_ABSENT)
