"""Asking: look-ups, orders, cards, lists and balances, when all is well and when it is not."""

from collections.abc import Iterable

import pytest

from giftops.identity import new_id, reference_for
from providers.gateways.base import RemoteOrder, Standing
from providers.gateways.errors import (
    Maintenance,
    MalformedResponse,
    NotSent,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.conformance.scenes import LOUD, SILENT, Scene
from tests.conformance.stage import SellerStage
from tests.conformance.subject import Fault, Special
from tests.conformance.test_cards import handing_out
from tests.conformance.test_placing import any_request, money_facts


def finished(stage: SellerStage) -> RemoteOrder:
    """An order that is done, with all its cards."""
    order = stage.bought(stage.subject.request(handing_out(stage)))
    stage.subject.complete(stage.control)
    return order


def failures_of(
    stage: SellerStage, fault: Fault, methods: Iterable[str] = ()
) -> dict[str, type[ProviderError]]:
    """What each read raises while all its requests meet the fault, each by its own account."""
    order, failures = finished(stage), {}
    for name in methods or stage.subject.reads:
        reader = stage.neighbour(f"for-{name}")
        stage.arm(fault, name, count=None)
        with pytest.raises(ProviderError) as caught:
            reader.read(name, order)
        stage.control.clear()
        said = f"{caught.value} {caught.value!r}"
        assert order.reference not in said
        assert order.external_id not in said
        failures[name] = type(caught.value)
    return failures


# --- Look-ups -----------------------------------------------------------------------------------


def test_an_order_is_found_by_our_reference_and_by_their_id(seller: SellerStage) -> None:
    request = any_request(seller)
    placed = seller.buy(request)

    found = seller.gateway().find_order(request.reference)
    named = seller.gateway().get_order(placed.external_id)

    assert found is not None
    for order in (found, named):
        assert order.external_id == placed.external_id
        assert order.reference in (request.reference, None)
        assert money_facts(order.lines) == money_facts(request.lines)


def test_an_order_that_is_done_says_so(seller: SellerStage) -> None:
    request = any_request(seller)
    seller.buy(request)
    seller.subject.complete(seller.control)

    found = seller.gateway().find_order(request.reference)

    assert found is not None
    assert found.standing == Standing.COMPLETED


def test_a_reference_that_nobody_used_is_absent(seller: SellerStage) -> None:
    assert seller.gateway().find_order(reference_for(new_id())) is None


def test_a_beginning_of_a_reference_is_not_the_reference(seller: SellerStage) -> None:
    order = seller.bought()
    assert order.reference is not None

    for near in (order.reference[:-1], f"{order.reference}0", order.reference.lower()):
        assert seller.gateway().find_order(near) is None


def test_an_id_that_they_do_not_know_is_a_refusal(seller: SellerStage) -> None:
    with pytest.raises(ProviderRejected):
        seller.gateway().get_order("no-such-order")


def test_an_order_under_another_reference_is_not_taken_for_ours(seller: SellerStage) -> None:
    order = seller.bought()
    seller.arm(seller.special(Special.OTHER_REFERENCE), "find_order", count=None)

    try:
        found = seller.gateway().find_order(order.reference)
    except MalformedResponse:
        return

    assert found is None or found.reference not in (order.reference, None)


def test_a_status_that_no_document_lists_is_kept_for_a_person(seller: SellerStage) -> None:
    fault, request = seller.special(Special.UNKNOWN_STATUS), any_request(seller)
    seller.arm(fault, "place_order")
    seller.buy(request)
    seller.subject.complete(seller.control)

    found = seller.gateway().find_order(request.reference)

    assert found is not None
    assert found.standing == Standing.UNMAPPED
    assert found.status_text


# --- Failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", LOUD, ids=lambda scene: scene.name)
def test_every_bad_answer_to_a_read_has_one_meaning(seller: SellerStage, scene: Scene) -> None:
    failures = failures_of(seller, scene.fault)

    assert failures == dict.fromkeys(seller.subject.reads, scene.read)


@pytest.mark.parametrize("scene", SILENT, ids=lambda scene: scene.name)
@pytest.mark.usefixtures("short_deadlines")
def test_silence_after_a_read_is_no_absence(seller: SellerStage, scene: Scene) -> None:
    failures = failures_of(seller, scene.fault, ["find_order"])

    assert failures == {"find_order": scene.read}


def test_a_refused_sign_in_is_no_absence(seller: SellerStage) -> None:
    failures = failures_of(seller, Fault(kind="http_401"))

    assert failures == dict.fromkeys(seller.subject.reads, ProviderMisconfigured)


def test_a_404_where_nothing_may_be_missing_is_a_refusal(seller: SellerStage) -> None:
    methods = [name for name in seller.subject.reads if name not in ("find_order", "get_cards")]

    failures = failures_of(seller, Fault(kind="http_404"), methods)

    assert failures == dict.fromkeys(methods, ProviderRejected)


def test_maintenance_is_known_on_reads_too(seller: SellerStage) -> None:
    fault = seller.special(Special.MAINTENANCE)

    failures = failures_of(seller, fault)

    assert failures == dict.fromkeys(seller.subject.reads, Maintenance)


def test_where_nobody_listens_nothing_was_asked(seller: SellerStage) -> None:
    order, nowhere = seller.bought(), f"http://127.0.0.1:9/{seller.subject.slug}"

    for name in seller.subject.reads:
        with pytest.raises(NotSent):
            seller.neighbour(name, base_url=nowhere).read(name, order)


# --- Connection ---------------------------------------------------------------------------------


def test_a_working_connection_is_told_in_a_sentence(seller: SellerStage) -> None:
    said = seller.gateway().test_connection()

    assert said.startswith(seller.subject.spec.label)
    assert said.endswith(".")


def test_wrong_credentials_are_our_set_up(seller: SellerStage) -> None:
    wrong = dict.fromkeys(seller.subject.credentials, "CANARY-wrong")
    stranger = seller.neighbour("wrong", credentials=wrong)

    with pytest.raises((ProviderMisconfigured, ProviderUnavailable)) as caught:
        stranger.gateway().test_connection()

    assert type(caught.value) is ProviderMisconfigured
    assert "CANARY" not in f"{caught.value} {caught.value!r}"
