"""Asking an issuer: balances, certificates and customers, when all is well and when it is not."""

from collections.abc import Iterable

import pytest

from providers.gateways.errors import (
    MalformedResponse,
    NotSent,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
)
from tests.conformance.issuer_stage import IssuerStage
from tests.conformance.issuer_subject import ISSUER_READS
from tests.conformance.scenes import LOUD, SILENT, Scene
from tests.conformance.subject import Fault

AT_MOST = {"overlong_body": {"get_certificate": MalformedResponse}}
"""Where a read has a meaning of its own: a picture that is too big is no picture."""


def failures_of(
    stage: IssuerStage, fault: Fault, methods: Iterable[str] = ISSUER_READS
) -> dict[str, type[ProviderError]]:
    """What each read raises while all its requests meet the fault, each by its own account."""
    number, failures = stage.card(), {}
    for name in methods:
        reader = stage.neighbour(f"for-{name}")
        stage.arm(fault, name, count=None)
        with pytest.raises(ProviderError) as caught:
            reader.read(name, number)
        stage.control.clear()
        said = f"{caught.value} {caught.value!r} {vars(caught.value)}"
        assert number not in said
        assert stage.subject.customer[0] not in said
        failures[name] = type(caught.value)
    return failures


# --- What is there, and what is not -------------------------------------------------------------


def test_a_number_that_has_no_card_is_absent(issuer: IssuerStage) -> None:
    gateway, number = issuer.gateway(), issuer.number()

    assert gateway.check_balance(number) is None
    assert gateway.get_certificate(number) is None


def test_a_certificate_is_a_picture(issuer: IssuerStage) -> None:
    picture = issuer.gateway().get_certificate(issuer.card())

    assert picture.content_type == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8\xff")
    assert "xff" not in repr(picture)


def test_a_customer_is_found_by_number_and_by_address(issuer: IssuerStage) -> None:
    gateway, (number, email) = issuer.gateway(), issuer.subject.customer

    found = gateway.find_customer(external_id=number)

    assert (found.external_id, found.email) == (number, email)
    assert found.name
    assert gateway.find_customer(email=email) == found
    assert gateway.find_customer(external_id="NOBODY") is None
    assert gateway.find_customer(email="no.one@example.com") is None


def test_what_cannot_be_asked_for_is_refused_in_a_sentence(issuer: IssuerStage) -> None:
    gateway = issuer.gateway()
    for number in ("", "..", "99/1", "99 1"):
        with pytest.raises(ValueError, match=r"[A-Z].*\.$"):
            gateway.check_balance(number)
        with pytest.raises(ValueError, match=r"[A-Z].*\.$"):
            gateway.get_certificate(number)
    for asked in ({}, {"external_id": "A", "email": "a@example.com"}, {"email": "a/b@c.com"}):
        with pytest.raises(ValueError, match=r"[A-Z].*\.$"):
            gateway.find_customer(**asked)


# --- Failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", LOUD, ids=lambda scene: scene.name)
def test_every_bad_answer_to_a_read_has_one_meaning(issuer: IssuerStage, scene: Scene) -> None:
    failures = failures_of(issuer, scene.fault)

    assert failures == dict.fromkeys(ISSUER_READS, scene.read) | AT_MOST.get(scene.name, {})


@pytest.mark.parametrize("scene", SILENT, ids=lambda scene: scene.name)
@pytest.mark.usefixtures("short_deadlines")
def test_silence_after_a_read_is_no_absence(issuer: IssuerStage, scene: Scene) -> None:
    failures = failures_of(issuer, scene.fault, ["check_balance"])

    assert failures == {"check_balance": scene.read}


def test_a_refused_sign_in_is_no_absence(issuer: IssuerStage) -> None:
    failures = failures_of(issuer, Fault(kind="http_401"))

    assert failures == dict.fromkeys(ISSUER_READS, ProviderMisconfigured)


def test_a_404_in_no_words_of_theirs_is_no_absence(issuer: IssuerStage) -> None:
    failures = failures_of(issuer, Fault(kind="http_404"))

    assert failures == dict.fromkeys(ISSUER_READS, issuer.subject.missing)


def test_where_nobody_listens_nothing_was_asked(issuer: IssuerStage) -> None:
    number, nowhere = issuer.card(), f"http://127.0.0.1:9/{issuer.subject.slug}"

    for name in ISSUER_READS:
        with pytest.raises(NotSent):
            issuer.neighbour(name, base_url=nowhere).read(name, number)


# --- Connection ---------------------------------------------------------------------------------


def test_a_working_connection_is_told_in_a_sentence(issuer: IssuerStage) -> None:
    said = issuer.gateway().test_connection()

    assert said.startswith(issuer.subject.spec.label)
    assert said.endswith(".")


def test_wrong_credentials_are_our_set_up(issuer: IssuerStage) -> None:
    wrong = dict.fromkeys(issuer.subject.credentials, "CANARY-wrong")

    with pytest.raises((ProviderMisconfigured, ProviderUnavailable)) as caught:
        issuer.neighbour("wrong", credentials=wrong).gateway().test_connection()

    assert type(caught.value) is ProviderMisconfigured
    assert "CANARY" not in f"{caught.value} {caught.value!r}"
