"""A restored backup creates no card twice and holds no money twice."""

from giftops import guard
from giftops.money import Money
from orders.issuing_states import CardState, HoldState, IssuanceState, ReservationState
from orders.models import Break, BreakKind
from orders.services.issuing.cards import promises
from orders.services.issuing.holds import authorizing, finishing
from orders.services.issuing.reservations import reserving


def test_an_issuance_of_a_backup_waits_for_a_person(desk, mira):
    issuance = desk.issuance(mira, 2, pool=desk.pool(mira))

    guard.release(desk.time.moment)
    desk.pass_time(hours=2)
    issuance.refresh_from_db()

    assert desk.sent("create") == []
    assert issuance.state == IssuanceState.PAUSED
    assert "Compare with the issuer" in issuance.reason


def test_a_draft_of_a_backup_is_not_submitted_again(desk, mira):
    issuance = desk.issuance(mira, 1, pool=desk.pool(mira), state=IssuanceState.DRAFT)

    guard.release(desk.time.moment)
    issuance.refresh_from_db()

    assert issuance.state == IssuanceState.WITHDRAWN


def test_the_cards_of_such_a_draft_free_their_numbers(desk, mira):
    pool = desk.pool(mira, 1)
    issuance = desk.issuance(mira, 1, pool=pool, state=IssuanceState.DRAFT)
    issuance.cards.update(state=CardState.DRAFT)

    guard.release(desk.time.moment)
    assert promises.free_numbers(pool) == 0
    desk.pass_time(minutes=1)

    assert promises.free_numbers(pool) == 1


def test_numbers_that_a_backup_asks_for_are_not_asked_for_again(desk, mira):
    reservation = reserving.request_single(desk.account, actor=mira, agency="Harbor Street")

    guard.release(desk.time.moment)
    desk.pass_time(hours=2)
    reservation.refresh_from_db()

    assert reservation.state == ReservationState.WITHDRAWN
    assert desk.sent("reserve") == []


def test_a_hold_that_a_backup_asks_for_is_not_asked_for_again(desk, mira):
    hold = authorizing.request_hold(desk.card(mira), actor=mira, amount=Money(1000, "USD"))

    guard.release(desk.time.moment)
    desk.pass_time(hours=2)
    hold.refresh_from_db()

    assert hold.state == HoldState.WITHDRAWN
    assert desk.sent("authorize") == []


def test_an_open_hold_of_a_backup_is_finished_by_nobody_but_a_person(desk, mira):
    hold = authorizing.request_hold(desk.card(mira), actor=mira, amount=Money(1000, "USD"))
    desk.work()
    hold.refresh_from_db()
    finishing.confirm_hold(hold, actor=mira)

    guard.release(desk.time.moment)
    desk.pass_time(hours=2)
    hold.refresh_from_db()

    assert hold.state == HoldState.AUTHORIZED
    assert desk.sent("confirm") == []
    assert Break.objects.get(authorization=hold, kind=BreakKind.HOLD_IN_DOUBT).closed_at is None
