"""Balances, certificates, customers: what is read, what is absent, what is an error."""

import io
import logging
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from giftops import clock
from giftops.money import Money
from providers.gateways import errors
from providers.gateways.base import (
    CardMovement,
    CardReading,
    CardStanding,
    RawAnswer,
    RemoteCustomer,
)
from providers.gateways.client import Client
from providers.gateways.cp_extender import CPExtenderGateway, build, parse, wire
from providers.gateways.http import Exchange, ProviderSession
from tests.providers.cp_extender.conftest import (
    JPEG,
    NUMBER,
    USD_100,
    card,
    card_with,
    customer,
    says,
)
from tests.providers.ncentiva.conftest import FakeBreaker, FakeBudget
from tests.recorded import recorded
from tests.stubs import StubProvider

IMAGE = {"Content-Type": "image/jpeg"}
HTML = b"<html><body>Id not found. Customer Not Found</body></html>"
MALFORMED, MISMATCH = errors.MalformedResponse, errors.AnswerMismatch

Read = Callable[[CPExtenderGateway], Any]
READS: dict[str, Read] = {
    "check_balance": lambda gateway: gateway.check_balance(NUMBER),
    "get_certificate": lambda gateway: gateway.get_certificate(NUMBER),
    "customer by number": lambda gateway: gateway.find_customer(external_id="2059378440"),
    "customer by e-mail": lambda gateway: gateway.find_customer(email="ann@example.com"),
}
each_read = pytest.mark.parametrize("read", READS.values(), ids=READS)


# --- Every read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("check_balance", f"/Giftcard/{NUMBER}/BalanceCheck"),
        ("get_certificate", f"/Giftcard/{NUMBER}/Certificate"),
        ("customer by number", "/Customer/FromId/2059378440"),
        ("customer by e-mail", "/Customer/FromEmail/ann%40example.com"),
    ],
)
def test_a_read_goes_to_its_path_and_says_that_it_is_json(
    gateway: CPExtenderGateway, stub: StubProvider, name: str, path: str
) -> None:
    stub.answers(500)

    with pytest.raises(errors.ProviderUnavailable):
        READS[name](gateway)

    assert stub.sent[0] == ("GET", path)
    assert {sent.headers["Content-Type"] for sent in stub.requests} == {"application/json"}


ANSWERS: dict[str, tuple[int, bytes, type[errors.ProviderError]]] = {
    "401": (401, says("Not Authorized"), errors.ProviderMisconfigured),
    "403": (403, b"", errors.ProviderMisconfigured),
    "404 of a web server": (404, HTML, errors.ProviderRejected),
    "404 with nothing": (404, b"", errors.ProviderRejected),
    "404 of another thing": (404, says("Store Id not found"), errors.ProviderRejected),
    "404 in one word": (404, says("StoreId not found"), errors.ProviderRejected),
    "404 in other words": (404, says("Not Found"), errors.ProviderRejected),
    "400": (400, says("Id not found"), errors.ProviderRejected),
    "429": (429, b"", errors.RateLimited),
    "500": (500, says("Id not found"), errors.ProviderUnavailable),
    "502": (502, HTML, errors.ProviderUnavailable),
    "302": (302, b"", MALFORMED),
    "HTML": (200, HTML, MALFORMED),
    "nothing": (200, b"", MALFORMED),
    "204": (204, b"", MALFORMED),
    "a list": (200, b"[]", MALFORMED),
    "an empty object": (200, b"{}", MALFORMED),
    "words for absent with a success": (200, says("Id not found"), MALFORMED),
}


@each_read
@pytest.mark.parametrize(("status", "body", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_to_any_read_means(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    read: Read,
    status: int,
    body: bytes,
    expected: type[Exception],
) -> None:
    stub.answers(status, body)

    with pytest.raises(errors.ProviderError) as caught:
        read(gateway)

    assert type(caught.value) is expected


WAYS_TO_SAY = [b'{"Message":"%b"}', b'{"message":"%b."}', b'"%b"', b"%b", b"404 %b\r\n"]


@pytest.mark.parametrize("way", WAYS_TO_SAY)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("check_balance", b"Id not found"),
        ("check_balance", b"ID NOT FOUND"),
        ("get_certificate", b"Id not found"),
        ("customer by number", b"Customer Not Found"),
        ("customer by e-mail", b"customer not found"),
    ],
)
def test_what_is_said_not_to_be_there_is_none(
    gateway: CPExtenderGateway, stub: StubProvider, name: str, words: bytes, way: bytes
) -> None:
    stub.answers(404, way % words)

    assert READS[name](gateway) is None


def test_a_missing_customer_is_no_missing_card(
    gateway: CPExtenderGateway, stub: StubProvider
) -> None:
    stub.answers(404, says("Customer Not Found"))

    with pytest.raises(errors.ProviderRejected):
        gateway.check_balance(NUMBER)


ODD_NUMBERS = ["", ".", "..", "a/b", "a b", "a\n", "a?b", "a%2Fb", "9" * 65]


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_what_cannot_be_a_number_is_not_asked_about(
    gateway: CPExtenderGateway, stub: StubProvider, number: str
) -> None:
    for read in (gateway.check_balance, gateway.get_certificate):
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            read(number)

    assert stub.requests == []


# --- Balances -----------------------------------------------------------------------------------


def test_a_balance_is_read_whole(gateway: CPExtenderGateway, stub: StubProvider) -> None:
    stub.answers(200, recorded("cp_extender/balance"))

    assert gateway.check_balance(NUMBER) == CardReading(
        number=NUMBER,
        kind="giftcard",
        status_text="active",
        standing=CardStanding.ACTIVE,
        balance=USD_100,
        held=Money(0, "USD"),
        available=USD_100,
        history=(
            CardMovement(
                activity="Issued",
                on=date(2020, 2, 25),
                amount=USD_100,
                location="Kirbys Gourmet Gifts",
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("active", CardStanding.ACTIVE),
        (" Active ", CardStanding.ACTIVE),
        ("VOIDED", CardStanding.VOIDED),
        ("expired", CardStanding.EXPIRED),
        ("void", CardStanding.UNMAPPED),
        ("inactive", CardStanding.UNMAPPED),
    ],
)
def test_a_status_is_known_by_its_whole_text(
    gateway: CPExtenderGateway, stub: StubProvider, text: str, standing: CardStanding
) -> None:
    stub.answers(200, card(Status=text))

    found = gateway.check_balance(NUMBER)

    assert found is not None
    assert (found.standing, found.status_text) == (standing, text.strip())


def test_amounts_are_exact(gateway: CPExtenderGateway, stub: StubProvider) -> None:
    told = recorded("cp_extender/balance").replace(b"100.00,", b"0.30,", 1)
    told = told.replace(b"0.0,", b"0.10,").replace(b"100.00,", b"0.2,", 1)
    stub.answers(200, told)

    found = gateway.check_balance(NUMBER)

    assert found is not None
    assert (found.balance.minor, found.held.minor, found.available.minor) == (30, 10, 20)


ROW = {"Activity": "Redeemed", "Date": "12/31/2025", "Amount": -5}
HISTORIES: dict[str, tuple[Any, CardMovement]] = {
    "nothing in a row": ({}, CardMovement(activity="")),
    "nulls": (dict.fromkeys(ROW), CardMovement(activity="")),
    "no place": (
        ROW,
        CardMovement(activity="Redeemed", on=date(2025, 12, 31), amount=Money(-500, "USD")),
    ),
    "a document": ({"Document": "GO-SALE-1"}, CardMovement(activity="", document="GO-SALE-1")),
    "a leap day": ({"Date": "02/29/2024"}, CardMovement(activity="", on=date(2024, 2, 29))),
}


@pytest.mark.parametrize(("row", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_a_row_of_the_history_may_lack_keys(
    gateway: CPExtenderGateway, stub: StubProvider, row: Any, expected: CardMovement
) -> None:
    stub.answers(200, card_with(row))

    found = gateway.check_balance(NUMBER)

    assert found is not None
    assert found.history == (expected,)


WRONG = {
    "another card": (card(Id="WEB-9198262557214414"), MISMATCH),
    "the number in small letters": (card(Id=NUMBER.lower()), MISMATCH),
    "the number and a space": (card(Id=f"{NUMBER} "), MALFORMED),
    "no number": (card(Id=...), MALFORMED),
    "a loyalty card": (card(Type="loyalty"), MISMATCH),
    "no type": (card(Type=...), MALFORMED),
    "no status": (card(Status=""), MALFORMED),
    "status a number": (card(Status=1), MALFORMED),
    "status very long": (card(Status="x" * 61), MALFORMED),
    "balance a text": (card(Balance="100.00"), MALFORMED),
    "balance true": (card(Balance=True), MALFORMED),
    "balance null": (card(Balance=None), MALFORMED),
    "balance missing": (card(Balance=...), MALFORMED),
    "half a cent": (card(Balance=100.005, AvailableBalance=100.005), MALFORMED),
    "too much to be true": (card(Balance=10**20, AvailableBalance=10**20), MALFORMED),
    "less than nothing held": (card(OpenAuthorizations=-1, AvailableBalance=101), MALFORMED),
    "held missing": (card(OpenAuthorizations=...), MALFORMED),
    "a cent too many": (card(AvailableBalance=100.01), MISMATCH),
    "held and not taken off": (card(OpenAuthorizations=40), MISMATCH),
    "no history": (card(History=...), MALFORMED),
    "history null": (card(History=None), MALFORMED),
    "history an object": (card(History={}), MALFORMED),
    "a row that is none": (card_with(5), MALFORMED),
    "day first": (card_with(ROW | {"Date": "31/12/2025"}), MALFORMED),
    "no such day": (card_with(ROW | {"Date": "02/30/2025"}), MALFORMED),
    "a day with a time": (card_with(ROW | {"Date": "12/31/2025 10:00"}), MALFORMED),
    "year first": (card_with(ROW | {"Date": "2025-12-31"}), MALFORMED),
    "a day in other digits": (card_with(ROW | {"Date": "١٢/٣١/٢٠٢٥"}), MALFORMED),
    "amount of a row a text": (card_with(ROW | {"Amount": "5"}), MALFORMED),
    "activity a number": (card_with(ROW | {"Activity": 5}), MALFORMED),
    "a card in a list": ({"GiftCard": [card()["GiftCard"]]}, MALFORMED),
    "a key twice": (
        recorded("cp_extender/balance").replace(b'"Type"', b'"Id": "x", "Type"'),
        MALFORMED,
    ),
    "NaN": (recorded("cp_extender/balance").replace(b"0.0,", b"NaN,"), MALFORMED),
}


@pytest.mark.parametrize(("document", "expected"), WRONG.values(), ids=WRONG)
def test_a_balance_that_cannot_be_believed_is_an_alarm(
    gateway: CPExtenderGateway, stub: StubProvider, document: Any, expected: type[Exception]
) -> None:
    stub.answers(200, document)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.check_balance(NUMBER)

    assert type(caught.value) is expected
    assert NUMBER not in str(caught.value)


def test_amounts_are_of_the_accounts_currency() -> None:
    call = build.check_balance(NUMBER)
    answer = RawAnswer(
        status=200,
        headers={},
        body=recorded("cp_extender/balance"),
        received_at=clock.now(),
    )

    found = parse.balance(call, answer, currency="JPY")

    assert found is not None
    assert (found.balance, found.available) == (Money(100, "JPY"), Money(100, "JPY"))


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_comes_back_a_balance_is_never_made_up(status: int, body: bytes) -> None:
    call = build.check_balance(NUMBER)
    answer = RawAnswer(status=status, headers={}, body=body, received_at=clock.now())

    try:
        found = parse.balance(call, answer, currency="USD")
    except errors.ProviderError:
        return
    assert found is None
    assert status == 404


# --- Certificates -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image/jpeg", "IMAGE/JPEG", "image/jpeg; charset=binary"])
def test_a_certificate_is_a_picture(
    gateway: CPExtenderGateway, stub: StubProvider, kind: str
) -> None:
    stub.answers(200, JPEG, {"Content-Type": kind})

    found = gateway.get_certificate(NUMBER)

    assert found is not None
    assert (found.content, found.content_type) == (JPEG, "image/jpeg")
    assert "JFIF" not in repr(found)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
NO_PICTURE = {
    "HTML": (HTML, {"Content-Type": "text/html"}),
    "HTML that is called a picture": (HTML, IMAGE),
    "a picture without a type": (JPEG, {}),
    "a picture that is called JSON": (JPEG, {"Content-Type": "application/json"}),
    "a PNG": (PNG, {"Content-Type": "image/png"}),
    "a PNG that is called a JPEG": (PNG, IMAGE),
    "empty": (b"", IMAGE),
    "cut off": (JPEG[:-2], IMAGE),
    "something before it": (b" " + JPEG, IMAGE),
    "something after it": (JPEG + b"<script>", IMAGE),
}


@pytest.mark.parametrize(("body", "headers"), NO_PICTURE.values(), ids=NO_PICTURE)
def test_what_is_no_whole_jpeg_is_no_certificate(
    gateway: CPExtenderGateway, stub: StubProvider, body: bytes, headers: dict[str, str]
) -> None:
    stub.answers(200, body, headers)

    with pytest.raises(errors.MalformedResponse):
        gateway.get_certificate(NUMBER)


class Endless(io.RawIOBase):
    """A picture without an end; counts what was taken of it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        buffer[:] = b"\xff" * size
        self.taken += size
        return size


class Pours(BaseAdapter):
    """Answers with an endless picture that says how long it is, or does not."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.picture, self.headers = Endless(), headers

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        raw = HTTPResponse(self.picture, headers=self.headers, status=200, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("said", "most_taken"), [({"Content-Length": str(50 * 2**20)}, 0), ({}, 11 * 2**20)]
)
def test_fifty_megabytes_are_refused_before_they_are_read(
    said: dict[str, str], most_taken: int
) -> None:
    pours = Pours(IMAGE | said)
    session = ProviderSession(
        "https://cp.shop.example",
        headers={},
        record=lambda exchange: None,
        resolve=lambda host, port: [],
        transport=pours,
    )
    gateway = CPExtenderGateway(Client(session, FakeBudget(), FakeBreaker()), currency="USD")

    with pytest.raises(errors.MalformedResponse, match="too long"):
        gateway.get_certificate(NUMBER)

    assert pours.picture.taken <= most_taken


def test_ten_megabytes_are_taken_for_a_certificate_and_for_nothing_else(
    gateway: CPExtenderGateway, stub: StubProvider
) -> None:
    size = wire.LARGEST_CERTIFICATE - len(JPEG)
    large = JPEG[:-2] + bytes(size) + JPEG[-2:]
    stub.answers(200, large, IMAGE)

    found = gateway.get_certificate(NUMBER)

    assert found is not None
    assert len(found.content) == 10 * 2**20
    with pytest.raises(errors.AnswerTooLong):
        gateway.check_balance(NUMBER)


# --- Customers ----------------------------------------------------------------------------------

ANN = RemoteCustomer(external_id="2059378440", name="Ann Lee", email="ann@example.com")


@pytest.mark.parametrize(
    "asked",
    [{"external_id": "2059378440"}, {"email": "ann@example.com"}, {"email": "Ann@Example.com"}],
)
def test_a_customer_is_found(
    gateway: CPExtenderGateway, stub: StubProvider, asked: dict[str, str]
) -> None:
    stub.answers(200, recorded("cp_extender/customer"))

    assert gateway.find_customer(**asked) == ANN


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"FullName": None}, "Ann Lee"),
        ({"FullName": "", "FirstName": ""}, "Lee"),
        ({"FullName": ..., "FirstName": ..., "LastName": ..., "Company": "Acme"}, "Acme"),
        ({"FullName": ..., "FirstName": ..., "LastName": ..., "Company": ...}, ""),
        ({"FullName": "x" * 300}, "x" * 300),
    ],
)
def test_a_customer_has_the_name_that_is_there(
    gateway: CPExtenderGateway, stub: StubProvider, told: dict[str, Any], name: str
) -> None:
    stub.answers(200, customer(**told))

    found = gateway.find_customer(external_id="2059378440")

    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("asked", "told", "expected"),
    [
        ({"external_id": "2059378441"}, {}, MISMATCH),
        ({"email": "bob@example.com"}, {}, MISMATCH),
        ({"email": "ann@example.com"}, {"CPCustomerID": ...}, MALFORMED),
        ({"email": "ann@example.com"}, {"CPCustomerID": 2059378440}, MALFORMED),
        ({"email": "ann@example.com"}, {"CPCustomerID": "a/b"}, MALFORMED),
        ({"email": "ann@example.com"}, {"FullName": 5}, MALFORMED),
    ],
)
def test_another_customer_or_none_that_can_be_read_is_an_alarm(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    asked: dict[str, str],
    told: dict[str, Any],
    expected: type[Exception],
) -> None:
    stub.answers(200, customer(**told))

    with pytest.raises(errors.ProviderError) as caught:
        gateway.find_customer(**asked)

    assert type(caught.value) is expected


def test_an_email_that_is_not_told_proves_nothing(
    gateway: CPExtenderGateway, stub: StubProvider
) -> None:
    stub.answers(200, customer(Email=...))

    assert gateway.find_customer(email="ann@example.com") == RemoteCustomer(
        external_id="2059378440", name="Ann Lee"
    )


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"external_id": "1", "email": "ann@example.com"},
        {"external_id": "a/b"},
        {"external_id": ".."},
        {"email": "ann"},
        {"email": "a/b@example.com"},
        {"email": "ann@example.com\n"},
        {"email": "ann@exam\x00ple.com"},
        {"email": f"{'x' * 254}@example.com"},
    ],
)
def test_a_customer_is_asked_for_by_one_good_thing(
    gateway: CPExtenderGateway, stub: StubProvider, asked: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        gateway.find_customer(**asked)

    assert stub.requests == []


# --- The connection -----------------------------------------------------------------------------


def test_the_connection_is_tried_with_a_number_that_no_card_has(
    gateway: CPExtenderGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("cp_extender/status"))
    stub.answers(200, recorded("cp_extender/version"))
    stub.answers(404, says("Id not found"))

    said = gateway.test_connection()

    assert [path for _, path in stub.sent] == [
        "/Connection/Status",
        "/Connection/GetVersion",
        f"/Giftcard/{wire.NO_CARD}/BalanceCheck",
    ]
    assert said.startswith("CP Extender 1.0.0.0 answered: its status is Ok")


def test_a_sign_in_that_is_refused_fails_the_connection(
    gateway: CPExtenderGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("cp_extender/status"))
    stub.answers(200, recorded("cp_extender/version"))
    stub.answers(401, says("Not Authorized"))

    with pytest.raises(errors.ProviderMisconfigured):
        gateway.test_connection()


# --- Numbers stand in addresses -----------------------------------------------------------------

MISHAPS = {
    "reset": requests.ConnectionError(f"https://cp.shop.example/Giftcard/{NUMBER}/BalanceCheck"),
    "bad address": requests.exceptions.InvalidURL(f"/Giftcard/{NUMBER}"),
    "any other": RuntimeError(NUMBER),
}


@each_read
@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
def test_nothing_tells_more_than_the_template_of_an_address(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    journal: list[Exchange],
    caplog: pytest.LogCaptureFixture,
    read: Read,
    mishap: Exception,
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.fails(mishap)

    with pytest.raises(errors.ProviderError) as caught:
        read(gateway)

    problem = caught.value
    told = [repr(journal), str(problem), repr(problem.__cause__), repr(problem.__context__)]
    for secret in (NUMBER, "2059378440", "ann@example.com", "ann%40example.com"):
        assert secret not in caplog.text
        assert not any(secret in text for text in told)
    assert "{" in str(problem)
