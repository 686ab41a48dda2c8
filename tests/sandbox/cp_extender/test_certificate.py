"""Certificates and customers of the simulated CP Extender."""

from io import BytesIO

import pytest
from PIL import Image

from providers.sandbox.cp_extender.catalogue import CUSTOMERS
from providers.sandbox.cp_extender.certificate import draw
from tests.sandbox.cp_extender.conftest import DANA, Merchant, refusal


def test_a_certificate_is_a_picture(merchant: Merchant) -> None:
    answer = merchant.get(f"/Giftcard/{merchant.card()}/Certificate")

    picture = Image.open(BytesIO(answer.body))
    picture.load()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert (picture.format, picture.size) == ("JPEG", (1200, 680))
    assert answer.body.startswith(b"\xff\xd8\xff")
    assert answer.body.endswith(b"\xff\xd9")


def test_everything_on_a_certificate_makes_a_difference() -> None:
    usual = ("Shop", "Dana", "99-1", 5000, "USD")
    others = ("Store", "Pat", "99-2", 5001, "CAD")

    pictures = {
        draw(*(others[place] if place == changed else one for place, one in enumerate(usual)))
        for changed in range(-1, 5)
    }

    assert len(pictures) == 6
    assert draw(*usual) == draw(*usual)


@pytest.mark.parametrize("name", [one.name for one in CUSTOMERS])
def test_no_name_runs_over_the_edge(name: str) -> None:
    picture = Image.open(BytesIO(draw("Shop", name, "99-12345678901234567", 10**9, "USD")))

    paper = picture.crop((1135, 60, 1165, 640)).convert("L").getextrema()
    assert paper[0] > 200


def test_a_name_shrinks_before_it_is_cut() -> None:
    name = "Maximiliane Oppenheimer-Castellanos of the Lower Meadow"

    assert draw("Shop", f"{name} A", "99-1", 1, "USD") != draw(
        "Shop", f"{name} B", "99-1", 1, "USD"
    )


def test_an_unknown_card_has_no_certificate(merchant: Merchant) -> None:
    assert refusal(merchant.get("/Giftcard/99-1/Certificate")) == (404, "Id not found")


def test_a_customer_is_found_by_number_and_by_address(merchant: Merchant) -> None:
    by_number = merchant.get(f"/Customer/FromId/{DANA}").json()["CustomerInfo"]
    by_address = merchant.get("/Customer/FromEmail/Dana.Whitfield%40example.com").json()

    assert by_address["CustomerInfo"] == by_number
    assert (by_number["CPCustomerID"], by_number["FullName"]) == (DANA, "Dana Whitfield")
    assert by_number["BillAddress"]["City"] == "Portland"


def test_every_customer_is_there_and_one_has_a_long_name(merchant: Merchant) -> None:
    found = [
        merchant.get(f"/Customer/FromId/{one.number}").json()["CustomerInfo"] for one in CUSTOMERS
    ]

    assert len(found) == 10
    assert max(len(one["FullName"]) for one in found) > 100
    assert sum(points > 0 for points in merchant.ledger()["points"].values()) > 5


@pytest.mark.parametrize("path", ["FromId/nobody", "FromEmail/nobody", "FromId/%ED%A0%80"])
def test_nobody_else_is_found(merchant: Merchant, path: str) -> None:
    assert refusal(merchant.get(f"/Customer/{path}")) == (404, "Customer Not Found")
