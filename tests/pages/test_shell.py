"""What all pages share: language and theme, working without scripts, and saying when they are out of date."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.support import Browsers, is_too_wide, serious_findings
from tests.support.keys import AUTHORIZED
from tests.support.systems import System
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

CUT = "ERR_|Failed to load resource|Failed to fetch"
"""What a browser says on its console when nobody responds."""

IS_KEPT = "async () => (await caches.keys()).length > 0 && !!(await caches.match(location.href))"


@pytest.fixture(scope="module")
def ada(restaurant: System) -> str:
    """A waiter; return the PIN."""
    person = {"name": "Ada", "role": "waiter", "pin": "271828"}
    made = httpx.post(f"{restaurant.url}/access/people", json=person, headers=AUTHORIZED, trust_env=False)
    assert made.is_success, made.text
    return "271828"


def test_language_and_theme_are_kept(browsers: Browsers) -> None:
    page = browsers.open("/sign-in")
    page.locator("#preferences summary").click()
    page.get_by_role("link", name="한국어").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("로그인")
    expect(page).to_have_url(f"{browsers.system.url}/sign-in")  # the choice is not left in the address
    page.locator("#preferences summary").click()
    page.get_by_role("link", name="어둡게").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_signing_in_and_out_needs_no_script(browsers: Browsers, ada: str) -> None:
    page = browsers.open("/sign-in?lang=es", java_script_enabled=False)
    page.get_by_label("Nombre").fill("Ada")
    page.get_by_label("PIN").fill("000000")
    browsers.allow(page, "status of 401")
    page.get_by_role("button", name="Iniciar sesión").click()
    expect(page.get_by_role("alert")).to_contain_text("no es correcto")
    page.get_by_label("Nombre").fill("Ada")
    page.get_by_label("PIN").fill(ada)
    page.get_by_role("button", name="Iniciar sesión").click()
    page.locator("#preferences summary").click()
    expect(page.locator("#preferences")).to_contain_text("Ha iniciado sesión como Ada.")
    page.get_by_role("button", name="Cerrar sesión").click()
    page.locator("#preferences summary").click()
    expect(page.locator("#preferences").get_by_role("link", name="Iniciar sesión")).to_be_visible()


def test_a_refusal_leads_to_the_sign_in_and_back_by_keyboard(browsers: Browsers) -> None:
    page = browsers.open("/stations/bar")
    browsers.allow(page, "status of 401")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Sign in").last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{browsers.system.url}/sign-in")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/stations", "/stations/kitchen", "/styles"])
def test_right_to_left_breaks_nothing(browsers: Browsers, path: str) -> None:
    page = browsers.open(path, browsers.pair(browsers.device(), "manager"))
    page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert not is_too_wide(page), f"at {width} px"
    assert serious_findings(page) == []
    brand, menu = (page.locator(each).bounding_box() for each in (".brand", "#preferences"))
    assert brand
    assert menu
    assert brand["x"] > menu["x"], "the header is mirrored"


def station(browsers: Browsers) -> Page:
    """Open the kitchen's station, and wait until it is up to date and kept on the device."""
    page = browsers.open("/stations/kitchen", browsers.pair(browsers.device(), "station", ["kitchen"]))
    browsers.allow(page, CUT)
    expect(page.locator("html")).not_to_have_class("is-stale")
    wait_for(lambda: page.evaluate(IS_KEPT), "the page is kept on the device")
    return page


@pytest.mark.timed
def test_a_page_says_within_12_seconds_that_it_is_out_of_date_and_recovers(browsers: Browsers) -> None:
    page = station(browsers)
    browsers.system.gateway.kill()
    try:
        banner = page.get_by_role("alert")
        expect(banner).to_contain_text("Out of date since", timeout=12_500)
    finally:
        browsers.system.gateway.restart()
    expect(page.get_by_role("alert")).to_have_count(0, timeout=20_000)


def test_a_page_that_is_opened_without_a_network_says_so_at_once(browsers: Browsers) -> None:
    page = station(browsers)
    browsers.system.gateway.kill()
    try:
        page.reload()
        expect(page.locator("#station-app")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("Out of date since", timeout=8_000)  # not after 11 s
    finally:
        browsers.system.gateway.restart()
    expect(page.get_by_role("alert")).to_have_count(0, timeout=40_000)


def test_signing_out_leaves_no_page_on_the_device(browsers: Browsers) -> None:
    page = station(browsers)
    page.locator("#preferences summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    kept = "async (path) => !!(await caches.match(path))"
    wait_for(lambda: not page.evaluate(kept, "/stations/kitchen"), "nothing is kept")


def test_a_device_whose_key_is_revoked_learns_it(browsers: Browsers) -> None:
    page = station(browsers)
    keys = httpx.get(f"{browsers.system.url}/access/keys", headers=AUTHORIZED, trust_env=False).json()["keys"]
    (key_id,) = [each["id"] for each in keys if each["role"] == "station" and each["name"] == browsers.named[-1]]
    httpx.delete(f"{browsers.system.url}/access/keys/{key_id}", headers=AUTHORIZED, trust_env=False).raise_for_status()
    expect(page.get_by_role("alert")).to_contain_text("may not see this any more", timeout=20_000)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{browsers.system.url}/sign-in")


def test_a_department_that_is_away_is_named(browsers: Browsers) -> None:
    page = station(browsers)
    kitchen = browsers.system["kitchen"]
    kitchen.kill()
    try:
        expect(page.get_by_role("alert")).to_contain_text("Kitchen cannot be reached since", timeout=20_000)
    finally:
        kitchen.restart()
    expect(page.get_by_role("alert")).to_have_count(0, timeout=20_000)
