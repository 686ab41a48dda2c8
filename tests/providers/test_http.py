"""The session against a real socket: what it survives, and what it calls by which name."""

import contextlib
import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import NewConnectionError, ProtocolError

from providers.gateways import connection
from providers.gateways.errors import (
    AnswerTooLong,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
)
from providers.gateways.http import Call, Exchange, Limits, ProviderSession, segment
from tests.providers.raw_server import RawServer, answer, drips, is_silent, resets, says

SECRET_ID = "6006491234567890"
READ = Call(operation="get_order", method="GET", route="/orders/{name}", ids={"name": SECRET_ID})
WRITE = Call(operation="place_order", method="POST", route="/orders", body=b'{"a":"CANARY"}')
PATIENT = Limits(write_seconds=10, read_seconds=10, max_body=10_000)
QUICK = Limits(write_seconds=0.5, read_seconds=0.5, max_body=10_000)


class Recorder(list[Exchange]):
    """Remembers what the session handed to the journal."""

    def __call__(self, exchange: Exchange) -> None:
        self.append(exchange)


def session_for(url: str, record: Recorder | None = None, **options: object) -> ProviderSession:
    options.setdefault("limits", PATIENT)
    options.setdefault("resolve", lambda host, port: ["127.0.0.1"])
    return ProviderSession(
        url,
        headers={"Authorization": "Bearer ours"},
        record=record if record is not None else Recorder(),
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]  # bound and not listening: refuses


def test_an_answer_is_recorded_whole_before_it_is_given_back() -> None:
    record = Recorder()

    with RawServer(says(answer(b'{"name": "X"}', headers=("Retry-After: 7",)))) as server:
        raw = session_for(server.url, record).exchange(WRITE)

    assert (raw.status, raw.body, raw.headers["retry-after"]) == (200, b'{"name": "X"}', "7")
    assert [(seen.outcome, seen.answer) for seen in record] == [("answered", raw)]


def test_a_refusing_status_is_an_answer_too() -> None:
    with RawServer(says(answer(b"no", status="503 Busy"))) as server:
        raw = session_for(server.url).exchange(WRITE)

    assert raw.status == 503


SENT_AND_BROKEN = {
    "silence": is_silent,
    "closed at once": says(b""),
    "reset at once": resets(),
    "dripping status line": drips(b"HTTP/1.1 200 OK\r\n" * 100),
    "dripping headers": drips(b"HTTP/1.1 200 OK\r\n" + b"X-Pad: yes\r\n" * 100),
    "dripping body": drips(answer(b"x" * 1000)),
    "dripping body without a length": drips(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 1000
    ),
    "dripping chunks": drips(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200
    ),
    "endless 100-continue": drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, every=0.01),
    "half headers": says(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half body": says(answer(b"xx", headers=("Content-Length: 500",))),
    "reset in the body": resets(answer(b"xx", headers=("Content-Length: 500",))),
    "bad chunk": says(answer(b"zz\r\nxx", headers=("Transfer-Encoding: chunked",))),
    "chunks cut off": says(answer(b"5\r\nhello\r\n", headers=("Transfer-Encoding: chunked",))),
    "not HTTP": says(b"220 smtp.example.com ESMTP\r\n"),
    "a header without end": says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
    "a thousand headers": says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
    "over-long body": says(answer(b"x" * 20_000)),
    "over-long body without a length": says(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 20_000
    ),
    "gzip bomb": says(answer(gzip.compress(b"0" * 5_000_000), headers=("Content-Encoding: gzip",))),
    "gzip cut off": says(answer(gzip.compress(b"hello")[:-6], headers=("Content-Encoding: gzip",))),
    "gzip damaged": says(answer(b"\x1f\x8bnonsense", headers=("Content-Encoding: gzip",))),
    "gzip and more": says(
        answer(gzip.compress(b"{}") + b"more", headers=("Content-Encoding: gzip",))
    ),
    "a coding we did not ask for": says(answer(b"x", headers=("Content-Encoding: br",))),
    "a length that is no number": says(answer(b"{}", headers=("Content-Length: -2",))),
    "a length beside chunks": says(
        answer(b"2\r\n{}\r\n0\r\n\r\n", headers=("Transfer-Encoding: chunked", "Content-Length: 9"))
    ),
}


@pytest.mark.parametrize("script", SENT_AND_BROKEN.values(), ids=SENT_AND_BROKEN)
def test_a_write_that_was_sent_and_not_answered_is_unknown(script: object) -> None:
    record, started = Recorder(), time.monotonic()

    with RawServer(script) as server, pytest.raises(ProviderError) as caught:  # type: ignore[arg-type]
        session_for(server.url, record, limits=QUICK).exchange(WRITE)

    assert type(caught.value) is OutcomeUnknown
    assert time.monotonic() - started < 5
    assert server.connections == 1
    assert [seen.outcome in ("broken", "timed_out") for seen in record] == [True]


@pytest.mark.parametrize("script", SENT_AND_BROKEN.values(), ids=SENT_AND_BROKEN)
def test_a_read_that_was_not_answered_is_only_unavailable(script: object) -> None:
    with RawServer(script) as server, pytest.raises(ProviderError) as caught:  # type: ignore[arg-type]
        session_for(server.url, limits=QUICK).exchange(READ)

    is_long = "too long" in caught.value.message
    assert type(caught.value) is (AnswerTooLong if is_long else ProviderUnavailable)


@pytest.mark.parametrize("name", [name for name in SENT_AND_BROKEN if "drip" in name])
def test_the_deadline_is_total_and_noted_as_a_time_out(name: str) -> None:
    record = Recorder()

    with RawServer(SENT_AND_BROKEN[name]) as server, pytest.raises(OutcomeUnknown):
        session_for(server.url, record, limits=QUICK).exchange(WRITE)

    assert record[0].outcome == "timed_out"
    assert 450 <= record[0].duration_ms < 4000  # undisturbed, the drip would last 5 to 60 s


def test_a_refused_connection_was_never_sent(closed_port: int) -> None:
    record = Recorder()

    with pytest.raises(NotSent):
        session_for(f"http://127.0.0.1:{closed_port}", record).exchange(WRITE)

    assert [seen.outcome for seen in record] == ["not_sent"]


def test_a_name_that_does_not_resolve_was_never_sent() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise NotSent("nothing was sent, the provider's name was not found")

    with pytest.raises(NotSent):
        session_for("https://api.example.com", resolve=resolve).exchange(WRITE)


def test_a_failed_tls_handshake_was_never_sent() -> None:
    with RawServer(says(b"this is not TLS at all")) as server, pytest.raises(NotSent):
        session_for(server.url.replace("http://", "https://")).exchange(WRITE)

    assert server.requests == []


def test_a_server_that_hangs_in_the_tls_handshake_does_not_hold_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url, started = f"https://127.0.0.1:{listener.getsockname()[1]}", time.monotonic()

        with pytest.raises(NotSent):
            session_for(url, limits=QUICK).exchange(WRITE)

    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (requests.ConnectTimeout(), NotSent),
        (requests.ReadTimeout(), OutcomeUnknown),
        (requests.ConnectionError("reset"), OutcomeUnknown),
        (requests.exceptions.ChunkedEncodingError(), OutcomeUnknown),
        (requests.exceptions.SSLError(), OutcomeUnknown),
        (requests.exceptions.ContentDecodingError(), OutcomeUnknown),
        (requests.RequestException(), OutcomeUnknown),
        (OSError(), OutcomeUnknown),
        (RuntimeError(), OutcomeUnknown),
    ],
)
def test_a_foreign_transport_counts_as_sent_unless_it_proves_otherwise(
    failure: Exception, expected: type[ProviderError]
) -> None:
    from tests.stubs import StubProvider

    stub = StubProvider()
    stub.fails(failure)

    with pytest.raises(ProviderError) as caught:
        session_for("http://127.0.0.1:1", transport=stub).exchange(WRITE)

    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (requests.ConnectionError("reset"), "no usable answer, the connection broke off"),
        (ProtocolError("aborted"), "no usable answer, the connection broke off"),
        (requests.ReadTimeout(), "no usable answer, the answer did not come in time"),
        (
            requests.ConnectionError(NewConnectionError(None, "refused")),  # type: ignore[arg-type]
            "nothing was sent, no connection came about",
        ),
    ],
)
def test_people_read_what_happened_and_the_log_keeps_the_class(
    failure: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.stubs import StubProvider

    stub = StubProvider()
    stub.fails(failure)

    with pytest.raises(ProviderError) as caught:
        session_for("http://127.0.0.1:1", transport=stub).exchange(WRITE)

    assert str(caught.value) == f"POST /orders: {words}"
    assert type(failure).__name__ in caplog.text


def test_a_write_never_rides_on_a_connection_that_was_used_before() -> None:
    def closes_later(sock: socket.socket) -> None:
        sock.sendall(answer(headers=("Connection: keep-alive",)))
        time.sleep(0.1)  # a stale keep-alive: closed by the server just before our next request

    with RawServer(closes_later) as server:
        session = session_for(server.url)
        session.exchange(READ)
        time.sleep(0.2)
        raw = session.exchange(WRITE)

    assert (raw.status, server.connections) == (200, 2)
    assert b"Connection: close" in server.requests[0]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 Moved"])
def test_a_redirect_is_not_followed_and_not_read_without_a_limit(status: str) -> None:
    with RawServer(says(answer(b"stolen"))) as thief:
        headers = (f"Location: {thief.url}/orders",)
        with RawServer(says(answer(b"{}", status=status, headers=headers))) as server:
            raw = session_for(server.url).exchange(WRITE)

    assert raw.status == int(status[:3])
    assert thief.requests == []


def test_the_body_of_a_redirect_is_capped_like_any_other() -> None:
    bomb = answer(
        gzip.compress(b"0" * 5_000_000),
        status="302 Found",
        headers=("Location: /", "Content-Encoding: gzip"),
    )

    with RawServer(says(bomb)) as server, pytest.raises(OutcomeUnknown):
        session_for(server.url).exchange(WRITE)


def test_a_compressed_answer_is_read() -> None:
    body = answer(gzip.compress(b'{"a": 1}'), headers=("Content-Encoding: gzip",))

    with RawServer(says(body)) as server:
        assert session_for(server.url).exchange(READ).body == b'{"a": 1}'


def test_netrc_and_proxies_of_the_machine_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")

    with RawServer(says(answer())) as server:
        session_for(server.url).exchange(READ)

    assert b"Authorization: Bearer ours" in server.requests[0]


def test_cookies_are_not_kept() -> None:
    with RawServer(says(answer(headers=("Set-Cookie: a=b",)))) as server:
        session = session_for(server.url)
        session.exchange(READ)
        session.exchange(READ)

    assert b"Cookie" not in server.requests[1]


def test_the_connection_goes_to_the_checked_address_whatever_the_name_says() -> None:
    with RawServer(says(answer())) as server:
        url = f"http://api.example.com:{server.port}"
        session_for(url, resolve=lambda host, port: ["127.0.0.1"]).exchange(READ)

    assert f"Host: api.example.com:{server.port}".encode() in server.requests[0]


def test_an_id_stays_one_segment_of_the_path() -> None:
    call = Call(operation="find", method="GET", route="/o/{ref}", ids={"ref": "a/../b?c=ü %2F"})

    with RawServer(says(answer())) as server:
        session_for(server.url + "/api/").exchange(call)

    assert server.requests[0].startswith(b"GET /api/o/a%2F..%2Fb%3Fc%3D%C3%BC%20%252F HTTP/1.1")


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="empty or dots"):
        segment(value)


@pytest.mark.parametrize("name", ["silence", "over-long body", "reset at once", "gzip damaged"])
def test_errors_tell_neither_address_nor_body_nor_credentials(name: str) -> None:
    record = Recorder()
    with RawServer(SENT_AND_BROKEN[name]) as server, pytest.raises(ProviderError) as caught:
        session_for(server.url, record, limits=QUICK).exchange(READ)

    told = f"{caught.value!r} {record!r}"
    assert caught.value.__context__ is None
    assert str(caught.value).startswith("GET /orders/{name}: ")
    assert not [word for word in (SECRET_ID, "CANARY", "ours", "127.0.0.1") if word in told]


def test_no_watchdog_is_left_behind() -> None:
    with RawServer(says(answer())) as server:
        before = threading.active_count()
        for _ in range(5):
            session_for(server.url).exchange(READ)
        time.sleep(0.05)

        assert threading.active_count() <= before + 1


def test_no_library_logs_the_filled_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    logging.getLogger("urllib3").setLevel(connection.URLLIB3_LEVEL)

    for script in (says(answer()), SENT_AND_BROKEN["half headers"], is_silent):
        with RawServer(script) as server, contextlib.suppress(ProviderError):
            session_for(server.url, limits=QUICK).exchange(READ)

    assert SECRET_ID not in caplog.text


@pytest.mark.parametrize("declares", [True, False])
def test_one_call_may_be_allowed_a_longer_answer_or_a_shorter_one(declares: bool) -> None:
    length = ("Content-Length: 20000",) if declares else ("Transfer-Encoding: chunked",)
    body = b"x" * 20_000 if declares else b"4e20\r\n" + b"x" * 20_000 + b"\r\n0\r\n\r\n"

    with RawServer(says(answer(body, headers=length))) as server:
        session = session_for(server.url)
        long = session.exchange(replace(READ, max_body=20_000))
        with pytest.raises(AnswerTooLong):
            session.exchange(READ)
        with pytest.raises(AnswerTooLong):
            session.exchange(replace(READ, max_body=19_999))

    assert len(long.body) == 20_000


def test_of_an_answer_that_says_it_is_too_long_nothing_is_taken() -> None:
    record = Recorder()

    with RawServer(says(answer(b"x" * 20_000))) as server, pytest.raises(AnswerTooLong):
        session_for(server.url, record).exchange(READ)

    assert [seen.partial for seen in record] == [b""]
