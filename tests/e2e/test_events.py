"""Clients that follow the events of real programs, through restarts of either side."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.tickets.events import TICK_SECONDS
from generated.restaurant import v1
from tests.support.event_stream import EventSource, Screen
from tests.support.processes import Program, free_ports
from tests.support.rest_clients import line, order
from tests.support.systems import System, Systems

MENUS = {"bar": {"coffee": 100_000}, "kitchen": {"pizza": 100_000}}
LINGER = 20


@pytest.fixture(scope="module")
def opened(systems: Systems) -> System:
    return systems.open(MENUS, DEADLINE=1)


@pytest.fixture
def system(opened: System) -> System:
    return opened.restored()


async def place(system: System, url: str | None = None) -> str:
    """Place an order for the bar and the kitchen; return its id."""
    async with system.client() as client:
        response = await client.post(f"{url or ''}/orders", json=order(line("bar", "coffee"), line("kitchen", "pizza")))
    order_id: str = response.json()["order_id"]
    return order_id


async def start(system: System, order_id: str) -> None:
    """Start the bar's ticket of an order."""
    with system.channel("bar") as channel:
        await v1.DepartmentServiceStub(channel).move_ticket(
            v1.MoveTicketRequest(
                order_id=order_id,
                verb=v1.Verb(v1.Verb.START),
                expected_state=v1.TicketState(v1.TicketState.QUEUED),
                step_id=order_id,
                moved_by="Ada",
            )
        )


def knows(order_id: str) -> Callable[[Screen], bool]:
    """Return whether a client knows both tickets of an order, and the order."""

    def has(screen: Screen) -> bool:
        tickets = all((name, order_id) in screen.tickets for name in MENUS)
        return tickets and screen.orders.get(order_id, {}).get("status") == "accepted"

    return has


def states(system: System, department: str) -> dict[str, str]:
    return {order_id: ticket.state for order_id, ticket in system.books.tickets(department).items()}


def check(screen: Screen, system: System) -> None:
    """Fail unless a client knows what stands in the departments' databases."""
    for name in MENUS:
        tickets = {order_id: each for (department, order_id), each in screen.tickets.items() if department == name}
        shown = {order_id: each["state"] for order_id, each in tickets.items()}
        assert shown == states(system, name)


async def test_a_client_follows_orders_tickets_and_stock(system: System) -> None:
    async with EventSource(system.url) as client:
        await client.until(lambda screen: screen.ticks)
        order_id = await place(system)
        screen = await client.until(knows(order_id))
        assert screen.stock["bar", "coffee"]["sold"] >= 1
        assert screen.menus["bar"]["items"][0]["id"] == "coffee"
        await start(system, order_id)
        screen = await client.until(lambda screen: screen.tickets["bar", order_id]["state"] == "preparing")
        assert screen.tickets["bar", order_id]["moved_by"] == "Ada"
        assert screen.tickets["bar", order_id]["started_at"]
        check(screen, system)


async def test_a_client_misses_nothing_through_restarts_of_either_side(system: System) -> None:
    async with EventSource(system.url) as client:
        await client.until(lambda screen: screen.ticks)
        await place(system)
        for name in ("bar", "gateway", "kitchen", "gateway"):
            await asyncio.to_thread(system[name].kill)
            if name == "gateway":
                with system.channel("bar") as channel:
                    await v1.DepartmentServiceStub(channel).get_menu(v1.GetMenuRequest())
            await asyncio.to_thread(system[name].restart)
            order_id = await place(system)
            await client.until(knows(order_id))
        await client.until(lambda screen: {each["state"] for each in screen.departments.values()} == {"open"})
        check(client.screen, system)
        assert len(client.screen.resets) == 1
        assert client.connections == 3


async def test_what_changes_while_the_gateway_is_down_reaches_its_clients(system: System) -> None:
    order_id = await place(system)
    async with EventSource(system.url) as client:
        await client.until(lambda screen: ("bar", order_id) in screen.tickets and screen.ticks)
        await asyncio.to_thread(system.gateway.kill)
        await start(system, order_id)
        await asyncio.to_thread(system.gateway.restart)
        screen = await client.until(lambda screen: screen.tickets["bar", order_id]["state"] == "preparing")
        assert len(screen.resets) == 1
        assert order_id in (await client.until(lambda screen: order_id in screen.orders)).orders


async def test_a_department_that_hangs_is_reported_in_time(system: System) -> None:
    async with EventSource(system.url) as client:
        await client.until(lambda screen: screen.departments.get("bar", {}).get("state") == "open")
        begin = time.monotonic()
        system["bar"].pause()
        await client.until(lambda screen: screen.departments["bar"]["state"] == "unreachable")
        assert time.monotonic() - begin < 12
        system["bar"].resume()
        await client.until(lambda screen: screen.departments["bar"]["state"] == "open")


async def test_a_gateway_that_stops_ends_its_streams_and_exits_at_once(system: System) -> None:
    async with EventSource(system.url) as client:
        await client.until(lambda screen: screen.ticks)
        begin = time.monotonic()
        assert await asyncio.to_thread(system.gateway.terminate) == 0
        assert time.monotonic() - begin < TICK_SECONDS
        assert client.endings == 1
        assert "Traceback" not in system.gateway.output


@pytest.fixture
def lingering(systems: Systems) -> System:
    return systems.open({"bar": {"coffee": 10}}, LINGER=LINGER)


async def test_a_gateway_that_lingers_ends_its_streams_first(lingering: System) -> None:
    async with EventSource(lingering.url) as client:
        await client.until(lambda screen: screen.ticks)
        lingering.gateway.send(signal.SIGTERM)
        begin = time.monotonic()
        await client.until(lambda _: client.endings)
        assert time.monotonic() - begin < LINGER / 2
        assert client.parser.retry is not None
        assert 500 <= client.parser.retry <= 3000
        assert lingering.gateway.is_running
    lingering.gateway.send(signal.SIGTERM)
    assert await asyncio.to_thread(lingering.gateway.wait) == 0


@pytest.fixture
def second(system: System, tmp_path: Path) -> Iterator[Program]:
    """Another gateway of the same restaurant, on PostgreSQL only: a journal on SQLite has one gateway."""
    if system.books.store.url is None:
        yield system.gateway
        return
    program = system.gateway.twin(free_ports(1)[0], tmp_path)
    program.restart()
    yield program
    program.close()


async def test_an_id_of_one_gateway_is_good_at_another(system: System, second: Program) -> None:
    urls = system.url, f"http://127.0.0.1:{second.port}"
    async with EventSource(urls[1]) as staying:
        await staying.until(lambda screen: screen.ticks)
        last_id = ""
        for number in range(4):
            async with EventSource(urls[number % 2]) as client:
                client.parser.last_id = last_id
                await client.until(lambda screen: screen.ticks)
                order_id = await place(system, urls[(number + 1) % 2])
                screen = await client.until(knows(order_id))
                assert len(screen.resets) == (0 if number else 1)
                ticks = len(screen.ticks)
                last_id = (await client.until(partial(_has_more_ticks, ticks))).last_id
            await staying.until(knows(order_id))


def _has_more_ticks(ticks: int, screen: Screen) -> bool:
    return len(screen.ticks) > ticks
