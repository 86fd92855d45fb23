"""An order is placed once, whatever happens to the page, the network or the gateway in between."""

import re
from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.guests import (
    CUT,
    ORDER,
    add,
    only_order,
    open_basket,
    order_sheet,
    orders_of,
    place_button,
    ready_to_place,
)
from tests.pages.support import Browsers
from tests.support.systems import System
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

IS_KEPT = "async () => (await caches.keys()).length > 0 && !!(await caches.match(location.href))"


@pytest.fixture
def page(browsers: Browsers) -> Page:
    """A guest's page whose requests a test may hold back, lose or count."""
    page = browsers.open("/", service_workers="block")
    browsers.allow(page, CUT, "blocked by Playwright", "status of 50")
    return page


@pytest.fixture
def posts(page: Page) -> list[str]:
    """The bodies of the orders that the page has sent."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    return sent


def wait_on(page: Page, found: Sequence[object], what: str) -> None:
    """Wait until a handler has noted something; handlers run while Playwright waits."""

    def look() -> bool:
        page.wait_for_timeout(10)
        return bool(found)

    wait_for(look, what)


def shows_order(page: Page) -> bool:
    return page.get_by_role("dialog", name=ORDER).is_visible()


def placed_once(system: System, page: Page, table: str) -> None:
    """Fail unless the table has one order, which the page shows, and whose lines are in no basket."""
    order = only_order(system, table)
    expect(order_sheet(page)).to_have_accessible_name(f"Order {order['number']}")
    assert page.evaluate("() => JSON.parse(localStorage.getItem('comanda.draft')).lines") == []
    page.reload()
    expect(page.locator(".own-order")).to_contain_text(f"Order {order['number']}")
    assert len(orders_of(system, table)) == 1


def test_taps_in_a_row_place_one_order(page: Page, restaurant: System, posts: list[str]) -> None:
    ready_to_place(page, "taps", "coffee")
    page.evaluate("""() => { const button = document.querySelector('dialog .place-button');
      for (let tap = 0; tap < 5; tap++) button.click(); }""")
    placed_once(restaurant, page, "taps")
    assert len(posts) == 1


def test_two_pages_of_one_browser_place_one_order(browsers: Browsers, restaurant: System) -> None:
    device = browsers.device()
    one, other = browsers.open("/", device), browsers.open("/", device)
    ready_to_place(one, "two pages", "coffee")
    open_basket(other)
    for page in (one, other):
        page.evaluate("() => { setTimeout(() => document.querySelector('dialog .place-button')?.click(), 500); }")
    wait_for(lambda: shows_order(one) or shows_order(other), "one of the pages shows the order")
    placed_once(restaurant, one if shows_order(one) else other, "two pages")


def test_a_reload_keeps_the_basket(page: Page, restaurant: System) -> None:
    ready_to_place(page, "basket", "coffee", "pizza")
    page.reload()
    basket = open_basket(page)
    expect(basket.locator(".basket-line")).to_have_count(2)
    expect(basket.get_by_label("Table")).to_have_value("basket")
    assert orders_of(restaurant, "basket") == []
    place_button(page).click()
    placed_once(restaurant, page, "basket")


def test_a_reload_before_the_request_arrives_sends_the_order(page: Page, restaurant: System, posts: list[str]) -> None:
    ready_to_place(page, "before", "coffee")
    held: list[Route] = []
    page.route("**/orders", lambda route: held.append(route), times=1)
    place_button(page).click()
    wait_on(page, held, "the order is sent")
    assert orders_of(restaurant, "before") == []
    page.reload()
    placed_once(restaurant, page, "before")
    assert len({*posts}) == 1, "the same request again"


def test_a_reload_between_request_and_response_places_no_second(
    page: Page, restaurant: System, posts: list[str]
) -> None:
    ready_to_place(page, "between", "coffee")
    arrived: list[int] = []

    def lose(route: Route) -> None:
        arrived.append(route.fetch().status)  # and the page never gets it

    page.route("**/orders", lose, times=1)
    place_button(page).click()
    wait_on(page, arrived, "the order has arrived")
    assert len(orders_of(restaurant, "between")) == 1
    page.reload()
    placed_once(restaurant, page, "between")
    assert len(posts) == 2
    assert len({*posts}) == 1, "the same request again"


def test_a_response_that_is_lost_places_no_second(page: Page, restaurant: System, posts: list[str]) -> None:
    ready_to_place(page, "lost", "coffee")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/orders", lose, times=2)
    place_button(page).click()
    expect(page.get_by_role("dialog")).to_contain_text("your order will not be placed twice")
    placed_once(restaurant, page, "lost")
    assert len({*posts}) == 1


def test_an_order_that_is_placed_offline_arrives_once(page: Page, restaurant: System, posts: list[str]) -> None:
    ready_to_place(page, "offline", "coffee")
    page.context.set_offline(True)
    place_button(page).click()
    expect(page.get_by_role("dialog")).to_contain_text("No connection.")
    assert orders_of(restaurant, "offline") == []
    page.context.set_offline(False)
    placed_once(restaurant, page, "offline")
    assert len({*posts}) == 1


def test_a_reload_while_nobody_responds_goes_on_with_the_order(browsers: Browsers, restaurant: System) -> None:
    page = browsers.open("/")
    browsers.allow(page, CUT)
    wait_for(lambda: page.evaluate(IS_KEPT), "the page is kept on the device")
    ready_to_place(page, "kept page", "coffee")
    restaurant.gateway.kill()
    try:
        place_button(page).click()
        expect(page.get_by_role("dialog")).to_contain_text("No connection.")
        page.reload()
        expect(page.get_by_role("button", name=re.compile("Sending your order"))).to_be_visible()
    finally:
        restaurant.gateway.restart()
    placed_once(restaurant, page, "kept page")


def test_an_order_arrives_once_though_the_gateway_is_killed(page: Page, restaurant: System) -> None:
    ready_to_place(page, "killed", "coffee")
    restaurant.gateway.kill()
    try:
        place_button(page).click()
        expect(page.get_by_role("dialog")).to_contain_text("No connection.")
    finally:
        restaurant.gateway.restart()
    placed_once(restaurant, page, "killed")


def test_a_gateway_that_is_killed_after_it_has_placed_the_order_places_no_second(
    page: Page, restaurant: System
) -> None:
    ready_to_place(page, "killed after", "coffee")

    def kill(route: Route) -> None:
        route.fetch()
        restaurant.gateway.kill()
        route.abort()

    page.route("**/orders", kill, times=1)
    place_button(page).click()
    expect(page.get_by_role("dialog")).to_contain_text("your order will not be placed twice")
    restaurant.gateway.restart()
    placed_once(restaurant, page, "killed after")


def test_an_order_that_is_taken_back_before_it_arrives_is_not_placed(page: Page, restaurant: System) -> None:
    ready_to_place(page, "taken back", "coffee")
    page.route("**/orders", lambda route: route.abort())
    place_button(page).click()
    page.get_by_role("button", name="Do not order").click()
    expect(page.get_by_role("dialog")).to_contain_text("The order is taken back.", timeout=15_000)
    expect(page.get_by_role("dialog").locator(".basket-line")).to_have_count(1)
    assert orders_of(restaurant, "taken back") == []


def test_an_order_that_is_taken_back_after_it_arrived_is_cancelled(page: Page, restaurant: System) -> None:
    ready_to_place(page, "cancelled", "coffee")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/orders", lose)
    place_button(page).click()
    page.get_by_role("button", name="Do not order").click()
    expect(page.get_by_role("dialog")).to_contain_text("The order is taken back.", timeout=15_000)
    assert only_order(restaurant, "cancelled")["status"] == "cancelled"


def test_an_old_order_that_never_arrived_is_in_the_basket_again(browsers: Browsers, restaurant: System) -> None:
    device = browsers.device(service_workers="block")
    page = browsers.open("/", device)
    browsers.allow(page, CUT, "blocked by Playwright", "status of 404")
    ready_to_place(page, "old", "coffee")
    page.route("**/orders", lambda route: route.abort())
    place_button(page).click()
    expect(page.get_by_role("dialog")).to_contain_text("No connection.")
    page.evaluate("""() => { const draft = JSON.parse(localStorage.getItem('comanda.draft'));
      draft.attempt.at -= 3600e3; localStorage.setItem('comanda.draft', JSON.stringify(draft)); }""")
    page.unroute("**/orders")
    page.reload()
    open_basket(page)
    expect(page.get_by_role("dialog")).to_contain_text("An earlier order was never sent.", timeout=15_000)
    expect(page.get_by_role("dialog").locator(".basket-line")).to_have_count(1)
    assert orders_of(restaurant, "old") == []


def test_a_price_that_has_changed_is_told_before_anything_is_ordered(page: Page, restaurant: System) -> None:
    page.route("**/events?*", lambda route: route.abort())
    page.evaluate("""() => localStorage.setItem('comanda.draft', JSON.stringify({ table: 'price', lines: [
      { department: 'bar', item: 'coffee', quantity: 1, note: '', allergy: false, price: 90 }] }))""")
    page.reload()
    basket = open_basket(page)
    expect(basket.locator(".basket-trouble")).to_contain_text("It costs €1.00 now, not €0.90.")
    place_button(page).click()
    expect(basket.get_by_role("button", name="OK at €1.00")).to_be_focused()
    basket.get_by_role("button", name="OK at €1.00").click()
    place_button(page).click()
    placed_once(restaurant, page, "price")


def test_a_price_that_changes_while_the_order_is_on_its_way_is_told(page: Page, restaurant: System) -> None:
    add(page, "coffee")
    basket = open_basket(page)
    basket.get_by_label("Table").fill("price on its way")

    def expect_less(route: Route) -> None:
        route.continue_(
            post_data=(route.request.post_data or "").replace('"expected_price":100', '"expected_price":90')
        )

    page.route("**/orders", expect_less, times=1)
    place_button(page).click()
    sheet = order_sheet(page)
    expect(sheet.locator(".refusals")).to_contain_text("It costs €1.00 now")
    page.unroute("**/orders")
    sheet.get_by_role("button", name="Put it into the basket").click()
    place_button(page).click()
    expect(order_sheet(page).locator(".order-headline")).to_have_text("We have your order")
    newest, oldest = orders_of(restaurant, "price on its way")
    assert (newest["status"], oldest["status"]) == ("accepted", "refused")
