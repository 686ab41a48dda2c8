"""Does the scripted issuer behave like a gateway? Everything else here stands on it."""

import pytest
import requests

from giftops.money import Money
from orders.issuing_states import CardState
from providers import services as providers
from providers.gateways import errors
from providers.gateways.base import CreateRequest, HoldRequest, ReserveRequest, capabilities
from tests.orders.issuing.scripted import ScriptedIssuer, number

ASKED = ReserveRequest(name="GO-TEST-1", agency="Harbor Street")


def test_it_is_an_issuer():
    assert capabilities(ScriptedIssuer) == {"issuer"}


def test_it_does_as_it_is_asked_and_the_journal_says_the_same_again(desk):
    gateway = providers.gateway_for(desk.account, attempt_ref="a-1")

    said = gateway.reserve(ASKED, slot=gateway.reserve_slot())

    assert said.numbers == (number(1),)
    assert gateway.read_reserved(providers.journaled_answer("a-1"), ASKED) == said
    assert desk.sent("reserve")[0]["agency"] == "Harbor Street"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (requests.ReadTimeout(), errors.OutcomeUnknown),
        (requests.ConnectTimeout(), errors.NotSent),
        (errors.NotReserved("no", reason="Not Reserved"), errors.NotReserved),
        (lambda asked: errors.AnswerMismatch("another one"), errors.AnswerMismatch),
    ],
)
def test_it_says_what_it_is_told(desk, answer, error):
    gateway = providers.gateway_for(desk.account)
    desk.says("reserve", answer)

    with pytest.raises(error):
        gateway.reserve(ASKED, slot=gateway.reserve_slot())


def test_cards_are_created_and_money_is_held_taken_and_given_back(desk):
    gateway = providers.gateway_for(desk.account)
    slot = gateway.reserve_slot
    gateway.create(
        CreateRequest(number=number(1), code="GC", value=Money(2500, "USD"), customer_id="1"),
        slot=slot(),
    )
    asked = HoldRequest(number=number(1), sale_id="S", amount=Money(1000, "USD"))
    first, second = (gateway.authorize(asked, slot=slot()) for _ in range(2))

    gateway.confirm(number(1), first.auth_code, slot=slot())
    gateway.cancel(number(1), second.auth_code, slot=slot())

    card = gateway.check_balance(number(1))
    assert (card.balance.minor, card.held.minor, card.available.minor) == (1500, 0, 1500)


def test_rows_are_there_without_asking(desk, mira):
    pool, card = desk.pool(mira, 3), desk.card(mira)
    waiting = desk.issuance(mira, 2)

    assert pool.reservations.get().numbers.count() == 3
    assert desk.script.cards[card.code.reveal()].available == card.face_value
    assert [one.state for one in waiting.cards.all()] == [CardState.WAITING] * 2
