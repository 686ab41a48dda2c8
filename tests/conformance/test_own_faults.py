"""Whatever a provider's own simulator can do: what lives is never called dead."""

import pytest

from providers.gateways.errors import (
    DuplicateReference,
    HoldIsOver,
    OutcomeUnknown,
    ProviderError,
    UnknownRefusal,
)
from tests.conformance.issuer_stage import IssuerStage
from tests.conformance.stage import SellerStage
from tests.conformance.subject import Fault
from tests.conformance.test_placing import any_request

MAY_EXIST = (OutcomeUnknown, DuplicateReference, UnknownRefusal)
MAY_BE_OVER = (*MAY_EXIST, HoldIsOver)


def test_no_purchase_is_called_dead_that_lives(seller: SellerStage, purchase_fault: str) -> None:
    request, placed, error = any_request(seller), None, None
    seller.arm(Fault(kind=purchase_fault), "place_order")

    try:
        placed = seller.buy(request)
    except ProviderError as problem:
        error = problem
    seller.control.clear()
    seller.subject.complete(seller.control)

    there = [one.external_id for one in seller.truth(request.reference)]
    assert len(there) <= 1
    if placed is not None:
        assert there == [placed.external_id]
    elif not isinstance(error, MAY_EXIST):
        assert there == [], f"{error!r} says that nothing was bought"


def test_no_look_up_calls_absent_what_is_there(seller: SellerStage, look_up_fault: str) -> None:
    if look_up_fault in seller.subject.lies:
        pytest.skip(f"{look_up_fault}: {seller.subject.lies[look_up_fault]}")
    order = seller.bought()
    seller.arm(Fault(kind=look_up_fault), "find_order", count=None)

    try:
        found = seller.gateway().find_order(order.reference)
    except ProviderError:
        return  # an error proves nothing, and says so

    assert found is not None


def test_no_write_of_an_issuer_is_called_dead_that_lives(
    issuer: IssuerStage, own_write_fault: str
) -> None:
    method, kind = own_write_fault.split()
    act, error = issuer.act(method), None
    issuer.arm(Fault(kind=kind), method)

    try:
        issuer.play(act, attempt="a")
    except ProviderError as problem:
        error = problem
    issuer.control.clear()
    issuer.subject.complete(issuer.control)

    assert len(issuer.calls("a")) == 1
    if error is None:
        assert act.times() >= 1 or kind in issuer.subject.lies, "it is said to be done"
    elif not isinstance(error, MAY_BE_OVER):
        assert act.times() == 0, f"{error!r} says that nothing was done"


def test_no_read_of_an_issuer_calls_absent_what_is_there(
    issuer: IssuerStage, own_read_fault: str
) -> None:
    method, kind = own_read_fault.split()
    if kind in issuer.subject.lies:
        pytest.skip(f"{kind}: {issuer.subject.lies[kind]}")
    number = issuer.card()
    truth = issuer.read(method, number)
    issuer.arm(Fault(kind=kind), method, count=None)

    try:
        found = issuer.read(method, number)
    except ProviderError:
        return  # an error proves nothing, and says so

    assert found is not None
    assert worth_of(found) == worth_of(truth)


def worth_of(found: object) -> tuple[object, ...]:
    """What money hangs on in an answer: the card, what it is worth; the picture; the customer."""
    names = ("number", "balance", "held", "available", "content", "external_id")
    return tuple(getattr(found, name, None) for name in names)
