"""Who may read the simulated Exsited's book, and how a token ends."""

import base64
from typing import Any

import pytest

from tests.sandbox.exsited.conftest import LOGIN, TOKEN, Account, refusal


def test_a_token_opens_the_book(account: Account) -> None:
    answer = account.log_in()

    told = answer.json()
    assert answer.status == 200
    assert sorted(told) == ["access_token", "expires_in", "refresh_token"]
    assert told["expires_in"] == 3600
    assert base64.b64decode(told["access_token"], validate=True)
    assert account.get().status == 200


@pytest.mark.parametrize("authorization", [None, "", "Bearer ", "Bearer x", "Basic YTpi"])
def test_without_a_token_there_is_nothing_to_see(account: Account, authorization: Any) -> None:
    answer = account.ask("GET", "/api/v3/gift_certificates", Authorization=authorization)

    assert refusal(answer) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_alias_of_version_4_gives_tokens_too(account: Account) -> None:
    body = {key: value for key, value in LOGIN.items() if key != "grant_type"}
    answer = account.ask(
        "POST", "/api/v4/oauth2/token", {**body, "grant_type": "client_credentials"}
    )

    account.token = answer.json()["access_token"]
    assert account.get().status == 200


@pytest.mark.parametrize("missing", sorted(LOGIN))
def test_all_four_fields_are_required(account: Account, missing: str) -> None:
    assert refusal(account.log_in(**{missing: None})) == (400, "VALIDATION_ERROR")


def test_unknown_fields_are_ignored(account: Account) -> None:
    assert account.log_in(exsited_url="http://127.0.0.1:8010").status == 200


@pytest.mark.parametrize("field", ["client_id", "client_secret", "redirect_uri"])
def test_wrong_credentials_lead_to_a_page_to_sign_in(account: Account, field: str) -> None:
    answer = account.log_in(**{field: "wrong"})

    assert answer.status == 302
    assert answer.body == b""
    page = account.ask("GET", answer.headers["Location"].removeprefix("/exsited"))
    assert page.status == 200
    assert b"sign in" in page.body


def test_a_form_is_no_request_for_a_token(account: Account) -> None:
    answer = account.ask(
        "POST",
        TOKEN,
        b"grant_type=client_credentials",
        Content_Type="application/x-www-form-urlencoded",
    )

    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_a_new_token_ends_the_one_before(account: Account) -> None:
    earlier = account.token
    account.log_in()
    assert account.get().status == 200

    account.token = earlier

    assert refusal(account.get()) == (401, "UNAUTHORIZED")


def test_tokens_may_live_side_by_side(account: Account) -> None:
    account.settings(one_token=False)
    earlier = account.token
    account.log_in()

    account.token = earlier

    assert account.get().status == 200


def test_a_token_ends_by_itself(account: Account) -> None:
    account.clock.advance(3599)
    assert account.get().status == 200

    account.clock.advance(1)

    assert refusal(account.get()) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("redirect_uri", [LOGIN["redirect_uri"], None])
def test_a_refresh_gives_a_new_pair_once(account: Account, redirect_uri: str | None) -> None:
    first = account.log_in().json()
    asked = {
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
        "redirect_uri": redirect_uri,
    }

    second = account.log_in(**asked)
    again = account.log_in(**asked)

    assert second.status == 200
    assert second.json()["access_token"] != first["access_token"]
    assert refusal(again) == (400, "VALIDATION_ERROR")
    assert account.get().status == 200
    account.token = first["access_token"]
    assert account.get().status == 401


def test_a_refresh_needs_the_credentials_too(account: Account) -> None:
    told = account.log_in().json()

    answer = account.log_in(
        grant_type="refresh_token", refresh_token=told["refresh_token"], client_secret="wrong"
    )

    assert answer.status == 302


@pytest.mark.parametrize("fields", [{"grant_type": "password"}, {"grant_type": "refresh_token"}])
def test_other_grants_are_refused(account: Account, fields: dict[str, str]) -> None:
    assert refusal(account.log_in(**fields)) == (400, "VALIDATION_ERROR")


def test_somebody_else_takes_our_token(account: Account) -> None:
    theirs = account.told("POST", "tokens", {})["access_token"]

    assert account.get().status == 401
    account.token = theirs
    assert account.get().status == 200


def test_all_tokens_can_be_revoked(account: Account) -> None:
    assert account.told("DELETE", "tokens") == {"revoked": 1}

    assert account.get().status == 401
    assert account.told("DELETE", "tokens") == {"revoked": 0}


def test_access_can_be_denied(account: Account) -> None:
    account.settings(enabled=False)

    assert refusal(account.get()) == (403, "FORBIDDEN")
    assert account.log_in().status == 200


def test_codes_of_errors_may_be_numbers(account: Account) -> None:
    account.settings(numeric_error_codes=True)

    assert refusal(account.get("/nothing")) == (404, 404)
