"""What cooks do at a station."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.pages.support import Browsers
from tests.support.waiting import wait_for

Json = dict[str, Any]

TAP_MS = 10_000
"""How long a button that stays may take until it can be tapped."""


def tablet(browsers: Browsers, *departments: str, **options: Any) -> BrowserContext:
    return browsers.pair(browsers.device(**options), "station", departments)


def open_station(browsers: Browsers, departments: str, device: BrowserContext | None = None, **options: Any) -> Page:
    """Open a station, and wait until it is up to date."""
    page = browsers.open(f"/stations/{departments}", device or tablet(browsers, *departments.split(","), **options))
    expect(page.locator(".station-main")).to_be_visible()
    wait_until_live(page)
    return page


def wait_until_live(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-live", "true")


def card(page: Page, placed: Json) -> Locator:
    return page.locator(f".ticket[data-order='{placed['order_id']}']:not(.is-leaving)")


def step_to(page: Page, placed: Json, verb: str, state: str | None) -> None:
    """Tap until the step is taken: a second tap within 0.6 s is the same tap. None: the card has left."""
    button = card(page, placed).get_by_role("button", name=verb, exact=True)
    reach(page, placed, state, lambda: tap_if_there(button))


def tap_if_there(button: Locator) -> None:
    """Tap a button of a card, unless there is none, or its card begins to leave, which makes it inert, meanwhile."""
    if not button.count():
        return
    try:
        button.click(timeout=TAP_MS)
    except PlaywrightTimeoutError:
        if button.count():
            raise


def reach(page: Page, placed: Json, state: str | None, act: Callable[[], None]) -> None:
    def is_there() -> bool:
        found = card(page, placed)
        if (found.get_attribute("data-state") if found.count() else None) == state:
            return True
        act()
        return False

    wait_for(is_there, f"the ticket is {state or 'gone'}")
