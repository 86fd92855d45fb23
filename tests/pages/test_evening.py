"""A whole evening on all screens at once, during which programs are killed: at the end all of them say the same."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.guests import CUT, add, open_basket, order_sheet, place_button
from tests.pages.serving import wait_until_live
from tests.pages.stations import card, open_station, step_to
from tests.pages.support import SIZES, Browsers
from tests.support.keys import AUTHORIZED
from tests.support.processes import environment, run
from tests.support.systems import System
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.pages, pytest.mark.long]

Json = dict[str, Any]

DEPARTMENTS = {"coffee": "bar", "pizza": "kitchen", "cookie": "bakery"}
STEPS = (("Start", "preparing"), ("Finish", "ready"), ("Serve", None))
DISHES = {"3": ("coffee", "pizza"), "8": ("cookie", "pizza")}
"""What the guests of each table order, each time."""

WALLS = ("/waiter", "/pass", "/board")

KILLED = ("kitchen", "gateway", "kitchen", "gateway")


def test_all_screens_the_audit_and_the_reports_say_the_same(browsers: Browsers, restaurant: System) -> None:
    guests = {table: browsers.open("/") for table in DISHES}
    stations = {name: open_station(browsers, name) for name in DEPARTMENTS.values()}
    walls = {path: browsers.open(path, browsers.pair(browsers.device(size=SIZES["wall"]), "waiter")) for path in WALLS}
    office = browsers.open("/office", browsers.pair(browsers.device(size=SIZES["wall"]), "manager"))
    for page in (*guests.values(), *stations.values(), *walls.values(), office):
        browsers.allow(page, CUT, "status of 50")
    placed: list[Json] = []
    for killed in KILLED:
        served = have_a_round(restaurant, guests, stations, killed)
        placed += served
        for name, page in stations.items():
            for order in served:
                serve(page, name, order)
    last = ask(guests["3"], "3")
    step_to(stations["bar"], last, *STEPS[0])
    for step in STEPS[:2]:
        step_to(stations["kitchen"], last, *step)

    assert shown_at(stations) == {"bar": {last["order_id"]: "preparing"}, "kitchen": {last["order_id"]: "ready"}}
    expect(walls["/board"].locator(".is-making .number")).to_have_text([str(last["number"])])
    expect(walls["/board"].locator(".is-ready .number")).to_have_count(0)
    expect(walls["/pass"].locator(".pass-card")).to_have_count(1)
    expect(walls["/pass"].locator(".pass-card")).to_contain_text(str(last["number"]))
    expect(walls["/pass"].locator('.part[data-department="kitchen"]')).to_have_attribute("data-state", "ready")
    expect(walls["/waiter"].locator(".filter[data-filter=open] strong")).to_have_text("1")
    expect(guests["3"].locator(".own-order")).to_have_attribute("data-order", last["order_id"])
    expect(guests["8"].locator(".own-order")).to_have_count(0)
    for table, page in guests.items():
        numbers = {order["number"] for order in (*placed, last) if order["table"] == table}
        expect_own_numbers(page, numbers)
    with httpx.Client(base_url=restaurant.url, headers=AUTHORIZED, trust_env=False) as manager:
        progress = {order["order_id"]: "served" for order in placed} | {last["order_id"]: "partly_ready"}
        wait_for(lambda: progress_of(manager) == progress, "the orders have followed their tickets")
        found = manager.get("/orders").json()["orders"]
        sold = Counter(item for order in (*placed, last) for item in DISHES[order["table"]])
        figures = manager.get("/reports/sales", params={"by": "item"}).json()["figures"]
        assert {figure["item"]: figure["quantity"] for figure in figures} == sold
        wait_for(lambda: taken_from_stock(manager) == sold, "the gateway knows the stock")
    expect(office.locator("#tile-orders .tile-value")).to_have_text(str(len(found)), timeout=20_000)
    total = sum(order["total"] for order in found)
    expect(office.locator("#tile-sales .tile-value")).to_have_text(f"€{total / 100:,.2f}")
    expect(office.locator("#tile-sales .tile-detail")).to_have_text(f"{sum(sold.values())} items")
    expect(office.locator("#tile-open .tile-value")).to_have_text("2")
    audit = run(
        ["-m", "ops", "audit"], environment(HOME=restaurant.books.store.home, DATABASE_URL="", MENUS=restaurant.menus)
    )
    assert (audit.code, audit.stderr) == (0, "")
    assert f"{len(placed) + 1} orders" in audit.stdout


def have_a_round(
    restaurant: System, guests: Mapping[str, Page], stations: Mapping[str, Page], killed: str
) -> list[Json]:
    """Let one table order before a program is killed, and the other while it is away; return what they ordered."""
    first = ask(guests["3"], "3")
    restaurant[killed].kill()
    tap(guests["8"], "8")
    restaurant[killed].restart()
    second = told(guests["8"], "8")
    for page in stations.values():
        wait_until_live(page)
    return [first, second]


def ask(page: Page, table: str) -> Json:
    """Order what a table orders; return what the page says of it."""
    tap(page, table)
    return told(page, table)


def tap(page: Page, table: str) -> None:
    """Fill the basket, and place the order, whoever responds."""
    for item in DISHES[table]:
        add(page, item)
    basket = open_basket(page)
    basket.get_by_label("Table").fill(table)
    basket.get_by_label("Table").blur()
    place_button(page).click()


def told(page: Page, table: str) -> Json:
    """Return the number and the id of the order whose sheet opens, and close the sheet."""
    sheet = order_sheet(page)
    (number,) = re.findall(r"Order (\d+)", sheet.get_by_role("heading").first.inner_text())
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    shown = page.locator(".own-order", has_text=f"Order {number}")
    return {"number": int(number), "order_id": shown.get_attribute("data-order"), "table": table}


def serve(page: Page, department: str, order: Json) -> None:
    """Take all steps with an order's ticket, where the department has one."""
    if department not in {DEPARTMENTS[item] for item in DISHES[order["table"]]}:
        return
    expect(card(page, order)).to_be_visible(timeout=20_000)
    for step in STEPS:
        step_to(page, order, *step)


def shown_at(stations: Mapping[str, Page]) -> dict[str, dict[str, str]]:
    """Return the state of each ticket on the screen of each station that has some, once nothing leaves any more."""
    shown: dict[str, dict[str, str]] = {}
    for name, page in stations.items():
        expect(page.locator(".ticket.is-leaving")).to_have_count(0)
        cards = page.locator(".ticket")
        found = {each.get_attribute("data-order") or "": each.get_attribute("data-state") or "" for each in cards.all()}
        if found:
            shown[name] = found
    return shown


def expect_own_numbers(page: Page, numbers: set[int]) -> None:
    """Wait until a guest's page lists these orders of today, and no others."""
    page.get_by_role("button", name=re.compile("earlier", re.IGNORECASE)).click()
    shown = page.get_by_role("dialog").locator(".own-order-number")
    expect(shown).to_have_count(len(numbers))
    assert {int(text.removeprefix("Order ")) for text in shown.all_inner_texts()} == numbers
    page.keyboard.press("Escape")


def progress_of(manager: httpx.Client) -> dict[str, str]:
    """Return how far each order is, as the gateway has written it down."""
    return {order["order_id"]: order["progress"] for order in manager.get("/orders").json()["orders"]}


def taken_from_stock(manager: httpx.Client) -> dict[str, int]:
    """Return how many of each item have left the stock."""
    left = {stock["item"]: stock["on_hand"] for stock in manager.get("/stock").json()["stock"]}
    return {item: 100 - left[item] for item in DEPARTMENTS}
