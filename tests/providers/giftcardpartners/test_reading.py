"""Looking things up: orders, claim links, the history, products, options, funds."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from giftops.money import Money
from providers.gateways import errors
from providers.gateways.base import (
    OptionKind,
    OrderType,
    ProductKind,
    RemoteBalance,
    RemoteCard,
    RemoteOption,
    RemoteProduct,
    Standing,
    UnreadableItem,
)
from providers.gateways.giftcardpartners import GiftCardPartnersGateway
from providers.gateways.giftcardpartners.answers import any_case
from providers.gateways.strict_json import JsonError
from tests.providers.giftcardpartners.conftest import (
    COMPLETED,
    REFERENCE,
    USD_25,
    camel,
    order,
    order_with,
    page,
)
from tests.recorded import recorded, recorded_json
from tests.stubs import StubProvider

NAME = "b7c0c1f2"
HTML = b"<html>log in</html>"
PRODUCT: dict[str, Any] = recorded_json("giftcardpartners/product")
MALFORMED = errors.MalformedResponse


# --- Every read ---------------------------------------------------------------------------------

READ_FAILURES: dict[str, tuple[int, bytes, type[errors.ProviderError]]] = {
    "HTML 200": (200, HTML, MALFORMED),
    "empty 200": (200, b"", MALFORMED),
    "a text": (200, b'"OK"', MALFORMED),
    "204": (204, b"", MALFORMED),
    "302": (302, b"", MALFORMED),
    "400": (400, b'{"Message": "No"}', errors.ProviderRejected),
    "401": (401, b"{}", errors.TokenRefused),
    "403": (403, b"{}", errors.ProviderMisconfigured),
    "404": (404, b'{"Message": "Not found"}', errors.ProviderRejected),
    "409": (409, b"{}", errors.ProviderUnavailable),
    "422": (422, b'{"Message": "No"}', errors.ProviderRejected),
    "429": (429, b"{}", errors.RateLimited),
    "500": (500, b"{}", errors.ProviderUnavailable),
    "502": (502, HTML, errors.ProviderUnavailable),
    "504": (504, b"", errors.ProviderUnavailable),
}
READS: dict[str, Any] = {
    "find_order": lambda gateway: gateway.find_order(REFERENCE),
    "get_order": lambda gateway: gateway.get_order(NAME),
    "get_cards": lambda gateway: gateway.get_cards(NAME),
    "get_balance": lambda gateway: gateway.get_balance(),
    "list_products": lambda gateway: list(gateway.list_products()),
    "list_orders": lambda gateway: gateway.list_orders(1),
    "list_options": lambda gateway: list(gateway.list_options()),
    "test_connection": lambda gateway: gateway.test_connection(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(("status", "body", "expected"), READ_FAILURES.values(), ids=READ_FAILURES)
def test_no_read_is_ever_an_unknown_outcome_or_an_absence(
    gateway: GiftCardPartnersGateway,
    stub: StubProvider,
    read: Any,
    status: int,
    body: bytes,
    expected: type[errors.ProviderError],
) -> None:
    stub.answers(status, body)

    with pytest.raises(errors.ProviderError) as caught:
        read(gateway)

    assert type(caught.value) is expected


def test_keys_are_found_whatever_their_case_and_kept_as_they_came() -> None:
    item = any_case({"pageINDEX": 1, "inner": [{"Id": 2}]})

    assert (item.get("PageIndex"), item.get("INNER")[0].get("id")) == (1, 2)
    assert item.get("missing", 3) == 3
    assert dict(item) == {"pageINDEX": 1, "inner": [{"Id": 2}]}


@pytest.mark.parametrize("document", [{"Id": 1, "id": 2}, [{"a": {"Id": 1, "ID": 1}}]])
def test_two_keys_that_differ_by_case_alone_are_no_answer(document: Any) -> None:
    with pytest.raises(JsonError):
        any_case(document)


# --- One order ----------------------------------------------------------------------------------


def test_an_order_is_asked_for_by_its_id(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, order(Status="Pending"))

    found = gateway.get_order(NAME)

    assert stub.sent == [("GET", "/gcp/v1/Orders/b7c0c1f2")]
    assert (found.reference, found.standing) == (REFERENCE, Standing.PROCESSING)


def test_another_order_than_the_one_asked_for_is_a_mismatch(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, COMPLETED)

    with pytest.raises(errors.AnswerMismatch):
        gateway.get_order("b7c0c1f3")
    with pytest.raises(errors.AnswerMismatch):
        gateway.get_cards("b7c0c1f3")


def test_a_line_that_failed_alone_says_so(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, order_with(Status="Failed"))

    (line,) = gateway.get_order(NAME).lines

    assert (line.standing, line.status_text) == (Standing.CANCELLED, "Failed")


# --- Claim links --------------------------------------------------------------------------------

LINK = RemoteCard(
    claim_url="https://claim.example.com/CANARY-link",
    challenge="CANARY-8F2K",
    face_value=USD_25,
    line_id="a1",
    line_external_id="li-1",
    external_id="c-1",
)


@pytest.mark.parametrize("document", [COMPLETED, camel(COMPLETED)], ids=["Pascal", "camel"])
def test_claim_links_come_with_what_opens_them_and_whose_they_are(
    gateway: GiftCardPartnersGateway, stub: StubProvider, document: Any
) -> None:
    stub.answers(200, document)

    assert gateway.get_cards(NAME) == [LINK]
    assert "CANARY" not in repr(LINK)
    assert LINK.identity == LINK.claim_url


EMPTY: list[Any] = []
NO_LINK = [{"Id": "c-1", "ClaimLink": None}, {"Id": "c-2", "ClaimLink": ""}]
DEAD_LINE = COMPLETED["LineItems"][0] | {"Status": "Failed", "ClaimData": [], "ExternalId": "a2"}
GOOD_LINE = COMPLETED["LineItems"][0]
CARDS: dict[str, tuple[Any, list[RemoteCard] | None]] = {
    "pending": (order(Status="Pending"), None),
    "unknown status": (order(Status="Odd"), None),
    "links not there": (order_with(ClaimData=EMPTY), None),
    "links null": (order_with(ClaimData=None), None),
    "links missing": (order_with(ClaimData=...), None),
    "entries without a link": (order_with(ClaimData=NO_LINK), None),
    "one line not there": (order(LineItems=[GOOD_LINE, GOOD_LINE | {"ClaimData": EMPTY}]), [LINK]),
    "type not told": (order_with(ClaimData=EMPTY) | {"Type": None}, None),
    "one line dead": (order(LineItems=[GOOD_LINE, DEAD_LINE]), [LINK]),
    "all lines dead": (order(LineItems=[DEAD_LINE]), []),
    "order cancelled": (order_with(ClaimData=EMPTY) | {"Status": "Cancelled"}, []),
    "mails sent by them": (order_with(ClaimData=EMPTY) | {"Type": "DigitalDelivery"}, []),
    "mails with links": (order(Type="DigitalDelivery"), [LINK]),
    "plastic": (order_with(ClaimData=...) | {"Type": "PhysicalShipment"}, []),
}


@pytest.mark.parametrize(("document", "expected"), CARDS.values(), ids=CARDS)
def test_links_are_there_or_not_ready_or_not_due(
    gateway: GiftCardPartnersGateway,
    stub: StubProvider,
    document: Any,
    expected: list[RemoteCard] | None,
) -> None:
    stub.answers(200, document)

    assert gateway.get_cards(NAME) == expected


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "http://claim.example.com/x", "https://a b", 5, " ", "x" * 2001]
)
def test_a_link_that_is_no_safe_address_is_refused(
    gateway: GiftCardPartnersGateway, stub: StubProvider, link: Any
) -> None:
    stub.answers(200, order_with(ClaimData=[{"Id": "c-1", "ClaimLink": link}]))

    with pytest.raises(MALFORMED):
        gateway.get_cards(NAME)


# --- The history --------------------------------------------------------------------------------


class History:
    """A stub that answers like a history: pages of the size asked for, orders by their id."""

    def __init__(self, stub: StubProvider, count: int, *, at: int | None = None) -> None:
        self.names = [(f"o{n}", f"PO-{n}") for n in range(count)]
        if at is not None:
            self.names[at] = (NAME, REFERENCE)
        self.asked: list[tuple[int, int]] = []
        self.arriving: list[int] = []  # how many new orders appear after each page
        self.longest = 500  # entries of a page that is not too long for us
        self.hidden = 0  # entries that no page shows although they are counted
        self._stub, self._send = stub, stub.send
        stub.send = self.answer  # type: ignore[method-assign]

    def answer(self, request: Any, **options: Any) -> Any:
        parts = urlsplit(request.path_url)
        self._stub.answers(200, self._page(parts.query) if parts.query else COMPLETED)
        if len(self._stub._script) > 1:
            self._stub._script.pop(0)
        return self._send(request, **options)

    def _page(self, query: str) -> Any:
        number, size = (int(parse_qs(query)[key][0]) for key in ("pageIndex", "pageSize"))
        self.asked.append((number, size))
        shown = self.names[(number - 1) * size : number * size]
        total = len(self.names) + self.hidden
        for _ in range(self.arriving.pop(0) if self.arriving else 0):
            self.names.insert(0, (f"new{len(self.names)}", "someone's"))
        items = [{"Id": name, "PONumber": reference} for name, reference in shown]
        if size > self.longest:
            return b" " * (8 * 1024 * 1024 + 1)
        return page(*items, total=total, number=number, size=size)


def test_a_new_order_is_found_on_a_short_page_and_asked_for_itself(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    history = History(stub, 2000, at=3)

    found = gateway.find_order(REFERENCE)

    assert found is not None
    assert found.external_id == NAME
    assert history.asked == [(1, 20)]
    assert stub.sent[-1] == ("GET", f"/gcp/v1/Orders/{NAME}")


def test_an_old_order_is_found_and_nothing_is_read_after_it(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    history = History(stub, 2000, at=700)

    assert gateway.find_order(REFERENCE) is not None
    assert history.asked == [(1, 20), (1, 500), (2, 500)]


@pytest.mark.parametrize(
    ("count", "asked"),
    [
        (0, [(1, 20)]),
        (20, [(1, 20)]),
        (21, [(1, 20), (1, 500)]),
        (1000, [(1, 20), (1, 500), (2, 500)]),
        (1001, [(1, 20), (1, 500), (2, 500), (3, 500)]),
    ],
)
def test_an_order_is_absent_only_after_the_last_page(
    gateway: GiftCardPartnersGateway, stub: StubProvider, count: int, asked: list[tuple[int, int]]
) -> None:
    history = History(stub, count)

    assert gateway.find_order(REFERENCE) is None
    assert history.asked == asked


@pytest.mark.parametrize(
    ("longest", "asked"),
    [
        (30, [(1, 20), (1, 500), (1, 100), (1, 20), (2, 20), (3, 20)]),
        (5, [(1, 20), (1, 4), (2, 4), (3, 4)]),
    ],
)
def test_pages_that_are_too_long_are_asked_for_in_smaller_parts(
    gateway: GiftCardPartnersGateway,
    stub: StubProvider,
    longest: int,
    asked: list[tuple[int, int]],
) -> None:
    history = History(stub, 60, at=asked[-1][0] * asked[-1][1] - 1)
    history.longest = longest

    assert gateway.find_order(REFERENCE) is not None
    assert history.asked == asked


def test_an_order_that_is_too_long_alone_proves_no_absence(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    history = History(stub, 60)
    history.longest = 0

    with pytest.raises(errors.AnswerTooLong):
        gateway.find_order(REFERENCE)
    assert history.asked == [(1, 20), (1, 4), (1, 1)]


def test_orders_that_come_while_we_read_hide_none(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    history = History(stub, 1400, at=499)
    history.arriving = [0, 3]  # pushes the last one of page 1 on to page 2

    assert gateway.find_order(REFERENCE) is not None
    assert history.asked[-1] == (1, 500)


def test_what_came_in_front_while_we_read_is_read_before_we_say_absent(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    history = History(stub, 1400)
    history.arriving = [0, 3]

    assert gateway.find_order(REFERENCE) is None
    assert history.asked == [(1, 20), (1, 500), (2, 500), (3, 500), (1, 500)]


def test_our_order_that_came_in_front_while_we_read_is_found(
    gateway: GiftCardPartnersGateway, stub: StubProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(stub, 600)
    page_of = history._page

    def late(query: str) -> Any:
        told = page_of(query)
        if history.asked == [(1, 20), (1, 500)]:
            history.names.insert(0, (NAME, REFERENCE))
        return told

    monkeypatch.setattr(history, "_page", late)

    assert gateway.find_order(REFERENCE) is not None
    assert history.asked[-1] == (1, 500)


def test_a_history_that_does_not_show_what_it_counts_proves_no_absence(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    history = History(stub, 600)
    history.hidden = 1

    with pytest.raises(errors.ProviderError) as caught:
        gateway.find_order(REFERENCE)

    assert type(caught.value) in (errors.MalformedResponse, errors.ProviderUnavailable)


def test_the_same_page_again_and_again_proves_no_absence(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    items = [{"Id": f"o{n}", "PONumber": "x"} for n in range(500)]
    stub.answers(200, page(*items[:20], total=1000))
    for number in (1, 2, 1, 1):
        stub.answers(200, page(*items, total=1000, number=number, size=500))

    with pytest.raises(errors.ProviderUnavailable):
        gateway.find_order(REFERENCE)


BAD_ENTRIES: dict[str, Any] = {
    "without a PONumber": {"Id": "x"},
    "without an id": {"PONumber": "x"},
    "PONumber a number": {"Id": "x", "PONumber": 5},
    "a text": "x",
}


@pytest.mark.parametrize("entry", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_an_entry_that_might_be_ours_proves_no_absence(
    gateway: GiftCardPartnersGateway, stub: StubProvider, entry: Any
) -> None:
    stub.answers(200, page(entry))

    with pytest.raises(MALFORMED):
        gateway.find_order(REFERENCE)


def test_orders_without_a_reference_are_not_ours(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, page({"Id": "x", "PONumber": None}, {"Id": "y", "PONumber": ""}))

    assert gateway.find_order(REFERENCE) is None


def test_the_order_behind_an_entry_must_bear_the_reference(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, page({"Id": NAME, "PONumber": REFERENCE}))
    stub.answers(200, order(PONumber="other"))

    with pytest.raises(errors.AnswerMismatch):
        gateway.find_order(REFERENCE)


BAD_PAGES: dict[str, Any] = {
    "no data": {"Page": 1, "PageSize": 20, "TotalCount": 0},
    "data an object": page() | {"Data": {}},
    "no total": {"Data": [], "Page": 1, "PageSize": 20},
    "total a text": page() | {"TotalCount": "0"},
    "total negative": page() | {"TotalCount": -1},
    "another page": page() | {"Page": 2},
    "page size nothing": page() | {"PageSize": 0},
    "page size larger than asked": page() | {"PageSize": 21},
    "fewer than counted": page(total=1),
    "a bare list": [],
}


@pytest.mark.parametrize("document", BAD_PAGES.values(), ids=BAD_PAGES)
@pytest.mark.parametrize("read", ["find_order", "list_orders"])
def test_a_page_that_does_not_add_up_is_no_page(
    gateway: GiftCardPartnersGateway, stub: StubProvider, read: str, document: Any
) -> None:
    stub.answers(200, document)

    with pytest.raises(MALFORMED):
        READS[read](gateway)


def test_a_page_of_the_history_keeps_what_it_could_read(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, page(COMPLETED, order(Id="b7c0c1f3", Status=None), total=2))

    found = gateway.list_orders(1)

    assert stub.sent == [("GET", "/gcp/v1/Orders?pageIndex=1&pageSize=20")]
    assert [each.external_id for each in found.items] == [NAME]
    assert found.unreadable == (
        UnreadableItem(
            position="page 1, item 2", problem="Status is missing", external_id="b7c0c1f3"
        ),
    )
    assert (found.total, found.total_pages, found.is_last) == (2, 1, True)


def test_they_may_give_shorter_pages_than_asked_for(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, page(COMPLETED, total=3, size=1))

    found = gateway.list_orders(1)

    assert (found.total_pages, found.is_last) == (3, False)


# --- Products -----------------------------------------------------------------------------------


def product(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in (PRODUCT | fields).items() if value is not ...}


def listed(gateway: GiftCardPartnersGateway, stub: StubProvider, *items: Any) -> list[Any]:
    stub.answers(200, page(*items, size=500))
    return list(gateway.list_products())


@pytest.mark.parametrize("document", [PRODUCT, camel(PRODUCT)], ids=["Pascal", "camel"])
def test_a_product_is_read_whole(
    gateway: GiftCardPartnersGateway, stub: StubProvider, document: Any
) -> None:
    (found,) = listed(gateway, stub, document)

    assert stub.sent == [("GET", "/gcp/v1/Products?pageIndex=1&pageSize=500")]
    assert set(found.payload) == set(document)
    assert replace(found, payload={}) == RemoteProduct(
        external_id="PRODUCTA",
        name="Product A",
        brand="",
        currency="USD",
        kind=ProductKind.FIXED,
        denominations=(Money(1000, "USD"), USD_25, Money(5000, "USD")),
        order_types=(OrderType.DIGITAL, OrderType.LINKS),
        needs_carrier=True,
        fulfillment_group="GROUP1",
        fee=Money(50, "USD"),
        discount_percent=Decimal("3.25"),
        description="<p>Long</p>",
        terms="<b>Terms</b>\nNote",
    )


def test_a_product_with_a_range_and_little_else_is_read(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    bare = product(
        DenominationType="Variable", Denominations=[15, 500], Meta=None, Cost=None,
        LongDescription=None, AvailableDeliveryTypes=["Links", "Pigeon"],
    )  # fmt: skip

    (found,) = listed(gateway, stub, bare)

    assert (found.kind, found.minimum, found.maximum) == (
        ProductKind.VARIABLE, Money(1500, "USD"), Money(50000, "USD"),
    )  # fmt: skip
    assert (found.denominations, found.order_types) == ((), (OrderType.LINKS,))
    assert (found.fee, found.discount_percent, found.description) == (None, 0, "Short")
    assert (found.needs_carrier, found.fulfillment_group) == (False, "")


def test_the_only_value_is_the_face_value_too(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    (found,) = listed(gateway, stub, product(Denominations=[25, 25.00]))

    assert (found.face_value, found.denominations) == (USD_25, (USD_25,))


def test_a_product_that_is_delivered_in_no_way_we_know_is_not_available(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    (found,) = listed(gateway, stub, product(AvailableDeliveryTypes=["Pigeon"]))

    assert (found.is_available, found.order_types) == (False, ())


BAD_PRODUCTS = {
    "no id": product(Id=...),
    "no name": product(Name=" "),
    "no currency": product(CurrencyCode=None),
    "odd currency": product(CurrencyCode="XXQ"),
    "odd kind": product(DenominationType="Free"),
    "no values": product(Denominations=[]),
    "value a text": product(Denominations=["25"]),
    "value of nothing": product(Denominations=[0]),
    "value below a cent": product(Denominations=[25.001]),
    "range of one": product(DenominationType="Variable", Denominations=[15]),
    "range upside down": product(DenominationType="Variable", Denominations=[500, 15]),
    "delivery a text": product(AvailableDeliveryTypes="Links"),
    "delivery a number": product(AvailableDeliveryTypes=[5]),
    "fee negative": product(Cost={"Fee": -1}),
    "discount above all": product(Cost={"DiscountPercentage": 101}),
    "discount negative": product(Cost={"DiscountPercentage": -1}),
    "discount a text": product(Cost={"DiscountPercentage": "3"}),
    "cost a number": product(Cost=5),
    "carrier a text": product(Meta={"ShippingConfiguration": {"HasRequiredCardCarriers": "no"}}),
    "not an object": "PRODUCTA",
}


@pytest.mark.parametrize("item", BAD_PRODUCTS.values(), ids=BAD_PRODUCTS)
def test_a_product_that_cannot_be_read_is_set_aside_and_the_next_is_good(
    gateway: GiftCardPartnersGateway, stub: StubProvider, item: Any
) -> None:
    found = listed(gateway, stub, item, product(Id="PRODUCTB"))

    kinds = {type(each): each for each in found}
    assert kinds[RemoteProduct].external_id == "PRODUCTB"
    assert kinds[UnreadableItem].position == "page 1, item 1"


def products(*numbers: int) -> list[dict[str, Any]]:
    return [product(Id=f"P{number}") for number in numbers]


def test_the_catalogue_is_read_to_its_end(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, page(*products(*range(500)), total=501, size=500))
    stub.answers(200, page(*products(500), total=501, size=500, number=2))

    assert len(list(gateway.list_products())) == 501
    assert stub.sent[1] == ("GET", "/gcp/v1/Products?pageIndex=2&pageSize=500")


def test_a_catalogue_that_shifted_between_two_pages_does_not_end_well(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, page(*products(*range(500)), total=501, size=500))
    stub.answers(200, page(*products(499), total=501, size=500, number=2))

    with pytest.raises(MALFORMED):
        list(gateway.list_products())


def test_a_catalogue_that_breaks_off_does_not_end_well(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, page(*products(*range(500)), total=501, size=500))
    stub.answers(200, page(total=501, size=500, number=2))

    with pytest.raises(MALFORMED):
        list(gateway.list_products())


# --- Options, funds, status ---------------------------------------------------------------------


def test_the_four_lists_are_read_and_bad_entries_set_aside(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    standard = {
        "Id": "STANDARD", "Name": "Standard", "Description": "By post", "Cost": 4.95,
        "FulfillmentGroup": "GROUP1",
    }  # fmt: skip
    gift = standard | {"Id": "GIFT", "Cost": -4.95}
    stub.answers(200, [standard, gift]).answers(
        200, [camel({"Id": "DEFAULT", "Name": "Plain"}), {}]
    )
    stub.answers(200, [{"Id": "BRAND-123", "Name": "Wellness"}]).answers(200, [])

    found = list(gateway.list_options())

    assert [path for _, path in stub.sent] == [
        "/gcp/v1/ShippingMethods", "/gcp/v1/Carriers", "/gcp/v1/Brandings", "/gcp/v1/Departments",
    ]  # fmt: skip
    assert found == [
        RemoteOption(
            kind=OptionKind.SHIPPING_METHOD,
            external_id="STANDARD",
            name="Standard",
            description="By post",
            cost=Money(495, "USD"),
            fulfillment_group="GROUP1",
        ),
        UnreadableItem(
            position="shipping methods, item 2",
            problem="Cost is less than nothing",
            external_id="GIFT",
        ),
        RemoteOption(kind=OptionKind.CARRIER, external_id="DEFAULT", name="Plain"),
        UnreadableItem(position="carriers, item 2", problem="Id is missing"),
        RemoteOption(kind=OptionKind.BRANDING, external_id="BRAND-123", name="Wellness"),
    ]


def test_a_list_that_is_not_one_does_not_end_well(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, {"Data": []})

    with pytest.raises(MALFORMED):
        list(gateway.list_options())


def test_funds_are_those_available_and_those_on_their_way(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("giftcardpartners/balance")).answers(200, {"available": 5})

    assert gateway.get_balance() == RemoteBalance(
        available=Money(100_000, "USD"), pending=Money(25_000, "USD")
    )
    assert gateway.get_balance() == RemoteBalance(available=Money(500, "USD"))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"Available": 1, "CurrencyCode": "CAD"}, errors.AnswerMismatch),
        ({"Available": "1"}, MALFORMED),
        ({"Pending": 1}, MALFORMED),
        ({"Available": 1, "Pending": "1"}, MALFORMED),
        ({"Available": 1.001}, MALFORMED),
    ],
)
def test_funds_that_cannot_be_ours_are_not_taken(
    gateway: GiftCardPartnersGateway,
    stub: StubProvider,
    document: Any,
    expected: type[errors.ProviderError],
) -> None:
    stub.answers(200, document)

    with pytest.raises(errors.ProviderError) as caught:
        gateway.get_balance()

    assert type(caught.value) is expected


def test_the_connection_is_tested_by_balance_and_status(
    gateway: GiftCardPartnersGateway, stub: StubProvider
) -> None:
    stub.answers(200, recorded("giftcardpartners/balance")).answers(200, {"Status": "OK"})

    sentence = gateway.test_connection()

    assert [path for _, path in stub.sent] == ["/gcp/v1/AccountBalance", "/gcp/v1/Status"]
    assert sentence == (
        "GiftCard Partners answered: USD 1,000.00 available, USD 250.00 on its way; "
        "it calls its service OK."
    )
