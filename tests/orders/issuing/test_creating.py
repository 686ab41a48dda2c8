"""One card, from its intent to what the issuer's answer makes of it."""

from datetime import timedelta

import pytest
import requests
from django.db import transaction

from giftops.identity import reference_for
from giftops.money import Money
from giftops.queue import enqueue
from orders.issuing_states import CardState, IssuanceState, NumberState
from orders.models import Attempt, Break, BreakKind, Card, Issuance, IssuingEvent, Phase
from orders.services.issuing import sending
from orders.services.issuing.cards import creating, issuing
from orders.services.problems import LostTheRace, Refused
from providers import services as providers
from providers.gateways import errors
from providers.gateways.base import CreatedCard
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

REFUSAL = errors.ProviderRejected("Customer Not Found", http_status=404)


def test_a_card_is_created_on_a_reserved_number(desk, mira):
    issuance = under_way(desk, mira)

    desk.work()

    card, (asked,) = only_card(issuance), desk.sent("create")
    assert card.state == CardState.ACTIVE
    assert card.code.reveal() == card.number.number.reveal() == asked["number"]
    assert asked["sale_id"] == card.sale_id == reference_for(card.pk)
    assert (card.balance_minor, card.held_minor, card.is_releasable) == (2500, 0, True)
    assert card.last_four == asked["number"][-4:]
    assert card.number.state == NumberState.CREATED
    assert Attempt.objects.get().phase == Phase.APPLIED
    issuance.refresh_from_db()
    assert issuance.state == IssuanceState.DONE


def test_the_number_is_taken_with_the_intent(desk, mira):
    issuance = under_way(desk, mira)
    seen = []
    desk.says("create", lambda asked: seen.append(snapshot()) or errors.NotSent("x"))

    desk.work()

    assert seen == [(CardState.CREATING, NumberState.CREATING, Phase.SENDING, False)]
    assert states(issuance) == [CardState.WAITING]
    assert numbers() == {"reserved": 3}


def snapshot():
    card, attempt = Card.objects.get(), Attempt.objects.get()
    in_block = transaction.get_connection().in_atomic_block and _is_nested()
    return card.state, attempt.number_sent.state, attempt.phase, in_block


def _is_nested() -> bool:
    """Whether a transaction is open beside the test's own."""
    return len(transaction.get_connection().savepoint_ids) > 0


def test_two_jobs_for_one_card_send_once(desk, mira):
    card = only_card(under_way(desk, mira))

    creating.create_card(str(card.pk))
    creating.create_card(str(card.pk))

    assert len(desk.sent("create")) == 1


def test_who_read_the_card_before_another_sent_it_is_second(desk, mira):
    card = only_card(under_way(desk, mira))
    creating.create_card(str(card.pk))

    with pytest.raises((LostTheRace, Refused)):
        sending.run(creating.CREATE, card)

    assert len(desk.sent("create")) == 1
    assert numbers() == {"created": 1, "reserved": 2}


def test_a_refusal_frees_the_number_and_says_why(desk, mira):
    issuance = under_way(desk, mira, 2)
    desk.says("create", REFUSAL)

    desk.work()

    refused = issuance.cards.get(state=CardState.REFUSED)
    assert "Customer Not Found" in refused.reason
    assert refused.number is None
    assert states(issuance).count(CardState.ACTIVE) == 1
    issuance.refresh_from_db()
    assert issuance.state == IssuanceState.DONE
    assert numbers() == {"created": 1, "reserved": 3}


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectTimeout(),
        errors.RateLimited("x", retry_after=5, http_status=429),
        errors.TokenRefused("x", http_status=401),
        errors.Maintenance("x", http_status=400),
    ],
)
def test_what_was_not_carried_out_is_sent_again_on_the_number_it_has(desk, mira, error):
    issuance = under_way(desk, mira)
    desk.says("create", error)

    desk.pass_time(minutes=25)

    first, second = desk.sent("create")
    assert first == second
    assert states(issuance) == [CardState.ACTIVE]


def test_a_number_that_is_not_reserved_is_retired_and_the_pool_gives_another(desk, mira):
    issuance = under_way(desk, mira)
    desk.says("create", errors.NotReserved("no", reason="GiftcardId Not Reserved"))

    desk.pass_time(minutes=2)

    first, second = (asked["number"] for asked in desk.sent("create"))
    assert first != second
    assert codes() == [second]
    assert numbers() == {"retired": 1, "created": 1, "reserved": 1}
    assert states(issuance) == [CardState.ACTIVE]


def test_already_exists_on_a_first_try_is_a_collision_whatever_it_looks_like(desk, mira):
    card = only_card(under_way(desk, mira))

    def exists(asked):
        desk.script.do_create(asked)
        return errors.DuplicateReference("exists", reason="GiftcardId Already Exists")

    desk.says("create", exists)
    desk.pass_time(hours=2)

    card.refresh_from_db()
    assert card.state == CardState.NEEDS_REVIEW
    assert card.number.state == NumberState.NEEDS_REVIEW
    assert not card.is_releasable
    assert Break.objects.get().kind == BreakKind.CREATE_CONFLICT
    assert len(desk.sent("create")) == 1


def test_an_answer_about_another_number_is_in_doubt_and_an_alarm(desk, mira):
    card = only_card(under_way(desk, mira))
    desk.says("create", CreatedCard(number="WEB-0000000000000001"))

    desk.work()

    card.refresh_from_db()
    assert card.state == CardState.IN_DOUBT
    assert card.other_code.reveal() == "WEB-0000000000000001"
    assert Break.objects.get().kind == BreakKind.CONTRACT
    told = IssuingEvent.objects.values_list("text", flat=True)
    assert not any("0000000000000001" in text for text in told)


def test_a_late_answer_about_another_number_is_asked_about_too(desk, mira):
    card = only_card(under_way(desk, mira))
    desk.says("create", requests.ReadTimeout())
    desk.work()
    desk.script.cards["OTHER-1"] = fresh("OTHER-1", Money(2500, "USD"))

    sending.apply(Attempt.objects.get().pk, CreatedCard(number="OTHER-1"))
    desk.pass_time(hours=1)

    card.refresh_from_db()
    assert card.state == CardState.NEEDS_REVIEW
    assert living(desk) == ["OTHER-1"]  # no second one beside it
    assert Break.objects.filter(card=card, kind="contract", closed_at=None).exists()


def test_a_worker_that_died_leaves_a_card_in_doubt_on_its_number(desk, mira):
    card = only_card(under_way(desk, mira))
    die_after_sending(desk, card)

    desk.pass_time(minutes=6, steps=3)
    card.refresh_from_db()
    assert (card.state, card.number.state) == (CardState.IN_DOUBT, NumberState.IN_DOUBT)

    desk.pass_time(minutes=6, steps=6)
    assert codes() == living(desk)
    assert len(desk.sent("create")) == 1


def die_after_sending(desk, card):
    """The intent is written, the request leaves, and nobody hears the answer."""

    def killed(asked):
        desk.script.do_create(asked)
        raise Killed

    desk.says("create", killed)
    with pytest.raises(Killed):
        creating.create_card(str(card.pk))


class Killed(BaseException):
    pass


def test_an_answer_that_lies_in_the_journal_is_taken_in(desk, mira, monkeypatch):
    card = only_card(under_way(desk, mira))
    with monkeypatch.context() as patch:
        patch.setattr(sending, "apply", dies)
        with pytest.raises(Killed):
            creating.create_card(str(card.pk))

    attempt = Attempt.objects.get()
    assert providers.journaled_answer(str(attempt.pk)) is not None
    sending.settle_lapsed(attempt)
    sending.settle_lapsed(Attempt.objects.get())

    card.refresh_from_db()
    assert card.state == CardState.ACTIVE
    assert codes() == living(desk)


def dies(*_):
    raise Killed


def test_a_pool_that_ran_empty_keeps_the_card_waiting_until_it_is_filled(desk, mira):
    pool = desk.pool(mira, 2)
    issuance = under_way(desk, mira, 2, pool=pool)
    pool.reservations.get().numbers.update(state=NumberState.RETIRED)

    desk.work()
    assert states(issuance) == [CardState.WAITING] * 2
    assert "No number is left" in issuance.cards.first().reason

    desk.reserved(mira, pool=pool, count=2)
    desk.pass_time(minutes=12)
    assert states(issuance) == [CardState.ACTIVE] * 2


def single(desk, mira):
    know(desk, "1001")
    reservation = desk.reserved(mira)
    issuance = issuing.draft_issuance(
        desk.account, actor=mira, wishes=[wish()], reservation=reservation
    )
    return issuance, reservation


def test_a_card_on_a_single_number_is_created(desk, mira):
    issuance, reservation = single(desk, mira)

    issuing.submit_issuance(issuance, actor=mira)
    desk.work()

    assert codes() == [reservation.numbers.get().number.reveal()]


def test_a_single_number_that_lapses_sends_nothing_until_a_person_brings_another(desk, mira):
    issuance, _ = single(desk, mira)
    issuing.submit_issuance(issuance, actor=mira)
    desk.time.moment += timedelta(minutes=50)

    desk.work()
    card = only_card(issuance)
    assert creating.waits_for_a_person(card)
    assert desk.sent("create") == []

    creating.retry_card(card, actor=mira, reservation=desk.reserved(mira))
    desk.work()
    assert states(issuance) == [CardState.ACTIVE]


def test_a_used_number_is_no_help(desk, mira):
    issuance, reservation = single(desk, mira)
    issuing.submit_issuance(issuance, actor=mira)
    desk.work()
    other = under_way(desk, mira)
    desk.says("create", REFUSAL)
    desk.work()
    Issuance.objects.filter(pk=other.pk).update(pool=None)

    with pytest.raises(Refused, match="created"):
        creating.retry_card(only_card(other), actor=mira, reservation=reservation)


def test_a_refused_card_may_be_tried_again_as_it_is(desk, mira):
    issuance = under_way(desk, mira)
    desk.says("create", REFUSAL)
    desk.work()

    creating.retry_card(only_card(issuance), actor=mira)
    issuance.refresh_from_db()
    assert issuance.state == IssuanceState.RUNNING
    desk.work()

    issuance.refresh_from_db()
    assert issuance.state == IssuanceState.DONE
    assert len(codes()) == 1
    assert {asked["customer_id"] for asked in desk.sent("create")} == {"1001"}


def test_a_created_card_is_not_tried_again(desk, mira):
    issuance = under_way(desk, mira)
    desk.work()

    with pytest.raises(Refused):
        creating.retry_card(only_card(issuance), actor=mira)

    assert len(desk.sent("create")) == 1


def test_retrying_takes_the_role(desk, mira, tom):
    issuance = under_way(desk, mira)
    desk.says("create", REFUSAL)
    desk.work()

    with pytest.raises(Refused, match="role"):
        creating.retry_card(only_card(issuance), actor=tom)


def test_points_are_paid_instead_of_a_sale(desk, mira):
    under_way(desk, mira, points=500)

    desk.work()

    (asked,) = desk.sent("create")
    assert (asked["points"], asked["sale_id"]) == (500, "")


def test_the_sweep_rings_again_for_a_lost_job(desk, mira):
    from giftops.models import Job

    issuance = under_way(desk, mira, 3)
    Job.objects.all().delete()

    desk.pass_time(minutes=3, steps=3)

    assert states(issuance) == [CardState.ACTIVE] * 3


def test_a_job_for_a_card_that_is_done_does_nothing(desk, mira):
    card = only_card(under_way(desk, mira))
    desk.work()

    enqueue("orders.tasks_issuing.create_card", card.pk)
    enqueue("orders.tasks_issuing.resolve_card", card.pk)
    desk.work()

    assert len(desk.sent("create")) == 1
