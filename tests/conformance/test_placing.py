"""Buying: every order type, every failure, and what really exists over there afterwards."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from giftops.money import Money
from providers import services
from providers.gateways.base import OrderRequest, OrderType, RemoteLine, RequestLine, Standing
from providers.gateways.errors import (
    DuplicateReference,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
)
from tests.conformance.scenes import LOUD, OWN_WORDS, SILENT, Scene
from tests.conformance.stage import SellerStage
from tests.conformance.subject import Fault, Special


def any_request(stage: SellerStage) -> OrderRequest:
    return stage.subject.request(stage.subject.order_types[0])


def money_facts(lines: tuple[RemoteLine, ...] | tuple[RequestLine, ...]) -> list[Any]:
    return sorted((line.product_id, line.face_value.minor, line.quantity) for line in lines)


def failure_of(stage: SellerStage, request: OrderRequest) -> ProviderError:
    """Buy under the attempt "a", which fails with a safe text and was sent at most once."""
    with pytest.raises(ProviderError) as caught:
        stage.buy(request, attempt="a")

    said = f"{caught.value} {caught.value!r}"
    assert request.reference not in said
    assert "127.0.0.1" not in said
    assert len(stage.calls("a")) <= 1
    return caught.value


# --- The main road ------------------------------------------------------------------------------


def test_an_order_of_every_type_is_placed_once_as_asked(
    seller: SellerStage, order_type: OrderType
) -> None:
    request = seller.subject.request(order_type)

    seller.gateway().check_request(request)
    order = seller.buy(request, attempt="a")

    assert [one.external_id for one in seller.truth(request.reference)] == [order.external_id]
    assert order.reference in (request.reference, None)
    assert order.type in (order_type, None)
    assert order.standing not in (Standing.CANCELLED, Standing.UNMAPPED)
    assert order.status_text
    assert money_facts(order.lines) == money_facts(request.lines)
    assert {line.line_id for line in order.lines} - {""} <= {line.line_id for line in request.lines}


def test_an_answer_reads_the_same_from_the_journal(
    seller: SellerStage, order_type: OrderType
) -> None:
    request = seller.subject.request(order_type)

    order = seller.buy(request, attempt="a")
    raw = services.journaled_answer("a")

    assert raw is not None
    assert seller.gateway().read_placed(raw, request) == order


def test_the_same_request_is_the_same_bytes(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.arm(Fault(kind="reset_before_commit"), "place_order")

    failure_of(seller, request)
    seller.buy(request, attempt="b")

    (first,), (second,) = seller.calls("a"), seller.calls("b")
    assert first.request_body.reveal_bytes() == second.request_body.reveal_bytes() != b""
    assert len(seller.truth(request.reference)) == 1


# --- What is refused before it is sent ----------------------------------------------------------


def impossible_requests(good: OrderRequest, stage: SellerStage) -> dict[str, OrderRequest]:
    line, most = good.lines[0], stage.subject.spec.gateway_class.lines_per_order
    strange = [one for one in OrderType if one not in stage.subject.order_types]
    return {
        "no reference": replace(good, reference=""),
        "an endless reference": replace(good, reference="x" * 500),
        "a reference with a line break": replace(good, reference="GO\r\nX: 1"),
        "no lines": replace(good, lines=()),
        "too many lines": replace(good, lines=(line,) * (most + 1)),
        "no cards": replace(good, lines=(replace(line, quantity=0),)),
        "fewer than no cards": replace(good, lines=(replace(line, quantity=-1),)),
        "no value": replace(good, lines=(replace(line, face_value=Money(0, "USD")),)),
        "another currency": replace(good, lines=(replace(line, face_value=Money(2500, "EUR")),)),
        "no product": replace(good, lines=(replace(line, product_id=""),)),
        **{f"for {one}": replace(good, type=one) for one in strange},
    }


def test_an_order_that_cannot_be_is_refused_in_a_sentence_and_not_sent(seller: SellerStage) -> None:
    check, buy = seller.gateway().check_request, partial(seller.buy, attempt="a")
    requests = impossible_requests(any_request(seller), seller)

    taken = {
        name: said
        for name, request in requests.items()
        for refuse in (check, buy)
        if not re.match(r"[A-Z].*\.$", said := sentence_of(refuse, request))
    }

    assert taken == {}
    assert seller.calls("a") == []


def sentence_of(refuse: Callable[[OrderRequest], Any], request: OrderRequest) -> str:
    try:
        return f"(took it: {refuse(request)})"
    except ValueError as refusal:
        return str(refusal)


# --- Failures -----------------------------------------------------------------------------------


def plays(stage: SellerStage, scene: Scene) -> None:
    """Arm, buy, and compare with what the scene says and what the ledger has."""
    request = any_request(stage)
    stage.gateway().get_order(stage.bought().external_id)  # signed in
    stage.arm(scene.fault, "place_order")

    error = failure_of(stage, request)

    assert type(error) is scene.write
    assert len(stage.truth(request.reference)) == scene.exists
    if scene.wait is not None:
        assert isinstance(error, ProviderUnavailable)
        assert error.retry_after is not None
        assert error.retry_after >= scene.wait
    reads_the_same_again(stage, request, error)


def reads_the_same_again(stage: SellerStage, request: OrderRequest, error: ProviderError) -> None:
    raw = services.journaled_answer("a")
    if raw is None:
        return
    with pytest.raises(ProviderError) as again:
        stage.gateway().read_placed(raw, request)
    assert type(again.value) is type(error)


@pytest.mark.parametrize("scene", SILENT, ids=lambda scene: scene.name)
@pytest.mark.usefixtures("short_deadlines")
def test_silence_after_a_purchase_was_sent_is_unknown(seller: SellerStage, scene: Scene) -> None:
    plays(seller, scene)


@pytest.mark.parametrize("scene", LOUD, ids=lambda scene: scene.name)
def test_every_bad_answer_to_a_purchase_has_one_meaning(seller: SellerStage, scene: Scene) -> None:
    plays(seller, scene)


@pytest.mark.parametrize("special", OWN_WORDS)
def test_what_only_some_providers_say_means_the_same_at_all(
    seller: SellerStage, special: Special
) -> None:
    expected, exists = OWN_WORDS[special]
    request = any_request(seller)
    seller.arm(seller.special(special), "place_order")

    error = failure_of(seller, request)

    assert type(error) is expected
    assert len(seller.truth(request.reference)) == exists
    reads_the_same_again(seller, request, error)


def test_a_refused_sign_in_bought_nothing(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.arm(Fault(kind="http_401"), "place_order", count=None)

    error = failure_of(seller, request)

    assert type(error) is ProviderMisconfigured
    assert error.opens_breaker
    assert seller.truth(request.reference) == []


def test_a_refusal_in_unlisted_words_bought_nothing(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.arm(Fault(kind="bad_request_unknown"), "place_order")

    error = failure_of(seller, request)

    assert type(error) is seller.subject.unknown_words
    assert seller.truth(request.reference) == []


def test_a_path_that_is_not_there_is_our_set_up(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.arm(Fault(kind="http_404"), "place_order")

    error = failure_of(seller, request)

    assert type(error) is ProviderMisconfigured
    assert not error.opens_breaker


def test_a_purchase_that_is_committed_late_is_unknown_and_then_found(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.arm(Fault(kind="late_commit", params={"delay": 600.0}), "place_order")

    error = failure_of(seller, request)
    before = seller.gateway().find_order(request.reference)
    seller.subject.complete(seller.control)
    after = seller.gateway().find_order(request.reference)

    assert type(error) is OutcomeUnknown
    assert before is None
    assert after is not None
    assert [one.external_id for one in seller.truth(request.reference)] == [after.external_id]


def test_where_nobody_listens_nothing_was_sent(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.account.base_url = f"http://127.0.0.1:9/{seller.subject.slug}"

    error = failure_of(seller, request)

    assert type(error) is NotSent
    assert seller.truth(request.reference) == []


# --- The reference ------------------------------------------------------------------------------


def test_a_second_order_under_a_reference_is_refused_as_a_duplicate(seller: SellerStage) -> None:
    request = any_request(seller)
    first = seller.buy(request)

    error = failure_of(seller, request)

    assert type(error) is DuplicateReference
    named = (first.external_id,) if seller.subject.names_duplicates else ()
    assert error.external_ids == named
    assert len(seller.truth(request.reference)) == 1


def test_another_order_under_our_reference_is_seen_to_be_another(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.buy(replace(seller.subject.other_request(), reference=request.reference))

    error = failure_of(seller, request)
    found = seller.gateway().find_order(request.reference)

    assert type(error) is DuplicateReference
    assert found is not None
    assert money_facts(found.lines) != money_facts(request.lines)
