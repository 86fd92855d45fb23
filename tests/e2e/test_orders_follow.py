"""An order follows its tickets, in real processes that are killed."""

import asyncio
import time
import uuid

import httpx
import pytest

from generated.restaurant import v1
from tests.support.rest_clients import Json, decided, line, look, order, outcomes
from tests.support.systems import System, Systems
from tests.support.waiting import eventually

MENUS = {"bar": {"coffee": 1000}, "kitchen": {"pizza": 1000}}
QUEUED = v1.TicketState.from_string("QUEUED")


@pytest.fixture(scope="module")
def opened(systems: Systems) -> System:
    return systems.open(MENUS)


@pytest.fixture
def system(opened: System) -> System:
    return opened.restored()


async def place(client: httpx.AsyncClient) -> str:
    """Place an order and wait until it is decided; returns its id."""
    response = await client.post("/orders", json=order(line("bar", "coffee", 2), line("kitchen", "pizza")))
    return str((await decided(client, response.json()["order_id"]))["order_id"])


async def move(system: System, name: str, order_id: str, verb: str, reason: str = "") -> None:
    """Take a step with a queued ticket, as the staff do."""
    with system.channel(name) as channel:
        step_id, which = str(uuid.uuid4()), v1.Verb.from_string(verb)
        move = v1.MoveTicketRequest(order_id, which, QUEUED, step_id, "Ana", reason)
        await v1.DepartmentServiceStub(channel).move_ticket(move)


async def shown(client: httpx.AsyncClient, order_id: str, progress: str, total: int | None = None) -> Json:
    """Wait until an order shows this progress, and this total where it is given."""

    async def is_shown() -> Json | None:
        try:
            found = await look(client, order_id)
        except httpx.TransportError:
            return None
        is_it = found["progress"] == progress and total in (None, found["total"])
        return found if is_it else None

    found = await eventually(is_shown, f"order {order_id} is {progress}")
    assert found is not None
    return found


async def test_a_step_and_a_cancel_of_the_staff_are_shown_within_a_second(system: System) -> None:
    async with system.client() as client:
        order_id = await place(client)
        before = await look(client, order_id)
        started = time.monotonic()
        await move(system, "bar", order_id, "START")
        await shown(client, order_id, "preparing")
        await move(system, "kitchen", order_id, "CANCEL", "no dough")
        after = await shown(client, order_id, "preparing", before["total"] - before["lines"][1]["unit_price"])
        assert time.monotonic() - started < 2.0
    assert outcomes(after) == ["accepted", "cancelled"]
    assert after["lines"][1]["reason"] == "kitchen has withdrawn it: no dough"
    assert after["number"] == before["number"]


async def test_a_cancel_while_the_gateway_is_dead_is_shown_after_its_start(system: System) -> None:
    async with system.client() as client:
        order_id = await place(client)
        await move(system, "kitchen", order_id, "START")
        await shown(client, order_id, "preparing")
    system.gateway.kill()
    await move(system, "bar", order_id, "CANCEL")
    system.restored()
    async with system.client() as client:
        after = await shown(client, order_id, "preparing")
        await eventually(lambda: _is_withdrawn(client, order_id), "the cancel is in the order", within=2.0)
    assert outcomes(after)[1] == "accepted"


async def test_cancels_beside_a_gateway_that_is_killed_all_reach_their_orders(system: System) -> None:
    async with system.client() as client:
        placed = [await place(client) for _ in range(20)]
        cancelling = asyncio.gather(*(move(system, "bar", order_id, "CANCEL") for order_id in placed))
        await shown(client, placed[0], "queued", None)
        system.gateway.kill()
        await cancelling
        system.restored()
    async with system.client() as client:
        for order_id in placed:
            await eventually(lambda order_id=order_id: _is_withdrawn(client, order_id), "the cancel is in the order")  # type: ignore[misc]


async def test_a_department_that_is_killed_is_followed_again(system: System) -> None:
    async with system.client() as client:
        order_id = await place(client)
        system["bar"].kill()
        system.restored()
        await move(system, "bar", order_id, "START")
        await shown(client, order_id, "preparing")


async def _is_withdrawn(client: httpx.AsyncClient, order_id: str) -> bool:
    found = await look(client, order_id)
    return outcomes(found) == ["cancelled", "accepted"] and found["lines"][0]["progress"] == "withdrawn"
