"""Two people end a doubt; what the card reads stands against whoever denies it."""

import pytest
import requests

from giftops.models import AuditEntry
from orders.issuing_states import HOLDS_FOR_TWO, HoldState
from orders.models import Authorization, BalanceCheck, IssuingEvent, Resolution
from orders.services.issuing import sending
from orders.services.issuing.holds import deciding_holds, finishing
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from providers.gateways import errors
from providers.gateways.base import RemoteHold
from tests.orders.issuing.holds import change, done_then, fresh, held, kinds, told, usd

SECRET = "STAFF-TOLD-4711"
DOUBTS = {"no_effect_seen": False, "held_code_lost": True}


@pytest.fixture
def card(desk, mira):
    return desk.card(mira)


@pytest.fixture
def doubt(desk, mira, card):
    """A hold in doubt, after twenty minutes: whether it took effect there, or not."""

    def make(*, takes_effect: bool) -> Authorization:
        problem = done_then(desk, "authorize") if takes_effect else requests.ReadTimeout()
        desk.says("authorize", problem)
        hold = held(desk, card, mira)
        desk.pass_time(minutes=21, steps=7)
        return fresh(hold)

    return make


@pytest.fixture
def unfinished(desk, mira, card):
    """A hold whose confirmation was sent twice in vain."""
    hold = held(desk, card, mira)
    desk.says("confirm", *[requests.ReadTimeout()] * 2)
    finishing.confirm_hold(hold, actor=mira)
    desk.work()
    desk.pass_time(hours=1, steps=20)
    return fresh(hold)


def propose(hold, person, decision: str, **fields):
    return deciding_holds.propose(
        hold, actor=person, decision=decision, reason="I asked their staff.", **fields
    )


def decide(hold, first, second, decision: str, **fields) -> Authorization:
    proposal = propose(hold, first, decision, **fields)
    deciding_holds.confirm(proposal, actor=second)
    return fresh(hold)


def test_asking_again_takes_two_and_a_new_reading(desk, mira, tom, card, doubt):
    hold = doubt(takes_effect=False)
    change(desk, card, status_text="active")

    hold = decide(hold, mira, tom, "ask_again")
    assert (hold.state, kinds(hold)) == ("requested", set())
    desk.work()

    hold = fresh(hold)
    assert hold.state == "authorized"
    assert len(desk.sent("authorize")) == 2
    assert [one.phase for one in hold.attempts.all()] == ["resolved_absent", "applied"]
    assert hold.before_at > hold.attempts.first().sent_at


def test_asking_again_is_refused_once_something_moved(desk, mira, tom, card, doubt):
    hold = doubt(takes_effect=False)
    proposal = propose(hold, mira, "ask_again")

    desk.script.do_authorize(desk.sent("authorize")[0])  # it lands after all

    with pytest.raises(Refused, match="hold it twice"):
        deciding_holds.confirm(proposal, actor=tom)
    assert fresh(hold).state == "no_effect_seen"


def test_a_code_is_entered_by_two_and_shown_to_nobody(desk, mira, tom, doubt):
    hold = doubt(takes_effect=True)
    code = next(iter(desk.script.holds))

    hold = decide(hold, mira, tom, "enter_code", auth_code=f" {code} ", amount=usd(1000))

    assert (hold.state, hold.granted_minor) == ("authorized", 1000)
    assert hold.auth_code.reveal() == code
    texts = [str(row.__dict__) for row in (
        *IssuingEvent.objects.all(), *AuditEntry.objects.all(), *Resolution.objects.all(),
    )]  # fmt: skip
    assert not any(code in text for text in texts)
    finishing.confirm_hold(hold, actor=mira)
    desk.work()
    assert fresh(hold).state == "confirmed"


def test_a_part_is_entered_as_a_part(desk, mira, tom, card, doubt):
    hold = doubt(takes_effect=True)
    change(desk, card, held=usd(400))

    hold = decide(hold, mira, tom, "enter_code", auth_code=SECRET, amount=usd(400))

    assert hold.state == "authorized_partial"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"auth_code": "", "amount": usd(1000)}, "auth_code"),
        ({"auth_code": "A\nB", "amount": usd(1000)}, "auth_code"),
        ({"auth_code": "A" * 201, "amount": usd(1000)}, "auth_code"),
        ({"auth_code": SECRET}, "amount"),
        ({"auth_code": SECRET, "amount": usd(0)}, "amount"),
        ({"auth_code": SECRET, "amount": usd(1001)}, "amount"),
    ],
)
def test_a_code_that_cannot_be_right_is_said_at_its_field(mira, doubt, fields, field):
    hold = doubt(takes_effect=True)

    with pytest.raises(InvalidOrder) as refusal:
        propose(hold, mira, "enter_code", **fields)

    assert refusal.value.field == field
    assert not Resolution.objects.exists()


def test_a_code_of_another_hold_is_refused(desk, mira, card, doubt):
    other = held(desk, card, mira)
    hold = doubt(takes_effect=True)

    with pytest.raises(InvalidOrder, match="Another hold"):
        propose(hold, mira, "enter_code", auth_code=other.auth_code.reveal(), amount=usd(1000))


@pytest.mark.parametrize(
    ("takes_effect", "decision", "fields", "words"),
    [
        (True, "abandon", {}, "still held"),
        (True, "was_released", {}, "still held"),
        (True, "enter_code", {"auth_code": SECRET, "amount": usd(900)}, "more is held"),
        (False, "enter_code", {"auth_code": SECRET, "amount": usd(900)}, "No more is held"),
    ],
)
def test_what_the_reading_denies_is_refused(mira, doubt, takes_effect, decision, fields, words):
    hold = doubt(takes_effect=takes_effect)

    with pytest.raises(Refused, match=words):
        propose(hold, mira, decision, **fields)
    assert fresh(hold).state in HOLDS_FOR_TWO


@pytest.mark.parametrize(
    ("decision", "state"), [("abandon", "abandoned"), ("was_released", "released_by_provider")]
)
def test_what_the_staff_released_can_be_closed(desk, mira, tom, card, doubt, decision, state):
    hold = doubt(takes_effect=True)
    change(desk, card, held=usd(0))

    hold = decide(hold, mira, tom, decision)

    assert (hold.state, kinds(hold)) == (state, set())
    assert held(desk, card, mira).state == "authorized"  # the card is free again


@pytest.mark.parametrize(
    ("decision", "act", "state"),
    [
        ("still_held", None, "authorized"),
        ("was_confirmed", "do_confirm", "confirmed"),
        ("was_released", "do_cancel", "released_by_provider"),
        ("abandon", "do_cancel", "abandoned"),
    ],
)
def test_people_end_what_could_not_be_finished(desk, mira, tom, unfinished, decision, act, state):
    assert unfinished.state == "needs_review"
    if act:
        getattr(desk.script, act)(desk.sent("confirm")[0])

    assert decide(unfinished, mira, tom, decision).state == state


@pytest.mark.parametrize(
    ("decision", "act", "words"),
    [
        ("was_confirmed", None, "not taken"),
        ("was_confirmed", "do_cancel", "not taken"),
        ("was_released", None, "still held"),
        ("abandon", "do_confirm", "was taken"),
        ("still_held", "do_confirm", "It is over"),
        ("still_held", "do_cancel", "It is over"),
    ],
)
def test_nobody_may_say_what_the_card_denies(desk, mira, unfinished, decision, act, words):
    if act:
        getattr(desk.script, act)(desk.sent("confirm")[0])

    with pytest.raises(Refused, match=words):
        propose(unfinished, mira, decision)


def test_what_is_still_held_can_be_finished_anew(desk, mira, tom, unfinished):
    hold = decide(unfinished, mira, tom, "still_held")

    finishing.cancel_hold(hold, actor=mira)
    desk.work()

    assert fresh(hold).state == "released"


def test_nobody_confirms_an_own_proposal(mira, doubt):
    proposal = propose(doubt(takes_effect=False), mira, "abandon")

    with pytest.raises(Refused, match="second person"):
        deciding_holds.confirm(proposal, actor=mira)


def test_support_and_auditors_decide_nothing(doubt, user):
    hold = doubt(takes_effect=False)

    for role in ("support_agent", "auditor", "administrator"):
        with pytest.raises(Refused, match="Your role"):
            propose(hold, user(role), "abandon")


def test_there_is_one_proposal_at_a_time(mira, jon, tom, doubt):
    hold = doubt(takes_effect=False)
    first = propose(hold, mira, "abandon")

    with pytest.raises(LostTheRace, match="already proposed"):
        propose(hold, jon, "ask_again")
    deciding_holds.drop(first, actor=jon)
    assert decide(hold, jon, tom, "ask_again").state == "requested"


def test_a_decision_without_a_reason_or_a_reading_is_none(desk, mira, doubt):
    hold = doubt(takes_effect=False)

    with pytest.raises(InvalidOrder, match="found out"):
        deciding_holds.propose(hold, actor=mira, decision="abandon", reason=" ")
    desk.says("check_balance", *[errors.ProviderUnavailable("down")] * 2)
    with pytest.raises(Refused, match="could not be read"):
        propose(hold, mira, "abandon")


def test_each_side_has_a_reading_of_its_own(desk, mira, tom, doubt):
    hold = doubt(takes_effect=False)
    before = BalanceCheck.objects.filter(authorization=hold).count()

    proposal = propose(hold, mira, "abandon")
    desk.time.sleep(60)
    deciding_holds.confirm(proposal, actor=tom)

    assert BalanceCheck.objects.filter(authorization=hold).count() == before + 2
    decided = hold.events.get(kind="decided_abandon")
    assert decided.facts["reading"] != proposal.evidence["reading"]
    assert decided.actor == tom


def test_the_provider_has_the_last_word(mira, tom, doubt):
    hold = doubt(takes_effect=False)
    proposal = propose(hold, mira, "abandon")

    grant = RemoteHold(external_id="R1", amount=usd(1000), auth_code=SECRET)
    sending.apply(hold.attempts.get().pk, grant)

    proposal.refresh_from_db()
    assert (fresh(hold).state, proposal.state) == ("authorized", "dropped")
    assert told(hold)[-2:] == ["late_answer", "resolution_lapsed"]
    for decide_now in (deciding_holds.confirm, deciding_holds.drop):
        with pytest.raises(LostTheRace, match="lapsed: the provider's answer came"):
            decide_now(proposal, actor=tom)


def test_a_late_word_about_its_end_settles_what_is_proposed(desk, mira, tom, unfinished):
    proposal = propose(unfinished, mira, "still_held")

    attempt = unfinished.attempts.filter(operation="confirm").first()
    sending.apply(attempt.pk, None)

    assert (fresh(unfinished).state, told(unfinished)[-1]) == ("confirmed", "resolution_lapsed")
    with pytest.raises(LostTheRace, match="lapsed"):
        deciding_holds.confirm(proposal, actor=tom)


def test_an_answer_to_another_request_leaves_the_proposal_open(desk, mira, tom, doubt):
    hold = doubt(takes_effect=False)
    decide(hold, mira, tom, "ask_again")
    desk.says("authorize", requests.ReadTimeout())
    desk.work()
    desk.pass_time(minutes=21, steps=7)
    proposal = propose(fresh(hold), mira, "abandon")

    grant = RemoteHold(external_id="R1", amount=usd(1000), auth_code=SECRET)
    sending.apply(hold.attempts.order_by("number").first().pk, grant)

    proposal.refresh_from_db()
    assert (fresh(hold).state, proposal.state) == ("no_effect_seen", "open")


def test_who_comes_second_is_told_what_became_of_the_proposal(mira, tom, jon, doubt):
    proposal = propose(doubt(takes_effect=False), mira, "abandon")
    deciding_holds.drop(proposal, actor=tom)

    with pytest.raises(LostTheRace, match="Tom has already dropped this at"):
        deciding_holds.confirm(proposal, actor=tom)


def test_what_can_be_decided_is_in_the_table_of_steps():
    assert set(deciding_holds.DECISIONS_FOR) == set(HOLDS_FOR_TWO)


@pytest.mark.parametrize("state", [HoldState.AUTHORIZED, HoldState.UNKNOWN, HoldState.CONFIRMED])
def test_only_what_is_held_for_people_is_theirs(mira, doubt, state):
    hold = doubt(takes_effect=False)
    Authorization.objects.filter(pk=hold.pk).update(state=state)

    with pytest.raises(LostTheRace):
        propose(hold, mira, "abandon")
