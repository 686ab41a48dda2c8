"""The state machine of holds, driven at random against the issuer's own ledger.

Whatever people, workers, strangers, faults and time do in whatever order: never a second request
for a hold without two people, never a hold there that nobody here knows of, never a part taken for
the whole; and once the faults stop, every doubt ends where the ledger says it must.
"""

import random
from contextlib import ExitStack

import pytest
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

from giftops import audit, clock, identity
from giftops.identity import new_id, reference_for
from giftops.models import User
from giftops.money import Money
from giftops.sealing import blind_index, last_four
from orders.issuing_states import HOLD_STEPS, HOLDS_FOR_TWO, OPEN_HOLDS, HoldState
from orders.models import Authorization, Card, Issuance, IssuingEvent, Resolution
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import authorizing, deciding_holds, finishing
from orders.services.problems import Refused
from providers.sandbox.cp_extender.cards import Cards
from providers.sandbox.cp_extender.form import CreateForm
from providers.sandbox.cp_extender.plan import Plan
from providers.sandbox.reading import BadRequest
from tests.orders.issuing.merchant import open_merchant
from tests.orders.test_order_machine import SOAK, rolled_back

WRITES = ["authorizeGiftcard", "confirmAuthorization", "cancelAuthorization"]
FAULTS = [
    "timeout_before_commit", "timeout_after_commit", "reset_before_commit", "reset_after_commit",
    "truncated_json", "html_200", "html_502", "empty_200", "http_401", "http_403", "http_500",
    "http_504", "rate_limited", "bad_request_unknown", "late_commit", "mutate_missing",
    "stranger_spends", "stranger_holds", "stranger_releases",
]  # fmt: skip
OF_A_GRANT = ["authorized_amount", "auth_code_missing", "auth_code_empty", "authorized_partial"]
ODD = (7, 13, 31)
"""What strangers spend and hold, in minor units: no sum of theirs is one of ours."""
OURS = (Money(500, "USD"), Money(2000, "USD"), Money(9000, "USD"))
VALUE = 10_000
ENDED = {
    HoldState.DECLINED, HoldState.WITHDRAWN, HoldState.CONFIRMED, HoldState.RELEASED,
    HoldState.ABANDONED, HoldState.RELEASED_BY_PROVIDER,
}  # fmt: skip
MAY_BE_THERE = {HoldState.SENDING, HoldState.UNKNOWN, *HOLDS_FOR_TWO}


class HoldMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(identity.use(random.Random(1).randbytes))  # the same walk again
        self.stack.enter_context(rolled_back())
        self.shop = self.stack.enter_context(open_merchant())
        self.ledger = self.shop.simulated.ledger
        self.mira = User.objects.create(username="mira", role="finance_maker")
        self.tom = User.objects.create(username="tom", role="finance_approver")
        self.cards = [self.issue(n) for n in (1, 2)]

    def issue(self, n: int) -> Card:
        """A card that is active here and there."""
        row, number = new_id(), f"99-{n:017d}"
        form = CreateForm(
            customer="CASH", code="GC", value=VALUE, number=number, sale_id=reference_for(row)
        )
        at = self.shop.simulated.clock.now()
        Cards(self.ledger, self.shop.simulated.settings).issue(form, at, Plan())
        issuance = Issuance.objects.create(
            account=self.shop.account, currency="USD", total_minor=VALUE, card_count=1,
            state="running", maker=self.mira, last_editor=self.mira,
        )  # fmt: skip
        return Card.objects.create(
            id=row, issuance=issuance, account=self.shop.account, state="active", code=number,
            code_index=blind_index(number, field="card.code"), last_four=last_four(number),
            currency="USD", face_value_minor=VALUE, sale_id=reference_for(row),
            next_look_at=clock.db_now(),
        )  # fmt: skip

    def teardown(self) -> None:
        try:
            self.settles_when_faults_stop()
        finally:
            self.stack.close()

    # What happens

    @rule(fault=st.sampled_from(FAULTS), operation=st.sampled_from(WRITES), times=st.integers(1, 2))
    def something_goes_wrong_soon(self, fault: str, operation: str, times: int) -> None:
        given = {"amount": 0.13} if fault in ("stranger_spends", "stranger_holds") else {}
        self.shop.arm(fault, operation, times=times, **given)

    @rule(fault=st.sampled_from(OF_A_GRANT))
    def a_grant_goes_wrong_soon(self, fault: str) -> None:
        self.shop.arm(fault, "authorizeGiftcard")

    @rule()
    def a_look_goes_wrong(self) -> None:
        self.shop.arm("http_503", "balanceCheck", times=3)

    @rule(data=st.data(), amount=st.sampled_from(OURS), takes_partial=st.booleans())
    def a_person_wants_money_held(self, data, amount: Money, takes_partial: bool) -> None:
        card = data.draw(st.sampled_from(self.cards))
        self.attempt(
            authorizing.request_hold, card, actor=self.mira, amount=amount,
            takes_partial=takes_partial,
        )  # fmt: skip

    @precondition(lambda self: Authorization.objects.exists())
    @rule(data=st.data(), act=st.sampled_from(["confirm", "cancel", "withdraw", "ask"]))
    def a_person_acts(self, data, act: str) -> None:
        hold = self.some(data, Authorization.objects.all())
        match act:
            case "confirm":
                self.attempt(finishing.confirm_hold, hold, actor=self.mira)
            case "cancel":
                self.attempt(finishing.cancel_hold, hold, actor=self.mira)
            case "withdraw":
                self.attempt(authorizing.withdraw_hold, hold, actor=self.mira)
            case _:
                self.attempt(balances.ask_now, hold.card, actor=self.mira)

    @precondition(lambda self: Authorization.objects.filter(state__in=HOLDS_FOR_TWO).exists())
    @rule(data=st.data(), decision=st.sampled_from(deciding_holds.DECISIONS_FOR["needs_review"]))
    def two_people_decide(self, data, decision: str) -> None:
        hold = self.some(data, Authorization.objects.filter(state__in=HOLDS_FOR_TWO))
        self.decide(hold, decision)

    @precondition(lambda self: Authorization.objects.filter(state="no_effect_seen").exists())
    @rule(data=st.data())
    def two_people_ask_again(self, data) -> None:
        hold = self.some(data, Authorization.objects.filter(state="no_effect_seen"))
        self.decide(hold, "ask_again")

    @rule(data=st.data(), act=st.sampled_from(["spend", "hold", "release"]),
          minor=st.sampled_from(ODD))  # fmt: skip
    def a_stranger_acts(self, data, act: str, minor: int) -> None:
        number = data.draw(st.sampled_from(self.cards)).code.reveal()
        strangers, at = self.shop.simulated.strangers, self.shop.simulated.clock.now()
        there = self.ledger.card(number)
        try:
            match act:
                case "spend":
                    strangers.spend(there, minor, at)
                case "hold":
                    strangers.hold(there, minor, at)
                case _:
                    strangers.release(there, at)
        except BadRequest:
            return  # nothing is left on it

    @rule()
    def the_worker_works(self) -> None:
        self.shop.work()

    @rule(minutes=st.sampled_from([1, 6, 25]))
    def time_passes(self, minutes: int) -> None:
        self.shop.pass_time(minutes=minutes, steps=5)

    # What people do

    def decide(self, hold: Authorization, decision: str) -> None:
        """The code that they enter is the true one, if there is one."""
        fields = {}
        if decision == "enter_code":
            there = self.there(hold) or [{"auth_code": "NO-SUCH-CODE", "held": 500}]
            amount = Money(there[-1]["held"], "USD")
            fields = {"auth_code": there[-1]["auth_code"], "amount": amount}
        try:
            proposal = deciding_holds.propose(
                hold, actor=self.mira, decision=decision, reason="At random.", **fields
            )
            deciding_holds.confirm(proposal, actor=self.tom)
        except Refused:
            for proposal in Resolution.objects.filter(state="open"):
                deciding_holds.drop(proposal, actor=self.tom)

    def some(self, data, holds) -> Authorization:
        return data.draw(st.sampled_from(list(holds.order_by("id"))))

    def attempt(self, act, *args, **kwargs) -> None:
        """People try what is refused, too; a refusal must change nothing."""
        states = Authorization.objects.order_by("id").values_list("state", "version")
        before = list(states)
        try:
            act(*args, **kwargs)
        except Refused:
            assert list(states.all()) == before

    def there(self, hold: Authorization) -> list[dict]:
        """What the issuer's ledger has of this hold, however often it was placed."""
        query = "SELECT * FROM holds WHERE sale_id = ? ORDER BY id"
        return [dict(row) for row in self.ledger.rows(query, hold.reference)]

    def placed_since(self, hold: Authorization) -> list[dict]:
        """Every hold on its card since it was sent; whose they are, no reading tells."""
        query = (
            "SELECT holds.* FROM holds JOIN cards ON cards.id = holds.card"
            " WHERE cards.number = ? AND placed_at >= ?"
        )
        since = hold.sent_at.timestamp()
        return [dict(row) for row in self.ledger.rows(query, hold.card.code.reveal(), since)]

    # What must be so

    @invariant()
    def nothing_is_held_twice_unless_two_people_asked_again(self) -> None:
        for hold in Authorization.objects.all():
            again = hold.resolutions.filter(state="confirmed", decision="ask_again").count()
            assert len(self.there(hold)) <= 1 + again

    @invariant()
    def every_hold_there_is_known_here_or_in_doubt(self) -> None:
        for hold in Authorization.objects.exclude(state__in=MAY_BE_THERE):
            if hold.resolutions.filter(state="confirmed").exists():
                continue  # two people said what it is
            known = {
                one.auth_code.reveal() for one in hold.card.authorizations.exclude(auth_code="")
            }
            assert {row["auth_code"] for row in self.there(hold)} <= known

    @invariant()
    def what_is_over_here_is_over_there_the_same_way(self) -> None:
        for hold in Authorization.objects.filter(state__in=["confirmed", "released"]):
            if hold.resolutions.filter(state="confirmed").exists():
                continue
            row = self.ledger.hold(hold.auth_code.reveal())
            ended = {"confirmed": "confirmed", "released": "cancelled"}[hold.state]
            assert row["state"] == ended
            assert row["held"] == hold.granted_minor

    @invariant()
    def a_part_is_never_the_whole(self) -> None:
        for hold in Authorization.objects.filter(state__in=OPEN_HOLDS):
            is_whole = hold.granted_minor == hold.requested_minor
            assert is_whole is (hold.state == HoldState.AUTHORIZED)

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        told = IssuingEvent.objects.exclude(authorization=None).exclude(old_state="")
        steps = set(told.values_list("old_state", "new_state"))
        assert {step for step in steps if step not in HOLD_STEPS} == set()

    def settles_when_faults_stop(self) -> None:
        self.shop.simulated.faults.clear()
        self.shop.pass_time(hours=3, steps=36)
        stays = ENDED | set(OPEN_HOLDS) | set(HOLDS_FOR_TWO)
        left = Authorization.objects.exclude(state__in=stays)
        assert list(left.values_list("state", "reason")) == []
        for hold in Authorization.objects.filter(state="no_effect_seen", fence=1):
            assert self.there(hold) == []
        for hold in Authorization.objects.filter(state="held_code_lost"):
            assert self.placed_since(hold)
        verdict = audit.verify()
        assert verdict.ok or verdict.lacks_anchor  # of what is rolled back, nothing is anchored


@pytest.mark.prove
def test_holds_keep_their_promises_whatever_happens(db, settings):
    settings.DEBUG = True  # the simulated provider listens on loopback
    run_machine(examples=30 * SOAK, steps=40)


def test_holds_keep_their_promises_in_a_short_walk(db, settings):
    settings.DEBUG = True
    run_machine(examples=3, steps=12)


def run_machine(*, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        HoldMachine,
        settings=profile(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
