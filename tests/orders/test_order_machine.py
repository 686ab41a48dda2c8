"""The order state machine, driven at random against the provider's own ledger.

Whatever people, workers, faults and time do in whatever order: never two purchases for one order,
never a step outside the table, the money always adds up, and once the faults stop every order ends
where the provider's ledger says it must, or in front of a person.
"""

import os
from contextlib import ExitStack

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from giftops import audit
from giftops.models import User
from orders.models import Deposit, LedgerPosting, Order, OrderEvent, Resolution
from orders.services import deciding, drafting, following, submitting
from orders.services.problems import Refused
from orders.statuses import ALLOWED, DEAD, Status
from tests.orders.conftest import codes_of, open_shop

SOAK = int(os.environ.get("SOAK", "1"))
FAULTS = [
    "timeout_before_commit", "timeout_after_commit", "reset_before_commit", "reset_after_commit",
    "truncated_json", "html_200", "html_502", "empty_200", "http_401", "http_500", "http_504",
    "rate_limited", "maintenance", "bad_request_known", "bad_request_unknown", "late_commit",
    "missing_name", "amount_off_by_one", "echo_other_reference", "mutate_missing", "cancelled",
    "out_of_stock", "status_unknown", "status_regression", "extra_cards", "missing_cards",
    "duplicate_code", "delayed_visibility", "duplicate_reference",
]  # fmt: skip
ENDED = DEAD | {Status.FULFILLED}
PARKED = {Status.NEEDS_REVIEW, Status.PARTLY_FULFILLED, Status.DRAFT, Status.AWAITING_APPROVAL}


class OrderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(rolled_back())
        self.shop = self.stack.enter_context(open_shop())
        self.mira = User.objects.create(username="mira", role="finance_maker")
        self.tom = User.objects.create(username="tom", role="finance_approver")

    def teardown(self) -> None:
        try:
            self.settles_when_faults_stop()
        finally:
            self.stack.close()

    @initialize(unique=st.booleans())
    def account(self, unique: bool) -> None:
        self.shop.account.settings = {"reference_is_unique": unique}
        self.shop.account.save()

    @rule(fault=st.sampled_from(FAULTS), times=st.integers(1, 2))
    def something_goes_wrong_soon(self, fault: str, times: int) -> None:
        self.shop.arm(fault, times=times)

    @rule(what=st.sampled_from(["getOrderByCustomerReference", "getOrder", "getOrderCards"]))
    def a_look_goes_wrong(self, what: str) -> None:
        self.shop.arm("http_503", operation=what, times=2)

    @rule(quantity=st.integers(1, 2))
    def buy(self, quantity: int) -> None:
        batch = self.shop.draft(self.mira, quantity=quantity)
        submitting.submit_batch(batch, actor=self.mira)

    @rule()
    def the_worker_works(self) -> None:
        self.shop.work()

    @rule(seconds=st.sampled_from([5, 20, 90]))
    def a_little_time_passes(self, seconds: int) -> None:
        self.shop.pass_time(seconds=seconds, steps=2)

    @rule(minutes=st.sampled_from([6, 25, 100]))
    def much_time_passes(self, minutes: int) -> None:
        self.shop.pass_time(minutes=minutes, steps=8)

    @precondition(lambda self: Order.objects.exists())
    @rule(data=st.data())
    def a_person_withdraws(self, data) -> None:
        self.attempt(submitting.withdraw_order, self.some_order(data), actor=self.mira)

    @precondition(lambda self: Order.objects.exists())
    @rule(data=st.data())
    def a_person_asks_now(self, data) -> None:
        following.ask_now(self.some_order(data))

    @precondition(lambda self: Order.objects.exists())
    @rule(data=st.data())
    def a_person_retries(self, data) -> None:
        self.attempt(drafting.retry_as_new, self.some_order(data), actor=self.mira)

    @precondition(lambda self: Order.objects.filter(status=Status.NEEDS_REVIEW).exists())
    @rule(data=st.data(), decision=st.sampled_from(Resolution.Decision.values))
    def two_people_decide(self, data, decision: str) -> None:
        order = data.draw(st.sampled_from(list(Order.objects.filter(status="needs_review"))))
        try:
            proposal = deciding.propose(
                order, actor=self.mira, decision=decision, reason="At random."
            )
            deciding.confirm(proposal, actor=self.tom)
        except Refused:
            for proposal in Resolution.objects.filter(state="open"):
                deciding.drop(proposal, actor=self.tom)

    def some_order(self, data) -> Order:
        return data.draw(st.sampled_from(list(Order.objects.order_by("id"))))

    def attempt(self, act, *args, **kwargs) -> None:
        """People try what is refused, too; a refusal must change nothing."""
        before = list(Order.objects.order_by("id").values_list("status", "version", "held_minor"))
        try:
            act(*args, **kwargs)
        except Refused:
            after = Order.objects.order_by("id").values_list("status", "version", "held_minor")
            assert list(after) == before

    @invariant()
    def the_provider_sold_each_reference_once(self) -> None:
        sold = [row["reference"] for row in self.shop.bought()]
        assert len(sold) == len(set(sold))

    @invariant()
    def the_dead_are_dead_over_there(self) -> None:
        dead = Order.objects.filter(status__in=DEAD).values_list("reference", flat=True)
        alive = {r["reference"] for r in self.shop.bought() if r["status"] != "Cancelled"}
        assert not alive & set(dead)

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        steps = OrderEvent.objects.exclude(old_status="").values_list("old_status", "new_status")
        assert {step for step in steps if step not in ALLOWED} == set()

    @invariant()
    def the_money_adds_up(self) -> None:
        held = Order.objects.aggregate(sum=Sum("held_minor"))["sum"] or 0
        books = LedgerPosting.objects.values("book").annotate(sum=Sum("amount_minor"))
        sums = {row["book"]: row["sum"] for row in books}
        deposit = Deposit.objects.get()
        assert deposit.held_minor == held == sums.get("held", 0)
        assert deposit.available_minor == sums.get("available", 0)
        assert sum(sums.values()) == 0

    def settles_when_faults_stop(self) -> None:
        self.shop.simulated.faults.clear()
        self.shop.pass_time(hours=90, steps=60)
        left = Order.objects.exclude(status__in=ENDED | PARKED)
        assert list(left.values_list("status", "reason")) == []
        for order in Order.objects.filter(status=Status.FULFILLED):
            assert sorted(codes_of(order)) == sorted(self.shop.codes(order))
        verdict = audit.verify()
        assert verdict.ok or verdict.lacks_anchor  # of what is rolled back, nothing is anchored


def rolled_back():
    """A transaction that is undone; durable blocks inside take it for the test's own."""
    stack = ExitStack()
    atomic = transaction.atomic()
    atomic._from_testcase = True
    stack.enter_context(atomic)
    stack.callback(transaction.set_rollback, True)
    return stack


@pytest.mark.prove
def test_orders_keep_their_promises_whatever_happens(db, settings):
    settings.DEBUG = True  # the simulated provider listens on loopback
    run_machine(examples=40 * SOAK, steps=40)


def test_orders_keep_their_promises_in_a_short_walk(db, settings):
    settings.DEBUG = True
    run_machine(examples=3, steps=12)


def run_machine(*, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        OrderMachine,
        settings=profile(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),  # fmt: skip
    )
