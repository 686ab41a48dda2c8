"""Links, plastic and a list of five hundred in a browser: the form adapts, the goods arrive."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.xdist_group("browser")]

ARRIVES_WITHIN = 90_000  # milliseconds
PARTNERS = "giftcardpartners"
FIVE_HUNDRED = "\n".join(f"Colleague {n}, colleague-{n}@example.com" for n in range(1, 501))
Visit = Callable[..., Visitor]
Picture = Callable[[Page, str], Path]


@pytest.fixture(autouse=True)
def _the_provider_takes_a_moment(house: House) -> None:
    """Everything is pending for two seconds at first; then they ring."""
    house.control("settings", at=PARTNERS, pending_above=0, completed_after=2, completed_per_card=0)


def choose(page: Page, number: str) -> None:
    """Open the form and choose a card, once the catalogue is there."""
    for _ in range(30):
        page.goto(page.url.split("/admin/")[0] + "/admin/orders/order/buy/")
        page.fill("#find", number)
        page.wait_for_timeout(700)
        if page.locator(".g-pick", has_text=f"no. {number}").count():
            break
    page.locator(".g-pick", has_text=f"no. {number}").click()
    expect(page.get_by_text("Choose a card first.")).to_have_count(0)


def tick(page: Page, text: str) -> None:
    page.locator(".g-choice", has_text=text).click()


def send(visitor: Visitor) -> str:
    """Press the button; the reference of the one order that comes of it."""
    visitor.page.click("button[name=send]")
    visitor.page.wait_for_url("**/change/")
    return visitor.reference


def has_arrived(page: Page) -> None:
    expect(page.locator(".g-head .g-pill")).to_have_text("Fulfilled", timeout=ARRIVES_WITHIN)


def tables_wider_than_their_panels(page: Page) -> list[str]:
    """The headings of those panels."""
    headings: list[str] = page.evaluate(
        """[...document.querySelectorAll('.g-panel')].filter(panel =>
            [...panel.querySelectorAll('table')].some(t => t.offsetWidth > panel.clientWidth)
        ).map(panel => panel.querySelector('h2').innerText)"""
    )
    return headings


def test_links_arrive_and_one_is_revealed_once(
    visit: Visit, house: House, picture: Picture
) -> None:
    mira = visit("mira")
    choose(mira.page, "UBER-L")
    tick(mira.page, "USD 25.00")
    mira.page.fill("#id_quantity", "3")
    mira.page.fill("#id_title", "Prizes of the raffle")
    expect(mira.page.locator("#quote")).to_contain_text("Discount")
    expect(mira.page.locator("button[name=send]")).to_have_text("Send 1 order, 3 cards · USD 72.00")
    assert not mira.page.locator("#id_line_1, #id_deliver_on, #id_shipping_method_id").count()
    picture(mira.page, "form-links-1400")
    reference = send(mira)
    has_arrived(mira.page)

    ada = visit("ada")
    ada.look_up(reference)
    expect(ada.page.locator("text=Reveal…")).to_have_count(3)
    ada.page.locator("text=Reveal…").first.click()
    ada.page.check("input[name=secret][value=claim_url]")
    ada.page.fill("#id_ticket", "CASE-2001")
    ada.page.fill("#id_reason", "The winner lost the mail")
    ada.page.fill("#id_password", house.passwords["ada"])
    ada.page.click("text=Show it for 30 seconds")
    shown = ada.page.locator(".g-secret__value").inner_text()
    picture(ada.page, "revealed-link-1400")
    assert (ada.complaints, ada.strangers) == ([], [])
    ada.page.reload()

    [placed] = house.placed_under(reference, at=PARTNERS)
    assert shown in [card["claim_link"] for card in placed["cards"]]
    assert shown not in ada.page.content() + ada.page.title() + ada.page.url
    assert (mira.complaints, mira.strangers) == ([], [])


def test_plastic_is_shown_on_its_way_and_then_as_sent_to_its_address(
    visit: Visit, house: House, picture: Picture
) -> None:
    mira = visit("mira")
    choose(mira.page, "VISA-P")
    tick(mira.page, "USD 50.00")
    for name, text in {
        "recipient_name": "Ann Petrov", "line_1": "12 Harbor Street", "line_2": "Apt 4",
        "city": "Portland", "state": "OR", "postcode": "97201",
    }.items():  # fmt: skip
        mira.page.fill(f"#id_{name}", text)
    mira.page.select_option("#id_shipping_method_id", "STANDARD")
    mira.page.select_option("#id_carrier_id", "THANKS")
    expect(mira.page.locator("#quote")).to_contain_text("Shipping")
    expect(mira.page.locator("button[name=send]")).to_have_text("Send 1 order · USD 58.90")
    picture(mira.page, "form-plastic-1400")
    house.control("settings", at=PARTNERS, completed_after=8)
    reference = send(mira)

    expect(mira.page.locator(".g-head .g-pill")).to_have_text("On its way", timeout=30_000)
    expect(mira.page.locator("#order")).to_contain_text("12 Harbor Street")
    has_arrived(mira.page)

    expect(mira.page.locator("#order")).to_contain_text("Sent by the provider")
    expect(mira.page.locator("#order")).to_contain_text("Portland")
    picture(mira.page, "order-plastic-1400")
    assert tables_wider_than_their_panels(mira.page) == []
    [placed] = house.placed_under(reference, at=PARTNERS)
    [line] = placed["lines"]
    assert line["cost_minor"] == 5890
    assert [card["claim_link"] for card in placed["cards"]] == [None]
    assert (mira.complaints, mira.strangers) == ([], [])


def test_five_hundred_pasted_recipients_are_one_order_of_five_hundred_lines(
    visit: Visit, house: House, picture: Picture
) -> None:
    mira = visit("mira")
    choose(mira.page, "AMZN-VAR")
    tick(mira.page, "Delivered by e-mail")
    expect(mira.page.locator("#id_deliver_on")).to_be_visible()
    mira.page.fill("#id_face_value", "1.00")
    mira.page.fill("#id_recipients", FIVE_HUNDRED)
    mira.page.fill("#id_message", "Thank you!")
    expect(mira.page.locator("button[name=send]")).to_have_text(
        "Send 1 order, 500 cards · USD 495.00"
    )
    reference = send(mira)
    has_arrived(mira.page)

    rows = mira.page.get_by_role("row").filter(has_text="@example.com")
    expect(rows.filter(has_text="colleague-1@example.com")).to_be_visible()
    expect(mira.page.locator("#order")).to_contain_text("500 done")
    expect(mira.page.locator("#order")).to_contain_text("Page 1 of 10")
    picture(mira.page, "order-500-1400")
    assert tables_wider_than_their_panels(mira.page) == []
    mira.open(f"{mira.page.url.removeprefix(house.url)}?p=10")
    expect(mira.page.locator("#order")).to_contain_text("colleague-500@example.com")

    phone = visit("mira", width=390)
    phone.look_up(reference)
    picture(phone.page, "order-500-390")
    [placed] = house.placed_under(reference, at=PARTNERS)
    assert [line["status"] for line in placed["lines"]] == ["Completed"] * 500
    assert phone.overflow == 0
    assert (mira.complaints, mira.strangers, phone.complaints) == ([], [], [])


@pytest.mark.parametrize("number", ["UBER-L", "SBUX-D", "VISA-P"])
def test_the_form_fits_a_phone_whatever_the_card_asks_for(
    visit: Visit, number: str, picture: Picture
) -> None:
    mira = visit("mira", width=390)

    choose(mira.page, number)
    mira.page.wait_for_timeout(500)
    picture(mira.page, f"form-{number}-390")

    assert mira.overflow == 0
    assert (mira.complaints, mira.strangers) == ([], [])
