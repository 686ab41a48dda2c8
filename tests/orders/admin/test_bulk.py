"""Bulk actions: a page that says what will happen, one effect, a line for each order."""

from typing import Any

import pytest

from giftops.models import ActionToken, Job, User
from giftops.once import new_token
from orders.models import Order


def test_the_page_before_says_what_at_whom_and_for_how_much(
    shop: Any, mira: User, desk_of: Any
) -> None:
    orders = list(shop.draft(mira, quantity=3).orders.all())
    desk = desk_of(mira)

    page = desk.press(
        "orders_order_changelist", action="withdraw",
        _selected_action=[str(order.pk) for order in orders],
    ).content.decode()  # fmt: skip

    assert "Withdraw · 3 orders" in page
    assert "USD 75.00" in page
    assert shop.account.name in page
    assert set(Order.objects.values_list("status", flat=True)) == {"draft"}


def test_orders_for_which_it_makes_no_sense_are_left_alone_and_named(
    shop: Any, fulfilled: Order, mira: User, desk_of: Any
) -> None:
    page = desk_of(mira).press(
        "orders_order_changelist", action="withdraw", _selected_action=[str(fulfilled.pk)]
    )

    assert page.context["fitting"] == []
    assert page.context["others"] == [fulfilled]


def test_each_order_gets_its_own_line(
    shop: Any, fulfilled: Order, mira: User, desk_of: Any
) -> None:
    draft = shop.draft(mira).orders.get()

    answer = desk_of(mira).press(
        "orders_order_bulk", act="withdraw",
        order=[str(draft.pk), str(fulfilled.pk), "nonsense"],
    )  # fmt: skip

    draft.refresh_from_db()
    assert draft.status == "withdrawn"
    assert (answer.context["done"], answer.context["refused"]) == (1, 1)
    assert "cannot be withdrawn" in answer.content.decode().replace("\n", " ")


def test_pressing_twice_shows_the_first_result_and_does_nothing(
    shop: Any, mira: User, desk_of: Any
) -> None:
    shop.arm("cancelled")
    order = shop.buy(mira)
    shop.pass_time(minutes=30)
    desk, token = desk_of(mira), new_token()

    first = desk.press("orders_order_bulk", once=token, act="retry", order=[str(order.pk)])
    second = desk.press("orders_order_bulk", once=token, act="retry", order=[str(order.pk)])

    assert Order.objects.filter(retry_of=order).count() == 1
    assert first.context["rows"] == second.context["rows"]
    assert second.context["is_repeated"]


def test_a_run_that_was_killed_half_way_shows_what_is_left(
    shop: Any, mira: User, desk_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders.admin import bulk

    orders = list(shop.draft(mira, quantity=3).orders.order_by("id"))
    desk, token = desk_of(mira), new_token()
    one, done = bulk._one, []

    def killed_at_the_third(*args: Any) -> list[str]:
        if len(done) == 2:
            raise SystemExit
        done.append(args)
        return one(*args)

    ids = [str(order.pk) for order in orders]
    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_one", killed_at_the_third)
        with pytest.raises(SystemExit):
            desk.press("orders_order_bulk", once=token, act="withdraw", order=ids)
    again = desk.press("orders_order_bulk", once=token, act="withdraw", order=ids)

    assert (again.context["done"], len(again.context["left"])) == (2, 1)
    assert Order.objects.filter(status="withdrawn").count() == 2
    assert "Carry on with the 1 left" in again.content.decode()


def test_asking_many_queues_one_look_each(shop: Any, mira: User, desk_of: Any) -> None:
    order = shop.buy(mira)
    shop.work()

    desk_of(mira).press("orders_order_bulk", act="ask", order=[str(order.pk)])

    waiting = Job.objects.filter(name="orders.tasks.follow_order", state="waiting")
    assert [job.run_after <= shop.time.moment for job in waiting] == [True]


@pytest.mark.parametrize(
    ("role", "act", "allowed"),
    [
        ("finance_maker", "send_again", True),
        ("finance_approver", "send_again", False),
        ("support_agent", "ask", True),
        ("support_agent", "withdraw", False),
        ("auditor", "ask", False),
        ("administrator", "retry", False),
        ("finance_maker", "nonsense", False),
    ],
)
def test_each_bulk_action_takes_its_own_permission(
    shop: Any, desk_of: Any, role: str, act: str, allowed: bool
) -> None:
    answer = desk_of(role).press("orders_order_bulk", act=act)

    assert (answer.status_code == 200) == allowed
    assert ActionToken.objects.exists() == allowed


def test_the_menu_of_actions_holds_only_what_the_person_may_do(
    shop: Any, mira: User, desk_of: Any
) -> None:
    shop.draft(mira)

    def offered(role: Any) -> set[str]:
        form = desk_of(role).get("orders_order_changelist").context["action_form"]
        return {name for name, _ in form.fields["action"].choices if name} if form else set()

    assert offered(mira) == {"ask", "withdraw", "send_again", "retry"}
    assert offered("support_agent") == {"ask"}
    assert offered("auditor") == set()
