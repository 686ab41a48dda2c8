"""From a wish to orders: lines, types, options and costs; what cannot be bought is said by row."""

from dataclasses import replace
from datetime import date

import pytest

from giftops.money import Money
from orders.models import Batch, Order
from orders.services.drafting import Recipient, check_wish, create_batch, request_of, retry_as_new
from orders.services.problems import InvalidOrder, Refused
from orders.services.submitting import fingerprint_of
from orders.services.wishes import cost_of_wish
from orders.statuses import Status
from providers.gateways.base import OrderType
from providers.models import Product, ProviderOption
from tests.orders.partners import HOME

ANN = Recipient(name="Ann Petrov", email="ann@example.com")
BO = Recipient(name="Bo Lind", phone="+15555550123")


def problem_with(wish):
    with pytest.raises(InvalidOrder) as caught:
        check_wish(wish)
    assert not Batch.objects.exists()
    return caught.value.field, str(caught.value)


def crowd(count):
    return tuple(Recipient(name=f"N{i}", email=f"n{i}@example.com", row=i) for i in range(1, count))


def test_claim_links_are_one_line_with_the_number_of_them(partners, mira):
    batch = create_batch(mira, partners.wish(quantity=40))

    order = batch.orders.get()
    line = order.lines.get()
    assert (order.type, line.quantity, line.recipient_name) == ("links", 40, "")
    assert (batch.order_count, str(batch.total)) == (1, "USD 970.00")  # 3 % off
    assert order.total_minor == line.cost_minor == 97_000


def test_each_recipient_is_a_line_of_the_same_order(partners, mira):
    wish = partners.digital(ANN, BO, message="Enjoy", from_name="Us", branding_id="BRAND-123")

    order = create_batch(mira, wish).orders.get()

    sent = request_of(order)
    assert sent.type == OrderType.DIGITAL
    assert [(li.recipient_email, li.recipient_phone) for li in sent.lines] == [
        ("ann@example.com", ""), ("", "+15555550123"),
    ]  # fmt: skip
    assert {(li.message, li.from_name, li.branding_id) for li in sent.lines} == {
        ("Enjoy", "Us", "BRAND-123")
    }
    assert [li.line_id for li in sent.lines] == [li.id.hex for li in order.lines.all()]
    assert [li.position for li in order.lines.all()] == [1, 2]


def test_more_people_than_an_order_takes_become_several_orders(partners, mira, monkeypatch):
    from providers.gateways.giftcardpartners import GiftCardPartnersGateway

    monkeypatch.setattr(GiftCardPartnersGateway, "lines_per_order", 3)
    wish = partners.digital(*crowd(8))

    batch = create_batch(mira, wish)

    orders = batch.orders.order_by("position")
    assert [order.lines.count() for order in orders] == [3, 3, 1]
    assert batch.order_count == wish.order_count == 3
    assert sum(order.total_minor for order in orders) == batch.total_minor
    assert len({order.doorbell_index for order in orders}) == 3


def test_plastic_carries_its_address_and_pays_shipping_for_each(partners, mira):
    other = replace(HOME, name="Bo Lind", line_1="2 Main Street", line_2="Flat 3")
    wish = partners.plastic(HOME, other, carrier_id="DEFAULT")

    order = create_batch(mira, wish).orders.get()

    lines = request_of(order).lines
    assert [line.address for line in lines] == [HOME, other]
    assert {(line.shipping_method_id, line.carrier_id) for line in lines} == {
        ("STANDARD", "DEFAULT")
    }
    cost = cost_of_wish(wish)
    assert (cost.face_value.minor, cost.discount.minor) == (5000, 250)
    assert (cost.fee.minor, cost.shipping.minor) == (150, 990)
    assert order.total == cost.total == Money(5890, "USD")


def test_an_order_has_a_secret_doorbell_where_the_provider_rings(partners, mira, settings):
    settings.GIFTOPS_PUBLIC_URL = "https://giftops.example.com"
    order = create_batch(mira, partners.wish()).orders.get()

    url = Order.objects.get(pk=order.pk).doorbell_url.reveal()

    assert url.startswith("https://giftops.example.com/webhooks/")
    assert request_of(order).doorbell_url == url
    assert url not in repr(request_of(order))


@pytest.mark.parametrize(
    "address", ["http://giftops.example.com", "http://10.0.0.7:8000", "giftops.example.com", ""]
)
def test_an_order_is_fulfilled_without_a_doorbell_where_no_provider_would_ring(
    partners, mira, settings, address
):
    settings.GIFTOPS_PUBLIC_URL = address

    order = partners.buy(mira)
    partners.work()
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert (request_of(order).doorbell_url, order.doorbell_index) == ("", "")


def test_a_seller_of_single_cards_still_gets_an_order_for_each(shop, mira):
    batch = create_batch(mira, shop.wish(quantity=3, recipient_name="Ann"))

    orders = list(batch.orders.all())
    assert [order.lines.get().quantity for order in orders] == [1, 1, 1]
    assert {order.lines.get().recipient_name for order in orders} == {"Ann"}
    assert not any(order.doorbell_url for order in orders)


@pytest.mark.parametrize(
    ("people", "sentence"),
    [
        ((ANN, Recipient(name="Cy", row=17)), "Row 17: give an e-mail address or a phone number."),
        ((ANN, Recipient(email="cy@", row=2)), "Row 2: “cy@” is not an e-mail address."),
        ((ANN, Recipient(phone="5555550123", row=2)), "Row 2: write the phone number with its"),
        ((ANN, Recipient(email="ANN@example.com", row=9)), "ANN@example.com is in row 1 already."),
        ((Recipient(name="x" * 121, email="a@b.co"), BO), "Row 1: the name is too long."),
        ((Recipient(),), "give an e-mail address or a phone number."),
    ],
)
def test_a_bad_recipient_is_named_by_its_row(partners, people, sentence):
    field, said = problem_with(partners.digital(*people))

    assert field == "recipients"
    assert sentence in said


def test_only_the_first_few_of_many_bad_rows_are_told(partners):
    bad = tuple(Recipient(name=f"N{row}", row=row) for row in range(1, 31))

    _, said = problem_with(partners.digital(*bad))

    assert "Row 5:" in said
    assert "Row 6:" not in said
    assert "And 25 more like these." in said


def test_the_same_person_may_be_meant_twice(partners, mira):
    wish = partners.digital(ANN, ANN, may_repeat=True)

    assert create_batch(mira, wish).orders.get().lines.count() == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"line_1": ""}, "the address lacks street."),
        ({"city": "", "state": ""}, "the address lacks city, state."),
        ({"postcode": "SW1A 1AA"}, "a ZIP in the US has five digits."),
        ({"country": "Usa"}, "write the country with two letters, like US."),
        ({"line_2": "x" * 121}, "the second line is longer than 120 characters."),
    ],
)
def test_a_bad_address_is_refused_with_what_is_wrong(partners, changes, sentence):
    field, said = problem_with(partners.plastic(replace(HOME, **changes)))

    assert (field, said) == ("recipients", sentence)


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"shipping_method_id": ""}, "shipping_method_id", "Choose a shipping method."),
        ({"shipping_method_id": "OVERNIGHT"}, "shipping_method_id", "does not fit the card"),
        ({"carrier_id": "HOLIDAY"}, "carrier_id", "does not fit the card"),
        ({"branding_id": "NONE"}, "branding_id", "does not fit the card"),
        ({"department_id": "D9"}, "department_id", "does not fit the card"),
        ({"deliver_on": date(2026, 3, 1)}, "deliver_on", "This day is over."),
        ({"deliver_on": date(2199, 1, 1)}, "deliver_on", "within the next year"),
        ({"order_type": OrderType.CODES}, "order_type", "is not delivered that way"),
        ({"face_value": Money(2600, "USD")}, "face_value", "is sold at USD"),
        ({"quantity": 0}, "quantity", "between 1 and 500 cards"),
        ({"quantity": 501}, "quantity", "between 1 and 500 cards"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(partners, fields, field, sentence):
    where, said = problem_with(partners.plastic(**fields))

    assert where == field
    assert sentence in said


def test_a_card_that_needs_a_carrier_is_not_sold_without(partners):
    visa = partners.product("VISA-P")
    assert visa.needs_carrier

    field, said = problem_with(partners.plastic(product=visa))

    assert (field, said) == ("carrier_id", "Choose a carrier.")


def test_an_option_that_is_no_longer_listed_cannot_be_chosen(partners):
    ProviderOption.objects.filter(external_id="STANDARD").update(is_listed=False)

    assert problem_with(partners.plastic())[0] == "shipping_method_id"


def test_the_limit_counts_cards_of_all_recipients(partners, settings):
    settings.GIFTOPS_ORDER_LIMITS = {"max_batch_quantity": 10}

    assert problem_with(partners.digital(*crowd(6), quantity=3))[0] == "quantity"
    assert problem_with(partners.digital(*crowd(13)))[0] == "recipients"


def test_what_would_cost_nothing_is_not_ordered(partners):
    Product.objects.update(discount_hundredths=10_000)

    assert "cost nothing" in problem_with(partners.wish())[1]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "digital_delivery"}, {"note": "x"}, {"department_id": "D2"}, {"total_minor": 9},
    ],
)  # fmt: skip
def test_an_approval_covers_every_fact_of_the_order(partners, mira, change):
    batch = create_batch(mira, partners.wish())
    agreed = fingerprint_of(batch)

    batch.orders.update(**change)

    assert fingerprint_of(batch) != agreed


@pytest.mark.parametrize(
    "change",
    [
        {"recipient_phone": "+15555550199"}, {"address": {"city": "Elsewhere"}},
        {"shipping_method_id": "EXPEDITED"}, {"carrier_id": "THANKS"}, {"branding_id": "B"},
        {"from_name": "x"}, {"from_email": "x@example.com"}, {"message": "x"},
        {"deliver_on": date(2027, 1, 1)},
    ],
)  # fmt: skip
def test_an_approval_covers_every_fact_of_the_lines(partners, mira, change):
    batch = create_batch(mira, partners.plastic())
    agreed = fingerprint_of(batch)

    batch.orders.get().lines.update(**change)

    assert fingerprint_of(batch) != agreed


def dead(order):
    Order.objects.filter(pk=order.pk).update(status="cancelled")
    return Order.objects.get(pk=order.pk)


def test_a_retry_asks_for_the_same_again_but_not_for_what_was_delivered(partners, mira):
    wish = partners.plastic(HOME, replace(HOME, name="Bo Lind"), note="Ring twice")
    order = create_batch(mira, wish).orders.get()
    order.lines.filter(position=1).update(delivered_at=partners.time.now())

    again = retry_as_new(dead(order), actor=mira).orders.get()

    assert again.retry_of == order
    assert (again.type, again.note) == ("physical_shipment", "Ring twice")
    assert [line.address["name"] for line in again.lines.all()] == ["Bo Lind"]
    assert again.total_minor < order.total_minor


def test_a_retry_with_nothing_left_is_refused(partners, mira):
    order = create_batch(mira, partners.wish()).orders.get()
    order.lines.update(delivered_at=partners.time.now())

    with pytest.raises(Refused, match="nothing is left to retry"):
        retry_as_new(dead(order), actor=mira)


def test_a_delivery_date_that_is_over_means_at_once_in_a_retry(partners, mira):
    order = create_batch(mira, partners.digital(ANN, deliver_on=date(2026, 3, 3))).orders.get()
    partners.time.sleep(3 * 86400)

    again = retry_as_new(dead(order), actor=mira).orders.get()

    assert again.lines.get().deliver_on is None
