"""Fetching what we paid for: not yet, all of it, or too little, and never anybody else's."""

import pytest

from providers.gateways.base import OrderType, RemoteCard
from providers.gateways.errors import ProviderError
from tests.conformance.stage import SellerStage
from tests.conformance.subject import Special


def handing_out(stage: SellerStage) -> OrderType:
    """An order type whose cards come to us."""
    return next(one for one in stage.subject.order_types if one.must_hand_out_cards)


def identities(cards: list[RemoteCard] | None) -> list[str]:
    return sorted(card.identity for card in cards or [])


def test_cards_come_when_the_order_is_done_and_not_before(
    seller: SellerStage, order_type: OrderType
) -> None:
    request = seller.subject.request(order_type)
    placed = seller.buy(request)

    early = seller.gateway().get_cards(placed.external_id)
    seller.subject.complete(seller.control)
    cards = seller.gateway().get_cards(placed.external_id)

    (truth,) = seller.truth(request.reference)
    assert early is None
    assert identities(cards) == sorted(truth.cards)
    if order_type.must_hand_out_cards:
        values = [line.face_value for line in request.lines for _ in range(line.quantity)]
        assert cards is not None
        assert len(set(identities(cards))) == len(values)
        assert sorted(card.face_value.minor for card in cards) == sorted(
            value.minor for value in values
        )
        assert {card.face_value.currency for card in cards} == {value.currency for value in values}


def test_a_card_too_few_is_not_made_up(seller: SellerStage) -> None:
    fault, request = (
        seller.special(Special.SHORT_CARDS),
        seller.subject.request(handing_out(seller)),
    )
    seller.arm(fault, "place_order")
    placed = seller.buy(request)
    seller.subject.complete(seller.control)

    cards = seller.gateway().get_cards(placed.external_id)

    asked = sum(line.quantity for line in request.lines)
    (truth,) = seller.truth(request.reference)
    assert len(identities(cards)) < asked
    assert set(identities(cards)) <= set(truth.cards)


def test_an_order_that_they_do_not_know_has_no_cards(seller: SellerStage) -> None:
    with pytest.raises(ProviderError):
        seller.gateway().get_cards("no-such-order")


def test_cards_are_the_same_however_often_they_are_fetched(seller: SellerStage) -> None:
    placed = seller.buy(seller.subject.request(handing_out(seller)))
    seller.subject.complete(seller.control)

    first = seller.gateway().get_cards(placed.external_id)
    second = seller.gateway().get_cards(placed.external_id)

    assert first == second != []
