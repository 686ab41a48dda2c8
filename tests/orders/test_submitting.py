"""Submit, approve, decline, withdraw: who may, who was first, and what happens to the money."""

import pytest
from django.db import IntegrityError, transaction

from giftops.money import Money
from orders.models import Approval, Deposit, Order
from orders.services import placing, submitting
from orders.services.problems import LostTheRace, Refused
from orders.statuses import Status

DEAR = Money(50_000, "USD")


@pytest.fixture
def waiting(shop, mira, settings):
    """A batch above the limit, handed in."""
    settings.GIFTOPS_APPROVAL_LIMITS = {"USD": "1000"}
    return submitting.submit_batch(shop.draft(mira, face_value=DEAR, quantity=2), actor=mira)


def statuses(batch):
    return set(Order.objects.filter(batch=batch).values_list("status", flat=True))


def test_below_the_limit_nobody_else_is_asked(shop, mira):
    batch = submitting.submit_batch(shop.draft(mira), actor=mira)

    assert statuses(batch) == {Status.APPROVED}
    assert not Approval.objects.exists()


def test_at_the_limit_a_second_person_is_asked_and_no_money_is_held_yet(waiting):
    assert statuses(waiting) == {Status.AWAITING_APPROVAL}
    assert Deposit.objects.get().held_minor == 0


def test_approval_holds_the_money_and_sends(shop, waiting, tom):
    submitting.approve_batch(waiting, actor=tom, fingerprint=waiting.fingerprint)
    held = Deposit.objects.get().held_minor
    shop.pass_time(minutes=2)

    assert held == 100_000
    assert statuses(waiting) == {Status.FULFILLED}


def test_a_second_submit_has_no_effect_and_says_who_was_first(shop, mira):
    batch = submitting.submit_batch(shop.draft(mira), actor=mira)

    with pytest.raises(LostTheRace, match="by Mira at"):
        submitting.submit_batch(batch, actor=mira)

    assert Deposit.objects.get().held_minor == 2500


def test_a_second_approval_has_no_effect_and_says_who_was_first(waiting, tom, user):
    eve = user("finance_approver", username="eve")
    submitting.approve_batch(waiting, actor=tom, fingerprint=waiting.fingerprint)

    with pytest.raises(LostTheRace, match="by Tom at"):
        submitting.approve_batch(waiting, actor=eve, fingerprint=waiting.fingerprint)

    assert Deposit.objects.get().held_minor == 100_000


def test_nobody_approves_their_own_work(waiting, mira):
    mira.role = "finance_approver"
    mira.save()

    with pytest.raises(Refused, match="own work"):
        submitting.approve_batch(waiting, actor=mira, fingerprint=waiting.fingerprint)


def test_the_database_refuses_an_own_approval_too(waiting, mira):
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(
            batch=waiting, fingerprint="x", maker=mira, last_editor=mira, approver=mira,
            is_approved=True, at=waiting.created_at,
        )  # fmt: skip


def test_whoever_changed_it_last_does_not_approve_it_either(waiting, tom):
    type(waiting).objects.filter(pk=waiting.pk).update(last_editor=tom)
    waiting.refresh_from_db()

    with pytest.raises(Refused, match="own work"):
        submitting.approve_batch(waiting, actor=tom, fingerprint=waiting.fingerprint)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(
            batch=waiting, fingerprint="x", maker=waiting.maker, last_editor=tom, approver=tom,
            is_approved=True, at=waiting.created_at,
        )  # fmt: skip


def test_superusers_may_not_approve_by_flag(waiting, user):
    root = user("administrator", username="root", is_superuser=True)

    with pytest.raises(Refused, match="role"):
        submitting.approve_batch(waiting, actor=root, fingerprint=waiting.fingerprint)


def test_an_approval_is_good_only_for_what_was_seen(waiting, tom):
    line = waiting.orders.first().lines.get()
    line.recipient_email = "somebody@else.example"
    line.save()

    with pytest.raises(Refused, match="changed after you opened it"):
        submitting.approve_batch(waiting, actor=tom, fingerprint=waiting.fingerprint)

    assert statuses(waiting) == {Status.AWAITING_APPROVAL}


def test_a_change_between_approval_and_sending_voids_the_approval(shop, waiting, tom):
    submitting.approve_batch(waiting, actor=tom, fingerprint=waiting.fingerprint)
    line = waiting.orders.first().lines.get()
    line.face_value_minor = 100
    line.save()

    shop.pass_time(minutes=1)

    assert shop.bought() == []
    assert statuses(waiting) == {Status.AWAITING_APPROVAL}
    assert Deposit.objects.get().held_minor == 0


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "auditor"}])
def test_a_maker_who_may_no_longer_order_sends_nothing(shop, mira, change):
    order = shop.buy(mira)
    type(mira).objects.filter(pk=mira.pk).update(**change)

    shop.work()
    order.refresh_from_db()

    assert order.status == Status.AWAITING_APPROVAL
    assert shop.bought() == []
    assert Deposit.objects.get().held_minor == 0


def test_an_approval_lapses_after_a_day_and_can_be_given_again(shop, waiting, tom):
    shop.arm("http_401", times=1000)
    submitting.approve_batch(waiting, actor=tom, fingerprint=waiting.fingerprint)
    shop.pass_time(hours=26)
    lapsed, held = statuses(waiting), Deposit.objects.get().held_minor
    shop.simulated.faults.clear()

    submitting.approve_batch(waiting, actor=tom, fingerprint=waiting.fingerprint)
    shop.pass_time(hours=2)

    assert (lapsed, held) == ({Status.AWAITING_APPROVAL}, 0)
    assert statuses(waiting) == {Status.FULFILLED}


def test_declining_needs_a_reason_and_closes_the_orders(waiting, tom):
    with pytest.raises(Refused, match="Say why"):
        submitting.decline_batch(waiting, actor=tom, reason=" ")

    submitting.decline_batch(waiting, actor=tom, reason="Wrong quarter")

    assert statuses(waiting) == {Status.DECLINED}


def test_withdrawing_releases_the_hold(shop, mira):
    order = shop.buy(mira)

    submitting.withdraw_order(order, actor=mira)
    shop.pass_time(minutes=1)

    assert Order.objects.get(pk=order.pk).status == Status.WITHDRAWN
    assert shop.bought() == []
    assert Deposit.objects.get().held_minor == 0


@pytest.mark.parametrize("fault", ["timeout_after_commit", None])
def test_what_may_exist_at_the_provider_cannot_be_withdrawn(shop, mira, fault):
    if fault:
        shop.arm(fault)
    order = shop.buy(mira)
    shop.work()

    with pytest.raises(Refused, match="may exist at the provider"):
        submitting.withdraw_order(order, actor=mira)


def test_a_second_withdrawal_is_told_of_the_first(shop, mira):
    order = shop.buy(mira)
    submitting.withdraw_order(order, actor=mira)

    with pytest.raises(LostTheRace, match="already withdrawn by Mira"):
        submitting.withdraw_order(order, actor=mira)


def test_the_loser_of_a_withdrawal_reads_what_happened(shop, mira):
    stale = shop.buy(mira)
    placing.place_order(str(stale.pk))

    with pytest.raises(Refused, match="on its way"):
        submitting.withdraw_order(stale, actor=mira)


def test_an_order_tried_in_vain_is_sent_again_on_request(shop, mira):
    order = shop.buy(mira)
    Order.objects.filter(pk=order.pk).update(is_held_back=True, refusals=8)
    shop.pass_time(minutes=5)
    unsent = shop.bought()

    submitting.send_again(Order.objects.get(pk=order.pk), actor=mira)
    shop.pass_time(minutes=2)

    assert unsent == []
    assert Order.objects.get(pk=order.pk).status == Status.FULFILLED


def test_a_role_without_the_right_submits_nothing(shop, mira, tom):
    batch = shop.draft(mira)

    with pytest.raises(Refused, match="role"):
        submitting.submit_batch(batch, actor=tom)

    assert statuses(batch) == {Status.DRAFT}
