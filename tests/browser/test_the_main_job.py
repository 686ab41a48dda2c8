"""The main job in a real browser: Mira buys a card, watches it arrive; Ada reveals it, once."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.xdist_group("browser")]

ARRIVES_WITHIN = 120_000  # milliseconds: the provider takes a second, we ask every 15
Visit = Callable[..., Visitor]


@pytest.fixture(autouse=True)
def _quick_provider(house: House) -> None:
    house.control("settings", completed_after=1.0)


def fill_in(page: Page, *, card: str = "Amazon US $25", title: str = "Thank you, Ann") -> None:
    """Choose a card and say for whom; the catalogue arrives by itself shortly after the start."""
    for _ in range(30):
        page.goto(page.url.split("/admin/")[0] + "/admin/orders/order/buy/")
        if page.get_by_text(card, exact=False).count():
            break
        page.wait_for_timeout(1000)
    page.locator(".g-pick", has_text=card).first.click()
    page.fill("#id_title", title)
    page.fill("#id_recipient_name", "Ann Petrov")
    page.fill("#id_recipient_email", "ann@example.com")
    expect(page.locator("#quote")).to_contain_text("Send 1 order · USD 25.00")


def reference_on(page: Page) -> str:
    return page.locator(".g-head h2").inner_text().strip()


def placed_under(house: House, reference: str) -> list[dict[str, Any]]:
    return [o for o in house.control("ledger")["orders"] if o["reference"] == reference]


def codes_under(house: House, reference: str) -> list[str]:
    return [card["card_number"] for o in placed_under(house, reference) for card in o["cards"]]


@pytest.fixture
def bought(visit: Visit, house: House) -> str:
    """The reference of an order that Mira bought and whose card has arrived; bought once."""
    if not house.bought:
        page = visit("mira").page
        fill_in(page)
        page.click("button[name=send]")
        expect(page.locator(".g-head .g-pill")).to_have_text("Fulfilled", timeout=ARRIVES_WITHIN)
        house.bought = reference_on(page)
    return house.bought


def test_a_card_is_bought_followed_and_revealed(
    visit: Visit, house: House, picture: Callable[[Page, str], Path]
) -> None:
    mira = visit("mira")
    fill_in(mira.page)
    picture(mira.page, "order-form-1400")
    mira.page.click("button[name=send]")
    expect(mira.page.locator("ul[role=status]")).to_contain_text("1 order queued · USD 25.00")
    expect(mira.page.locator(".g-head .g-pill")).to_have_text("Fulfilled", timeout=ARRIVES_WITHIN)
    picture(mira.page, "order-page-1400")
    reference = reference_on(mira.page)

    ada = visit("ada")
    ada.open("/admin/")
    ada.page.fill("#find-order", reference)
    ada.page.click("text=Find >> nth=-1")
    ada.page.click("text=Reveal…")
    ada.page.check("input[name=secret][value=code]")
    ada.page.fill("#id_ticket", "CASE-1042")
    ada.page.fill("#id_reason", "Ann stands at the till and cannot open her mail")
    ada.page.fill("#id_password", house.passwords["ada"])
    picture(ada.page, "reveal-form-1400")
    ada.page.click("text=Show it for 30 seconds")
    shown = ada.page.locator(".g-secret__value").inner_text()

    assert [shown] == codes_under(house, reference)
    assert len(placed_under(house, reference)) == 1
    assert (mira.complaints, mira.strangers) == ([], [])
    assert (ada.complaints, ada.strangers) == ([], [])


def test_a_revealed_code_leaves_the_page_after_thirty_seconds_and_stays_away(
    visit: Visit, house: House, bought: str, picture: Callable[[Page, str], Path]
) -> None:
    ada = visit("ada")
    ada.open("/admin/")
    ada.page.fill("#find-order", bought)
    ada.page.keyboard.press("Enter")
    ada.page.click("text=Reveal…")
    ada.page.check("input[name=secret][value=code]")
    ada.page.fill("#id_ticket", "CASE-1043")
    ada.page.fill("#id_reason", "The holder asks for the number")
    ada.page.fill("#id_password", house.passwords["ada"])
    ada.page.click("text=Show it for 30 seconds")
    code = ada.page.locator(".g-secret__value").inner_text()
    picture(ada.page, "reveal-1400")

    assert code not in ada.page.title() + ada.page.url
    expect(ada.page.locator("#secret")).to_have_count(0, timeout=34_000)
    assert code not in ada.page.content()
    ada.page.click("text=Back to the order >> nth=0")
    assert code not in ada.page.content()
    stored = ada.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    assert code not in stored


def test_going_back_to_a_reveal_shows_no_code(visit: Visit, house: House, bought: str) -> None:
    ada = visit("ada")
    ada.open("/admin/")
    ada.page.fill("#find-order", bought)
    ada.page.keyboard.press("Enter")
    ada.page.click("text=Reveal…")
    ada.page.check("input[name=secret][value=code]")
    ada.page.fill("#id_ticket", "CASE-1044")
    ada.page.fill("#id_reason", "The holder asks for the number")
    ada.page.fill("#id_password", house.passwords["ada"])
    ada.page.click("text=Show it for 30 seconds")
    code = ada.page.locator(".g-secret__value").inner_text()

    ada.page.click("nav >> text=Orders")
    ada.page.wait_for_load_state()
    ada.page.evaluate("history.back()")
    ada.page.wait_for_timeout(1500)

    assert code not in ada.page.content()


def test_a_double_click_orders_once(visit: Visit, house: House) -> None:
    mira = visit("mira")
    fill_in(mira.page, title="Pressed twice")

    mira.page.dblclick("button[name=send]")
    expect(mira.page.locator(".g-head .g-pill")).to_have_text("Fulfilled", timeout=ARRIVES_WITHIN)

    reference = reference_on(mira.page)
    assert len(placed_under(house, reference)) == 1
    mira.open("/admin/orders/batch/?q=Pressed")
    expect(mira.page.locator("#result_list tbody")).to_have_count(1)


def test_two_windows_sending_the_same_form_order_once(visit: Visit, house: House) -> None:
    mira = visit("mira")
    fill_in(mira.page, title="Sent from two windows")
    body = mira.page.evaluate(
        """new URLSearchParams(
            [...new FormData(document.getElementById('buy')), ['send', '1']]
        ).toString()"""
    )
    send = """body => Promise.all([1, 2, 3, 4].map(() => fetch('/admin/orders/order/buy/', {
        method: 'POST', body, headers: {'Content-Type': 'application/x-www-form-urlencoded'},
    }).then(answer => answer.url)))"""

    pages = mira.page.evaluate(send, body)

    mira.open("/admin/orders/batch/?q=Sent")
    assert len(set(pages)) == 1
    expect(mira.page.locator("#result_list tbody")).to_have_count(1)


def test_a_card_can_be_bought_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit("mira").page
    fill_in(page)
    page.goto(page.url)
    page.focus("#find")
    page.keyboard.type("Amazon US $25")
    expect(page.locator(".g-pick")).to_have_count(1)

    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#id_face_value")).to_have_value("25.00")
    expect(page.locator("#quote")).to_contain_text("Send 1 order · USD 25.00")
    page.focus("button[name=draft]")
    page.keyboard.press("Enter")

    expect(page.locator("ul[role=status]")).to_contain_text("saved as a draft")


def test_an_approver_sends_what_a_maker_may_not(visit: Visit, house: House) -> None:
    mira, tom = visit("mira"), visit("tom")
    fill_in(mira.page, title="Spring campaign")
    mira.page.locator(".g-pick", has_text="no. 1235").click()
    mira.page.fill("#id_face_value", "1000")
    expect(mira.page.locator("#quote")).to_contain_text("Submit 1 order for approval")
    mira.page.click("button[name=send]")
    assert not mira.page.get_by_text("Approve and send").count()

    tom.open("/admin/")
    tom.page.click("text=Waiting for you")
    tom.page.click("text=Look and answer")
    tom.page.fill("#id_password", house.passwords["tom"])
    tom.page.click("text=Approve and send 1 order · USD 1,000.00")

    expect(tom.page.locator("ul[role=status]")).to_contain_text("Approved: 1 × queued")
    assert (tom.complaints, tom.strangers) == ([], [])


@pytest.mark.parametrize("width", [1400, 390])
def test_no_page_is_wider_than_its_window(
    visit: Visit, bought: str, width: int, picture: Callable[[Page, str], Path]
) -> None:
    mira = visit("mira", width=width)
    mira.open("/admin/")
    mira.page.fill("#find-order", bought)
    mira.page.keyboard.press("Enter")
    mira.page.wait_for_url("**/change/")
    order = mira.page.url.removeprefix(mira.house.url)
    wide = {}
    for name, path in {
        "order-page": order, "start": "/admin/", "orders": "/admin/orders/order/",
        "order-form": "/admin/orders/order/buy/", "batches": "/admin/orders/batch/",
        "approvals": "/admin/orders/batch/approvals/", "deposits": "/admin/orders/deposit/",
        "catalogue": "/admin/providers/product/", "calls": "/admin/providers/providercall/",
        "providers": "/admin/providers/provideraccount/",
    }.items():  # fmt: skip
        mira.open(path)
        mira.page.wait_for_timeout(300)
        picture(mira.page, f"{name}-{width}")
        extra = mira.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if extra > 0:
            wide[name] = extra

    assert wide == {}
    assert (mira.complaints, mira.strangers) == ([], [])


def test_every_link_of_the_menu_opens_without_a_complaint(visit: Visit) -> None:
    for who in ("mira", "tom", "ada", "lee", "sam"):
        visitor = visit(who)
        links = visitor.page.locator("#nav-sidebar-apps a").evaluate_all(
            "links => links.map(link => new URL(link.href).pathname)"
        )
        for path in links:
            visitor.open(path)
            assert not re.search(r"Server Error|Traceback", visitor.page.content()), path
        assert (visitor.complaints, visitor.strangers) == ([], []), who
