"""Who may speak to the simulated CP Extender, and in which headers."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from providers.sandbox.wire import Reply
from tests.sandbox.cp_extender.conftest import LOGIN, NOON, Merchant, refusal

UNKNOWN = "/Giftcard/99-1/BalanceCheck"


def log_in(merchant: Merchant, **fields: Any) -> Reply:
    return merchant.ask("POST", "/SSO/Login", {**LOGIN, **fields}, Authorization=None)


def claims(token: str) -> dict[str, Any]:
    """The payload of a JWT."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


@pytest.mark.parametrize("path", ["/Connection/Status", "/Connection/GetVersion"])
def test_whether_it_is_up_is_no_secret(merchant: Merchant, path: str) -> None:
    answer = merchant.ask("GET", path, Authorization=None)

    assert answer.status == 200
    assert answer.json().get("Status", "Ok") == "Ok"


def test_a_log_in_gives_a_jwt_with_an_end(merchant: Merchant) -> None:
    merchant.settings(token_lifetime=600)

    answer = log_in(merchant)

    assert list(answer.json()) == ["APItoken"]
    assert claims(answer.json()["APItoken"]) == {
        "unique_name": "sandbox",
        "jti": "1",
        "nbf": int(NOON),
        "exp": int(NOON) + 600,
    }


def test_a_jwt_is_signed_with_hs256(merchant: Merchant) -> None:
    signed, _, signature = log_in(merchant).json()["APItoken"].rpartition(".")

    key = hashlib.sha256(b"sandbox:key:0").digest()
    mac = base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=")
    assert json.loads(base64.b64decode(signed.split(".")[0] + "==")) == {
        "alg": "HS256",
        "typ": "JWT",
    }
    assert mac.decode() == signature


def test_a_token_is_good_until_its_end(merchant: Merchant) -> None:
    merchant.token = log_in(merchant).json()["APItoken"]

    before = merchant.get(UNKNOWN)
    merchant.clock.advance(3600)
    after = merchant.get(UNKNOWN)

    assert refusal(before) == (404, "Id not found")
    assert refusal(after) == (401, "Not Authorized")
    assert after.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_may_keep_its_end_to_itself(merchant: Merchant) -> None:
    merchant.settings(token_has_exp=False)
    merchant.token = log_in(merchant).json()["APItoken"]

    merchant.clock.advance(3600)

    assert "exp" not in claims(merchant.token)
    assert merchant.get(UNKNOWN).status == 401


def test_the_permanent_token_outlives_them_all_until_it_is_taken_away(merchant: Merchant) -> None:
    merchant.clock.advance(10**7)
    before = merchant.get(UNKNOWN).status

    merchant.settings(permanent_token=False)

    assert (before, merchant.get(UNKNOWN).status) == (404, 401)


def test_revoked_tokens_are_worth_nothing_and_the_next_log_in_works(merchant: Merchant) -> None:
    merchant.token = log_in(merchant).json()["APItoken"]

    revoked = merchant.told("DELETE", "tokens")
    stale = merchant.get(UNKNOWN).status
    merchant.token = log_in(merchant).json()["APItoken"]

    assert (revoked, stale, merchant.get(UNKNOWN).status) == ({"revoked": 1}, 401, 404)


def test_a_token_can_be_worth_less_than_it_says(merchant: Merchant) -> None:
    merchant.arm("token_revoked_early", {"after": 60})
    merchant.token = log_in(merchant).json()["APItoken"]

    merchant.clock.advance(59)
    early = merchant.get(UNKNOWN).status
    merchant.clock.advance(1)

    assert claims(merchant.token)["exp"] == int(NOON) + 3600
    assert (early, merchant.get(UNKNOWN).status) == (404, 401)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Password": "wrong"}, (401, "Not Authorized")),
        ({"UserName": "pässwörd"}, (401, "Not Authorized")),
        ({"Password": None}, (400, "Bad Request")),
        ({"UserName": 1}, (400, "Bad Request")),
    ],
)
def test_a_wrong_log_in_is_refused(
    merchant: Merchant, fields: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(log_in(merchant, **fields)) == expected


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer nonsense", "Basic sandbox-permanent"])
def test_everything_else_needs_a_token(merchant: Merchant, value: str | None) -> None:
    answers = [
        merchant.ask(one.method, one.path, Authorization=value)
        for one in merchant.provider.operations[3:]
    ]

    assert {refusal(answer) for answer in answers} == {(401, "Not Authorized")}
    assert len(answers) == 9


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, (400, "Content-Type is required")),
        ("text/plain", (415, "Content-Type must be application/json")),
    ],
)
def test_every_request_needs_its_content_type(
    merchant: Merchant, value: str | None, expected: tuple[int, str]
) -> None:
    answers = [
        merchant.ask(one.method, one.path, Content_Type=value)
        for one in merchant.provider.operations
    ]

    assert {refusal(answer) for answer in answers} == {expected}
    assert len(answers) == 12


@pytest.mark.parametrize(
    "path", ["/connection/status", "/Connection/status", "/SSO/login", "/giftcard/1/balancecheck"]
)
def test_paths_are_written_in_one_way_only(merchant: Merchant, path: str) -> None:
    assert merchant.get(path).status == 404


def test_another_method_is_refused(merchant: Merchant) -> None:
    answer = merchant.get("/Giftcard/Create")

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("form", "body", "kind"),
    [
        ("Message", b'{"Message":"Id not found"}', "application/json"),
        ("message", b'{"message":"Id not found"}', "application/json"),
        ("string", b'"Id not found"', "application/json"),
        ("text", b"Id not found", "text/plain; charset=utf-8"),
    ],
)
def test_a_refusal_can_have_any_shape(
    merchant: Merchant, form: str, body: bytes, kind: str
) -> None:
    merchant.settings(error_body=form)

    answer = merchant.get(UNKNOWN)

    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (404, body, kind)
