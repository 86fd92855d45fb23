"""The waiter's page in a real Chromium: ordering for a table, call-outs, serving, cancelling, finding."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.serving import make, move, open_page, part, place, tile, wait_for_state, wait_until_live
from tests.pages.support import LOOKS, SIZES, Browsers, is_too_wide, serious_findings
from tests.support.rest_clients import line
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.pages, pytest.mark.long]

CUT = "ERR_|Failed to load resource|Failed to fetch"


def add(page: Page, department: str, item: str) -> None:
    page.locator(f".menu-item[data-department='{department}'][data-item='{item}'] .add-button").click()


def test_a_waiter_orders_hears_that_it_is_ready_and_serves(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/waiter", size=SIZES["phone"])
    page.get_by_role("searchbox").fill("7")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", name="Table 7")).to_be_focused()
    page.get_by_role("link", name="Order", exact=True).last.click()
    expect(page.get_by_role("heading", name="Order for table 7")).to_be_visible()
    add(page, "bar", "coffee")
    add(page, "kitchen", "pasta")
    page.get_by_role("button", name="Show the basket").click()
    page.get_by_role("dialog").get_by_role("button", name="Place the order").click()
    expect(page.locator(".toast")).to_contain_text("is placed for table 7")
    expect(page.locator(".bill")).to_have_count(1)
    order_id = page.locator(".bill").get_attribute("data-order")
    placed = staff.get(f"/orders/{order_id}").json()
    assert placed["table"] == "7"
    assert [each["item"] for each in placed["lines"]] == ["coffee", "pasta"]
    expect(part(page, placed, "bar")).to_have_attribute("data-state", "queued")

    make(staff, "bar", placed)
    call = page.locator(".banner.good")
    expect(call).to_contain_text(f"Table 7 ({placed['number']}): ready at Bar")
    call.get_by_role("button", name="Got it").click()
    expect(call).to_have_count(0)

    part(page, placed, "bar").get_by_role("button", name="Serve").click()
    expect(part(page, placed, "bar")).to_have_attribute("data-state", "served")
    wait_for_state(staff, "bar", placed, "served")
    page.get_by_role("button", name="Undo").click()
    expect(part(page, placed, "bar")).to_have_attribute("data-state", "ready")
    wait_for_state(staff, "bar", placed, "ready")


def test_what_could_not_be_had_is_shown_at_once_and_at_the_table(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/waiter?table=4&new=1", size=SIZES["wall"])
    add(page, "bakery", "gelato")
    add(page, "kitchen", "pizza")
    expect(page.locator(".order-aside .basket-line")).to_have_count(2)
    expect(page.locator(".order-aside").get_by_label(re.compile("Table"))).to_have_count(0)
    browsers.allow(page, "status of 409")
    place(staff, line("bakery", "gelato", 2), table="9")  # somebody was faster
    expect(page.locator(".order-aside .basket-trouble")).to_be_visible()
    page.locator(".order-aside .basket-trouble").get_by_role("button").click()
    page.locator(".order-aside").get_by_role("button", name="Place the order").click()
    expect(page.locator(".bill")).to_have_count(1)
    expect(tile(page, "4")).to_have_attribute("aria-current", "true")


def test_a_basket_of_each_table_survives_a_reload(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/waiter?table=12&new=1")
    add(page, "kitchen", "pizza")
    page.goto("/waiter?table=3&new=1")
    expect(page.locator(".basket-button")).to_have_count(0)
    page.goto("/waiter")
    expect(tile(page, "12")).to_contain_text("not sent")
    tile(page, "12").click()
    page.get_by_role("link", name="Go on ordering").click()
    expect(page.locator(".basket-button")).to_contain_text("1")


def test_tables_show_what_is_open_ready_and_late(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/waiter", size=SIZES["tablet"])
    expect(page.get_by_text("Nothing is open", exact=True)).to_be_visible()
    first = place(staff, line("bar", "coffee"), line("kitchen", "pizza"), table="10")
    place(staff, line("kitchen", "pasta"), table="2")
    expect(page.locator(".tiles:not(.is-free) .tile-name")).to_have_text(["2", "10"])
    expect(tile(page, "10")).to_contain_text("2 being made")
    make(staff, "bar", first)
    expect(tile(page, "10")).to_have_attribute("data-state", "ready")
    expect(tile(page, "10")).to_contain_text("1 ready")
    expect(tile(page, "10")).to_contain_text("1 being made")
    page.locator("[data-filter=ready]").click()
    expect(page.locator(".tiles .tile-name")).to_have_text(["10"])
    page.locator("[data-filter=late]").click()
    expect(page.get_by_text("Nothing is late")).to_be_visible()


def test_the_facts_of_a_table_with_a_long_name_do_not_cover_its_age(browsers: Browsers, staff: httpx.Client) -> None:
    place(staff, line("bar", "coffee", 12), table="Terrace by the old olive tree 3")
    page = open_page(browsers, "/waiter", size=SIZES["small"])
    found = tile(page, "Terrace by the old olive tree 3")
    expect(found.locator(".fact")).to_have_text("12 being made")
    age, facts = (found.locator(each).bounding_box() for each in (".tile-age", ".fact"))
    assert age
    assert facts
    assert age["y"] + age["height"] <= facts["y"]


def test_a_cancel_with_its_reason_reaches_the_guests_order(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("kitchen", "pizza"), line("bar", "coffee"), table="7")
    make(staff, "bar", placed, "start")
    page = open_page(browsers, "/waiter?table=7")
    expect(part(page, placed, "bar").get_by_role("button", name="Cancel")).to_have_count(0)  # it is begun
    part(page, placed, "kitchen").get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"1 .* Pizza"))
    dialog.get_by_label("Another reason").fill("The oven is broken")
    dialog.get_by_role("button", name="Cancel with this reason").click()
    expect(part(page, placed, "kitchen")).to_have_attribute("data-state", "cancelled")
    expect(part(page, placed, "kitchen")).to_contain_text("The oven is broken")

    def line_of_guest() -> dict[str, Any]:
        lines: list[dict[str, Any]] = staff.get(f"/orders/{placed['order_id']}").json()["lines"]
        return next(each for each in lines if each["item"] == "pizza")

    wait_for(lambda: line_of_guest()["outcome"] == "cancelled", "the guest's order has the cancel")
    assert "The oven is broken" in line_of_guest()["reason"]
    call = page.locator(".banner.bad").filter(has_text=f"({placed['number']})")
    expect(call).to_have_count(0)  # who cancels needs no call


def test_a_cancel_by_a_station_is_called_out_with_its_reason(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/waiter")
    placed = place(staff, line("kitchen", "pizza"), table="5")
    expect(tile(page, "5")).to_be_visible()
    move(staff, "kitchen", placed["order_id"], "cancel", "queued", reason="none left").raise_for_status()
    expect(page.locator(".banner.bad").filter(has_text="cancelled by Kitchen. none left")).to_have_count(1)


def test_a_table_is_found_by_an_orders_number(browsers: Browsers, staff: httpx.Client) -> None:
    open_one = place(staff, line("kitchen", "pizza"), table="Terrace 2")
    old = place(staff, line("bar", "coffee"), table="21")
    make(staff, "bar", old, "start", "finish", "serve")
    page = open_page(browsers, "/waiter", size=SIZES["tablet"])
    search = page.locator("#find")
    search.fill(str(open_one["number"]))
    expect(page.locator(".tiles:not(.is-free) .tile-name")).to_have_text(["Terrace 2"])
    search.press("Enter")
    expect(page.get_by_role("heading", name="Table Terrace 2")).to_be_visible()
    expect(page.locator(".bill.is-found .bill-number")).to_have_text(str(open_one["number"]))
    page.go_back()
    search.fill(str(old["number"]))
    page.get_by_role("button", name=f"Find order {old['number']}").click()
    expect(page.get_by_role("heading", name="Table 21")).to_be_visible()
    expect(part(page, old, "bar")).to_have_attribute("data-state", "served")
    page.keyboard.press("Escape")
    known = staff.get("/orders", params={"limit": 100}).raise_for_status().json()["orders"]
    missing = next(number for number in range(900, 999) if number not in {order["number"] for order in known})
    search.fill(str(missing))
    search.press("Enter")
    expect(page.get_by_role("alert").filter(has_text=f"no order {missing}")).to_be_visible()


def test_of_two_waiters_the_second_learns_that_it_is_served(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("bar", "coffee"), table="7")
    make(staff, "bar", placed)
    page = open_page(browsers, "/waiter?table=7")
    browsers.allow(page, "status of 409")

    def be_faster(route: Any) -> None:
        assert move(staff, "bar", placed["order_id"], "serve", "ready", moved_by="Bo").is_success
        route.continue_()

    page.route("**/moves", be_faster)
    part(page, placed, "bar").get_by_role("button", name="Serve").click()
    expect(page.locator(".toast.bad")).to_contain_text("was faster")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_a_waiters_page_says_that_it_is_out_of_date_and_goes_on(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/waiter")
    browsers.allow(page, CUT)
    browsers.system.gateway.terminate()
    expect(page.get_by_text("Out of date since")).to_be_visible(timeout=20_000)
    browsers.system.restored()
    expect(page.get_by_text("Out of date since")).to_have_count(0, timeout=30_000)
    wait_until_live(page)
    place(staff, line("kitchen", "pizza"), table="33")
    expect(tile(page, "33")).to_be_visible()


def test_a_waiter_works_by_keyboard(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("bar", "coffee"), table="7")
    make(staff, "bar", placed)
    page = open_page(browsers, "/waiter", size=SIZES["tablet"])
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Table 7")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(part(page, placed, "bar").get_by_role("button", name="Serve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(part(page, placed, "bar")).to_have_attribute("data-state", "served")
    page.keyboard.press("Escape")
    expect(page.locator(".waiter-bar")).to_be_visible()
    expect(page).to_have_url(f"{browsers.system.url}/waiter")


@pytest.mark.parametrize(("role", "departments"), [(None, ()), ("station", ("bar",))])
def test_who_may_not_is_refused_kindly(browsers: Browsers, role: str | None, departments: tuple[str, ...]) -> None:
    device = browsers.device()
    if role:
        browsers.pair(device, role, departments)
    page = browsers.open("/waiter", device)
    browsers.allow(page, "status of 40[13]")
    expect(page.get_by_role("link", name="Sign in").last).to_be_visible()
    assert serious_findings(page) == []


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_every_state_of_it_is_accessible(browsers: Browsers, staff: httpx.Client, language: str, theme: str) -> None:
    placed = place(
        staff,
        line("bar", "coffee"),
        line("kitchen", "pizza") | {"note": "no nuts", "allergy": True},
        line("bar", "beer"),
        table="7",
    )
    page = open_page(browsers, "/waiter", language=language, theme=theme)
    make(staff, "bar", placed)
    expect(page.locator(".banner.good")).to_be_visible()
    for path in ("/waiter", "/waiter?table=7", "/waiter?table=7&new=1"):
        page.goto(path)
        wait_until_live(page)
        for size in ("small", "tablet", "wall"):
            page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
            assert not is_too_wide(page), f"{path} at {size}"
            assert serious_findings(page) == [], f"{path} at {size}"
    page.goto("/waiter?table=7")
    part(page, placed, "kitchen").locator(".cancel").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert serious_findings(page) == []
