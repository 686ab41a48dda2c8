"""Placing an order: what is sent, what is refused before, the classification table row by row."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from giftops import clock
from giftops.money import Money
from providers.gateways import errors
from providers.gateways.base import OrderRequest, OrderType, RawAnswer, RemoteLine, Standing
from providers.gateways.giftcardpartners import GiftCardPartnersGateway, build, parse
from providers.gateways.giftcardpartners.check import check_request
from tests.providers.giftcardpartners.conftest import (
    ADDRESS,
    COMPLETED,
    DIGITAL,
    LINKS,
    PHYSICAL,
    REFERENCE,
    SLOT,
    USD_25,
    as_bytes,
    camel,
    line,
    order,
    order_with,
    request,
)
from tests.recorded import recorded
from tests.stubs import StubProvider

HTML = b"<html><body>Please log in</body></html>"


def sent(request_: OrderRequest) -> Any:
    return json.loads(build.order_body(request_), parse_float=Decimal)


# --- What is sent -------------------------------------------------------------------------------


def test_an_order_of_links_is_sent_and_read(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(201, recorded("giftcardpartners/order_completed"))

    found = gateway.place_order(LINKS, slot=SLOT)

    assert stub.sent == [("POST", "/gcp/v1/Orders")]
    assert stub.requests[0].body == (
        b'{"Type":"Links","PONumber":"%b","LineItems":[{"ProductId":"PRODUCTA","Value":25.00,'
        b'"Quantity":1,"ExternalId":"a1"}]}' % REFERENCE.encode()
    )
    assert (found.external_id, found.reference) == ("b7c0c1f2", REFERENCE)
    assert (found.standing, found.type) == (Standing.COMPLETED, OrderType.LINKS)
    assert found.lines == (
        RemoteLine(
            product_id="PRODUCTA",
            face_value=USD_25,
            quantity=1,
            line_id="a1",
            external_id="li-1",
            status_text="Completed",
            standing=Standing.COMPLETED,
            cost=Money(2425, "USD"),
        ),
    )


def test_a_digital_delivery_names_recipient_sender_day_and_doorbell() -> None:
    assert sent(DIGITAL) == {
        "Type": "DigitalDelivery",
        "PONumber": REFERENCE,
        "LineItems": [
            {
                "ProductId": "PRODUCTA",
                "Value": Decimal("25.00"),
                "Quantity": 1,
                "DigitalDeliveryAddress": {"Email": "ann@example.com", "Sms": "+15555555555"},
                "Personalization": {
                    "To": "Ann Lee",
                    "FromName": "Böb",
                    "FromEmail": "bob@example.com",
                    "Message": 'Thanks, "all"',
                    "DeliveryDate": "2026-12-24T00:00:00Z",
                },
                "BrandingId": "BRAND-123",
                "ExternalId": "a1",
            }
        ],
        "Note": "for the team",
        "DepartmentId": "D1",
        "WebhookSettings": {"FulfillmentComplete": "https://gift.example.com/webhooks/abc/"},
    }


def test_plastic_names_the_parcel_and_leaves_out_what_is_empty() -> None:
    assert sent(PHYSICAL)["LineItems"][0]["PhysicalDeliveryAddress"] == {
        "ShippingMethodId": "STANDARD",
        "CarrierId": "DEFAULT",
        "Name": "Ann Lee",
        "AddressLine1": "1 Main St",
        "City": "Boston",
        "State": "MA",
        "Zip": "02101",
        "Country": "US",
    }


def test_the_recipient_of_a_claim_link_is_not_sent_an_e_mail() -> None:
    told = request(line(recipient_email="ann@example.com", recipient_name="Ann"))

    assert "ann@example.com" not in build.order_body(told).decode()


@pytest.mark.parametrize("request_", [LINKS, DIGITAL, PHYSICAL])
def test_the_same_request_gives_the_same_bytes(request_: OrderRequest) -> None:
    again = replace(request_, lines=tuple(replace(each) for each in request_.lines))

    assert build.order_body(again) == build.order_body(request_)
    assert build.order_body(request_).isascii()


@given(st.integers(1, 10**12), st.sampled_from(["USD", "JPY", "KWD"]))
def test_an_amount_is_a_number_and_exact_to_the_last_digit(minor: int, code: str) -> None:
    value = Money(minor, code)

    body = build.order_body(request(line(face_value=value)))

    (told,) = json.loads(body, parse_float=Decimal, parse_int=Decimal)["LineItems"]
    assert Money.from_decimal(told["Value"], code) == value


# --- What is refused before anything is sent ----------------------------------------------------


@pytest.mark.parametrize("request_", [LINKS, DIGITAL, PHYSICAL])
def test_a_good_order_is_taken(request_: OrderRequest) -> None:
    check_request(request_, currency="USD")


def parcel(**fields: Any) -> OrderRequest:
    address = replace(ADDRESS, **fields)
    plastic = line(address=address, shipping_method_id="STANDARD")
    return request(plastic, type=OrderType.PHYSICAL)


def digital(**fields: Any) -> OrderRequest:
    return request(line(**{"recipient_email": "a@b.co"} | fields), type=OrderType.DIGITAL)


REFUSED = {
    "no reference": request(reference=""),
    "long reference": request(reference="x" * 65),
    "odd reference": request(reference="a b"),
    "codes": request(type=OrderType.CODES),
    "no lines": OrderRequest(reference=REFERENCE, type=OrderType.LINKS, lines=()),
    "too many lines": request(*(line(line_id=f"l{n}") for n in range(1001))),
    "two lines of one id": request(line(), line()),
    "line id too long": request(line(line_id="x" * 65)),
    "no product": request(line(product_id="")),
    "odd product": request(line(product_id="a/b")),
    "no cards": request(line(quantity=0)),
    "less than no cards": request(line(quantity=-1)),
    "another currency": request(line(face_value=Money(2500, "CAD"))),
    "no value": request(line(face_value=Money(0, "USD"))),
    "less than no value": request(line(face_value=Money(-1, "USD"))),
    "no recipient": digital(recipient_email=""),
    "no e-mail address": digital(recipient_email="ann at example.com"),
    "two e-mail addresses": digital(recipient_email="a@b.co,c@d.co"),
    "e-mail with a line end": digital(recipient_email="a@b.co\n"),
    "phone not international": digital(recipient_phone="5555555555"),
    "phone in other digits": digital(recipient_phone="+١٥٥٥٥٥٥٥٥٥"),
    "sender's e-mail": digital(from_email="bob"),
    "shipping of a mail": digital(shipping_method_id="STANDARD"),
    "carrier of a link": request(line(carrier_id="DEFAULT")),
    "no address": request(line(shipping_method_id="STANDARD"), type=OrderType.PHYSICAL),
    "no shipping": request(line(address=ADDRESS), type=OrderType.PHYSICAL),
    "odd carrier": request(
        line(address=ADDRESS, shipping_method_id="S", carrier_id="a b"), type=OrderType.PHYSICAL
    ),
    "no name": parcel(name=" "),
    "no street": parcel(line_1=""),
    "no city": parcel(city=""),
    "no state": parcel(state=""),
    "no postcode": parcel(postcode=""),
    "country in words": parcel(country="United States"),
    "long street": parcel(line_2="x" * 121),
    "hidden mark in the street": parcel(line_1="1 Main\u202e St"),
    "long name": digital(recipient_name="x" * 121),
    "name with a zero byte": digital(from_name="a\x00b"),
    "long message": digital(message="x" * 1001),
    "odd branding": digital(branding_id="a b"),
    "long note": request(note="x" * 1001),
    "odd department": request(department_id="a b"),
    "doorbell without TLS": request(doorbell_url="http://gift.example.com/x"),
    "doorbell without a host": request(doorbell_url="https:///x"),
    "doorbell of another kind": request(doorbell_url="ftp://gift.example.com/x"),
    "doorbell unreadable": request(doorbell_url="https://[gift/x"),
    "doorbell too long": request(doorbell_url="https://gift.example.com/" + "x" * 500),
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_what_they_cannot_take_is_refused_before_anything_is_sent(
    gateway: GiftCardPartnersGateway, stub: StubProvider, request_: OrderRequest
) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        gateway.check_request(request_)
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        gateway.place_order(request_, slot=SLOT)

    assert stub.requests == []


def test_a_sentence_about_one_of_many_lines_says_which() -> None:
    with pytest.raises(ValueError, match=r"^Line 2: "):
        check_request(request(line(), line(line_id="a2", quantity=0)), currency="USD")


def test_this_machine_may_be_rung_without_tls() -> None:
    check_request(request(doorbell_url="http://127.0.0.1:8000/x"), currency="USD")


# --- What came back -----------------------------------------------------------------------------

FAILURES = {
    "connect timeout": (requests.ConnectTimeout(), errors.NotSent),
    "read timeout": (requests.ReadTimeout(), errors.OutcomeUnknown),
    "reset": (requests.ConnectionError("reset"), errors.OutcomeUnknown),
    "truncated": (requests.exceptions.ChunkedEncodingError(), errors.OutcomeUnknown),
}


@pytest.mark.parametrize(("failure", "expected"), FAILURES.values(), ids=FAILURES)
def test_only_a_request_that_was_sent_leaves_the_outcome_unknown(
    gateway: GiftCardPartnersGateway,
    stub: StubProvider,
    failure: Exception,
    expected: type[Exception],
) -> None:
    stub.fails(failure)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.place_order(LINKS, slot=SLOT)

    assert type(caught.value) is expected
    assert len(stub.requests) == 1


TWICE = COMPLETED["LineItems"] * 2
MALFORMED, MISMATCH = errors.MalformedResponse, errors.AnswerMismatch
MESSAGE = b'{"Message":"ProductId is not known"}'
ANSWERS: dict[str, tuple[int, Any, type[errors.ProviderError]]] = {
    "another reference": (201, order(PONumber="other"), MISMATCH),
    "another type": (201, order(Type="DigitalDelivery"), MISMATCH),
    "another product": (201, order_with(ProductId="OTHER"), MISMATCH),
    "another value": (201, order_with(Value=26), MISMATCH),
    "value in cents": (201, order_with(Value=2500), MISMATCH),
    "value negative": (201, order_with(Value=-25), MISMATCH),
    "another quantity": (201, order_with(Quantity=2), MISMATCH),
    "another line": (201, order_with(ExternalId="a2"), MISMATCH),
    "a line more": (201, order(LineItems=TWICE), MISMATCH),
    "no line": (201, order(LineItems=[]), MISMATCH),
    "id missing": (201, order(Id=...), MALFORMED),
    "id null": (201, order(Id=None), MALFORMED),
    "id a number": (201, order(Id=5), MALFORMED),
    "id with a slash": (201, order(Id="a/../b"), MALFORMED),
    "id too long": (201, order(Id="x" * 65), MALFORMED),
    "status missing": (201, order(Status=...), MALFORMED),
    "status a number": (201, order(Status=1), MALFORMED),
    "type unknown": (201, order(Type="Carrier pigeon"), MALFORMED),
    "lines missing": (201, order(LineItems=...), MALFORMED),
    "lines an object": (201, order(LineItems={}), MALFORMED),
    "line a text": (201, order(LineItems=["x"]), MALFORMED),
    "product missing": (201, order_with(ProductId=...), MALFORMED),
    "value missing": (201, order_with(Value=...), MALFORMED),
    "value a text": (201, order_with(Value="25"), MALFORMED),
    "value true": (201, order_with(Value=True), MALFORMED),
    "value below a cent": (201, order_with(Value=25.001), MALFORMED),
    "value NaN": (201, order_with(Value=float("nan")), MALFORMED),
    "quantity a text": (201, order_with(Quantity="1"), MALFORMED),
    "quantity a half": (201, order_with(Quantity=1.5), MALFORMED),
    "cost negative": (201, order_with(Cost=-1), MALFORMED),
    "a key in two cases": (201, order(id="b7c0c1f3"), MALFORMED),
    "a key of a line in two cases": (201, order_with(value=25), MALFORMED),
    "key twice": (201, b'{"Id": "A", "Id": "B"}', MALFORMED),
    "a list": (201, b"[]", MALFORMED),
    "truncated JSON": (201, b'{"Id": "b7', MALFORMED),
    "HTML 200": (200, HTML, MALFORMED),
    "empty 201": (201, b"", MALFORMED),
    "204": (204, b"", MALFORMED),
    "301": (301, b"", MALFORMED),
    "307": (307, HTML, MALFORMED),
    "400 with their message": (400, MESSAGE, errors.ProviderRejected),
    "400 in camelCase": (400, MESSAGE.replace(b"Mess", b"mess"), errors.ProviderRejected),
    "400 without a message": (400, b"{}", errors.UnknownRefusal),
    "400 message a number": (400, b'{"Message": 5}', errors.UnknownRefusal),
    "400 message blank": (400, b'{"Message": " "}', errors.UnknownRefusal),
    "400 HTML": (400, HTML, errors.UnknownRefusal),
    "400 empty": (400, b"", errors.UnknownRefusal),
    "401": (401, b"{}", errors.TokenRefused),
    "401 HTML": (401, HTML, errors.TokenRefused),
    "403": (403, HTML, errors.ProviderMisconfigured),
    "404": (404, b"{}", errors.ProviderMisconfigured),
    "405": (405, MESSAGE, errors.UnknownRefusal),
    "408": (408, b"", errors.OutcomeUnknown),
    "409 with an id": (409, recorded("giftcardpartners/conflict"), errors.DuplicateReference),
    "409 without": (409, b'{"Message":"Duplicate"}', errors.DuplicateReference),
    "409 HTML": (409, HTML, errors.DuplicateReference),
    "409 empty": (409, b"", errors.DuplicateReference),
    "413": (413, MESSAGE, errors.UnknownRefusal),
    "422": (422, b'{"Message":"Insufficient funds"}', errors.InsufficientFunds),
    "422 HTML": (422, HTML, errors.UnknownRefusal),
    "425": (425, b"", errors.OutcomeUnknown),
    "429": (429, b"{}", errors.RateLimited),
    "500": (500, MESSAGE, errors.OutcomeUnknown),
    "502": (502, HTML, errors.OutcomeUnknown),
    "503": (503, b"", errors.OutcomeUnknown),
    "504": (504, b"", errors.OutcomeUnknown),
    "521": (521, HTML, errors.OutcomeUnknown),
    "600": (600, b"{}", MALFORMED),
}


@pytest.mark.parametrize(("status", "data", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_each_answer_means_what_comes_next(
    gateway: GiftCardPartnersGateway,
    stub: StubProvider,
    status: int,
    data: Any,
    expected: type[errors.ProviderError],
) -> None:
    stub.answers(status, data)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.place_order(LINKS, slot=SLOT)

    assert type(caught.value) is expected
    assert caught.value.__cause__ is None
    assert "CANARY" not in str(caught.value)
    assert len(stub.requests) == 1


@pytest.mark.parametrize(("status", "data", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_a_journaled_answer_means_the_same(
    gateway: GiftCardPartnersGateway, status: int, data: Any, expected: type[errors.ProviderError]
) -> None:
    body = data if isinstance(data, bytes) else as_bytes(data)
    raw = RawAnswer(status=status, headers={}, body=body, received_at=clock.now())

    with pytest.raises(errors.ProviderError) as caught:
        gateway.read_placed(raw, LINKS)

    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (recorded("giftcardpartners/conflict"), ("b7c0c1f2",)),
        (b'{"previousOrderIds": ["a", "b"]}', ("a", "b")),
        (b'{"PreviousOrderIds": []}', ()),
        (b'{"PreviousOrderIds": "a"}', ()),
        (b'{"PreviousOrderIds": ["a/../b"]}', ()),
        (b'{"PreviousOrderIds": [5]}', ()),
        (b'{"PreviousOrderIds": ["a"], "previousorderids": ["b"]}', ()),
        (HTML, ()),
    ],
)
def test_a_duplicate_names_the_earlier_order_if_they_do(
    gateway: GiftCardPartnersGateway, stub: StubProvider, body: bytes, expected: tuple[str, ...]
) -> None:
    stub.answers(409, body)

    with pytest.raises(errors.DuplicateReference) as caught:
        gateway.place_order(LINKS, slot=SLOT)

    assert caught.value.external_ids == expected


@pytest.mark.parametrize(
    ("message", "listed", "expected"),
    [
        ("Bad request", ["Value  is\nlow", 5], "Bad request Value is low"),
        ("No such e-mail ann@example.com", [], "No such e-mail [e-mail]"),
        ("https://gift.example.com/webhooks/CANARY/ is odd", [], "[address] is odd"),
        (f"Token {'CANARY' * 8} is odd", None, "Token [left out] is odd"),
        ("no " * 100, None, f"{('no ' * 100)[:199]}…"),
    ],
)
def test_their_reason_is_short_and_without_what_must_not_be_kept(
    gateway: GiftCardPartnersGateway, stub: StubProvider, message: str, listed: Any, expected: str
) -> None:
    stub.answers(400, {"Message": message, "Errors": listed})

    with pytest.raises(errors.ProviderRejected) as caught:
        gateway.place_order(LINKS, slot=SLOT)

    assert caught.value.reason == expected
    assert len(caught.value.reason) <= 200
    assert "CANARY" not in str(caught.value)


def test_a_403_stops_the_account(gateway: GiftCardPartnersGateway, stub: StubProvider) -> None:
    stub.answers(403, {"Message": "API access is disabled"})

    with pytest.raises(errors.ProviderMisconfigured) as caught:
        gateway.place_order(LINKS, slot=SLOT)

    assert caught.value.opens_breaker


STATUSES = {
    "Pending": Standing.PROCESSING,
    " completed ": Standing.COMPLETED,
    "Failed": Standing.CANCELLED,
    "CANCELLED": Standing.CANCELLED,
    "Canceled": Standing.UNMAPPED,
    "Complete": Standing.UNMAPPED,
    "Backordered": Standing.UNMAPPED,
}


@pytest.mark.parametrize(("text", "standing"), STATUSES.items())
def test_a_status_is_taken_exactly_or_left_to_a_person(text: str, standing: Standing) -> None:
    assert parse.standing_of(text) == standing


def test_an_answer_in_camel_case_is_the_same_answer(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(201, COMPLETED).answers(201, camel(COMPLETED))

    first, second = (gateway.place_order(LINKS, slot=SLOT) for _ in range(2))

    assert replace(second, payload={}) == replace(first, payload={})


def test_what_they_do_not_repeat_is_no_difference(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    told = order_with(ExternalId=None, Id=..., Cost=..., Status=..., ClaimData=...)
    stub.answers(201, {key: told[key] for key in ("Id", "Status", "LineItems")})

    found = gateway.place_order(LINKS, slot=SLOT)

    assert (found.reference, found.type, found.lines[0].standing) == (None, None, None)


def test_lines_are_told_apart_by_our_ids_whatever_their_order(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    two = request(line(), line(line_id="a2", product_id="PRODUCTB"))
    first, second = (COMPLETED["LineItems"][0] | fields for fields in ({}, {"Id": "li-2"}))
    other = second | {"ExternalId": "a2", "ProductId": "PRODUCTB"}
    swapped = [first | {"ExternalId": "a2"}, other | {"ExternalId": "a1"}]
    stub.answers(201, order(LineItems=[other, first])).answers(201, order(LineItems=swapped))

    found = gateway.place_order(two, slot=SLOT)

    assert [each.line_id for each in found.lines] == ["a2", "a1"]
    with pytest.raises(errors.AnswerMismatch):
        gateway.place_order(two, slot=SLOT)


def test_what_is_kept_of_an_order_holds_no_links_and_no_addresses(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    hooks = {"FulfillmentComplete": "https://gift.example.com/CANARY/"}
    stub.answers(201, order(WebhookSettings=hooks))

    found = gateway.place_order(LINKS, slot=SLOT)

    assert set(found.payload) == {"Id", "PONumber", "Type", "Status", "Note"}
    assert "CANARY" not in repr(found)
