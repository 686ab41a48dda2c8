"""Signing in: a token that says how long it lives or not, a token for good, and their ends."""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from providers import services
from providers.gateways import errors
from providers.gateways.base import RawAnswer
from providers.gateways.cp_extender import CPExtenderGateway, build, tokens, wire
from providers.models import CircuitState, ProviderAccount, ProviderCall, SharedToken
from tests.providers.conftest import START, MakeAccount, MovingClock
from tests.providers.cp_extender.conftest import CREDENTIALS, PERMANENT, says, wish
from tests.recorded import recorded

NOW = int(START.timestamp())
A_DAY = 24 * 3600


def jwt(claims: Any) -> str:
    """A token as RFC 7519 writes it; nobody checks what it is signed with."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    part = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    return f"eyJhbGciOiJIUzI1NiJ9.{part}.CANARY-signature"


def grant(value: Any, at: datetime = START) -> Any:
    call = build.login(CREDENTIALS)
    body = json.dumps({"APItoken": value}).encode()
    answer = RawAnswer(status=200, headers={}, body=body, received_at=at)
    return tokens.token(call, answer)


# --- What a token says --------------------------------------------------------------------------

LIVES: dict[str, tuple[Any, int]] = {
    "from its issue": ({"iat": NOW - 50, "nbf": NOW, "exp": NOW + 100}, 150),
    "from its beginning": ({"nbf": NOW - 20, "exp": NOW + 100}, 120),
    "from now": ({"exp": NOW + 100}, 100),
    "issued by a clock that is wrong": ({"iat": NOW + A_DAY, "exp": NOW + A_DAY + 60}, 60),
    "with a fraction": ({"iat": NOW + 0.5, "exp": NOW + 100.5}, 100),
    "for ever": ({"exp": 10**30}, wire.LIFE_UNTIL_REFUSED),
    "unsaid": ({"nbf": NOW, "user": "ours"}, wire.LIFE_UNTIL_REFUSED),
    "null": ({"exp": None}, wire.LIFE_UNTIL_REFUSED),
    "damaged": (b'{"exp": 5', wire.LIFE_UNTIL_REFUSED),
    "no object": ([NOW], wire.LIFE_UNTIL_REFUSED),
}


@pytest.mark.parametrize(("claims", "seconds"), LIVES.values(), ids=LIVES)
def test_a_token_lives_as_long_as_it_says_or_until_it_is_refused(claims: Any, seconds: int) -> None:
    found = grant(jwt(claims))

    assert (found.seconds, found.problem) == (seconds, "")
    assert "CANARY" not in repr(found)


@pytest.mark.parametrize("value", ["opaque", "a.b", "..", "a.~.c", "a.b.c.d"])
def test_a_token_that_is_no_jwt_is_good_until_it_is_refused(value: str) -> None:
    assert grant(value).seconds == wire.LIFE_UNTIL_REFUSED


SENSELESS = {
    "over already": {"exp": NOW - 1},
    "over before it began": {"iat": NOW, "exp": NOW},
    "a text": {"exp": str(NOW + 100)},
    "true": {"exp": True},
    "a list": {"exp": [NOW]},
    "began in a text": {"iat": "now", "exp": NOW + 100},
}


@pytest.mark.parametrize("claims", SENSELESS.values(), ids=SENSELESS)
def test_an_end_that_makes_no_sense_is_a_minute_and_is_told(claims: Any) -> None:
    found = grant(jwt(claims))

    assert found.seconds == 60
    assert found.problem
    assert "CANARY" not in found.problem


@pytest.mark.parametrize("value", [None, 5, "", " ", "a b", "a\r\nX: y", "ü", "x" * 9000])
def test_what_cannot_be_sent_is_no_token(value: Any) -> None:
    with pytest.raises(errors.MalformedResponse):
        grant(value)


@pytest.mark.parametrize("token", ["a b", "a\nb", "ü", ""])
def test_a_token_for_good_that_cannot_be_sent_is_our_mistake(token: str) -> None:
    with pytest.raises(errors.ProviderMisconfigured):
        CPExtenderGateway.headers({"token": token})


# --- Over many calls ----------------------------------------------------------------------------


class Till(BaseAdapter):
    """Hands out tokens and lets in who shows the newest one, or the one that is there for good."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: dict[str, Any] = {"iat": NOW, "exp": NOW + 3600}
        self.login_answer: tuple[int, bytes] | None = None
        self.revoked: set[str] = set()
        self.issued: list[str] = []
        self.calls: list[tuple[str, str | None]] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        assert request.headers["Content-Type"] == "application/json"
        shown = request.headers.get("Authorization")
        self.calls.append((str(request.path_url).rpartition("/")[2], shown))
        status, body = self._answer(request)
        raw = HTTPResponse(io.BytesIO(body), headers={}, status=status, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, bytes]:
        what, shown = self.calls[-1]
        match what:
            case "Status" | "GetVersion":
                name = "status" if what == "Status" else "version"
                return 200, recorded(f"cp_extender/{name}")
            case "Login":
                return self.login_answer or self._login(request)
        if shown is None or shown.removeprefix("Bearer ") in self.revoked:
            return 401, says("Not Authorized")
        return (
            (200, recorded("cp_extender/created"))
            if what == "Create"
            else (404, says("Id not found"))
        )

    def _login(self, request: requests.PreparedRequest) -> tuple[int, bytes]:
        assert json.loads(request.body or b"") == {
            "UserName": "ours",
            "Password": "CANARY-password",
        }
        assert "Authorization" not in request.headers
        self.issued.append(jwt(self.claims | {"jti": len(self.issued)}))
        return 200, json.dumps({"APItoken": self.issued[-1]}).encode()

    def close(self) -> None:
        """Nothing to close."""

    @property
    def asked(self) -> list[str]:
        return [what for what, _ in self.calls]


@pytest.fixture
def till() -> Iterator[Till]:
    found = Till()
    with ExitStack() as stack:
        stack.enter_context(services.use_transport(lambda account: found))
        yield found


@pytest.fixture
def account(make_account: MakeAccount) -> ProviderAccount:
    return connect(make_account, CREDENTIALS)


@pytest.fixture
def permanent(make_account: MakeAccount) -> ProviderAccount:
    return connect(make_account, PERMANENT)


def connect(make_account: MakeAccount, credentials: dict[str, str]) -> ProviderAccount:
    return make_account(
        name="till",
        provider="cp_extender",
        base_url="http://127.0.0.1:8001/cp_extender",
        credentials=credentials,
        per_second=1000,
        per_minute=100_000,
    )


def look(account: ProviderAccount) -> None:
    assert services.gateway_for(account).check_balance("99-1") is None


def make(account: ProviderAccount, attempt: str = "") -> None:
    gateway = services.gateway_for(account, attempt_ref=attempt)
    gateway.create(wish(), slot=gateway.reserve_slot())


def refusals(account: ProviderAccount) -> int:
    return sum(CircuitState.objects.filter(account=account).values_list("refusals", flat=True))


@pytest.mark.django_db
def test_one_token_serves_many_calls_and_none_is_shown_where_none_is_needed(
    account: ProviderAccount, till: Till, moving_clock: MovingClock
) -> None:
    services.test_connection(account)
    make(account)

    assert till.asked == ["Status", "GetVersion", "Login", "BalanceCheck", "Create"]
    bearer = f"Bearer {till.issued[0]}"
    assert [shown for _, shown in till.calls] == [None, None, None, bearer, bearer]


@pytest.mark.django_db
@pytest.mark.parametrize(("after", "logins"), [(2879, 1), (2881, 2)])
def test_a_token_is_renewed_at_four_fifths_of_what_it_says(
    account: ProviderAccount, till: Till, moving_clock: MovingClock, after: int, logins: int
) -> None:
    look(account)
    moving_clock.pass_(after)
    look(account)

    assert till.asked.count("Login") == logins


@pytest.mark.django_db
def test_a_token_that_does_not_say_is_used_for_years(
    account: ProviderAccount, till: Till, moving_clock: MovingClock
) -> None:
    till.claims = {}

    look(account)
    moving_clock.pass_(5 * 365 * A_DAY)
    look(account)

    assert till.asked.count("Login") == 1


@pytest.mark.django_db
def test_a_refused_token_is_replaced_and_a_read_repeated_once(
    account: ProviderAccount, till: Till, moving_clock: MovingClock
) -> None:
    look(account)
    till.revoked = set(till.issued)
    moving_clock.pass_(31)

    look(account)

    assert till.asked == ["Login", "BalanceCheck", "BalanceCheck", "Login", "BalanceCheck"]
    assert refusals(account) == 0


@pytest.mark.django_db
def test_a_creation_is_not_repeated_and_says_that_nothing_was_executed(
    account: ProviderAccount, till: Till, moving_clock: MovingClock
) -> None:
    look(account)
    till.revoked = set(till.issued)
    moving_clock.pass_(31)

    with pytest.raises(errors.TokenRefused):
        make(account)
    make(account)

    assert till.asked == ["Login", "BalanceCheck", "Create", "Login", "Create"]


NO_TOKEN: dict[str, tuple[tuple[int, bytes], type[errors.ProviderError]]] = {
    "401": ((401, says("Not Authorized")), errors.ProviderMisconfigured),
    "404": ((404, b""), errors.ProviderMisconfigured),
    "400": ((400, b""), errors.ProviderUnavailable),
    "500": ((500, b""), errors.ProviderUnavailable),
    "nothing": ((200, b"{}"), errors.ProviderUnavailable),
    "HTML": ((200, b"<html>"), errors.ProviderUnavailable),
}


@pytest.mark.django_db
@pytest.mark.parametrize("call", [look, make])
@pytest.mark.parametrize(("answer", "expected"), NO_TOKEN.values(), ids=NO_TOKEN)
def test_without_a_token_nothing_is_sent_and_no_error_says_it_may_have_been(
    account: ProviderAccount,
    till: Till,
    moving_clock: MovingClock,
    answer: tuple[int, bytes],
    expected: type[errors.ProviderError],
    call: Any,
) -> None:
    till.login_answer = answer

    with pytest.raises(errors.ProviderError) as caught:
        call(account)

    assert type(caught.value) is expected
    assert till.asked == ["Login"]


# --- A token for good ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_token_for_good_needs_no_sign_in(
    permanent: ProviderAccount, till: Till, moving_clock: MovingClock
) -> None:
    look(permanent)
    make(permanent)

    assert till.asked == ["BalanceCheck", "Create"]
    assert {shown for _, shown in till.calls} == {f"Bearer {PERMANENT['token']}"}
    assert not SharedToken.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("call", [look, make])
def test_a_token_for_good_that_is_refused_stops_the_account_and_nothing_is_repeated(
    permanent: ProviderAccount, till: Till, moving_clock: MovingClock, call: Any
) -> None:
    till.revoked = {PERMANENT["token"]}

    for _ in range(2):  # the first 401 may be a hiccup of theirs
        with pytest.raises(errors.ProviderMisconfigured) as caught:
            call(permanent)
        assert caught.value.opens_breaker

    assert len(till.calls) == 2
    assert CircuitState.objects.filter(opened_at__isnull=False).exists()


# --- What is kept of it -------------------------------------------------------------------------


@pytest.mark.django_db
def test_of_a_sign_in_the_journal_keeps_neither_password_nor_token(
    account: ProviderAccount, till: Till, moving_clock: MovingClock, caplog: Any
) -> None:
    look(account)

    kept = ProviderCall.objects.get(operation="login")
    assert (kept.request_body, kept.response_body) == ("", "")
    assert "CANARY" not in caplog.text


@pytest.mark.django_db
def test_numbers_and_codes_are_only_in_what_is_sealed(
    account: ProviderAccount, till: Till, moving_clock: MovingClock, caplog: Any
) -> None:
    make(account, attempt="A1")
    gateway = services.gateway_for(account)
    slot = gateway.reserve_slot()
    with pytest.raises(errors.ProviderError):
        gateway.confirm("99-53235753896117470", "CANARY-code", slot=slot)

    created = ProviderCall.objects.get(operation="create")
    confirmed = ProviderCall.objects.get(operation="confirm")
    assert b"99-53235753896117470" in created.request_body.reveal_bytes()
    assert b"CANARY-code" in confirmed.request_body.reveal_bytes()
    rows = json.dumps(list(ProviderCall.objects.values()), default=str)
    rows += json.dumps(list(CircuitState.objects.values()), default=str)
    for secret in ("53235753896117470", "9198262557214413", "CANARY", "Bearer"):
        assert secret not in rows + caplog.text
    assert (created.route, created.subject) == ("/Giftcard/Create", "GO-SALE-1")
