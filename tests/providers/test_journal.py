"""The journal: nothing that came back is lost, and nothing in it can be read by looking."""

import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import OperationalError, connection, transaction

from giftops import clock
from giftops.money import Money
from providers import journal, services, spool
from providers.gateways.base import OrderRequest, RawAnswer, RequestLine
from providers.gateways.errors import MalformedResponse, NotSent, OutcomeUnknown
from providers.gateways.http import Call, Exchange
from providers.models import ProviderAccount, ProviderCall
from providers.probes import spooled
from tests.recorded import recorded
from tests.stubs import StubProvider

REFERENCE = "GO-TEST-01JD0000000000000000000001"
REQUEST = OrderRequest(
    reference=REFERENCE,
    lines=(RequestLine(product_id="1234", face_value=Money(2500, "USD"), quantity=1),),
)
CARDS = recorded("ncentiva/cards")
EMPTY_SPOOL = "Every answer of a provider is in the journal."

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _spools(settings: Any, tmp_path: Path) -> None:
    settings.GIFTOPS_SPOOL = tmp_path / "first"
    settings.GIFTOPS_SPOOL_SECOND = tmp_path / "second"


@pytest.fixture
def dead_database(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes inserting a call fail; `.revive()` ends that."""

    def fails(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(ProviderCall, "save", fails)
    monkeypatch.setattr(journal, "PAUSES", (0, 0))
    monkeypatch.revive = monkeypatch.undo  # type: ignore[attr-defined]
    return monkeypatch


def buy(account: ProviderAccount, attempt: str = "attempt-1") -> None:
    gateway = services.gateway_for(account, attempt_ref=attempt, subject=REFERENCE)
    gateway.place_order(REQUEST, slot=gateway.reserve_slot())


def test_an_answer_can_be_read_again_by_its_attempt(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, b"<html>", {"Retry-After": "5", "X-Secret": "CANARY"})

    with pytest.raises(MalformedResponse):
        buy(account)

    raw = services.journaled_answer("attempt-1")
    assert raw is not None
    assert (raw.status, raw.body, raw.headers) == (200, b"<html>", {"retry-after": "5"})
    assert services.journaled_answer("attempt-2") is None
    assert services.journaled_answer("") is None


def test_a_silence_is_written_down_and_is_no_answer(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.fails(requests.ReadTimeout())

    with pytest.raises(OutcomeUnknown):
        buy(account)

    call = ProviderCall.objects.get()
    assert (call.outcome, call.http_status) == ("timed_out", None)
    assert call.error.startswith("POST /api/purchasers/v1/orders: no usable answer")
    assert services.journaled_answer("attempt-1") is None


def test_a_request_that_never_left_is_written_down_as_such(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.fails(requests.ConnectTimeout())

    with pytest.raises(NotSent):
        buy(account)

    assert ProviderCall.objects.get().outcome == "not_sent"


def test_codes_are_sealed_and_routes_are_templates(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, CARDS)

    services.gateway_for(account, attempt_ref="x", subject=REFERENCE).get_cards("NCT-PO-P-099623")

    row = ProviderCall.objects.values().get()
    call = ProviderCall.objects.get()
    assert "6006491234567890" not in repr(row)
    assert row["route"] == "/api/purchasers/v1/orders/{transactionId}/cards"
    assert (row["subject"], row["attempt_ref"]) == (REFERENCE, "")
    assert call.response_body.reveal_bytes() == CARDS
    assert str(call) == "GET /api/purchasers/v1/orders/{transactionId}/cards: 200"


def test_without_a_database_the_answer_goes_sealed_to_the_spool_and_comes_back_once(
    account: ProviderAccount, dead_database: Any
) -> None:
    fields = fields_of(account, CARDS)

    journal.keep(journal.new_id(), fields)

    (path,) = spool.waiting()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"6006491234567890" not in path.read_bytes()
    assert not spooled().ok

    dead_database.revive()
    assert services.import_spool() == 1
    assert services.import_spool() == 0
    assert ProviderCall.objects.get().response_body.reveal_bytes() == CARDS
    assert spooled().sentence == EMPTY_SPOOL


def fields_of(account: ProviderAccount, body: bytes) -> dict[str, Any]:
    return {
        "account_id": str(account.pk),
        "operation": "place_order",
        "method": "POST",
        "route": "/orders",
        "http_status": 200,
        "outcome": "answered",
        "duration_ms": 1,
        "attempt_ref": "attempt-1",
        "subject": REFERENCE,
        "request_body": "",
        "response_body": journal.base64.b64encode(body).decode(),
        "response_headers": {},
        "error": "",
    }


def test_the_spool_is_read_before_an_answer_is_said_to_be_missing(
    account: ProviderAccount, dead_database: Any
) -> None:
    journal.keep(journal.new_id(), fields_of(account, b"{}"))
    dead_database.revive()

    raw = services.journaled_answer("attempt-1")

    assert raw is not None
    assert raw.body == b"{}"


def test_a_full_disk_leads_to_the_second_place(
    account: ProviderAccount, dead_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = spool.paths()
    fsync = os.fsync

    def full(handle: int) -> None:
        if str(first) in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    journal.keep(journal.new_id(), fields_of(account, CARDS))

    assert [path.parent for path in spool.waiting()] == [second]
    assert list(first.iterdir()) == []


def test_without_any_place_the_log_raises_the_alarm_and_tells_no_code(
    account: ProviderAccount,
    dead_database: Any,
    settings: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").touch()
    settings.GIFTOPS_SPOOL = settings.GIFTOPS_SPOOL_SECOND = tmp_path / "file" / "spool"

    journal.keep(journal.new_id(), fields_of(account, CARDS))

    assert "could not be kept anywhere" in caplog.text
    assert "6006" not in caplog.text


def test_a_damaged_record_is_set_aside_and_does_not_stop_the_others(
    account: ProviderAccount, dead_database: Any
) -> None:
    journal.keep(journal.new_id(), fields_of(account, CARDS))
    journal.keep(journal.new_id(), fields_of(account, CARDS))
    dead_database.revive()
    damaged, _ = spool.waiting()
    damaged.write_bytes(damaged.read_bytes()[:-9])

    assert services.import_spool() == 1
    assert [path.suffix for path in damaged.parent.iterdir()] == [".damaged"]


def test_a_record_that_the_database_refuses_does_not_stop_the_others(
    account: ProviderAccount, dead_database: Any
) -> None:
    journal.keep(journal.new_id(), fields_of(account, CARDS) | {"outcome": "nonsense"})
    journal.keep(journal.new_id(), fields_of(account, CARDS))
    dead_database.revive()

    assert services.import_spool() == 1
    assert services.import_spool() == 0


def test_a_record_moved_under_another_name_does_not_open(
    account: ProviderAccount, dead_database: Any
) -> None:
    journal.keep(journal.new_id(), fields_of(account, CARDS))
    dead_database.revive()
    (path,) = spool.waiting()
    path.rename(path.with_name(f"{journal.new_id()}.sealed"))

    assert services.import_spool() == 0


def test_an_unfinished_record_is_not_imported(tmp_path: Path) -> None:
    place = spool.paths()[0]
    place.mkdir()
    (place / f"{journal.new_id()}.sealed.new").write_text("half")

    assert services.import_spool() == 0


def test_a_commit_whose_confirmation_was_lost_is_not_stored_twice(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PAUSES", (0,))
    save, failures = ProviderCall.save, iter([True])

    def commits_and_fails(self: ProviderCall, **kwargs: Any) -> None:
        save(self, **kwargs)
        if next(failures, False):
            connection.commit()
            raise OperationalError("connection lost after commit")

    monkeypatch.setattr(ProviderCall, "save", commits_and_fails)
    journal.keep(journal.new_id(), fields_of(account, CARDS))

    assert ProviderCall.objects.count() == 1
    assert list(spool.waiting()) == []


def test_a_provider_is_never_called_inside_a_transaction(
    account: ProviderAccount, stub: StubProvider
) -> None:
    stub.answers(200, recorded("ncentiva/balance"))

    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a database transaction"):
        services.read_balance(account.pk)

    assert stub.requests == []


def test_what_is_older_than_thirty_days_is_purged_and_nothing_else(
    account: ProviderAccount,
) -> None:
    now = clock.db_now()
    for days in (1, 29, 31, 400):
        fields = fields_of(account, b"{}") | {
            "created_at": (now - timedelta(days=days)).isoformat()
        }
        journal.store(journal.new_id(), fields)

    assert services.purge_calls() == 2
    assert ProviderCall.objects.count() == 2


JPEG, PURCHASE = b"\xff\xd8\xff CANARY", b'{"CANARY": 1}'
KEPT: dict[str, tuple[Call, str, bytes, bytes]] = {
    "a read": (Call(operation="o", method="GET", route="/r"), "text/html", b"", JPEG),
    "a picture": (Call(operation="o", method="GET", route="/r"), "image/jpeg", b"", b""),
    "a purchase that is called a picture": (
        Call(operation="o", method="POST", route="/r", body=PURCHASE),
        "image/jpeg",
        PURCHASE,
        JPEG,
    ),
    "a sign-in": (
        Call(operation="o", method="POST", route="/r", body=PURCHASE, is_sign_in=True),
        "application/json",
        b"",
        b"",
    ),
}


@pytest.mark.parametrize(("call", "kind", "question", "body"), KEPT.values(), ids=KEPT)
def test_passwords_tokens_and_pictures_are_not_kept(
    account: ProviderAccount, call: Call, kind: str, question: bytes, body: bytes
) -> None:
    answer = RawAnswer(
        status=200, headers={"content-type": kind}, body=JPEG, received_at=clock.now()
    )

    journal.recorder(account.pk)(
        Exchange(call=call, outcome="answered", duration_ms=1, answer=answer)
    )

    kept = ProviderCall.objects.get()
    found = [one and one.reveal_bytes() for one in (kept.request_body, kept.response_body)]
    assert found == [question or "", body or ""]
