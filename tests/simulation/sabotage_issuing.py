"""Seeded defects of what is issued: numbers, cards and holds. See `sabotage`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

from giftops.clock import db_now
from orders.decisions import Verdict
from orders.issuing_states import CardState, HoldState
from orders.models import Card, Reservation, ReservedNumber
from orders.services.issuing.cards import creation_answers, issuing
from orders.services.issuing.holds import completing, granting
from orders.services.issuing.reservations import receiving
from orders.weighing import creations, holds, reservations
from providers.gateways.base import RemoteHold
from providers.gateways.cp_extender import build
from providers.gateways.errors import ProviderError
from tests.simulation.sabotage import Sabotage, replaced

ISSUER = "cp_extender"


def _issuer(name: str, rules: tuple[str, ...], patch: Any, *faults: str) -> Sabotage:
    return Sabotage(name, rules, patch, faults or ("latency",), ISSUER)


# --- Numbers ------------------------------------------------------------------------------------


@contextmanager
def _numbers_never_expire() -> Iterator[None]:
    """Neither when one is taken nor by the sweep."""
    with (
        mock.patch.object(reservations, "MARGIN", timedelta(days=-2)),
        mock.patch.object(reservations, "is_usable", return_value=True),
    ):
        yield


def _of_their_choosing(request: Any) -> Any:
    call = _create(request)
    body = call.body.replace(b'"GiftCardId"', b'"GiftCardName"')
    return replace(call, body=body)


_create = build.create


def _number_goes_back(card: Card, number: ReservedNumber, words: str) -> None:
    creation_answers._back(
        card, number, CardState.WAITING, kind="not_reserved", text=words, next_look_at=db_now()
    )


# --- Cards --------------------------------------------------------------------------------------


@contextmanager
def _absent_at_once() -> Iterator[None]:
    with (
        mock.patch.object(creations, "ABSENT_LOOKS", 1),
        mock.patch.object(creations, "ABSENT_FOR", timedelta()),
    ):
        yield


def _adopt_whatever_exists(card: Card, _kind: Any, text: str) -> None:
    assert card.number is not None
    creation_answers.activate(card, card.number, kind="adopted", text=text)


def _silence_is_refusal(answer: Any, *, pays_with_points: bool = False) -> creations.Verdict:
    verdict = _verdict_of(answer, pays_with_points=pays_with_points)
    return creations.Verdict.REFUSED if verdict is creations.Verdict.UNKNOWN else verdict


_verdict_of = creations.verdict_of


# --- Holds --------------------------------------------------------------------------------------


def _ask_again_after_silence(verdict: Verdict, *, earlier_unresolved: bool) -> HoldState:
    state = _state_after(verdict, earlier_unresolved=earlier_unresolved)
    return HoldState.REQUESTED if state is HoldState.UNKNOWN else state


_state_after = holds.state_after


def _silence_is_a_no(verdict: Verdict, *, earlier_unresolved: bool) -> HoldState:
    state = _state_after(verdict, earlier_unresolved=earlier_unresolved)
    return HoldState.DECLINED if state is HoldState.UNKNOWN else state


def _in_part_is_in_full(_hold: Any, grant: RemoteHold) -> tuple[HoldState, str]:
    return HoldState.AUTHORIZED, f"{grant.amount.format()} held"


@contextmanager
def _judged_at_once() -> Iterator[None]:
    with (
        mock.patch.object(holds, "LOOKS", (timedelta(seconds=5),)),
        mock.patch.object(holds, "SETTLE", timedelta()),
        mock.patch.object(holds, "READINGS", 1),
    ):
        yield


def _nothing_is_ever_held(before: Any, now: Any, requested: int, **facts: Any) -> holds.Delta:
    found = _delta(before, now, requested, **facts)
    is_held = found.effect is holds.Effect.HELD
    return holds.Delta(holds.Effect.NO_EFFECT) if is_held else found


_delta = holds.delta


def _finish_without_a_look(error: ProviderError) -> Verdict:
    del error
    return Verdict.NOT_EXECUTED


def _forget_what_may_be_lost(_reservation: Reservation) -> None:
    """Nothing."""


OF_ISSUER = (
    _issuer(
        "an old number is used",
        ("N2", "S3", "L1"),
        _numbers_never_expire,
    ),
    _issuer(
        "the system chooses the number",
        ("N2", "E1"),
        replaced(build, "create", _of_their_choosing),
    ),
    _issuer(
        "a doubtful batch of numbers is taken",
        ("N2", "E1"),
        replaced(reservations, "fault_of", lambda *_, **__: ""),
        *("numbers_extra", "number_malformed", "numbers_twice"),
    ),
    _issuer(
        "a number that is not ours goes back into stock",
        ("N2",),
        replaced(creation_answers, "_give_number_up", _number_goes_back),
        *("reservation_lapses", "not_reserved"),
    ),
    _issuer(
        "what may be lost is not counted",
        ("N1",),
        replaced(receiving, "_count_what_may_be_lost", _forget_what_may_be_lost),
        *("timeout_after_commit", "late_commit"),
    ),
    _issuer(
        "one look that finds no card is proof",
        ("S10",),
        _absent_at_once,
        "late_commit",
    ),
    _issuer(
        "a card that exists on a first attempt is adopted",
        ("S3",),
        replaced(creation_answers, "park", _adopt_whatever_exists),
        *("reissued_to_stranger", "already_exists"),
    ),
    _issuer(
        "silence about a card counts as a no",
        ("S1", "S2", "S10"),
        replaced(creations, "verdict_of", _silence_is_refusal),
        "create_other_id",
    ),
    _issuer(
        "points are paid twice",
        ("S10",),
        replaced(creations, "after_absence", lambda _silence: creations.Absence.SAME_NUMBER),
        "late_commit",
    ),
    _issuer(
        "cards are issued that nobody approved",
        ("A2",),
        replaced(issuing, "needs_approval", lambda _issuance: False),
    ),
    _issuer(
        "a hold is asked for again after silence",
        ("S10", "S1", "S2"),
        replaced(holds, "state_after", _ask_again_after_silence),
        *("auth_code_missing", "authorized_type"),
    ),
    _issuer(
        "silence about a hold counts as a no",
        ("S2", "S10"),
        replaced(holds, "state_after", _silence_is_a_no),
        *("auth_code_missing", "authorized_type"),
    ),
    _issuer(
        "a hold in part counts as the whole",
        ("S5",),
        replaced(granting, "_in_words", _in_part_is_in_full),
        "authorized_partial",
    ),
    _issuer(
        "a lost answer is judged at once",
        ("L3",),
        _judged_at_once,
        *("auth_code_missing", "authorized_type"),
    ),
    _issuer(
        "a hold whose code was lost is not seen",
        ("L3",),
        replaced(holds, "delta", _nothing_is_ever_held),
        *("auth_code_missing", "authorized_type"),
    ),
    _issuer(
        "a hold is finished again without a look",
        ("S10",),
        replaced(completing, "_verdict_of", _finish_without_a_look),
        "late_commit",
    ),
)
