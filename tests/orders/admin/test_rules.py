"""The page of the rules, and the sentences about them where people order and approve."""

from typing import Any

import pytest

from giftops.models import User
from giftops.money import Money
from orders.models import ApprovalLimit
from orders.services import limits
from orders.services.submitting import approve_batch, submit_batch
from tests.orders.admin.conftest import said

MAKER = "finance_maker"


@pytest.fixture
def ada(user: Any) -> User:
    return user("administrator", username="ada", first_name="Ada")


def set_limit(desk: Any, shop: Any, text: str, **fields: Any) -> Any:
    data = {"account": shop.account.pk, "role": MAKER, "limit": text} | fields
    return desk.press("orders_approvallimit_set", follow=True, **data)


def test_the_page_says_what_holds_for_every_account_and_role_that_orders(
    shop: Any, ada: User, desk_of: Any
) -> None:
    page = desk_of(ada).text("orders_approvallimit_changelist")

    assert "ncentiva-test" in page
    assert "Finance maker" in page
    assert limits.usual_limit("USD").format() in page
    assert "as usual for USD" in page


def test_a_limit_is_set_and_removed(shop: Any, ada: User, desk_of: Any) -> None:
    desk = desk_of(ada)

    was_set = said(set_limit(desk, shop, "250.00"))
    found = ApprovalLimit.objects.get()
    removed = said(desk.press("orders_approvallimit_remove", found.pk, follow=True))

    assert was_set == "ncentiva-test: Batches of USD 250.00 or more need an approver."
    assert removed == "ncentiva-test: what is usual holds for a finance maker again."
    assert not ApprovalLimit.objects.exists()


def test_nought_means_every_batch(shop: Any, ada: User, desk_of: Any) -> None:
    assert said(set_limit(desk_of(ada), shop, "0")) == (
        "ncentiva-test: Every batch needs an approver."
    )


@pytest.mark.parametrize(
    "fields",
    [{"limit": "lots"}, {"limit": ""}, {"limit": "-1"}, {"account": "x"}, {"role": "auditor"},
     {"role": ""}],
)  # fmt: skip
def test_nonsense_changes_nothing_and_is_said(
    shop: Any, ada: User, desk_of: Any, fields: dict[str, str]
) -> None:
    answer = set_limit(desk_of(ada), shop, "250", **fields)

    assert answer.status_code == 200
    assert said(answer)
    assert not ApprovalLimit.objects.exists()


def test_an_auditor_looks_and_has_nothing_to_press(shop: Any, desk_of: Any) -> None:
    page = desk_of("auditor").text("orders_approvallimit_changelist")

    assert "Approval limits" in page
    assert "<form" not in page[page.index("Approval limits") :]


def test_the_quote_follows_the_limit_of_whoever_orders(
    shop: Any, mira: User, ada: User, desk_of: Any
) -> None:
    form = {"product": shop.variable().pk, "face_value": "25.00", "quantity": "1"}
    desk = desk_of(mira)
    before = desk.press("orders_order_quote", **form).content.decode()
    limits.set_limit(shop.account, MAKER, Money(2000, "USD"), actor=ada)

    after = desk.press("orders_order_quote", **form).content.decode()

    assert "Send 1 order" in before
    assert "as everything of USD 20.00 or more that you buy at this account" in after
    assert "Submit 1 order for approval" in after


def test_the_page_of_a_batch_says_why_it_needs_an_approval(
    shop: Any, mira: User, ada: User, desk_of: Any
) -> None:
    limits.set_limit(shop.account, MAKER, Money(2000, "USD"), actor=ada)
    batch = shop.draft(mira)

    page = " ".join(desk_of(mira).text("orders_batch_change", batch.pk).split())

    assert "as everything of USD 20.00 or more that Mira buys at this account" in page


def test_the_page_of_a_batch_that_was_sent_asks_for_no_approval_any_more(
    shop: Any, mira: User, ada: User, desk_of: Any
) -> None:
    batch = shop.draft(mira)
    batch.orders.update(status="fulfilled")
    limits.set_limit(shop.account, MAKER, Money(2000, "USD"), actor=ada)

    page = desk_of(mira).text("orders_batch_change", batch.pk)

    assert "Needs an approval" not in page
    assert "Progress" in page


def test_the_queue_says_what_how_much_for_whom_and_whether_it_is_covered(
    shop: Any, mira: User, tom: User, ada: User, desk_of: Any
) -> None:
    limits.set_limit(shop.account, MAKER, Money(0, "USD"), actor=ada)
    names = {"recipient_name": "Ann Petrov", "recipient_email": "ann@example.com"}
    submit_batch(shop.draft(mira, quantity=5, **names), actor=mira)

    page = " ".join(desk_of(tom).text("orders_batch_approvals").split())

    what = ["5 orders · Codes for us", "USD 125.00"]
    whom = ["5 recipients", "Ann Petrov, Ann Petrov, Ann Petrov and 2 more"]
    money = ["ncentiva-test", "USD 50,000.00 free, covers it"]
    assert [words for words in what + whom + money if words not in page] == []


def test_the_queue_asks_no_more_for_many_batches_than_for_one(
    shop: Any, mira: User, tom: User, ada: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    limits.set_limit(shop.account, MAKER, Money(0, "USD"), actor=ada)
    for _ in range(6):
        submit_batch(shop.draft(mira, quantity=3, recipient_name="Ann"), actor=mira)
    desk = desk_of(tom)
    desk.text("orders_batch_approvals")

    with django_assert_max_num_queries(14):
        desk.text("orders_batch_approvals")


def test_an_approval_that_lapsed_returns_to_the_queue_and_frees_its_money(
    shop: Any, mira: User, tom: User, ada: User, desk_of: Any
) -> None:
    limits.set_limit(shop.account, MAKER, Money(0, "USD"), actor=ada)
    batch = submit_batch(shop.draft(mira, title="Prizes"), actor=mira)
    shop.arm("http_401", times=1000)
    desk = desk_of(tom)
    waiting = desk.get("orders_batch_approvals").context["mine"]
    approve_batch(batch, actor=tom, fingerprint=batch.fingerprint)
    gone = desk.get("orders_batch_approvals").context["mine"]

    shop.pass_time(hours=25)
    desk = desk_of(tom)  # signed in again
    back = desk.get("orders_batch_approvals").context["mine"]

    assert [len(rows) for rows in (waiting, gone, back)] == [1, 0, 1]
    assert back[0].free == Money(5_000_000, "USD")
    assert "no longer good" in desk.text("orders_batch_approvals")


def test_an_issuer_has_limits_too_in_its_own_words(issuer: Any, ada: User, desk_of: Any) -> None:
    desk = desk_of(ada)

    page = desk.text("orders_approvallimit_changelist")
    was_set = said(set_limit(desk, issuer, "250.00"))

    assert "issuer-test" in page
    assert was_set == "issuer-test: Issuances of USD 250.00 or more need an approver."
