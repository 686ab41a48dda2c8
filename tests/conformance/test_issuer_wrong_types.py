"""An issuer's true answers with one field broken: what is read is right, or it is an error."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from providers import services
from providers.gateways.base import RawAnswer
from providers.gateways.errors import MalformedResponse, OutcomeUnknown, ProviderError
from providers.models import ProviderCall
from tests.conformance.issuer_stage import ISSUER_READ, IssuerStage
from tests.conformance.playback import PlayBack
from tests.conformance.wrong_types import broken, with_a_key_twice, with_more_fields


def played(stage: IssuerStage, write: str) -> tuple[Callable[[RawAnswer], Any], Any, RawAnswer]:
    """A write that was done: how its answer is read, what it gave, and the answer."""
    act = stage.act(write)
    done = stage.play(act, attempt="a")
    raw, gateway = services.journaled_answer("a"), stage.gateway()
    assert raw is not None
    return lambda answer: act.read(gateway, answer), done, raw


def test_a_broken_answer_to_a_write_is_unknown_or_still_true(
    issuer: IssuerStage, written: str
) -> None:
    read, done, raw = played(issuer, written)

    lies = {}
    for what, body in broken(raw.body):
        try:
            got = read(replace(raw, body=body))
        except OutcomeUnknown:
            continue
        except ProviderError as error:
            lies[what] = repr(error)
            continue
        if worth_of(got) != worth_of(done):
            lies[what] = repr(got)

    blind = issuer.subject.blind_spots.get(written, {})
    assert {what: got for what, got in lies.items() if what not in blind} == {}
    assert set(blind) <= set(lies)


def worth_of(done: Any) -> tuple[Any, ...]:
    """What the books take over of an answer; the rest may be missing."""
    names = ("numbers", "number", "amount", "auth_code", "balance", "held", "available", "standing")
    return tuple(getattr(done, name, None) for name in names)


def test_fields_that_nobody_described_change_nothing(issuer: IssuerStage, written: str) -> None:
    read, done, raw = played(issuer, written)

    assert read(replace(raw, body=with_more_fields(raw.body))) == done
    with pytest.raises(MalformedResponse):
        read(replace(raw, body=with_a_key_twice(raw.body)))


def test_a_write_that_is_done_says_nothing_else(issuer: IssuerStage) -> None:
    for write in issuer.subject.silent_writes:
        read, _, raw = played(issuer, write)
        for status, body in ((200, b""), (200, b"{}"), (204, b"{}"), (202, b""), (201, b"")):
            with pytest.raises(MalformedResponse):
                read(replace(raw, status=status, body=body))


@pytest.mark.parametrize("name", ["check_balance", "find_customer"])
def test_a_broken_answer_to_a_read_is_an_error_or_still_true(
    issuer: IssuerStage, name: str
) -> None:
    number = issuer.card()
    issuer.hold(number)
    before = ProviderCall.objects.count()
    truth = issuer.read(name, number)
    (raw,) = issuer.answers(after=before)
    playback, ask = PlayBack(issuer), ISSUER_READ[name]

    lies = {}
    for what, body in broken(raw.body):
        try:
            got = playback.hear(
                lambda gateway: ask(gateway, number, issuer.subject), [replace(raw, body=body)]
            )
        except MalformedResponse:
            continue
        except ProviderError as error:
            lies[what] = repr(error)
            continue
        if got is None or not is_true(got, truth):
            lies[what] = repr(got)

    blind = issuer.subject.blind_spots.get(name, {})
    assert {what: got for what, got in lies.items() if what not in blind} == {}
    assert set(blind) <= set(lies)


def is_true(got: Any, truth: Any) -> bool:
    """The card and its money, or the customer, are those of the true answer; or unmapped."""
    if getattr(got, "external_id", None) != getattr(truth, "external_id", None):
        return False
    return worth_of(got)[:-1] == worth_of(truth)[:-1]
