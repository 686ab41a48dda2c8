"""Who may speak to the simulated GiftCard Partners, and for how long."""

from typing import Any

import pytest

from tests.sandbox.giftcardpartners.conftest import Customer

OPERATIONS = [
    ("GET", "/Products"),
    ("GET", "/Products/PRODUCTA"),
    ("POST", "/Orders"),
    ("GET", "/Orders"),
    ("GET", "/Orders/x"),
    ("GET", "/AccountBalance"),
    ("GET", "/ShippingMethods"),
    ("GET", "/Carriers"),
    ("GET", "/Brandings"),
    ("GET", "/Departments"),
]


def test_the_pair_buys_a_token_for_an_hour(customer: Customer) -> None:
    reply = customer.fresh_token()

    assert reply.status == 200
    assert reply.json() == {"Value": reply.json()["Value"], "ExpiresIn": 3600}
    assert (
        customer.ask("GET", "/Orders", Authorization=f"bearer {reply.json()['Value']}").status
        == 200
    )


@pytest.mark.parametrize(
    "wrong", [{"Email": "x"}, {"AccessToken": "x"}, {"Email": ""}, {"AccessToken": "sandböx"}]
)
def test_a_wrong_pair_gets_none(customer: Customer, wrong: dict[str, str]) -> None:
    refused = customer.fresh_token(**wrong)

    assert refused.status == 401
    assert refused.json() == {"Message": "Authorization is missing or invalid"}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic sandbox", "Bearer é"])
def test_nothing_but_status_goes_without_a_token(
    customer: Customer, method: str, path: str, authorization: str
) -> None:
    assert customer.ask(method, path, {}, Authorization=authorization).status == 401
    assert customer.ask("GET", "/Status", Authorization=authorization).json() == {"Status": "OK"}


def test_a_token_ends_when_its_settable_life_is_over(customer: Customer) -> None:
    customer.settings(token_lifetime=60)
    customer.token = customer.fresh_token().json()["Value"]
    customer.clock.advance(59)
    before = customer.get("/Orders").status

    customer.clock.advance(1)

    assert (before, customer.get("/Orders").status) == (200, 401)
    assert customer.fresh_token().json()["ExpiresIn"] == 60


def test_disabled_credentials_are_403_everywhere(customer: Customer) -> None:
    customer.told("POST", "credentials", {"enabled": False})
    statuses = [customer.fresh_token().status, customer.get("/Orders").status]
    wrong = customer.fresh_token(Email="x").status

    customer.told("POST", "credentials", {"enabled": True})

    assert (statuses, wrong) == ([403, 403], 401)
    assert customer.get("/Orders").status == 200


def test_all_tokens_can_be_revoked(customer: Customer) -> None:
    revoked = customer.told("DELETE", "tokens")

    assert revoked == {"revoked": 1}
    assert customer.get("/Orders").status == 401
    assert customer.fresh_token().status == 200


def test_a_token_can_be_worth_nothing_from_the_start(customer: Customer) -> None:
    customer.arm("token_revoked_early")
    told = customer.fresh_token().json()

    used = customer.ask("GET", "/Orders", Authorization=f"Bearer {told['Value']}")

    assert (told["ExpiresIn"], used.status) == (3600, 401)


@pytest.mark.parametrize(
    ("fault", "expires"),
    [
        ("token_expires_zero", 0),
        ("token_expires_negative", -3600),
        ("token_expires_string", "3600"),
        ("token_expires_minutes", 60),
        ("mutate_null", 3600),
    ],
)
def test_a_token_can_lie_about_its_life(customer: Customer, fault: str, expires: Any) -> None:
    customer.arm(fault, operation="createToken")

    told = customer.fresh_token().json()

    assert told["ExpiresIn"] == expires
    assert (told["Value"] is None) == (fault == "mutate_null")


def test_a_token_can_come_under_another_name(customer: Customer) -> None:
    customer.arm("token_malformed")

    assert customer.fresh_token().json().keys() == {"AccessToken", "ExpiresIn"}


def test_the_journal_tells_no_token_and_no_claim(customer: Customer) -> None:
    [item] = customer.order().json()["LineItems"]

    told = customer.control("GET", "journal").body.decode()

    assert "po-1" in told
    for secret in (customer.token, "sandbox@example.com", item["ClaimData"][0]["ClaimLink"]):
        assert secret not in told
