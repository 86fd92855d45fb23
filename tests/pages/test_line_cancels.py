"""The cancel of one line in a real Chromium: who cancels it, what each page shows of it, what is refused."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.guests import add, only_order, open_basket, order_sheet, place_button
from tests.pages.serving import make, move, open_page, part, place, wait_for_state
from tests.pages.stations import card, open_station, step_to
from tests.pages.support import LOOKS, SIZES, Browsers, is_too_wide, serious_findings
from tests.support.rest_clients import line, outcomes
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

Json = dict[str, Any]

PASTA, PIZZA, SALAD = range(3)
"""The places of the lines of `place_three`."""


@pytest.fixture(scope="module")
def restaurant(systems: Systems) -> System:
    """A bar, and a kitchen of three dishes."""
    return systems.open({"bar": {"coffee": 100}, "kitchen": {"pasta": 100, "pizza": 100, "salad": 100}})


def place_three(staff: httpx.Client, table: str = "7") -> Json:
    """Order three dishes of the kitchen; the second one with an allergy."""
    pizza = line("kitchen", "pizza") | {"allergy": True, "note": "no nuts"}
    return place(staff, line("kitchen", "pasta", 2), pizza, line("kitchen", "salad"), table=table)


def cancel_line(
    staff: httpx.Client, placed: Json, place_: int, reason: str = "spilt", expected: str = "queued"
) -> None:
    """Cancel a line of the kitchen's, as somebody else does."""
    move(
        staff, "kitchen", placed["order_id"], "cancel", expected, line=place_, reason=reason, moved_by="Bo"
    ).raise_for_status()


def lines_of(staff: httpx.Client, placed: Json) -> list[Json]:
    """Return the lines of the kitchen's ticket, as the department has them."""
    found: list[Json] = staff.get(f"/tickets/kitchen/{placed['order_id']}").raise_for_status().json()["lines"]
    return found


def wait_for_cancel(staff: httpx.Client, placed: Json, place_: int) -> Json:
    """Wait until the department has a line as cancelled; return the line."""
    wait_for(lambda: lines_of(staff, placed)[place_]["outcome"] == "cancelled", "the line is cancelled")
    return lines_of(staff, placed)[place_]


def order_of(staff: httpx.Client, placed: Json) -> Json:
    """Return an order as it is now."""
    found: Json = staff.get(f"/orders/{placed['order_id']}").raise_for_status().json()
    return found


def call(page: Page, placed: Json) -> Locator:
    """Return the red banners about an order; those of other tests' orders may be there, too."""
    return page.locator(".banner.bad").filter(has_text=f"({placed['number']})")


def part_line(page: Page, placed: Json, item: str) -> Locator:
    return part(page, placed, "kitchen").locator(f".part-line[data-item={item}]")


def card_line(page: Page, placed: Json, item: str) -> Locator:
    return card(page, placed).locator(f".ticket-line[data-item={item}]")


def expect_gone(found: Locator, reason: str) -> None:
    """Expect a line to be there, struck through, with the reason."""
    expect(found.locator(".line-cancelled")).to_have_text(re.compile(f"Cancelled.*{re.escape(reason)}"))
    struck = found.locator("s, .ticket-dish").first
    assert "line-through" in struck.evaluate("(element) => getComputedStyle(element).textDecorationLine")


def test_one_of_three_lines_is_cancelled_by_taps_and_every_page_shows_it(
    browsers: Browsers, restaurant: System, staff: httpx.Client
) -> None:
    guest = browsers.open("/")
    for item in ("pasta", "pizza", "salad"):
        add(guest, item)
    open_basket(guest).get_by_label("Table").fill("12")
    place_button(guest).click()
    sheet = order_sheet(guest)
    placed = only_order(restaurant, "12")
    total = sheet.locator(".basket-total strong")
    rest = placed["total"] - placed["lines"][PIZZA]["unit_price"]
    expect(total).to_have_text(f"€{placed['total'] / 100:.2f}")
    station = open_station(browsers, "kitchen", size=SIZES["wall"])
    station.get_by_role("button", name="All day").click()
    expect(station.locator(".count[data-item=pizza]")).to_be_visible()
    passing = open_page(browsers, "/pass", size=SIZES["tablet"])
    colleague = open_page(browsers, "/waiter", size=SIZES["tablet"])
    expect(colleague.locator(".tile[data-key='table 12']")).to_contain_text("3 being made")

    page = open_page(browsers, "/waiter?table=12", has_touch=True)
    part_line(page, placed, "pizza").get_by_role("button", name="Cancel: 1 \u00d7 Pizza").tap()
    dialog = page.get_by_role("dialog", name="Cancel 1 \u00d7 Pizza: Table 12")
    expect(dialog.get_by_role("listitem")).to_have_count(0)
    expect(dialog).to_contain_text("The rest of Kitchen stays as it is.")
    expect(dialog).not_to_contain_text("wasted")  # nothing of it is begun
    dialog.get_by_role("button", name="None left").tap()

    expect_gone(part_line(page, placed, "pizza"), "None left")
    expect(part_line(page, placed, "pizza").get_by_role("button")).to_have_count(0)
    expect(part(page, placed, "kitchen")).to_have_attribute("data-state", "queued")
    expect_gone(card_line(station, placed, "pizza"), "None left")
    expect(card(station, placed).get_by_role("checkbox")).to_have_count(2)
    expect(station.locator("#station-news")).to_have_text(f"Ticket {placed['number']}: 1 \u00d7 Pizza was cancelled")
    expect(station.locator(".count[data-item=pizza]")).to_have_count(0)
    expect(station.locator(".count[data-item=pasta]")).to_be_visible()
    expect(passing.locator(".pass-card [data-item]")).to_have_count(2)
    expect(passing.locator(".pass-card [data-item=pizza]")).to_have_count(0)
    expect(passing.locator(".pass-card")).to_contain_text("2 missing")
    expect(colleague.locator(".tile[data-key='table 12']")).to_contain_text("2 being made")
    expect(call(colleague, placed)).to_contain_text(
        f"Table 12 ({placed['number']}): 1 \u00d7 Pizza cancelled at Kitchen. None left"
    )
    expect(call(page, placed)).to_have_count(0)  # who cancels needs no call
    refused = sheet.locator(".refusals")
    expect(refused.get_by_role("heading")).to_have_text("Will not be made")
    expect(refused.get_by_role("listitem")).to_have_text([re.compile(r"1 \u00d7\s*Pizza\s*Cancelled by the staff")])
    expect(refused.get_by_role("button")).to_have_count(0)  # the same again is no offer
    expect(total).to_have_text(f"€{rest / 100:.2f}")
    expect(sheet.locator(".order-department .order-line")).to_have_count(2)
    wait_for_cancel(staff, placed, PIZZA)
    assert order_of(staff, placed)["total"] == rest


def test_a_line_is_cancelled_by_keyboard_with_another_reason(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place_three(staff)
    page = open_page(browsers, "/waiter?table=7")
    button = part_line(page, placed, "pizza").get_by_role("button")
    expect(button).to_have_accessible_name("Cancel: 1 \u00d7 Pizza, no nuts")
    tab_to(page, lambda: button.evaluate("(element) => element === document.activeElement"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("no nuts")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    reason = dialog.get_by_label("Another reason")
    tab_to(page, lambda: reason.evaluate("(element) => element === document.activeElement"))
    page.keyboard.type("The plate <b>broke</b>")
    page.keyboard.press("Enter")
    expect_gone(part_line(page, placed, "pizza"), "The plate <b>broke</b>")
    expect(part_line(page, placed, "pizza")).to_be_focused()
    expect(part_line(page, placed, "pizza").locator(".part-allergy, .part-note, b")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(part_line(page, placed, "salad").get_by_role("button")).to_be_focused()
    assert wait_for_cancel(staff, placed, PIZZA)["cancel_reason"] == "The plate <b>broke</b>"


def tab_to(page: Page, is_there: Callable[[], bool]) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if is_there():
            return
    raise AssertionError("Tab does not lead there")


def test_the_last_lines_cancel_is_the_tickets(browsers: Browsers, staff: httpx.Client) -> None:
    dishes = [line("kitchen", item) for item in ("pasta", "pizza", "salad")]
    placed = place(staff, *dishes, line("bar", "coffee"))
    cancel_line(staff, placed, PASTA)
    page = open_page(browsers, "/waiter?table=7")
    part_line(page, placed, "pizza").get_by_role("button").click()
    cancel_line(staff, placed, SALAD)  # while the dialog is open
    expect_gone(part_line(page, placed, "salad"), "spilt")
    page.get_by_role("dialog").get_by_role("button", name="A mistake").click()
    expect(part(page, placed, "kitchen")).to_have_attribute("data-state", "cancelled")
    expect(part(page, placed, "kitchen").locator(".part-cancelled")).to_contain_text("A mistake")
    wait_for_state(staff, "kitchen", placed, "cancelled")
    assert [each["outcome"] for each in lines_of(staff, placed)] == ["cancelled", "accepted", "cancelled"]
    wait_for(lambda: outcomes(order_of(staff, placed)) == [*["cancelled"] * 3, "accepted"], "the order follows")
    assert order_of(staff, placed)["total"] == placed["lines"][3]["unit_price"]
    expect(call(page, placed)).to_have_count(0)


def test_one_line_that_is_left_has_no_button_of_its_own(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("kitchen", "pasta"), line("kitchen", "salad"))
    page = open_page(browsers, "/waiter?table=7")
    expect(part(page, placed, "kitchen").locator(".line-cancel")).to_have_count(2)
    expect(part(page, placed, "kitchen").get_by_role("button", name="Cancel all")).to_be_visible()
    cancel_line(staff, placed, PASTA)
    expect(part(page, placed, "kitchen").locator(".line-cancel")).to_have_count(0)
    part(page, placed, "kitchen").get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text([re.compile("Salad")])
    page.get_by_role("dialog").get_by_role("button", name="The guest cancels").click()
    wait_for_state(staff, "kitchen", placed, "cancelled")


def test_a_waiter_does_not_cancel_a_line_that_is_begun(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place_three(staff)
    make(staff, "kitchen", placed, "start")
    page = open_page(browsers, "/waiter?table=7")
    expect(part(page, placed, "kitchen")).to_have_attribute("data-state", "preparing")
    expect(part(page, placed, "kitchen").get_by_role("button")).to_have_count(0)


def test_a_manager_is_told_that_what_is_begun_is_wasted(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place_three(staff)
    make(staff, "kitchen", placed, "start")
    before = staff.get("/stock", params={"department": "kitchen"}).json()
    page = open_page(browsers, "/waiter?table=7", "manager")
    part_line(page, placed, "pasta").get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is being made already, so it counts as wasted.")
    page.get_by_role("dialog").get_by_role("button", name="A mistake").click()
    expect_gone(part_line(page, placed, "pasta"), "A mistake")
    wait_for_cancel(staff, placed, PASTA)
    after = staff.get("/stock", params={"department": "kitchen"}).json()
    assert wasted(after, "pasta") == wasted(before, "pasta") + 2


def wasted(stock: Json, item: str) -> int:
    found: int = next(each["wasted"] for each in stock["stock"] if each["item"] == item)
    return found


@pytest.mark.parametrize("what", ["line", "state"])
def test_a_cancel_that_came_too_late_is_told(browsers: Browsers, staff: httpx.Client, what: str) -> None:
    placed = place_three(staff)
    page = open_page(browsers, "/waiter?table=7")
    browsers.allow(page, "status of 409")

    def be_faster(route: Any) -> None:
        if what == "line":
            cancel_line(staff, placed, PIZZA)
        else:
            make(staff, "kitchen", placed)
        route.continue_()

    page.route("**/moves", be_faster)
    part_line(page, placed, "pizza").get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="A mistake").click()
    if what == "line":
        told = f"Ticket {placed['number']}: 1 \u00d7 Pizza is cancelled already. spilt"
        expect(page.locator(".toast.bad")).to_have_text(told)
        expect_gone(part_line(page, placed, "pizza"), "spilt")
    else:
        expect(page.locator(".toast.bad")).to_contain_text(re.compile("was faster.*It is now: Ready"))
        expect(part_line(page, placed, "pizza").locator(".line-cancelled")).to_have_count(0)
        expect(part(page, placed, "kitchen").get_by_role("button", name="Serve")).to_be_visible()
    assert [each["outcome"] == "cancelled" for each in lines_of(staff, placed)] == [False, what == "line", False]


def test_a_station_cancels_one_dish(browsers: Browsers, staff: httpx.Client) -> None:
    page, other = open_station(browsers, "kitchen"), open_station(browsers, "kitchen")
    waiter = open_page(browsers, "/waiter")
    placed = place_three(staff)
    card(page, placed).locator("button.ticket-allergy").click()
    step_to(page, placed, "Start", "preparing")
    card(page, placed).get_by_role("button", name="More").click()
    dialog = page.get_by_role("dialog", name=f"Ticket {placed['number']}", exact=True)
    dialog.get_by_text("Cancel one dish").click()
    dialog.get_by_role("button", name="Pizza").click()
    dialog = page.get_by_role("dialog", name=f"Ticket {placed['number']}: cancel 1 \u00d7 Pizza")
    expect(dialog).to_contain_text("It is being made already, so it counts as wasted.")
    dialog.get_by_role("button", name="None left").click()
    for each in (page, other):
        expect_gone(card_line(each, placed, "pizza"), "None left")
        expect(card(each, placed)).to_have_attribute("data-state", "preparing")
        expect(card(each, placed).locator(".ticket-allergy, .ticket-note")).to_have_count(0)
    expect(call(waiter, placed)).to_contain_text("1 \u00d7 Pizza cancelled at Kitchen. None left")
    call(waiter, placed).get_by_role("button").click()
    expect(call(waiter, placed)).to_have_count(0)
    wait_for_cancel(staff, placed, PIZZA)
    cancel_line(staff, placed, PASTA, expected="preparing")
    expect_gone(card_line(page, placed, "pasta"), "spilt")
    card(page, placed).get_by_role("button", name="More").click()
    expect(page.get_by_role("dialog").get_by_text("Cancel one dish")).to_have_count(0)  # one is left
    expect(page.get_by_role("dialog").get_by_text("Cancel the ticket")).to_be_visible()


def test_a_cancelled_allergy_has_not_to_be_confirmed(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place_three(staff)
    page = open_station(browsers, "kitchen")
    expect(card(page, placed).get_by_role("button", name="Confirm the allergy", exact=True)).to_be_visible()
    cancel_line(staff, placed, PIZZA)
    expect(card(page, placed).locator(".ticket-allergy")).to_have_count(0)
    step_to(page, placed, "Start", "preparing")


def test_a_station_is_told_on_the_card_that_a_dish_was_cancelled_before(
    browsers: Browsers, staff: httpx.Client
) -> None:
    placed = place_three(staff)
    page = open_station(browsers, "kitchen")
    browsers.allow(page, "status of 409")

    def be_faster(route: Any) -> None:
        cancel_line(staff, placed, SALAD)
        route.continue_()

    page.route("**/moves", be_faster)
    card(page, placed).get_by_role("button", name="More").click()
    page.get_by_text("Cancel one dish").click()
    page.get_by_role("dialog").get_by_role("button", name="Salad").click()
    page.get_by_role("dialog").get_by_role("button", name="A mistake").click()
    expect(card(page, placed).locator(".ticket-notice")).to_have_text("1 \u00d7 Salad is cancelled already. spilt")
    expect_gone(card_line(page, placed, "salad"), "spilt")


def test_what_is_over_shows_the_cancelled_dish_struck_through(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place_three(staff, table="31")
    cancel_line(staff, placed, SALAD)
    station = open_station(browsers, "kitchen")
    expect_gone(card_line(station, placed, "salad"), "spilt")
    office = open_page(browsers, "/office/late", "manager", size=SIZES["wall"])
    row = office.locator(f"[data-key='kitchen {placed['order_id']}']")
    expect(row).to_contain_text("2\u00d7 Pasta, 1\u00d7 Pizza")
    expect(row).not_to_contain_text("Salad")
    make(staff, "kitchen", placed, "start", "finish", "serve")
    station.get_by_role("button", name="Recall").click()
    closed = station.locator(f".closed-ticket[data-order='{placed['order_id']}'] .closed-lines")
    expect(closed).to_have_text("2 \u00d7 Pasta, 1 \u00d7 Pizza, 1 \u00d7 Salad")
    expect(closed.locator("s")).to_have_text("1 \u00d7 Salad")
    page = open_page(browsers, "/waiter?table=31")
    page.get_by_text("Earlier").click()
    earlier = page.locator(f".closed-bill[data-order='{placed['order_id']}']")
    expect(earlier).to_have_attribute("data-state", "served")
    expect(earlier.locator("s")).to_have_text("1 \u00d7 Salad")


def test_a_cancelled_line_is_there_before_the_modules_run(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place_three(staff)
    cancel_line(staff, placed, PIZZA, "<b>spilt</b>")
    device = browsers.pair(browsers.device(java_script_enabled=False), "manager")
    page = browsers.open("/stations/kitchen", device)
    found = page.locator(f".ticket[data-order='{placed['order_id']}']")
    expect(found.locator(".line-cancelled")).to_have_text(re.compile(r"Cancelled\s+<b>spilt</b>"))
    expect(found.locator(".ticket-dish")).to_have_count(3)
    expect(found.locator(".ticket-allergy, .ticket-note")).to_have_count(0)
    page = browsers.open("/pass", device)
    expect(page.locator(".pass-card .part-line")).to_have_count(2)


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_it_is_accessible(browsers: Browsers, staff: httpx.Client, language: str, theme: str) -> None:
    placed = place_three(staff)
    cancel_line(staff, placed, SALAD, "A guest has changed his mind, and wants nothing green today")
    device = browsers.pair(browsers.device(language=language, theme=theme), "manager")
    station = open_station(browsers, "kitchen", device)
    waiter = browsers.open("/waiter?table=7", device)
    expect(part(waiter, placed, "kitchen").locator(".line-cancelled")).to_be_visible()
    for page in (station, waiter):
        for size in ("small", "tablet", "wall"):
            page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
            assert serious_findings(page) == [], size
            assert not is_too_wide(page), size
        page.set_viewport_size({"width": SIZES["small"][0], "height": SIZES["small"][1]})
    for banner in reversed(waiter.locator(".banner.bad button").all()):
        banner.click()
    part(waiter, placed, "kitchen").locator(".line-cancel").first.click()
    expect(waiter.get_by_role("dialog")).to_be_visible()
    card(station, placed).locator(".ticket-more").click()
    station.locator(".more-cancel summary").first.click()
    for page in (station, waiter):
        assert serious_findings(page) == []
        assert not is_too_wide(page)
    station.locator(".more-line").first.click()
    expect(station.get_by_role("dialog")).to_have_count(1)
    assert serious_findings(station) == []


def test_the_buttons_of_lines_are_as_large_as_a_finger_needs(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place_three(staff)
    page = open_page(browsers, "/waiter?table=7", size=SIZES["small"])
    expect(part(page, placed, "kitchen").locator(".line-cancel")).to_have_count(3)
    boxes = [each.bounding_box() for each in part(page, placed, "kitchen").locator(".line-cancel").all()]
    assert all(box and box["width"] >= 44 and box["height"] >= 44 for box in boxes), boxes
    edges = [(box["y"], box["y"] + box["height"]) for box in boxes if box]
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(edges)), edges
