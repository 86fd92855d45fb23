"""Departments that are killed, that hang, that stay away: what clients are told, and what is true in the end."""

import asyncio
import time
from collections import Counter

import httpx
import pytest

from generated.restaurant import v1
from tests.support.database_contents import StockRow, Ticket
from tests.support.one_way_proxy import Wire
from tests.support.processes import free_ports
from tests.support.rest_clients import Json, decided, line, look, order, outcomes, states_of_menu, whole_history
from tests.support.systems import System, Systems, write_menu
from tests.support.waiting import eventually, wait_for

DEADLINE = 1.0
AT_ONCE = 0.8  # seconds: less than a call to a department may take, so that no department can have been waited for

BAR = ["coffee", "soda", "tea", "rum", "cola", "gin", "milk", "cider"]
WATER = 50


@pytest.fixture(scope="module")
def opened(systems: Systems) -> System:
    return systems.open(
        {"bar": dict.fromkeys(BAR, 10) | {"water": WATER}, "kitchen": {"pizza": 1000}}, DEADLINE=DEADLINE
    )


@pytest.fixture
def system(opened: System) -> System:
    return opened.restored()


async def test_an_order_for_a_dead_department_is_pending_and_decided_once_it_is_back(system: System) -> None:
    system["bar"].kill()

    async with system.client() as client:
        placed = await client.post("/orders", json=order(line("bar", "coffee", 3), line("kitchen", "pizza")))
        seen = await look(client, placed.json()["order_id"])
        await asyncio.to_thread(system["bar"].restart)
        found = await decided(client, placed.json()["order_id"])

    assert placed.status_code == 202
    assert placed.headers["location"] == f"/orders/{placed.json()['order_id']}"
    assert outcomes(placed.json()) == outcomes(seen) == ["pending", "accepted"]
    assert "bar cannot be reached" in placed.json()["lines"][0]["reason"]
    assert (found["status"], outcomes(found)) == ("accepted", ["accepted", "accepted"])
    assert found["total"] == 3 * 100 + 100
    assert system.books.check("bar")["coffee"] == StockRow(10, 7, 0, 3)


async def test_a_department_killed_before_it_takes_up_a_call_serves_it_once_it_is_back(
    system: System, order_id: str
) -> None:
    system["bar"].pause()

    async with system.client() as client:
        body = order(line("bar", "soda", 2), order_id=order_id)
        placing = asyncio.create_task(client.post("/orders", json=body))
        await asyncio.to_thread(wait_for, lambda: order_id in system.books.orders(), "the order is written down")
        system["bar"].kill()
        placed = await placing
        await asyncio.to_thread(system["bar"].restart)
        found = await decided(client, order_id)

    assert (placed.status_code, outcomes(placed.json())) == (202, ["pending"])
    assert outcomes(found) == ["accepted"]
    assert system.books.check("bar")["soda"] == StockRow(10, 8, 0, 2)


async def test_a_department_killed_between_its_commit_and_its_response_has_done_it_once(systems: Systems) -> None:
    (port,) = free_ports(1)
    system = systems.open(
        {"bar": {"coffee": 10}}, DEADLINE=DEADLINE, DEPARTMENTS=f"bar=127.0.0.1:{port}", WAIT_FOR_DEPARTMENTS=0
    )
    async with Wire(system["bar"].port).on(port) as wire, system.client() as client:
        await menu_shows(client, bar="open")
        wire.responses = False
        placing = asyncio.create_task(client.post("/orders", json=order(line("bar", "coffee", 4))))
        tickets = await asyncio.to_thread(wait_for, lambda: system.books.tickets("bar"), "the bar has a ticket")
        system["bar"].kill()
        placed = await placing
        wire.responses = True
        await asyncio.to_thread(system["bar"].restart)
        found = await decided(client, placed.json()["order_id"])

    assert (placed.status_code, outcomes(placed.json())) == (202, ["pending"])
    assert outcomes(found) == ["accepted"]
    assert system.books.tickets("bar") == tickets
    assert system.books.check("bar")["coffee"] == StockRow(10, 6, 0, 4)


async def test_a_department_killed_after_its_response_remembers_it(system: System) -> None:
    body = order(line("bar", "tea", 7), line("bar", "wine"))

    async with system.client() as client:
        placed = await client.post("/orders", json=body)
        system["bar"].kill()
        await asyncio.to_thread(system["bar"].restart)
        again = await client.post("/orders", json=body)

    assert (placed.status_code, outcomes(placed.json())) == (201, ["accepted", "not_on_menu"])
    assert (again.status_code, again.text) == (201, placed.text)
    assert system.books.check("bar")["tea"] == StockRow(10, 3, 0, 7)


async def test_a_department_killed_twice_under_load_ends_with_every_order_decided_once(system: System) -> None:
    responses: list[httpx.Response] = []
    final: list[Json] = []
    enough = False

    async def order_on() -> None:
        while not enough:
            responses.append(await client.post("/orders", json=order(line("bar", "water"), line("kitchen", "pizza"))))
            final.append(await decided(client, responses[-1].json()["order_id"]))

    async with system.client() as client:
        clients = [asyncio.create_task(order_on()) for _ in range(8)]
        for round_ in (1, 2):
            await asyncio.to_thread(wait_for, lambda so_far=40 * round_: len(final) >= so_far, "orders are decided")
            system["bar"].kill()
            await asyncio.to_thread(wait_for, lambda: responses[-1].status_code == 202, "orders are pending")
            await asyncio.to_thread(system["bar"].restart)
        await menu_shows(client, bar="open")
        enough = True
        await asyncio.gather(*clients)

    assert {response.status_code for response in responses} == {201, 202}
    told = Counter(outcomes(each)[0] for each in final)
    assert told == {"accepted": WATER, "out_of_stock": len(responses) - WATER}
    assert system.books.check("bar")["water"] == StockRow(WATER, 0, 0, WATER)
    orders = {each["order_id"] for each in final}
    assert len(orders) == len(responses)
    assert orders <= system.books.tickets("bar").keys() & system.books.tickets("kitchen").keys()


async def test_a_department_that_hangs_delays_nobody_past_the_deadline(system: System) -> None:
    system["bar"].pause()

    async with system.client() as client:
        first, first_seconds = await timed(client, order(line("bar", "rum"), line("kitchen", "pizza")))
        kitchen, kitchen_seconds = await timed(client, order(line("kitchen", "pizza")))
        later, later_seconds = await timed(client, order(line("bar", "rum"), line("kitchen", "pizza")))
        began = time.monotonic()
        menu = await client.get("/menu")
        menu_seconds = time.monotonic() - began
        system["bar"].resume()
        found = [await decided(client, each.json()["order_id"]) for each in (first, later)]
        await menu_shows(client, bar="open")

    assert (first.status_code, outcomes(first.json())) == (202, ["pending", "accepted"])
    assert first_seconds < DEADLINE + AT_ONCE
    assert (kitchen.status_code, outcomes(kitchen.json())) == (201, ["accepted"])
    assert (later.status_code, outcomes(later.json())) == (202, ["pending", "accepted"])
    assert max(kitchen_seconds, later_seconds, menu_seconds) < AT_ONCE
    assert states_of_menu(menu) == {"bar": "unreachable", "kitchen": "open"}
    assert [outcomes(each) for each in found] == [["accepted", "accepted"]] * 2
    assert system.books.check("bar")["rum"] == StockRow(10, 8, 0, 2)


async def test_orders_for_others_are_not_delayed_while_a_department_is_being_found_out(system: System) -> None:
    system["bar"].pause()

    async with system.client() as client:
        waiting = asyncio.create_task(client.post("/orders", json=order(line("bar", "cola"))))
        others = await asyncio.gather(*(timed(client, order(line("kitchen", "pizza"))) for _ in range(5)))
        system["bar"].resume()
        found = await decided(client, (await waiting).json()["order_id"])

    assert [response.status_code for response, _ in others] == [201] * 5
    assert max(seconds for _, seconds in others) < AT_ONCE
    assert outcomes(found) == ["accepted"]


async def test_a_pending_order_that_is_cancelled_never_takes_stock(system: System) -> None:
    system["bar"].kill()

    async with system.client() as client:
        placed = await client.post("/orders", json=order(line("bar", "gin", 2), line("kitchen", "pizza")))
        cancelled = await client.delete(placed.headers["location"])
        await asyncio.to_thread(system["bar"].restart)
        found = await decided(client, placed.json()["order_id"])
        await asyncio.to_thread(wait_for, lambda: not system.books.unfinished(), "nothing is owed any more")

    assert placed.status_code == cancelled.status_code == 202
    assert (found["status"], outcomes(found)) == ("cancelled", ["cancelled", "cancelled"])
    assert system.books.check("bar")["gin"] == StockRow(10, 10, 0, 0)
    system.books.check("kitchen")


async def test_an_order_that_no_department_responds_to_in_time_expires_and_stays_expired(systems: Systems) -> None:
    system = systems.open({"bar": {"coffee": 10}, "kitchen": {"pizza": 10}}, TIME_TO_DECIDE=1, DEADLINE=DEADLINE)
    body = order(line("bar", "coffee"), line("kitchen", "pizza"))
    system["bar"].kill()

    async with system.client() as client:
        placed = await client.post("/orders", json=body)
        found = await decided(client, body["order_id"])
        await asyncio.to_thread(system["bar"].restart)
        await asyncio.to_thread(wait_for, lambda: not system.books.unfinished(), "the bar has heard of it")
        with system.channel("bar") as channel:
            late = await v1.DepartmentServiceStub(channel).place_orders(
                v1.PlaceOrdersRequest([body["order_id"]], [""], [False], [1], ["coffee"], [1], [""])
            )
        again = await client.post("/orders", json=body)
        history = await whole_history(client)

    assert (placed.status_code, outcomes(placed.json())) == (202, ["pending", "accepted"])
    assert (found["status"], outcomes(found)) == ("partly_accepted", ["expired", "accepted"])
    assert "did not answer in time" in found["lines"][0]["reason"]
    assert system.books.tickets("bar") == {body["order_id"]: Ticket("cancelled", [])}
    assert (late.states, late.line_counts) == ([v1.TicketState.CANCELLED], [0])
    assert (again.status_code, again.json()) == (201, found)
    assert history == [found]
    assert system.books.check("bar")["coffee"] == StockRow(10, 10, 0, 0)
    assert system.books.check("kitchen")["pizza"] == StockRow(10, 9, 0, 1)


async def test_restarts_never_refill_the_stock(system: System) -> None:
    async with system.client() as client:
        await client.post("/orders", json=order(line("bar", "milk", 6), line("bar", "cider", 10)))
    sold = system.books.check("bar")

    system["bar"].kill()
    write_menu(system.menus, "bar", dict.fromkeys(BAR, 99) | {"water": 999, "juice": 5})
    system["bar"].restart()
    assert system["bar"].terminate() == 0
    system["bar"].restart()

    async with system.client() as client:
        await menu_shows(client, bar="open")
        refused = await client.post("/orders", json=order(line("bar", "cider")))
    assert sold["milk"] == StockRow(10, 4, 0, 6)
    assert outcomes(refused.json()["order"]) == ["out_of_stock"]
    assert system.books.check("bar") == sold | {"juice": StockRow(5, 5, 0, 0)}


async def timed(client: httpx.AsyncClient, body: Json) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    response = await client.post("/orders", json=body)
    return response, time.monotonic() - began


async def menu_shows(client: httpx.AsyncClient, **states: str) -> None:
    async def is_shown() -> bool:
        return states.items() <= states_of_menu(await client.get("/menu")).items()

    await eventually(is_shown, f"the menu shows {states}")
