"""Two people decide what is on a number, and the issuer's word stands against what it denies."""

from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from giftops.money import Money
from orders.issuing_states import CardState, IssuanceState, NumberState
from orders.models import BalanceCheck, Break, Phase, Resolution
from orders.services.issuing import sending
from orders.services.issuing.cards import creating, deciding_cards
from orders.services.problems import LostTheRace, Refused
from providers import services as providers
from providers.gateways import errors
from providers.gateways.base import CreatedCard
from tests.orders.issuing.cards import codes, numbers, only_card, under_way
from tests.orders.issuing.scripted import fresh

C, N = CardState, NumberState
OURS, NOT = "card_is_ours", "card_is_not"
EXISTS = errors.DuplicateReference("exists", reason="GiftcardId Already Exists")
USD_24 = Money(2400, "USD")


def held(desk, maker, *answers, **there):
    """A card that two people must decide about; `there`: what the issuer shows on its number."""
    card = only_card(under_way(desk, maker))
    desk.says("create", *(answers or [EXISTS]))
    desk.work()
    card.refresh_from_db()
    if there:
        show(desk, card, **there)
    desk.pass_time(minutes=1)
    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    return card


def show(desk, card, *, document="", **changes):
    plain = card.number.number.reveal()
    usual = fresh(plain, card.face_value, document=document)
    desk.script.cards[plain] = replace(usual, **changes)


def lost_and_spent(desk, maker):
    """Created without an answer, and spent from before we looked."""
    return held(desk, maker, requests.ReadTimeout(), document="", balance=USD_24, available=USD_24)


def propose(card, actor, decision, reason="They said so."):
    return deciding_cards.propose(card, actor=actor, decision=decision, reason=reason)


def test_two_people_take_over_a_card_that_is_ours(desk, mira, tom):
    card = lost_and_spent(desk, mira)

    proposal = propose(card, mira, OURS)
    deciding_cards.confirm(proposal, actor=tom)

    card.refresh_from_db()
    assert (card.state, card.number.state) == (C.ACTIVE, N.CREATED)
    assert codes() == [card.number.number.reveal()]
    assert card.balance_minor == 2400
    assert card.attempts.get().phase == Phase.RESOLVED_SUCCESS
    assert not Break.objects.filter(closed_at=None).exists()


def test_the_evidence_is_kept_and_names_no_number(desk, mira):
    card = lost_and_spent(desk, mira)
    before = BalanceCheck.objects.count()

    proposal = propose(card, mira, OURS)

    assert proposal.evidence["provider_says"] == "“active”, USD 24.00"
    assert BalanceCheck.objects.count() == before + 1


def test_nobody_confirms_their_own_proposal(desk, mira):
    proposal = propose(lost_and_spent(desk, mira), mira, OURS)

    with pytest.raises(Refused, match="second person"):
        deciding_cards.confirm(proposal, actor=mira)


def test_a_foreign_sale_is_not_taken_over(desk, mira):
    card = held(desk, mira, document="WALK-IN")

    with pytest.raises(Refused, match="another sale"):
        propose(card, mira, OURS)


def test_where_there_is_no_card_there_is_nothing_to_take_over(desk, mira):
    card = held(desk, mira)

    with pytest.raises(Refused, match="no card"):
        propose(card, mira, OURS)


def test_it_is_not_given_up_while_it_may_still_arrive(desk, mira):
    card = held(desk, mira)

    with pytest.raises(Refused, match="30 minutes"):
        propose(card, mira, NOT)


def test_given_up_the_number_is_never_used_again_and_the_card_may_be_retried(desk, mira, tom):
    card = held(desk, mira, document="WALK-IN")
    desk.pass_time(minutes=30, steps=2)

    deciding_cards.confirm(propose(card, mira, NOT), actor=tom)
    card.refresh_from_db()
    assert (card.state, card.number) == (C.REFUSED, None)
    assert numbers() == {"retired": 1, "reserved": 2}

    creating.retry_card(card, actor=mira)
    desk.work()
    first, second = (asked["number"] for asked in desk.sent("create"))
    assert codes() == [second] != [first]
    card.issuance.refresh_from_db()
    assert card.issuance.state == IssuanceState.DONE


def test_a_collision_that_looks_like_ours_can_be_given_up(desk, mira, tom):
    card = held(desk, mira, document="")
    desk.pass_time(minutes=30, steps=2)

    deciding_cards.confirm(propose(card, mira, NOT), actor=tom)

    card.refresh_from_db()
    assert card.state == C.REFUSED


def test_a_card_of_our_sale_is_not_given_up(desk, mira):
    card = lost_and_spent(desk, mira)
    show(desk, card, document=card.sale_id, balance=USD_24)
    desk.time.moment += timedelta(hours=1)

    with pytest.raises(Refused, match="our sale"):
        propose(card, mira, NOT)


def test_a_card_that_may_be_ours_and_is_as_asked_for_is_not_given_up(desk, mira):
    card = lost_and_spent(desk, mira)
    desk.pass_time(minutes=30, steps=2)
    show(desk, card)

    with pytest.raises(Refused, match="exactly as we asked"):
        propose(card, mira, NOT)


def test_a_card_on_the_other_number_must_be_voided_first(desk, mira):
    other = "WEB-0000000000000001"
    card = only_card(under_way(desk, mira))
    desk.script.cards[other] = fresh(other, card.face_value)
    desk.says("create", CreatedCard(number=other))
    desk.pass_time(minutes=40)

    with pytest.raises(Refused, match="other number"):
        propose(card, mira, NOT)


def test_the_second_person_has_the_issuer_asked_anew(desk, mira, tom):
    card = held(desk, mira, document="")
    proposal = propose(card, mira, OURS)
    show(desk, card, document="WALK-IN")

    with pytest.raises(Refused, match="another sale"):
        deciding_cards.confirm(proposal, actor=tom)

    assert codes() == []


def test_without_an_answer_nothing_is_decided(desk, mira):
    card = held(desk, mira, document="")
    desk.says("check_balance", *[requests.ReadTimeout()] * 4)

    with pytest.raises(Refused, match="could not be asked"):
        propose(card, mira, OURS)

    assert not Resolution.objects.exists()


def test_one_proposal_at_a_time_and_it_may_be_dropped(desk, mira, tom):
    card = held(desk, mira, document="")
    proposal = propose(card, mira, OURS)
    with pytest.raises(LostTheRace, match="already proposed"):
        propose(card, tom, OURS)

    deciding_cards.drop(proposal, actor=tom)
    with pytest.raises(LostTheRace):
        deciding_cards.confirm(proposal, actor=tom)
    assert propose(card, tom, OURS).state == Resolution.State.OPEN


@pytest.mark.parametrize(
    ("decision", "reason", "why"),
    [(OURS, "  ", "Say what"), ("adopt", "x", "not what can be decided"), ("", "x", "decided")],
)
def test_a_proposal_says_what_and_why(desk, mira, decision, reason, why):
    card = held(desk, mira, document="")

    with pytest.raises(Refused, match=why):
        propose(card, mira, decision, reason)


def test_a_card_that_nobody_doubts_is_not_decided_about(desk, mira):
    card = only_card(under_way(desk, mira))
    desk.work()

    with pytest.raises(LostTheRace):
        propose(card, mira, NOT)


def test_an_answer_in_the_journal_is_read_before_anything_is_decided(desk, mira, monkeypatch):
    card = only_card(under_way(desk, mira, points=100))
    with monkeypatch.context() as patch:  # the answer is on the disk of a machine that is down
        patch.setattr(providers, "journaled_answer", lambda attempt: None)
        patch.setattr(sending, "answer_of", silent(sending.answer_of))
        desk.work()
        desk.script.cards.clear()
        desk.pass_time(hours=1)
    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW

    with pytest.raises(LostTheRace, match="Its answer has just been found"):
        propose(card, mira, NOT)

    card.refresh_from_db()
    assert card.state == C.ACTIVE


def test_a_late_answer_settles_what_is_proposed(desk, mira, tom):
    card = lost_and_spent(desk, mira)
    proposal = propose(card, mira, OURS)

    sending.apply(card.attempts.get().pk, CreatedCard(number=card.number.number.reveal()))

    proposal.refresh_from_db()
    card.refresh_from_db()
    assert (card.state, proposal.state, proposal.decided_by) == (C.ACTIVE, "dropped", None)
    assert card.events.last().kind == "resolution_lapsed"
    for decide in (deciding_cards.confirm, deciding_cards.drop):
        with pytest.raises(LostTheRace, match="lapsed: the provider's answer came"):
            decide(proposal, actor=tom)


def silent(ask):
    def answer_of(*args):
        ask(*args)
        return errors.OutcomeUnknown("The program that sent it ended.")

    return answer_of


def test_others_have_no_say(desk, mira, user):
    card = held(desk, mira, document="")

    with pytest.raises(Refused, match="role"):
        propose(card, user("support_agent"), OURS)
