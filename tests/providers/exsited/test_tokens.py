"""Signing in: one token for all, which ends the one before, and what becomes of a refused one."""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from providers import services
from providers.gateways import errors
from providers.gateways.base import RawAnswer
from providers.gateways.exsited import build, tokens, wire
from providers.models import CircuitState, ProviderAccount, ProviderCall
from tests.providers.conftest import START, MakeAccount, MovingClock
from tests.providers.exsited.conftest import CREDENTIALS, UUID, says
from tests.recorded import recorded

LOGIN, DATA = "token", "data"
HOUR = 3600
TO_SIGN_IN = (302, b"<html>Please sign in</html>")


def grant(**fields: Any) -> Any:
    told = {"access_token": "CANARY-token==", "refresh_token": "r", "expires_in": HOUR} | fields
    body = json.dumps({key: value for key, value in told.items() if value is not ...})
    return read(200, body.encode())


def read(status: int, body: bytes) -> Any:
    raw = RawAnswer(status=status, headers={}, body=body, received_at=START)
    return tokens.token(build.create_token(CREDENTIALS), raw)


# --- What a token says --------------------------------------------------------------------------


def test_a_token_is_asked_for_as_they_want_it() -> None:
    call = build.create_token(CREDENTIALS)

    assert (call.method, call.route, call.is_sign_in) == ("POST", "/api/v1/oauth2/token", True)
    assert json.loads(call.body or b"") == {
        "grant_type": "client_credentials",
        "client_id": "ours",
        "client_secret": "CANARY-secret",
        "redirect_uri": "https://shop.example.com/back",
    }
    assert "CANARY" not in repr(call)


def test_the_recorded_token_is_read() -> None:
    found = read(200, recorded("exsited/token"))

    assert (found.value, found.seconds, found.problem) == ("CANARY-token==", HOUR, "")
    assert "CANARY" not in repr(found)


@pytest.mark.parametrize("seconds", [10**9, 10**30])
def test_a_token_is_renewed_once_a_day_at_least(seconds: int) -> None:
    assert grant(expires_in=seconds).seconds == wire.LONGEST_LIFE


@pytest.mark.parametrize("seconds", [..., None, "", "3600", 0, -1, True, [], 0.5])
def test_a_life_time_that_makes_no_sense_counts_as_a_minute_and_is_told(seconds: Any) -> None:
    found = grant(expires_in=seconds)

    assert found.seconds == wire.LIFE_IF_UNSAID
    assert "expires_in" in found.problem


@pytest.mark.parametrize(
    "value", [..., None, "", 7, True, [], "a b", "a\nb", "tök", "=", "a=b", "x" * 9000, "a\x00"]
)
def test_what_cannot_be_sent_is_no_token(value: Any) -> None:
    with pytest.raises(errors.MalformedResponse) as caught:
        grant(access_token=value)

    assert "CANARY" not in str(caught.value)


REFUSALS: dict[str, tuple[int, bytes, type[errors.ProviderError]]] = {
    **{str(code): (code, b"", errors.ProviderMisconfigured) for code in (301, 302, 303, 307, 308)},
    "401": (401, b"", errors.ProviderMisconfigured),
    "403": (403, b"", errors.ProviderMisconfigured),
    "404": (404, b"", errors.ProviderMisconfigured),
    "400 that says 401": (400, json.dumps(says(401)).encode(), errors.ProviderMisconfigured),
    "400": (400, json.dumps(says("VALIDATION_ERROR")).encode(), errors.ProviderRejected),
    "429": (429, b"", errors.RateLimited),
    "500": (500, b"", errors.ProviderUnavailable),
    "a page": (200, b"<html>", errors.MalformedResponse),
}


@pytest.mark.parametrize(("status", "body", "expected"), REFUSALS.values(), ids=REFUSALS)
def test_what_a_refused_sign_in_means(
    status: int, body: bytes, expected: type[errors.ProviderError]
) -> None:
    with pytest.raises(errors.ProviderError) as caught:
        read(status, body)

    assert type(caught.value) is expected


# --- One token for all --------------------------------------------------------------------------


class House(BaseAdapter):
    """Exsited as it signs people in: only the token it gave last is good."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.shown: list[str] = []
        self.good = ""
        self.given = 0
        self.refusal = (401, json.dumps(says("UNAUTHORIZED")).encode())
        self.login_answer: tuple[int, bytes] | None = None

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        is_login = request.path_url.endswith("/token")
        self.asked.append(LOGIN if is_login else DATA)
        status, body = self._sign_in() if is_login else self._answer(request)
        headers = {"Location": "https://evil.example.com/"} if 300 <= status < 400 else {}
        raw = HTTPResponse(io.BytesIO(body), headers=headers, status=status, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def _sign_in(self) -> tuple[int, bytes]:
        return self.login_answer or (200, json.dumps(self.new_token()).encode())

    def new_token(self) -> dict[str, Any]:
        """Give a token, to whoever asks; the one before is worth nothing."""
        self.given += 1
        self.good = f"CANARY-{self.given}"
        return {"access_token": self.good, "refresh_token": "r", "expires_in": HOUR}

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, bytes]:
        shown = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        self.shown.append(shown)
        return (200, recorded("exsited/certificate")) if shown == self.good else self.refusal

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def house() -> Iterator[House]:
    found = House()
    with ExitStack() as stack:
        stack.enter_context(services.use_transport(lambda account: found))
        yield found


@pytest.fixture
def account(make_account: MakeAccount) -> ProviderAccount:
    return make_account(
        provider="exsited",
        base_url="http://127.0.0.1:8001/exsited",
        credentials=CREDENTIALS,
        per_second=1000,
        per_minute=100_000,
    )


pytestmark = pytest.mark.django_db
IN_WORDS = json.dumps(says(401)).encode()
OUT = {"401": (401, b""), "302": TO_SIGN_IN, "words": (400, IN_WORDS), "200": (200, IN_WORDS)}
each_way_out = pytest.mark.parametrize("refusal", OUT.values(), ids=OUT)


def look(account: ProviderAccount) -> None:
    found = services.gateway_for(account).find_certificate(UUID)
    assert found.external_id == UUID


def refusals(account: ProviderAccount) -> int:
    return sum(CircuitState.objects.filter(account=account).values_list("refusals", flat=True))


def test_one_token_serves_many_calls(
    account: ProviderAccount, house: House, moving_clock: MovingClock
) -> None:
    look(account)
    look(account)

    assert house.asked == [LOGIN, DATA, DATA]
    assert house.shown == ["CANARY-1", "CANARY-1"]


@each_way_out
def test_a_token_that_somebody_else_ended_is_renewed_and_the_question_asked_again_once(
    account: ProviderAccount,
    house: House,
    moving_clock: MovingClock,
    refusal: tuple[int, bytes],
) -> None:
    look(account)
    house.new_token()
    house.refusal = refusal
    moving_clock.pass_(31)

    look(account)

    assert house.asked == [LOGIN, DATA, DATA, LOGIN, DATA]
    assert refusals(account) == 0


def test_a_token_that_another_process_renewed_is_read_before_a_new_one_is_asked_for(
    account: ProviderAccount, house: House, moving_clock: MovingClock
) -> None:
    look(account)
    gateway = services.gateway_for(account)
    old = gateway._client._tokens.current(pytest.fail)
    moving_clock.pass_(HOUR)
    look(account)  # another process signs in, while our call with the old token is on its way

    assert not gateway._client._tokens.drop(old)
    gateway.find_certificate(UUID)

    assert house.asked == [LOGIN, DATA, LOGIN, DATA, DATA]


@each_way_out
def test_a_new_token_that_is_refused_stops_the_account(
    account: ProviderAccount,
    house: House,
    moving_clock: MovingClock,
    refusal: tuple[int, bytes],
) -> None:
    house.refusal = refusal
    for _ in range(2):
        with pytest.raises(errors.ProviderMisconfigured) as caught:
            sign_in_in_vain(account, house)
        assert caught.value.opens_breaker
        assert caught.value.http_status == refusal[0]
        moving_clock.pass_(31)

    assert house.asked == [LOGIN, DATA] * 2
    assert CircuitState.objects.filter(opened_at__isnull=False).exists()


def sign_in_in_vain(account: ProviderAccount, house: House) -> None:
    """A token that is ended as soon as it is given."""
    house.login_answer = (200, json.dumps(house.new_token()).encode())
    house.good = "another"
    look(account)


@pytest.mark.parametrize("code", [301, 302, 307])
def test_wrong_credentials_are_told_by_a_way_elsewhere_which_is_not_taken(
    account: ProviderAccount, house: House, moving_clock: MovingClock, code: int
) -> None:
    house.login_answer = (code, TO_SIGN_IN[1])

    for _ in range(2):
        with pytest.raises(errors.ProviderMisconfigured) as caught:
            look(account)
        assert caught.value.opens_breaker
        moving_clock.pass_(31)

    assert house.asked == [LOGIN] * 2
    assert CircuitState.objects.filter(opened_at__isnull=False).exists()


@pytest.mark.parametrize("answer", [(400, b""), (500, b""), (200, b"{}"), (200, b"<html>")])
def test_without_a_token_nothing_is_asked(
    account: ProviderAccount,
    house: House,
    moving_clock: MovingClock,
    answer: tuple[int, bytes],
) -> None:
    house.login_answer = answer

    with pytest.raises(errors.ProviderUnavailable):
        look(account)

    assert house.asked == [LOGIN]


def test_of_a_sign_in_the_journal_keeps_neither_secret_nor_token(
    account: ProviderAccount, house: House, moving_clock: MovingClock, caplog: Any
) -> None:
    look(account)

    kept = ProviderCall.objects.get(operation="create_token")
    assert (kept.request_body, kept.response_body) == ("", "")
    rows = json.dumps(list(ProviderCall.objects.values()), default=str)
    for secret in ("CANARY", "GC-FAXVJ7GCW", "Bearer"):
        assert secret not in rows + caplog.text
