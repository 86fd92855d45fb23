"""What cooks do at a station."""

from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.pages.serving import wait_until_live
from tests.pages.support import Browsers
from tests.support.waiting import wait_for

Json = dict[str, Any]

_IS_ANOTHER_TAP = """async () => {
  const {station} = await import(document.querySelector("script[type=module]").src);
  const {last} = station.steps;
  return !last.key || !station.steps.isSameTap({department: last.key.split(" ")[0], order_id: last.key.split(" ")[1]});
}"""


def tablet(browsers: Browsers, *departments: str, **options: Any) -> BrowserContext:
    return browsers.pair(browsers.device(**options), "station", departments)


def open_station(browsers: Browsers, departments: str, device: BrowserContext | None = None, **options: Any) -> Page:
    """Open a station, and wait until it is up to date."""
    page = browsers.open(f"/stations/{departments}", device or tablet(browsers, *departments.split(","), **options))
    expect(page.locator(".station-main")).to_be_visible()
    wait_until_live(page)
    return page


def card(page: Page, placed: Json) -> Locator:
    return page.locator(f".ticket[data-order='{placed['order_id']}']:not(.is-leaving)")


def step_to(page: Page, placed: Json, verb: str, state: str | None) -> None:
    """Tap the button of a step, and wait until the card shows that it is taken. None: the card has left."""
    wait_for_new_tap(page)
    card(page, placed).get_by_role("button", name=verb, exact=True).click()
    expect_state(page, placed, state)


def press_to(page: Page, placed: Json, state: str | None) -> None:
    """Press Enter, and wait until the picked card shows that the step is taken."""
    wait_for_new_tap(page)
    page.keyboard.press("Enter")
    expect_state(page, placed, state)


def expect_state(page: Page, placed: Json, state: str | None) -> None:
    if state is None:
        expect(card(page, placed)).to_have_count(0)
    else:
        expect(card(page, placed)).to_have_attribute("data-state", state)


def wait_for_new_tap(page: Page) -> None:
    """Wait until the station takes a tap for another one than the last."""
    wait_for(lambda: page.evaluate(_IS_ANOTHER_TAP), "the last tap was long ago")
