"""Numbers are reserved: asked for, sent, judged, and what silence costs is said."""

from datetime import timedelta

import pytest
import requests

from giftops import clock, guard
from giftops.models import AuditEntry, Job
from giftops.sealing import StoredToken
from orders.issuing_states import NumberState, ReservationState
from orders.models import Attempt, Break, BreakKind, Phase, Reservation, ReservedNumber
from orders.services import sweeping
from orders.services.issuing import sending
from orders.services.issuing.reservations import receiving, reserving, stock
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from providers import services as providers
from providers.gateways import errors
from providers.gateways.base import ReservedNumbers
from providers.models import ProviderAccount, ProviderCall
from tests.orders.issuing.scripted import number, told

S, N = ReservationState, NumberState
SILENCE = requests.ReadTimeout()
HARBOR = {"agency": "Harbor Street", "name": "Autumn"}


def numbers(*ordinals):
    return ReservedNumbers(numbers=tuple(number(one) for one in ordinals))


@pytest.fixture
def pool_of(desk, mira):
    """Ask for a pool of so many numbers."""

    def ask(count=3, **fields):
        return reserving.request_pool(desk.account, actor=mira, count=count, **HARBOR | fields)

    return ask


@pytest.fixture
def single(desk, mira):
    """Ask for one number."""
    return lambda: reserving.request_single(desk.account, actor=mira, agency="Harbor Street")


def states_of(reservation):
    return [one.state for one in reservation.numbers.order_by("position")]


def phases_of(reservation):
    return [one.phase for one in reservation.attempts.order_by("number")]


def open_breaks(reservation):
    return {one.kind for one in reservation.breaks.filter(closed_at=None)}


# --- Asking -------------------------------------------------------------------------------------


def test_a_pool_is_asked_for_and_its_numbers_are_sealed(desk, pool_of):
    reservation = pool_of(3)

    desk.work()

    reservation.refresh_from_db()
    kept = list(reservation.numbers.order_by("position"))
    assert (reservation.state, reservation.received, reservation.reason) == (S.RESERVED, 3, "")
    assert [one.number.reveal() for one in kept] == [number(1), number(2), number(3)]
    assert [(one.last_four, one.state, one.expires_at) for one in kept] == [
        ("0001", N.RESERVED, None), ("0002", N.RESERVED, None), ("0003", N.RESERVED, None),
    ]  # fmt: skip
    assert desk.sent("reserve") == [
        {
            "name": reservation.reference,
            "agency": "Harbor Street",
            "type": "pool",
            "count": 3,
        }
    ]
    assert phases_of(reservation) == [Phase.APPLIED]


def test_a_single_number_has_an_hour_from_the_moment_it_was_asked_for(desk, single):
    reservation = single()

    def slowly(asked):
        desk.time.sleep(30)
        return numbers(7)

    desk.says("reserve", slowly)
    desk.work()

    reservation.refresh_from_db()
    kept = reservation.numbers.get()
    assert kept.expires_at == reservation.sent_at + timedelta(hours=1)
    assert clock.db_now() - reservation.sent_at >= timedelta(seconds=30)


def test_the_timeline_and_the_audit_trail_tell_it_without_a_number(desk, pool_of):
    reservation = pool_of(2)

    desk.work()

    told_so = [event.text for event in reservation.events.all()]
    assert told_so == [
        "2 asked for, for Harbor Street · Autumn", "Sent, attempt 1", "2 of 2 came",
    ]  # fmt: skip
    trail = str(list(AuditEntry.objects.values()))
    assert "reservation.reserved" in trail
    assert number(1) not in trail + str(told_so) + repr(list(reservation.numbers.all()))


def test_no_row_holds_a_number_in_the_clear(desk, pool_of):
    pool_of(1)
    desk.work()

    row = ReservedNumber.objects.values().get()
    calls = str(list(ProviderCall.objects.values())) + str(list(Attempt.objects.values()))
    assert isinstance(row["number"], StoredToken)
    assert number(1) not in str(row) + calls
    assert number(1).replace("-", "") not in str(row) + calls


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"agency": " "}, "agency"),
        ({"agency": "x" * 61}, "agency"),
        ({"agency": "a\x00b"}, "agency"),
        ({"name": ""}, "name"),
        ({"count": 0}, "count"),
        ({"count": -1}, "count"),
        ({"count": 10_001}, "count"),
        ({"low_stock_at": -1}, "low_stock_at"),
    ],
)
def test_wrong_input_is_a_sentence_at_its_field(desk, pool_of, fields, field):
    with pytest.raises(InvalidOrder) as caught:
        pool_of(**{"count": 3} | fields)

    assert caught.value.field == field
    assert not Reservation.objects.exists()
    assert not Job.objects.exists()


def test_more_than_the_issuer_gives_at_once_may_be_asked_for(desk, pool_of):
    reservation = pool_of(700)

    desk.work()

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received) == (S.RESERVED, 500)
    assert reservation.reason == "Asked for 700, got 500: they cut it."


def test_an_account_that_is_off_or_issues_nothing_is_refused(desk, mira, pool_of):
    ProviderAccount.objects.update(is_active=False)
    desk.account.refresh_from_db()
    with pytest.raises(InvalidOrder, match="is switched off"):
        pool_of()

    seller = providers.create_account(
        name="seller", provider="ncentiva", environment="sandbox",
        base_url="http://127.0.0.1:8010/ncentiva", currency="USD",
        credentials={"username": "u", "password": "p"},
    )  # fmt: skip
    with pytest.raises(InvalidOrder, match="issues no cards") as caught:
        reserving.request_single(seller, actor=mira, agency="Harbor Street")
    assert caught.value.field == "account"


@pytest.mark.parametrize("role", ["finance_approver", "support_agent", "auditor", "administrator"])
def test_only_makers_reserve(desk, user, role):
    with pytest.raises(Refused, match="Your role may not"):
        reserving.request_single(desk.account, actor=user(role), agency="Harbor Street")


def test_a_second_request_for_a_pool_adds_to_it_and_keeps_its_alert(desk, pool_of):
    first = pool_of(2, low_stock_at=1)
    second = pool_of(2)
    desk.work()

    assert first.pool == second.pool
    found = stock.stock_of(second.pool)
    assert (found.asked, found.received, found.left, found.is_low) == (4, 4, 4, False)
    assert second.pool.low_stock_at == 1


def test_a_pool_may_be_changed_and_the_trail_says_so(desk, mira, pool_of):
    pool = pool_of(1, low_stock_at=5, tops_up=True).pool

    reserving.change_pool(pool, actor=mira, low_stock_at=0, tops_up=False)

    pool.refresh_from_db()
    assert (pool.low_stock_at, pool.tops_up) == (0, False)
    assert AuditEntry.objects.filter(action="pool.changed").count() == 1


# --- What was sent ------------------------------------------------------------------------------


def test_two_workers_send_it_once(desk, single):
    reservation = single()
    stale = Reservation.objects.select_related("account").get()
    reserving.send_reservation(str(reservation.pk))

    with pytest.raises(LostTheRace):
        sending.run(reserving.RESERVE, stale)
    reserving.send_reservation(str(reservation.pk))

    assert len(desk.sent("reserve")) == 1


def test_it_waits_while_its_account_is_off_or_its_maker_is_gone(desk, single, mira):
    reservation = single()
    mira.is_active = False
    mira.save()

    desk.work()

    reservation.refresh_from_db()
    assert reservation.state == S.REQUESTED
    assert "may no longer reserve numbers" in reservation.reason
    assert desk.sent("reserve") == []
    mira.is_active = True
    mira.save()
    desk.pass_time(minutes=17)
    reservation.refresh_from_db()
    assert reservation.state == S.RESERVED


def test_nothing_is_sent_in_quarantine(desk, single):
    single()
    guard.mark_restored()

    reserving.send_reservation(str(Reservation.objects.get().pk))

    assert desk.sent("reserve") == []


def test_what_was_withdrawn_is_not_sent(desk, single, mira):
    reservation = single()

    reserving.withdraw_reservation(reservation, actor=mira)
    desk.work()

    assert reservation.state == S.WITHDRAWN
    assert desk.sent("reserve") == []
    with pytest.raises(Refused):
        reserving.withdraw_reservation(reservation, actor=mira)


@pytest.mark.parametrize(
    "error",
    [
        errors.RateLimited("busy", retry_after=30),
        errors.ProviderMisconfigured("401"),
        errors.Maintenance("closed"),
        requests.ConnectTimeout(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_was_not_carried_out_is_sent_again_later(desk, pool_of, error):
    reservation = pool_of(2)
    desk.says("reserve", error)

    desk.work()
    reservation.refresh_from_db()
    was = (reservation.state, reservation.may_be_lost)
    desk.pass_time(minutes=20)

    reservation.refresh_from_db()
    assert was == (S.REQUESTED, 0)
    assert (reservation.state, phases_of(reservation)) == (
        S.RESERVED, [Phase.NOT_SENT, Phase.APPLIED],
    )  # fmt: skip


def test_a_wish_of_theirs_to_wait_is_kept(desk, single):
    reservation = single()
    desk.says("reserve", errors.RateLimited("busy", retry_after=300))

    desk.work()

    reservation.refresh_from_db()
    assert reservation.next_look_at - clock.db_now() >= timedelta(seconds=300)


def test_after_eight_refusals_for_our_own_fault_it_is_given_up(desk, single):
    reservation = single()
    desk.says("reserve", *[errors.ProviderMisconfigured("no permission")] * 20)

    desk.pass_time(hours=6, steps=100)

    reservation.refresh_from_db()
    assert (reservation.state, len(desk.sent("reserve"))) == (S.REJECTED, 8)
    assert "no permission" in reservation.reason


def test_a_refusal_in_known_words_is_final(desk, pool_of):
    reservation = pool_of(2)
    desk.says("reserve", errors.ProviderRejected("POST /x: Agency is required", reason="…"))

    desk.work()

    reservation.refresh_from_db()
    assert (reservation.state, reservation.reason) == (
        S.REJECTED, "Scripted Issuer: Agency is required.",
    )  # fmt: skip
    assert reservation.next_look_at is None


def test_an_answer_without_a_number_is_a_refusal(desk, pool_of):
    reservation = pool_of(2)
    desk.says("reserve", numbers())

    desk.work()

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received) == (S.REJECTED, 0)
    assert "no number was given" in reservation.reason


# --- Silence ------------------------------------------------------------------------------------


def test_a_single_number_without_an_answer_is_asked_for_again(desk, single):
    reservation = single()
    desk.says("reserve", SILENCE)

    desk.work()
    reservation.refresh_from_db()
    was = (reservation.state, reservation.may_be_lost)
    desk.pass_time(seconds=30)

    reservation.refresh_from_db()
    assert was == (S.UNKNOWN, 1)
    assert (reservation.state, reservation.received, reservation.may_be_lost) == (S.RESERVED, 1, 1)
    assert phases_of(reservation) == [Phase.PARKED, Phase.APPLIED]
    kept = reservation.numbers.get()
    assert kept.expires_at == reservation.sent_at + timedelta(hours=1)


def test_after_three_silences_a_single_number_lapses_by_itself(desk, single):
    reservation = single()
    desk.says("reserve", *[SILENCE] * 10)

    desk.pass_time(minutes=60)
    reservation.refresh_from_db()
    was = reservation.state
    desk.pass_time(minutes=15)

    reservation.refresh_from_db()
    assert (was, len(desk.sent("reserve"))) == (S.UNKNOWN, 3)
    assert (reservation.state, reservation.may_be_lost) == (S.LAPSED, 3)
    assert reservation.changed_at - reservation.sent_at >= timedelta(minutes=70)
    assert open_breaks(reservation) == set()
    assert list(stock.leaks()) == [reservation]


def test_a_pool_without_an_answer_is_asked_for_once_more_then_a_person_looks(desk, pool_of):
    reservation = pool_of(300)
    desk.says("reserve", *[SILENCE] * 10)

    desk.pass_time(hours=2)

    reservation.refresh_from_db()
    assert (reservation.state, reservation.may_be_lost) == (S.NEEDS_REVIEW, 600)
    assert (len(desk.sent("reserve")), phases_of(reservation)) == (2, [Phase.PARKED] * 2)
    assert open_breaks(reservation) == {BreakKind.LOST_NUMBERS}
    assert Break.objects.get().owner == reservation.maker
    assert "600 numbers may be reserved for nobody" in reservation.reason


def test_a_pool_whose_repeat_is_answered_lists_what_the_first_may_have_wasted(desk, pool_of):
    reservation = pool_of(3)
    desk.says("reserve", SILENCE)

    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received, reservation.may_be_lost) == (S.RESERVED, 3, 3)
    assert stock.stock_of(reservation.pool).may_be_lost == 3


@pytest.mark.parametrize(
    "error",
    [errors.ProviderRejected("POST /x: no"), errors.RateLimited("busy", retry_after=5)],
    ids=["refused", "busy"],
)
def test_a_no_says_nothing_about_the_silence_before_it(desk, pool_of, error):
    reservation = pool_of(3)
    desk.says("reserve", SILENCE, error)

    desk.pass_time(seconds=65, steps=13)

    reservation.refresh_from_db()
    assert (reservation.state, reservation.may_be_lost) == (S.UNKNOWN, 3)


def test_after_silence_a_refusal_ends_the_asking(desk, pool_of):
    reservation = pool_of(3)
    desk.says("reserve", SILENCE, errors.ProviderRejected("POST /x: no"))

    desk.pass_time(minutes=10)

    reservation.refresh_from_db()
    assert (reservation.state, len(desk.sent("reserve"))) == (S.NEEDS_REVIEW, 2)


def test_a_repeat_that_was_not_carried_out_is_not_used_up(desk, pool_of):
    reservation = pool_of(3)
    desk.says("reserve", SILENCE, errors.RateLimited("busy", retry_after=5))

    desk.pass_time(minutes=10)

    reservation.refresh_from_db()
    assert (reservation.state, len(desk.sent("reserve"))) == (S.RESERVED, 3)


def test_an_answer_that_breaks_the_contract_raises_the_alarm(desk, single):
    reservation = single()
    desk.says("reserve", errors.MalformedResponse("POST /x: no list of numbers"))

    desk.work()

    reservation.refresh_from_db()
    assert reservation.state == S.UNKNOWN
    assert open_breaks(reservation) == {BreakKind.CONTRACT}


def test_a_worker_that_dies_leaves_an_unknown_outcome(desk, single, monkeypatch):
    reservation = single()
    die_before(monkeypatch, "answer_of", reservation)

    reservation.refresh_from_db()
    assert (reservation.state, phases_of(reservation)) == (S.SENDING, [Phase.SENDING])
    desk.time.sleep(301)
    sweeping.sweep_orders()

    reservation.refresh_from_db()
    assert (reservation.state, reservation.may_be_lost) == (S.UNKNOWN, 1)


def test_a_worker_that_dies_after_the_answer_was_recorded_loses_nothing(desk, single, monkeypatch):
    reservation = single()
    die_before(monkeypatch, "apply", reservation)

    desk.time.sleep(301)
    sweeping.sweep_orders()

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received) == (S.RESERVED, 1)
    assert (reservation.may_be_lost, len(desk.sent("reserve"))) == (0, 1)


class Killed(BaseException):
    """The worker is gone."""


def die_before(monkeypatch, step, reservation):
    """Send it, and be killed right before this step of sending."""

    def killed(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sending, step, killed)
        with pytest.raises(Killed):
            reserving.send_reservation(str(reservation.pk))


# --- Answers that come late ---------------------------------------------------------------------


def answered_late(reservation, said):
    """An answer to its first attempt reaches the journal now."""
    told.append(said)
    attempt = reservation.attempts.order_by("number")[0]
    ProviderCall.objects.filter(attempt_ref=str(attempt.pk)).delete()
    call = ProviderCall(
        account=reservation.account, operation="reserve", method="POST", route="/reserve",
        http_status=200, outcome="answered", duration_ms=1, attempt_ref=str(attempt.pk),
        created_at=clock.db_now(),
    )  # fmt: skip
    call.response_body = str(len(told) - 1).encode()
    call.save()


def test_a_late_answer_ends_the_doubt_before_anything_is_asked_again(desk, pool_of):
    reservation = pool_of(2)
    desk.says("reserve", SILENCE)
    desk.work()
    answered_late(reservation, numbers(51, 52))

    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received, reservation.may_be_lost) == (S.RESERVED, 2, 0)
    assert phases_of(reservation) == [Phase.RESOLVED_SUCCESS]
    assert len(desk.sent("reserve")) == 1


def test_a_single_number_that_comes_late_has_the_hour_of_its_own_send(desk, single):
    reservation = single()
    desk.says("reserve", SILENCE, SILENCE)
    desk.pass_time(seconds=25, steps=5)
    answered_late(reservation, numbers(51))

    desk.pass_time(seconds=30)

    reservation.refresh_from_db()
    assert (reservation.state, reservation.attempts.count()) == (S.RESERVED, 2)
    first = reservation.attempts.get(number=1)
    assert first.sent_at < reservation.sent_at
    assert reservation.numbers.get().expires_at == first.sent_at + timedelta(hours=1)


def test_after_it_lapsed_a_late_number_is_kept_and_expired(desk, single):
    reservation = single()
    desk.says("reserve", *[SILENCE] * 3)
    desk.pass_time(minutes=75)
    answered_late(reservation, numbers(51))

    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert (reservation.state, states_of(reservation)) == (S.RESERVED, [N.EXPIRED])
    assert reservation.may_be_lost == 2


def test_a_late_answer_ends_the_review(desk, pool_of):
    reservation = pool_of(2)
    desk.says("reserve", SILENCE, SILENCE)
    desk.pass_time(minutes=10)
    answered_late(reservation, numbers(51, 52))

    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received, reservation.may_be_lost) == (S.RESERVED, 2, 2)
    assert open_breaks(reservation) == set()


def test_the_answer_to_the_first_send_counts_beside_that_to_the_second(desk, pool_of):
    reservation = pool_of(2)
    desk.says("reserve", SILENCE)
    desk.pass_time(minutes=2)
    answered_late(reservation, numbers(51, 52))

    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert (reservation.received, reservation.may_be_lost) == (4, 0)
    assert states_of(reservation) == [N.RESERVED] * 4
    assert [one.position for one in reservation.numbers.order_by("position")] == [1, 2, 3, 4]


def test_an_answer_may_come_while_the_repeat_is_under_way(desk, pool_of):
    reservation = pool_of(2)
    desk.says("reserve", SILENCE)
    desk.work()
    first = reservation.attempts.get()

    def meanwhile(asked):
        sending.apply(first.pk, numbers(51, 52))
        return SILENCE

    desk.says("reserve", meanwhile)
    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received, reservation.may_be_lost) == (S.RESERVED, 2, 2)
    assert phases_of(reservation) == [Phase.RESOLVED_SUCCESS, Phase.PARKED]


def test_the_same_answer_applied_twice_counts_once(desk, pool_of):
    reservation = pool_of(2)
    desk.work()
    attempt = reservation.attempts.get()

    sending.apply(attempt.pk, numbers(1, 2))
    sending.apply(attempt.pk, errors.OutcomeUnknown("late"))

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received, states_of(reservation)) == (
        S.RESERVED, 2, [N.RESERVED] * 2,
    )  # fmt: skip


# --- Fewer, more, twice, foreign ----------------------------------------------------------------


def test_what_was_cut_is_shown_and_may_be_topped_up_by_a_person(desk, mira, jon, pool_of):
    reservation = pool_of(5)
    desk.says("reserve", numbers(51, 52))
    desk.work()
    reservation.refresh_from_db()

    more = reserving.top_up(reservation, actor=jon)
    desk.work()

    more.refresh_from_db()
    assert (more.asked, more.received, more.tops_up) == (3, 3, reservation)
    found = stock.stock_of(reservation.pool)
    assert (found.asked, found.received, found.left) == (5, 5, 5)
    with pytest.raises(Refused, match="Nothing is missing"):
        reserving.top_up(reservation, actor=mira)


def test_two_people_top_up_once(desk, mira, jon, pool_of):
    reservation = pool_of(5)
    desk.says("reserve", numbers(51))
    desk.work()
    first, second = (Reservation.objects.get(pk=reservation.pk) for _ in range(2))

    reserving.top_up(first, actor=mira)
    with pytest.raises(Refused):
        reserving.top_up(second, actor=jon)

    assert reservation.top_ups.count() == 1


def test_a_top_up_that_brought_nothing_may_be_asked_for_again(desk, mira, pool_of):
    reservation = pool_of(5)
    desk.says("reserve", numbers(51), errors.ProviderRejected("no"))
    desk.work()
    reservation.refresh_from_db()
    reserving.top_up(reservation, actor=mira)
    desk.work()

    reservation.refresh_from_db()
    assert reserving.top_up(reservation, actor=mira).asked == 4


def test_a_pool_tops_itself_up_as_long_as_that_brings_something(desk, pool_of):
    desk.says("reserve", numbers(51, 52), numbers(53, 54), numbers())
    reservation = pool_of(7, tops_up=True)

    desk.work()

    asked = [(one.asked, one.received) for one in Reservation.objects.order_by("id")]
    assert asked == [(7, 2), (5, 2), (3, 0)]
    found = stock.stock_of(reservation.pool)
    assert (found.asked, found.received) == (7, 4)


def test_without_the_wish_nothing_is_topped_up_by_itself(desk, pool_of):
    desk.says("reserve", numbers(51))
    pool_of(7)

    desk.work()

    assert Reservation.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (numbers(51, 52, 53, 54), "more numbers than were asked for"),
        (numbers(51, 51), "the same number twice"),
        (ReservedNumbers(numbers=(number(51), number(51).replace("-", ""))), "twice"),
        (ReservedNumbers(numbers=(number(51), "99/5323 57538")), "can be none"),
        (ReservedNumbers(numbers=(number(51), "")), "can be none"),
    ],
)
def test_a_batch_that_cannot_be_right_is_sealed_in_quarantine(desk, pool_of, given, words):
    reservation = pool_of(3)
    desk.says("reserve", given)

    desk.work()

    reservation.refresh_from_db()
    assert (reservation.state, reservation.received) == (S.QUARANTINED, 0)
    assert set(states_of(reservation)) == {N.QUARANTINED}
    kept = [one.number.reveal() if one.number else "" for one in reservation.numbers.all()]
    assert sorted(kept) == sorted(given.numbers)
    assert words in reservation.reason
    assert open_breaks(reservation) == {BreakKind.NUMBERS}
    assert stock.usable(reservation.pool, clock.db_now()).count() == 0


def test_numbers_that_we_have_already_quarantine_all_that_came_with_them(desk, pool_of):
    first = pool_of(2)
    desk.work()
    second = pool_of(3)
    desk.says("reserve", ReservedNumbers(numbers=(number(61), number(2).lower(), number(62))))

    desk.work()

    second.refresh_from_db()
    assert (second.state, states_of(second)) == (S.QUARANTINED, [N.QUARANTINED] * 3)
    assert states_of(first) == [N.RESERVED] * 2
    assert stock.stock_of(first.pool).quarantined == 3


def test_two_answers_with_the_same_number_at_the_same_moment(desk, pool_of, monkeypatch):
    """Neither saw the other's: the unique index decides."""
    monkeypatch.setattr(receiving, "_known_of", lambda *_args: set())
    first, second = pool_of(2), pool_of(2)
    desk.says("reserve", numbers(51, 52), numbers(52, 53))

    desk.work()

    first.refresh_from_db()
    second.refresh_from_db()
    assert sorted([first.state, second.state]) == [S.QUARANTINED, S.RESERVED]
    assert ReservedNumber.objects.filter(state=N.QUARANTINED).count() == 2


def test_a_late_answer_to_what_is_in_quarantine_goes_there_too(desk, pool_of):
    reservation = pool_of(2)
    desk.says("reserve", SILENCE, numbers(51, 51))
    desk.pass_time(minutes=2)
    answered_late(reservation, numbers(61, 62))

    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert (reservation.state, states_of(reservation)) == (S.QUARANTINED, [N.QUARANTINED] * 4)


# --- People decide ------------------------------------------------------------------------------


@pytest.fixture
def held(desk, pool_of):
    """A pool that nobody heard of, held for a person."""
    reservation = pool_of(4)
    desk.says("reserve", SILENCE, SILENCE)
    desk.pass_time(minutes=10)
    reservation.refresh_from_db()
    return reservation


def test_a_person_asks_again_and_what_was_lost_stays_listed(desk, mira, held):
    reserving.ask_again(held, actor=mira, reason="They found nothing.")

    desk.work()

    held.refresh_from_db()
    assert (held.state, held.received, held.may_be_lost) == (S.RESERVED, 4, 8)
    assert open_breaks(held) == set()


def test_a_person_asks_again_in_vain_and_is_asked_again(desk, mira, held):
    desk.says("reserve", SILENCE)
    reserving.ask_again(held, actor=mira, reason="They found nothing.")

    desk.pass_time(minutes=10)

    held.refresh_from_db()
    assert (held.state, held.may_be_lost, len(desk.sent("reserve"))) == (S.NEEDS_REVIEW, 12, 3)
    assert open_breaks(held) == {BreakKind.LOST_NUMBERS}


def test_a_person_leaves_it(desk, mira, held):
    reserving.leave_it(held, actor=mira, reason="Not worth it.")

    assert (held.state, held.may_be_lost, held.reason) == (S.LAPSED, 8, "Not worth it.")
    assert open_breaks(held) == set()
    with pytest.raises(Refused):
        reserving.ask_again(held, actor=mira, reason="After all.")


@pytest.mark.parametrize("act", [reserving.ask_again, reserving.leave_it])
def test_a_decision_needs_a_reason_and_a_maker(desk, mira, tom, held, act):
    with pytest.raises(Refused, match="Say what you found out"):
        act(held, actor=mira, reason=" ")
    with pytest.raises(Refused, match="Your role"):
        act(held, actor=tom, reason="They found nothing.")


def test_only_what_is_held_is_decided(desk, mira, single):
    for act in (reserving.ask_again, reserving.leave_it):
        with pytest.raises(Refused, match="not possible now"):
            act(single(), actor=mira, reason="In a hurry.")


# --- The sweep ----------------------------------------------------------------------------------


def test_a_request_whose_job_was_lost_is_found_again(desk, single):
    reservation = single()
    Job.objects.all().delete()

    desk.pass_time(minutes=2)

    reservation.refresh_from_db()
    assert reservation.state == S.RESERVED


def test_a_worker_whose_own_clock_is_wrong_changes_nothing(desk, single, monkeypatch):
    reservation = single()
    monkeypatch.setattr(desk.time, "now", lambda: desk.time.moment + timedelta(minutes=10))

    desk.work()

    kept = reservation.numbers.get()
    reservation.refresh_from_db()
    assert kept.expires_at == reservation.sent_at + timedelta(hours=1)
    assert reservation.sent_at < clock.db_now() < reservation.sent_at + timedelta(seconds=1)
    assert kept.state == N.RESERVED
