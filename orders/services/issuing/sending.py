"""Commit, call, commit for whatever an issuer is asked to do.

An `Errand` says what one kind of request is about; the order of steps is the same for all of them
and stands here. One short transaction writes down what is about to be sent; then the call, with no
transaction open; then another transaction applies the answer by compare-and-set. Whatever dies in
between leaves an attempt behind whose silence means *unknown*, and the sweep finds it.
"""

import json
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from giftops import guard
from giftops.clock import db_now, sleep
from giftops.health import has_disk_space
from giftops.identity import jitter, new_id
from giftops.queue import enqueue
from giftops.sealing import blind_index
from orders import decisions
from orders.decisions import Verdict
from orders.models import Attempt, Authorization, Card, Phase, Reservation
from orders.services.issuing import stepping
from orders.services.placing import (
    DISK_IS_FULL,
    DISK_PATIENCE,
    NOT_YOUR_TURN,
    SLOT_IS_NEAR,
    WAKE_BEFORE_SLOT,
)
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from providers import services as providers
from providers.gateways.base import Issuer, RawAnswer, Slot
from providers.gateways.errors import (
    NotSent,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
)
from providers.models import ProviderAccount

log = structlog.get_logger(__name__)

PAUSES = (0.1, 1.0)
"""Seconds between the tries to apply an answer to a database that does not take it."""
MOST_RACES = 20
PHASES: dict[str, Phase] = {Verdict.UNKNOWN: Phase.UNKNOWN, Verdict.NOT_EXECUTED: Phase.NOT_SENT}
"""What becomes of an attempt without a good answer; after any other verdict it is answered."""

Subject = TypeVar("Subject", Reservation, Card, Authorization)
Answer = TypeVar("Answer")


class Errand(Generic[Subject, Answer]):
    """One kind of request with side effects, for one kind of thing. Subclasses fill in the story.

    The thing has `account`, `state`, `version`, `fence`, `send_slot_at`, `next_look_at`, `reason`.
    """

    operation: ClassVar[str]
    """Name of the attempt and of the journal's entry: "create_card"."""
    subject: ClassVar[str]
    """The field of `Attempt` that names the thing: "card"."""
    job: ClassVar[str]
    """The task that comes back when it must wait: "orders.tasks.create_card"."""
    model: ClassVar[type]

    def reference_of(self, thing: Subject) -> str:
        """What we call it towards them."""
        raise NotImplementedError

    def problem_with(self, thing: Subject) -> str:
        """Why it may not be sent (any more), in a sentence; "" if it may."""
        raise NotImplementedError

    def request_of(self, thing: Subject) -> Any:
        """What is sent, as a frozen dataclass: the same thing always gives the same request."""
        raise NotImplementedError

    def begin(self, thing: Subject, at: datetime, attempt_id: uuid.UUID) -> dict[str, Any]:
        """Step to "being sent", in the transaction of the intent.

        Gives further columns of the attempt. Raises `LostTheRace`, `Refused`.
        """
        raise NotImplementedError

    def ask(self, gateway: Issuer, request: Any, slot: Slot) -> Answer:
        """The call. Raises ProviderError, or ValueError for what they could not take."""
        raise NotImplementedError

    def read(self, gateway: Issuer, raw: RawAnswer, request: Any) -> Answer:
        """Read a recorded answer; same result and errors as `ask`."""
        raise NotImplementedError

    def apply(self, attempt: Attempt, thing: Subject, answer: Answer | ProviderError) -> None:
        """Draw the consequences, in one transaction. Must be safe to repeat, and to come late.

        Raises `LostTheRace` if the thing moved since it was read: then it is read and done again.
        """
        raise NotImplementedError


ERRANDS: dict[str, Errand[Any, Any]] = {}


def register(errand: Errand[Any, Any]) -> Errand[Any, Any]:
    """Make an errand known to the sweep, which finishes what others began."""
    ERRANDS[errand.operation] = errand
    return errand


def run(errand: Errand[Subject, Any], thing: Subject) -> None:
    """Take a slot, write the intent, send, apply the answer; or arrange to come back later.

    Raises `LostTheRace` if somebody else was first, `Refused` if it may not be sent (any more).
    """
    if guard.is_quarantined():
        return
    if not has_disk_space():
        come_back(errand, thing, at=db_now() + DISK_PATIENCE, why=DISK_IS_FULL)
        return
    attempt_id = new_id()
    turn = turn_of(errand, thing, attempt_ref=str(attempt_id))
    if turn is None:
        return
    gateway, slot = turn
    attempt = _begin(errand, thing, attempt_id)
    answer = answer_of(errand, gateway, request_of_attempt(attempt), attempt, slot)
    apply(attempt.pk, answer)


def turn_of(
    errand: Errand[Subject, Any], thing: Subject, *, attempt_ref: str = ""
) -> tuple[Issuer, Slot] | None:
    """A gateway, and a slot in the account's budget that is near; the one it kept, if it did.

    None if it has to wait: then its job comes back.
    """
    try:
        gateway: Issuer = providers.gateway_for(
            account_of(thing), attempt_ref=attempt_ref, subject=errand.reference_of(thing)
        )
        kept = thing.send_slot_at
        slot = gateway.renew_slot(Slot(at=kept)) if kept else gateway.reserve_slot()
    except ProviderError as error:
        wait_for_the_provider(errand, thing, error)
        return None
    if slot.at - db_now() > SLOT_IS_NEAR:
        at = slot.at - WAKE_BEFORE_SLOT
        come_back(errand, thing, at=at, why=NOT_YOUR_TURN, send_slot_at=slot.at)
        return None
    return gateway, slot


def come_back(
    errand: Errand[Subject, Any], thing: Subject, *, at: datetime, why: str, **fields: Any
) -> None:
    """Nothing was sent: note why it waits, and have the job come back."""
    with transaction.atomic():
        if stepping.note(thing, reason=why[:300], next_look_at=at, **fields):
            enqueue(errand.job, thing.pk, run_after=at)


def wait_for_the_provider(
    errand: Errand[Subject, Any], thing: Subject, error: ProviderError
) -> None:
    """The account cannot be called just now: come back. Meanwhile `probe_circuits` tries it."""
    wish = getattr(error, "retry_after", None)
    at = db_now() + decisions.backoff(4, 0.5 + jitter() / 2, at_least=wish)
    account = account_of(thing)
    come_back(errand, thing, at=at, why=plainly(error, account))


def account_of(thing: Reservation | Card | Authorization) -> ProviderAccount:
    """Where it is issued; ValueError for a card that was bought."""
    if thing.account is None:
        raise ValueError("A bought card has no issuer of ours.")
    return thing.account


def settle_lapsed(attempt: Attempt) -> None:
    """An attempt whose worker is gone: read the journal if an answer came, else it is unknown."""
    if not apply_journaled(attempt):
        silence = OutcomeUnknown("The program that sent it ended before an answer was recorded.")
        apply(attempt.pk, silence)


def apply_journaled(attempt: Attempt) -> bool:
    """Apply the answer the journal holds for an attempt; False if none was recorded."""
    raw = providers.journaled_answer(str(attempt.pk))
    if raw is None:
        return False
    errand = ERRANDS[attempt.operation]
    thing = getattr(attempt, errand.subject)
    gateway: Issuer = providers.gateway_for(thing.account)
    try:
        answer = errand.read(gateway, raw, request_of_attempt(attempt))
    except ProviderError as error:
        answer = error
    apply(attempt.pk, answer)
    return True


def apply(attempt_id: uuid.UUID, answer: Any) -> None:
    """Apply what the provider said to one attempt. Safe to repeat; a late answer is never lost."""
    pauses, races = iter(PAUSES), iter(range(MOST_RACES))
    while True:
        try:
            return _apply(attempt_id, answer)
        except LostTheRace:
            if next(races, None) is None:
                raise  # not a race any more: leave it to the sweep, which says so in the log
        except OperationalError:
            # The session ended, or the commit is in doubt: a fresh one sees how things stand.
            pause = next(pauses, None)
            if pause is None or connection.in_atomic_block:
                raise
            connection.close()
            sleep(pause)


def close(attempt: Attempt, phase: Phase, verdict: str, *, note: str = "") -> None:
    """Close an attempt by compare-and-set, so that a zombie cannot reopen or overwrite it."""
    rows = Attempt.objects.filter(pk=attempt.pk, phase=attempt.phase, fence=attempt.fence)
    changed = rows.update(
        phase=phase, verdict=verdict, note=note[:300],
        closed_at=None if phase == Phase.UNKNOWN else db_now(),
    )  # fmt: skip
    if changed != 1:
        raise LostTheRace("This attempt was closed meanwhile.")


def close_without(attempt: Attempt, verdict: str, error: ProviderError) -> None:
    """Close an attempt that got no good answer, by the verdict on what it got."""
    close(attempt, PHASES.get(verdict, Phase.APPLIED), verdict, note=str(error))


def request_of_attempt(attempt: Attempt) -> Any:
    """What that attempt sent."""
    errand = ERRANDS[attempt.operation]
    thing = getattr(attempt, errand.subject)
    if attempt.number_sent_id is not None:
        thing.number = attempt.number_sent  # the card may stand on another number by now
    return errand.request_of(thing)


def answer_of(
    errand: Errand[Subject, Answer],
    gateway: Issuer,
    request: Any,
    attempt: Attempt,
    slot: Slot,
) -> Answer | ProviderError:
    """What the provider said, an error being one of the things it may say."""
    try:
        _wait_for(slot, attempt)
        return errand.ask(gateway, request, slot)
    except ProviderError as error:
        return error
    except ValueError as problem:
        return ProviderMisconfigured(f"nothing was sent. {problem}")


def _wait_for(slot: Slot, attempt: Attempt) -> None:
    """Wait for the slot, unless we slept (a paused machine) into the end of our lease."""
    in_time = attempt.lease_until - timedelta(seconds=settings.GIFTOPS_WRITE_DEADLINE)
    try:
        sleep((slot.at - db_now()).total_seconds())
        is_too_late = db_now() > in_time
    except DatabaseError:
        raise NotSent("Nothing was sent: our database did not answer.") from None
    if is_too_late:
        raise NotSent("The program was held up for so long that it did not send it any more.")


def _begin(errand: Errand[Subject, Any], thing: Subject, attempt_id: uuid.UUID) -> Attempt:
    """The intent, committed before a byte leaves. Raises `LostTheRace` if another was first."""
    try:
        return _write_intent(errand, thing, attempt_id)
    except OperationalError:
        # The commit itself may have been lost or only its answer: the row tells.
        connection.close()
        attempt = Attempt.objects.filter(pk=attempt_id).first()
        if attempt is None:
            raise
        return attempt


@transaction.atomic(durable=True)
def _write_intent(errand: Errand[Subject, Any], thing: Subject, attempt_id: uuid.UUID) -> Attempt:
    """What is sent is only known once it has begun: a card takes its number in here."""
    at = db_now()
    problem = errand.problem_with(thing)
    if problem:
        raise Refused(problem)
    columns = errand.begin(thing, at, attempt_id)
    request = errand.request_of(thing)
    return Attempt.objects.create(
        id=attempt_id, **{errand.subject: thing}, operation=errand.operation,
        number=Attempt.objects.filter(**{errand.subject: thing}).count() + 1,
        reference=errand.reference_of(thing), request_fingerprint=_fingerprint(request),
        account_mark=providers.account_mark(account_of(thing)), fence=thing.fence, sent_at=at,
        lease_until=at + timedelta(seconds=settings.GIFTOPS_LEASE_SECONDS), **columns,
    )  # fmt: skip


def _fingerprint(request: Any) -> str:
    """Keyed, because what is sent holds card numbers, and those could be guessed."""
    facts = json.dumps(asdict(request), sort_keys=True, separators=(",", ":"), default=str)
    return blind_index(facts, field="attempt.request")


@transaction.atomic(durable=True)
def _apply(attempt_id: uuid.UUID, answer: Any) -> None:
    attempt = Attempt.objects.get(pk=attempt_id)
    errand = ERRANDS[attempt.operation]
    things = errand.model._default_manager.select_related("account")  # type: ignore[attr-defined]
    errand.apply(attempt, things.get(attempts=attempt), answer)
