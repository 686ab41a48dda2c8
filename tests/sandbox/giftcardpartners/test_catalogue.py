"""What the simulated GiftCard Partners sell, and how they tell it."""

import pytest

from tests.sandbox.giftcardpartners.conftest import Customer


def test_the_catalogue_has_one_of_everything(customer: Customer) -> None:
    found = customer.get("/Products?pageSize=500").json()["Data"]

    assert len(found) == len({one["Id"] for one in found}) >= 12
    assert {one["DenominationType"] for one in found} == {"Fixed", "Variable"}
    assert {one["Type"] for one in found} == {"Digital", "Physical"}
    assert {kind for one in found for kind in one["AvailableDeliveryTypes"]} == {
        "DigitalDelivery",
        "Links",
        "PhysicalShipment",
    }
    assert {one["CurrencyCode"] for one in found} == {"USD", "CAD", "EUR"}
    assert any("<script>" in one["LongDescription"] for one in found)
    shipping = [one["Meta"]["ShippingConfiguration"] for one in found]
    assert any(one["HasRequiredCardCarriers"] for one in shipping)


def test_pages_hold_every_product_once(customer: Customer) -> None:
    pages = [customer.get(f"/Products?pageSize=5&pageIndex={page}").json() for page in range(1, 5)]

    assert [len(page["Data"]) for page in pages] == [5, 5, 3, 0]
    assert {(page["TotalCount"], page["PageSize"]) for page in pages} == {(13, 5)}
    assert [page["Page"] for page in pages] == [1, 2, 3, 4]
    assert len({one["Id"] for page in pages for one in page["Data"]}) == 13


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("productName=STARB", ["SBUX-D", "SBUX-P"]),
        ("productDescription=millions", ["PRODUCTA"]),
        ("productType=Physical&productName=target", ["TRGT-P"]),
        ("productName=nothing", []),
    ],
)
def test_products_are_found_by_filters(customer: Customer, query: str, ids: list[str]) -> None:
    found = customer.get(f"/Products?{query}").json()

    assert [one["Id"] for one in found["Data"]] == ids
    assert found["TotalCount"] == len(ids)


def test_a_product_is_the_same_alone_and_in_the_list(customer: Customer) -> None:
    [listed] = customer.get("/Products?pageSize=1").json()["Data"]

    assert customer.get(f"/Products/{listed['Id']}").json() == listed
    assert customer.get("/Products/nothing").status == 404


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/Products?pageSize=501", "pageSize must not be greater than 500"),
        ("/Products?pageIndex=0", "pageIndex must be a whole number of at least 1"),
        ("/Products?pageIndex=x", "pageIndex must be a whole number of at least 1"),
        ("/Products?productType=Paper", "productType must be Digital or Physical"),
        ("/Orders?page=2", "The only parameters are pageIndex, pageSize"),
    ],
)
def test_a_wrong_parameter_is_refused(customer: Customer, path: str, message: str) -> None:
    refused = customer.get(path)

    assert (refused.status, refused.json()) == (400, {"Message": message})


def test_the_static_lists_are_bare_arrays(customer: Customer) -> None:
    lists = {
        name: customer.get(f"/{name}").json()
        for name in ("ShippingMethods", "Carriers", "Brandings", "Departments")
    }

    assert [len(found) for found in lists.values()] == [3, 3, 3, 3]
    assert lists["ShippingMethods"][0]["Cost"] == 4.95
    assert lists["Carriers"][0]["Id"] == "DEFAULT"
    assert lists["Brandings"][0] == {"Id": "BRAND-123", "Name": "Wellness"}
    assert lists["Departments"][0] == {"Id": "D1", "Name": "HR"}


@pytest.mark.parametrize(("method", "path"), [("PUT", "/Orders"), ("POST", "/Carriers")])
def test_a_wrong_method_is_told_the_right_ones(customer: Customer, method: str, path: str) -> None:
    refused = customer.ask(method, path)

    assert refused.status == 405
    assert "GET" in refused.headers["Allow"]
