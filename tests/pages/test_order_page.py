"""The order page: a guest chooses, orders and follows the order."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.pages.guests import (
    add,
    item,
    only_order,
    open_basket,
    order_sheet,
    orders_of,
    place_button,
    ready_to_place,
    set_on_sale,
    take_step,
    throw_one_away,
)
from tests.pages.support import LANGUAGES, LOOKS, SIZES, Browsers, is_too_wide, serious_findings
from tests.support.systems import System

pytestmark = pytest.mark.pages


def test_a_guest_orders_on_a_phone_and_follows_the_order(browsers: Browsers, restaurant: System) -> None:
    page = browsers.open("/")
    add(page, "coffee", 2)
    item(page, "pizza").get_by_role("button", name="Pizza", exact=True).click()
    sheet = page.get_by_role("dialog", name="Pizza")
    sheet.get_by_label("Note to the staff").fill("no olives")
    sheet.get_by_label(re.compile("I have an allergy")).check()
    sheet.get_by_role("button", name=re.compile("^Add")).click()
    expect(sheet).to_have_count(0)
    basket = open_basket(page)
    expect(basket.locator(".basket-total")).to_contain_text("€4.00")
    basket.get_by_label("Table").fill("follow")
    place_button(page).click()
    sheet = order_sheet(page)
    expect(sheet.locator(".order-headline")).to_have_text("We have your order")
    expect(sheet.locator(".order-headline")).to_be_focused()
    expect(sheet).to_contain_text("Ready at about")
    order = only_order(restaurant, "follow")
    assert {(line["item"], line["quantity"], line["note"], line["allergy"]) for line in order["lines"]} == {
        ("coffee", 2, "", False),
        ("pizza", 1, "no olives", True),
    }
    take_step(restaurant, "bar", order, "start")
    expect(sheet.locator(".order-headline")).to_have_text("Your order is being prepared")
    take_step(restaurant, "bar", order, "finish")
    expect(sheet.locator(".order-headline")).to_have_text("A part of your order is ready")
    for verb in ("start", "finish"):
        take_step(restaurant, "kitchen", order, verb)
    expect(sheet.locator(".order-headline")).to_have_text("Your order is ready")
    for department in ("bar", "kitchen"):
        take_step(restaurant, department, order, "serve")
    expect(sheet.locator(".order-headline")).to_have_text("Enjoy your meal")
    sheet.get_by_role("button", name="Order again").click()
    expect(page.get_by_role("dialog", name="Your basket").locator(".basket-total")).to_contain_text("€4.00")


def test_the_menu_and_its_search_work_without_a_script(browsers: Browsers) -> None:
    page = browsers.open("/", java_script_enabled=False)
    expect(item(page, "coffee")).to_contain_text("€1.00")
    expect(item(page, "soda")).to_contain_text("3 left")
    expect(item(page, "beer")).to_contain_text("Sold out")
    assert "You can also order from the staff" in page.content()
    page.get_by_role("searchbox").fill("PIZ")
    page.keyboard.press("Enter")
    expect(page.locator(".menu-item")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("PIZ")


def test_the_page_leads_on(browsers: Browsers) -> None:
    page = browsers.open("/")
    for address in ("/sign-in", "/schema", "/health/ready"):
        expect(page.locator(f'footer a[href="{address}"]')).to_be_visible()


def test_the_search_finds_titles_of_all_languages_and_says_where_there_is_nothing(browsers: Browsers) -> None:
    page = browsers.open("/")
    page.get_by_role("searchbox").fill("cof")
    expect(page.locator(".menu-item")).to_have_count(1)
    page.get_by_role("searchbox").fill("caviar")
    expect(page.locator("#menu")).to_contain_text("Nothing on the menu matches “caviar”.")
    page.get_by_role("button", name="Show the whole menu").click()
    expect(page.locator(".menu-item")).to_have_count(7)
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_the_modules_change_nothing_of_what_the_server_showed(browsers: Browsers) -> None:
    words = "() => document.querySelector('#menu').innerText.split(/\\s+/).join(' ').trim()"
    for language in LANGUAGES:
        before = browsers.open("/", language=language, java_script_enabled=False).evaluate(words)
        page = browsers.open("/", language=language)
        expect(page.locator(".add-button").first).to_be_visible()
        assert page.evaluate(words) == before


def test_what_is_sold_elsewhere_is_seen_at_once(browsers: Browsers, restaurant: System) -> None:
    page, other = browsers.open("/"), browsers.open("/")
    expect(item(page, "gelato")).to_contain_text("2 left")
    ready_to_place(other, "elsewhere", "gelato")
    place_button(other).click()
    expect(item(page, "gelato")).to_contain_text("1 left")
    order = only_order(restaurant, "elsewhere")
    other.get_by_role("button", name="Cancel the order").click()
    other.get_by_role("button", name="Yes, cancel").click()
    expect(other.locator(".order-headline")).to_have_text("Your order is cancelled")
    expect(item(page, "gelato")).to_contain_text("2 left")
    assert only_order(restaurant, "elsewhere")["status"] == "cancelled", order


def test_what_is_taken_off_sale_elsewhere_is_disabled_in_the_basket(browsers: Browsers, restaurant: System) -> None:
    page = browsers.open("/")
    ready_to_place(page, "86", "pasta", "cookie")
    set_on_sale(restaurant, "kitchen", "pasta", on_sale=False)
    try:
        basket = page.get_by_role("dialog", name="Your basket")
        expect(basket.locator('.basket-line[data-item="pasta"]')).to_contain_text("Not today any more.")
        place_button(page).click()
        expect(basket.get_by_role("button", name="Remove")).to_be_focused()
        assert orders_of(restaurant, "86") == []
        basket.get_by_role("button", name="Remove").click()
        place_button(page).click()
        order_sheet(page)
        assert [line["item"] for line in only_order(restaurant, "86")["lines"]] == ["cookie"]
        page.get_by_role("button", name="Close").click()
        expect(item(page, "pasta")).to_contain_text("Not today")
        expect(item(page, "pasta").get_by_role("button", name=re.compile("^Add "))).to_have_count(0)
    finally:
        set_on_sale(restaurant, "kitchen", "pasta", on_sale=True)
    expect(item(page, "pasta").get_by_role("button", name=re.compile("^Add "))).to_be_visible()


def without_events(page: Page) -> None:
    """Let a page be out of date."""
    page.route("**/events?*", lambda route: route.abort())
    page.reload()


def test_what_could_not_be_had_is_told_with_an_offer_to_change(browsers: Browsers, restaurant: System) -> None:
    page = browsers.open("/", service_workers="block")
    browsers.allow(page, "ERR_FAILED", "status of 409", "blocked by Playwright")
    without_events(page)
    add(page, "soda", 3)
    basket = open_basket(page)
    basket.get_by_label("Table").fill("few")
    throw_one_away(restaurant, "bar", "soda")
    place_button(page).click()
    sheet = order_sheet(page)
    expect(sheet.locator(".order-headline")).to_have_text("We are sorry: nothing of it can be had")
    expect(sheet.locator(".refusals")).to_contain_text("Only 2 were left")
    expect(sheet.locator(".refusals")).to_contain_text("2 \u00d7 Soda")
    sheet.get_by_role("button", name="Put it into the basket").click()
    place_button(page).click()
    expect(order_sheet(page).locator(".order-headline")).to_have_text("We have your order")
    newest, oldest = orders_of(restaurant, "few")
    assert (newest["lines"][0]["quantity"], newest["status"], oldest["status"]) == (2, "accepted", "refused")


def test_what_is_half_typed_stays_while_the_menu_changes(browsers: Browsers, restaurant: System) -> None:
    page = browsers.open("/")
    add(page, "cookie")
    basket = open_basket(page)
    basket.get_by_label("Table").press_sequentially("Terr")
    set_on_sale(restaurant, "bakery", "cookie", on_sale=False)
    expect(basket).to_contain_text("Not today any more.")
    set_on_sale(restaurant, "bakery", "cookie", on_sale=True)
    expect(basket).not_to_contain_text("Not today any more.")
    expect(basket.get_by_label("Table")).to_have_value("Terr")
    expect(basket.get_by_label("Table")).to_be_focused()


def test_a_note_with_markup_stays_text(browsers: Browsers, restaurant: System) -> None:
    markup = '<img src=x onerror=alert(1)><b>no nuts</b> & "quotes" ${1}'
    page = browsers.open("/")
    item(page, "pasta").get_by_role("button", name="Pasta", exact=True).click()
    page.get_by_label("Note to the staff").fill(markup)
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Add")).click()
    basket = open_basket(page)
    expect(basket.locator(".basket-note")).to_have_text(markup)
    basket.get_by_label("Table").fill("<i>markup</i>")
    place_button(page).click()
    sheet = order_sheet(page)
    expect(sheet.locator(".basket-note")).to_have_text(markup)
    expect(sheet).to_contain_text("Table <i>markup</i>")
    assert only_order(restaurant, "<i>markup</i>")["lines"][0]["note"] == markup


def test_an_order_is_placed_by_keyboard_alone(browsers: Browsers, restaurant: System) -> None:
    page = browsers.open("/", size=SIZES["tablet"])
    expect(page.locator(".add-button").first).to_be_visible()
    press = page.keyboard.press
    press("Tab")
    press("Enter")  # skip to the content
    tab_to(page, "Add Coffee")
    press("Enter")
    tab_to(page, "One Coffee more")
    press("Enter")
    tab_to(page, "One Coffee less", key="Shift+Tab")
    press("Enter")
    press("Enter")
    expect(item(page, "coffee").get_by_role("button", name="Add Coffee")).to_be_focused()
    press("Enter")
    expect(page.locator("#announcer")).to_have_text("Coffee: 1 in the basket")
    tab_to(page, "Pizza")
    press("Enter")
    tab_to(page, "Note to the staff")
    page.keyboard.type("thin")
    tab_to(page, "I have an allergy")
    press("Space")
    tab_to(page, "Add €2.00")
    press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(item(page, "pizza").get_by_role("button", name="Pizza", exact=True)).to_be_focused()
    tab_to(page, "Show the basket")
    press("Enter")
    tab_to(page, "Table")
    page.keyboard.type("keys")
    tab_to(page, "Place the order")
    press("Enter")
    expect(order_sheet(page).locator(".order-headline")).to_be_focused()
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert [line["note"] for line in only_order(restaurant, "keys")["lines"]] == ["", "thin"]


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press Tab until something with this name has the focus."""
    label = """() => { const e = document.activeElement; const own = e.getAttribute('aria-label')
      || (e.labels && e.labels[0] && e.labels[0].textContent) || e.innerText || '';
      return own.replace(/\\s+/g, ' ').trim(); }"""
    seen = []
    for _ in range(80):
        page.keyboard.press(key)
        seen.append(page.evaluate(label))
        if re.sub(r"^\d+ ", "", seen[-1]).startswith(name):
            return
    raise AssertionError(f"no way to {name} by {key}: {seen}")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_every_sheet_is_as_it_has_to_be(browsers: Browsers, language: str, theme: str) -> None:
    page = browsers.open("/", language=language, theme=theme, size=SIZES["small"])
    page.locator('[data-item="coffee"] .add-button').click()
    page.locator('[data-item="pasta"] .menu-item-title').click()
    page.locator("dialog input[type=checkbox]").check()
    page.locator("dialog textarea").fill("without cheese, please")
    check(page)
    page.locator("dialog .primary").click()
    page.locator(".basket-button").click()
    check(page)
    page.locator("dialog .basket-options input").first.fill("axe")
    page.locator("dialog .place-button").click()
    expect(page.locator(".order-headline")).to_be_visible()
    check(page)
    page.locator("dialog .dialog-head button").click()
    check(page)
    page.locator(".own-order").click()
    page.locator(".order-actions button").first.click()
    check(page)
    page.locator(".order-actions .danger").click()
    expect(page.locator(".refusals")).to_be_visible()
    check(page)


def check(page: Page) -> None:
    """Fail where axe finds something serious, or the page has to be scrolled sideways."""
    page.evaluate("() => scrollTo({ top: 0, behavior: 'instant' })")  # else a button is half under the search
    assert serious_findings(page) == []
    assert not is_too_wide(page)
