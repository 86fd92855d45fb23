"""SIGTERM: what runs is finished and gets its response, what is new is refused, and the program ends with code 0."""

import asyncio
import signal
import socket
import time
from contextlib import closing

import httpx
import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from generated.restaurant import v1
from tests.support.database_contents import StockRow
from tests.support.processes import Program, accepts
from tests.support.rest_clients import line, look, order, outcomes
from tests.support.systems import System, Systems
from tests.support.waiting import eventually, wait_for

QUICK = 15.0  # seconds that a program with nothing left to do may take to end, on a machine that is busy
PATIENT = 60.0  # seconds: longer than these tests keep anything waiting, and than QUICK
LINGER = 4


@pytest.fixture(scope="module")
def opened(systems: Systems) -> System:
    return systems.open({"bar": {"coffee": 10, "soda": 10, "tea": 10}}, DEADLINE=PATIENT, GRACE=60)


@pytest.fixture
def system(opened: System) -> System:
    return opened.restored()


async def test_a_department_responds_to_the_calls_that_run_and_refuses_new_ones(system: System, order_id: str) -> None:
    closed_before = closings(system["bar"])
    with system.channel("bar") as channel, system.channel("bar") as idle:
        bar = v1.DepartmentServiceStub(channel)
        await v1.DepartmentServiceStub(idle).get_menu(v1.GetMenuRequest())
        with system.books.locked("bar"):
            placing = asyncio.create_task(bar.place_orders(coffee_for(order_id)))
            await bar.get_menu(v1.GetMenuRequest())  # the call before it on this connection has begun, then
            system["bar"].send(signal.SIGTERM)
            await asyncio.to_thread(wait_for, lambda: closings(system["bar"]) > closed_before, "the bar is closing")
            with pytest.raises(GRPCError) as refused:
                await bar.get_menu(v1.GetMenuRequest())
            still_listens = accepts(system["bar"].port)
        response = await placing
        seconds = await seconds_until_it_ends_well(system["bar"])

    assert refused.value.status is Status.UNAVAILABLE
    assert "shutting down" in (refused.value.message or "")
    assert not still_listens
    assert (response.states, response.outcomes) == ([v1.TicketState.QUEUED], [v1.Outcome.ACCEPTED])
    assert seconds < QUICK
    system["bar"].restart()
    assert system.books.tickets("bar")[order_id].state == "queued"
    assert system.books.check("bar")["coffee"] == StockRow(10, 9, 0, 1)


async def test_the_gateway_responds_to_the_orders_that_run(system: System, order_id: str) -> None:
    body = order(line("bar", "soda"), order_id=order_id)
    async with system.client() as client, system.client() as idle:
        await idle.get("/health/live")
        with closing(socket.create_connection(("127.0.0.1", system.gateway.port))):
            with system.books.locked("bar"):
                placing = asyncio.create_task(client.post("/orders", json=body))
                await asyncio.to_thread(
                    wait_for, lambda: order_id in system.books.orders(), "the order is written down"
                )
                system.gateway.send(signal.SIGTERM)
                await asyncio.to_thread(wait_for, lambda: not accepts(system.gateway.port), "it stops listening")
            placed = await placing
            seconds = await seconds_until_it_ends_well(system.gateway)

    assert (placed.status_code, outcomes(placed.json())) == (201, ["accepted"])
    assert seconds < QUICK
    await asyncio.to_thread(system.gateway.restart)
    async with system.client() as client:
        assert await look(client, order_id) == placed.json()
    assert system.books.check("bar")["soda"] == StockRow(10, 9, 0, 1)


async def test_a_gateway_that_lingers_takes_orders_though_it_is_not_ready(systems: Systems) -> None:
    system = systems.open({"bar": {"coffee": 10}}, LINGER=LINGER, GRACE=60)
    body = order(line("bar", "coffee"))
    async with system.client() as client:
        system.gateway.send(signal.SIGTERM)
        began = time.monotonic()

        async def is_leaving() -> bool:
            return (await client.get("/health/ready")).status_code == 503

        await eventually(is_leaving, "it is not ready")
        assert (await client.get("/health/live")).status_code == 200
        async with system.client() as latecomer:
            placed = await latecomer.post("/orders", json=body)
    code = await asyncio.to_thread(system.gateway.wait)

    assert (placed.status_code, outcomes(placed.json())) == (201, ["accepted"])
    assert code == 0
    assert LINGER <= time.monotonic() - began < LINGER + QUICK


async def test_a_second_signal_ends_the_lingering(systems: Systems) -> None:
    system = systems.open({"bar": {"coffee": 10}}, LINGER=60, GRACE=60)
    system.gateway.send(signal.SIGTERM)
    wait_for(lambda: "draining" in system.gateway.output, "it lingers")
    system.gateway.send(signal.SIGTERM)

    assert await seconds_until_it_ends_well(system.gateway) < QUICK


async def test_a_second_ctrl_c_cuts_no_request_off(system: System, order_id: str) -> None:
    async with system.client() as client:
        with system.books.locked("bar"):
            placing = asyncio.create_task(client.post("/orders", json=order(line("bar", "soda"), order_id=order_id)))
            await asyncio.to_thread(wait_for, lambda: order_id in system.books.orders(), "the order is written down")
            system.gateway.send(signal.SIGINT)
            await asyncio.to_thread(wait_for, lambda: not accepts(system.gateway.port), "it stops listening")
            system.gateway.send(signal.SIGINT)
        placed = await placing
    assert await seconds_until_it_ends_well(system.gateway) < QUICK

    assert (placed.status_code, outcomes(placed.json())) == (201, ["accepted"])


async def test_a_third_signal_waits_for_nobody(systems: Systems, order_id: str) -> None:
    system = systems.open({"bar": {"coffee": 10}}, LINGER=60, GRACE=60, DEADLINE=PATIENT)
    async with system.client() as client:
        with system.books.locked("bar"):
            placing = asyncio.create_task(client.post("/orders", json=order(line("bar", "coffee"), order_id=order_id)))
            await asyncio.to_thread(wait_for, lambda: order_id in system.books.orders(), "the order is written down")
            system.gateway.send(signal.SIGTERM)
            await asyncio.to_thread(wait_for, lambda: "draining" in system.gateway.output, "it lingers")
            system.gateway.send(signal.SIGTERM)
            await asyncio.to_thread(wait_for, lambda: not accepts(system.gateway.port), "it stops listening")
            system.gateway.send(signal.SIGTERM)
            assert await seconds_until_it_ends_well(system.gateway) < QUICK
        with pytest.raises(httpx.HTTPError):
            await placing
    assert "requests cut off" in system.gateway.output
    assert "Traceback" not in system.gateway.output
    system.gateway.restart()
    await asyncio.to_thread(wait_for, lambda: not system.books.unfinished(), "every order is finished")
    assert system.books.check("bar")["coffee"] == StockRow(10, 9, 0, 1)


async def test_everything_ends_at_once_where_nothing_runs(system: System) -> None:
    with system.channel("bar") as channel, closing(socket.create_connection(("127.0.0.1", system["bar"].port))):
        await v1.DepartmentServiceStub(channel).get_menu(v1.GetMenuRequest())
        async with system.client() as client:
            assert (await client.get("/menu")).status_code == 200
            for program in (system["bar"], system.gateway):
                program.send(signal.SIGINT if program is system.gateway else signal.SIGTERM)
                assert await seconds_until_it_ends_well(program) < QUICK
    assert "Traceback" not in system["bar"].output + system.gateway.output


async def test_a_department_that_stops_under_load_loses_no_order(system: System) -> None:
    async with system.client() as client:
        placing = [asyncio.create_task(client.post("/orders", json=order(line("bar", "tea")))) for _ in range(40)]
        await asyncio.wait(placing, return_when=asyncio.FIRST_COMPLETED)
        code = await asyncio.to_thread(system["bar"].terminate)
        await asyncio.to_thread(system["bar"].restart)
        responses = [await each for each in placing]
        await asyncio.to_thread(wait_for, lambda: not system.books.unfinished(), "every order is finished")
        final = [await look(client, order_id) for order_id in system.books.orders()]

    assert code == 0
    assert {response.status_code for response in responses} <= {201, 202, 409}
    assert sum(each["lines"][0]["item"] == "tea" and outcomes(each) == ["accepted"] for each in final) == 10
    assert system.books.check("bar")["tea"] == StockRow(10, 0, 0, 10)


async def seconds_until_it_ends_well(program: Program) -> float:
    began = time.monotonic()
    assert await asyncio.to_thread(program.wait) == 0, program.output
    return time.monotonic() - began


def closings(program: Program) -> int:
    return program.output.count("closing")


def coffee_for(order_id: str) -> v1.PlaceOrdersRequest:
    return v1.PlaceOrdersRequest([order_id], [""], [False], [1], ["coffee"], [1], [""])
