"""A system of real programs for the pages of a module, and browsers for each test."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.pages.serving import manager_of
from tests.pages.support import Browsers, browsing, chromium
from tests.support.database_contents import Store
from tests.support.systems import System, Systems

expect.set_options(timeout=15_000)  # far more than a machine takes that has nothing else to do

MENUS = {
    "bar": {"coffee": 100, "soda": 3, "beer": 0},
    "kitchen": {"pasta": 100, "pizza": 100},
    "bakery": {"cookie": 100, "gelato": 2},
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each device in it has its own cookies and storage."""
    with sync_playwright() as playwright, chromium(playwright) as running:
        yield running


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    """Open systems that a module shares."""
    systems = Systems(tmp_path_factory.mktemp("systems"), Store)
    yield systems
    systems.close()


@pytest.fixture(scope="module")
def restaurant(systems: Systems) -> System:
    """A bar, a kitchen and a bakery."""
    return systems.open(MENUS)


@pytest.fixture
def browsers(browser: Browser, restaurant: System) -> Iterator[Browsers]:
    """Open pages; nothing may be wrong on any of them when the test ends."""
    with browsing(browser, restaurant) as browsers:
        yield browsers


@pytest.fixture
def staff(browsers: Browsers) -> Iterator[httpx.Client]:
    """A manager's client; what is open when the test ends is closed, so that the next one begins anew."""
    with manager_of(browsers) as client:
        yield client
