"""Slices, single certificates, histories: what is asked, what is read, what is an error."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giftops import clock
from providers.gateways import errors
from providers.gateways.base import (
    AllocationKind,
    CertificateOrder,
    RawAnswer,
    RawItem,
    Slice,
    TransactionKind,
)
from providers.gateways.exsited import ExsitedGateway, build, slices
from providers.gateways.http import Exchange
from tests.providers.exsited.conftest import (
    BOOK,
    FULL,
    TRANSACTION,
    UUID,
    book,
    changed,
    named,
    says,
)
from tests.recorded import recorded, recorded_json
from tests.stubs import StubProvider

HTML = b"<html><body>Please sign in</body></html>"
MALFORMED = errors.MalformedResponse
OTHER = "0d7b3f5a-2b0e-4b52-9d0c-6f4b1f1e2a33"

Read = Callable[[ExsitedGateway], Any]
READS: dict[str, Read] = {
    "list_certificates": lambda gateway: gateway.list_certificates(),
    "find_certificate": lambda gateway: gateway.find_certificate(UUID),
    "list_allocations": lambda gateway: gateway.list_allocations(UUID),
    "list_transactions": lambda gateway: gateway.list_transactions(UUID),
}
RECORDED = {
    "list_certificates": "list",
    "find_certificate": "certificate",
    "list_allocations": "allocations",
    "list_transactions": "transactions",
}
each_read = pytest.mark.parametrize("read", READS.values(), ids=READS)


# --- Every read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("list_certificates", "?limit=100&offset=0&order_by=created_on&direction=asc"),
        ("find_certificate", f"/{UUID}"),
        ("list_allocations", f"/{UUID}/allocations?limit=100&offset=0"),
        ("list_transactions", f"/{UUID}/transactions?limit=100&offset=0"),
    ],
)
def test_a_read_goes_to_its_path(
    gateway: ExsitedGateway, stub: StubProvider, name: str, path: str
) -> None:
    stub.answers(200, recorded(f"exsited/{RECORDED[name]}"))

    READS[name](gateway)

    assert stub.sent == [("GET", f"/api/v3/gift_certificates{path}")]
    assert stub.requests[0].headers["Accept"] == "application/json"
    assert stub.requests[0].headers["Connection"] == "close"


def test_a_slice_is_asked_for_as_it_is_wanted(gateway: ExsitedGateway, stub: StubProvider) -> None:
    stub.answers(200, book(limit=7, offset=210, records=0))

    gateway.list_certificates(offset=210, limit=7, by=CertificateOrder.CHANGED, newest_first=True)

    query = "limit=7&offset=210&order_by=last_updated_on&direction=desc"
    assert stub.sent == [("GET", f"/api/v3/gift_certificates?{query}")]


ANSWERS: dict[str, tuple[int, Any, type[errors.ProviderError]]] = {
    "401": (401, says("UNAUTHORIZED"), errors.ProviderMisconfigured),
    "a 400 that says 401": (400, says(401), errors.ProviderMisconfigured),
    "a success that says 401": (200, says("Unauthorized"), errors.ProviderMisconfigured),
    "a 500 that says 401": (500, says("401"), errors.ProviderMisconfigured),
    "a 400 that says more than 401": (400, says(401, "X"), errors.ProviderRejected),
    "403": (403, says("FORBIDDEN"), errors.ProviderMisconfigured),
    "404 of a web server": (404, HTML, errors.ProviderRejected),
    "404 with nothing": (404, b"", errors.ProviderRejected),
    "404 without errors": (404, {"errors": []}, errors.ProviderRejected),
    "404 of another thing": (404, says("PAGE_NOT_FOUND"), errors.ProviderRejected),
    "404 without a code": (404, says(None), errors.ProviderRejected),
    "404 with two words": (404, says("RESOURCE_NOT_FOUND", "X"), errors.ProviderRejected),
    "404 that gives a key twice": (
        404,
        b'{"errors":[{"code":"X","code":"RESOURCE_NOT_FOUND"}]}',
        errors.ProviderRejected,
    ),
    "400": (400, says("VALIDATION_ERROR"), errors.ProviderRejected),
    "400 in words for absent": (400, says("RESOURCE_NOT_FOUND"), errors.ProviderRejected),
    "408": (408, b"", errors.ProviderUnavailable),
    "409": (409, says("CONFLICT"), errors.ProviderUnavailable),
    "429": (429, b"", errors.RateLimited),
    "500": (500, says("RESOURCE_NOT_FOUND"), errors.ProviderUnavailable),
    "502": (502, HTML, errors.ProviderUnavailable),
    **{str(code): (code, b"", errors.ProviderMisconfigured) for code in (301, 302, 303, 307, 308)},
    "HTML": (200, HTML, MALFORMED),
    "nothing": (200, b"", MALFORMED),
    "204": (204, b"", MALFORMED),
    "a list": (200, b"[]", MALFORMED),
    "null": (200, b"null", MALFORMED),
    "an empty object": (200, b"{}", MALFORMED),
    "errors with a success": (200, says("RESOURCE_NOT_FOUND"), MALFORMED),
    "no UTF-8": (200, b'{"gift_certificates":"\xff","gift_certificate":"\xff"}', MALFORMED),
    "without end": (200, b'{"gift_certificate":' + b"[" * 99_999, MALFORMED),
    "the next version": (200, {"object": "list", "data": [], "pagination": {}}, MALFORMED),
}


@each_read
@pytest.mark.parametrize(("status", "body", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_to_any_read_means(
    gateway: ExsitedGateway,
    stub: StubProvider,
    read: Read,
    status: int,
    body: Any,
    expected: type[Exception],
) -> None:
    stub.answers(status, body, {"Location": "https://evil.example.com/login"})

    with pytest.raises(errors.ProviderError) as caught:
        read(gateway)

    assert type(caught.value) is expected
    said = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert not any(secret in said for secret in ("CANARY", UUID, "evil"))
    assert {request.url.partition("/api/v3")[0] for request in stub.requests if request.url} == {
        "https://api.exsited.com"
    }


@each_read
@pytest.mark.parametrize("name", RECORDED.values())
def test_an_answer_to_another_question_is_none(
    gateway: ExsitedGateway, stub: StubProvider, read: Read, name: str
) -> None:
    if READS[next(key for key, value in RECORDED.items() if value == name)] is read:
        return
    stub.answers(200, recorded(f"exsited/{name}"))

    with pytest.raises(MALFORMED):
        read(gateway)


@each_read
@pytest.mark.parametrize("offset", [None, "1", -1, 1, "NULL", True, 0.5, [], "٠"])
def test_another_place_than_was_asked_for_is_an_error(
    gateway: ExsitedGateway, stub: StubProvider, read: Read, offset: Any
) -> None:
    if read is READS["find_certificate"]:
        return
    stub.answers(200, with_page(read, offset=offset))

    with pytest.raises(MALFORMED):
        read(gateway)


WRONG_COUNTS = [None, "", "two", -1, "-1", True, 2.5, [], {}, 10**13, "9" * 13, "NULL", ...]


@each_read
@pytest.mark.parametrize("key", ["records", "limit"])
@pytest.mark.parametrize("value", WRONG_COUNTS)
def test_a_count_that_is_none_is_an_error(
    gateway: ExsitedGateway, stub: StubProvider, read: Read, key: str, value: Any
) -> None:
    if read is READS["find_certificate"]:
        return
    stub.answers(200, with_page(read, **{key: value}))

    with pytest.raises(MALFORMED):
        read(gateway)


PAGES: dict[str, dict[str, Any]] = {
    "fewer are allowed than came": {"limit": 1},
    "more are allowed than were asked for": {"limit": 101},
    "none are allowed": {"limit": 0},
    "it is full, and there are fewer": {"limit": 2, "records": 1},
    "it is full, and there are none": {"limit": 2, "records": "0"},
}


@each_read
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_that_contradicts_itself_is_an_error(
    gateway: ExsitedGateway, stub: StubProvider, read: Read, page: dict[str, Any]
) -> None:
    if read is READS["find_certificate"]:
        return
    stub.answers(200, with_page(read, **page))

    with pytest.raises(MALFORMED):
        read(gateway)


@each_read
@pytest.mark.parametrize("pagination", [..., None, "", [], 7, {}])
def test_without_a_pagination_it_is_no_part_of_a_list(
    gateway: ExsitedGateway, stub: StubProvider, read: Read, pagination: Any
) -> None:
    if read is READS["find_certificate"]:
        return
    document = document_for(read)
    holder = document.get("gift_certificate", document)
    holder["pagination"] = pagination
    if pagination is ...:
        del holder["pagination"]
    stub.answers(200, document)

    with pytest.raises(MALFORMED):
        read(gateway)


@each_read
def test_a_key_that_is_there_twice_is_an_error(
    gateway: ExsitedGateway, stub: StubProvider, read: Read
) -> None:
    text = json.dumps(document_for(read))
    key = next(iter(json.loads(text)))
    for again in (f'"{key}":[]', f'"{key}":{json.dumps(json.loads(text)[key])}', '"a":1,"a":2'):
        stub.rewind()
        stub.answers(200, f"{{{again},{text[1:]}".encode())
        with pytest.raises(MALFORMED):
            read(gateway)


def with_page(read: Read, **page: Any) -> Any:
    """The recorded answer with another pagination."""
    document = document_for(read)
    holder = document.get("gift_certificate", document)
    holder["pagination"] = changed(holder["pagination"], **page)
    return document


def document_for(read: Read) -> Any:
    name = next(name for name, one in READS.items() if one is read)
    return recorded_json(f"exsited/{RECORDED[name]}")


# --- Slices -------------------------------------------------------------------------------------


def test_a_slice_is_cut_into_items_that_are_not_read(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("exsited/list"))

    found = gateway.list_certificates()

    assert [one.external_id for one in found.items] == [UUID, OTHER]
    assert (found.offset, found.limit, found.records, found.unreadable) == (0, 100, 2, ())
    assert [json.loads(one.content) for one in found.items] == BOOK["gift_certificates"]
    assert all(one.content in recorded("exsited/list") for one in found.items)
    assert gateway.read_certificate(found.items[1]).remaining == 20_000
    assert "GC-FA" not in repr(found)


def test_the_bytes_of_an_item_do_not_keep_the_whole_answer() -> None:
    assert all(type(one.content) is bytes for one in cut(book(named(1), named(2))).items)


def test_counts_may_be_texts_and_links_say_what_they_like(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    links = {"next_page": "https://evil.example.com/", "previous_page": None}
    stub.answers(200, book(named(1), records="5000", limit="50", offset="0", **links))

    found = gateway.list_certificates()

    assert (found.records, found.limit, len(found.items)) == (5000, 50, 1)
    assert len(stub.requests) == 1


def test_the_end_of_the_book_is_an_empty_slice() -> None:
    assert cut(book(records=300, offset=300), offset=300) == Slice(
        items=(), offset=300, limit=100, records=300
    )
    assert cut(book(records=200, offset=300), offset=300).items == ()


@pytest.mark.parametrize("offset", [0, 299])
def test_nothing_although_there_is_more_wipes_nothing(offset: int) -> None:
    with pytest.raises(MALFORMED, match="nothing came"):
        cut(book(records=300, offset=offset), offset=offset)


def test_a_few_more_than_there_are_said_to_be_are_handed_on() -> None:
    """One may have come between their counting and their looking; what follows them is nothing."""
    assert len(cut(book(named(1), named(2), records=1)).items) == 2


def test_a_name_that_is_there_twice_is_handed_on() -> None:
    found = cut(book(named(1), named(2), named(1)))

    assert [one.external_id for one in found.items] == ["uuid-1", "uuid-2", "uuid-1"]


BAD_ITEMS = [
    *(None, 7, "x", True, [], {}, {"uuid": None}, {"uuid": ""}, {"uuid": 7}, {"uuid": "a/b"}),
    *({"uuid": ".."}, {"uuid": "a b"}, {"uuid": "x" * 65}, {"uuid": "ü"}, {"UUID": UUID}),
    *({"uuid": "a\x00"}, {"uuid": f"{UUID}\n"}, {"uuid": [UUID]}, {"code": "CANARY"}),
]


@pytest.mark.parametrize("bad", BAD_ITEMS)
def test_an_item_without_a_name_is_set_aside_with_its_place(bad: Any) -> None:
    found = cut(book(named(1), bad, named(2), records=400, offset=200), offset=200)

    assert [one.external_id for one in found.items] == ["uuid-1", "uuid-2"]
    (aside,) = found.unreadable
    assert aside.position == "offset 200, item 2"
    assert aside.problem
    assert "CANARY" not in repr(aside)


def test_a_name_that_is_no_text_spoils_no_other_item() -> None:
    body = json.dumps(book(named(1), {"uuid": "SAY"})).encode().replace(b"SAY", b"CANARY\xff")

    found = cut(body)

    assert [one.external_id for one in found.items] == ["uuid-1"]
    assert "CANARY" not in repr(found)


def test_a_slice_of_items_without_names_is_not_empty() -> None:
    found = cut(book({}, {}, records=9))

    assert (found.items, len(found.unreadable)) == ((), 2)


def test_what_was_cut_out_may_stand_elsewhere_too() -> None:
    body = {"more": [], "gift_certificates": [], "again": [[]]} | book(records=0)

    assert cut(body).items == ()


@pytest.mark.parametrize("listed", [None, {}, "", 7, "x"])
def test_a_list_that_is_none_is_an_error(listed: Any) -> None:
    with pytest.raises(MALFORMED):
        cut(book() | {"gift_certificates": listed})


@pytest.mark.parametrize(
    ("offset", "limit"), [(-1, 100), (0, 0), (0, -5), (0, 1001), (10**13, 100)]
)
def test_a_slice_that_no_list_has_is_not_asked_for(
    gateway: ExsitedGateway, stub: StubProvider, offset: int, limit: int
) -> None:
    with pytest.raises(ValueError, match=r"A slice .*\.$"):
        gateway.list_certificates(offset=offset, limit=limit)

    assert stub.requests == []


@given(
    documents=st.lists(
        st.dictionaries(st.text(), st.none() | st.text() | st.integers()), max_size=5
    ),
    spaces=st.sampled_from([None, 1, 4]),
)
def test_items_come_out_as_they_went_in(documents: list[Any], spaces: int | None) -> None:
    listed = [one | {"uuid": f"u{number}"} for number, one in enumerate(documents)]
    body = json.dumps(book(*listed), indent=spaces).encode()

    found = cut(body)

    assert [json.loads(one.content) for one in found.items] == listed
    assert b"".join(one.content for one in found.items) in body.replace(b", {", b"{") or spaces


@given(st.binary(max_size=80))
def test_whatever_bytes_come_they_are_an_error(body: bytes) -> None:
    with pytest.raises(MALFORMED):
        cut(body)


def cut(body: Any, *, offset: int = 0, limit: int = 100) -> Slice:
    call = build.list_certificates(offset, limit)
    return slices.slice_of(call, answer(body), offset=offset, limit=limit)


def answer(body: Any, status: int = 200) -> RawAnswer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawAnswer(status=status, headers={}, body=content, received_at=clock.now())


# --- One certificate ----------------------------------------------------------------------------


def test_one_certificate_is_an_item_as_those_of_a_slice(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("exsited/certificate"))

    found = gateway.find_certificate(UUID)

    assert isinstance(found, RawItem)
    assert json.loads(found.content)["code"] == "GC-FAXVJ7GCW"
    assert gateway.read_certificate(found).remaining == 109_000


@pytest.mark.parametrize("code", ["RESOURCE_NOT_FOUND", "resource_not_found", 404, "404"])
def test_what_is_said_not_to_be_there_is_none(
    gateway: ExsitedGateway, stub: StubProvider, code: Any
) -> None:
    stub.answers(404, says(code))

    assert gateway.find_certificate(UUID) is None
    for name in ("list_certificates", "list_allocations", "list_transactions"):
        with pytest.raises(errors.ProviderRejected):
            READS[name](gateway)


def test_the_recorded_words_for_absent_are_known(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    stub.answers(404, recorded("exsited/error_not_found"))

    assert gateway.find_certificate(UUID) is None


def test_another_certificate_than_was_asked_for_is_a_mismatch(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    stub.answers(200, {"gift_certificate": changed(FULL, uuid=OTHER)})

    with pytest.raises(errors.AnswerMismatch):
        gateway.find_certificate(UUID)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "ü", "x" * 65, "a\n", "?x=1"])
@each_read
def test_what_can_be_no_name_is_not_asked_for(
    gateway: ExsitedGateway, stub: StubProvider, read: Read, name: str
) -> None:
    for ask in (gateway.find_certificate, gateway.list_allocations, gateway.list_transactions):
        with pytest.raises(ValueError, match=r"A certificate .*\.$"):
            ask(name)

    assert stub.requests == []


# --- Histories ----------------------------------------------------------------------------------


def test_allocations_are_read_as_they_are_told(gateway: ExsitedGateway, stub: StubProvider) -> None:
    stub.answers(200, recorded("exsited/allocations"))

    given, taken = gateway.list_allocations(UUID)

    assert (given.kind, given.account, given.kind_text) == (
        AllocationKind.ALLOCATE,
        "J51VQS",
        "ALLOCATE",
    )
    assert (taken.kind, taken.kind_text, taken.at) == (
        AllocationKind.DEALLOCATE,
        "Deallocate",
        None,
    )


def test_transactions_are_read_as_they_are_told(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("exsited/transactions"))

    first, spent = gateway.list_transactions(UUID)

    assert (first.kind, first.amount, first.currency) == (TransactionKind.INITIAL, 109_000, "AUD")
    assert (spent.kind, spent.amount, spent.reference) == (TransactionKind.DEBIT, -24_950, "INV-77")


def history(*rows: Any, **page: Any) -> dict[str, Any]:
    return {
        "gift_certificate": {
            "transactions": list(rows),
            "pagination": {"records": str(len(rows)), "limit": "100", "offset": "0"} | page,
        }
    }


def rows(count: int) -> list[Any]:
    return [changed(TRANSACTION, reference=str(number)) for number in range(count)]


def test_a_long_history_is_read_to_its_end(gateway: ExsitedGateway, stub: StubProvider) -> None:
    every = rows(45)
    for start in (0, 20, 40):
        part = every[start : start + 20]
        stub.answers(200, history(*part, records="45", limit=20, offset=start))

    found = gateway.list_transactions(UUID)

    assert [one.reference for one in found] == [str(number) for number in range(45)]
    assert [path.rpartition("offset=")[2] for _, path in stub.sent] == ["0", "20", "40"]


def test_an_empty_history_is_one(gateway: ExsitedGateway, stub: StubProvider) -> None:
    stub.answers(200, history())

    assert gateway.list_transactions(UUID) == []


def test_a_history_that_grows_while_it_is_read_is_read_another_time(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    stub.answers(200, history(*rows(2), records=3, limit=2))
    stub.answers(200, history(*rows(2), records=4, limit=2, offset=2))

    with pytest.raises(errors.ProviderUnavailable, match="changed while"):
        gateway.list_transactions(UUID)


def test_a_history_with_a_gap_is_an_error(gateway: ExsitedGateway, stub: StubProvider) -> None:
    stub.answers(200, history(*rows(19), records=45, limit=20))

    with pytest.raises(MALFORMED):
        gateway.list_transactions(UUID)


@pytest.mark.parametrize("records", ["0", 1, 3])
def test_a_history_that_is_counted_otherwise_is_an_error(
    gateway: ExsitedGateway, stub: StubProvider, records: Any
) -> None:
    stub.answers(200, history(*rows(2), records=records))

    with pytest.raises(MALFORMED):
        gateway.list_transactions(UUID)


def test_a_history_without_end_is_an_error(gateway: ExsitedGateway, stub: StubProvider) -> None:
    for offset in range(1000):
        stub.answers(200, history(*rows(1), records=10**9, limit=1, offset=offset))

    with pytest.raises(MALFORMED, match="no end"):
        gateway.list_transactions(UUID)


WRONG_ROWS: list[Any] = [
    *(None, 7, "x", [], {}),
    *({"amount": value} for value in (None, True, "1,000.00", "NaN", 1.005, "", [], ...)),
    *({"date": value} for value in (None, "", "yesterday", 7, ...)),
    *({"type": value} for value in (None, "", " ", 7, ...)),
    *({"currency": value} for value in (None, "", "XXX", 7, ...)),
    *({"reference": value} for value in (7, True, [], "a\x00", "x" * 3000)),
    *({"accounting_code": value} for value in (7, "\x00")),
]


@pytest.mark.parametrize("wrong", WRONG_ROWS)
def test_a_history_with_a_row_that_cannot_be_read_is_an_error(
    gateway: ExsitedGateway, stub: StubProvider, wrong: Any
) -> None:
    row = changed(TRANSACTION, **wrong) if isinstance(wrong, dict) and wrong else wrong
    stub.answers(200, history(TRANSACTION, row))

    with pytest.raises(MALFORMED):
        gateway.list_transactions(UUID)


# --- The journal, the connection ----------------------------------------------------------------


def test_no_uuid_is_in_the_route_that_the_journal_keeps(
    gateway: ExsitedGateway, stub: StubProvider, journal: list[Exchange]
) -> None:
    stub.answers(200, recorded("exsited/certificate"))

    gateway.find_certificate(UUID)

    assert str(journal[0].call) == "GET /api/v3/gift_certificates/{uuid}"
    assert UUID not in repr(journal)
    assert "GC-FAXVJ7GCW" not in repr(journal)


def test_a_working_connection_is_told_with_the_size_of_the_book(
    gateway: ExsitedGateway, stub: StubProvider
) -> None:
    stub.answers(200, book(named(1), records=1234, limit=1))

    assert gateway.test_connection() == "Exsited answered: its book has 1234 gift certificates."
    assert "limit=1&" in stub.sent[0][1]
