"""The order state machine at a provider that takes the same again, runs out of funds, has lines."""

from contextlib import ExitStack

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from giftops.models import User
from orders.models import Card, Deposit, LedgerPosting, Order, OrderEvent, Resolution
from orders.services import deciding, drafting, following, funding, resuming, submitting
from orders.services.drafting import Recipient
from orders.services.problems import Refused
from orders.statuses import ALLOWED, DEAD, Status
from providers.gateways.base import OrderType
from tests.orders.partners import open_partners
from tests.orders.test_order_machine import SOAK, rolled_back

FAULTS = [
    "timeout_before_commit", "timeout_after_commit", "reset_before_commit", "reset_after_commit",
    "truncated_json", "html_200", "html_502", "empty_200", "http_401", "http_500", "http_504",
    "rate_limited", "bad_request_known", "late_commit", "insufficient_funds", "missing_id",
    "conflict_without_ids", "conflict_html", "line_value_off", "quantity_off", "camel_case",
    "echo_other_reference", "failed", "cancelled", "line_failed", "pending", "status_unknown",
    "status_regression", "duplicate_claim_link", "extra_claim_data", "short_claim_data",
    "delayed_visibility",
]  # fmt: skip
PEOPLE = [Recipient(name=name, email=f"{name.lower()}@example.com") for name in ("Ann", "Ben")]
ENDED = DEAD | {Status.FULFILLED}
FOR_A_PERSON = {Status.NEEDS_REVIEW, Status.PARTLY_FULFILLED, Status.AWAITING_APPROVAL}


class PartnersMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(rolled_back())
        self.shop = self.stack.enter_context(open_partners())
        self.mira = User.objects.create(username="mira", role="finance_maker")
        self.tom = User.objects.create(username="tom", role="finance_approver")

    def teardown(self) -> None:
        try:
            self.settles_when_faults_stop()
        finally:
            self.stack.close()

    @rule(fault=st.sampled_from(FAULTS), times=st.integers(1, 2))
    def something_goes_wrong_soon(self, fault: str, times: int) -> None:
        self.shop.arm(fault, times=times)

    @rule(what=st.sampled_from(["listOrders", "getOrder"]))
    def a_look_goes_wrong(self, what: str) -> None:
        self.shop.arm("http_503", operation=what, times=2)

    @rule(way=st.sampled_from([OrderType.LINKS, OrderType.DIGITAL]), people=st.integers(1, 2))
    def buy(self, way: OrderType, people: int) -> None:
        wish = self.shop.digital(*PEOPLE[:people], order_type=way)
        batch = drafting.create_batch(self.mira, wish)
        self.attempt(submitting.submit_batch, batch, actor=self.mira)

    @rule(minor=st.sampled_from([0, 3000, 8000, 5_000_000]))
    def the_deposit_changes(self, minor: int) -> None:
        ledger = self.shop.simulated.ledger
        ledger.move(self.shop.simulated.clock.now(), minor - ledger.funds(), "test")

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
    @rule(data=st.data(), what=st.sampled_from(["withdraw", "resume", "ask", "retry"]))
    def a_person_acts(self, data, what: str) -> None:
        order = data.draw(st.sampled_from(list(Order.objects.order_by("id"))))
        match what:
            case "withdraw":
                self.attempt(submitting.withdraw_order, order, actor=self.mira)
            case "resume":
                self.attempt(resuming.resume_order, order, actor=self.mira)
            case "ask":
                following.ask_now(order)
            case _:
                self.attempt(drafting.retry_as_new, order, actor=self.mira)

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

    def attempt(self, act, *args, **kwargs) -> None:
        try:
            act(*args, **kwargs)
        except Refused:
            return

    @invariant()
    def the_provider_sold_each_reference_once(self) -> None:
        sold = [row["po_number"] for row in self.shop.bought()]
        assert len(sold) == len(set(sold))

    @invariant()
    def the_dead_are_dead_over_there(self) -> None:
        dead = Order.objects.filter(status__in=DEAD).values_list("reference", flat=True)
        gone = ("Cancelled", "Failed")
        alive = {r["po_number"] for r in self.shop.bought() if r["status"] not in gone}
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
        deposit = Deposit.objects.get(currency="USD")
        assert deposit.held_minor == held == sums.get("held", 0)
        assert deposit.available_minor == sums.get("available", 0)
        assert sum(sums.values()) == 0

    @invariant()
    def who_waits_for_funds_holds_nothing(self) -> None:
        waiting = Order.objects.filter(status=Status.AWAITING_FUNDS)
        assert not waiting.exclude(held_minor=0).exists()

    def settles_when_faults_stop(self) -> None:
        self.shop.simulated.faults.clear()
        self.the_deposit_changes(5_000_000)
        funding.ask_the_provider(self.shop.account)
        self.shop.pass_time(hours=90, steps=60)
        waits = {Status.AWAITING_FUNDS} | FOR_A_PERSON | {Status.DRAFT}
        left = Order.objects.exclude(status__in=ENDED | waits)
        assert list(left.values_list("status", "reason")) == []
        for order in Order.objects.filter(status=Status.FULFILLED, type=OrderType.LINKS):
            assert set(self.links_there(order)) >= {
                card.claim_url.reveal()
                for card in Card.objects.filter(order=order, is_releasable=True)
            }

    def links_there(self, order: Order) -> list[str]:
        query = "SELECT claim_link FROM cards JOIN orders USING (number) WHERE po_number = ?"
        return [row[0] for row in self.shop.simulated.ledger.rows(query, order.reference)]


@pytest.mark.prove
def test_partners_orders_keep_their_promises_whatever_happens(db, settings):
    settings.DEBUG = True  # the simulated provider listens on loopback
    run_machine(examples=30 * SOAK, steps=40)


def test_partners_orders_keep_their_promises_in_a_short_walk(db, settings):
    settings.DEBUG = True
    run_machine(examples=3, steps=12)


def run_machine(*, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        PartnersMachine,
        settings=profile(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
