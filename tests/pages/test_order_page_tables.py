"""The order page where guests need a table's code, or where the staff take all orders."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.pages.guests import CUT, add, only_order, open_basket, order_sheet, place_button
from tests.pages.support import LOOKS, Browsers, browsing, serious_findings
from tests.support.keys import AUTHORIZED
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

IS_KEPT = "async () => (await caches.keys()).length > 0 && !!(await caches.match(location.href))"


@pytest.fixture(scope="module")
def restaurant(systems: Systems) -> System:
    """A restaurant whose guests scan a code."""
    return systems.open({"bar": {"coffee": 100}}, GATEWAY_GUESTS="tables")


@pytest.fixture
def closed(browser: Browser, systems: Systems) -> Iterator[Browsers]:
    """Pages of a restaurant whose staff take all orders."""
    with browsing(browser, systems.open({"bar": {"coffee": 100}}, GATEWAY_GUESTS="closed")) as browsers:
        yield browsers


@pytest.fixture(scope="module")
def code(restaurant: System) -> str:
    """The path of table 7's code."""
    url, table = f"{restaurant.url}/access/table-codes", {"table": "7"}
    path: str = httpx.get(url, params=table, headers=AUTHORIZED, trust_env=False).raise_for_status().json()["path"]
    return path


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_a_guest_without_a_table_is_told_to_scan_its_code(browsers: Browsers, language: str, theme: str) -> None:
    page = browsers.open("/", language=language, theme=theme)
    words = {"en": "Scan the code", "ko": "코드를 스캔", "es": "Escanee el código"}
    expect(page.locator(".notice")).to_contain_text(words[language])
    assert serious_findings(page) == []


def test_a_guest_scans_the_code_and_orders_for_that_table(browsers: Browsers, restaurant: System, code: str) -> None:
    page = browsers.open("/")
    wait_for(lambda: page.evaluate(IS_KEPT), "a page was kept on the device before")
    page.reload()
    page.goto(code)
    expect(page).to_have_url(f"{restaurant.url}/")
    expect(page.locator(".order-table")).to_have_text("Table 7")
    add(page, "coffee")
    basket = open_basket(page)
    expect(basket.get_by_label("Table")).to_have_count(0)
    place_button(page).click()
    expect(order_sheet(page)).to_contain_text("Table 7")
    assert only_order(restaurant, "7")["status"] == "accepted"


def test_an_order_waits_for_the_next_scan_where_the_code_was_voided(
    browsers: Browsers, restaurant: System, code: str
) -> None:
    page = browsers.open(code)
    browsers.allow(page, CUT, "status of 401")
    add(page, "coffee")
    open_basket(page)
    page.context.clear_cookies()
    place_button(page).click()
    basket = page.get_by_role("dialog", name="Your basket")
    expect(basket).to_contain_text("Scan it again, then place the order; the basket is kept.")
    page.goto(code)
    open_basket(page)
    place_button(page).click()
    order_sheet(page)


def test_where_the_staff_take_the_orders_the_page_says_so(closed: Browsers) -> None:
    page = closed.open("/")
    expect(page.locator(".notice")).to_contain_text("Here the staff take your order.")
    expect(page.get_by_role("link", name=re.compile("Staff")).first).to_be_visible()
