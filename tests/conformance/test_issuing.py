"""Issuing: numbers, cards and holds; every failure, and what really exists there afterwards."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from giftops.money import Money
from providers import services
from providers.gateways.base import CardStanding, ReservationType
from providers.gateways.errors import (
    DuplicateReference,
    HoldIsOver,
    NotReserved,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    UnknownRefusal,
)
from tests.conformance.issuer_stage import Act, IssuerStage
from tests.conformance.issuer_subject import ISSUER_WRITES
from tests.conformance.scenes import LOUD, SILENT, Scene
from tests.conformance.subject import Fault

SPOILS_A_BODY = {
    *("truncated_json", "overlong_body", "gzip_bomb", "length_too_small", "slow_drip"),
    *("length_too_large", "no_content_204"),
}
"""Scenes that a success with nothing in it cannot play."""


def failure_of(stage: IssuerStage, act: Act, attempt: str = "a") -> ProviderError:
    """Play the act, which fails with a safe text and was sent at most once."""
    with pytest.raises(ProviderError) as caught:
        stage.play(act, attempt)

    said = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert [one for one in (*act.hidden, "127.0.0.1") if one in said] == []
    assert len(stage.calls(attempt)) <= 1
    return caught.value


# --- The main road ------------------------------------------------------------------------------


def test_every_write_happens_once_and_reads_the_same_from_the_journal(
    issuer: IssuerStage, write: str
) -> None:
    act = issuer.act(write)

    done = issuer.play(act, attempt="a")
    raw = services.journaled_answer("a")

    assert act.times() == 1
    assert raw is not None
    assert act.read(issuer.gateway(), raw) == done


def test_numbers_are_those_that_were_set_aside(issuer: IssuerStage) -> None:
    gateway, request = issuer.gateway(), issuer.subject.reserve_request(5, ReservationType.POOL)

    numbers = gateway.reserve(request, slot=gateway.reserve_slot()).numbers

    assert sorted(numbers) == sorted(issuer.subject.numbers(issuer.control, request.name))
    assert len(set(numbers)) == 5


def test_a_card_is_created_on_our_number_and_worth_what_was_asked(issuer: IssuerStage) -> None:
    gateway, request = issuer.gateway(), issuer.subject.create_request(issuer.number())

    before = gateway.check_balance(request.number)
    created = gateway.create(request, slot=gateway.reserve_slot())
    read = gateway.check_balance(request.number)

    assert before is None
    assert created.number == request.number
    assert issuer.subject.card_values(issuer.control, request.sale_id) == {
        request.number: request.value.minor
    }
    assert (read.number, read.standing) == (request.number, CardStanding.ACTIVE)
    assert (read.balance, read.available) == (request.value, request.value)


def test_money_is_held_taken_and_given_back(issuer: IssuerStage) -> None:
    gateway, number = issuer.gateway(), issuer.card()
    worth = gateway.check_balance(number).balance
    (taken, _), (given_back, _) = issuer.hold(number), issuer.hold(number)

    held = gateway.check_balance(number)
    gateway.confirm(number, taken.auth_code, slot=gateway.reserve_slot())
    gateway.cancel(number, given_back.auth_code, slot=gateway.reserve_slot())
    after = gateway.check_balance(number)

    assert (held.balance, held.held) == (worth, taken.amount + given_back.amount)
    assert after.balance == after.available == worth - taken.amount


def test_a_hold_is_as_the_ledger_has_it(issuer: IssuerStage) -> None:
    hold, sale_id = issuer.hold(issuer.card())

    (true,) = issuer.subject.holds(issuer.control, sale_id)

    assert (hold.auth_code, hold.amount.minor) == (true.auth_code, true.minor)


# --- What is the key of what --------------------------------------------------------------------


def test_a_number_gets_one_card(issuer: IssuerStage) -> None:
    act = issuer.act("create")
    issuer.play(act)

    error = failure_of(issuer, act)

    assert type(error) is DuplicateReference
    assert act.times() == 1


def test_a_number_that_is_no_longer_ours_gets_no_card(issuer: IssuerStage) -> None:
    gateway, number = issuer.gateway(), issuer.number()
    issuer.subject.lapse(issuer.control, number)

    with pytest.raises(NotReserved):
        gateway.create(issuer.subject.create_request(number), slot=gateway.reserve_slot())

    assert gateway.check_balance(number) is None


@pytest.mark.parametrize(("first", "then"), [("confirm", "cancel"), ("cancel", "confirm")])
def test_a_hold_ends_once(issuer: IssuerStage, first: str, then: str) -> None:
    gateway, number = issuer.gateway(), issuer.card()
    hold, sale_id = issuer.hold(number)
    getattr(gateway, first)(number, hold.auth_code, slot=gateway.reserve_slot())
    ended = issuer.subject.holds(issuer.control, sale_id)

    with pytest.raises(HoldIsOver):
        getattr(gateway, then)(number, hold.auth_code, slot=gateway.reserve_slot())

    assert issuer.subject.holds(issuer.control, sale_id) == ended


# --- What is refused before it is sent ----------------------------------------------------------


def impossible(stage: IssuerStage) -> dict[str, Callable[[Any], Any]]:
    """Requests that no issuer could take, each as what is asked of the gateway."""
    subject, number = stage.subject, "99-1"
    numbers, card, hold = (
        subject.reserve_request(),
        subject.create_request(number),
        subject.hold_request(number),
    )
    other, nothing = Money(2500, "EUR"), Money(0, "USD")
    wrong = {
        "reserve": [
            replace(numbers, agency=""),
            replace(numbers, count=0),
            replace(numbers, count=2),
            replace(numbers, name="x" * 500),
            replace(numbers, name="GO\r\nX: 1"),
        ],
        "create": [
            replace(card, number=""),
            replace(card, number="../99-1"),
            replace(card, value=nothing),
            replace(card, value=other),
            replace(card, customer_id=""),
            replace(card, code=""),
            replace(card, sale_id=""),
            replace(card, points=100),
        ],
        "authorize": [
            replace(hold, number=""),
            replace(hold, number="99/1"),
            replace(hold, amount=nothing),
            replace(hold, amount=other),
            replace(hold, sale_id=""),
        ],
    }
    return {
        f"{how} {name} {position}": _asking(how, name, request)
        for name, requests in wrong.items()
        for position, request in enumerate(requests)
        for how in ("check", "send")
    }


def _asking(how: str, name: str, request: Any) -> Callable[[Any], Any]:
    if how == "check":
        return lambda gateway: getattr(gateway, f"check_{name}")(request)
    return lambda gateway: getattr(gateway, name)(request, slot=gateway.reserve_slot())


def test_what_cannot_be_is_refused_in_a_sentence_and_not_sent(issuer: IssuerStage) -> None:
    gateway, taken = issuer.gateway("a"), []
    for name, ask in impossible(issuer).items():
        try:
            taken.append(f"{name}: {ask(gateway)}")
        except ValueError as refusal:
            if not re.match(r"[A-Z].*\.$", str(refusal)):
                taken.append(f"{name}: {refusal}")

    assert taken == []
    assert issuer.calls("a") == []


# --- Failures -----------------------------------------------------------------------------------


def plays(stage: IssuerStage, scene: Scene, write: str) -> None:
    """Arm, send, and compare with what the scene says and what the ledger has."""
    if write in stage.subject.silent_writes and scene.name in SPOILS_A_BODY:
        pytest.skip(f"the success of {write} has no body")
    act = stage.act(write)
    stage.arm(scene.fault, write)

    error = failure_of(stage, act)

    assert type(error) is scene.write
    assert act.times() == scene.exists
    if scene.wait is not None:
        assert isinstance(error, ProviderUnavailable)
        assert error.retry_after is not None
        assert error.retry_after >= scene.wait
    reads_the_same_again(stage, act, error)


def reads_the_same_again(stage: IssuerStage, act: Act, error: ProviderError) -> None:
    raw = services.journaled_answer("a")
    if raw is None:
        return
    with pytest.raises(ProviderError) as again:
        act.read(stage.gateway(), raw)
    assert type(again.value) is type(error)


@pytest.mark.parametrize("scene", SILENT, ids=lambda scene: scene.name)
@pytest.mark.usefixtures("short_deadlines")
def test_silence_after_a_write_is_unknown(issuer: IssuerStage, write: str, scene: Scene) -> None:
    plays(issuer, scene, write)


@pytest.mark.parametrize("scene", LOUD, ids=lambda scene: scene.name)
def test_every_bad_answer_to_a_write_has_one_meaning(
    issuer: IssuerStage, write: str, scene: Scene
) -> None:
    plays(issuer, scene, write)


def test_its_own_words_mean_the_same_at_every_issuer(issuer: IssuerStage, words: str) -> None:
    said = issuer.subject.says[words]
    act = issuer.act(said.method)
    issuer.arm(said.fault, said.method)

    error = failure_of(issuer, act)

    assert type(error) is said.becomes
    assert act.times() == said.exists
    reads_the_same_again(issuer, act, error)


def test_a_refused_sign_in_did_nothing(issuer: IssuerStage) -> None:
    errors = {name: answered(issuer, name, "http_401", None) for name in ISSUER_WRITES}

    assert {name: type(error) for name, error in errors.items()} == dict.fromkeys(
        ISSUER_WRITES, ProviderMisconfigured
    )
    assert all(error.opens_breaker for error in errors.values())


def test_a_refusal_in_unlisted_words_is_looked_into(issuer: IssuerStage) -> None:
    errors = {name: answered(issuer, name, "bad_request_unknown") for name in ISSUER_WRITES}

    assert {name: type(error) for name, error in errors.items()} == dict.fromkeys(
        ISSUER_WRITES, UnknownRefusal
    )


def test_a_path_that_is_not_there_is_our_set_up_or_looked_into(issuer: IssuerStage) -> None:
    errors = {name: answered(issuer, name, "http_404") for name in ISSUER_WRITES}

    wrong = {
        name: error
        for name, error in errors.items()
        if not isinstance(error, UnknownRefusal | ProviderMisconfigured)
        or getattr(error, "opens_breaker", False)
    }
    assert wrong == {}


def answered(stage: IssuerStage, write: str, kind: str, count: int | None = 1) -> Any:
    """What one write becomes under a fault that lets nothing happen; by an account of its own."""
    one = stage.neighbour(f"for-{write}")
    act = one.act(write)
    one.arm(Fault(kind=kind), write, count=count)
    error = failure_of(one, act, attempt=write)
    one.control.clear()
    assert act.times() == 0
    return error


def test_a_write_that_is_committed_late_is_unknown(issuer: IssuerStage, write: str) -> None:
    act = issuer.act(write)
    issuer.arm(Fault(kind="late_commit", params={"delay": 600.0}), write)

    error = failure_of(issuer, act)
    at_once = act.times()
    issuer.subject.complete(issuer.control)

    assert type(error) is OutcomeUnknown
    assert (at_once, act.times()) == (0, 1)


def test_where_nobody_listens_nothing_was_sent(issuer: IssuerStage, write: str) -> None:
    act = issuer.act(write)
    nowhere = issuer.neighbour("nowhere", base_url=f"http://127.0.0.1:9/{issuer.subject.slug}")

    error = failure_of(nowhere, act)

    assert type(error) is NotSent
    assert act.times() == 0
