"""From a wish to a card in the safe, and every way it can go wrong on the way."""

import pytest
import requests
from django.db import OperationalError, connection

from giftops.money import Money
from orders.models import Deposit, Order, Phase
from orders.services import answering, drafting, placing, submitting
from orders.services.problems import InvalidOrder, LostTheRace, NotEnoughMoney, Refused
from orders.statuses import Status
from tests.orders.conftest import codes_of


def test_a_card_is_bought_followed_and_sealed(shop, mira):
    order = shop.buy(mira)

    shop.pass_time(minutes=2)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(codes_of(order)) == 1
    assert [row["reference"] for row in shop.bought()] == [order.reference]


def test_the_timeline_tells_every_step(shop, mira):
    order = shop.buy(mira)

    shop.pass_time(minutes=2)

    steps = list(order.events.exclude(new_status="").values_list("old_status", "new_status"))
    assert steps == [
        ("", "draft"),
        ("draft", "awaiting_approval"),
        ("awaiting_approval", "approved"),
        ("approved", "submitting"),
        ("submitting", "placed"),
        ("placed", "placed"),
        ("placed", "fulfilled"),
    ]


def test_money_is_held_and_then_spent(shop, mira):
    order = shop.buy(mira)
    held = Deposit.objects.get().held_minor

    shop.pass_time(minutes=2)
    deposit = Deposit.objects.get()

    assert held == 2500
    assert (deposit.held_minor, deposit.spent_minor) == (0, 2500)
    assert Order.objects.get(pk=order.pk).held_minor == 0


@pytest.mark.parametrize("fault", ["timeout_after_commit", "reset_after_commit"])
def test_a_lost_answer_is_found_by_our_reference(shop, mira, fault):
    shop.arm(fault)
    order = shop.buy(mira)
    shop.work()
    order.refresh_from_db()
    before = order.status

    shop.pass_time(minutes=2)
    order.refresh_from_db()

    assert before == Status.UNKNOWN
    assert order.status == Status.FULFILLED
    assert len(shop.bought()) == 1


def test_an_order_that_never_arrived_is_sent_again_under_the_same_reference(shop, mira):
    shop.arm("timeout_before_commit")
    order = shop.buy(mira)

    shop.pass_time(minutes=40)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert [row["reference"] for row in shop.bought()] == [order.reference]
    assert [a.phase for a in order.attempts.order_by("number")] == [
        Phase.RESOLVED_SUCCESS,
        Phase.APPLIED,
    ]


def test_without_proven_uniqueness_two_people_decide_about_an_absent_order(shop, mira):
    shop.account.settings = {"reference_is_unique": False}
    shop.account.save()
    shop.arm("timeout_before_commit")
    order = shop.buy(mira)

    shop.pass_time(minutes=40)
    order.refresh_from_db()

    assert order.status == Status.NEEDS_REVIEW
    assert shop.bought() == []
    assert order.held_minor == 2500


def test_too_many_requests_is_no_reason_to_worry(shop, mira):
    shop.arm("rate_limited", retry_after=7)
    order = shop.buy(mira)

    shop.pass_time(minutes=3)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert order.refusals == 0


def test_a_refusal_releases_the_money(shop, mira):
    order = shop.buy(mira)
    shop.arm("bad_request_known")

    shop.pass_time(minutes=1)
    order.refresh_from_db()

    assert order.status == Status.REJECTED
    assert (order.held_minor, Deposit.objects.get().held_minor) == (0, 0)
    assert shop.bought() == []


LIES_AFTER_THE_ORDER = [
    "truncated_json", "html_200", "empty_200", "no_content_204", "missing_name", "mutate_null",
    "mutate_bool", "mutate_nan", "mutate_duplicate_key", "mutate_huge_int", "mutate_negative",
    "amount_off_by_one", "quantity_off_by_one", "echo_other_reference", "overlong_body",
    "gzip_bomb", "wrong_content_length",
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES_AFTER_THE_ORDER)
def test_an_answer_that_cannot_be_trusted_neither_doubles_nor_loses_the_order(shop, mira, lie):
    shop.arm(lie)
    order = shop.buy(mira)

    shop.pass_time(minutes=45)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(shop.bought()) == 1
    assert codes_of(order) == shop.codes(order)


REFUSALS_BEFORE_THE_ORDER = [
    "http_500", "http_502", "http_503", "http_504", "html_502", "redirect_307",
    "bad_request_unknown", "bad_request_html", "timeout_before_commit", "reset_before_commit",
]  # fmt: skip


@pytest.mark.parametrize("fault", REFUSALS_BEFORE_THE_ORDER)
def test_an_unclear_no_becomes_an_order_or_a_refusal_but_never_two_orders(shop, mira, fault):
    shop.arm(fault)
    order = shop.buy(mira)

    shop.pass_time(minutes=45)
    order.refresh_from_db()

    is_there = len(shop.bought())
    assert (order.status, is_there) in [(Status.FULFILLED, 1), (Status.REJECTED, 0)]
    assert (order.status == Status.REJECTED) == fault.startswith("bad_request")


def test_an_order_that_arrives_a_quarter_of_an_hour_late_is_adopted(shop, mira):
    shop.arm("late_commit", delay=840)
    order = shop.buy(mira)

    shop.pass_time(minutes=50)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(shop.bought()) == 1
    assert order.attempts.count() == 1


def test_an_order_that_look_ups_show_late_is_found(shop, mira):
    shop.arm("timeout_after_commit")
    shop.arm("delayed_visibility", seconds=700)
    order = shop.buy(mira)

    shop.pass_time(minutes=50)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(shop.bought()) == 1


def test_a_look_up_that_fails_is_no_proof_of_absence(shop, mira):
    shop.arm("timeout_before_commit")
    shop.arm("http_500", times=1000, operation="getOrderByCustomerReference")
    order = shop.buy(mira)

    shop.pass_time(hours=2)
    order.refresh_from_db()

    assert order.status == Status.UNKNOWN
    assert order.absent_looks == 0
    assert order.attempts.count() == 1


@pytest.mark.parametrize("fault", ["http_401", "http_403", "http_404", "maintenance"])
def test_what_was_not_carried_out_is_tried_again_and_then_left_to_a_person(shop, mira, fault):
    shop.arm(fault, times=100)
    order = shop.buy(mira)

    shop.pass_time(hours=9)
    order.refresh_from_db()

    assert order.status == Status.APPROVED
    assert shop.bought() == []
    assert order.held_minor == 2500
    assert order.reason


def test_an_order_out_of_stock_waits_and_no_second_one_is_placed(shop, mira):
    shop.arm("out_of_stock", resume_after=3600)
    order = shop.buy(mira)
    shop.pass_time(minutes=10)
    order.refresh_from_db()
    waiting = (order.status, order.standing)

    shop.pass_time(hours=2)
    order.refresh_from_db()

    assert waiting == (Status.PLACED, "out_of_stock")
    assert order.status == Status.FULFILLED
    assert len(shop.bought()) == 1


def test_a_worker_held_up_into_the_end_of_its_lease_does_not_send_any_more(shop, mira, monkeypatch):
    order = shop.buy(mira)
    monkeypatch.setattr(placing, "sleep", lambda seconds: shop.time.sleep(280))
    shop.work()
    monkeypatch.undo()
    sent_late = shop.bought()

    shop.pass_time(minutes=30)
    order.refresh_from_db()

    assert sent_late == []
    assert (order.status, len(shop.bought())) == (Status.FULFILLED, 1)


def test_a_worker_that_wakes_after_others_took_over_sends_nothing(shop, mira, monkeypatch):
    order = shop.buy(mira)

    def sleeps(_seconds):
        monkeypatch.undo()
        shop.pass_time(minutes=30)

    monkeypatch.setattr(placing, "sleep", sleeps)
    shop.work()
    order.refresh_from_db()

    sent = shop.simulated.ledger.rows("SELECT 1 FROM journal WHERE operation = 'createOrder'")
    assert (order.status, len(sent)) == (Status.FULFILLED, 1)


class Session:
    """A session with the database that can be ended, outside of any transaction of the test."""

    in_atomic_block = False
    ended = 0

    def close(self):
        self.ended += 1


def test_an_answer_finds_its_way_in_when_the_database_lost_our_session(shop, mira, monkeypatch):
    order, session, apply = shop.buy(mira), Session(), answering._apply

    def fails_once(*args):
        monkeypatch.setattr(answering, "_apply", apply)
        raise OperationalError

    monkeypatch.setattr(answering, "connection", session)
    monkeypatch.setattr(answering, "_apply", fails_once)
    shop.work()
    order.refresh_from_db()

    assert (order.status, session.ended) == (Status.PLACED, 1)


def test_a_database_that_is_gone_after_the_intent_means_not_sent(shop, mira, monkeypatch):
    order = shop.buy(mira)

    def gone(_seconds):
        monkeypatch.undo()
        raise OperationalError

    monkeypatch.setattr(placing, "sleep", gone)
    shop.work()
    shop.pass_time(minutes=2)
    order.refresh_from_db()

    phases = list(order.attempts.values_list("phase", flat=True))
    assert (order.status, phases) == (Status.FULFILLED, [Phase.NOT_SENT, Phase.APPLIED])


def test_a_cancelled_order_releases_its_money_and_may_be_retried_once(shop, mira):
    shop.arm("cancelled")
    order = shop.buy(mira)
    shop.pass_time(minutes=10)
    order.refresh_from_db()

    batch = drafting.retry_as_new(order, actor=mira)

    assert (order.status, order.held_minor) == (Status.CANCELLED, 0)
    assert batch.orders.get().retry_of == order
    assert batch.orders.get().reference != order.reference
    with pytest.raises(Refused, match="takes the place"):
        drafting.retry_as_new(order, actor=mira)


def test_a_retry_that_two_people_press_at_once_is_made_once(shop, mira, user, monkeypatch):
    jon = user("finance_maker", username="jon")
    shop.arm("cancelled")
    order = shop.buy(mira)
    shop.pass_time(minutes=10)
    order.refresh_from_db()
    check_wish = drafting.check_wish

    def overtaken(wish):
        monkeypatch.setattr(drafting, "check_wish", check_wish)
        drafting.retry_as_new(order, actor=jon)

    monkeypatch.setattr(drafting, "check_wish", overtaken)
    with pytest.raises(LostTheRace, match="somebody else"):
        drafting.retry_as_new(order, actor=mira)

    assert order.retries.get().batch.maker == jon


@pytest.mark.parametrize("fault", ["extra_cards", "duplicate_code"])
def test_codes_that_do_not_add_up_are_kept_and_shown_to_nobody(shop, mira, fault):
    shop.arm(fault)
    order = shop.buy(mira)

    shop.pass_time(minutes=10)
    order.refresh_from_db()

    assert order.status == Status.NEEDS_REVIEW
    assert not order.cards.filter(is_releasable=True).exists()
    assert order.breaks.filter(kind="delivery_mismatch", closed_at=None).count() == 1


def test_the_code_of_another_order_is_never_taken_for_ours(shop, mira):
    first = shop.buy(mira)
    shop.pass_time(minutes=2)
    shop.arm("foreign_code")

    second = shop.buy(mira)
    shop.pass_time(minutes=10)
    second.refresh_from_db()

    assert Order.objects.get(pk=first.pk).status == Status.FULFILLED
    assert second.status == Status.NEEDS_REVIEW


def test_missing_codes_are_waited_for_and_then_kept_as_a_part(shop, mira):
    shop.arm("missing_cards")
    order = shop.buy(mira)
    shop.pass_time(minutes=20)
    order.refresh_from_db()
    early = order.status

    shop.pass_time(hours=2)
    order.refresh_from_db()

    assert early == Status.PLACED
    assert order.status == Status.PARTLY_FULFILLED


def test_a_status_that_goes_backwards_changes_nothing_and_raises_a_break(shop, mira):
    shop.arm("status_regression", after=1)
    shop.arm("http_500", operation="getOrderCards", times=6)
    order = shop.buy(mira)

    shop.pass_time(minutes=30)
    order.refresh_from_db()

    assert order.standing in ("completed", "processing")
    assert len(shop.bought()) == 1


def test_a_status_never_heard_of_stays_visible_and_loses_nothing(shop, mira):
    shop.arm("status_unknown", resume_after=1800)
    order = shop.buy(mira)
    shop.pass_time(minutes=5)
    order.refresh_from_db()
    seen = (order.status, order.standing, order.provider_text)

    shop.pass_time(hours=2)
    order.refresh_from_db()

    assert seen == (Status.PLACED, "unmapped", "Awaiting Fulfilment Partner")
    assert order.status == Status.FULFILLED


def test_a_placed_order_without_news_is_held_for_a_person(shop, mira):
    shop.arm("on_hold")
    order = shop.buy(mira)

    shop.pass_time(hours=80)
    order.refresh_from_db()

    assert order.status == Status.NEEDS_REVIEW
    assert "No change at the provider" in order.reason


def test_a_second_worker_does_not_buy_again(shop, mira):
    order = shop.buy(mira)

    placing.place_order(str(order.pk))
    placing.place_order(str(order.pk))

    assert len(shop.bought()) == 1
    assert order.attempts.count() == 1


def test_a_worker_that_dies_before_the_answer_leaves_a_doubt_that_resolves(shop, mira):
    order = shop.buy(mira)

    def die(request: requests.PreparedRequest) -> None:
        if request.method == "POST":
            raise KeyboardInterrupt

    shop.wire.interrupt = die
    with pytest.raises(KeyboardInterrupt):
        placing.place_order(str(order.pk))
    shop.wire.interrupt = lambda request: None
    shop.pass_time(minutes=60)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(shop.bought()) == 1


def test_no_call_is_made_inside_a_transaction(shop, mira):
    depth = len(connection.savepoint_ids)
    seen = []
    shop.wire.interrupt = lambda request: seen.append(len(connection.savepoint_ids))

    shop.buy(mira)
    shop.pass_time(minutes=2)

    assert set(seen) == {depth}


def test_a_batch_is_as_many_orders_with_a_reference_each(shop, mira):
    batch = submitting.submit_batch(shop.draft(mira, quantity=5), actor=mira)

    shop.pass_time(minutes=3)

    orders = list(batch.orders.all())
    assert [order.status for order in orders] == [Status.FULFILLED] * 5
    assert len({order.reference for order in orders}) == 5
    assert len({code for order in orders for code in codes_of(order)}) == 5


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"face_value": Money(2550, "USD")}, "face_value"),
        ({"face_value": Money(1, "USD")}, "face_value"),
        ({"face_value": Money(10**9, "USD")}, "face_value"),
        ({"face_value": Money(2500, "EUR")}, "face_value"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -3}, "quantity"),
        ({"quantity": 501}, "quantity"),
    ],
)
def test_what_cannot_be_bought_is_refused_at_its_field_and_nothing_changes(
    shop, mira, fields, field
):
    with pytest.raises(InvalidOrder) as refused:
        shop.draft(mira, **fields)

    assert refused.value.field == field
    assert str(refused.value).endswith(".")
    assert not Order.objects.exists()


def test_more_than_the_deposit_holds_is_refused_with_the_missing_amount(shop, mira, settings):
    settings.GIFTOPS_APPROVAL_LIMITS = {"USD": "1000000"}
    batch = shop.draft(mira, face_value=Money(50_000, "USD"), quantity=101)

    with pytest.raises(NotEnoughMoney, match="USD 500.00 is missing"):
        submitting.submit_batch(batch, actor=mira)

    assert set(batch.orders.values_list("status", flat=True)) == {Status.DRAFT}
    assert Deposit.objects.get().held_minor == 0


def test_a_full_disk_stops_the_sending_before_any_money_moves(shop, mira, settings):
    settings.GIFTOPS_DISK_MINIMUM = 2**60
    order = shop.buy(mira)
    shop.pass_time(minutes=3)
    order.refresh_from_db()
    waiting = (order.status, shop.bought())

    settings.GIFTOPS_DISK_MINIMUM = 0
    shop.pass_time(minutes=5)
    order.refresh_from_db()

    assert waiting == (Status.APPROVED, [])
    assert "disk is full" not in order.reason
    assert order.status == Status.FULFILLED


def test_unreadable_credentials_make_an_order_wait_and_say_why(shop, mira):
    order = shop.buy(mira)
    shop.account.credentials = "no JSON"
    shop.account.save()

    shop.pass_time(minutes=1)
    order.refresh_from_db()

    assert order.status == Status.APPROVED
    assert "enter them again" in order.reason
    with pytest.raises(InvalidOrder, match="enter them again"):
        shop.draft(mira)
