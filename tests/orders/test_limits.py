"""Approval limits: who may set them, what they change, and the trace they leave."""

import pytest

from giftops.models import AuditEntry
from giftops.money import Money
from orders.models import Approval, ApprovalLimit, Order
from orders.services import limits, submitting
from orders.services.problems import LostTheRace, Refused
from orders.statuses import Status
from providers.models import Product

MAKER = "finance_maker"


@pytest.fixture
def ada(user):
    return user("administrator", username="ada", first_name="Ada")


def trail():
    entry = AuditEntry.objects.filter(action__startswith="approval_limit.").latest("sequence")
    return entry.action, entry.facts["was"], entry.facts["now"]


def submitted(shop, mira, **wish):
    batch = submitting.submit_batch(shop.draft(mira, **wish), actor=mira)
    return set(Order.objects.filter(batch=batch).values_list("status", flat=True))


@pytest.mark.parametrize(
    ("limit", "status"),
    [(2501, Status.APPROVED), (2500, Status.AWAITING_APPROVAL), (0, Status.AWAITING_APPROVAL)],
)
def test_the_limit_of_account_and_role_decides(shop, mira, ada, limit, status):
    limits.set_limit(shop.account, MAKER, Money(limit, "USD"), actor=ada)

    assert submitted(shop, mira) == {status}


def test_a_discount_hides_no_value_from_the_approver(shop, mira, ada):
    limits.set_limit(shop.account, MAKER, Money(2500, "USD"), actor=ada)
    Product.objects.update(discount_hundredths=9900)

    statuses = submitted(shop, mira)

    assert Order.objects.get().total_minor == 25
    assert statuses == {Status.AWAITING_APPROVAL}


def test_without_one_the_settings_decide(shop, mira, settings):
    settings.GIFTOPS_APPROVAL_LIMITS = {"USD": "20"}

    assert submitted(shop, mira) == {Status.AWAITING_APPROVAL}


def test_without_any_every_batch_needs_an_approver(shop, mira, settings):
    settings.GIFTOPS_APPROVAL_LIMITS = {}

    assert submitted(shop, mira) == {Status.AWAITING_APPROVAL}


def test_a_limit_holds_for_its_own_account_and_role_only(shop, mira, ada):
    limits.set_limit(shop.account, MAKER, Money(100, "USD"), actor=ada)

    other = limits.limit_for(shop.account, "finance_approver", "USD")

    assert limits.limit_for(shop.account, MAKER, "USD") == Money(100, "USD")
    assert other == limits.usual_limit("USD")


def test_removing_it_goes_back_to_the_settings(shop, mira, ada):
    limits.remove_limit(
        limits.set_limit(shop.account, MAKER, Money(0, "USD"), actor=ada), actor=ada
    )

    assert submitted(shop, mira) == {Status.APPROVED}
    assert trail() == ("approval_limit.removed", "USD 0.00", str(limits.usual_limit("USD")))


def test_each_change_leaves_the_old_and_the_new(shop, ada):
    limits.set_limit(shop.account, MAKER, Money(100, "USD"), actor=ada)
    first = trail()

    limits.set_limit(shop.account, MAKER, Money(250, "USD"), actor=ada)

    assert first == ("approval_limit.set", "", "USD 1.00")
    assert trail() == ("approval_limit.set", "USD 1.00", "USD 2.50")
    assert ApprovalLimit.objects.get().changed_by == ada


def test_what_was_removed_cannot_be_removed_again(shop, ada):
    found = limits.set_limit(shop.account, MAKER, Money(100, "USD"), actor=ada)
    limits.remove_limit(ApprovalLimit.objects.get(), actor=ada)

    with pytest.raises(LostTheRace, match="removed already"):
        limits.remove_limit(found, actor=ada)


@pytest.mark.parametrize("role", ["finance_maker", "finance_approver", "auditor"])
def test_only_an_administrator_sets_limits(shop, user, role):
    with pytest.raises(Refused, match="role"):
        limits.set_limit(shop.account, MAKER, Money(100, "USD"), actor=user(role))


def test_nobody_sets_the_limit_for_their_own_role(shop, user):
    both = user(MAKER, is_superuser=True)

    with pytest.raises(Refused, match="own role"):
        limits.set_limit(shop.account, MAKER, Money(10**9, "USD"), actor=both)


@pytest.mark.parametrize(
    ("role", "limit", "sentence"),
    [
        ("support_agent", Money(100, "USD"), "order nothing"),
        (MAKER, Money(-1, "USD"), "amount in USD"),
        (MAKER, Money(100, "EUR"), "amount in USD"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(shop, ada, role, limit, sentence):
    with pytest.raises(Refused, match=sentence):
        limits.set_limit(shop.account, role, limit, actor=ada)


def test_what_waits_is_not_let_through_by_a_higher_limit_alone(shop, mira, ada):
    limits.set_limit(shop.account, MAKER, Money(0, "USD"), actor=ada)
    batch = submitting.submit_batch(shop.draft(mira), actor=mira)

    limits.set_limit(shop.account, MAKER, Money(10**6, "USD"), actor=ada)
    shop.pass_time(minutes=5)

    assert batch.orders.get().status == Status.AWAITING_APPROVAL
    assert not Approval.objects.exists()
    assert shop.bought() == []
