"""Held orders: two people, the provider's present word, and no way around either."""

import pytest
from django.db import IntegrityError, transaction

from giftops import guard
from orders.models import Deposit, Order, Resolution
from orders.services import deciding, following, resolving
from orders.services.problems import LostTheRace, Refused
from orders.statuses import Status
from providers import services as providers
from providers.sandbox.wire import Request
from providers.services import AccountError, update_account

ADOPT, REJECT, RESEND, ACCEPT, CREDIT, *_ = Resolution.Decision.values


@pytest.fixture
def absent(shop, mira):
    """An order that the provider does not know, held for a person."""
    shop.account.settings = {"reference_is_unique": False}
    shop.account.save()
    shop.arm("timeout_before_commit")
    order = shop.buy(mira)
    shop.pass_time(minutes=40)
    order.refresh_from_db()
    assert order.status == Status.NEEDS_REVIEW
    return order


def place_at_the_provider(shop, order):
    """The order turns up over there after all, as a late arrival would."""
    line = order.lines.get()
    body = (
        f'{{"giftCardTypeId": {line.product_external_id}, "amount": '
        f'{line.face_value_minor // 100}, "orderReference": "{order.reference}"}}'
    )
    headers = {
        "Authorization": "Basic c2FuZGJveDpzYW5kYm94",
        "Content-Type": "application/json",
    }
    target = "/api/purchasers/v1/orders"
    reply = shop.simulated.handle(Request.to("POST", target, headers, body.encode()))
    return reply.json()["name"]


def test_one_person_proposes_another_confirms_and_the_money_is_released(absent, mira, tom):
    proposal = deciding.propose(absent, actor=mira, decision=REJECT, reason="Support says no.")

    deciding.confirm(proposal, actor=tom)
    absent.refresh_from_db()

    assert absent.status == Status.REJECTED
    assert Deposit.objects.get().held_minor == 0
    assert proposal.evidence["provider_says"] == "not found"


def test_the_same_reference_goes_out_again_when_two_people_say_so(shop, absent, mira, tom):
    proposal = deciding.propose(absent, actor=mira, decision=RESEND, reason="Never arrived.")

    deciding.confirm(proposal, actor=tom)
    shop.pass_time(minutes=3)
    absent.refresh_from_db()

    assert absent.status == Status.FULFILLED
    assert [row["reference"] for row in shop.bought()] == [absent.reference]


def test_an_order_that_turned_up_is_adopted_by_its_number(shop, absent, mira, tom):
    number = place_at_the_provider(shop, absent)
    proposal = deciding.propose(
        absent, actor=mira, decision=ADOPT, reason="Seen in the portal.", external_id=number
    )

    deciding.confirm(proposal, actor=tom)
    shop.pass_time(minutes=3)
    absent.refresh_from_db()

    assert (absent.status, absent.external_id) == (Status.FULFILLED, number)


@pytest.mark.parametrize("decision", [REJECT, RESEND])
def test_the_evidence_stops_two_people_who_are_wrong(shop, absent, mira, decision):
    place_at_the_provider(shop, absent)

    with pytest.raises(Refused, match="does exist there"):
        deciding.propose(absent, actor=mira, decision=decision, reason="Not there.")


def test_the_evidence_is_gathered_again_before_it_counts(shop, absent, mira, tom):
    proposal = deciding.propose(absent, actor=mira, decision=REJECT, reason="Not there.")
    place_at_the_provider(shop, absent)

    with pytest.raises(Refused, match="does exist there"):
        deciding.confirm(proposal, actor=tom)

    assert Order.objects.get(pk=absent.pk).status == Status.NEEDS_REVIEW


def test_a_foreign_order_cannot_be_adopted(shop, absent, mira):
    other = shop.buy(mira)
    shop.pass_time(minutes=2)
    other.refresh_from_db()

    with pytest.raises(Refused, match="another order"):
        deciding.propose(
            absent, actor=mira, decision=ADOPT, reason="This one?", external_id=other.external_id
        )


def test_nobody_confirms_their_own_proposal(absent, mira):
    proposal = deciding.propose(absent, actor=mira, decision=REJECT, reason="Not there.")

    with pytest.raises(Refused, match="second person"):
        deciding.confirm(proposal, actor=mira)
    with pytest.raises(IntegrityError), transaction.atomic():
        Resolution.objects.filter(pk=proposal.pk).update(state="confirmed", decided_by=mira)


def test_a_proposal_is_confirmed_once(absent, mira, tom, user):
    proposal = deciding.propose(absent, actor=mira, decision=REJECT, reason="Not there.")
    deciding.confirm(proposal, actor=tom)

    with pytest.raises(LostTheRace, match="by Tom"):
        deciding.confirm(proposal, actor=user("finance_approver"))


def test_a_dropped_proposal_leaves_the_order_held_and_makes_room_for_another(absent, mira, tom):
    proposal = deciding.propose(absent, actor=mira, decision=REJECT, reason="Not there.")
    with pytest.raises(LostTheRace, match="already proposed"):
        deciding.propose(absent, actor=tom, decision=RESEND, reason="Again.")

    deciding.drop(proposal, actor=tom)
    deciding.propose(absent, actor=tom, decision=RESEND, reason="Again.")

    assert Order.objects.get(pk=absent.pk).status == Status.NEEDS_REVIEW


@pytest.mark.parametrize("role", ["support_agent", "auditor", "administrator"])
def test_other_roles_decide_nothing(absent, user, role):
    with pytest.raises(Refused, match="role"):
        deciding.propose(absent, actor=user(role), decision=REJECT, reason="Not there.")


def test_nothing_is_decided_while_the_provider_cannot_be_asked(shop, absent, mira):
    shop.arm("http_500", times=10, operation="getOrderByCustomerReference")

    with pytest.raises(Refused, match="could not be asked"):
        deciding.propose(absent, actor=mira, decision=REJECT, reason="Not there.")

    assert not Resolution.objects.exists()


def test_who_proposes_while_somebody_else_does_is_told_so(absent, mira, tom, monkeypatch):
    gather = deciding._gather

    def overtaken(*args):
        monkeypatch.setattr(deciding, "_gather", gather)
        deciding.propose(absent, actor=tom, decision=REJECT, reason="Support says no.")
        return gather(*args)

    monkeypatch.setattr(deciding, "_gather", overtaken)
    with pytest.raises(LostTheRace, match="already proposed"):
        deciding.propose(absent, actor=mira, decision=RESEND, reason="Support says no.")

    assert Resolution.objects.get().proposed_by == tom


def test_nothing_is_proposed_about_an_order_that_was_settled_meanwhile(
    shop, absent, mira, monkeypatch
):
    gather = deciding._gather

    def overtaken(*args):
        name = place_at_the_provider(shop, absent)
        order = Order.objects.get(pk=absent.pk)
        resolving.adopt(order, providers.gateway_for(shop.account).get_order(name), text="Found")
        return gather(*args)

    monkeypatch.setattr(deciding, "_gather", overtaken)
    with pytest.raises(Refused):
        deciding.propose(absent, actor=mira, decision=REJECT, reason="Support says no.")

    assert not Resolution.objects.exists()


@pytest.fixture
def proven_absent(shop, mira):
    """Unknown, looked up in vain until the next look proves the absence."""
    shop.arm("timeout_before_commit")
    order = shop.buy(mira)
    shop.work()
    Order.objects.filter(pk=order.pk).update(absent_looks=5)
    shop.time.sleep(25 * 60)
    order.refresh_from_db()
    assert order.status == Status.UNKNOWN
    return order


def test_asking_now_never_sends_an_order(shop, proven_absent):
    following.ask_now(proven_absent)

    assert proven_absent.attempts.count() == 1
    assert shop.bought() == []
    shop.pass_time(minutes=2)
    assert Order.objects.get(pk=proven_absent.pk).status == Status.FULFILLED


def test_in_quarantine_nobody_asks_and_nothing_is_sent(shop, proven_absent):
    guard.mark_restored()

    with pytest.raises(Refused, match="uarantine"):
        following.ask_now(proven_absent)
    resolving.resolve_order(str(proven_absent.pk))

    assert shop.bought() == []


@pytest.mark.parametrize("revoked", ["account", "maker"])
def test_an_absent_order_is_not_sent_again_when_it_may_not_go_any_more(
    shop, proven_absent, mira, revoked
):
    if revoked == "account":
        type(shop.account).objects.update(is_active=False)
    else:
        type(mira).objects.filter(pk=mira.pk).update(is_active=False)

    resolving.resolve_order(str(proven_absent.pk))
    proven_absent.refresh_from_db()

    assert shop.bought() == []
    assert proven_absent.status == Status.NEEDS_REVIEW


def test_absence_proves_nothing_under_another_account(shop, proven_absent):
    proven_absent.attempts.update(account_mark="another buyer")

    resolving.resolve_order(str(proven_absent.pk))
    proven_absent.refresh_from_db()

    assert proven_absent.status == Status.NEEDS_REVIEW
    assert shop.bought() == []


def test_an_account_cannot_move_away_while_orders_live_there(shop, proven_absent):
    other = {"username": "somebody-else", "password": "sandbox"}

    with pytest.raises(AccountError, match="1 order lives"):
        update_account(shop.account, credentials=other)

    update_account(shop.account, credentials={"username": "sandbox", "password": "new"})


@pytest.mark.parametrize("decision", [REJECT, RESEND])
def test_what_the_provider_had_once_cannot_be_said_not_to_exist(shop, mira, decision):
    shop.arm("on_hold")
    order = shop.buy(mira)
    shop.pass_time(hours=80)
    order.refresh_from_db()
    shop.arm("http_404", operation="getOrderByCustomerReference", times=9)

    with pytest.raises(Refused, match="had it once"):
        deciding.propose(order, actor=mira, decision=decision, reason="Not found.")


def test_two_people_accept_a_delivery_that_did_not_add_up(shop, mira, tom):
    shop.arm("extra_cards")
    order = shop.buy(mira)
    shop.pass_time(minutes=5)
    order.refresh_from_db()
    proposal = deciding.propose(order, actor=mira, decision=ACCEPT, reason="Both are ours.")

    deciding.confirm(proposal, actor=tom)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert order.cards.filter(is_releasable=True).count() == 2
    assert Deposit.objects.get().held_minor == 0


def test_the_code_of_another_order_cannot_be_accepted(shop, mira):
    shop.buy(mira)
    shop.pass_time(minutes=2)
    shop.arm("foreign_code")
    order = shop.buy(mira)
    shop.pass_time(minutes=5)
    order.refresh_from_db()

    with pytest.raises(Refused, match="No card came"):
        deciding.propose(order, actor=mira, decision=ACCEPT, reason="Ours.")


def test_two_people_close_what_the_provider_credited(shop, mira, tom):
    shop.arm("missing_cards")
    order = shop.buy(mira)
    shop.pass_time(hours=2)
    order.refresh_from_db()
    partly = order.status
    proposal = deciding.propose(order, actor=mira, decision=CREDIT, reason="Credit note 7.")

    deciding.confirm(proposal, actor=tom)
    order.refresh_from_db()

    assert partly == Status.PARTLY_FULFILLED
    assert order.status == Status.FULFILLED
    assert Deposit.objects.get().held_minor == 0


def test_an_order_that_lives_over_there_cannot_be_closed_as_credited(shop, mira, tom):
    shop.arm("extra_cards")
    order = shop.buy(mira)
    shop.pass_time(minutes=5)
    order.refresh_from_db()
    with pytest.raises(Refused, match="cancelled there first"):
        deciding.propose(order, actor=mira, decision=CREDIT, reason="They said so.")
    headers = {"Content-Type": "application/json"}
    target = f"/_control/orders/{order.external_id}"
    shop.simulated.handle(Request.to("POST", target, headers, b'{"status": "Cancelled"}'))

    proposal = deciding.propose(order, actor=mira, decision=CREDIT, reason="Credit note 8.")
    deciding.confirm(proposal, actor=tom)
    order.refresh_from_db()

    assert order.status == Status.REJECTED
    assert order.held_minor == 0
