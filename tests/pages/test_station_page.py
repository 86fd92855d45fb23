"""The stations, in a real Chromium: an order through three of them, two cooks, a network that fails, keys, sounds."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.serving import clear, move, place, wait_for_state, wait_until_live
from tests.pages.stations import card, open_station, press_to, step_to, tablet
from tests.pages.support import (
    FLAGS,
    LOOKS,
    SIZES,
    Browsers,
    find_chromium,
    is_too_wide,
    serious_findings,
)
from tests.support.keys import AUTHORIZED
from tests.support.rest_clients import line
from tests.support.systems import System
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.pages, pytest.mark.long]

Json = dict[str, Any]

CUT = "ERR_|Failed to load resource|Failed to fetch"
"""What a browser says on its console when nobody responds, or with a refusal."""

STALE = "Out of date since"

_NOTE_FLASHES = """() => {
  window.heard.length = 0;
  window.flashed = [];
  const {dataset} = document.documentElement;
  new MutationObserver(() => { if (dataset.flash) window.flashed.push(dataset.flash); })
    .observe(document.documentElement, {attributeFilter: ["data-flash"]});
}"""
"""Notes each flash, which is over after a moment."""


def ticket_of(staff: httpx.Client, department: str, order_id: str) -> Json:
    found: Json = staff.get(f"/tickets/{department}/{order_id}").raise_for_status().json()
    return found


def step(page: Page, placed: Json, verb: str) -> None:
    card(page, placed).get_by_role("button", name=verb, exact=True).click()


def test_an_order_goes_through_three_stations(browsers: Browsers, staff: httpx.Client) -> None:
    pages = {name: open_station(browsers, name) for name in ("bar", "kitchen", "bakery")}
    for page in pages.values():
        expect(page.get_by_text("All caught up")).to_be_visible()
    placed = place(staff, line("bar", "coffee", 2), line("kitchen", "pizza"), line("bakery", "cookie", 3))
    for page, dish in zip(pages.values(), ("2 Coffee", "1 Pizza", "3 Cookie"), strict=True):
        expect(card(page, placed)).to_contain_text(str(placed["number"]))
        expect(card(page, placed)).to_contain_text("Table 7")
        expect(card(page, placed).get_by_role("checkbox")).to_have_text(re.compile(dish.replace(" ", r"\D\s*")))
    others = {name: open_station(browsers, name) for name in pages}
    for name, page in pages.items():
        card(page, placed).get_by_role("checkbox").click()
        expect(card(others[name], placed).get_by_role("checkbox")).to_be_checked()
        for verb, state in (("Start", "preparing"), ("Finish", "ready")):
            step_to(page, placed, verb, state)
            expect(card(others[name], placed)).to_have_attribute("data-state", state)
        step_to(page, placed, "Serve", None)
        expect(card(others[name], placed)).to_have_count(0)
        expect(page.get_by_text("All caught up")).to_be_visible()
    wait_for(lambda: staff.get(f"/orders/{placed['order_id']}").json()["progress"] == "served", "the order follows")


def test_of_two_cooks_the_second_learns_who_was_faster_and_when(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar")
    placed = place(staff, line("bar", "coffee"))
    expect(card(page, placed)).to_be_visible()
    browsers.allow(page, "status of 409")
    sent: list[str] = []

    def be_faster(route: Any) -> None:
        sent.append(route.request.post_data)
        assert move(staff, "bar", placed["order_id"], "start", "queued", moved_by="Bo").is_success
        route.continue_()

    page.route("**/moves", be_faster)
    step(page, placed, "Start")
    notice = card(page, placed).locator(".ticket-notice")
    expect(notice).to_contain_text(re.compile(r"Bo .*was faster, at \d\d:\d\d"))
    expect(card(page, placed)).to_have_attribute("data-state", "preparing")
    assert len(sent) == 1
    assert str(ticket_of(staff, "bar", placed["order_id"])["moved_by"]).startswith("Bo")


def test_a_step_can_be_undone_and_a_served_ticket_brought_back(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar")
    placed = place(staff, line("bar", "coffee"))
    step(page, placed, "Start")
    page.get_by_role("button", name="Undo").click()
    expect(card(page, placed)).to_have_attribute("data-state", "queued")
    wait_for_state(staff, "bar", placed, "queued")
    move(staff, "bar", placed["order_id"], "start", "queued")
    move(staff, "bar", placed["order_id"], "finish", "preparing")
    move(staff, "bar", placed["order_id"], "serve", "ready")
    expect(card(page, placed)).to_have_count(0)
    page.get_by_role("button", name="Recall").click()
    closed = page.locator(f".closed-ticket[data-order='{placed['order_id']}']")
    closed.get_by_role("button", name="Recall").click()
    expect(card(page, placed)).to_have_attribute("data-state", "ready")


def test_an_undo_does_not_undo_what_somebody_else_did(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar")
    placed = place(staff, line("bar", "coffee"))
    step(page, placed, "Start")
    wait_for(lambda: ticket_of(staff, "bar", placed["order_id"])["state"] == "preparing", "the step is taken")
    move(staff, "bar", placed["order_id"], "finish", "preparing")
    expect(card(page, placed)).to_have_attribute("data-state", "ready")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("was not taken back")
    assert ticket_of(staff, "bar", placed["order_id"])["state"] == "ready"


def test_an_allergy_is_confirmed_before_the_start(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "kitchen")
    placed = place(staff, line("kitchen", "pizza") | {"allergy": True, "note": "nuts"})
    band = card(page, placed).locator(".ticket-allergy")
    expect(band.locator("svg")).to_be_visible()
    assert band.bounding_box()["height"] >= 64  # type: ignore[index]
    card(page, placed).get_by_role("button", name="Confirm the allergy", exact=True).click(force=True)
    expect(card(page, placed)).to_have_attribute("data-state", "queued")
    band.click()
    step(page, placed, "Start")
    expect(card(page, placed)).to_have_attribute("data-state", "preparing")


def test_the_next_step_is_one_large_button(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar")
    placed = place(staff, line("bar", "coffee"))
    box = card(page, placed).get_by_role("button", name="Start").bounding_box()
    assert box is not None
    assert box["height"] >= 64
    assert box["width"] >= 200


def test_notes_with_markup_stay_text(browsers: Browsers, staff: httpx.Client) -> None:
    note = "<img src=x onerror=alert(1)> & <b>well done</b> ${7*7} {{x}}"
    placed = place(staff, line("kitchen", "pizza") | {"note": note}, table="<i>9</i>")
    page = open_station(browsers, "kitchen")
    expect(card(page, placed).locator(".ticket-note")).to_have_text(note)
    expect(card(page, placed)).to_contain_text("Table <i>9</i>")
    assert card(page, placed).locator("img, b, i").count() == 0


@pytest.mark.parametrize("by", ["guest", "staff"])
def test_a_cancelled_ticket_stays_until_somebody_acknowledges_it(
    browsers: Browsers, staff: httpx.Client, by: str
) -> None:
    page = open_station(browsers, "bar")
    placed = place(staff, line("bar", "coffee"))
    expect(card(page, placed)).to_be_visible()
    if by == "guest":
        staff.delete(f"/orders/{placed['order_id']}").raise_for_status()
    else:
        assert move(staff, "bar", placed["order_id"], "cancel", "queued", reason="spilt", moved_by="Bo").is_success
    expect(card(page, placed)).to_have_attribute("data-state", "cancelled")
    expect(card(page, placed)).to_contain_text("Cancelled: stop")
    expect(page.locator("#station-news")).to_have_text(f"Ticket {placed['number']} was cancelled")
    if by == "staff":
        expect(card(page, placed)).to_contain_text("spilt")
    page.reload()
    wait_until_live(page)
    expect(card(page, placed)).to_have_attribute("data-state", "cancelled")
    step(page, placed, "Seen")
    expect(card(page, placed)).to_have_count(0)
    page.reload()
    wait_until_live(page)
    expect(card(page, placed)).to_have_count(0)


def test_steps_without_a_network_are_sent_later_and_say_what_was_overtaken(
    browsers: Browsers, staff: httpx.Client
) -> None:
    page = open_station(browsers, "bar")
    mine, theirs = place(staff, line("bar", "coffee")), place(staff, line("bar", "coffee"))
    expect(card(page, theirs)).to_be_visible()
    browsers.allow(page, CUT)
    page.context.set_offline(True)
    step(page, mine, "Start")
    step(page, theirs, "Start")
    expect(card(page, mine)).to_have_attribute("data-state", "preparing")
    expect(page.locator("#banners")).to_contain_text("2 steps wait to be sent")
    assert move(staff, "bar", theirs["order_id"], "start", "queued", moved_by="Bo").is_success
    assert move(staff, "bar", theirs["order_id"], "finish", "preparing", moved_by="Bo").is_success
    page.context.set_offline(False)
    expect(page.locator("#banners")).not_to_contain_text("wait to be sent", timeout=20_000)
    expect(card(page, theirs)).to_have_attribute("data-state", "ready")
    expect(card(page, theirs).locator(".ticket-notice")).to_contain_text("Bo")
    assert ticket_of(staff, "bar", mine["order_id"])["state"] == "preparing"
    assert ticket_of(staff, "bar", theirs["order_id"])["state"] == "ready"


def test_a_killed_gateway_shows_as_stale_and_what_was_done_meanwhile_arrives(
    browsers: Browsers, staff: httpx.Client
) -> None:
    page = open_station(browsers, "bar")
    placed = place(staff, line("bar", "coffee"))
    expect(card(page, placed)).to_be_visible()
    browsers.allow(page, CUT)
    browsers.system.gateway.kill()
    expect(page.locator("#banners")).to_contain_text(re.compile(rf"{STALE} \d\d:\d\d"), timeout=20_000)
    step(page, placed, "Start")
    expect(card(page, placed)).to_have_attribute("data-state", "preparing")
    browsers.system.gateway.restart()
    expect(page.locator("#banners")).not_to_contain_text(STALE, timeout=45_000)
    wait_for(lambda: ticket_of(staff, "bar", placed["order_id"])["state"] == "preparing", "the step has arrived")
    expect(page.locator("#banners")).not_to_contain_text("wait", timeout=20_000)


def test_a_killed_department_is_named_and_its_steps_wait_for_it(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar,bakery")
    coffee, cookie = place(staff, line("bar", "coffee")), place(staff, line("bakery", "cookie"))
    expect(card(page, cookie)).to_be_visible()
    browsers.allow(page, CUT)
    browsers.system["bar"].kill()
    expect(page.locator("#banners")).to_contain_text(
        re.compile(r"Bar cannot be reached since \d\d:\d\d"), timeout=20_000
    )
    step(page, coffee, "Start")
    step(page, cookie, "Start")
    wait_for(lambda: ticket_of(staff, "bakery", cookie["order_id"])["state"] == "preparing", "the bakery goes on")
    browsers.system["bar"].restart()
    wait_for(lambda: ticket_of(staff, "bar", coffee["order_id"])["state"] == "preparing", "the bar's step has arrived")
    expect(page.locator("#banners")).not_to_contain_text("cannot be reached", timeout=20_000)


def test_a_wrong_clock_of_the_device_changes_no_age(browsers: Browsers, staff: httpx.Client) -> None:
    device = tablet(browsers, "bar")
    device.add_init_script("const real = Date.now; Date.now = () => real() + 7_200_000;")
    placed = place(staff, line("bar", "coffee"))
    page = open_station(browsers, "bar", device)
    expect(card(page, placed).locator(".ticket-age")).to_have_text(re.compile(r"^0:\d\d$"))
    clocks = [each.locator(".station-clock") for each in (page, open_station(browsers, "bar"))]
    wait_for(lambda: len({each.inner_text() for each in clocks}) == 1, "both clocks show the same minute")


@pytest.mark.parametrize("night", ["2026-03-29T00:59:30Z", "2026-10-25T00:59:30Z"], ids=["spring", "autumn"])
def test_the_night_in_which_the_clocks_are_set_changes_no_age(
    browsers: Browsers, staff: httpx.Client, night: str
) -> None:
    page = open_station(
        browsers, "bar", browsers.pair(browsers.device(timezone_id="Europe/Madrid"), "station", ["bar"])
    )
    page.evaluate(
        """async (placed) => { const at = document.querySelector("script[type=module]").src;
        const {station} = await import(at); const {store} = station;
        store.take("tick", {now_ms: Date.parse(placed) + 61_000, departments: {}});
        store.take("ticket", {department: "bar", order_id: "night", number: 1, table: "7", source: "gateway",
          state: "queued", placed_at: placed, started_at: null, ready_at: null, served_at: null, cancelled_at: null,
          moved_by: null, moved_at: null, cancel_reason: null, wasted: false, revision: 1, lines: [{item: "coffee",
          quantity: 1, note: "", allergy: false, made: false, outcome: "accepted", unit_price: 1}]});
        store.take = () => {}; }""",  # else the next tick says that it is today
        night,
    )
    expect(card(page, {"order_id": "night"}).locator(".ticket-age")).to_have_text(re.compile(r"^1:\d\d$"))


def test_sound_that_is_blocked_is_said_until_somebody_starts_the_station(
    browsers: Browsers, staff: httpx.Client
) -> None:
    page = open_station(browsers, "bar")
    start = page.get_by_role("button", name="Start station")
    expect(page.locator("#banners")).to_contain_text("New tickets make no sound yet")
    placed = place(staff, line("bar", "coffee"))
    expect(card(page, placed)).to_be_visible()
    start.click()
    expect(start).to_have_count(0)
    expect(page.locator("html")).to_have_class(re.compile("is-bare"))


def test_a_started_station_that_is_opened_anew_says_that_the_browser_wants_a_tap(
    browser: Browser, restaurant: System, staff: httpx.Client
) -> None:
    flags = [*FLAGS, "--autoplay-policy=document-user-activation-required"]
    strict = browser.browser_type.launch(executable_path=find_chromium(), args=flags)
    browsers = Browsers(strict, restaurant)
    try:
        device = tablet(browsers, "bar")
        started = open_station(browsers, "bar", device)
        started.get_by_role("button", name="Start station").click()
        expect(started.get_by_role("button", name="Start station")).to_have_count(0)
        started.close()
        page = open_station(browsers, "bar", device)
        browsers.allow(page, "AudioContext was not allowed to start")
        expect(page.locator("#banners")).to_contain_text("no sound")
        page.locator(".station-main").click()
        expect(page.get_by_role("button", name="Start station")).to_have_count(0)
        browsers.check()
    finally:
        browsers.close()
        strict.close()


def test_a_station_that_may_miss_tickets_does_not_say_that_all_is_done(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar")
    expect(page.get_by_text("All caught up")).to_be_visible()
    browsers.allow(page, CUT)
    browsers.system["bar"].kill()
    expect(page.get_by_text("Nothing is known")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("All caught up")).to_have_count(0)
    assert (
        "All caught up"
        not in httpx.get(
            f"{browsers.system.url}/stations/bar", headers={**AUTHORIZED, "accept": "text/html"}, trust_env=False
        ).text.split("page-data")[0]
    )
    browsers.system["bar"].restart()
    expect(page.get_by_text("All caught up")).to_be_visible(timeout=30_000)


def test_a_new_ticket_and_a_cancelled_one_sound_and_flash_differently(browsers: Browsers, staff: httpx.Client) -> None:
    device = tablet(browsers, "bar")
    device.add_init_script(
        "window.heard = []; const start = OscillatorNode.prototype.start;"
        "OscillatorNode.prototype.start = function (at) {"
        " window.heard.push(Math.round(this.frequency.value)); return start.call(this, at); };"
    )
    page = open_station(browsers, "bar", device)
    page.get_by_role("button", name="Start station").click()
    expect(page.get_by_role("button", name="Start station")).to_have_count(0)
    wait_for(lambda: page.evaluate("() => window.heard.length"), "the tap sounds")
    page.evaluate(_NOTE_FLASHES)
    placed = place(staff, line("bar", "coffee"))
    heard = [["ticket"], [880, 1175]]
    wait_for(lambda: page.evaluate("() => [window.flashed, window.heard]") == heard, "a new ticket flashes and sounds")
    staff.delete(f"/orders/{placed['order_id']}").raise_for_status()
    heard = [["ticket", "cancelled"], [880, 1175, 392, 294, 220]]
    wait_for(lambda: page.evaluate("() => [window.flashed, window.heard]") == heard, "a cancelled one does, too")


def test_nothing_moves_while_a_pointer_is_down(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar", size=SIZES["wall"])
    first, second = place(staff, line("bar", "coffee")), place(staff, line("bar", "coffee"))
    button = card(page, second).get_by_role("button", name="Start")
    button.hover()
    before = card(page, second).bounding_box()
    page.mouse.down()
    move(staff, "bar", first["order_id"], "cancel", "queued")
    third = place(staff, line("bar", "coffee"))
    wait_for(lambda: known(page, third), "the page has received the new ticket")
    assert card(page, second).bounding_box() == before
    expect(card(page, third)).to_have_count(0)
    expect(card(page, first)).to_have_attribute("data-state", "queued")
    page.mouse.up()
    expect(card(page, second)).to_have_attribute("data-state", "preparing")
    expect(card(page, third)).to_be_visible()


def known(page: Page, placed: Json) -> bool:
    """Return whether a page has received a ticket, though it may not have drawn it yet."""
    return bool(
        page.evaluate(
            """async (id) => { const at = document.querySelector("script[type=module]").src;
            const {station} = await import(at);
            return [...station.store.tickets.values()].some((ticket) => ticket.order_id === id); }""",
            placed["order_id"],
        )
    )


def test_a_whole_evening_by_keyboard(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "kitchen")
    first = place(staff, line("kitchen", "pasta"))
    second = place(staff, line("kitchen", "pizza") | {"allergy": True})
    expect(card(page, second)).to_be_visible()
    page.keyboard.press("2")
    expect(card(page, second).locator(".ticket-allergy")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card(page, second).get_by_role("button", name="Start")).to_be_focused()
    page.keyboard.press("NumpadEnter")
    expect(card(page, second)).to_have_attribute("data-state", "preparing")
    page.keyboard.press("r")
    expect(card(page, second)).to_have_attribute("data-state", "queued")
    page.keyboard.press("1")
    for state in ("preparing", "ready", None):
        press_to(page, first, state)
    page.keyboard.press("0")
    expect(page.locator(".toast")).to_have_count(0, timeout=8000)
    page.keyboard.press("r")
    expect(page.locator(".drawer")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(card(page, first)).to_have_attribute("data-state", "ready")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)


def test_what_is_off_sale_and_what_has_come(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "bar", browsers.pair(browsers.device(), "manager"))
    other = open_station(browsers, "bar")
    for each in (page, other):
        each.get_by_role("button", name="Stock", exact=True).click()
    row, seen = (each.locator(".stock-row[data-item=soda]") for each in (page, other))
    expect(seen.get_by_role("button", name="Stock")).to_have_count(0)
    seen.get_by_role("switch").click()
    expect(row).to_have_attribute("data-on-sale", "false")
    row.get_by_role("switch").click()
    expect(seen).to_have_attribute("data-on-sale", "true")
    left = int(re.findall(r"\d+", row.locator(".stock-left").inner_text())[0])
    row.get_by_role("button", name="Stock").click()
    page.get_by_label("How many?").fill("24")
    page.get_by_role("button", name="Arrived").click()
    expect(seen).to_contain_text(f"{left + 24} left")
    row.get_by_role("button", name="Stock").click()
    page.get_by_label("How many?").fill(str(left))
    page.get_by_role("button", name="Counted").click()
    expect(seen).to_contain_text(f"{left} left")


def test_all_day_counts_are_of_the_same_tickets(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_station(browsers, "kitchen", size=SIZES["wall"])
    placed = place(staff, line("kitchen", "pizza", 2), line("kitchen", "pasta"))
    place(staff, line("kitchen", "pizza", 3))
    page.get_by_role("button", name="All day").click()
    expect(page.locator(".count[data-item=pizza]")).to_contain_text(re.compile(r"5\s*Pizza"))
    card(page, placed).get_by_role("checkbox", name="Pizza").click()
    expect(page.locator(".count[data-item=pizza]")).to_contain_text(re.compile(r"3\s*Pizza"))


def test_ten_tabs_in_one_browser_all_work(browsers: Browsers, staff: httpx.Client) -> None:
    device = tablet(browsers, "bar")
    pages = []
    for _ in range(10):
        pages.append(open_station(browsers, "bar", device))
        for page in pages[:-1]:
            hide(page)
    placed = place(staff, line("bar", "coffee"))
    expect(card(pages[-1], placed)).to_be_visible()
    show(pages[0])
    expect(card(pages[0], placed)).to_be_visible()
    step(pages[0], placed, "Start")
    expect(card(pages[-1], placed)).to_have_attribute("data-state", "preparing")


def hide(page: Page) -> None:
    """Let a page be as behind another one: a headless browser shows all of them at once."""
    page.evaluate(
        """() => { if (document.hidden) return;
        Object.defineProperty(document, "hidden", {configurable: true, get: () => true});
        document.dispatchEvent(new Event("visibilitychange")); }"""
    )


def show(page: Page) -> None:
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")


@pytest.fixture(scope="module")
def full(restaurant: System) -> Iterator[System]:
    """A kitchen with tickets of all kinds."""
    with httpx.Client(base_url=restaurant.restored().url, headers=AUTHORIZED, trust_env=False, timeout=20) as client:
        placed = [
            place(client, line("kitchen", "pizza") | {"allergy": True, "note": "nuts"}, line("kitchen", "pasta", 2))
            for _ in range(5)
        ]
        move(client, "kitchen", placed[1]["order_id"], "start", "queued", moved_by="Ada")
        move(client, "kitchen", placed[2]["order_id"], "start", "queued", moved_by="Ada")
        move(client, "kitchen", placed[2]["order_id"], "finish", "preparing", moved_by="Ada")
        yield restaurant
        clear(restaurant, client)


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_axe_finds_nothing_serious(browsers: Browsers, full: System, language: str, theme: str) -> None:
    page = open_station(browsers, "kitchen", language=language, theme=theme)
    with httpx.Client(base_url=full.url, headers=AUTHORIZED, trust_env=False) as client:
        cancelled = place(client, line("kitchen", "pasta"))
        expect(card(page, cancelled)).to_be_visible()
        move(client, "kitchen", cancelled["order_id"], "cancel", "queued", reason="spilt")
    expect(card(page, cancelled)).to_have_attribute("data-state", "cancelled")
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for drawer in (None, "counts", "recall", "stock", "screen"):
            if drawer:
                page.locator(f".tool[data-drawer={drawer}]").click()
                expect(page.locator(f".drawer[data-name={drawer}]")).to_be_visible()
            if drawer is None or name in ("small", "wall"):
                assert serious_findings(page) == [], (name, drawer)
                assert not is_too_wide(page), (name, drawer)
        page.keyboard.press("Escape")
        expect(page.locator(".drawer")).to_have_count(0)
