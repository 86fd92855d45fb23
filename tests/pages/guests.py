"""What guests do on the order page, and what the restaurant knows of it."""

import re
import uuid
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.support.keys import AUTHORIZED
from tests.support.systems import System
from tests.support.waiting import wait_for

Json = dict[str, Any]

CUT = "ERR_|Failed to load resource|Failed to fetch"
"""What a browser says on its console when nobody responds."""

ORDER = re.compile(r"^Order \d+")
"""The name of an order's sheet."""


EXPECTED = {"start": "queued", "finish": "preparing", "serve": "ready"}


def item(page: Page, name: str) -> Locator:
    """Return an item's row on the menu."""
    return page.locator(f'.menu-item[data-item="{name}"]')


def add(page: Page, name: str, quantity: int = 1) -> None:
    """Put some of an item into the basket."""
    item(page, name).get_by_role("button", name=re.compile("^Add ")).click()
    for _ in range(quantity - 1):
        item(page, name).get_by_role("button", name=re.compile(" more$")).click()


def open_basket(page: Page) -> Locator:
    """Show the basket; return it."""
    page.get_by_role("button", name=re.compile("Show the basket")).click()
    return page.get_by_role("dialog", name="Your basket")


def place_button(page: Page) -> Locator:
    """Return the button that places the order."""
    return page.get_by_role("dialog", name="Your basket").get_by_role("button", name=re.compile("Place the order"))


def ready_to_place(page: Page, table: str, *items: str) -> None:
    """Fill the basket, and name a table by which the order can be found."""
    for name in items:
        add(page, name)
    basket = open_basket(page)
    basket.get_by_label("Table").fill(table)
    basket.get_by_label("Table").blur()


def order_sheet(page: Page) -> Locator:
    """Return the sheet of the order, once it is there."""
    sheet = page.get_by_role("dialog", name=ORDER)
    expect(sheet).to_be_visible(timeout=20_000)
    return sheet


def orders_of(system: System, table: str) -> list[Json]:
    """Return the orders of a table."""
    response = httpx.get(f"{system.url}/orders", params={"table": table}, headers=AUTHORIZED, trust_env=False)
    assert response.status_code == 200, response.text
    found: list[Json] = response.json()["orders"]
    return found


def only_order(system: System, table: str) -> Json:
    """Return the one order of a table; fails where there are more, or none."""
    wait_for(lambda: orders_of(system, table), f"table {table} has an order")
    (order,) = orders_of(system, table)
    return order


def manage(system: System, method: str, path: str, body: Json) -> None:
    """Do what the staff do."""
    response = httpx.request(method, f"{system.url}{path}", json=body, headers=AUTHORIZED, trust_env=False)
    assert response.is_success, response.text


def set_on_sale(system: System, department: str, name: str, *, on_sale: bool) -> None:
    """Take an item off sale, or put it back."""
    manage(system, "PUT", f"/stock/{department}/{name}/sale", {"on_sale": on_sale})


def take_step(system: System, department: str, order: Json, verb: str) -> None:
    """Take a step with a ticket."""
    wish = {"verb": verb, "expected": EXPECTED[verb], "step_id": str(uuid.uuid4())}
    manage(system, "POST", f"/tickets/{department}/{order['order_id']}/moves", wish)


def throw_one_away(system: System, department: str, name: str) -> None:
    """Let one of an item be spoilt."""
    change = {"reason": "waste", "delta": -1, "change_id": str(uuid.uuid4())}
    manage(system, "POST", f"/stock/{department}/{name}/changes", change)
