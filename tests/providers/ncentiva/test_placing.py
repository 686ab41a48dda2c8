"""Buying one card: the classification table, row by row (docs/money-safety.md)."""

import json
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from giftops import clock
from giftops.money import Money
from providers.gateways import errors
from providers.gateways.base import (
    OrderRequest,
    RawAnswer,
    RemoteLine,
    RequestLine,
    Standing,
)
from providers.gateways.http import Exchange
from providers.gateways.ncentiva import NcentivaGateway, parse
from tests.providers.ncentiva.conftest import REFERENCE, REQUEST, SLOT, FakeBreaker, FakeBudget
from tests.recorded import recorded, recorded_json
from tests.stubs import StubProvider

OPEN = recorded_json("ncentiva/order_open")
HTML = b"<html><body>Please log in</body></html>"


def changed(**fields: Any) -> bytes:
    """The recorded answer with other fields; None removes one."""
    return json.dumps({k: v for k, v in (OPEN | fields).items() if v is not ...}).encode()


def test_one_card_is_ordered_with_whole_units_and_our_reference(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("ncentiva/order_open"))

    order = gateway.place_order(REQUEST, slot=SLOT)

    assert stub.sent == [("POST", "/ncentiva/api/purchasers/v1/orders")]
    assert stub.json() == {"giftCardTypeId": 1234, "amount": 25, "orderReference": REFERENCE}
    assert stub.requests[0].headers["Content-Type"] == "application/json"
    assert (order.external_id, order.reference) == ("NCT-PO-P-099623", REFERENCE)
    assert (order.standing, order.status_text) == (Standing.ACCEPTED, "Open")
    assert order.lines == (
        RemoteLine(product_id="1234", face_value=Money(2500, "USD"), quantity=1),
    )


def test_five_dollars_are_sent_as_5_and_never_as_500(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    five = OrderRequest(
        reference=REFERENCE,
        lines=(RequestLine(product_id="1234", face_value=Money(500, "USD"), quantity=1),),
    )
    stub.answers(200, changed(amount=5))

    gateway.place_order(five, slot=SLOT)

    assert stub.requests[0].body == (
        b'{"giftCardTypeId":1234,"amount":5,"orderReference":"%b"}' % REFERENCE.encode()
    )


LINE = REQUEST.lines[0]


def request_with(reference: str = REFERENCE, **fields: Any) -> OrderRequest:
    values = {"product_id": "1234", "face_value": Money(2500, "USD"), "quantity": 1} | fields
    return OrderRequest(reference=reference, lines=(RequestLine(**values),))


@pytest.mark.parametrize(
    "request_",
    [
        request_with(face_value=Money(2550, "USD")),
        request_with(face_value=Money(0, "USD")),
        request_with(face_value=Money(-2500, "USD")),
        request_with(face_value=Money(2500, "EUR")),
        request_with(quantity=2),
        request_with(quantity=0),
        request_with(product_id="abc"),
        request_with(product_id="12.5"),
        request_with(product_id=""),
        request_with(reference=""),
        request_with(reference="x" * 65),
        request_with(reference="a/b"),
        request_with(reference="a b"),
        OrderRequest(reference=REFERENCE, lines=()),
        OrderRequest(reference=REFERENCE, lines=(LINE, LINE)),
    ],
)
def test_what_ncentiva_cannot_take_is_refused_before_anything_is_sent(
    gateway: NcentivaGateway, stub: StubProvider, request_: OrderRequest
) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        gateway.check_request(request_)
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        gateway.place_order(request_, slot=SLOT)

    assert stub.requests == []


FAILURES = {
    "connect timeout": (requests.ConnectTimeout(), errors.NotSent),
    "read timeout": (requests.ReadTimeout(), errors.OutcomeUnknown),
    "reset": (requests.ConnectionError("reset"), errors.OutcomeUnknown),
    "truncated": (requests.exceptions.ChunkedEncodingError(), errors.OutcomeUnknown),
}


@pytest.mark.parametrize(("failure", "expected"), FAILURES.values(), ids=FAILURES)
def test_only_a_request_that_was_sent_leaves_the_outcome_unknown(
    gateway: NcentivaGateway, stub: StubProvider, failure: Exception, expected: type[Exception]
) -> None:
    stub.fails(failure)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.place_order(REQUEST, slot=SLOT)

    assert type(caught.value) is expected
    assert len(stub.requests) == 1


ANSWERS: dict[str, tuple[int, bytes, type[errors.ProviderError]]] = {
    "amount differs": (200, changed(amount=26), errors.AnswerMismatch),
    "amount in cents": (200, changed(amount=2500), errors.AnswerMismatch),
    "quantity differs": (200, changed(quantity=2), errors.AnswerMismatch),
    "type differs": (200, changed(giftCardTypeId=1235), errors.AnswerMismatch),
    "currency differs": (200, changed(currency="EUR"), errors.AnswerMismatch),
    "currency differs, no amount": (
        200,
        changed(currency="EUR", amount=...),
        errors.AnswerMismatch,
    ),
    "another reference": (200, changed(customerReference="other"), errors.AnswerMismatch),
    "id missing": (200, changed(name=...), errors.MalformedResponse),
    "id null": (200, changed(name=None), errors.MalformedResponse),
    "id blank": (200, changed(name="  "), errors.MalformedResponse),
    "id a number": (200, changed(name=99623), errors.MalformedResponse),
    "id a list": (200, changed(name=["x"]), errors.MalformedResponse),
    "id in other digits": (200, changed(name="NCT-PO-P-٠٩٩"), errors.MalformedResponse),
    "id with a hidden mark": (200, changed(name="NCT-PO\u200b"), errors.MalformedResponse),
    "id with a slash": (200, changed(name="a/../b"), errors.MalformedResponse),
    "id too long": (200, changed(name="x" * 65), errors.MalformedResponse),
    "id that cannot be stored": (200, changed(name="a\x00b"), errors.MalformedResponse),
    "amount a text": (200, changed(amount="25"), errors.MalformedResponse),
    "amount true": (200, changed(amount=True), errors.MalformedResponse),
    "amount below a cent": (200, changed(amount=25.001), errors.MalformedResponse),
    "amount huge": (200, changed(amount=10**30), errors.MalformedResponse),
    "amount NaN": (200, changed(amount=float("nan")), errors.MalformedResponse),
    "amount negative": (200, changed(amount=-25), errors.AnswerMismatch),
    "quantity a text": (200, changed(quantity="1"), errors.MalformedResponse),
    "currency unknown": (200, changed(currency="XXQ"), errors.MalformedResponse),
    "status a number": (200, changed(status=1), errors.MalformedResponse),
    "status nested": (200, changed(status={"text": "Open"}), errors.MalformedResponse),
    "date nonsense": (200, changed(createdDate="yesterday"), errors.MalformedResponse),
    "key twice": (200, b'{"name": "A", "name": "B"}', errors.MalformedResponse),
    "a list": (200, b"[]", errors.MalformedResponse),
    "truncated JSON": (200, b'{"name": "NCT', errors.MalformedResponse),
    "HTML 200": (200, HTML, errors.MalformedResponse),
    "empty 200": (200, b"", errors.MalformedResponse),
    "blank 200": (200, b"  \n", errors.MalformedResponse),
    "204": (204, b"", errors.MalformedResponse),
    "301": (301, b"", errors.MalformedResponse),
    "302": (302, HTML, errors.MalformedResponse),
    "307": (307, b"", errors.MalformedResponse),
    "308": (308, b"", errors.MalformedResponse),
    "400 maintenance": (400, recorded("ncentiva/error_maintenance"), errors.Maintenance),
    "400 unknown type": (400, recorded("ncentiva/error_unknown_type"), errors.ProviderRejected),
    "400 wrong value": (400, recorded("ncentiva/error_wrong_value"), errors.ProviderRejected),
    "400 duplicate": (400, recorded("ncentiva/error_duplicate"), errors.DuplicateReference),
    "400 other words": (400, b'{"code":"BAD_REQUEST","message":"No"}', errors.UnknownRefusal),
    "400 known words and more": (
        400,
        b'{"message":"Gift Card Type with ID 1 not found, yet we bought it"}',
        errors.UnknownRefusal,
    ),
    "400 HTML": (400, HTML, errors.UnknownRefusal),
    "400 empty": (400, b"", errors.UnknownRefusal),
    "401": (401, b"{}", errors.ProviderMisconfigured),
    "403": (403, HTML, errors.ProviderMisconfigured),
    "404": (404, b"{}", errors.ProviderMisconfigured),
    "404 in their words": (
        404,
        recorded("ncentiva/error_order_not_found"),
        errors.ProviderMisconfigured,
    ),
    "405": (405, b"{}", errors.UnknownRefusal),
    "408": (408, b"", errors.OutcomeUnknown),
    "409": (409, b"{}", errors.OutcomeUnknown),
    "413": (413, b"{}", errors.UnknownRefusal),
    "422": (422, b"{}", errors.UnknownRefusal),
    "425": (425, b"", errors.OutcomeUnknown),
    "429": (429, b"{}", errors.RateLimited),
    "500": (500, b"{}", errors.OutcomeUnknown),
    "502": (502, HTML, errors.OutcomeUnknown),
    "503": (503, b"", errors.OutcomeUnknown),
    "504": (504, b"", errors.OutcomeUnknown),
    "520": (520, b"", errors.OutcomeUnknown),
    "599": (599, b"", errors.OutcomeUnknown),
    "600": (600, b"", errors.MalformedResponse),
}


@pytest.mark.parametrize(("status", "body", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_to_a_purchase_has_one_name(
    gateway: NcentivaGateway,
    stub: StubProvider,
    status: int,
    body: bytes,
    expected: type[errors.ProviderError],
) -> None:
    stub.answers(status, body)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.place_order(REQUEST, slot=SLOT)

    assert type(caught.value) is expected
    assert caught.value.http_status in (status, None)
    assert len(stub.requests) == 1


@pytest.mark.parametrize(("status", "body", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_the_journal_reads_the_same_again(
    gateway: NcentivaGateway, status: int, body: bytes, expected: type[errors.ProviderError]
) -> None:
    raw = RawAnswer(status=status, headers={}, body=body, received_at=clock.now())

    with pytest.raises(errors.ProviderError) as caught:
        gateway.read_placed(raw, REQUEST)

    assert type(caught.value) is expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "NCT-1"}',
        changed(status=...),
        changed(status=None),
        changed(customerReference=...),
        changed(customerReference=None),
        changed(giftCardTypeId=..., amount=..., quantity=..., currency=...),
        changed(amount=25.0),
        changed(extra={"nested": [1, 2]}),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_only_the_name_is_needed_for_success(
    gateway: NcentivaGateway, stub: StubProvider, status: int, body: bytes
) -> None:
    stub.answers(status, body)

    order = gateway.place_order(REQUEST, slot=SLOT)

    assert (order.standing, order.status_text) == (Standing.ACCEPTED, "Open")
    assert order.lines[0].face_value == Money(2500, "USD")


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("Open", Standing.ACCEPTED),
        (" open ", Standing.ACCEPTED),
        ("Processing", Standing.PROCESSING),
        ("COMPLETED", Standing.COMPLETED),
        ("Cancelled", Standing.CANCELLED),
        ("API Low Fund", Standing.LOW_FUNDS),
        ("On hold", Standing.ON_HOLD),
        ("on Hold", Standing.ON_HOLD),
        ("Temporary Out Of Stock", Standing.OUT_OF_STOCK),
        ("Canceled", Standing.UNMAPPED),
        ("Complete", Standing.UNMAPPED),
        ("API Low Funds", Standing.UNMAPPED),
        ("Out Of Stock", Standing.UNMAPPED),
        ("Оpen", Standing.UNMAPPED),  # noqa: RUF001 - a Cyrillic O
    ],
)
def test_a_status_is_mapped_exactly_and_kept_word_for_word(
    gateway: NcentivaGateway, stub: StubProvider, text: str, standing: Standing
) -> None:
    stub.answers(200, changed(status=text))

    order = gateway.place_order(REQUEST, slot=SLOT)

    assert (order.standing, order.status_text) == (standing, text.strip())


@pytest.mark.parametrize("key", ["message", "errorMessage", "error"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OUR SITE IS CURRENTLY ON  MAINTENANCE", errors.Maintenance),
        ("duplicate  customer\nreference", errors.DuplicateReference),
        ("The order reference is a duplicate", errors.UnknownRefusal),
        ("gift card type with id 99 not found.", errors.ProviderRejected),
    ],
)
def test_a_message_is_understood_under_each_of_its_keys(
    gateway: NcentivaGateway, stub: StubProvider, key: str, text: str, expected: type[Exception]
) -> None:
    stub.answers(400, {"errorCode": "BAD_REQUEST", key: text})

    with pytest.raises(errors.ProviderError) as caught:
        gateway.place_order(REQUEST, slot=SLOT)

    assert type(caught.value) is expected


def test_maintenance_waits_at_least_ten_minutes(
    gateway: NcentivaGateway, stub: StubProvider
) -> None:
    stub.answers(400, recorded("ncentiva/error_maintenance"))

    with pytest.raises(errors.Maintenance) as caught:
        gateway.place_order(REQUEST, slot=SLOT)

    assert caught.value.retry_after == 600


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({}, 2),
        ({"Retry-After": "soon"}, 2),
        ({"Retry-After": "-5"}, 2),
        ({"Retry-After": "99999999999"}, 3600),
        ({"Retry-After": "Thu, 02 Jan 2020 00:00:00 GMT"}, 2),
        ({"Retry-After": "Thu, 02 Jan 2099 00:00:00 GMT"}, 3600),
    ],
)
def test_their_wish_to_wait_is_taken_within_reason(
    gateway: NcentivaGateway,
    stub: StubProvider,
    budget: FakeBudget,
    header: dict[str, str],
    wait: float,
) -> None:
    stub.answers(429, {}, header)

    with pytest.raises(errors.RateLimited) as caught:
        gateway.place_order(REQUEST, slot=SLOT)

    assert caught.value.retry_after == wait
    assert budget.seen[-1].startswith("penalty")


@pytest.mark.parametrize(("status", "opens"), [(401, True), (403, True), (404, False)])
def test_only_refused_credentials_stop_the_account(
    gateway: NcentivaGateway, stub: StubProvider, status: int, opens: bool
) -> None:
    stub.answers(status, b"{}")

    with pytest.raises(errors.ProviderMisconfigured) as caught:
        gateway.place_order(REQUEST, slot=SLOT)

    assert caught.value.opens_breaker is opens


def test_the_answer_is_in_the_journal_before_it_is_read(
    gateway: NcentivaGateway, stub: StubProvider, journal: list[Exchange]
) -> None:
    stub.answers(200, HTML)

    with pytest.raises(errors.MalformedResponse):
        gateway.place_order(REQUEST, slot=SLOT)

    assert [seen.answer.body for seen in journal if seen.answer] == [HTML]
    assert journal[0].call.subject == REFERENCE


def test_bookkeeping_that_fails_does_not_lose_an_answer(
    gateway: NcentivaGateway,
    stub: StubProvider,
    breaker: FakeBreaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(status: int, call: object) -> None:
        raise RuntimeError("the database is down")

    monkeypatch.setattr(breaker, "note_answer", broken)
    stub.answers(200, recorded("ncentiva/order_open"))

    assert gateway.place_order(REQUEST, slot=SLOT).external_id == "NCT-PO-P-099623"


@pytest.mark.parametrize("name", [name for name in ANSWERS if "400" in name or "200" in name])
def test_errors_carry_nothing_of_the_answer_but_known_words(
    gateway: NcentivaGateway, stub: StubProvider, name: str
) -> None:
    status, body, _ = ANSWERS[name]
    stub.answers(status, body)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.place_order(REQUEST, slot=SLOT)

    assert "CANARY" not in repr(caught.value)
    assert REFERENCE not in str(caught.value)
    assert "log in" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=80)
    | st.fixed_dictionaries({}, optional=dict.fromkeys(OPEN, st.none() | st.text() | st.floats()))
    .map(json.dumps)
    .map(str.encode),
)
def test_no_answer_can_make_a_purchase_fail_in_another_way(status: int, body: bytes) -> None:
    raw = RawAnswer(status=status, headers={}, body=body, received_at=clock.now())

    try:
        order = parse.placed_order(raw, REQUEST, currency="USD")
    except errors.ProviderError as error:
        order = None
        definite = isinstance(error, errors.ProviderRejected) and not isinstance(
            error, errors.UnknownRefusal | errors.DuplicateReference
        )
        assert not definite or status == 400  # noqa: PT017 - both outcomes are promises

    assert order is None or (200 <= status < 300 and order.external_id)
