"""An account at which something of ours lives cannot move to another merchant."""

import pytest

from orders.issuing_states import CardState, HoldState, NumberState
from orders.models import Authorization, Card, ReservedNumber
from orders.services.issuing.reservations import reserving
from providers.services import AccountError, update_account

ELSEWHERE = "http://127.0.0.1:8010/another"


def move(desk):
    update_account(desk.account, base_url=ELSEWHERE)


def test_an_account_without_anything_moves(desk):
    move(desk)


def test_cards_keep_it_where_it_is(desk, mira):
    desk.card(mira)

    with pytest.raises(AccountError, match="1 card lives at this account"):
        move(desk)


def test_numbers_that_are_left_keep_it_and_used_ones_do_not(desk, mira):
    desk.pool(mira, 3)
    with pytest.raises(AccountError, match="3 numbers are left at this account"):
        move(desk)

    ReservedNumber.objects.update(state=NumberState.RETIRED)
    move(desk)


def test_a_request_that_nobody_answered_keeps_it(desk, mira):
    reserving.request_single(desk.account, actor=mira, agency="Harbor Street")

    with pytest.raises(AccountError, match="1 request for numbers is open"):
        move(desk)


@pytest.mark.parametrize("state", [HoldState.AUTHORIZED, HoldState.UNKNOWN])
def test_an_open_hold_keeps_it(desk, mira, state):
    card = desk.card(mira)
    Authorization.objects.create(
        account=desk.account, card=card, reference="GO-TEST-HOLD", currency="USD", maker=mira,
        requested_minor=100, state=state,
    )  # fmt: skip
    Card.objects.update(state=CardState.REFUSED)

    with pytest.raises(AccountError, match="1 hold is open"):
        move(desk)


def test_what_does_not_move_it_may_change(desk, mira):
    desk.card(mira)

    update_account(desk.account, is_active=False, settings={})
