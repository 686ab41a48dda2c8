"""The choices that money hangs on, one row per case."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giftops.money import Money
from orders import decisions
from orders.decisions import Absence, Claim, Delivery, Match, News, Replay, Sends, Verdict
from orders.statuses import ALLOWED, DEAD, Status
from providers.gateways import errors
from providers.gateways.base import (
    OrderRequest,
    OrderType,
    Recovery,
    RemoteLine,
    RemoteOrder,
    RequestLine,
    Standing,
)

SENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY_ERROR = [
    errors.NotSent("x"),
    errors.TokenRefused("x"),
    errors.RateLimited("x", retry_after=2),
    errors.Maintenance("x"),
    errors.ProviderUnavailable("x"),
    errors.ProviderRejected("x"),
    errors.InsufficientFunds("x"),
    errors.DuplicateReference("x"),
    errors.UnknownRefusal("x"),
    errors.ProviderMisconfigured("x"),
    errors.OutcomeUnknown("x"),
    errors.MalformedResponse("x"),
    errors.AnswerMismatch("x"),
]
NOT_EXECUTED = (errors.ProviderUnavailable, errors.ProviderMisconfigured)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda e: type(e).__name__)
def test_only_proof_of_not_happening_counts_as_not_executed(error):
    verdict = decisions.verdict_of(error)

    assert (verdict is Verdict.NOT_EXECUTED) == isinstance(error, NOT_EXECUTED)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, Status.PLACED),
        (errors.NotSent("x"), Status.APPROVED),
        (errors.TokenRefused("x"), Status.APPROVED),
        (errors.RateLimited("x"), Status.APPROVED),
        (errors.Maintenance("x"), Status.APPROVED),
        (errors.ProviderMisconfigured("x"), Status.APPROVED),
        (errors.ProviderRejected("x"), Status.REJECTED),
        (errors.InsufficientFunds("x"), Status.AWAITING_FUNDS),
        (errors.UnknownRefusal("x"), Status.UNKNOWN),
        (errors.DuplicateReference("x"), Status.UNKNOWN),
        (errors.OutcomeUnknown("x"), Status.UNKNOWN),
        (errors.AnswerMismatch("x"), Status.UNKNOWN),
    ],
)
def test_a_first_answer_decides(error, expected):
    verdict = decisions.verdict_of(error)

    assert decisions.status_after(verdict, earlier_unresolved=False) == expected


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda e: type(e).__name__)
def test_no_refusal_concludes_anything_while_an_earlier_attempt_is_unresolved(error):
    verdict = decisions.verdict_of(error)

    assert decisions.status_after(verdict, earlier_unresolved=True) == Status.UNKNOWN


def test_good_news_counts_even_after_an_unresolved_attempt():
    assert decisions.status_after(Verdict.PLACED, earlier_unresolved=True) == Status.PLACED


@given(st.integers(0, 40), st.floats(0, 1, exclude_max=True), st.floats(0, 10**6) | st.none())
def test_backoff_never_undercuts_the_provider_and_never_exceeds_a_quarter_of_an_hour(
    tries, jitter, wish
):
    wait = decisions.backoff(tries, jitter, at_least=wish)

    assert wait >= timedelta(seconds=max(wish or 0, 1))
    assert wait <= max(decisions.MAX_BACKOFF, timedelta(seconds=wish or 0))


def request(product="1234", minor=2500, quantity=1):
    line = RequestLine(product_id=product, face_value=Money(minor, "USD"), quantity=quantity)
    return OrderRequest(reference="GO-1", lines=(line,))


def remote(reference="GO-1", product="1234", minor=2500, quantity=1, currency="USD"):
    line = RemoteLine(product_id=product, face_value=Money(minor, currency), quantity=quantity)
    return RemoteOrder(
        external_id="N-1", reference=reference, status_text="Open",
        standing=Standing.ACCEPTED, lines=(line,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (remote(), Match.SAME),
        (remote(reference=None), Match.SAME),
        (remote(reference="GO-2"), Match.FOREIGN),
        (remote(product="9"), Match.FOREIGN),
        (remote(minor=2501), Match.FOREIGN),
        (remote(quantity=2), Match.FOREIGN),
        (remote(currency="EUR"), Match.FOREIGN),
    ],
)
def test_an_order_is_ours_only_if_reference_card_amount_and_quantity_agree(found, expected):
    assert decisions.match_of(request(), found) is expected


ANN, BEN = "a" * 32, "b" * 32


def line_of(kind, line_id="", product="1234", minor=2500, quantity=1):
    face_value = Money(minor, "USD")
    return kind(product_id=product, face_value=face_value, quantity=quantity, line_id=line_id)


def two_lines(*lines, type=OrderType.DIGITAL):
    return RemoteOrder(
        external_id="N-1", reference="GO-1", status_text="Pending", standing=Standing.PROCESSING,
        lines=tuple(line_of(RemoteLine, **line) for line in lines), type=type,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (two_lines({"line_id": ANN}, {"line_id": BEN, "minor": 5000}), Match.SAME),
        (two_lines({"line_id": BEN, "minor": 5000}, {"line_id": ANN}), Match.SAME),
        (two_lines({"minor": 5000}, {}), Match.SAME),
        (two_lines({"line_id": ANN}, {"minor": 5000}), Match.SAME),
        (two_lines({}, {"minor": 5000}, type=None), Match.SAME),
        (two_lines({}, {"minor": 5000}, type=OrderType.LINKS), Match.FOREIGN),
        (two_lines({"line_id": BEN}, {"line_id": ANN, "minor": 5000}), Match.FOREIGN),
        (two_lines({"line_id": ANN}, {"line_id": "c" * 32, "minor": 5000}), Match.FOREIGN),
        (two_lines({"line_id": ANN}, {"line_id": ANN}), Match.FOREIGN),
        (two_lines({"line_id": ANN}), Match.FOREIGN),
        (two_lines({}, {"minor": 5000}, {}), Match.FOREIGN),
        (two_lines({}, {"minor": 5000, "quantity": 2}), Match.FOREIGN),
        (two_lines({}, {"minor": 5000, "product": "9"}), Match.FOREIGN),
        (two_lines(), Match.FOREIGN),
    ],
)
def test_an_order_of_many_lines_is_ours_only_if_its_type_and_every_line_agree(found, expected):
    lines = (line_of(RequestLine, ANN), line_of(RequestLine, BEN, minor=5000))
    sent = OrderRequest(reference="GO-1", lines=lines, type=OrderType.DIGITAL)

    assert decisions.match_of(sent, found) is expected


REPLAYS = Recovery(
    look_ups=tuple(timedelta(seconds=s) for s in (10, 60, 300, 900)),
    replays_for=timedelta(hours=24),
    adopts_first_duplicate=False,
)


@pytest.mark.parametrize(
    ("recovery", "is_first", "expected"),
    [
        (REPLAYS, False, Claim.ADOPT),
        (REPLAYS, True, Claim.PARK),
        (Recovery(), True, Claim.ADOPT),
        (Recovery(), False, Claim.ADOPT),
    ],
)
def test_what_was_there_before_we_sent_anything_is_not_ours(recovery, is_first, expected):
    assert decisions.claim_of(recovery, is_first_duplicate=is_first) is expected


@pytest.mark.parametrize(
    ("minutes", "sends", "expected"),
    [
        (0.1, 1, Replay.LATER),
        (0.2, 1, Replay.NOW),
        (0.2, 2, Replay.LATER),
        (1, 2, Replay.NOW),
        (5, 3, Replay.NOW),
        (14, 4, Replay.LATER),
        (15, 4, Replay.NOW),
        (29, 5, Replay.LATER),
        (30, 5, Replay.NOW),
        (60, 7, Replay.NOW),
        (600, 8, Replay.NEVER),
        (24 * 60 - 1, 1, Replay.NOW),
        (24 * 60, 1, Replay.NEVER),
    ],
)
def test_the_same_bytes_go_out_again_on_schedule_eight_times_and_for_a_day(
    minutes, sends, expected
):
    sent = Sends(first_at=SENT, count=sends, is_same_request=True)

    assert decisions.replay_of(REPLAYS, sent, SENT + timedelta(minutes=minutes)) is expected


@pytest.mark.parametrize(
    ("recovery", "flaw"),
    [
        (Recovery(), {}),
        (REPLAYS, {"is_same_request": False}),
        (REPLAYS, {"was_refused": True}),
    ],
)
def test_nothing_is_replayed_that_could_be_another_purchase(recovery, flaw):
    sent = Sends(**{"first_at": SENT, "count": 1, "is_same_request": True} | flaw)

    assert decisions.replay_of(recovery, sent, SENT + timedelta(minutes=1)) is Replay.NEVER


def test_look_ups_follow_the_schedule_and_then_come_every_five_minutes():
    now, looks = SENT, []
    for _ in range(7):
        now = decisions.next_look_up(SENT, now)
        looks.append((now - SENT).total_seconds())

    assert looks == [15, 60, 240, 600, 1200, 1500, 1800]


@pytest.mark.parametrize(
    ("minutes", "looks", "expected"),
    [(20, 2, True), (25, 5, True), (19.9, 5, False), (20, 1, False), (0, 0, False)],
)
def test_absence_takes_an_unbroken_run_that_reaches_twenty_minutes(minutes, looks, expected):
    now = SENT + timedelta(minutes=minutes)

    assert decisions.is_proven_absent(sent_at=SENT, now=now, absent_looks=looks) is expected


@pytest.mark.parametrize(
    ("sends", "refused", "unique", "expected"),
    [
        (1, False, True, Absence.RESEND),
        (1, False, False, Absence.PARK),
        (2, False, True, Absence.PARK),
        (1, True, True, Absence.REJECT),
        (1, True, False, Absence.REJECT),
        (2, True, True, Absence.PARK),
    ],
)
def test_an_absent_order_is_sent_again_once_and_only_where_a_late_first_one_would_clash(
    sends, refused, unique, expected
):
    after = decisions.after_absence(sends=sends, was_refused=refused, reference_is_unique=unique)

    assert after is expected


@pytest.mark.parametrize(
    ("before", "seen", "expected"),
    [
        (Standing.ACCEPTED, Standing.ACCEPTED, News.SAME),
        (Standing.ACCEPTED, Standing.PROCESSING, News.CHANGED),
        (Standing.ACCEPTED, Standing.COMPLETED, News.CHANGED),
        (Standing.PROCESSING, Standing.ACCEPTED, News.CONTRADICTION),
        (Standing.COMPLETED, Standing.PROCESSING, News.CONTRADICTION),
        (Standing.COMPLETED, Standing.CANCELLED, News.CONTRADICTION),
        (Standing.COMPLETED, Standing.OUT_OF_STOCK, News.CONTRADICTION),
        (Standing.OUT_OF_STOCK, Standing.PROCESSING, News.CHANGED),
        (Standing.LOW_FUNDS, Standing.COMPLETED, News.CHANGED),
        (Standing.ON_HOLD, Standing.CANCELLED, News.CANCELLED),
        (Standing.ACCEPTED, Standing.UNMAPPED, News.UNMAPPED),
        (Standing.UNMAPPED, Standing.COMPLETED, News.CHANGED),
    ],
)
def test_a_placed_order_never_goes_backwards(before, seen, expected):
    assert decisions.news_of(before, seen) is expected


USD25, USD50, EUR25 = (2500, "USD"), (5000, "USD"), (2500, "EUR")


@pytest.mark.parametrize(
    ("wanted", "got", "expected"),
    [
        ([USD25], [USD25], Delivery.COMPLETE),
        ([USD25, USD25], [USD25], Delivery.SHORT),
        ([USD25], [], Delivery.SHORT),
        ([USD25], [USD25, USD25], Delivery.MISMATCH),
        ([USD25], [USD50], Delivery.MISMATCH),
        ([USD25], [EUR25], Delivery.MISMATCH),
        ([USD25, USD50], [USD50, USD25], Delivery.COMPLETE),
    ],
)
def test_codes_are_counted_and_weighed(wanted, got, expected):
    judged = decisions.delivery_of(wanted=wanted, got=got, has_duplicates=False, has_foreign=False)

    assert judged is expected


@pytest.mark.parametrize("flaw", ["has_duplicates", "has_foreign"])
def test_a_code_seen_twice_or_elsewhere_spoils_the_delivery(flaw):
    flaws = {"has_duplicates": False, "has_foreign": False, flaw: True}

    assert decisions.delivery_of(wanted=[USD25], got=[USD25], **flaws) is Delivery.MISMATCH


def test_polling_slows_down_with_age_within_its_bounds():
    ages = [timedelta(0), timedelta(minutes=4), timedelta(hours=3)]

    delays = [decisions.poll_delay(Standing.PROCESSING, age) for age in ages]

    assert delays == [timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=15)]


@pytest.mark.parametrize(
    ("cards", "seconds"), [(1, 15), (50, 15), (100, 25), (1000, 205), (100_000, 900)]
)
def test_the_first_look_at_many_cards_comes_later(cards, seconds):
    delay = decisions.poll_delay(Standing.PROCESSING, timedelta(), cards=cards)

    assert delay == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("order_type", "hours", "expected"),
    [
        (OrderType.CODES, 12.1, True),
        (OrderType.LINKS, 47, False),
        (OrderType.LINKS, 48.1, True),
        (OrderType.DIGITAL, 47, False),
        (OrderType.PHYSICAL, 48.1, True),
    ],
)
def test_deliveries_may_take_two_days_before_somebody_looks(order_type, hours, expected):
    stood_still = timedelta(hours=hours)

    assert decisions.is_stale(Standing.PROCESSING, stood_still, order_type) is expected


@pytest.mark.parametrize(
    ("order_type", "any_came", "expected"),
    [
        (OrderType.CODES, False, True),
        (OrderType.LINKS, False, True),
        (OrderType.DIGITAL, False, False),
        (OrderType.DIGITAL, True, True),
        (OrderType.PHYSICAL, False, False),
        (OrderType.PHYSICAL, True, False),
    ],
)
def test_cards_must_come_to_us_where_nobody_else_delivers_them(order_type, any_came, expected):
    assert decisions.must_come(order_type, any_came=any_came) is expected


def test_nothing_leaves_fulfilled_and_the_dead_rise_only_for_a_review():
    leaving_fulfilled = [pair for pair in ALLOWED if pair[0] is Status.FULFILLED]
    risen = {new for old, new in ALLOWED if old in DEAD}

    assert leaving_fulfilled == []
    assert risen == {Status.NEEDS_REVIEW}


def test_doubt_is_never_withdrawn_and_never_sent_twice_at_once():
    assert (Status.UNKNOWN, Status.WITHDRAWN) not in ALLOWED
    assert (Status.SUBMITTING, Status.SUBMITTING) not in ALLOWED
    assert (Status.UNKNOWN, Status.APPROVED) not in ALLOWED
