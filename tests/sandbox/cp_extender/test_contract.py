"""What the simulated CP Extender answers to good requests, against the schemas of its contract."""

from typing import Any

import pytest
import requests
import schemathesis
from schemathesis.openapi.checks import JsonSchemaError

from tests.sandbox.cp_extender.conftest import DANA, LOGIN, PERMANENT
from tests.sandbox_client import ROOT, SandboxProcess

CONTRACT = schemathesis.openapi.from_path(ROOT / "docs" / "contracts" / "cp_extender.yaml")
HEADERS = {"Authorization": f"Bearer {PERMANENT}", "Content-Type": "application/json"}
CARD = {"CustomerNumber": DANA, "GiftCardCode": "GC", "GiftCardValue": 100, "SaleId": "sale-1"}


class Wire:
    """Sends requests over HTTP and has each answer checked by the contract."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers.update(HEADERS)

    def send(self, method: str, template: str, body: Any = None, **params: str) -> Any:
        """The answer to a good request, decoded if it is JSON."""
        url = self._url + template.format(**params)
        answer = self._http.request(method, url, json=body, timeout=5)
        CONTRACT[template][method].validate_response(answer)
        assert answer.status_code < 300, answer.text
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.json() if is_json else answer.content


@pytest.fixture
def wire(sandbox: SandboxProcess) -> Wire:
    sandbox.cp_extender.reset()
    return Wire(f"{sandbox.url}/cp_extender")


def test_every_good_answer_is_as_the_contract_says(wire: Wire) -> None:
    pool = {"Agency": "Website", "RequestType": "pool", "PoolCount": 3, "RequestName": "Web001"}
    wire.send("GET", "/Connection/Status")
    wire.send("GET", "/Connection/GetVersion")
    wire.send("POST", "/SSO/Login", LOGIN)
    first, second, _ = wire.send("POST", "/Giftcard/ReserveIds", pool)["GiftCards"]
    wire.send("POST", "/Giftcard/Create", {**CARD, "GiftCardId": first})
    points = {key: value for key, value in CARD.items() if key != "SaleId"}
    wire.send(
        "POST", "/Giftcard/Create", {**points, "GiftCardId": second, "PointsToRedeem": "10000"}
    )
    hold = {"Type": "giftcard", "Ref": first, "SaleId": "sale-2", "RequestedAmount": 40.5}
    for path in ("/Authorize/Confirm", "/Authorize/Cancel"):
        code = wire.send("POST", "/Giftcard/Authorize", hold)["AuthCode"]
        nothing = wire.send("POST", path, {"Ref": first, "AuthCode": code})
        assert nothing == b""
    card = wire.send("GET", "/Giftcard/{id}/BalanceCheck", id=first)["GiftCard"]
    picture = wire.send("GET", "/Giftcard/{id}/Certificate", id=first)
    wire.send("GET", "/Customer/FromId/{CustomerId}", CustomerId=DANA)
    wire.send(
        "GET", "/Customer/FromEmail/{EmailAddress}", EmailAddress="dana.whitfield@example.com"
    )

    assert (card["Balance"], len(card["History"])) == (59.5, 2)
    assert picture.startswith(b"\xff\xd8\xff")


def test_the_check_would_notice(wire: Wire, sandbox: SandboxProcess) -> None:
    sandbox.cp_extender.arm("mutate_string_number", {"field": "Balance"})
    number = wire.send("POST", "/Giftcard/Create", CARD)["GiftCard"]["Id"]

    with pytest.raises(JsonSchemaError, match="is not of type"):
        wire.send("GET", "/Giftcard/{id}/BalanceCheck", id=number)
