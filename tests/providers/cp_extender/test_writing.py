"""Reserving, creating, holding, finishing: what is sent, refused before, and what an answer is."""

import contextlib
import json
from collections.abc import Callable
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
from providers.gateways.base import (
    CreateRequest,
    HoldRequest,
    RawAnswer,
    RemoteHold,
    ReserveRequest,
)
from providers.gateways.cp_extender import CPExtenderGateway, build, parse
from providers.gateways.http import Call
from tests.providers.cp_extender.conftest import (
    CODE,
    NUMBER,
    POOL,
    RESERVED_NUMBER,
    SINGLE,
    SLOT,
    USD_40,
    hold,
    hold_of,
    says,
    wish,
)
from tests.recorded import recorded
from tests.stubs import StubProvider

Write = Callable[[CPExtenderGateway], Any]
WRITES: dict[str, Write] = {
    "reserve": lambda gateway: gateway.reserve(POOL, slot=SLOT),
    "create": lambda gateway: gateway.create(wish(), slot=SLOT),
    "authorize": lambda gateway: gateway.authorize(hold_of(), slot=SLOT),
    "confirm": lambda gateway: gateway.confirm(NUMBER, CODE, slot=SLOT),
    "cancel": lambda gateway: gateway.cancel(NUMBER, CODE, slot=SLOT),
}
HTML = b"<html><body>GiftcardId Already Exists. Id not found. Bad Request</body></html>"
each_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


def body_of(call: Call) -> Any:
    return json.loads(call.body or b"", parse_float=Decimal)


# --- What is sent -------------------------------------------------------------------------------


def test_a_pool_is_reserved(gateway: CPExtenderGateway, stub: StubProvider) -> None:
    stub.answers(200, recorded("cp_extender/reserved"))

    found = gateway.reserve(POOL, slot=SLOT)

    assert stub.sent == [("POST", "/Giftcard/ReserveIds")]
    assert stub.json() == {
        "RequestName": "GO-TEST-2",
        "RequestType": "pool",
        "PoolCount": 10,
        "Agency": "Website",
    }
    assert found.numbers[0] == RESERVED_NUMBER
    assert len(found.numbers) == 10


def test_a_single_number_is_reserved_without_a_count() -> None:
    assert body_of(build.reserve(SINGLE)) == {
        "RequestName": "GO-TEST-1",
        "RequestType": "single",
        "Agency": "Website",
    }
    assert "RequestName" not in body_of(build.reserve(replace(SINGLE, name="")))


def test_a_card_is_created_on_the_reserved_number(
    gateway: CPExtenderGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("cp_extender/created"))

    found = gateway.create(wish(), slot=SLOT)

    assert stub.sent == [("POST", "/Giftcard/Create")]
    assert stub.requests[0].body == (
        b'{"CustomerNumber":"2059378440","GiftCardId":"99-53235753896117470",'
        b'"GiftCardCode":"GC","GiftCardValue":100.00,"SaleId":"GO-SALE-1"}'
    )
    assert found.number == NUMBER  # theirs: whether it is ours is judged later


def test_points_are_a_text_of_digits_in_place_of_the_sale() -> None:
    body = body_of(build.create(wish(sale_id="", points=5000)))

    assert body["PointsToRedeem"] == "5000"
    assert "SaleId" not in body


def test_money_is_held(gateway: CPExtenderGateway, stub: StubProvider) -> None:
    stub.answers(200, recorded("cp_extender/authorized"))

    found = gateway.authorize(hold_of(), slot=SLOT)

    assert stub.requests[0].body == (
        b'{"Type":"giftcard","Ref":"WEB-9198262557214413","SaleId":"WB-100-10259",'
        b'"RequestedAmount":40.00}'
    )
    assert found == RemoteHold(
        external_id="0cb3fb5b-6b65-4d52-860e-33297f97fa2e", amount=USD_40, auth_code=CODE
    )


@pytest.mark.parametrize("finish", ["confirm", "cancel"])
def test_a_hold_is_finished_by_its_code(
    gateway: CPExtenderGateway, stub: StubProvider, finish: str
) -> None:
    stub.answers(204)

    WRITES[finish](gateway)

    assert stub.sent == [("POST", f"/Authorize/{finish.capitalize()}")]
    assert stub.json() == {"Ref": NUMBER, "AuthCode": CODE}


@each_write
def test_every_write_says_that_it_is_json_and_is_sent_once(
    gateway: CPExtenderGateway, stub: StubProvider, write: Write
) -> None:
    stub.answers(503)

    with pytest.raises(errors.OutcomeUnknown):
        write(gateway)

    assert len(stub.requests) == 1
    assert stub.requests[0].headers["Content-Type"] == "application/json"


def test_the_same_request_gives_the_same_bytes() -> None:
    assert build.create(wish()).body == build.create(replace(wish())).body
    assert build.authorize(hold_of()).body == build.authorize(replace(hold_of())).body


@given(st.integers(1, 10**12), st.sampled_from(["USD", "JPY", "KWD"]))
def test_an_amount_is_a_number_and_exact_to_the_last_digit(minor: int, code: str) -> None:
    value = Money(minor, code)

    created, held = build.create(wish(value=value)), build.authorize(hold_of(amount=value))

    numbers = {"parse_float": Decimal, "parse_int": Decimal}
    told = json.loads(created.body or b"", **numbers)["GiftCardValue"]
    asked = json.loads(held.body or b"", **numbers)["RequestedAmount"]
    assert Money.from_decimal(told, code) == value == Money.from_decimal(asked, code)


# --- What is refused before anything is sent ----------------------------------------------------

ODD_IDS = {
    "slash": "99/1",
    "dots": "..",
    "a dot": "99.1",
    "a line end": "99-1\n",
    "a zero byte": "99\x00",
    "a space": "99 1",
    "other digits": "٩٩",
    "a question": "99?x=1",
    "a percent sign": "99%2F1",
    "too long": "9" * 65,
    "nothing": "",
}
NOT_RESERVED_SO = {
    "no agency": replace(POOL, agency=" "),
    "long agency": replace(POOL, agency="x" * 65),
    "agency with a line end": replace(POOL, agency="a\nb"),
    "long name": replace(POOL, name="x" * 65),
    "none": replace(POOL, count=0),
    "less than none": replace(POOL, count=-1),
    "a mistake": replace(POOL, count=10_001),
    "two singles": replace(SINGLE, count=2),
    "no single": replace(SINGLE, count=0),
}
NOT_CREATED_SO = {
    **{f"number: {name}": wish(number=text) for name, text in ODD_IDS.items()},
    **{f"code: {name}": wish(code=text) for name, text in ODD_IDS.items()},
    **{f"customer: {name}": wish(customer_id=text) for name, text in ODD_IDS.items()},
    **{f"sale: {name}": wish(sale_id=text) for name, text in ODD_IDS.items()},
    "no value": wish(value=Money(0, "USD")),
    "less than no value": wish(value=Money(-1, "USD")),
    "another currency": wish(value=Money(100, "CAD")),
    "sale and points": wish(points=5),
    "no points": wish(sale_id="", points=0),
    "less than no points": wish(sale_id="", points=-1),
    "a mistake": wish(sale_id="", points=10**9),
}
NOT_HELD_SO = {
    **{f"number: {name}": hold_of(number=text) for name, text in ODD_IDS.items()},
    **{f"sale: {name}": hold_of(sale_id=text) for name, text in ODD_IDS.items()},
    "nothing": hold_of(amount=Money(0, "USD")),
    "less than nothing": hold_of(amount=Money(-1, "USD")),
    "another currency": hold_of(amount=Money(100, "CAD")),
}
SENTENCE = r"^[A-Z].*\.$"


@pytest.mark.parametrize("request_", NOT_RESERVED_SO.values(), ids=NOT_RESERVED_SO)
def test_a_reservation_they_cannot_take_is_refused_before(
    gateway: CPExtenderGateway, stub: StubProvider, request_: ReserveRequest
) -> None:
    with pytest.raises(ValueError, match=SENTENCE):
        gateway.check_reserve(request_)
    with pytest.raises(ValueError, match=SENTENCE):
        gateway.reserve(request_, slot=SLOT)

    assert stub.requests == []


@pytest.mark.parametrize("request_", NOT_CREATED_SO.values(), ids=NOT_CREATED_SO)
def test_a_card_they_cannot_make_is_refused_before(
    gateway: CPExtenderGateway, stub: StubProvider, request_: CreateRequest
) -> None:
    with pytest.raises(ValueError, match=SENTENCE):
        gateway.check_create(request_)
    with pytest.raises(ValueError, match=SENTENCE):
        gateway.create(request_, slot=SLOT)

    assert stub.requests == []


@pytest.mark.parametrize("request_", NOT_HELD_SO.values(), ids=NOT_HELD_SO)
def test_a_hold_they_cannot_take_is_refused_before(
    gateway: CPExtenderGateway, stub: StubProvider, request_: HoldRequest
) -> None:
    with pytest.raises(ValueError, match=SENTENCE):
        gateway.check_authorize(request_)
    with pytest.raises(ValueError, match=SENTENCE):
        gateway.authorize(request_, slot=SLOT)

    assert stub.requests == []


@pytest.mark.parametrize("finish", ["confirm", "cancel"])
@pytest.mark.parametrize(
    ("number", "code"),
    [*((text, CODE) for text in ODD_IDS.values()), (NUMBER, ""), (NUMBER, "A B"), (NUMBER, "é")],
)
def test_a_hold_that_is_not_named_is_not_finished(
    gateway: CPExtenderGateway, stub: StubProvider, finish: str, number: str, code: str
) -> None:
    with pytest.raises(ValueError, match=SENTENCE):
        getattr(gateway, finish)(number, code, slot=SLOT)

    assert stub.requests == []


def test_good_requests_are_taken(gateway: CPExtenderGateway) -> None:
    for request_ in (SINGLE, POOL, replace(POOL, name=""), replace(POOL, count=501)):
        gateway.check_reserve(request_)
    for created in (wish(), wish(sale_id="", points=5000), wish(value=Money(1, "USD"))):
        gateway.check_create(created)
    gateway.check_authorize(hold_of())


# --- What came back -----------------------------------------------------------------------------

FAILURES = {
    "connect timeout": (requests.ConnectTimeout(), errors.NotSent),
    "read timeout": (requests.ReadTimeout(), errors.OutcomeUnknown),
    "reset": (requests.ConnectionError("reset"), errors.OutcomeUnknown),
    "truncated": (requests.exceptions.ChunkedEncodingError(), errors.OutcomeUnknown),
}


@each_write
@pytest.mark.parametrize(("failure", "expected"), FAILURES.values(), ids=FAILURES)
def test_only_a_request_that_was_sent_leaves_the_outcome_unknown(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    write: Write,
    failure: Exception,
    expected: type[Exception],
) -> None:
    stub.fails(failure)

    with pytest.raises(errors.ProviderError) as caught:
        write(gateway)

    assert type(caught.value) is expected
    assert len(stub.requests) == 1


MISCONFIGURED, UNKNOWN = errors.ProviderMisconfigured, errors.OutcomeUnknown
EVERYWHERE: dict[str, tuple[int, bytes, type[errors.ProviderError]]] = {
    "401": (401, says("Not Authorized"), MISCONFIGURED),
    "403": (403, b"", MISCONFIGURED),
    "404 of a web server": (404, HTML, MISCONFIGURED),
    "400 of a web server": (400, HTML, errors.UnknownRefusal),
    "400 in other words": (400, says("Try again"), errors.UnknownRefusal),
    "400 with nothing": (400, b"", errors.UnknownRefusal),
    "400 with a number for a message": (400, b'{"Message":5}', errors.UnknownRefusal),
    "400 in JSON that says it twice": (
        400,
        b'{"Message":"GiftcardId Already Exists","Message":"No Balance Remaining"}',
        errors.UnknownRefusal,
    ),
    "415": (415, says("Content-Type is required"), errors.UnknownRefusal),
    "429": (429, b"", errors.RateLimited),
    "408": (408, b"", UNKNOWN),
    "409": (409, says("GiftcardId Already Exists"), UNKNOWN),
    "500": (500, says("Internal Server Error"), UNKNOWN),
    "500 with the words of a refusal": (500, says("GiftcardId Already Exists"), UNKNOWN),
    "504": (504, HTML, UNKNOWN),
    "302": (302, b"", errors.MalformedResponse),
    "HTML": (200, HTML, errors.MalformedResponse),
    "nothing": (200, b"", errors.MalformedResponse),
    "a list": (200, b"[]", errors.MalformedResponse),
    "an empty object": (200, b"{}", errors.MalformedResponse),
}


@each_write
@pytest.mark.parametrize(("status", "body", "expected"), EVERYWHERE.values(), ids=EVERYWHERE)
def test_what_an_answer_to_any_write_means(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    write: Write,
    status: int,
    body: bytes,
    expected: type[Exception],
) -> None:
    stub.answers(status, body)

    with pytest.raises(errors.ProviderError) as caught:
        write(gateway)

    assert type(caught.value) is expected
    assert len(stub.requests) == 1


REJECTED, OVER = errors.ProviderRejected, errors.HoldIsOver
CREATE_SAYS = {
    "GiftcardId Already Exists": (400, errors.DuplicateReference),
    "GiftcardId Not Reserved": (400, errors.NotReserved),
    "SaleId is Required": (400, REJECTED),
    "Gift Card Value must be greater than 0": (400, REJECTED),
    "GiftCardCode specified does not allow value change": (400, REJECTED),
    "Bad Request": (400, REJECTED),
    "Gift Card Code Not Found": (404, REJECTED),
    "Customer Not Found": (404, REJECTED),
}
AUTHORIZE_SAYS = {
    "Required: Type, Ref, SaleId, and (RequestedAmount or RequestedPoints)": (400, REJECTED),
    "Type is required": (400, REJECTED),
    "GiftCard has been voided": (400, REJECTED),
    "GiftCard has expired": (400, REJECTED),
    "No Balance Remaining": (400, REJECTED),
    "Id not found": (404, REJECTED),
}
FINISH_SAYS = {
    "already completed": (400, OVER),
    "already been confirmed": (400, OVER),
    "already been cancelled": (400, OVER),
    "Authorization not found": (404, OVER),
    "Id not found": (404, OVER),
}
DOCUMENTED = [
    (operation, text, status, error)
    for operation, table in (
        ("reserve", {"Bad Request": (400, REJECTED)}),
        ("create", CREATE_SAYS),
        ("authorize", AUTHORIZE_SAYS),
        ("confirm", FINISH_SAYS),
        ("cancel", FINISH_SAYS),
    )
    for text, (status, error) in table.items()
]
WAYS_TO_SAY: dict[str, Callable[[str], bytes]] = {
    "Message": says,
    "message": lambda text: json.dumps({"message": text, "code": 5}).encode(),
    "a JSON string": lambda text: json.dumps(text).encode(),
    "plain text": lambda text: text.encode(),
    "in capitals, on two lines": lambda text: text.upper().replace(" ", "\r\n", 1).encode(),
}


@pytest.mark.parametrize("way", WAYS_TO_SAY.values(), ids=WAYS_TO_SAY)
@pytest.mark.parametrize(("operation", "text", "status", "expected"), DOCUMENTED)
def test_every_documented_refusal_has_its_error_and_its_reason(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    operation: str,
    text: str,
    status: int,
    expected: type[errors.ProviderRejected],
    way: Callable[[str], bytes],
) -> None:
    stub.answers(status, way(text))

    with pytest.raises(errors.ProviderRejected) as caught:
        WRITES[operation](gateway)

    assert type(caught.value) is expected
    assert (caught.value.reason, caught.value.http_status) == (text, status)


@pytest.mark.parametrize(
    ("operation", "text", "status", "expected"),
    [row for row in DOCUMENTED if row[1] != "Bad Request"],
)
def test_words_around_it_do_not_hide_a_refusal_and_are_not_repeated(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    operation: str,
    text: str,
    status: int,
    expected: type[errors.ProviderRejected],
) -> None:
    stub.answers(status, says(f"Sorry: {text} ({NUMBER})."))

    with pytest.raises(expected) as caught:
        WRITES[operation](gateway)

    assert caught.value.reason == text
    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize(("operation", "text", "status", "expected"), DOCUMENTED)
def test_a_refusal_with_another_status_is_none_we_know(
    gateway: CPExtenderGateway,
    stub: StubProvider,
    operation: str,
    text: str,
    status: int,
    expected: type[Exception],
) -> None:
    stub.answers(422, says(text))

    with pytest.raises(errors.UnknownRefusal):
        WRITES[operation](gateway)


@pytest.mark.parametrize("operation", ["authorize", "confirm", "cancel"])
def test_two_words_that_any_server_says_refuse_nothing_where_they_are_not_documented(
    gateway: CPExtenderGateway, stub: StubProvider, operation: str
) -> None:
    stub.answers(400, b"Bad Request")

    with pytest.raises(errors.UnknownRefusal):
        WRITES[operation](gateway)


@pytest.mark.parametrize("operation", ["reserve", "create", "authorize"])
def test_a_204_is_no_answer_to_the_others(
    gateway: CPExtenderGateway, stub: StubProvider, operation: str
) -> None:
    stub.answers(204)

    with pytest.raises(errors.MalformedResponse):
        WRITES[operation](gateway)


NO_NUMBERS: dict[str, Any] = {
    "missing": {},
    "null": {"GiftCards": None},
    "a text": {"GiftCards": RESERVED_NUMBER},
    "numbers that are numbers": {"GiftCards": [99]},
    "null among them": {"GiftCards": [RESERVED_NUMBER, None]},
    "a zero byte": {"GiftCards": ["99\x00"]},
    "half a character": {"GiftCards": ["99\ud800"]},
    "far too long": {"GiftCards": ["9" * 201]},
}


@pytest.mark.parametrize("document", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_a_number_that_is_no_text_we_can_store_spoils_the_answer(
    gateway: CPExtenderGateway, stub: StubProvider, document: Any
) -> None:
    stub.answers(200, document)

    with pytest.raises(errors.MalformedResponse):
        gateway.reserve(POOL, slot=SLOT)


@pytest.mark.parametrize(
    "numbers",
    [[], ["a"], ["a", "a"], ["a"] * 11, [""], [" 99-1 "], ["99/1"], ["99\u202e"], ["9" * 200]],
)
def test_numbers_come_as_they_are_told_however_many_and_in_whatever_form(
    gateway: CPExtenderGateway, stub: StubProvider, numbers: list[str]
) -> None:
    stub.answers(200, {"GiftCards": numbers})

    assert gateway.reserve(POOL, slot=SLOT).numbers == tuple(numbers)


@pytest.mark.parametrize(
    "document",
    [{"GiftCard": None}, {"GiftCard": []}, {"GiftCard": {}}]
    + [{"GiftCard": {"Id": value}} for value in (None, 5, "", " ", f"{NUMBER} ", "a/b")],
)
def test_a_card_without_a_number_is_unknown(
    gateway: CPExtenderGateway, stub: StubProvider, document: Any
) -> None:
    stub.answers(200, document)

    with pytest.raises(errors.MalformedResponse):
        gateway.create(wish(), slot=SLOT)


MALFORMED, MISMATCH = errors.MalformedResponse, errors.AnswerMismatch
NO_HOLD: dict[str, tuple[Any, type[Exception]]] = {
    "no code": (hold(AuthCode=...), MALFORMED),
    "null code": (hold(AuthCode=None), MALFORMED),
    "empty code": (hold(AuthCode=""), MALFORMED),
    "code a number": (hold(AuthCode=5), MALFORMED),
    "code with a space": (hold(AuthCode="A B"), MALFORMED),
    "no amount": (hold(AuthorizedAmount=...), MALFORMED),
    "amount a text": (hold(AuthorizedAmount="40.00"), MALFORMED),
    "amount true": (hold(AuthorizedAmount=True), MALFORMED),
    "half a cent": (hold(AuthorizedAmount=39.995), MALFORMED),
    "more than asked": (hold(AuthorizedAmount=40.01), MISMATCH),
    "zero": (hold(AuthorizedAmount=0), MISMATCH),
    "negative": (hold(AuthorizedAmount=-40), MISMATCH),
    "of points": (hold(Type="loyalty"), MISMATCH),
    "type a number": (hold(Type=5), MALFORMED),
    "id a number": (hold(RequestId=5), MALFORMED),
}


@pytest.mark.parametrize(("document", "expected"), NO_HOLD.values(), ids=NO_HOLD)
def test_a_hold_that_is_not_the_one_we_asked_for_is_unknown(
    gateway: CPExtenderGateway, stub: StubProvider, document: Any, expected: type[Exception]
) -> None:
    stub.answers(200, document)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.authorize(hold_of(), slot=SLOT)

    assert type(caught.value) is expected
    assert CODE not in str(caught.value)


GOOD_HOLDS = {
    "less than asked": (hold(AuthorizedAmount=0.01), 1),
    "a whole number": (hold(AuthorizedAmount=40), 4000),
    "no id": (hold(RequestId=...), 4000),
    "no type": (hold(Type=...), 4000),
    "a type in capitals": (hold(Type="GiftCard"), 4000),
    "something more": (hold(Note="x"), 4000),
}


@pytest.mark.parametrize(("document", "minor"), GOOD_HOLDS.values(), ids=GOOD_HOLDS)
def test_a_hold_counts_by_its_code_and_its_amount(
    gateway: CPExtenderGateway, stub: StubProvider, document: Any, minor: int
) -> None:
    stub.answers(200, document)

    found = gateway.authorize(hold_of(), slot=SLOT)

    assert (found.amount.minor, found.auth_code) == (minor, CODE)


# --- The twins ----------------------------------------------------------------------------------


def raw(status: int, body: bytes) -> RawAnswer:
    return RawAnswer(status=status, headers={}, body=body, received_at=clock.now())


READ_AGAIN: dict[str, Callable[[CPExtenderGateway, RawAnswer], Any]] = {
    "reserve": lambda gateway, answer: gateway.read_reserved(answer, POOL),
    "create": lambda gateway, answer: gateway.read_created(answer, wish()),
    "authorize": lambda gateway, answer: gateway.read_authorized(answer, hold_of()),
    "confirm": lambda gateway, answer: gateway.read_confirmed(answer),
    "cancel": lambda gateway, answer: gateway.read_cancelled(answer),
}
SUCCESSES = {
    "reserve": (200, recorded("cp_extender/reserved")),
    "create": (200, recorded("cp_extender/created")),
    "authorize": (200, recorded("cp_extender/authorized")),
    "confirm": (204, b""),
    "cancel": (204, b""),
}


@pytest.mark.parametrize("operation", WRITES)
def test_a_recorded_answer_gives_the_same_again(
    gateway: CPExtenderGateway, stub: StubProvider, operation: str
) -> None:
    status, body = SUCCESSES[operation]
    stub.answers(status, body)

    live = WRITES[operation](gateway)

    assert READ_AGAIN[operation](gateway, raw(status, body)) == live


@pytest.mark.parametrize(("operation", "text", "status", "expected"), DOCUMENTED)
def test_a_recorded_refusal_gives_the_same_again(
    gateway: CPExtenderGateway, operation: str, text: str, status: int, expected: type[Exception]
) -> None:
    with pytest.raises(errors.ProviderRejected) as caught:
        READ_AGAIN[operation](gateway, raw(status, says(text)))

    assert type(caught.value) is expected


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_comes_back_an_answer_is_a_result_or_one_of_our_errors(
    status: int, body: bytes
) -> None:
    answer = raw(status, body)
    for read in (
        lambda: parse.reserved(answer, POOL),
        lambda: parse.created(answer, wish()),
        lambda: parse.authorized(answer, hold_of()),
        lambda: parse.finished(build.confirm(), answer),
    ):
        with contextlib.suppress(errors.ProviderError):
            read()


@pytest.mark.parametrize("finish", ["confirm", "cancel"])
@pytest.mark.parametrize(
    ("status", "body"), [(200, b""), (200, b"{}"), (204, b"{}"), (202, b""), (205, b"")]
)
def test_only_a_204_with_nothing_in_it_finishes_a_hold(
    gateway: CPExtenderGateway, finish: str, status: int, body: bytes
) -> None:
    with pytest.raises(errors.MalformedResponse):
        READ_AGAIN[finish](gateway, raw(status, body))


# --- Secrets ------------------------------------------------------------------------------------


def test_no_number_and_no_code_is_in_a_repr(gateway: CPExtenderGateway) -> None:
    things = [
        wish(),
        hold_of(),
        build.create(wish()),
        build.authorize(hold_of()),
        build.confirm(NUMBER, CODE),
        build.check_balance(NUMBER),
        gateway.read_created(raw(200, recorded("cp_extender/created")), wish()),
        gateway.read_reserved(raw(200, recorded("cp_extender/reserved")), POOL),
        gateway.read_authorized(raw(200, recorded("cp_extender/authorized")), hold_of()),
    ]

    for secret in (NUMBER, RESERVED_NUMBER, CODE):
        assert secret not in repr(things)


def test_what_a_call_is_about_is_our_reference_and_no_number() -> None:
    assert build.reserve(SINGLE).subject == "GO-TEST-1"
    assert build.create(wish()).subject == "GO-SALE-1"
    assert build.create(wish(sale_id="", points=1)).subject == ""
    assert build.authorize(hold_of()).subject == "WB-100-10259"
    assert build.confirm(NUMBER, CODE).subject == build.cancel(NUMBER, CODE).subject == ""
