"""A provider that takes the same bytes again: lost answers, duplicates, and what is not ours."""

import json
from datetime import timedelta

import pytest

from orders.models import Attempt, Order, Phase, Resolution
from orders.services import deciding, finding, resolving
from orders.services.drafting import request_of
from orders.services.fingerprints import fingerprint_of_request
from orders.services.problems import Refused
from orders.statuses import Status
from providers.sandbox.wire import Request


@pytest.fixture
def partners(partners):
    """The shop, with everything that is sent to buy noted down."""
    partners.posted = []

    def note(request):
        if request.method == "POST" and request.path_url.endswith("/Orders"):
            partners.posted.append(request.body)

    partners.wire.interrupt = note
    return partners


def control(partners, path, body):
    headers = {"Content-Type": "application/json"}
    reply = partners.simulated.handle(
        Request.to("POST", f"/_control/{path}", headers, json.dumps(body).encode())
    )
    return reply.json()


@pytest.mark.parametrize("fault", ["timeout_before_commit", "reset_before_commit", "http_504"])
def test_what_never_arrived_is_sent_again_with_the_same_bytes(partners, mira, fault):
    partners.arm(fault, times=3)
    order = partners.buy(mira)

    partners.pass_time(minutes=20, steps=80)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(partners.posted) == 4
    assert len(set(partners.posted)) == 1
    assert len(partners.bought()) == 1


@pytest.mark.parametrize("conflict", ["", "conflict_without_ids", "conflict_html"])
def test_a_lost_answer_is_found_again_and_bought_once(partners, mira, conflict):
    partners.arm("timeout_after_commit")
    partners.arm("delayed_visibility", seconds=45)
    if conflict:
        partners.arm(conflict, times=5)
    order = partners.buy(mira)

    partners.pass_time(minutes=20, steps=80)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(partners.bought()) == 1


def test_the_order_that_a_duplicate_names_is_compared_and_taken_over(partners, mira):
    partners.arm("timeout_after_commit")
    partners.arm("delayed_visibility", seconds=100_000)
    order = partners.buy(mira)

    partners.pass_time(minutes=3)
    order.refresh_from_db()

    named = [attempt.named_external_id for attempt in order.attempts.order_by("number")]
    assert named == ["", order.external_id]
    assert order.status == Status.FULFILLED


def test_a_duplicate_that_nobody_shows_is_neither_absent_nor_sent_again(partners, mira):
    partners.arm("timeout_after_commit")
    partners.arm("delayed_visibility", seconds=100_000)
    partners.arm("conflict_without_ids", times=50)
    order = partners.buy(mira)
    partners.pass_time(hours=3)
    order.refresh_from_db()
    looking = (order.status, len(partners.posted))

    partners.pass_time(hours=22)
    order.refresh_from_db()

    assert looking == (Status.UNKNOWN, 2)
    assert len(partners.posted) == 2
    assert order.status == Status.NEEDS_REVIEW
    assert order.breaks.filter(kind="reference_collision", closed_at=None).exists()


def test_a_reference_that_was_taken_before_we_sent_anything_is_never_adopted(partners, mira, tom):
    order = partners.buy(mira)
    line = order.lines.get()
    same = {
        "PONumber": order.reference,
        "LineItems": [{"ProductId": line.product_external_id, "Value": 25, "Quantity": 2}],
    }
    stranger = control(partners, "stranger", same)

    partners.pass_time(minutes=3)
    order.refresh_from_db()

    assert (order.status, order.external_id) == (Status.NEEDS_REVIEW, "")
    assert order.held_minor == order.total_minor
    assert f"{stranger['id']} had our reference before" in order.reason
    two = deciding.propose(
        order, actor=mira, decision=Resolution.Decision.ADOPT, reason="It is ours.",
        external_id=stranger["id"],
    )  # fmt: skip
    deciding.confirm(two, actor=tom)
    partners.pass_time(minutes=2)
    assert Order.objects.get(pk=order.pk).status == Status.FULFILLED


def test_a_reference_that_carries_another_order_is_held_for_a_person(partners, mira):
    order = partners.buy(mira)
    control(partners, "stranger", {"PONumber": order.reference})

    partners.pass_time(minutes=3)
    order.refresh_from_db()

    assert order.status == Status.NEEDS_REVIEW
    assert "is another order" in order.reason
    with pytest.raises(Refused, match="another order"):
        deciding.propose(
            order, actor=mira, decision=Resolution.Decision.ADOPT, reason="This one?",
            external_id=order.attempts.get().named_external_id,
        )  # fmt: skip


def test_a_duplicate_that_names_somebody_elses_order_does_not_hide_ours(partners, mira):
    partners.arm("timeout_after_commit")
    partners.arm("delayed_visibility", seconds=45)
    partners.arm("conflict_foreign_id")
    order = partners.buy(mira)
    partners.pass_time(minutes=25)
    order.refresh_from_db()

    with pytest.raises(Refused, match="It does exist there"):
        deciding.propose(
            order, actor=mira, decision=Resolution.Decision.REJECT, reason="It is not there."
        )

    assert order.status == Status.NEEDS_REVIEW
    assert order.attempts.exclude(named_external_id="").exists()
    assert len(partners.bought()) == 2  # ours, and that of the stranger


def test_what_would_be_another_request_is_only_looked_for(partners, mira):
    partners.arm("timeout_before_commit")
    order = partners.buy(mira)
    partners.work()
    Attempt.objects.filter(order=order).update(request_fingerprint="of other bytes")

    partners.pass_time(hours=1)
    order.refresh_from_db()

    assert len(partners.posted) == 1
    assert order.status == Status.NEEDS_REVIEW


def test_replays_end_after_eight_sends_and_two_people_decide(partners, mira):
    partners.arm("timeout_before_commit", times=100)
    order = partners.buy(mira)

    partners.pass_time(hours=4, steps=120)
    order.refresh_from_db()

    assert len(partners.posted) == 8
    assert (order.status, order.held_minor) == (Status.NEEDS_REVIEW, order.total_minor)


def test_a_person_who_asks_sends_nothing(partners, mira):
    partners.arm("timeout_before_commit")
    order = partners.buy(mira)
    partners.work()
    partners.time.sleep(3600)

    resolving.resolve_order(str(order.pk), may_send=False)

    assert len(partners.posted) == 1
    assert Order.objects.get(pk=order.pk).status == Status.UNKNOWN


def test_without_its_approval_an_order_is_not_sent_again(partners, mira):
    partners.arm("timeout_before_commit")
    order = partners.buy(mira)
    partners.work()
    type(mira).objects.filter(pk=mira.pk).update(is_active=False)

    partners.pass_time(hours=1)
    order.refresh_from_db()

    assert len(partners.posted) == 1
    assert order.status == Status.NEEDS_REVIEW


def test_a_token_that_was_refused_costs_nothing_but_time(partners, mira):
    partners.time.sleep(600)
    partners.arm("http_401")
    order = partners.buy(mira)

    partners.pass_time(minutes=10)
    order.refresh_from_db()

    assert (order.status, order.refusals) == (Status.FULFILLED, 0)
    assert len(partners.bought()) == 1


def test_the_first_send_that_may_have_arrived_starts_the_day_of_replays(partners, mira):
    order = partners.buy(mira)
    at = partners.time.moment
    rows = [(Phase.NOT_SENT, "", 0), (Phase.APPLIED, "no_funds", 1), (Phase.UNKNOWN, "unknown", 2)]
    for number, (phase, verdict, hours) in enumerate(rows, 1):
        Attempt.objects.create(
            order=order, operation="place_order", number=number, reference=order.reference,
            request_fingerprint=fingerprint_of_request(request_of(order)), account_mark="x",
            phase=phase, verdict=verdict, fence=number, sent_at=at + timedelta(hours=hours),
            lease_until=at,
        )  # fmt: skip

    sends = finding.sends_of(order)

    assert (sends.first_at, sends.count) == (at + timedelta(hours=2), 2)
    assert sends.is_same_request
