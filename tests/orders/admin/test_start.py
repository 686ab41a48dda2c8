"""The first page: what needs a person, for whom, and whether the machinery runs."""

from datetime import timedelta
from typing import Any

import pytest

from giftops.models import Heartbeat, User
from orders.models import Authorization, Card, Order
from orders.services.submitting import submit_batch
from providers.models import CircuitState


@pytest.fixture
def worker(shop: Any) -> Heartbeat:
    at = shop.time.moment
    return Heartbeat.objects.create(worker="w", host="h", pid=1, started_at=at, beat_at=at)


def needs(answer: Any) -> dict[str, tuple[str, int]]:
    return {need.what: (need.tone, need.count) for need in answer.context["needs"]}


def test_a_quiet_day_says_so(shop: Any, worker: Heartbeat, mira: User, desk_of: Any) -> None:
    page = desk_of(mira).text("index")

    assert "Nothing needs a person" in page
    assert "The worker is not running" not in page
    assert "Buy a card" in page


def test_unknown_outcomes_stand_first_with_their_age_and_next_look(
    shop: Any, worker: Heartbeat, mira: User, desk_of: Any
) -> None:
    shop.arm("http_504", commit=False)
    shop.buy(mira)
    shop.work()
    held = shop.draft(mira).orders.get()
    Order.objects.filter(pk=held.pk).update(status="placed", standing="out_of_stock")

    answer = desk_of(mira).get("index")

    assert list(needs(answer).items()) == [
        ("outcome unknown", ("red", 1)),
        ("out of stock", ("amber", 1)),
    ]
    assert answer.context["needs"][0].next_look is not None
    assert "next look" in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "what", "tone"),
    [
        ({"status": "needs_review"}, "held for review", "red"),
        ({"status": "partly_fulfilled"}, "partly fulfilled", "red"),
        ({"status": "awaiting_funds"}, "waiting for funds", "amber"),
        ({"status": "approved", "is_held_back": True}, "held back", "amber"),
        ({"status": "placed", "standing": "low_funds"}, "low funds there", "amber"),
        ({"status": "placed", "standing": "on_hold"}, "on hold there", "amber"),
        ({"status": "placed", "standing": "unmapped"}, "status not understood", "red"),
    ],
)
def test_each_kind_of_trouble_has_its_line_and_its_list(
    shop: Any, mira: User, desk_of: Any, fields: dict[str, Any], what: str, tone: str
) -> None:
    order = shop.draft(mira).orders.get()
    Order.objects.filter(pk=order.pk).update(**fields)
    desk = desk_of(mira)

    answer = desk.get("index")

    assert needs(answer) == {what: (tone, 1)}
    assert order.reference in desk.client.get(answer.context["needs"][0].link).content.decode()


def test_orders_that_are_on_their_way_are_no_trouble(shop: Any, mira: User, desk_of: Any) -> None:
    shop.buy(mira)

    answer = desk_of(mira).get("index")

    assert needs(answer) == {}
    assert "1 order on the way" in answer.content.decode()


def test_an_approver_sees_what_waits_for_them(
    shop: Any, mira: User, tom: User, desk_of: Any
) -> None:
    submit_batch(shop.draft(mira, quantity=40), actor=mira)

    page = desk_of(tom).text("index")

    assert "Waiting for you: 1 batch" in page
    assert "USD 1,000.00" in page


def test_a_worker_that_is_gone_is_said_loudly_where_it_matters(
    shop: Any, worker: Heartbeat, mira: User, desk_of: Any
) -> None:
    Heartbeat.objects.update(beat_at=shop.time.moment - timedelta(minutes=12))
    order = shop.buy(mira)
    desk = desk_of(mira)

    pages = [
        desk.text("index"),
        desk.text("orders_order_changelist"),
        desk.text("orders_order_buy"),
        desk.text("orders_order_change", order.pk),
        desk.text("orders_batch_change", order.batch_id),
        desk.text("providers_product_changelist"),
    ]

    for page in pages:
        assert "The worker is not running" in page
        assert "last seen 12 min ago" in page


def test_a_provider_that_is_down_says_since_when_why_and_who_waits(
    shop: Any, worker: Heartbeat, mira: User, desk_of: Any
) -> None:
    shop.buy(mira)
    CircuitState.objects.update_or_create(
        account=shop.account,
        defaults={"opened_at": shop.time.moment, "reason": "Five calls were not answered."},
    )

    page = " ".join(desk_of(mira).text("index").split())

    assert "Held back since" in page
    assert "Five calls were not answered." in page
    assert "1 order waits until it answers." in page


def test_the_deposit_and_what_was_spent_are_there_for_finance(
    fulfilled: Order, mira: User, desk_of: Any
) -> None:
    answer = desk_of(mira).get("index")

    assert [str(picture.total) for picture in answer.context["spending"]] == ["USD 25.00"]
    assert "USD 49,975.00" in answer.content.decode()


@pytest.mark.parametrize(
    ("role", "there", "missing"),
    [
        ("support_agent", ["Needs a person", "more today"], ["Deposits", "per min", "Spent in"]),
        ("administrator", ["per min", "Deposits"], ["Buy a card", "Open breaks", "Waiting for"]),
        ("auditor", ["per min", "Deposits", "Needs a person"], ["Buy a card"]),
    ],
)
def test_everybody_sees_what_is_theirs_and_nothing_else(
    shop: Any, desk_of: Any, role: str, there: list[str], missing: list[str]
) -> None:
    page = desk_of(role).text("index")

    assert [words for words in there if words not in page] == []
    assert [words for words in missing if words in page] == []


def test_the_banner_names_every_account_that_is_not_for_real_money(
    shop: Any, mira: User, desk_of: Any
) -> None:
    desk = desk_of(mira)

    on_trial = desk.text("orders_order_changelist")
    type(shop.account).objects.update(environment="production")
    for_real = desk.text("orders_order_changelist")

    assert "Not for real money: ncentiva-test (Sandbox)" in on_trial
    assert "g-banner" not in for_real


def test_start_asks_no_more_however_much_there_is(
    shop: Any, mira: User, tom: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        submit_batch(shop.draft(mira, quantity=40), actor=mira)
        shop.buy(mira)
    desk = desk_of(tom)
    desk.text("index")

    with django_assert_max_num_queries(22):
        desk.text("index")


def test_what_is_issued_needs_a_person_too(
    issuer: Any, mira: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    pool = issuer.pool(mira, 3, low_stock_at=3, name="Spring")
    kept = issuer.reserved(
        mira, state="needs_review", count=0, asked=500, pool=pool, may_be_lost=500
    )
    doubtful, held = issuer.card(mira), issuer.card(mira)
    Card.objects.filter(pk=doubtful.pk).update(state="in_doubt")
    Card.objects.filter(pk=held.pk).update(state="needs_review")
    for hours in (2, 30):
        at = issuer.time.moment - timedelta(hours=hours)
        Authorization.objects.create(
            account=issuer.account, card=held, reference=f"A{hours}", currency="USD",
            requested_minor=100, granted_minor=100, state="authorized", maker=mira,
            authorized_at=at,
        )  # fmt: skip
    desk = desk_of(mira)
    desk.text("index")

    with django_assert_max_num_queries(30):
        answer = desk.get("index")

    found = {need.what: need for need in answer.context["needs"]}
    assert {what: (need.tone, need.count) for what, need in found.items()} == {
        "requests for numbers: held for a person": ("red", 1),
        "cards: outcome unknown": ("red", 1),
        "cards: held for review": ("red", 1),
        "holds: open for more than a day": ("red", 1),
        "holds: open for more than an hour": ("amber", 1),
        "left in the pool Spring": ("amber", 3),
    }
    first = found["requests for numbers: held for a person"]
    assert "Up to 500 numbers" in first.why
    assert kept.name in desk.client.get(first.link).content.decode()
    assert desk.client.get(found["left in the pool Spring"].link).status_code == 200


def test_support_sees_cards_and_holds_in_doubt_but_no_numbers(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    issuer.pool(mira, 1, low_stock_at=5)
    Card.objects.filter(pk=issuer.card(mira).pk).update(state="in_doubt")

    assert needs(desk_of("support_agent").get("index")) == {"cards: outcome unknown": ("red", 1)}


def test_an_issuance_waits_for_an_approver_beside_the_batches(
    issuer: Any, mira: User, tom: User, desk_of: Any
) -> None:
    issuer.issuance(mira, 3, state="awaiting_approval", submitted_at=issuer.time.moment)

    page = desk_of(tom).text("index")

    assert "Waiting for you: 1 issuance" in page
    assert "USD 75.00" in page


def test_the_box_of_an_issuer_says_how_many_cards_are_to_be_created(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    issuer.issuance(mira, 3)
    CircuitState.objects.create(
        account=issuer.account, opened_at=issuer.time.moment, reason="No answer."
    )

    page = " ".join(desk_of(mira).text("index").split())

    assert "3 cards wait to be created." in page
