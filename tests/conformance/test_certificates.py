"""Reading a book of gift certificates: slices, single ones and histories, well and not."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from providers.gateways.base import CertificateOrder, RawItem, Slice
from providers.gateways.errors import (
    MalformedResponse,
    NotSent,
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from providers.models import ProviderCall
from tests.conformance.certificate_stage import CERTIFICATE_READ, CertificateStage
from tests.conformance.certificate_subject import CERTIFICATE_READS, TrueCertificate, as_true
from tests.conformance.playback import PlayBack
from tests.conformance.scenes import LOUD, SILENT, Scene
from tests.conformance.subject import Fault
from tests.conformance.test_secrets import every_row
from tests.conformance.wrong_types import broken, with_a_key_twice, with_more_fields

HISTORIES = {"list_allocations": "allocations", "list_transactions": "transactions"}
NOBODY = "00000000-0000-4000-8000-000000000000"


# --- What is there, and what is not -------------------------------------------------------------


def test_the_book_is_read_whole_the_oldest_first(book: CertificateStage) -> None:
    found = book.all_slices(limit=7)

    items = [item for one in found for item in one.items]
    assert [book.understood(item) for item in items] == book.truth()
    assert {one.records for one in found} == {len(items)}
    assert all(one.unreadable == () for one in found)


def test_the_newest_are_read_first_if_they_are_asked_for(book: CertificateStage) -> None:
    newest = book.subject.add(book.control)

    found = book.gateway().list_certificates(limit=3, newest_first=True)

    assert found.items[0].external_id == newest
    assert found.items[0].external_id not in {
        one.external_id for one in book.gateway().list_certificates(limit=3).items
    }


def test_what_was_changed_last_is_found_by_that(book: CertificateStage) -> None:
    name = book.truth()[3].external_id
    book.control.advance(86_400)
    book.subject.touch(book.control, name)

    found = book.gateway().list_certificates(
        limit=2, by=CertificateOrder.CHANGED, newest_first=True
    )

    assert found.items[0].external_id == name


def test_after_the_end_of_the_book_is_nothing(book: CertificateStage) -> None:
    size = len(book.truth())

    found = book.gateway().list_certificates(offset=size + 10)

    assert (found.items, found.unreadable, found.records) == ((), (), size)


def test_an_unchanged_certificate_is_told_in_the_same_bytes(book: CertificateStage) -> None:
    one, again = (book.gateway().list_certificates(limit=9).items for _ in range(2))

    assert [item.content for item in one] == [item.content for item in again]


def test_a_certificate_is_the_same_by_itself(book: CertificateStage) -> None:
    for truth in book.truth()[:12]:
        item = book.gateway().find_certificate(truth.external_id)
        assert item.external_id == truth.external_id
        assert book.understood(item) == truth


def test_its_histories_are_the_same_by_themselves(book: CertificateStage) -> None:
    truth, gateway = book.eventful(), book.gateway()

    given = gateway.list_allocations(truth.external_id)
    moved = gateway.list_transactions(truth.external_id)

    assert tuple((one.kind_text.upper(), one.account) for one in given) == truth.allocations
    assert tuple((one.kind_text.upper(), one.amount) for one in moved) == tuple(
        (kind, amount) for kind, amount, _ in truth.transactions
    )


def test_what_was_deleted_is_absent(book: CertificateStage) -> None:
    name, gateway = book.subject.add(book.control), book.gateway()
    assert gateway.find_certificate(name) is not None

    book.subject.remove(book.control, name)

    assert gateway.find_certificate(name) is None
    assert gateway.find_certificate(NOBODY) is None
    for history in HISTORIES:
        with pytest.raises(ProviderRejected):
            book.read(history, name)


def test_what_cannot_be_asked_for_is_refused_in_a_sentence(book: CertificateStage) -> None:
    gateway = book.gateway()
    for name in ("", "..", "a/b", "a b"):
        for ask in (
            gateway.find_certificate,
            gateway.list_allocations,
            gateway.list_transactions,
        ):
            with pytest.raises(ValueError, match=r"[A-Z].*\.$"):
                ask(name)
    for asked in ({"offset": -1}, {"limit": 0}, {"limit": 10**6}):
        with pytest.raises(ValueError, match=r"[A-Z].*\.$"):
            gateway.list_certificates(**asked)


# --- Failures -----------------------------------------------------------------------------------


def failures_of(
    stage: CertificateStage, fault: Fault, methods: Iterable[str] = CERTIFICATE_READS
) -> dict[str, type[ProviderError]]:
    """What each read raises while all its requests meet the fault, each by its own account."""
    truth, failures = stage.eventful(), {}
    for name in methods:
        reader = stage.neighbour(f"for-{name}")
        stage.arm(fault, name, count=None)
        with pytest.raises(ProviderError) as caught:
            reader.read(name, truth.external_id)
        stage.control.clear()
        said = f"{caught.value} {caught.value!r} {vars(caught.value)}"
        assert truth.external_id not in said
        assert truth.code not in said
        failures[name] = type(caught.value)
    return failures


@pytest.mark.parametrize("scene", LOUD, ids=lambda scene: scene.name)
def test_every_bad_answer_to_a_read_has_one_meaning(book: CertificateStage, scene: Scene) -> None:
    expected = book.subject.meanings.get(scene.name, scene.read)

    assert failures_of(book, scene.fault) == dict.fromkeys(CERTIFICATE_READS, expected)


@pytest.mark.parametrize("scene", SILENT, ids=lambda scene: scene.name)
@pytest.mark.usefixtures("short_deadlines")
def test_silence_after_a_read_is_no_absence(book: CertificateStage, scene: Scene) -> None:
    failures = failures_of(book, scene.fault, ["list_certificates", "find_certificate"])

    assert set(failures.values()) == {scene.read}


def test_a_refused_sign_in_is_no_absence(book: CertificateStage) -> None:
    failures = failures_of(book, Fault(kind="http_401"))

    assert failures == dict.fromkeys(CERTIFICATE_READS, ProviderMisconfigured)


def test_where_nobody_listens_nothing_was_asked(book: CertificateStage) -> None:
    nowhere = f"http://127.0.0.1:9/{book.subject.slug}"

    for name in CERTIFICATE_READS:
        with pytest.raises(NotSent):
            book.neighbour(name, base_url=nowhere).read(name, NOBODY)


def test_one_unreadable_certificate_spoils_no_other(book: CertificateStage, spoilt: str) -> None:
    name = book.subject.add(book.control)
    others = [one for one in book.truth() if one.external_id != name]
    book.subject.spoil(book.control, name, spoilt)

    items = [item for one in book.all_slices(limit=25) for item in one.items]
    book.subject.remove(book.control, name)

    read = {item.external_id: book.understood(item) for item in items}
    assert read.pop(name) is None
    assert list(read.values()) == others


def test_no_own_fault_tells_what_is_not_so(book: CertificateStage, own_book_fault: str) -> None:
    method, kind = own_book_fault.split()
    truth, every = book.eventful(), {one.external_id: one for one in book.truth()}
    book.arm(Fault(kind=kind), method, count=None)

    try:
        found = book.neighbour("for-a-fault").read(method, truth.external_id)
    except ProviderError:
        return  # an error proves nothing, and says so
    finally:
        book.control.clear()

    assert found is not None
    if method in HISTORIES:
        assert len(found) == len(getattr(truth, HISTORIES[method]))
        return
    items = found.items if isinstance(found, Slice) else [found]
    assert items
    for item in items:
        read = book.understood(item)
        assert read is None or worth_of(read) == worth_of(every[item.external_id])


def worth_of(one: TrueCertificate) -> TrueCertificate:
    """All but the status, which may be a word that nobody knows."""
    return replace(one, status="")


# --- One field broken ---------------------------------------------------------------------------


def test_a_broken_answer_is_an_error_or_still_true(book: CertificateStage, asked: str) -> None:
    truth, (raw,), ask = played(book, asked)
    playback, name = PlayBack(book), book.eventful().external_id

    lies = {}
    for what, body in broken(raw.body):
        try:
            got = playback.hear(lambda gateway: ask(gateway, name), [replace(raw, body=body)])
        except MalformedResponse:
            continue
        except ProviderError as error:
            lies[what] = repr(error)
            continue
        if got is None or not is_true(book, got, truth):
            lies[what] = repr(got)

    blind = book.subject.blind_spots.get(asked, {})
    assert {what: got for what, got in lies.items() if what not in blind} == {}
    assert set(blind) <= set(lies)


def test_fields_that_nobody_described_change_nothing(book: CertificateStage, asked: str) -> None:
    truth, (raw,), ask = played(book, asked)
    playback, name = PlayBack(book), book.eventful().external_id

    more = replace(raw, body=with_more_fields(raw.body))
    assert is_true(book, playback.hear(lambda gateway: ask(gateway, name), [more]), truth)
    twice = replace(raw, body=with_a_key_twice(raw.body))
    with pytest.raises(MalformedResponse):
        playback.hear(lambda gateway: ask(gateway, name), [twice])


def played(book: CertificateStage, name: str) -> tuple[Any, list[Any], Any]:
    """A read that went well: what it gave, the answer to it, how it is asked."""
    book.gateway().find_certificate(NOBODY)  # signed in
    before = ProviderCall.objects.count()
    found = book.read(name, book.eventful().external_id)
    return found, book.answers(after=before), CERTIFICATE_READ[name]


def is_true(book: CertificateStage, got: Any, truth: Any) -> bool:
    """Names and money are those of the true answer; what cannot be read is said to be so."""
    if isinstance(truth, Slice):
        return len(got.items) + len(got.unreadable) == len(truth.items) and all(
            is_true_item(book, item, truth) for item in got.items
        )
    if isinstance(truth, RawItem):
        return is_true_item(book, got, Slice(items=(truth,), offset=0, limit=1, records=1))
    return [money_in(one) for one in got] == [money_in(one) for one in truth]


def is_true_item(book: CertificateStage, item: RawItem, truth: Slice) -> bool:
    told = {one.external_id: one for one in truth.items}
    if item.external_id not in told:
        return False
    read = book.understood(item)
    return read is None or read == book.understood(told[item.external_id])


def money_in(one: Any) -> tuple[Any, ...]:
    """What the books take over of an entry of a history."""
    return tuple(getattr(one, name, None) for name in ("kind", "amount", "currency", "account"))


# --- Secrets, connection ------------------------------------------------------------------------


def test_no_code_of_a_certificate_is_seen_anywhere(
    book: CertificateStage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway, name = book.gateway("a"), book.eventful().external_id
    found, item = gateway.list_certificates(limit=20), gateway.find_certificate(name)
    read = gateway.read_certificate(item)
    with pytest.raises(ValueError) as misread:  # noqa: PT011 - any sentence without a secret
        gateway.read_certificate(RawItem("another", item.content))
    book.arm(Fault(kind="truncated_json"), "list_certificates", count=None)
    with pytest.raises(ProviderError) as caught:
        gateway.list_certificates()

    secrets = book.subject.secrets(book.control)
    shown = {
        "log": caplog.text,
        "database": every_row(),
        "repr of what came": f"{found!r} {item!r} {read!r} {as_true(read)!r}",
        "error": f"{caught.value} {caught.value!r} {vars(caught.value)}",
        "sentence": f"{misread.value} {misread.value!r}",
        "repr of gateway": f"{gateway!r} {vars(gateway)}",
        "account": f"{book.account} {book.account!r}",
    }

    assert read.code in secrets
    assert [place for place, text in shown.items() if any(one in text for one in secrets)] == []


def test_a_working_connection_is_told_in_a_sentence(book: CertificateStage) -> None:
    said = book.gateway().test_connection()

    assert said.startswith(book.subject.spec.label)
    assert said.endswith(".")


def test_wrong_credentials_are_our_set_up(book: CertificateStage) -> None:
    wrong = dict.fromkeys(book.subject.credentials, "CANARY-wrong")

    with pytest.raises((ProviderMisconfigured, ProviderUnavailable)) as caught:
        book.neighbour("wrong", credentials=wrong).gateway().test_connection()

    assert type(caught.value) is ProviderMisconfigured
    assert "CANARY" not in f"{caught.value} {caught.value!r}"
