"""The pure choices about holds, row by row."""

from datetime import UTC, datetime, timedelta

import pytest

from giftops.money import Money
from orders.decisions import Verdict
from orders.issuing_states import HoldState as H
from orders.weighing import holds
from orders.weighing.holds import Delta, Effect, Evidence, Finish, Next, Reading
from providers.gateways.base import RemoteHold

BEFORE = Reading(balance=5000, held=1000, history="h")
NONE, HELD = Delta(Effect.NO_EFFECT), Delta(Effect.HELD, 2000)
ODD, GONE = Delta(Effect.AMBIGUOUS), Delta(Effect.GONE)


def now(balance: int = 5000, held: int = 1000, history: str = "h", status: str = "active"):
    return Reading(balance=balance, held=held, history=history, status=status)


@pytest.mark.parametrize(
    ("reading", "is_ours", "told"),
    [
        (now(), False, NONE),
        (now(held=3000), False, HELD),
        (now(held=1001), False, Delta(Effect.HELD, 1)),
        (now(held=3001), False, ODD),  # more than was asked for
        (now(held=999), False, ODD),  # less than before
        (now(balance=4999), False, ODD),
        (now(balance=5001, held=3000), False, ODD),
        (now(balance=3000, held=3000), False, ODD),
        (now(history="other"), False, ODD),  # spent and refunded, say
        (now(history="other"), True, ODD),  # named, but not held
        (now(held=3000, history="other"), False, ODD),
        (now(held=3000, history="other"), True, HELD),
        (now(status="voided"), False, GONE),
        (now(held=3000, status="expired"), False, GONE),
        (None, False, GONE),
    ],
)
def test_what_a_reading_says_about_a_lost_answer(reading, is_ours, told):
    assert holds.delta(BEFORE, reading, 2000, history_is_ours=is_ours) == told


def test_without_a_reading_before_nothing_can_be_told():
    assert holds.delta(None, now(), 2000) == GONE
    assert holds.finish_of(None, now(), 2000) is Finish.GONE


@pytest.mark.parametrize(
    ("deltas", "minutes", "to"),
    [
        ([], 4, None),
        ([NONE, NONE], 20, None),
        ([NONE, NONE, NONE], 19, None),
        ([NONE, NONE, NONE], 20, H.NO_EFFECT_SEEN),
        ([HELD, HELD, HELD], 20, H.HELD_CODE_LOST),
        ([ODD, ODD, ODD], 20, H.AMBIGUOUS),
        ([GONE, GONE, GONE], 20, H.AMBIGUOUS),
        ([NONE, HELD, HELD], 20, H.AMBIGUOUS),  # it landed late, or somebody else held
        ([HELD, HELD, Delta(Effect.HELD, 1999)], 20, H.AMBIGUOUS),
        ([NONE, NONE, NONE, HELD], 25, H.AMBIGUOUS),
        ([NONE, NONE, NONE], 90, H.NO_EFFECT_SEEN),
    ],
)
def test_only_three_that_agree_say_anything(deltas, minutes, to):
    assert holds.conclusion(deltas, timedelta(minutes=minutes)) == to


@pytest.mark.parametrize(
    ("deltas", "run"), [([], 0), ([NONE], 1), ([NONE, HELD], 1), ([HELD, NONE, NONE], 2)]
)
def test_how_many_say_the_same(deltas, run):
    assert holds.unbroken(deltas) == run


@pytest.mark.parametrize(
    ("reading", "became"),
    [
        (now(), Finish.UNCHANGED),
        (now(history="other"), Finish.UNCHANGED),
        (now(balance=4000, held=0), Finish.TAKEN),
        (now(held=0), Finish.GIVEN_BACK),
        (now(balance=4000), Finish.UNCLEAR),
        (now(balance=3500, held=0), Finish.UNCLEAR),
        (now(held=500), Finish.UNCLEAR),
        (now(status="voided"), Finish.GONE),
        (None, Finish.GONE),
    ],
)
def test_what_a_reading_says_about_the_end_of_a_hold(reading, became):
    assert holds.finish_of(BEFORE, reading, 1000) is became


@pytest.mark.parametrize(
    ("last", "settled", "minutes", "sends", "do"),
    [
        (Finish.TAKEN, [], 0, 1, Next.TAKEN),
        (Finish.GIVEN_BACK, [Finish.UNCHANGED], 6, 1, Next.GIVEN_BACK),
        (Finish.UNCHANGED, [Finish.UNCHANGED] * 2, 20, 1, Next.LOOK_AGAIN),
        (Finish.UNCHANGED, [Finish.UNCHANGED] * 3, 19, 1, Next.LOOK_AGAIN),
        (Finish.UNCHANGED, [Finish.UNCHANGED] * 3, 20, 1, Next.SEND_AGAIN),
        (Finish.UNCHANGED, [Finish.UNCHANGED] * 3, 20, 2, Next.REVIEW),
        (Finish.UNCHANGED, [Finish.UNCLEAR, Finish.UNCHANGED, Finish.UNCHANGED], 20, 1,
         Next.REVIEW),
        (Finish.GONE, [Finish.GONE] * 3, 20, 1, Next.REVIEW),
        (Finish.UNCLEAR, [Finish.UNCLEAR], 6, 1, Next.LOOK_AGAIN),
    ],
)  # fmt: skip
def test_what_a_look_at_the_end_leads_to(last, settled, minutes, sends, do):
    after = timedelta(minutes=minutes)
    assert holds.next_of_finish(last, settled, last_after=after, sends=sends) is do


@pytest.mark.parametrize(
    ("verdict", "earlier", "state"),
    [
        (Verdict.NOT_EXECUTED, False, H.REQUESTED),
        (Verdict.REJECTED, False, H.DECLINED),
        (Verdict.NO_FUNDS, False, H.DECLINED),
        (Verdict.UNKNOWN, False, H.UNKNOWN),
        (Verdict.REJECTED, True, H.UNKNOWN),  # our own first hold may have taken the rest
        (Verdict.NOT_EXECUTED, True, H.UNKNOWN),
    ],
)
def test_a_no_means_little_while_something_is_unresolved(verdict, earlier, state):
    assert holds.state_after(verdict, earlier_unresolved=earlier) is state


@pytest.mark.parametrize(
    ("minor", "currency", "code", "is_sane"),
    [
        (1000, "USD", "A1", True), (999, "USD", "A1", True), (1001, "USD", "A1", False),
        (0, "USD", "A1", False), (-1, "USD", "A1", False), (1000, "EUR", "A1", False),
        (1000, "USD", "", False),
    ],
)  # fmt: skip
def test_a_grant_has_a_code_and_at_most_what_was_asked(minor, currency, code, is_sane):
    grant = RemoteHold(external_id="R1", amount=Money(minor, currency), auth_code=code)
    assert holds.is_sane(grant, Money(1000, "USD")) is is_sane


@pytest.mark.parametrize(
    ("left", "takes_partial", "is_fine"),
    [(1000, False, True), (999, False, False), (999, True, True), (0, True, False),
     (-5, True, False)],
)  # fmt: skip
def test_what_is_left_must_do(left, takes_partial, is_fine):
    problem = holds.problem_with_amount(
        Money(left, "USD"), Money(1000, "USD"), takes_partial=takes_partial
    )
    assert (problem == "") is is_fine


def test_looks_come_after_5_10_and_20_minutes_then_every_5():
    sent = datetime(2026, 3, 2, 9, tzinfo=UTC)
    minutes = [0, 5, 10, 20, 26]
    looks = [holds.next_look(sent, sent + timedelta(minutes=one)) - sent for one in minutes]
    assert looks == [timedelta(minutes=one) for one in (5, 10, 20, 25, 31)]


def seen(*, is_finishing: bool, reading: Reading | None, amount: int = 1000) -> Evidence:
    return Evidence(
        before=BEFORE, now=reading, delta=holds.delta(BEFORE, reading, amount),
        finish=holds.finish_of(BEFORE, reading, amount), is_finishing=is_finishing,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("is_finishing", "reading", "facts"),
    [
        (False, now(), {"has_no_effect"}),
        (False, now(held=2000), {"is_still_held"}),
        (True, now(), {"is_still_held"}),
        (True, now(balance=4000, held=0), {"was_taken"}),
        (True, now(held=0), {"was_given_back"}),
        (False, now(balance=4000, held=0), set()),
        (False, None, set()),
    ],
)
def test_what_evidence_says(is_finishing, reading, facts):
    evidence = seen(is_finishing=is_finishing, reading=reading)
    names = ("has_no_effect", "is_still_held", "was_taken", "was_given_back")
    assert {name for name in names if getattr(evidence, name)} == facts


def test_what_has_left_the_card_and_what_it_could_hold():
    evidence = seen(is_finishing=True, reading=now(balance=4500, held=700))

    assert (evidence.has_fallen_by(500), evidence.has_fallen_by(501)) == (True, False)
    assert (evidence.could_hold(700), evidence.could_hold(701)) == (True, False)
    nothing = seen(is_finishing=True, reading=None)
    assert (nothing.has_fallen_by(1), nothing.could_hold(1)) == (True, False)
