"""Asking for a hold, reading the card first, and what each answer makes of it."""

from datetime import timedelta

import pytest
import requests

from giftops.money import Money
from orders.issuing_states import CardState, HoldState
from orders.models import Attempt, Authorization, BalanceCheck, Card, IssuingEvent, Phase
from orders.services.issuing import sending
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import authorizing, deciding_holds, granting, holding
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from providers.gateways import errors
from providers.gateways.base import CardStanding, RemoteHold
from tests.orders.issuing.holds import USD_10, change, done_then, fresh, held, kinds, told, usd
from tests.orders.issuing.scripted import ScriptedIssuer


def granting_of(minor: int, code: str = "A-CODE") -> RemoteHold:
    return RemoteHold(external_id="R9", amount=usd(minor), auth_code=code)


# --- Asking -------------------------------------------------------------------------------------


def test_money_is_held_and_only_the_code_is_kept_from_sight(desk, mira):
    hold = held(desk, desk.card(mira), mira, note="Till 4")

    assert (hold.state, hold.granted_minor, hold.note) == ("authorized", 1000, "Till 4")
    assert hold.auth_code.reveal() in desk.script.holds
    assert hold.authorized_at is not None
    assert told(hold) == ["requested", "precheck", "sent", "granted"]
    code = hold.auth_code.reveal()
    assert not any(code in str(event.__dict__) for event in IssuingEvent.objects.all())
    assert Attempt.objects.get(authorization=hold).phase == Phase.APPLIED


def test_the_reading_right_before_is_kept_with_it(desk, mira):
    card = desk.card(mira)
    change(desk, card, held=usd(300))

    hold = held(desk, card, mira)

    check = BalanceCheck.objects.get(authorization=hold)
    assert (hold.before_balance_minor, hold.before_held_minor) == (2500, 300)
    assert (hold.before_at, hold.before_history) == (check.asked_at, check.history_hash)


def test_afterwards_the_card_is_read_anew(desk, mira):
    card = desk.card(mira)

    held(desk, card, mira)

    assert Card.objects.get(pk=card.pk).held_minor == 1000


@pytest.mark.parametrize(
    ("amount", "field"),
    [(usd(0), "amount"), (usd(-5), "amount"), (usd(2501), "amount"),
     (Money(100, "EUR"), "amount")],
)  # fmt: skip
def test_an_impossible_amount_is_said_at_its_field(desk, mira, amount, field):
    card = desk.card(mira)

    with pytest.raises(InvalidOrder) as refusal:
        authorizing.request_hold(card, actor=mira, amount=amount)

    assert refusal.value.field == field
    assert not Authorization.objects.exists()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (CardState.EXPIRED, "expired"), (CardState.VOIDED, "voided"),
        (CardState.DEPLETED, "Nothing is left"), (CardState.MISSING, "knows no such card"),
        (CardState.IN_DOUBT, "not issued yet"), (CardState.NEEDS_REVIEW, "not issued yet"),
    ],
)  # fmt: skip
def test_a_card_that_is_not_active_takes_no_hold(desk, mira, state, words):
    card = desk.card(mira)
    Card.objects.filter(pk=card.pk).update(state=state)

    with pytest.raises(InvalidOrder, match=words) as refusal:
        authorizing.request_hold(card, actor=mira, amount=USD_10)

    assert refusal.value.field == "card"


def test_who_may_not_hold_money_is_refused(desk, mira, tom):
    with pytest.raises(Refused, match="Your role"):
        authorizing.request_hold(desk.card(mira), actor=tom, amount=USD_10)


def test_what_is_not_sent_can_be_withdrawn_by_whoever_comes_in_time(desk, mira):
    hold = authorizing.request_hold(desk.card(mira), actor=mira, amount=USD_10)
    authorizing.withdraw_hold(hold, actor=mira)
    desk.work()

    assert fresh(hold).state == "withdrawn"
    assert desk.sent("authorize") == []
    with pytest.raises(LostTheRace, match="already withdrawn"):
        authorizing.withdraw_hold(hold, actor=mira)


# --- The reading before -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"balance": usd(900)}, "Only USD 9.00"),
        ({"held": usd(2500)}, "Nothing is left"),
        ({"balance": usd(0)}, "Nothing is left"),
        ({"standing": CardStanding.VOIDED, "status_text": "voided"}, "voided"),
        ({"standing": CardStanding.EXPIRED, "status_text": "expired"}, "expired"),
    ],
)
def test_what_the_reading_denies_is_not_sent(desk, mira, fields, words):
    card = desk.card(mira)
    change(desk, card, **fields)

    hold = held(desk, card, mira)

    assert hold.state == "declined"
    assert words in hold.reason
    assert desk.sent("authorize") == []


def test_a_card_that_is_gone_takes_no_hold(desk, mira):
    card = desk.card(mira)
    desk.script.cards.clear()

    hold = held(desk, card, mira)

    assert (hold.state, desk.sent("authorize")) == ("declined", [])


def test_less_may_do_and_stays_marked_as_a_part(desk, mira):
    card = desk.card(mira)
    change(desk, card, balance=usd(900))

    hold = held(desk, card, mira, takes_partial=True)

    assert (hold.state, hold.granted_minor, hold.requested_minor) == (
        "authorized_partial", 900, 1000,
    )  # fmt: skip


def test_without_a_reading_nothing_is_sent_and_the_card_stays_free(desk, mira):
    card = desk.card(mira)
    desk.says("check_balance", *[requests.ReadTimeout()] * 2)

    hold = held(desk, card, mira)
    assert (hold.state, desk.sent("authorize")) == ("requested", [])
    assert holding.who_is_busy(card) is None

    desk.pass_time(minutes=5, steps=3)
    assert fresh(hold).state == "authorized"


def far_from(desk) -> sending.Slot:
    return sending.Slot(at=desk.time.moment + timedelta(seconds=40))


def test_who_must_wait_for_a_turn_reads_the_card_when_it_comes(desk, mira, monkeypatch):
    card, far = desk.card(mira), far_from(desk)
    with monkeypatch.context() as patch:
        patch.setattr(ScriptedIssuer, "reserve_slot", lambda _: far)
        hold = held(desk, card, mira)
    assert (hold.state, hold.send_slot_at, told(hold)) == ("requested", far.at, ["requested"])
    assert desk.sent("check_balance") == []

    change(desk, card, held=usd(200))
    desk.pass_time(minutes=1, steps=4)

    hold = fresh(hold)
    assert (hold.state, hold.before_held_minor) == ("authorized", 200)


def test_a_turn_that_goes_away_while_reading_frees_the_card(desk, mira, monkeypatch):
    card, far = desk.card(mira), far_from(desk)
    with monkeypatch.context() as patch:
        patch.setattr(ScriptedIssuer, "renew_slot", lambda *_: far)
        hold = held(desk, card, mira)
    assert (hold.state, hold.send_slot_at) == ("requested", far.at)
    assert told(hold)[-2:] == ["precheck", "stepped_back"]

    change(desk, card, held=usd(200))
    desk.pass_time(minutes=1, steps=4)

    hold = fresh(hold)
    assert (hold.state, hold.before_held_minor) == ("authorized", 200)


def test_an_old_reading_is_not_sent_on(desk, mira, monkeypatch):
    hold = authorizing.request_hold(desk.card(mira), actor=mira, amount=USD_10)
    keep = holding.keep_before

    def keep_then_sleep(*args):
        keep(*args)
        desk.time.sleep(90)

    with monkeypatch.context() as patch:
        patch.setattr(holding, "keep_before", keep_then_sleep)
        authorizing.authorize(hold.pk)

    assert (fresh(hold).state, desk.sent("authorize")) == ("requested", [])


def test_a_worker_that_dies_while_reading_leaves_nothing_behind(desk, mira, monkeypatch):
    card = desk.card(mira)
    hold = authorizing.request_hold(card, actor=mira, amount=USD_10)
    with monkeypatch.context() as patch:
        patch.setattr(balances, "read_card", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            authorizing.authorize(hold.pk)
    assert fresh(hold).state == "prechecked"

    desk.pass_time(minutes=4, steps=4)
    assert fresh(hold).state == "prechecked"  # it may still be alive
    desk.pass_time(minutes=3, steps=4)

    assert fresh(hold).state == "authorized"
    assert len(desk.sent("authorize")) == 1


# --- One at a time ------------------------------------------------------------------------------


def test_a_card_in_doubt_takes_no_second_hold(desk, mira):
    card = desk.card(mira)
    desk.says("authorize", requests.ReadTimeout())
    held(desk, card, mira)

    with pytest.raises(InvalidOrder, match="unknown since 09:00 UTC"):
        authorizing.request_hold(card, actor=mira, amount=USD_10)


def test_who_waited_beside_a_hold_that_became_doubtful_is_declined(desk, mira):
    card = desk.card(mira)
    desk.says("authorize", requests.ReadTimeout())
    first = authorizing.request_hold(card, actor=mira, amount=USD_10)
    second = authorizing.request_hold(card, actor=mira, amount=usd(500))

    desk.work()

    assert {fresh(first).state, fresh(second).state} == {"unknown", "declined"}
    assert len(desk.sent("authorize")) == 1
    loser = fresh(second) if fresh(second).state == "declined" else fresh(first)
    assert "unknown since" in loser.reason


def test_who_finds_the_card_busy_for_a_moment_comes_back(desk, mira):
    card = desk.card(mira)
    first = authorizing.request_hold(card, actor=mira, amount=USD_10)
    second = authorizing.request_hold(card, actor=mira, amount=usd(500))
    Authorization.objects.filter(pk=first.pk).update(state=HoldState.SENDING)
    authorizing.authorize(second.pk)
    assert "under way" in fresh(second).reason

    Authorization.objects.filter(pk=first.pk).update(state=HoldState.DECLINED)
    desk.pass_time(minutes=1, steps=1)

    assert fresh(second).state == "authorized"


def test_known_holds_stand_beside_a_new_one(desk, mira):
    card = desk.card(mira)

    states = [held(desk, card, mira).state for _ in range(2)]

    assert states == ["authorized", "authorized"]


# --- Answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "state", "phase"),
    [
        (granting_of(1000), "authorized", "applied"),
        (granting_of(400), "authorized_partial", "applied"),
        (errors.ProviderRejected("no", reason="No Balance Remaining"), "declined", "applied"),
        (errors.UnknownRefusal("no"), "unknown", "unknown"),
        (errors.NotSent("no"), "requested", "not_sent"),
        (errors.RateLimited("later", retry_after=30), "requested", "not_sent"),
        (errors.ProviderMisconfigured("no"), "requested", "not_sent"),
        (errors.OutcomeUnknown("?"), "unknown", "unknown"),
        (errors.MalformedResponse("?"), "unknown", "unknown"),
        (errors.AnswerMismatch("?"), "unknown", "unknown"),
        (requests.ReadTimeout(), "unknown", "unknown"),
        (granting_of(1001), "unknown", "unknown"),
        (granting_of(0), "unknown", "unknown"),
        (granting_of(1000, code=""), "unknown", "unknown"),
    ],
)
def test_each_answer(desk, mira, answer, state, phase):
    desk.says("authorize", answer)

    hold = held(desk, desk.card(mira), mira)

    assert hold.state == state
    assert Attempt.objects.get(authorization=hold).phase == phase
    assert len(desk.sent("authorize")) == 1
    assert bool(hold.auth_code) is state.startswith("authorized")


@pytest.mark.parametrize(
    ("answer", "is_alarm"),
    [(granting_of(1001), True), (errors.AnswerMismatch("?"), True),
     (errors.OutcomeUnknown("?"), False)],
)  # fmt: skip
def test_a_broken_contract_raises_the_alarm(desk, mira, answer, is_alarm):
    desk.says("authorize", answer)

    hold = held(desk, desk.card(mira), mira)

    assert kinds(hold) == ({"contract"} if is_alarm else set())


def test_what_was_not_carried_out_goes_again_with_a_new_reading(desk, mira):
    card = desk.card(mira)
    desk.says("authorize", errors.NotSent("refused"))
    hold = held(desk, card, mira)
    change(desk, card, held=usd(100))

    desk.pass_time(minutes=2, steps=2)

    hold = fresh(hold)
    assert (hold.state, hold.before_held_minor) == ("authorized", 100)
    assert [one.phase for one in hold.attempts.all()] == ["not_sent", "applied"]


def test_what_is_never_carried_out_is_declined_in_the_end(desk, mira):
    desk.says("authorize", *[errors.ProviderMisconfigured("no")] * 9)

    hold = held(desk, desk.card(mira), mira)
    desk.pass_time(hours=3, steps=20)

    assert fresh(hold).state == "declined"
    assert len(desk.sent("authorize")) == 8


def test_a_no_while_an_earlier_request_is_unresolved_is_no_decline(desk, mira):
    card = desk.card(mira)
    desk.says("authorize", requests.ReadTimeout())
    earlier = held(desk, card, mira)
    Authorization.objects.filter(pk=earlier.pk).update(state=HoldState.ABANDONED)
    desk.says("authorize", errors.ProviderRejected("no", reason="No Balance Remaining"))

    assert held(desk, card, mira).state == "unknown"


def test_an_account_that_is_switched_off_sends_nothing(desk, mira):
    hold = authorizing.request_hold(desk.card(mira), actor=mira, amount=USD_10)
    type(desk.account).objects.update(is_active=False)

    desk.work()

    assert (fresh(hold).state, desk.sent("authorize")) == ("declined", [])


# --- Late answers -------------------------------------------------------------------------------


def test_a_worker_that_dies_after_the_answer_loses_nothing(desk, mira, monkeypatch):
    hold = authorizing.request_hold(desk.card(mira), actor=mira, amount=USD_10)
    with monkeypatch.context() as patch:
        patch.setattr(sending, "apply", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            authorizing.authorize(hold.pk)
    assert fresh(hold).state == "sending"

    desk.pass_time(minutes=6, steps=3)

    assert fresh(hold).state == "authorized"
    assert fresh(hold).auth_code.reveal() in desk.script.holds
    assert len(desk.sent("authorize")) == 1


def late(hold, answer: RemoteHold | None = None) -> None:
    """The answer to its first request arrives now."""
    attempt = Attempt.objects.filter(authorization=hold).order_by("id").first()
    sending.apply(attempt.pk, answer or granting_of(1000))


@pytest.mark.parametrize("state", sorted(set(granting.TAKES_A_GRANT) - {HoldState.SENDING}))
def test_a_late_answer_ends_every_doubt(desk, mira, state):
    desk.says("authorize", requests.ReadTimeout())
    hold = held(desk, desk.card(mira), mira)
    Authorization.objects.filter(pk=hold.pk).update(state=state)

    late(hold)
    late(hold)

    hold = fresh(hold)
    assert (hold.state, hold.auth_code.reveal()) == ("authorized", "A-CODE")
    assert Attempt.objects.get(authorization=hold).phase == Phase.RESOLVED_SUCCESS
    assert kinds(hold) == set()


def test_a_hold_that_was_given_up_comes_back_to_people(desk, mira):
    desk.says("authorize", requests.ReadTimeout())
    hold = held(desk, desk.card(mira), mira)
    Authorization.objects.filter(pk=hold.pk).update(state=HoldState.ABANDONED)

    late(hold)

    hold = fresh(hold)
    assert (hold.state, hold.auth_code.reveal()) == ("needs_review", "A-CODE")
    assert kinds(hold) == {"late_truth"}


@pytest.mark.parametrize(("state", "becomes"), [("requested", "withdrawn"),
                                                ("prechecked", "declined")])  # fmt: skip
def test_a_grant_of_an_earlier_request_is_kept_as_a_hold_of_its_own(desk, mira, state, becomes):
    desk.says("authorize", requests.ReadTimeout())
    hold = held(desk, desk.card(mira), mira)
    Authorization.objects.filter(pk=hold.pk).update(state=state, fence=2)

    late(hold)

    other = Authorization.objects.exclude(pk=hold.pk).get()
    assert fresh(hold).state == becomes  # else it would be held twice
    assert (other.state, other.auth_code.reveal()) == ("authorized", "A-CODE")
    assert kinds(other) == {"late_truth"}


def test_the_same_code_late_is_no_second_hold(desk, mira):
    hold = held(desk, desk.card(mira), mira)
    Attempt.objects.filter(authorization=hold).update(phase=Phase.UNKNOWN)

    late(hold, granting_of(1000, code=hold.auth_code.reveal()))

    assert Authorization.objects.count() == 1


def test_the_code_of_another_hold_is_no_grant(desk, mira):
    card = desk.card(mira)
    desk.says("authorize", granting_of(1000), granting_of(1000))

    first, second = held(desk, card, mira), held(desk, card, mira)

    assert (first.state, second.state) == ("authorized", "unknown")
    assert not second.auth_code
    assert kinds(second) == {"contract"}


@pytest.mark.parametrize(
    ("decision", "told", "states"),
    [
        ("enter_code", {"auth_code": "A-CODE", "amount": USD_10}, ["authorized"]),
        ("enter_code", {"auth_code": "TYPO", "amount": USD_10}, ["authorized", "authorized"]),
        ("was_released", {}, ["needs_review"]),
    ],
)
def test_a_late_code_is_kept_although_two_people_decided(desk, mira, tom, decision, told, states):
    desk.says("authorize", done_then(desk, "authorize"))
    card = desk.card(mira)
    hold = held(desk, card, mira)
    desk.pass_time(minutes=30)
    if decision == "was_released":
        change(desk, card, held=usd(0))
    proposal = deciding_holds.propose(
        hold, actor=mira, decision=decision, reason="They said so.", **told
    )
    deciding_holds.confirm(proposal, actor=tom)

    late(hold)
    late(hold)

    holds = Authorization.objects.filter(card=card)
    assert list(holds.values_list("state", flat=True)) == states
    assert "A-CODE" in {one.auth_code.reveal() for one in holds}


def test_a_late_no_changes_nothing(desk, mira):
    desk.says("authorize", done_then(desk, "authorize"))
    hold = held(desk, desk.card(mira), mira)

    attempt = Attempt.objects.get(authorization=hold)
    sending.apply(attempt.pk, errors.ProviderRejected("no"))

    assert fresh(hold).state == "unknown"
