"""A gateway that is killed: whatever it acknowledged is true afterwards, and whatever it had begun gets finished."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

import httpx
import pytest

from tests.support.database_contents import Line, Record
from tests.support.rest_clients import Json, decided, line, order, whole_history
from tests.support.systems import System, Systems
from tests.support.waiting import eventually, wait_for

CLIENTS = 16
MENUS = {
    "bar": {"coffee": 100_000, "soda": 60, "beer": 0},
    "bakery": {"cookie": 100_000, "donut": 60},
}


@pytest.fixture(scope="module")
def opened(systems: Systems) -> System:
    return systems.open(MENUS, DEADLINE=1)


@pytest.fixture
def system(opened: System) -> System:
    return opened.restored()


@dataclass(slots=True)
class ResponseLog:
    """What clients know: what they were told of each order, and which they were told nothing of."""

    told: dict[str, Json] = field(default_factory=dict)
    untold: list[Json] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    async def visit(self, client: httpx.AsyncClient, chance: random.Random) -> None:
        """Order one thing after another until the gateway is gone."""
        while True:
            body = any_order(chance)
            try:
                response = await client.post("/orders", json=body)
            except httpx.TransportError:
                self.untold.append(body)
                return
            self.note(body, response)

    def note(self, body: Json, response: httpx.Response) -> None:
        """Note what an order's response said."""
        self.statuses[response.status_code] += 1
        told = response.json()["order"] if response.status_code == 409 else response.json()
        self.told[body["order_id"]] = told


async def test_a_gateway_killed_under_load_keeps_what_it_acknowledged(system: System) -> None:
    book = ResponseLog()
    async with system.client() as client:
        clients = [asyncio.create_task(book.visit(client, random.Random(n))) for n in range(CLIENTS)]
        await asyncio.to_thread(wait_for, lambda: len(book.told) >= 200, "200 orders are acknowledged")
        system.gateway.kill()
        await asyncio.gather(*clients)

    assert len(book.untold) == CLIENTS
    await everything_is_true_after_the_restart(system, book)


async def test_a_gateway_killed_while_a_department_hangs_finishes_what_it_had_begun(system: System) -> None:
    book = ResponseLog()
    async with system.client() as client:
        clients = [asyncio.create_task(book.visit(client, random.Random(-n))) for n in range(CLIENTS)]
        await asyncio.to_thread(wait_for, lambda: len(book.told) >= 50, "50 orders are acknowledged")
        system["bakery"].pause()
        await asyncio.to_thread(wait_for, lambda: book.statuses[202] >= CLIENTS, "every client has a pending order")
        begun = system.books.unfinished()
        system.gateway.kill()
        system["bakery"].resume()
        await asyncio.gather(*clients)

    assert begun >= CLIENTS
    await everything_is_true_after_the_restart(system, book)


async def test_a_gateway_killed_with_a_decision_still_owed_delivers_it(system: System) -> None:
    body = order(line("bar", "coffee"), line("bakery", "cookie"))
    before = system.books.stock("bakery")["cookie"]
    async with system.client() as client:
        system["bakery"].kill()
        placed = await client.post("/orders", json=body)
        cancelled = await client.delete(placed.headers["location"])
    system.gateway.kill()
    system.gateway.start()
    system["bakery"].restart()
    system.gateway.wait_ready()
    async with system.client() as client:
        found = await decided(client, body["order_id"])
        await asyncio.to_thread(wait_for, lambda: not system.books.unfinished(), "the bakery has heard of it")

    assert (placed.status_code, cancelled.status_code) == (202, 202)
    assert found["status"] == "cancelled"
    assert system.books.tickets("bakery")[body["order_id"]].state == "cancelled"
    assert system.books.check("bakery")["cookie"] == before


async def test_a_gateway_that_cannot_write_acknowledges_nothing(system: System, order_id: str) -> None:
    body = order(line("bar", "coffee"), order_id=order_id)
    before = system.books.stock("bar")["coffee"].sold
    async with system.client() as client:
        with system.unwritable("gateway"):
            refused = await client.post("/orders", json=body)
            await eventually(lambda: health_is(client, 503), "the gateway is not ready")
            alive = await client.get("/health/live")
        await eventually(lambda: health_is(client, 200), "the gateway is ready")
        placed = await client.post("/orders", json=body)
        found = await decided(client, order_id)

    assert refused.status_code == 503
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert "Nothing is acknowledged" in refused.json()["detail"]
    assert refused.headers["retry-after"] == "1"
    assert alive.status_code == 200
    assert placed.status_code in (201, 202), "its departments share the PostgreSQL that let nobody in"
    assert found["status"] == "accepted"
    assert system.books.check("bar")["coffee"].sold == before + 1


async def health_is(client: httpx.AsyncClient, status: int) -> bool:
    return (await client.get("/health/ready")).status_code == status


async def everything_is_true_after_the_restart(system: System, book: ResponseLog) -> None:
    await asyncio.to_thread(system.gateway.restart)
    await asyncio.to_thread(wait_for, lambda: not system.books.unfinished(), "every order is finished")
    async with system.client() as client:
        for body in book.untold:
            book.note(body, await client.post("/orders", json=body))
        history = {each["order_id"]: each for each in await whole_history(client)}

    assert book.told.keys() <= history.keys()
    assert not [found for found in history.values() if found["status"] == "pending"]
    for order_id, told in book.told.items():
        for was, now in zip(told["lines"], history[order_id]["lines"], strict=True):
            assert was["outcome"] in (now["outcome"], "pending"), (order_id, was, now)
    # What a client was told is written within moments, and no listing hurries it.
    await asyncio.to_thread(wait_for, lambda: is_settled(system), "every outcome is written")
    journal = system.books.orders()
    assert {order_id: found["status"] for order_id, found in history.items()} == {
        order_id: record.status for order_id, record in journal.items()
    }
    for department in MENUS:
        system.books.check(department)
        tickets = system.books.tickets(department)
        assert {order_id: share(record, department) for order_id, record in journal.items()} == {
            order_id: [(line.item, line.quantity, line.outcome) for line in tickets[order_id].lines]
            for order_id in journal
        }


def is_settled(system: System) -> bool:
    """Tell whether the journal's rows themselves tell an outcome of each order, and owe nothing."""
    return not any(record.owed or record.status == "pending" for record in system.books.orders().values())


def share(record: Record, department: str) -> list[tuple[str, int, str]]:
    def told(line: Line) -> tuple[str, int, str]:
        return line.item, line.quantity, line.outcome

    return [told(line) for line in record.lines if line.department == department]


def any_order(chance: random.Random) -> Json:
    """Order something of every department, so that each has a ticket for every order."""
    return order(
        *(line(department, chance.choice(list(items)), chance.randint(1, 2)) for department, items in MENUS.items())
    )
