"""The token: fetched by one, shared by all, renewed in time, dropped when refused, never shown."""

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import connection
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from providers import services
from providers.gateways import errors
from providers.gateways.base import Slot
from providers.gateways.giftcardpartners import build
from providers.models import CircuitState, ProviderAccount, ProviderCall, SharedToken
from tests.providers.conftest import MakeAccount, MovingClock
from tests.providers.giftcardpartners.conftest import COMPLETED, LINKS, as_bytes
from tests.recorded import recorded

pytestmark = pytest.mark.django_db

CREDENTIALS = {"email": "us@example.com", "access_token": "CANARY-key"}
BALANCE = recorded("giftcardpartners/balance")
LOOK = build.get_balance()
Answer = tuple[int, bytes]


class Partners(BaseAdapter):
    """Hands out tokens and lets in who shows the newest one."""

    def __init__(self) -> None:
        super().__init__()
        self.expires_in: Any = 3600
        self.token_answer: Answer | Exception | None = None
        self.revoked: set[str] = set()
        self.issued = 0
        self.calls: list[str] = []
        self.shown: list[str | None] = []
        self.slow: threading.Event | None = None
        self.lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        path = request.path_url.removeprefix("/giftcardpartners/v1/")
        with self.lock:
            self.calls.append(path)
        answer = self._token(request) if path == "Tokens" else self._else(request, path)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        raw = HTTPResponse(io.BytesIO(body), headers={}, status=status, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def _token(self, request: requests.PreparedRequest) -> Answer | Exception:
        assert request.headers["Email"] == CREDENTIALS["email"]
        assert request.headers["AccessToken"].startswith("CANARY-")
        assert "Authorization" not in request.headers
        if self.slow is not None:
            self.slow.wait(2)
        if self.token_answer is not None:
            return self.token_answer
        self.issued += 1
        token = {"Value": f"CANARY-token-{self.issued}", "ExpiresIn": self.expires_in}
        return 200, as_bytes({key: value for key, value in token.items() if value is not ...})

    def _else(self, request: requests.PreparedRequest, path: str) -> Answer:
        shown = request.headers.get("Authorization")
        self.shown.append(str(shown).removeprefix("Bearer CANARY-token-") if shown else None)
        if path == "Status":
            return 200, b'{"Status": "OK"}'
        if self.shown[-1] in self.revoked or not shown:
            return 401, b"{}"
        return (201, as_bytes(COMPLETED)) if path == "Orders" else (200, BALANCE)

    def close(self) -> None:
        """Nothing to close."""

    @property
    def asked_for_tokens(self) -> int:
        return self.calls.count("Tokens")


@pytest.fixture
def partners() -> Iterator[Partners]:
    found = Partners()
    with ExitStack() as stack:
        stack.enter_context(services.use_transport(lambda account: found))
        yield found


@pytest.fixture
def account(make_account: MakeAccount) -> ProviderAccount:
    return make_account(
        provider="giftcardpartners",
        base_url="http://127.0.0.1:8001/giftcardpartners",
        credentials=CREDENTIALS,
        per_second=1000,
        per_minute=100_000,
    )


def read(account: ProviderAccount) -> None:
    services.gateway_for(account).get_balance()


def buy(account: ProviderAccount, attempt: str = "") -> None:
    gateway = services.gateway_for(account, attempt_ref=attempt)
    gateway.place_order(LINKS, slot=gateway.reserve_slot())


def is_open(account: ProviderAccount) -> bool:
    return CircuitState.objects.filter(account=account, opened_at__isnull=False).exists()


# --- The life of a token ------------------------------------------------------------------------


def test_one_token_serves_many_calls(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    for _ in range(3):
        read(account)
        buy(account)

    assert partners.asked_for_tokens == 1
    assert partners.shown == ["1"] * 6


def test_the_status_needs_no_token(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    services.test_connection(account)

    assert partners.calls == ["Tokens", "AccountBalance", "Status"]
    assert partners.shown == ["1", None]


@pytest.mark.parametrize(("after", "shown"), [(2879, "1"), (2881, "2"), (7200, "2")])
def test_a_token_is_renewed_at_four_fifths_of_its_life(
    account: ProviderAccount,
    partners: Partners,
    moving_clock: MovingClock,
    after: int,
    shown: str,
) -> None:
    read(account)

    moving_clock.pass_(after)
    read(account)

    assert partners.shown[-1] == shown


LIVES: dict[str, tuple[Any, int, bool]] = {
    "an hour": (3600, 2880, False),
    "an hour with a point": (3600.0, 2880, False),
    "half a minute": (30, 30, False),
    "a second": (1, 30, False),
    "for ever": (10**12, 69_120, False),
    "nothing": (0, 48, True),
    "negative": (-3600, 48, True),
    "a text": ("3600", 48, True),
    "missing": (..., 48, True),
    "null": (None, 48, True),
    "a fraction": (0.5, 48, True),
    "true": (True, 48, True),
}


@pytest.mark.parametrize(("expires_in", "renewed_after", "alarms"), LIVES.values(), ids=LIVES)
def test_a_life_that_makes_no_sense_is_a_minute_and_an_alarm(
    account: ProviderAccount,
    partners: Partners,
    moving_clock: MovingClock,
    caplog: pytest.LogCaptureFixture,
    expires_in: Any,
    renewed_after: int,
    alarms: bool,
) -> None:
    partners.expires_in = expires_in

    read(account)
    moving_clock.pass_(renewed_after - 1)
    read(account)
    before = partners.asked_for_tokens
    moving_clock.pass_(2)
    read(account)

    assert (before, partners.asked_for_tokens) == (1, 2)
    assert ("contract_alarm" in caplog.text) is alarms
    assert "CANARY" not in caplog.text


# --- No token to be had -------------------------------------------------------------------------

NO_TOKEN: dict[str, tuple[Answer | Exception, type[errors.ProviderError]]] = {
    "401": ((401, b"{}"), errors.ProviderMisconfigured),
    "403": ((403, b"{}"), errors.ProviderMisconfigured),
    "404": ((404, b"{}"), errors.ProviderMisconfigured),
    "400": ((400, b'{"Message": "No"}'), errors.ProviderUnavailable),
    "409": ((409, b"{}"), errors.ProviderUnavailable),
    "422": ((422, b"{}"), errors.ProviderUnavailable),
    "429": ((429, b"{}"), errors.RateLimited),
    "500": ((500, b"{}"), errors.ProviderUnavailable),
    "504": ((504, b""), errors.ProviderUnavailable),
    "302": ((302, b""), errors.ProviderUnavailable),
    "204": ((204, b""), errors.ProviderUnavailable),
    "HTML": ((200, b"<html>"), errors.ProviderUnavailable),
    "no value": ((200, b'{"ExpiresIn": 3600}'), errors.ProviderUnavailable),
    "value a number": ((200, b'{"Value": 5, "ExpiresIn": 3600}'), errors.ProviderUnavailable),
    "value with a line end": (
        (200, b'{"Value": "a\\r\\nX: y", "ExpiresIn": 3600}'),
        errors.ProviderUnavailable,
    ),
    "key in two cases": (
        (200, b'{"Value": "a", "value": "b", "ExpiresIn": 3600}'),
        errors.ProviderUnavailable,
    ),
    "connect timeout": (requests.ConnectTimeout(), errors.NotSent),
    "read timeout": (requests.ReadTimeout(), errors.ProviderUnavailable),
    "reset": (requests.ConnectionError("reset"), errors.ProviderUnavailable),
}


@pytest.mark.parametrize("call", [read, buy])
@pytest.mark.parametrize(("answer", "expected"), NO_TOKEN.values(), ids=NO_TOKEN)
def test_without_a_token_nothing_is_sent_and_no_error_says_it_may_have_been(
    account: ProviderAccount,
    partners: Partners,
    moving_clock: MovingClock,
    answer: Answer | Exception,
    expected: type[errors.ProviderError],
    call: Any,
) -> None:
    partners.token_answer = answer

    with pytest.raises(errors.ProviderError) as caught:
        call(account)

    assert type(caught.value) is expected
    assert partners.calls == ["Tokens"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_sign_in_stops_the_account(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock, status: int
) -> None:
    partners.token_answer = (status, b"{}")

    for _ in range(2):  # the first 401 may be a hiccup of theirs
        with pytest.raises(errors.ProviderError):
            read(account)
        moving_clock.pass_(31)

    assert is_open(account)


def test_a_token_is_asked_for_at_most_twice_a_minute(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    partners.token_answer = (200, b"{}")

    for _ in range(60):
        with pytest.raises(errors.ProviderUnavailable) as caught:
            read(account)
        moving_clock.pass_(1)

    assert partners.asked_for_tokens == 2
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 30


def test_signing_in_takes_its_place_in_the_budget(
    make_account: MakeAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    slow = make_account(
        name="slow",
        provider="giftcardpartners",
        base_url="http://127.0.0.1:8001/giftcardpartners",
        credentials=CREDENTIALS,
        per_second=1,
    )

    read(slow)

    assert partners.calls == ["Tokens", "AccountBalance"]
    assert sum(moving_clock.slept) >= 1


# --- A token that is refused --------------------------------------------------------------------


def test_a_read_is_repeated_once_with_a_new_token(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    read(account)
    partners.revoked = {"1"}
    moving_clock.pass_(31)

    read(account)

    assert partners.calls == [
        "Tokens", "AccountBalance", "AccountBalance", "Tokens", "AccountBalance",
    ]  # fmt: skip
    assert partners.shown == ["1", "1", "2"]
    assert not CircuitState.objects.filter(refusals__gt=0).exists()


def test_a_purchase_is_not_repeated_and_says_that_nothing_was_executed(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    read(account)
    partners.revoked = {"1"}
    moving_clock.pass_(31)

    with pytest.raises(errors.TokenRefused):
        buy(account)
    assert partners.calls.count("Orders") == 1

    buy(account)
    assert partners.shown[-2:] == ["1", "2"]


@pytest.mark.parametrize("call", [read, buy])
def test_a_new_token_that_is_refused_stops_the_account(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock, call: Any
) -> None:
    partners.revoked = {str(number) for number in range(100)}

    for _ in range(2):
        with pytest.raises(errors.ProviderMisconfigured) as caught:
            call(account)
        assert caught.value.opens_breaker
        moving_clock.pass_(31)

    assert is_open(account)
    assert partners.asked_for_tokens == 2


def test_dropping_an_old_token_leaves_the_new_one_alone(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    tokens = services.gateway_for(account)._client._tokens
    read(account)
    old = tokens.current(lambda: pytest.fail("there is one"))
    moving_clock.pass_(3000)
    read(account)

    is_new = tokens.drop(old)
    read(account)

    assert is_new is False
    assert partners.shown == ["1", "2", "2"]


# --- Whose token it is, and who sees it ---------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "http://127.0.0.1:8002/giftcardpartners"},
        {"credentials": CREDENTIALS | {"access_token": "CANARY-other-key"}},
    ],
)
def test_a_token_is_not_shown_to_another_address_or_under_another_key(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock, change: Any
) -> None:
    read(account)
    moving_clock.pass_(31)

    read(services.update_account(account, **change))

    assert partners.shown == ["1", "2"]


def test_a_token_under_a_lost_key_is_replaced(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    read(account)
    SharedToken.objects.update(token=SharedToken._meta.get_field("token").from_db_value(
        "lost." + "A" * 80, None, None
    ))  # fmt: skip
    moving_clock.pass_(31)

    read(account)

    assert partners.shown == ["1", "2"]


def test_no_token_and_no_key_is_written_where_it_can_be_read(
    account: ProviderAccount,
    partners: Partners,
    moving_clock: MovingClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    buy(account)
    moving_clock.pass_(31)
    partners.revoked = {"1"}
    with pytest.raises(errors.TokenRefused):
        buy(account)

    calls = ProviderCall.objects.order_by("created_at")
    signed_in = calls.get(operation="create_token")
    kept = [call.response_body.reveal_bytes() for call in calls if call.response_body]

    assert (signed_in.response_body, signed_in.request_body) == ("", "")
    assert (signed_in.route, signed_in.http_status) == ("/v1/Tokens", 200)
    assert b"CANARY-token" not in b"".join(kept)
    assert "CANARY" not in caplog.text
    with connection.cursor() as cursor:
        for table in ("providers_providercall", "providers_sharedtoken"):
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - a name of ours
            assert "CANARY" not in repr(cursor.fetchall())


def test_the_journal_finds_the_purchase_and_not_the_signing_in(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    buy(account, attempt="attempt-1")

    answer = services.journaled_answer("attempt-1")

    assert answer is not None
    assert answer.body == as_bytes(COMPLETED)
    assert ProviderCall.objects.of_attempt("attempt-1").count() == 1


# --- Many at once -------------------------------------------------------------------------------


def all_at_once(account: ProviderAccount, count: int = 8) -> list[Exception | None]:
    """What each of so many threads got that ask for a token together."""
    outcomes: list[Exception | None] = []
    together = threading.Barrier(count)

    def work() -> None:
        outcome: Exception | None = None
        try:
            tokens = services.gateway_for(account)._client
            together.wait(10)
            tokens._token_for(LOOK)
        except errors.ProviderError as problem:
            outcome = problem
        finally:
            outcomes.append(outcome)
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_eight_threads_without_a_token_fetch_one(
    account: ProviderAccount, partners: Partners
) -> None:
    partners.slow = threading.Event()
    threading.Timer(0.5, partners.slow.set).start()

    outcomes = all_at_once(account)

    assert outcomes == [None] * 8
    assert partners.asked_for_tokens == 1


@pytest.mark.django_db(transaction=True)
def test_eight_threads_ask_once_when_it_fails(account: ProviderAccount, partners: Partners) -> None:
    partners.slow = threading.Event()
    partners.token_answer = (503, b"{}")
    threading.Timer(0.5, partners.slow.set).start()

    outcomes = all_at_once(account)

    assert [type(outcome) for outcome in outcomes] == [errors.ProviderUnavailable] * 8
    assert partners.asked_for_tokens == 1


@pytest.mark.django_db(transaction=True)
def test_while_one_renews_the_others_use_the_one_that_is_still_good(
    account: ProviderAccount, partners: Partners
) -> None:
    read(account)
    SharedToken.objects.update(tried_at=None)
    row = SharedToken.objects.get()
    lived = row.renew_at - row.issued_at  # type: ignore[operator]
    SharedToken.objects.update(issued_at=row.issued_at - lived, renew_at=row.issued_at)  # type: ignore[operator]

    outcomes = all_at_once(account)

    assert outcomes == [None] * 8
    assert partners.asked_for_tokens == 2


def test_a_process_that_died_while_fetching_holds_nobody_up_for_long(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    read(account)
    now = moving_clock.db_now()
    tokens = services.gateway_for(account)._client._tokens
    tokens.drop(tokens.current(lambda: pytest.fail("there is one")))
    moving_clock.pass_(31)
    row = SharedToken.objects.get()
    assert tokens._take_lease(row, moving_clock.db_now())  # and is never heard of again

    with pytest.raises(errors.ProviderUnavailable):
        read(account)
    moving_clock.pass_(31)
    read(account)

    assert partners.shown == ["1", "2"]
    assert moving_clock.db_now() > now


def test_a_clock_that_is_set_back_holds_nobody_up(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    read(account)
    tokens = services.gateway_for(account)._client._tokens
    assert tokens._take_lease(tokens._row(), moving_clock.db_now() + timedelta(minutes=1))
    partners.revoked = {"1"}
    moving_clock.pass_(-3600)

    read(account)

    assert partners.shown == ["1", "1", "2"]
    assert not is_open(account)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_down_means_nothing_was_sent(
    account: ProviderAccount, partners: Partners, moving_clock: MovingClock
) -> None:
    gateway = services.gateway_for(account)
    slot: Slot = gateway.reserve_slot()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE providers_sharedtoken RENAME TO elsewhere")
    try:
        with pytest.raises(errors.NotSent):
            gateway.place_order(LINKS, slot=slot)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO providers_sharedtoken")

    assert partners.calls == []
