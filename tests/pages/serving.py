"""What the tests of waiter, pass and board do at the restaurant: place orders, take steps, clear up."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.pages.support import Browsers
from tests.support.keys import AUTHORIZED
from tests.support.rest_clients import order
from tests.support.systems import System
from tests.support.waiting import wait_for

Json = dict[str, Any]

NEXT = {"start": "queued", "finish": "preparing", "serve": "ready"}
LAST = {"queued": "cancel", "preparing": "cancel", "ready": "serve"}
"""What closes a ticket in each state."""


@contextmanager
def manager_of(browsers: Browsers) -> Iterator[httpx.Client]:
    """Give a manager's client; what is open when it ends is served or cancelled, so that the next test begins anew."""
    system = browsers.system
    with httpx.Client(base_url=system.restored().url, headers=AUTHORIZED, trust_env=False, timeout=20) as client:
        yield client
        system.restored()
        browsers.settle()
        clear(system, client)


def clear(system: System, staff: httpx.Client) -> None:
    """Close all tickets, as the departments have them: the gateway may not know the last of them yet."""
    wait_for(lambda: not close_open(system, staff), "all tickets are closed")


def close_open(system: System, staff: httpx.Client) -> int:
    """Take the last step with each ticket that is open; return how many there were."""
    found = [
        (department, order_id, ticket.state)
        for department in system.departments
        for order_id, ticket in system.books.tickets(department).items()
        if ticket.state in LAST
    ]
    for department, order_id, state in found:
        move(staff, department, order_id, LAST[state], state)
    return len(found)


def place(staff: httpx.Client, *lines: Json, table: str | None = "7") -> Json:
    """Place an order; return it."""
    wish = order(*lines) | ({"table": table} if table else {})
    placed: Json = staff.post("/orders", json=wish).raise_for_status().json()
    return placed


def move(
    staff: httpx.Client, department: str, order_id: str, verb: str, expected: str, **more: str | int
) -> httpx.Response:
    """Take a step with a ticket."""
    step = {"verb": verb, "expected": expected, "step_id": str(uuid.uuid4()), **more}
    return staff.post(f"/tickets/{department}/{order_id}/moves", json=step)


def make(staff: httpx.Client, department: str, placed: Json, *verbs: str) -> None:
    """Take steps, such as start and finish, as the station's staff do."""
    for verb in verbs or ("start", "finish"):
        move(staff, department, placed["order_id"], verb, NEXT[verb], moved_by="Ada").raise_for_status()


def state_of(staff: httpx.Client, department: str, placed: Json) -> str:
    """Return the state of a ticket as its department has it."""
    found: str = staff.get(f"/tickets/{department}/{placed['order_id']}").raise_for_status().json()["state"]
    return found


def wait_for_state(staff: httpx.Client, department: str, placed: Json, state: str) -> None:
    """Wait until a department has a ticket in a state."""
    wait_for(lambda: state_of(staff, department, placed) == state, f"the ticket at {department} is {state}")


def open_page(browsers: Browsers, path: str, role: str | None = "waiter", **options: Any) -> Page:
    """Open one of these pages, and wait until it is up to date."""
    device = browsers.device(**options)
    page = browsers.open(path, device if role is None else browsers.pair(device, role))
    wait_until_live(page)
    return page


def wait_until_live(page: Page) -> None:
    """Wait until the page shows everything as it is."""
    expect(page.locator("html")).to_have_attribute("data-live", "true")


def part(page: Page, placed: Json, department: str) -> Locator:
    """Return a department's part of an order, on the waiter's page."""
    return page.locator(f".bill[data-order='{placed['order_id']}'] .part[data-department='{department}']")


def tile(page: Page, table: str) -> Locator:
    """Return the tile of a table."""
    return page.locator(f".tile[data-key='table {table}']")
