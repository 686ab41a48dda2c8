"""The order form adapts to the card: values, ways of delivery, people, options; errors by row."""

from typing import Any

import pytest

from giftops.models import User
from giftops.once import new_token
from orders.models import Batch, Order
from providers.models import Product
from tests.orders.admin.conftest import said

TWO = "Ann Petrov, ann@example.com\nBo Lind, +15555550123"


def filled(partners: Any, name: str = "PRODUCTA", **changes: str) -> dict[str, str]:
    product = str(partners.product(name).pk)
    usual = {"product": product, "face_value": "25.00", "quantity": "1", "send": "1"}
    return usual | changes


def digital(partners: Any, **changes: str) -> dict[str, str]:
    usual = {"order_type": "digital_delivery", "recipients": TWO}
    return filled(partners, **usual | changes)


def plastic(partners: Any, **changes: str) -> dict[str, str]:
    usual = {
        "order_type": "physical_shipment", "shipping_method_id": "STANDARD", "line_1": "1 Main St",
        "recipient_name": "Ann Petrov", "city": "Springfield", "state": "IL", "postcode": "62701",
    }  # fmt: skip
    return filled(partners, "SBUX-P", **usual | changes)


def test_the_fields_are_those_of_the_chosen_card_and_way(
    partners: Any, desk_of: Any, mira: User
) -> None:
    desk = desk_of(mira)

    def fields(name: str, **changes: str) -> str:
        wanted = filled(partners, name, **changes)
        return desk.press("orders_order_details", **wanted).content.decode()

    digital, links = fields("PRODUCTA"), fields("PRODUCTA", order_type="links")
    plastic = fields("VISA-P")

    for value in ("10.00", "25.00", "50.00", "100.00"):
        assert f'name="face_value" value="{value}"' in digital
    assert 'name="recipients"' in digital
    assert 'name="deliver_on"' in digital
    assert "Plastic cards by post" not in digital
    assert "Names" in links
    assert 'name="deliver_on"' not in links
    assert 'name="line_1"' in plastic
    assert 'value="STANDARD"' in plastic
    assert "OVERNIGHT" not in plastic  # of another fulfilment group
    assert 'name="carrier_id"' in plastic


def test_a_card_of_codes_asks_for_no_more_than_it_needs(
    shop: Any, desk_of: Any, mira: User
) -> None:
    page = desk_of(mira).press("orders_order_details", product=str(shop.variable().pk))

    text = page.content.decode()
    assert 'name="recipient_name"' in text
    for name in ("order_type", "recipients", "message", "shipping_method_id", "may_repeat"):
        assert f'name="{name}"' not in text


def test_what_was_typed_stays_when_another_way_is_chosen(
    partners: Any, desk_of: Any, mira: User
) -> None:
    wanted = digital(partners, order_type="links", message="Enjoy", title="Spring")

    page = desk_of(mira).press("orders_order_details", **wanted).content.decode()

    assert "Bo Lind, +15555550123</textarea>" in page
    assert "Enjoy</textarea>" in page
    assert 'value="Spring"' in page


def test_without_a_script_a_button_shows_the_fields_and_judges_nothing(
    partners: Any, desk_of: Any, mira: User
) -> None:
    answer = desk_of(mira).press("orders_order_buy", adapt="1", product=partners.product().pk)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="recipients"' in page
    assert "g-field__error" not in page
    assert not Batch.objects.exists()


def test_digital_cards_are_ordered_for_everybody_on_the_list(
    partners: Any, desk_of: Any, mira: User
) -> None:
    answer = desk_of(mira).press("orders_order_buy", follow=True, **digital(partners))
    partners.work()

    order = Order.objects.get()
    assert "1 order queued · USD 48.50." in said(answer)
    assert [line.recipient_name for line in order.lines.all()] == ["Ann Petrov", "Bo Lind"]
    assert order.status not in ("draft", "rejected")


def test_plastic_goes_to_one_address_or_to_a_pasted_list(
    partners: Any, desk_of: Any, mira: User
) -> None:
    desk = desk_of(mira)
    rows = "Ann; 1 Main St; ; Springfield; IL; 62701\nBo; 2 Main St; ; Springfield; IL; 62701"
    empty = dict.fromkeys(("recipient_name", "line_1", "city", "state", "postcode"), "")

    desk.press("orders_order_buy", **plastic(partners))
    desk.press("orders_order_buy", **plastic(partners, addresses=rows, **empty))

    assert sorted(order.lines.count() for order in Order.objects.all()) == [1, 2]


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"recipients": ""}, "recipients", "Say who gets the cards."),
        ({"recipients": f"{TWO}\nCy, cy@"}, "recipients", "Row 3: “cy@” is not an e-mail"),
        ({"recipients": f"{TWO}\n\nann@example.com"}, "recipients", "Row 4: ann@example.com is in"),
        ({"order_type": ""}, "order_type", "Choose how the cards reach people."),
        ({"order_type": "physical_shipment"}, "order_type", "Choose how the cards reach people."),
        ({"order_type": "nonsense"}, "order_type", "Choose how the cards reach people."),
        ({"face_value": ""}, "face_value", "Say what one card is worth."),
        ({"face_value": "26.00"}, "face_value", "is sold at USD"),
        ({"branding_id": "NONE"}, "branding_id", "does not fit the card"),
        ({"deliver_on": "2026-02-30"}, "deliver_on", "Write the day like"),
        ({"deliver_on": "2026-03-01"}, "deliver_on", "This day is over."),
        ({"quantity": "251"}, "quantity", "between 1 and 500 cards"),
        ({"message": "x" * 501}, "message", "500"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_at_its_field(
    partners: Any, desk_of: Any, mira: User, changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = desk_of(mira).press("orders_order_buy", **digital(partners, **changes))

    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"line_1": "", "recipient_name": ""}, "addresses", "the address lacks name, street."),
        ({"addresses": "Bo; 2 Main St; ; X; IL; 62701"}, "addresses", "not both"),
        ({"shipping_method_id": ""}, "shipping_method_id", "Choose a shipping method."),
        ({"shipping_method_id": "OVERNIGHT"}, "shipping_method_id", "does not fit the card"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_at_its_field(
    partners: Any, desk_of: Any, mira: User, changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = desk_of(mira).press("orders_order_buy", **plastic(partners, **changes))

    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert not Batch.objects.exists()


def test_the_quote_takes_the_price_apart(partners: Any, desk_of: Any, mira: User) -> None:
    page = desk_of(mira).press("orders_order_quote", **plastic(partners, quantity="2"))

    text = page.content.decode()
    for figure in ("USD 50.00", "−", "USD 2.50", "USD 1.50", "USD 4.95", "USD 53.95"):
        assert figure in text
    assert "Send 1 order, 2 cards · USD 53.95" in text
    assert not Batch.objects.exists()


def test_the_quote_says_what_is_wrong_while_it_is_typed_but_not_what_is_missing(
    partners: Any, desk_of: Any, mira: User
) -> None:
    wanted = digital(partners, recipients=f"{TWO}\nCy, cy@", face_value="")

    page = desk_of(mira).press("orders_order_quote", **wanted | {"face_value": "25.00"})
    unfinished = desk_of(mira).press("orders_order_quote", **wanted | {"recipients": ""})

    assert 'data-error-for="recipients"' in page.content.decode()
    assert "Row 3: “cy@”" in page.content.decode()
    assert "disabled" in page.content.decode()
    assert "data-error-for" not in unfinished.content.decode()


def test_hundreds_of_recipients_are_quoted_with_few_queries(
    partners: Any, desk_of: Any, mira: User, django_assert_max_num_queries: Any
) -> None:
    rows = "\n".join(f"N{i}, n{i}@example.com" for i in range(400))
    desk = desk_of(mira)

    with django_assert_max_num_queries(40):
        page = desk.press("orders_order_quote", **digital(partners, recipients=rows))

    assert "Submit 1 order, 400 cards for approval · USD 9,700.00" in page.content.decode()


def test_hundreds_of_recipients_are_drafted_with_few_queries_and_once(
    partners: Any, desk_of: Any, mira: User, django_assert_max_num_queries: Any
) -> None:
    rows = "\n".join(f"N{i}, n{i}@example.com" for i in range(400))
    desk, token = desk_of(mira), new_token()
    wanted = digital(partners, recipients=rows)

    with django_assert_max_num_queries(90):
        desk.press("orders_order_buy", once=token, **wanted)
    desk.press("orders_order_buy", once=token, **wanted)

    assert Order.objects.get().lines.count() == 400


def test_a_list_of_names_is_never_taken_for_markup(partners: Any, desk_of: Any, mira: User) -> None:
    evil = "</textarea><script>alert(1)</script>, ann@"

    desk = desk_of(mira)
    form = desk.press("orders_order_buy", **digital(partners, recipients=evil)).content.decode()
    Product.objects.update(name="<script>alert(2)</script>")
    details = desk.press("orders_order_details", **digital(partners)).content.decode()

    assert "<script>alert" not in form + details
