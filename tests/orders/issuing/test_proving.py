"""A creation without a usable answer: what its number shows, and what absence allows."""

from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from giftops.identity import new_id
from giftops.money import Money
from orders.issuing_states import CardState, IssuanceState, NumberState
from orders.models import Attempt, BalanceCheck, Break, BreakKind, Card, Phase
from orders.services import breaking
from orders.services.issuing import sending
from orders.services.issuing.cards import issuing, proving
from orders.services.problems import Refused
from providers.gateways import errors
from providers.gateways.base import CardStanding, CreatedCard
from providers.models import ProviderAccount
from tests.orders.issuing.cards import (
    codes,
    know,
    living,
    numbers,
    only_card,
    states,
    under_way,
    wish,
)
from tests.orders.issuing.scripted import fresh

C, N = CardState, NumberState
OTHER = "WEB-0000000000000001"


def lost(desk, *, created):
    """The next creation has no usable answer; whether the card came to be."""

    def answer(asked):
        if created:
            desk.script.do_create(asked)
        return requests.ReadTimeout()

    desk.says("create", answer)


def in_doubt(desk, maker, *, created, **fields):
    lost(desk, created=created)
    card = only_card(under_way(desk, maker, **fields))
    desk.work()
    card.refresh_from_db()
    assert (card.state, card.number.state) == (C.IN_DOUBT, N.IN_DOUBT)
    return card


def on_its_number(desk, card, **changes):
    """What the issuer shows there."""
    plain = card.number.number.reveal()
    usual = fresh(plain, card.face_value, document=card.sale_id)
    desk.script.cards[plain] = replace(usual, **changes)


def test_a_card_that_is_there_as_asked_for_is_taken_over_after_half_a_minute(desk, mira):
    card = in_doubt(desk, mira, created=True)
    desk.pass_time(seconds=25)
    assert desk.sent("check_balance") == []

    desk.pass_time(seconds=10)

    card.refresh_from_db()
    assert (card.state, card.number.state) == (C.ACTIVE, N.CREATED)
    assert codes() == living(desk)
    assert (card.balance_minor, card.held_minor) == (2500, 0)
    assert len(desk.sent("create")) == 1
    assert card.attempts.get().phase == Phase.RESOLVED_SUCCESS
    assert BalanceCheck.objects.filter(card=card, is_found=True).exists()
    assert card.issuance.state == IssuanceState.DONE


@pytest.mark.parametrize(
    "changes",
    [
        {"balance": Money(2400, "USD"), "available": Money(2400, "USD")},
        {"held": Money(100, "USD"), "available": Money(2400, "USD")},
        {"history": ()},
        {"standing": CardStanding.UNMAPPED, "status_text": "reserved"},
        {"standing": CardStanding.VOIDED, "status_text": "voided"},
    ],
)
def test_anything_else_on_its_number_is_held_for_two_people(desk, mira, changes):
    card = in_doubt(desk, mira, created=False)
    on_its_number(desk, card, **changes)

    desk.pass_time(hours=2)

    card.refresh_from_db()
    assert (card.state, card.number.state) == (C.NEEDS_REVIEW, N.NEEDS_REVIEW)
    assert Break.objects.get().kind == BreakKind.CREATE_CONFLICT
    assert card.attempts.get().phase == Phase.PARKED
    assert len(desk.sent("create")) == 1


def test_three_times_no_such_card_sends_the_same_number_again(desk, mira):
    card = in_doubt(desk, mira, created=False)
    desk.pass_time(minutes=9, seconds=50)
    assert len(desk.sent("create")) == 1

    desk.pass_time(seconds=20)

    first, second = desk.sent("create")
    assert first == second
    card.refresh_from_db()
    assert card.state == C.ACTIVE
    assert codes() == living(desk)
    assert {a.phase for a in card.attempts.all()} == {Phase.APPLIED, Phase.RESOLVED_SUCCESS}


def test_a_look_without_an_answer_starts_the_run_anew(desk, mira):
    in_doubt(desk, mira, created=False)
    down = errors.ProviderUnavailable("down", http_status=503)
    desk.says("check_balance", None, None, *[down] * 2)

    desk.pass_time(minutes=12)

    assert len(desk.sent("create")) == 1


def test_already_exists_after_a_lost_answer_is_looked_at_and_taken_over(desk, mira):
    card = in_doubt(desk, mira, created=False)
    desk.says("check_balance", None, None, None)  # not visible yet

    def exists(asked):
        desk.script.do_create(asked)
        return errors.DuplicateReference("exists", reason="GiftcardId Already Exists")

    desk.says("create", exists)
    desk.pass_time(minutes=11)

    card.refresh_from_db()
    assert card.state == C.ACTIVE
    assert codes() == living(desk)


def test_what_is_said_to_exist_and_stays_unseen_never_gets_another_number(desk, mira):
    card = in_doubt(desk, mira, created=False)
    desk.says("create", errors.DuplicateReference("exists"))

    desk.pass_time(hours=4)

    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    assert len(desk.sent("create")) == 2
    assert len({asked["number"] for asked in desk.sent("create")}) == 1


def single_in_doubt(desk, mira, *, age):
    """A card on a single number, sent when the number was so old, without an answer."""
    know(desk, "1001")
    reservation = desk.reserved(mira)
    issuance = issuing.draft_issuance(
        desk.account, actor=mira, wishes=[wish()], reservation=reservation
    )
    desk.time.moment += age
    lost(desk, created=False)
    issuing.submit_issuance(issuance, actor=mira)
    desk.work()
    return only_card(issuance)


def test_a_number_that_may_have_lapsed_is_retired_after_half_an_hour(desk, mira):
    card = single_in_doubt(desk, mira, age=timedelta(minutes=45))

    desk.pass_time(minutes=29)
    card.refresh_from_db()
    assert (card.state, card.number.state) == (C.IN_DOUBT, N.IN_DOUBT)

    desk.pass_time(minutes=2)
    card.refresh_from_db()
    assert (card.state, card.number) == (C.WAITING, None)
    assert numbers() == {"retired": 1}
    assert len(desk.sent("create")) == 1
    assert card.attempts.get().phase == Phase.RESOLVED_ABSENT


def test_a_stranger_on_a_number_that_lapsed_is_not_taken_over(desk, mira):
    card = single_in_doubt(desk, mira, age=timedelta(minutes=49))
    on_its_number(desk, card)
    plain = card.number.number.reveal()
    desk.script.cards[plain] = fresh(plain, card.face_value, document="WALK-IN")

    desk.pass_time(minutes=5)

    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    assert codes() == []


def test_points_are_never_sent_twice(desk, mira):
    card = in_doubt(desk, mira, created=False, points=2500)

    desk.pass_time(hours=30)

    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    assert "No such card" in card.reason
    assert "2,500 points" in card.reason
    assert len(desk.sent("create")) == 1


def test_an_answer_about_another_number_has_both_asked(desk, mira):
    card = only_card(under_way(desk, mira))
    desk.says("create", CreatedCard(number=OTHER))
    desk.work()

    desk.pass_time(minutes=1)

    assert {asked["number"] for asked in desk.sent("check_balance")} == {
        OTHER, desk.sent("create")[0]["number"],
    }  # fmt: skip
    card.refresh_from_db()
    assert card.state == C.IN_DOUBT


def test_the_other_number_is_never_taken_over(desk, mira):
    card = only_card(under_way(desk, mira))
    desk.says("create", CreatedCard(number=OTHER))
    desk.script.cards[OTHER] = fresh(OTHER, card.face_value, document=card.sale_id)

    desk.pass_time(minutes=1)

    card.refresh_from_db()
    assert (card.state, codes()) == (C.NEEDS_REVIEW, [])


def test_ours_is_taken_over_if_nothing_is_on_the_other_number(desk, mira):
    card = only_card(under_way(desk, mira))

    def mistold(asked):
        desk.script.do_create(asked)
        return CreatedCard(number=OTHER)

    desk.says("create", mistold)
    desk.pass_time(minutes=1)

    card.refresh_from_db()
    assert card.state == C.ACTIVE
    assert codes() == living(desk)


def test_while_paused_it_is_looked_at_and_not_sent(desk, mira):
    card = in_doubt(desk, mira, created=False)
    issuing.pause_issuance(card.issuance, actor=mira)
    desk.pass_time(minutes=20)
    assert (states(card.issuance), len(desk.sent("create"))) == ([C.IN_DOUBT], 1)

    issuing.resume_issuance(card.issuance, actor=mira)
    desk.pass_time(minutes=6)
    assert states(card.issuance) == [C.ACTIVE]


def test_what_may_no_longer_be_sent_is_held_for_a_person(desk, mira):
    card = in_doubt(desk, mira, created=False)
    mira.is_active = False
    mira.save()

    desk.pass_time(minutes=12)

    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    assert Break.objects.get().kind == BreakKind.ABSENT
    assert len(desk.sent("create")) == 1


def test_absence_counts_only_where_it_was_sent(desk, mira):
    card = in_doubt(desk, mira, created=False)
    Attempt.objects.update(account_mark="elsewhere")

    desk.pass_time(minutes=12)

    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    assert len(desk.sent("create")) == 1


def test_a_late_answer_ends_the_doubt(desk, mira):
    card = in_doubt(desk, mira, created=True)

    sending.apply(Attempt.objects.get().pk, CreatedCard(number=card.number.number.reveal()))

    card.refresh_from_db()
    assert card.state == C.ACTIVE
    assert Attempt.objects.get().phase == Phase.RESOLVED_SUCCESS
    assert codes() == living(desk)


def test_a_late_answer_about_a_number_that_was_given_up_calls_a_person(desk, mira):
    card = single_in_doubt(desk, mira, age=timedelta(minutes=45))
    plain = card.number.number.reveal()
    desk.pass_time(minutes=32)

    sending.apply(Attempt.objects.get().pk, CreatedCard(number=plain))

    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    assert card.number.number.reveal() == plain
    assert Break.objects.get().kind == BreakKind.LATE_TRUTH
    assert codes() == []


def test_the_alarm_about_a_second_card_outlasts_the_end_of_the_doubt(desk, mira):
    card = in_doubt(desk, mira, created=True)
    breaking.open_break(BreakKind.LATE_TRUTH, desk.account, card=card, text="On another number.")
    breaking.open_break(BreakKind.ABSENT, desk.account, card=card, text="Not there.")

    sending.apply(Attempt.objects.get().pk, CreatedCard(number=card.number.number.reveal()))

    card.refresh_from_db()
    assert card.state == C.ACTIVE
    assert [one.kind for one in Break.objects.filter(closed_at=None)] == [BreakKind.LATE_TRUTH]


def test_the_same_late_answer_twice_is_one_card(desk, mira):
    card = in_doubt(desk, mira, created=True)
    answer = CreatedCard(number=card.number.number.reveal())
    for _ in range(2):
        sending.apply(Attempt.objects.get().pk, answer)

    card.refresh_from_db()
    assert card.state == C.ACTIVE
    assert not Break.objects.filter(closed_at=None).exists()


def test_a_person_may_ask_and_sends_nothing(desk, mira):
    card = in_doubt(desk, mira, created=False)
    desk.time.moment += timedelta(minutes=15)
    for _ in range(4):
        proving.ask_now(card, actor=mira)

    assert len(desk.sent("create")) == 1

    with pytest.raises(Refused, match="role"):
        proving.ask_now(card, actor=type(mira)(username="x", role="auditor"))


def test_no_secret_is_told(desk, mira):
    card = in_doubt(desk, mira, created=True)
    desk.pass_time(minutes=1)

    plain = card.number.number.reveal()
    told = [event.text + str(event.facts) for event in card.events.all()]
    assert not any(plain in text or plain[-8:] in text for text in told)


def test_a_number_that_cannot_be_asked_about_for_a_day_is_for_people(desk, mira):
    card = in_doubt(desk, mira, created=True)
    desk.says("check_balance", *[errors.ProviderUnavailable("they are down")] * 500)

    desk.pass_time(hours=23, steps=23)
    card.refresh_from_db()
    assert card.state == C.IN_DOUBT
    desk.pass_time(hours=2, steps=10)

    card.refresh_from_db()
    assert card.state == C.NEEDS_REVIEW
    assert Break.objects.get(card=card).kind == BreakKind.STALE
    assert len(desk.sent("create")) == 1


def test_two_merchants_may_number_alike(desk, mira):
    """A number is one card at each account; elsewhere it is another merchant's business."""
    theirs = desk.card(mira)
    ours = desk.card(mira)
    elsewhere = _twin(desk.account)

    Card.objects.filter(pk=ours.pk).update(account=elsewhere, code_index=theirs.code_index)

    assert Card.objects.filter(code_index=theirs.code_index).count() == 2


def _twin(account):
    fields = {f.name: getattr(account, f.name) for f in ProviderAccount._meta.fields}
    return ProviderAccount.objects.create(
        **fields | {"id": new_id(), "name": "twin", "credentials": account.credentials.reveal()}
    )
