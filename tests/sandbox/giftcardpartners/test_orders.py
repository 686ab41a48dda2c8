"""Buying at the simulated GiftCard Partners."""

from typing import Any

import pytest

from tests.sandbox.giftcardpartners.conftest import ADDRESS, HOOK, Customer, claims, line


def test_a_small_order_is_completed_at_once(customer: Customer) -> None:
    placed = customer.order("po-1", line(quantity=2, ExternalId="e-1"), Note="for Ann")

    order = placed.json()
    [item] = order["LineItems"]
    assert placed.status == 201
    assert len(set(claims(order))) == 2
    assert len({one["ClaimLinkChallengeAnswer"] for one in item.pop("ClaimData")}) == 2
    assert item == {
        "Id": f"li-{order['Id']}-1",
        "ProductId": "PRODUCTA",
        "Quantity": 2,
        "Value": 25.0,
        "Cost": 48.5,
        "Status": "Completed",
        "Culture": None,
        "Theme": None,
        "BrandingId": None,
        "ExternalId": "e-1",
        "DigitalDeliveryAddress": None,
        "PhysicalDeliveryAddress": None,
        "Personalization": None,
    }
    assert {key: order[key] for key in ("PONumber", "Type", "Status", "Note")} == {
        "PONumber": "po-1",
        "Type": "Links",
        "Status": "Completed",
        "Note": "for Ann",
    }


def test_a_larger_order_is_pending_and_completed_later(customer: Customer) -> None:
    placed = customer.order("po-1", line(quantity=11))
    customer.clock.advance(7)
    early = customer.look(placed)

    customer.clock.advance(0.5)
    late = customer.look(placed)

    assert (placed.status, placed.json()["Status"], claims(placed.json())) == (201, "Pending", [])
    assert (early["Status"], claims(early)) == ("Pending", [])
    assert (late["Status"], late["LineItems"][0]["Status"]) == ("Completed", "Completed")
    assert len(set(claims(late))) == 11


def test_even_one_card_can_take_time(customer: Customer) -> None:
    customer.settings(pending_above=0, completed_after=3, completed_per_card=1)

    placed = customer.order()
    customer.clock.advance(4)

    assert placed.json()["Status"] == "Pending"
    assert customer.look(placed)["Status"] == "Completed"


@pytest.mark.parametrize(
    ("item", "kind", "cost"),
    [
        (line(value=25, quantity=2), "Links", 48.5),
        (line("AIRB-D", 50, 2), "Links", 95.0),  # 5.5 % off, 0.25 a card
        (line("DASH-D", 25.01, DigitalDeliveryAddress={"Sms": "+15555555555"}), None, 23.2),
        (line("SBUX-P", 10, 2, PhysicalDeliveryAddress=ADDRESS), "PhysicalShipment", 25.45),
        (line("CTIRE-CA", 25), "Links", 18.28),  # 24.375 CAD at 0.75, half a cent up
    ],
)
def test_the_deposit_pays_when_the_order_is_placed(
    customer: Customer, item: dict[str, Any], kind: str | None, cost: float
) -> None:
    before = customer.available()
    customer.settings(pending_above=0)

    placed = customer.order("po-1", item, Type=kind or "DigitalDelivery")

    assert placed.json()["LineItems"][0]["Cost"] == cost
    assert customer.available() == pytest.approx(before - cost)
    assert customer.ledger()[0]["cost_minor"] == round(cost * 100)


def test_plastic_goes_by_mail_without_claim_links(customer: Customer) -> None:
    address = {**ADDRESS, "CarrierId": "DEFAULT", "AddressLine2": None}
    item = line("VISA-P", 25, 2, PhysicalDeliveryAddress=address)

    placed = customer.order("po-1", item, Type="PhysicalShipment").json()

    assert (placed["Status"], claims(placed)) == ("Completed", [])
    assert placed["LineItems"][0]["PhysicalDeliveryAddress"] == address
    assert customer.ledger()[0]["cards_count"] == 2


def test_lines_come_back_as_they_were_sent(customer: Customer) -> None:
    personal = {"To": "Ann", "FromName": "Bob", "FromEmail": "b@example.com", "Message": "Hi"}
    sent = line(
        "SBUX-D",
        10,
        BrandingId="BRAND-124",
        Culture="es-US",
        ExternalId="row 7",
        DigitalDeliveryAddress={"Email": "ann@example.com"},
        Personalization={**personal, "DeliveryDate": "2026-01-31T12:00:00Z"},
    )

    placed = customer.order("po-1", sent, line(), Type="DigitalDelivery")
    assert placed.status == 400
    whole = customer.order("po-1", sent, Type="DigitalDelivery", DepartmentId="D2").json()

    shown = whole["LineItems"][0]
    assert {key: shown[key] for key in sent} == {
        **sent,
        "DigitalDeliveryAddress": {"Email": "ann@example.com", "Sms": None},
    }
    assert len(claims(whole)) == 1
    assert customer.ledger()[0]["department"] == "D2"


def test_a_po_number_buys_once(customer: Customer) -> None:
    first = customer.order().json()

    again = customer.order()

    assert (again.status, again.json()) == (
        409,
        {
            "Message": "Duplicate order. PO number must be unique.",
            "PreviousOrderIds": [first["Id"]],
        },
    )
    assert len(customer.ledger()) == 1


def test_a_conflict_can_be_told_without_ids(customer: Customer) -> None:
    customer.settings(conflict_ids=False)
    customer.order()

    assert customer.order().json().keys() == {"Message"}


def test_a_po_number_can_be_forgotten(customer: Customer) -> None:
    customer.settings(po_number_unique_for=3600)
    customer.order()
    customer.clock.advance(3601)
    customer.token = customer.fresh_token().json()["Value"]

    assert customer.order().status == 201
    assert len(customer.ledger()) == 2


def test_without_funds_nothing_is_stored_and_the_po_number_is_not_burnt(customer: Customer) -> None:
    customer.settings(available=24)
    refused = customer.order()
    stored, available = customer.ledger(), customer.available()

    customer.told("POST", "funds", {"amount": "0.25"})
    again = customer.order()

    assert (refused.status, refused.json()) == (422, {"Message": "Insufficient funds"})
    assert (stored, available) == ([], 24.0)
    assert again.status == 201
    assert customer.available() == 0


def test_history_comes_newest_first_in_pages(customer: Customer) -> None:
    for number in range(5):
        customer.order(f"po-{number}")

    first = customer.get("/Orders?pageSize=2").json()
    third = customer.get("/Orders?pageSize=2&pageIndex=3").json()

    assert [one["PONumber"] for one in first["Data"]] == ["po-4", "po-3"]
    assert [one["PONumber"] for one in third["Data"]] == ["po-0"]
    assert (first["TotalCount"], first["Page"], third["Page"]) == (5, 1, 3)
    assert first["Data"][0] == customer.get(f"/Orders/{first['Data'][0]['Id']}").json()


def test_every_claim_is_there_once_and_a_seed_repeats_them(customer: Customer) -> None:
    def buy() -> list[str]:
        customer.settings(pending_above=1000)
        whole = customer.order("po-1", line(quantity=300)).json()
        answers = [one["ClaimLinkChallengeAnswer"] for one in whole["LineItems"][0]["ClaimData"]]
        return [*claims(whole), *answers]

    first = buy()
    customer.provider.reset()
    customer.token = customer.fresh_token().json()["Value"]

    assert len(set(first)) == 600
    assert buy() == first


def test_an_unknown_order_is_not_found(customer: Customer) -> None:
    assert customer.get("/Orders/nothing").json() == {"Message": "Order not found"}


def digital(**address: Any) -> dict[str, Any]:
    """A line for an e-mail or a telephone."""
    return {"Type": "DigitalDelivery", "LineItems": [line(DigitalDeliveryAddress=address)]}


def plastic(product: str = "SBUX-P", **address: Any) -> dict[str, Any]:
    """A line for a parcel."""
    item = line(product, 25, PhysicalDeliveryAddress={**ADDRESS, **address})
    return {"Type": "PhysicalShipment", "LineItems": [item]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Type": "Paper"}, "Type must be one of: DigitalDelivery, Links, PhysicalShipment"),
        ({"Type": None}, "Type must be one of: DigitalDelivery, Links, PhysicalShipment"),
        ({"PONumber": ""}, "PONumber must be a text"),
        ({"PONumber": 5}, "PONumber must be a text"),
        ({"PONumber": "x" * 65}, "PONumber must not be longer than 64 characters"),
        ({"PONumber": "\ud800"}, "PONumber must be valid text"),
        ({"LineItems": []}, "LineItems must have at least one line"),
        ({"LineItems": {}}, "LineItems must have at least one line"),
        ({"LineItems": ["x"]}, "A line item must be an object"),
        ({"LineItems": [line("NOTHING")]}, "ProductId is not known"),
        ({"LineItems": [line(value=26)]}, "it must be 10.00, 25.00, 50.00, 100.00"),
        ({"LineItems": [line(value=25.001)]}, "Value is not available for product PRODUCTA"),
        ({"LineItems": [line(value=0)]}, "Value must be a number greater than 0"),
        ({"LineItems": [line(value=True)]}, "Value must be a number greater than 0"),
        ({"LineItems": [line("TRGT-VAR", 14.99)]}, "it must be 15.00 to 500.00"),
        ({"LineItems": [line("TRGT-VAR", 500.01)]}, "it must be 15.00 to 500.00"),
        ({"LineItems": [line(quantity=0)]}, "Quantity must be an integer of at least 1"),
        ({"LineItems": [line(quantity=1.5)]}, "Quantity must be an integer of at least 1"),
        ({"LineItems": [line(quantity=10001)]}, "cannot have more than 10000 cards"),
        ({"LineItems": [line("SBUX-P")]}, "Product SBUX-P is not available for Links"),
        ({"LineItems": [line(BrandingId="B")]}, "BrandingId is not known"),
        ({"LineItems": [line(Personalization=None)]}, "Personalization must be an object"),
        (
            {"LineItems": [line(Personalization={"DeliveryDate": "soon"})]},
            "DeliveryDate must be a time",
        ),
        ({"DepartmentId": "D9"}, "DepartmentId is not known"),
        ({"Note": 5}, "Note must be a text"),
        ({"Type": "DigitalDelivery"}, "DigitalDeliveryAddress must be an object"),
        (digital(), "DigitalDeliveryAddress needs an Email or an Sms"),
        (digital(Email=""), "DigitalDeliveryAddress needs an Email or an Sms"),
        (digital(Email="ann"), "Email is not an e-mail address"),
        (digital(Sms="555"), "Sms must be a telephone number"),
        (
            {"Type": "PhysicalShipment", "LineItems": [line("SBUX-P")]},
            "PhysicalDeliveryAddress must be an object",
        ),
        (plastic(Zip=""), "Zip must be a text"),
        (plastic(ShippingMethodId="PIGEON"), "ShippingMethodId is not known"),
        (plastic(CarrierId="C"), "CarrierId is not known"),
        (plastic("VISA-P"), "Product VISA-P needs a CarrierId"),
        ({"WebhookSettings": "x"}, "WebhookSettings must be an object"),
        (
            {"WebhookSettings": {"FulfillmentComplete": "http://example.com/x"}},
            "FulfillmentComplete must be an https URL",
        ),
        (
            {"WebhookSettings": {"FulfillmentComplete": "https://"}},
            "FulfillmentComplete must be an https URL",
        ),
        (
            {"WebhookSettings": {"FulfillmentComplete": "ftp://127.0.0.1/"}},
            "FulfillmentComplete must be an https URL",
        ),
    ],
)
def test_a_wrong_order_is_refused_and_nothing_is_stored(
    customer: Customer, change: dict[str, Any], message: str
) -> None:
    refused = customer.order(**{"po": "po-1", **change})

    assert refused.status == 400
    assert message in refused.json()["Message"]
    assert customer.ledger() == []
    assert customer.order("po-1").status == 201


@pytest.mark.parametrize("url", [HOOK, "https://example.com/hooks/x", None])
def test_a_webhook_may_be_https_or_on_this_machine(customer: Customer, url: str | None) -> None:
    placed = customer.order(WebhookSettings={"FulfillmentComplete": url})

    assert placed.status == 201
    assert customer.ledger()[0]["webhook"] == url


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"PONumber":"a","PONumber":"b"}'])
def test_what_is_no_json_object_is_refused(customer: Customer, body: bytes) -> None:
    assert customer.ask("POST", "/Orders", body).status == 400
