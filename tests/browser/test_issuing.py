"""Numbers, a card, money held on it and its certificate: Mira issues, Ada looks, in a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, House, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.xdist_group("browser")]

ISSUER = "cp_extender"
DANA = "2059378440"
COMES_WITHIN = 45_000  # milliseconds
Visit = Callable[..., Visitor]
Picture = Callable[[Page, str], Path]


def ask_for_numbers(mira: Visitor) -> None:
    """Eight numbers for a pool; they come in a moment."""
    mira.open("/admin/orders/pool/")
    mira.page.click("text=Ask for numbers >> nth=0")
    mira.page.fill("#id_agency", "Harbor Street")
    mira.page.fill("#id_name", "Loyal customers")
    mira.page.fill("#id_count", "8")
    mira.page.click("text=Ask for the numbers")
    mira.page.wait_for_url("**/change/")
    expect(mira.page.get_by_text("8 of 8 numbers")).to_be_visible(timeout=COMES_WITHIN)


def issue_to_dana(mira: Visitor, picture: Picture) -> None:
    """One card below the limit of a maker, so that nobody has to approve it."""
    mira.open("/admin/orders/issuance/issue/")
    mira.page.locator(".g-pick", has_text="Loyal customers").click()
    mira.page.fill("#id_customer", DANA)
    mira.page.fill("#id_code", "GC")
    mira.page.fill("#id_value", "25.00")
    expect(mira.page.locator("#quote")).to_contain_text("No approval needed")
    picture(mira.page, "issue-form-1400")
    mira.page.click("#quote button[name=send]")
    mira.page.wait_for_url("**/change/")


def open_the_card(visitor: Visitor) -> None:
    visitor.open("/admin/orders/card/?kind=issued")
    visitor.page.locator("#result_list tbody a").first.click()
    visitor.page.wait_for_url("**/change/**")


def comes_to(visitor: Visitor, state: str) -> None:
    """Until the head of the page says so; what moves refreshes itself."""
    pill = visitor.page.locator(".g-head .g-pill")
    expect(pill).to_have_text(state, timeout=COMES_WITHIN)


def hold(mira: Visitor, amount: str) -> None:
    mira.page.click("text=Authorize…")
    mira.page.fill("#id_amount", amount)
    mira.page.fill("#id_note", "Till 2, receipt 4711")
    expect(mira.page.locator("#quote .g-sum")).to_contain_text(amount)
    mira.page.click("#quote button[type=submit]")
    mira.page.wait_for_url("**/change/")
    comes_to(mira, "Held")


def offered_codes(mira: Visitor) -> list[str]:
    """The gift card codes that the form suggests to a person who does not know them."""
    mira.open("/admin/orders/issuance/issue/")
    codes: list[str] = mira.page.locator("#id_code").evaluate(
        "field => [...field.list.options].map(option => option.value)"
    )
    return codes


def wider_than_the_window(mira: Visitor, picture: Picture, hold_page: str) -> dict[str, int]:
    """The pages of what is issued that do not fit, and by how many pixels."""
    card, wide = mira.page.url.removeprefix(mira.house.url), {}
    pages = {
        "card-page": card, "hold-page": hold_page,
        "reservations": "/admin/orders/pool/", "cards": "/admin/orders/card/",
        "requests": "/admin/orders/reservation/", "issuances": "/admin/orders/issuance/",
        "holds": "/admin/orders/authorization/", "issue-form": "/admin/orders/issuance/issue/",
        "number-form": "/admin/orders/pool/request/",
    }  # fmt: skip
    for width, height in SIZES.items():
        mira.page.set_viewport_size({"width": width, "height": height})
        for name, path in pages.items():
            mira.open(path)
            mira.page.wait_for_timeout(200)
            picture(mira.page, f"{name}-{width}")
            if mira.overflow > 0:
                wide[f"{name}-{width}"] = mira.overflow
    return wide


def test_numbers_a_card_and_a_hold_that_is_taken(
    visit: Visit, house: House, picture: Picture
) -> None:
    mira = visit("mira")
    ask_for_numbers(mira)
    issue_to_dana(mira, picture)
    comes_to(mira, "Done")
    open_the_card(mira)
    mira.page.click("text=Ask now")
    expect(mira.page.locator("ul[role=status]")).to_contain_text("USD 25.00 now")

    hold(mira, "18.50")
    hold_page = mira.page.url.removeprefix(house.url)
    mira.page.locator("form[action$='/take/'] button").click()
    comes_to(mira, "Confirmed")
    open_the_card(mira)
    mira.page.click("text=Ask now")
    expect(mira.page.locator("ul[role=status]")).to_contain_text("USD 6.50 now")
    picture(mira.page, "card-page-1400")
    assert wider_than_the_window(mira, picture, hold_page) == {}
    assert offered_codes(mira) == ["GC"]

    ledger = house.control("ledger", at=ISSUER)
    [card], [held] = ledger["cards"], ledger["holds"]
    assert (card["customer"], card["value_minor"], card["balance_minor"]) == (DANA, 2500, 650)
    assert (held["state"], held["held_minor"]) == ("confirmed", 1850)
    assert (mira.complaints, mira.strangers) == ([], [])


def test_a_certificate_is_shown_once_with_a_reason(
    visit: Visit, house: House, picture: Picture
) -> None:
    ada = visit("ada")
    open_the_card(ada)
    ada.page.click("text=Certificate… >> nth=0")
    ada.page.fill("#id_ticket", "CASE-3001")
    ada.page.fill("#id_reason", "Dana wants to print it for her mother")
    ada.page.fill("#id_password", house.passwords["ada"])
    ada.page.click("text=Show it for 30 seconds")
    shown = ada.page.locator(".g-secret__picture")
    expect(shown).to_be_visible(timeout=COMES_WITHIN)
    width: int = shown.evaluate("picture => picture.naturalWidth")
    picture(ada.page, "certificate-1400")
    assert (ada.complaints, ada.strangers) == ([], [])
    ada.page.reload()

    assert width > 300
    assert shown.count() == 0
    lee = visit("lee")
    lee.open("/admin/orders/reveal/")
    expect(lee.page.locator("#result_list")).to_contain_text("CASE-3001")
