"""True answers with one field broken: what is read is right, or it is an error that says so.

The answers are fetched over HTTP once and then played back, broken, through the same gateway.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from providers import services
from providers.gateways.base import RawAnswer, RemoteOrder, UnreadableItem
from providers.gateways.errors import MalformedResponse, OutcomeUnknown, ProviderError
from providers.models import ProviderCall
from tests.conformance.playback import PlayBack
from tests.conformance.stage import SellerStage
from tests.conformance.test_reading import finished
from tests.conformance.wrong_types import broken, with_a_key_twice, with_more_fields


def true_answers(stage: SellerStage, name: str, order: RemoteOrder) -> tuple[Any, list[RawAnswer]]:
    """What the read gives, and the answers it is made of; signed in before."""
    stage.read("get_order", order)
    before = ProviderCall.objects.count()
    return stage.read(name, order), stage.answers(after=before)


def spoilt(
    answers: list[RawAnswer], spoil: Callable[[bytes], Iterator[tuple[str, bytes]]]
) -> Iterator[tuple[str, list[RawAnswer]]]:
    """Every way to spoil one of the answers; those before and after it stay true."""
    for position, raw in enumerate(answers):
        for what, body in spoil(raw.body):
            yield what, [*answers[:position], replace(raw, body=body), *answers[position + 1 :]]


# --- Purchases ----------------------------------------------------------------------------------


def order_facts(order: RemoteOrder) -> tuple[Any, ...]:
    lines = [(line.product_id, line.face_value, line.quantity) for line in order.lines]
    return order.external_id, lines


def test_a_broken_answer_to_a_purchase_is_unknown_or_still_our_purchase(
    seller: SellerStage,
) -> None:
    request = seller.subject.request(seller.subject.order_types[0])
    placed = seller.buy(request, attempt="a")
    raw, gateway = services.journaled_answer("a"), seller.gateway()
    assert raw is not None

    lies = []
    for what, body in broken(raw.body):
        try:
            order = gateway.read_placed(replace(raw, body=body), request)
        except OutcomeUnknown:
            continue
        except ProviderError as error:
            lies.append(f"{what}: {error!r}")
            continue
        if order_facts(order) != order_facts(placed) or order.reference not in (
            request.reference,
            None,
        ):
            lies.append(f"{what}: {order!r}")

    assert lies == []


def test_fields_that_nobody_described_change_nothing(seller: SellerStage) -> None:
    request = seller.subject.request(seller.subject.order_types[0])
    placed = seller.buy(request, attempt="a")
    raw, gateway = services.journaled_answer("a"), seller.gateway()
    assert raw is not None

    more = gateway.read_placed(replace(raw, body=with_more_fields(raw.body)), request)

    assert replace(more, payload=placed.payload) == placed
    with pytest.raises(MalformedResponse):
        gateway.read_placed(replace(raw, body=with_a_key_twice(raw.body)), request)


# --- Reads --------------------------------------------------------------------------------------


def is_true_order(got: Any, truth: RemoteOrder) -> bool:
    """It is there, it is this one, and what it says of what was bought is so or is left out."""
    if got is None or got.external_id != truth.external_id:
        return False
    return got.lines == () or order_facts(got) == order_facts(truth)


def is_true_delivery(got: Any, truth: Any) -> bool:
    """Each card is one we bought, at its value."""
    bought = {(card.identity, card.face_value) for card in truth}
    return {(card.identity, card.face_value) for card in got or []} <= bought


def is_true_listing(got: Any, truth: Any) -> bool:
    """As many items, the unreadable set aside, the others under their ids; only one is spoilt."""
    bad = [one for one in got if isinstance(one, UnreadableItem)]
    good = {one.external_id for one in got if not isinstance(one, UnreadableItem)}
    untouched = [one for one in truth[1:] if one not in got]
    return (
        len(got) == len(truth)
        and len(bad) <= 1
        and good <= {one.external_id for one in truth}
        and len(untouched) <= 1
    )


def is_true_page(got: Any, truth: Any) -> bool:
    return is_true_listing([*got.items, *got.unreadable], list(truth.items))


IS_TRUE: dict[str, Callable[[Any, Any], bool]] = {
    "find_order": is_true_order,
    "get_order": is_true_order,
    "get_cards": is_true_delivery,
    "list_orders": is_true_page,
    "list_products": is_true_listing,
    "list_options": is_true_listing,
    "get_balance": lambda got, truth: got.available == truth.available,
}


def test_a_broken_answer_to_a_read_is_an_error_or_still_true(
    seller: SellerStage, read: str
) -> None:
    order = finished(seller)
    truth, answers = true_answers(seller, read, order)

    lies, playback = {}, PlayBack(seller)
    for what, spoilt_answers in spoilt(answers, broken):
        try:
            got = playback.read(read, order, spoilt_answers)
        except MalformedResponse:
            continue
        except ProviderError as error:
            lies[what] = repr(error)
            continue
        if not IS_TRUE[read](got, truth):
            lies[what] = repr(got)

    blind = seller.subject.blind_spots.get(read, {})
    assert {what: got for what, got in lies.items() if what not in blind} == {}
    assert set(blind) <= set(lies)


def test_an_answer_that_gives_a_key_twice_is_not_read(seller: SellerStage, read: str) -> None:
    order = finished(seller)
    _, answers = true_answers(seller, read, order)

    with pytest.raises(MalformedResponse):
        PlayBack(seller).read(
            read, order, [replace(one, body=with_a_key_twice(one.body)) for one in answers]
        )
