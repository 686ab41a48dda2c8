"""Refused for lack of funds: the money is let go, the reference kept, and sent when it fits."""

import pytest
from django.db.models import Sum

from giftops import guard
from giftops.clock import db_now
from giftops.money import Money
from giftops.queue import run_due
from orders.models import Deposit, LedgerPosting, Order
from orders.services import funding, restoring, resuming, submitting
from orders.services.problems import LostTheRace, NotEnoughMoney, Refused
from orders.statuses import Status


def set_available(partners, minor):
    """Make the provider have so much to spend."""
    ledger = partners.simulated.ledger
    ledger.move(partners.simulated.clock.now(), minor - ledger.funds(), "test")


@pytest.fixture
def waiting(partners, mira):
    """An order of two links, USD 48.50, that the provider refused for lack of funds."""
    order = partners.buy(mira)
    set_available(partners, 1000)  # somebody else spent the rest
    partners.work()
    order.refresh_from_db()
    assert order.status == Status.AWAITING_FUNDS
    return order


def books_add_up():
    books = LedgerPosting.objects.values("book").annotate(sum=Sum("amount_minor"))
    sums = {row["book"]: row["sum"] for row in books}
    deposit = Deposit.objects.get()
    held = Order.objects.aggregate(sum=Sum("held_minor"))["sum"] or 0
    return deposit.held_minor == held == sums.get("held", 0) and (
        deposit.available_minor == sums["available"] and sum(sums.values()) == 0
    )


def test_the_money_is_let_go_and_the_reference_kept(partners, waiting):
    assert waiting.held_minor == 0
    assert Deposit.objects.get().held_minor == 0
    assert "does not cover it" in waiting.reason
    assert partners.bought() == []
    assert books_add_up()


def test_it_waits_as_long_as_the_funds_do_not_suffice(partners, waiting):
    partners.pass_time(hours=3)
    waiting.refresh_from_db()

    assert waiting.status == Status.AWAITING_FUNDS
    assert waiting.attempts.count() == 1


def test_new_funds_send_it_again_under_its_reference(partners, waiting):
    partners.pass_time(minutes=15)
    set_available(partners, 500_000)
    funding.ask_the_provider(partners.account)

    partners.pass_time(minutes=15)
    waiting.refresh_from_db()

    assert waiting.status == Status.FULFILLED
    assert [row["po_number"] for row in partners.bought()] == [waiting.reference]
    assert books_add_up()


def test_exactly_those_that_fit_are_sent(partners, mira):
    orders = [partners.buy(mira) for _ in range(3)]
    set_available(partners, 0)
    partners.work()
    set_available(partners, 2 * orders[0].total_minor + 100)
    partners.pass_time(minutes=2)
    funding.ask_the_provider(partners.account)

    partners.pass_time(minutes=15)

    statuses = sorted(Order.objects.values_list("status", flat=True))
    assert statuses == [Status.AWAITING_FUNDS, Status.FULFILLED, Status.FULFILLED]
    assert len(partners.bought()) == 2
    assert books_add_up()


def test_a_person_may_try_at_once(partners, waiting, mira):
    set_available(partners, 500_000)

    resuming.resume_order(waiting, actor=mira)
    partners.work()
    waiting.refresh_from_db()

    assert waiting.status == Status.FULFILLED
    assert books_add_up()


def test_a_person_is_told_what_is_missing(partners, waiting, mira):
    with pytest.raises(NotEnoughMoney, match="is missing"):
        resuming.resume_order(waiting, actor=mira)

    assert Order.objects.get(pk=waiting.pk).attempts.count() == 1


@pytest.mark.parametrize("role", ["support_agent", "auditor", "finance_approver"])
def test_other_roles_resume_nothing(partners, waiting, user, role):
    with pytest.raises(Refused, match="role"):
        resuming.resume_order(waiting, actor=user(role))


def test_an_order_that_does_not_wait_any_more_cannot_be_resumed(partners, waiting, mira):
    submitting.withdraw_order(waiting, actor=mira)

    with pytest.raises(LostTheRace):
        resuming.resume_order(waiting, actor=mira)


def test_a_lapsed_approval_sends_nothing_and_says_what_to_do(partners, waiting, mira):
    partners.pass_time(hours=25)
    set_available(partners, 500_000)
    funding.ask_the_provider(partners.account)
    partners.pass_time(minutes=15)
    waiting.refresh_from_db()

    assert waiting.status == Status.AWAITING_FUNDS
    assert waiting.reason == "The approval lapsed after 24 hours. Withdraw it and order anew."
    with pytest.raises(Refused, match="lapsed"):
        resuming.resume_order(waiting, actor=mira)


def test_in_quarantine_nothing_is_resumed_and_nothing_withdrawn(partners, waiting, mira):
    set_available(partners, 500_000)
    guard.mark_restored()

    resuming.resume_orders(str(partners.account.pk))
    resuming.send_resumed(str(waiting.pk))
    with pytest.raises(Refused):
        submitting.withdraw_order(waiting, actor=mira)

    assert Order.objects.get(pk=waiting.pk).attempts.count() == 1


def test_an_order_changed_after_its_approval_is_not_resumed(partners, waiting, mira):
    set_available(partners, 500_000)
    waiting.lines.update(quantity=3)

    with pytest.raises(Refused, match="changed after the approval"):
        resuming.resume_order(waiting, actor=mira)
    resuming.send_resumed(str(waiting.pk))

    assert Order.objects.get(pk=waiting.pk).attempts.count() == 1


def test_two_workers_resume_it_once(partners, waiting):
    set_available(partners, 500_000)
    funding.ask_the_provider(partners.account)

    resuming.send_resumed(str(waiting.pk))
    resuming.send_resumed(str(waiting.pk))

    assert waiting.attempts.count() == 2
    assert len(partners.bought()) == 1


def test_a_refusal_without_reason_is_not_repeated_for_ever(partners, mira):
    partners.arm("insufficient_funds", times=100)
    order = partners.buy(mira)

    partners.pass_time(hours=20, steps=130)
    order.refresh_from_db()

    assert (order.status, order.is_held_back) == (Status.AWAITING_FUNDS, True)
    assert order.attempts.count() == 8


def test_after_a_lost_answer_a_lack_of_funds_proves_nothing(partners, mira):
    partners.arm("timeout_after_commit")
    partners.arm("delayed_visibility", seconds=100, by_id=True)
    order = partners.buy(mira)
    partners.work()
    partners.arm("insufficient_funds")

    partners.pass_time(seconds=40, steps=4)
    order.refresh_from_db()
    in_between = (order.status, order.attempts.count(), order.held_minor)
    partners.pass_time(minutes=20)
    order.refresh_from_db()

    assert in_between == (Status.UNKNOWN, 2, order.total_minor)
    assert order.status == Status.FULFILLED
    assert len(partners.bought()) == 1


def test_it_is_withdrawn_once_the_provider_says_that_it_has_none(partners, waiting, mira):
    submitting.withdraw_order(waiting, actor=mira)
    waiting.refresh_from_db()

    assert waiting.status == Status.WITHDRAWN
    assert books_add_up()


def test_it_is_not_withdrawn_while_the_provider_cannot_be_asked(partners, waiting, mira):
    partners.arm("http_500", times=9, operation="listOrders")

    with pytest.raises(Refused, match="could not be asked"):
        submitting.withdraw_order(waiting, actor=mira)

    assert Order.objects.get(pk=waiting.pk).status == Status.AWAITING_FUNDS


def test_what_is_there_after_all_is_held_for_a_person_instead(partners, mira):
    order = partners.buy(mira)
    partners.arm("insufficient_funds", commit=True)
    partners.work()
    order.refresh_from_db()
    assert order.status == Status.AWAITING_FUNDS

    with pytest.raises(Refused, match="does exist there"):
        submitting.withdraw_order(order, actor=mira)
    order.refresh_from_db()

    assert (order.status, order.held_minor) == (Status.NEEDS_REVIEW, order.total_minor)
    assert books_add_up()


def test_a_restored_order_that_waited_holds_its_money_until_the_provider_was_asked(
    partners, waiting
):
    restoring.doubt_orders(db_now())
    waiting.refresh_from_db()
    doubted = (waiting.status, waiting.held_minor)

    partners.pass_time(hours=1)
    waiting.refresh_from_db()

    assert doubted == (Status.UNKNOWN, waiting.total_minor)
    assert (waiting.status, partners.bought()) == (Status.NEEDS_REVIEW, [])
    assert books_add_up()


def test_what_costs_more_than_was_ever_free_goes_on_waiting(partners, waiting, mira):
    set_available(partners, waiting.total_minor + 2000)
    funding.ask_the_provider(partners.account)
    big = partners.draft(mira, face_value=Money(5000, "USD"), quantity=1)
    submitting.submit_batch(big, actor=mira)

    while run_due():
        pass
    partners.pass_time(minutes=15)

    statuses = sorted(Order.objects.values_list("status", flat=True))
    assert statuses == [Status.AWAITING_FUNDS, Status.FULFILLED]
    assert books_add_up()
