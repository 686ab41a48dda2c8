"""Taking what is held and giving it back: what is sent, what silence means, and who is told."""

import pytest
import requests

from giftops.queue import run_due
from orders.issuing_states import HoldState
from orders.models import Attempt, Authorization, BalanceCheck, Card, IssuingEvent
from orders.services.issuing import sending
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import finishing
from orders.services.problems import LostTheRace, Refused
from providers.gateways import errors
from tests.orders.issuing.holds import change, done_then, fresh, held, kinds, told, usd

PRESS = {"confirm": finishing.confirm_hold, "cancel": finishing.cancel_hold}
DOUBT = {"confirm": "confirm_unknown", "cancel": "cancel_unknown"}
DONE = {"confirm": "confirmed", "cancel": "released"}
BOTH = pytest.mark.parametrize("way", ["confirm", "cancel"])


@pytest.fixture
def card(desk, mira):
    return desk.card(mira)


@pytest.fixture
def hold(desk, mira, card):
    return held(desk, card, mira)


def press(desk, hold, person, way: str) -> Authorization:
    PRESS[way](hold, actor=person)
    desk.work()
    return fresh(hold)


@pytest.mark.parametrize(("way", "left"), [("confirm", 1500), ("cancel", 2500)])
def test_a_hold_is_taken_or_given_back(desk, mira, card, hold, way, left):
    hold = press(desk, hold, mira, way)

    assert hold.state == DONE[way]
    assert hold.finished_at is not None
    known = Card.objects.get(pk=card.pk)
    assert (known.balance_minor, known.held_minor) == (left, 0)
    assert desk.script.holds == {}


@BOTH
def test_what_was_held_in_part_is_finished_as_it_is(desk, mira, card, way):
    change(desk, card, balance=usd(900))
    hold = held(desk, card, mira, takes_partial=True)

    assert press(desk, hold, mira, way).state == DONE[way]


def test_the_card_is_read_before_and_that_is_kept(desk, mira, hold):
    desk.pass_time(minutes=1, steps=1)
    hold = press(desk, hold, mira, "confirm")

    checks = BalanceCheck.objects.filter(authorization=hold)
    assert checks.count() == 3  # before the hold, before its end, after it
    assert (hold.before_balance_minor, hold.before_held_minor) == (2500, 1000)
    assert hold.before_at in checks.values_list("asked_at", flat=True)


@BOTH
def test_who_is_second_is_told_who_was_first(desk, mira, jon, hold, way):
    PRESS[way](hold, actor=mira)

    with pytest.raises(LostTheRace, match="Mira has already asked"):
        PRESS[way](hold, actor=jon)
    desk.work()
    with pytest.raises(LostTheRace, match="already"):
        PRESS[way](hold, actor=jon)
    assert len(desk.sent(way)) == 1


def test_who_thinks_better_of_it_in_time_is_heard(desk, mira, hold):
    finishing.confirm_hold(hold, actor=mira)
    finishing.cancel_hold(hold, actor=mira)

    desk.work()

    assert fresh(hold).state == "released"
    assert desk.sent("confirm") == []


def test_another_wish_at_the_last_moment_stops_the_first(desk, mira, hold, monkeypatch):
    finishing.confirm_hold(hold, actor=mira)
    problem_with = finishing.problem_with

    def meanwhile(*args):
        finishing.cancel_hold(hold, actor=mira)
        return problem_with(*args)

    with monkeypatch.context() as patch:
        patch.setattr(finishing, "problem_with", meanwhile)
        finishing.finish_hold(hold.pk)
    assert desk.sent("confirm") == []

    desk.work()
    assert fresh(hold).state == "released"


@BOTH
def test_who_may_not_is_refused(hold, tom, way):
    with pytest.raises(Refused, match="Your role"):
        PRESS[way](hold, actor=tom)


@BOTH
def test_a_card_that_is_in_doubt_waits(desk, mira, card, hold, way):
    desk.says("authorize", requests.ReadTimeout())
    held(desk, card, mira)

    with pytest.raises(Refused, match="unknown since"):
        PRESS[way](hold, actor=mira)


def test_who_lost_the_right_meanwhile_finishes_nothing(desk, mira, hold):
    finishing.confirm_hold(hold, actor=mira)
    type(mira).objects.filter(pk=mira.pk).update(role="auditor")

    desk.work()

    assert (fresh(hold).state, desk.sent("confirm")) == ("authorized", [])
    assert "may no longer" in fresh(hold).reason


@BOTH
@pytest.mark.parametrize("what", ["nothing", "the opposite"])
def test_a_word_that_the_card_denies_raises_the_alarm(desk, mira, hold, way, what):
    def act(asked):
        if what == "the opposite":
            getattr(desk.script, "do_cancel" if way == "confirm" else "do_confirm")(asked)

    desk.says(way, act)
    desk.time.sleep(60)

    hold = press(desk, hold, mira, way)

    assert (hold.state, kinds(hold)) == (DONE[way], {"contradiction"})


def test_where_another_hold_has_moved_no_alarm_is_raised(desk, mira, card, hold):
    desk.says("cancel", lambda asked: None)
    desk.time.sleep(60)
    finishing.cancel_hold(hold, actor=mira)
    finishing.finish_hold(hold.pk)

    held(desk, card, mira)

    assert kinds(hold) == set()


# --- Not carried out ----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("is_partial", [False, True])
def test_what_was_not_carried_out_stands_as_before_and_goes_again(
    desk, mira, card, way, is_partial
):
    if is_partial:
        change(desk, card, balance=usd(900))
    hold = held(desk, card, mira, takes_partial=is_partial)
    desk.says(way, errors.NotSent("refused"))

    state = press(desk, hold, mira, way).state
    assert state == ("authorized_partial" if is_partial else "authorized")
    desk.pass_time(minutes=2, steps=2)

    assert fresh(hold).state == DONE[way]
    assert len(desk.sent(way)) == 2


@BOTH
def test_what_is_never_carried_out_is_left_to_the_person(desk, mira, hold, way):
    desk.says(way, *[errors.ProviderMisconfigured("no")] * 9)

    press(desk, hold, mira, way)
    desk.pass_time(hours=3, steps=20)

    assert fresh(hold).state == "authorized"
    assert finishing.wish_of(fresh(hold)) is None
    assert len(desk.sent(way)) == 8


@BOTH
def test_without_a_reading_nothing_is_sent(desk, mira, hold, way):
    desk.says("check_balance", *[errors.ProviderUnavailable("down")] * 2)

    assert press(desk, hold, mira, way).state == "authorized"
    assert desk.sent(way) == []
    desk.pass_time(minutes=5, steps=3)
    assert fresh(hold).state == DONE[way]


@BOTH
def test_a_worker_that_dies_while_reading_leaves_it_as_it_was(desk, mira, hold, way, monkeypatch):
    PRESS[way](hold, actor=mira)
    with monkeypatch.context() as patch:
        patch.setattr(balances, "read_card", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            finishing.finish_hold(hold.pk)

    desk.pass_time(minutes=7, steps=4)

    assert fresh(hold).state == DONE[way]
    assert len(desk.sent(way)) == 1


# --- No answer ----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "problem",
    [requests.ReadTimeout(), errors.MalformedResponse("?"), errors.UnknownRefusal("no"),
     errors.ProviderRejected("no"), errors.HoldIsOver("over")],
)  # fmt: skip
def test_what_the_card_shows_ends_the_doubt(desk, mira, hold, way, problem):
    desk.says(way, done_then(desk, way, problem))

    state = press(desk, hold, mira, way).state
    if not isinstance(problem, errors.HoldIsOver):  # then nothing is under way: judged at once
        assert state == DOUBT[way]
    desk.pass_time(minutes=6, steps=3)

    assert fresh(hold).state == DONE[way]
    assert len(desk.sent(way)) == 1
    assert {one.phase for one in hold.attempts.filter(operation=way)} == {"resolved_success"}


@pytest.mark.parametrize(
    ("way", "other", "state"),
    [("confirm", "cancel", "released"), ("cancel", "confirm", "confirmed")],
)
def test_the_opposite_is_believed_and_raises_the_alarm(desk, mira, hold, way, other, state):
    def opposite(asked):
        return done_then(desk, other)(asked)

    desk.says(way, opposite)
    press(desk, hold, mira, way)

    desk.pass_time(minutes=6, steps=3)

    assert fresh(hold).state == state
    assert kinds(hold) == {"contradiction"}


@BOTH
def test_the_same_code_goes_once_more_after_three_readings_without_a_change(desk, mira, hold, way):
    desk.says(way, requests.ReadTimeout())
    press(desk, hold, mira, way)
    desk.pass_time(minutes=19, steps=7)
    assert len(desk.sent(way)) == 1

    desk.pass_time(minutes=2, steps=2)

    assert fresh(hold).state == DONE[way]
    assert desk.sent(way)[0] == desk.sent(way)[1]
    assert {one.phase for one in hold.attempts.filter(operation=way)} == {
        "resolved_success", "applied",
    }  # fmt: skip


@BOTH
def test_after_the_second_silence_a_person_looks(desk, mira, hold, way):
    desk.says(way, *[requests.ReadTimeout()] * 3)
    press(desk, hold, mira, way)

    desk.pass_time(hours=2, steps=24)

    hold = fresh(hold)
    assert (hold.state, len(desk.sent(way))) == ("needs_review", 2)
    assert kinds(hold) == {"hold_in_doubt"}
    assert finishing.wish_of(hold) is None


@BOTH
def test_while_the_account_is_switched_off_a_doubt_waits_quietly(desk, mira, hold, way):
    desk.says(way, requests.ReadTimeout())
    press(desk, hold, mira, way)
    switch(desk, on=False)
    asked = len(desk.sent("check_balance"))

    desk.pass_time(hours=3, steps=60)

    hold = fresh(hold)
    assert (hold.state, len(desk.sent("check_balance"))) == (DOUBT[way], asked)
    assert told(hold)[-2:] == ["outcome_unknown", "waits"]
    assert IssuingEvent.objects.filter(authorization=hold, kind="waits").count() == 1
    switch(desk, on=True)
    desk.pass_time(hours=1, steps=12)
    assert (fresh(hold).state, len(desk.sent(way))) == (DONE[way], 2)


@BOTH
def test_after_a_day_with_the_account_switched_off_a_person_looks(desk, mira, hold, way):
    desk.says(way, requests.ReadTimeout())
    press(desk, hold, mira, way)
    switch(desk, on=False)

    desk.pass_time(hours=25, steps=110)

    assert (fresh(hold).state, len(desk.sent(way))) == ("needs_review", 1)
    assert kinds(hold) == {"hold_in_doubt"}


def test_an_answer_in_the_journal_is_read_though_the_account_is_switched_off(
    desk, mira, hold, monkeypatch
):
    ask = sending.answer_of

    def unheard(*args):
        ask(*args)
        return errors.OutcomeUnknown("The program that sent it ended.")

    with monkeypatch.context() as patch:
        patch.setattr(sending, "answer_of", unheard)
        assert press(desk, hold, mira, "confirm").state == "confirm_unknown"
    switch(desk, on=False)

    desk.pass_time(minutes=6, steps=3)

    assert fresh(hold).state == "confirmed"


def switch(desk, *, on: bool) -> None:
    type(desk.account).objects.filter(pk=desk.account.pk).update(is_active=on)


def test_a_second_send_that_was_not_carried_out_is_still_in_doubt(desk, mira, hold):
    desk.says("confirm", requests.ReadTimeout(), errors.NotSent("refused"))
    press(desk, hold, mira, "confirm")

    desk.pass_time(minutes=21, steps=7)
    assert fresh(hold).state in ("confirm_unknown", "confirmed")
    desk.pass_time(minutes=30, steps=10)

    assert fresh(hold).state == "confirmed"
    assert len(desk.sent("confirm")) == 3


def test_what_lands_late_is_not_sent_again(desk, mira, hold):
    desk.says("confirm", requests.ReadTimeout())
    press(desk, hold, mira, "confirm")
    desk.pass_time(minutes=19, steps=7)

    desk.script.do_confirm(desk.sent("confirm")[0])
    desk.pass_time(minutes=6, steps=3)

    assert fresh(hold).state == "confirmed"
    assert len(desk.sent("confirm")) == 1


def test_what_changes_otherwise_is_for_a_person(desk, mira, card, hold):
    desk.says("confirm", requests.ReadTimeout())
    press(desk, hold, mira, "confirm")
    change(desk, card, balance=usd(2000))

    desk.pass_time(minutes=21, steps=7)

    assert fresh(hold).state == "needs_review"
    assert len(desk.sent("confirm")) == 1


@BOTH
def test_a_worker_that_dies_on_the_wire_leaves_a_doubt(desk, mira, hold, way, monkeypatch):
    PRESS[way](hold, actor=mira)
    with monkeypatch.context() as patch:
        patch.setattr(sending, "answer_of", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            finishing.finish_hold(hold.pk)

    desk.pass_time(minutes=6, steps=3)

    assert fresh(hold).state == DOUBT[way]


def test_a_late_success_is_believed_where_people_would_decide(desk, mira, hold):
    desk.says("confirm", *[requests.ReadTimeout()] * 2)
    press(desk, hold, mira, "confirm")
    desk.pass_time(hours=1, steps=20)
    assert fresh(hold).state == "needs_review"

    attempt = Attempt.objects.filter(authorization=hold, operation="confirm").first()
    sending.apply(attempt.pk, None)

    assert fresh(hold).state == "confirmed"
    assert kinds(hold) == set()


def test_a_late_success_that_contradicts_raises_the_alarm(desk, mira, hold):
    desk.says("confirm", requests.ReadTimeout())
    press(desk, hold, mira, "confirm")
    Authorization.objects.filter(pk=hold.pk).update(state=HoldState.RELEASED)

    attempt = Attempt.objects.get(authorization=hold, operation="confirm")
    sending.apply(attempt.pk, None)

    assert fresh(hold).state == "released"
    assert kinds(hold) == {"contradiction"}


def test_a_job_that_comes_twice_sends_once(desk, mira, hold):
    finishing.confirm_hold(hold, actor=mira)

    finishing.finish_hold(hold.pk)
    finishing.finish_hold(hold.pk)
    while run_due():
        pass

    assert len(desk.sent("confirm")) == 1
    assert told(hold).count("sent") == 2  # held, confirmed
