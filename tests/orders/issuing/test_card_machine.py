"""The state machine of numbers and cards, driven at random against the issuer's own ledger.

Whatever people, workers, strangers, faults and time do in whatever order: never two cards for one
need, never a card that is not ours to use, never a card there that nobody here knows of; and once
the faults stop, every card ends where the ledger says it must, or in front of a person.
"""

from collections import Counter
from contextlib import ExitStack

import pytest
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
from giftops.money import Money
from orders.issuing_states import (
    CARD_STEPS,
    ISSUANCE_STEPS,
    LIVING_CARDS,
    CardState,
    IssuanceState,
    NumberState,
)
from orders.models import Card, Issuance, IssuingEvent, Pool, Reservation, ReservedNumber
from orders.services.issuing.cards import creating, deciding_cards, issuing, proving
from orders.services.issuing.cards.card_wishes import CardWish
from orders.services.issuing.reservations import reserving
from orders.services.problems import Refused
from orders.weighing import creations
from tests.orders.issuing.merchant import Merchant, open_merchant
from tests.orders.test_order_machine import SOAK, rolled_back

OF_A_CREATION = [
    "timeout_before_commit", "timeout_after_commit", "reset_before_commit", "reset_after_commit",
    "truncated_json", "html_200", "html_502", "empty_200", "http_401", "http_403", "http_500",
    "http_504", "rate_limited", "bad_request_unknown", "late_commit", "mutate_missing",
    "create_other_id", "create_other_form", "create_value_off", "create_dated_off",
    "delayed_visibility", "stranger_spends",
]  # fmt: skip
OF_A_LOOK = ["http_503", "timeout_before_commit", "html_200", "status_unknown", "history_null"]
OF_A_RESERVATION = ["timeout_after_commit", "timeout_before_commit", "http_500", "rate_limited"]
CUSTOMERS = ["2059378440", "2059378441", "CORP-0001", "NOBODY-THERE"]
OF_A_POOL, OF_ONE = Money(2600, "USD"), Money(2500, "USD")
"""Strangers' cards are worth as much as those on single numbers, which they may get."""
MAY_BE_THERE = {CardState.CREATING, CardState.IN_DOUBT, CardState.NEEDS_REVIEW}
HERE_TO_STAY = {*LIVING_CARDS, CardState.REFUSED, CardState.WITHDRAWN, CardState.NEEDS_REVIEW,
                CardState.DRAFT}  # fmt: skip


class CardMachine(RuleBasedStateMachine):
    shop: Merchant

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(rolled_back())
        self.shop = self.stack.enter_context(open_merchant())
        self.mira = User.objects.create(username="mira", role="finance_maker")
        self.tom = User.objects.create(username="tom", role="finance_approver")
        self.ask_for_a_pool()

    def teardown(self) -> None:
        try:
            self.settles_when_faults_stop()
        finally:
            self.stack.close()

    def ask_for_a_pool(self) -> None:
        reserving.request_pool(
            self.shop.account, actor=self.mira, agency="Harbor Street", name="Pool", count=40
        )
        self.shop.work()

    @initialize(names_sales=st.booleans())
    def merchant(self, names_sales: bool) -> None:
        self.shop.simulated.ledger.keep("issued_document", names_sales)

    # What goes wrong

    @rule(fault=st.sampled_from(OF_A_CREATION), times=st.integers(1, 2))
    def a_creation_goes_wrong_soon(self, fault: str, times: int) -> None:
        self.shop.arm(fault, "createGiftcard", times=times)

    @rule(delay=st.sampled_from([40.0, 400.0, 850.0]))
    def a_card_comes_late_and_its_answer_never(self, delay: float) -> None:
        self.shop.arm("late_commit", "createGiftcard", delay=delay)
        self.issue_from_the_pool_now(["2059378440"])
        self.shop.pass_time(minutes=2, steps=12)

    @rule(fault=st.sampled_from(OF_A_LOOK), times=st.integers(1, 3))
    def a_look_goes_wrong_soon(self, fault: str, times: int) -> None:
        self.shop.arm(fault, "balanceCheck", times=times)

    @rule(fault=st.sampled_from(OF_A_RESERVATION))
    def a_reservation_goes_wrong_soon(self, fault: str) -> None:
        self.shop.arm(fault, "reserveIds")

    @rule(after=st.sampled_from([3600.0, 4000.0]))
    def a_single_number_goes_to_a_stranger_after_its_hour(self, after: float) -> None:
        self.shop.arm("reissued_to_stranger", "reserveIds", after=after)
        self.attempt(reserving.request_single, self.shop.account, actor=self.mira, agency="Harbor")
        self.shop.work()

    # What people do

    @rule()
    def reserve_one(self) -> None:
        reserving.request_single(self.shop.account, actor=self.mira, agency="Harbor Street")

    @rule(customers=st.lists(st.sampled_from(CUSTOMERS), min_size=1, max_size=3))
    def issue_from_the_pool(self, customers: list[str]) -> None:
        self.issue_from_the_pool_now(customers)

    def issue_from_the_pool_now(self, customers: list[str]) -> None:
        wishes = [
            CardWish(customer_id=one, code="GC", value=OF_A_POOL, row=row)
            for row, one in enumerate(customers, 1)
        ]
        self.attempt(self.issue, wishes, pool=Pool.objects.first(), may_repeat=True)

    @precondition(lambda self: singles().exists())
    @rule(data=st.data(), points=st.sampled_from([None, 2500]))
    def issue_one(self, data, points: int | None) -> None:
        reservation = data.draw(st.sampled_from(list(singles())))
        wish = CardWish(customer_id="2059378440", code="GC", value=OF_ONE, points=points, row=1)
        self.attempt(self.issue, [wish], reservation=reservation)

    def issue(self, wishes: list[CardWish], **source) -> None:
        issuance = issuing.draft_issuance(
            self.shop.account, actor=self.mira, wishes=wishes, **source
        )
        issuing.submit_issuance(issuance, actor=self.mira)

    @precondition(lambda self: Issuance.objects.exists())
    @rule(data=st.data(), what=st.sampled_from(["pause", "resume", "withdraw", "submit"]))
    def a_person_steers(self, data, what: str) -> None:
        issuance = data.draw(st.sampled_from(list(Issuance.objects.order_by("id"))))
        self.attempt(getattr(issuing, f"{what}_issuance"), issuance, actor=self.mira)

    @precondition(lambda self: Card.objects.exists())
    @rule(data=st.data())
    def a_person_retries(self, data) -> None:
        card = data.draw(st.sampled_from(list(Card.objects.order_by("id"))))
        self.attempt(creating.retry_card, card, actor=self.mira)

    @precondition(lambda self: Card.objects.exists())
    @rule(data=st.data())
    def a_person_asks_now(self, data) -> None:
        proving.ask_now(data.draw(st.sampled_from(list(Card.objects.order_by("id")))),
                        actor=self.mira)  # fmt: skip

    @precondition(lambda self: Card.objects.filter(state="needs_review").exists())
    @rule(data=st.data(), decision=st.sampled_from(deciding_cards.DECISIONS))
    def two_people_decide(self, data, decision: str) -> None:
        held = Card.objects.filter(state="needs_review").order_by("id")
        card = data.draw(st.sampled_from(list(held)))
        try:
            proposal = deciding_cards.propose(
                card, actor=self.mira, decision=decision, reason="At random."
            )
            deciding_cards.confirm(proposal, actor=self.tom)
        except Refused:
            for proposal in card.resolutions.filter(state="open"):
                deciding_cards.drop(proposal, actor=self.tom)

    # What time does

    @rule()
    def the_worker_works(self) -> None:
        self.shop.work()

    @rule(seconds=st.sampled_from([5, 20, 90]))
    def a_little_time_passes(self, seconds: int) -> None:
        self.shop.pass_time(seconds=seconds, steps=2)

    @rule(minutes=st.sampled_from([6, 25, 45, 100]))
    def much_time_passes(self, minutes: int) -> None:
        self.shop.pass_time(minutes=minutes, steps=8)

    def attempt(self, act, *args, **kwargs) -> None:
        """People try what is refused, too; a refusal must change no card."""
        before = list(Card.objects.order_by("id").values_list("state", "number", "version"))
        try:
            act(*args, **kwargs)
        except Refused:
            after = Card.objects.order_by("id").values_list("state", "number", "version")
            assert list(after)[: len(before)] == before

    # What must hold

    @invariant()
    def one_card_there_for_one_here(self) -> None:
        sales = Counter(row["sale_id"] for row in self.made_for_us() if row["sale_id"])
        assert [sale for sale, count in sales.items() if count > 1] == []

    @invariant()
    def what_we_use_is_ours(self) -> None:
        made = {row["number"] for row in self.made_for_us()}
        living = [card.code.reveal() for card in Card.objects.filter(state__in=LIVING_CARDS)]
        assert len(living) == len(set(living))
        assert set(living) <= made

    @invariant()
    def nothing_there_is_forgotten(self) -> None:
        known = {
            card.number.number.reveal()
            for card in Card.objects.exclude(number=None).select_related("number")
            if card.state in MAY_BE_THERE or card.state in LIVING_CARDS
        }
        assert {row["number"] for row in self.made_for_us()} <= known

    @invariant()
    def a_number_is_created_if_its_card_lives(self) -> None:
        created = ReservedNumber.objects.filter(state=NumberState.CREATED)
        living = Card.objects.filter(state__in=LIVING_CARDS)
        assert set(created.values_list("pk", flat=True)) == set(
            living.values_list("number", flat=True)
        )

    @invariant()
    def points_leave_us_once(self) -> None:
        for card in Card.objects.exclude(points=None):
            assert card.attempts.filter(verdict__in=["unknown", "created"]).count() <= 1

    @invariant()
    def every_step_is_in_its_table(self) -> None:
        for thing, table in (("card", CARD_STEPS), ("issuance", ISSUANCE_STEPS)):
            told = IssuingEvent.objects.filter(**{f"{thing}__isnull": False})
            steps = told.exclude(old_state="").values_list("old_state", "new_state")
            assert {step for step in steps if step not in table} == set()

    def made_for_us(self) -> list[dict[str, object]]:
        """The cards that our requests have made there."""
        rows = self.shop.simulated.ledger.rows("SELECT * FROM cards WHERE NOT stranger")
        return [dict(row) for row in rows]

    def settles_when_faults_stop(self) -> None:
        self.shop.simulated.faults.clear()
        for issuance in Issuance.objects.filter(state=IssuanceState.PAUSED):
            issuing.resume_issuance(issuance, actor=self.mira)
        self.shop.pass_time(hours=30, steps=60)
        left = Card.objects.exclude(state__in=HERE_TO_STAY)
        stuck = [card for card in left if not creating.waits_for_a_person(card)]
        assert [(card.state, card.reason) for card in stuck] == []
        running = Issuance.objects.filter(state=IssuanceState.RUNNING)
        assert not running.exclude(cards__state=CardState.WAITING).exists()
        self.shop.simulated.settle()
        self.one_card_there_for_one_here()
        self.what_we_use_is_ours()
        self.nothing_there_is_forgotten()
        verdict = audit.verify()
        assert verdict.ok or verdict.lacks_anchor  # of what is rolled back, nothing is anchored


def singles():
    """Single numbers that came, used or not."""
    return Reservation.objects.filter(type="single", state="reserved").order_by("id")


@pytest.mark.prove
def test_cards_keep_their_promises_whatever_happens(db, settings):
    settings.DEBUG = True  # the simulated issuer listens on loopback
    run_machine(examples=30 * SOAK, steps=40)


def test_cards_keep_their_promises_in_a_short_walk(db, settings):
    settings.DEBUG = True
    run_machine(examples=3, steps=12)


def one_late_card() -> None:
    """A walk of one step: the card comes minutes after we stopped waiting for an answer."""
    machine = CardMachine()
    try:
        machine.a_card_comes_late_and_its_answer_never(850.0)
    finally:
        machine.teardown()


def test_a_late_card_is_one_card(db, settings):
    settings.DEBUG = True
    one_late_card()


def test_another_number_too_early_does_not_go_unnoticed(db, settings, monkeypatch):
    settings.DEBUG = True
    too_early = lambda silence: creations.Absence.ANOTHER_NUMBER  # noqa: E731
    monkeypatch.setattr(creations, "after_absence", too_early)

    with pytest.raises(AssertionError):
        one_late_card()


def run_machine(*, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        CardMachine,
        settings=profile(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
