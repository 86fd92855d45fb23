"""The gateway with real departments: REST at one end, gRPC and three databases at the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from grpclib.const import Status as Grpc
from grpclib.exceptions import GRPCError

from departments.domain.tickets import TicketState
from gateway.department_client.client import CallPolicy
from gateway.domain.limits import OrderLimits
from gateway.domain.lines import Outcome
from gateway.domain.order import Status
from gateway.orders.backoff import RetryPolicy
from gateway.orders.journal import Journal
from gateway.orders.service import OrderService
from gateway.rest.app import create_app
from gateway.rest.event_json import event_json
from gateway.rest.readiness import Readiness
from gateway.rest.requests import RequestReader
from gateway.storage import MIGRATIONS
from gateway.tickets.watching import live_departments
from tests.contract.department_programs import ABOUT_THE_CALLER, DepartmentProgram, open_program, refuse
from tests.support.access import access_parts
from tests.support.breakable_database import BreakableDatabase
from tests.support.migrated import prepare
from tests.support.order_path import Hands
from tests.support.orders import EUR, all_or_nothing, new_id, order, outcomes
from tests.support.ready_apps import MAX_BODY
from tests.support.rest_app import client
from tests.support.waiting import until

pytestmark = pytest.mark.long


NAMES = ("bar", "kitchen", "bakery")
RETRY_POLICY = RetryPolicy(first_retry=0.01, retry_cap=0.3, journal_retry=0.01)
CALL_POLICY = CallPolicy(deadline=1.0)


@dataclass
class System:
    """The gateway's order service, its departments, and an HTTP client."""

    programs: dict[str, DepartmentProgram]
    service: OrderService
    clock: Hands
    client: httpx.AsyncClient

    @property
    def bar(self) -> DepartmentProgram:
        return self.programs["bar"]

    @property
    def kitchen(self) -> DepartmentProgram:
        return self.programs["kitchen"]

    async def settle(self) -> None:
        await until(lambda: not self.service._in_flight and not any(map(len, self.service.backlogs.values())))


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with AsyncExitStack() as stack:
        programs = {name: await stack.enter_async_context(open_program(name, tmp_path)) for name in NAMES}
        database = BreakableDatabase(f"sqlite:///{tmp_path}/gateway.db")
        prepare(database, MIGRATIONS)
        stack.callback(database.close)
        clock = Hands()
        departments = {name: program.client(CALL_POLICY) for name, program in programs.items()}
        service = OrderService(Journal(database), departments, RETRY_POLICY, clock=clock.pair, random=lambda: 1.0)
        requests = RequestReader(NAMES, OrderLimits(), EUR, new_order_id=new_id, wall=clock.pair.wall)
        readiness = Readiness(service, clock=clock.pair, wait_for_departments=10.0)
        await service.start()
        stack.push_async_callback(service.close)
        live = live_departments({}, service.find_all, event_json, most=0, clock=clock.pair, random=lambda: 1.0)
        access = access_parts(database, service, clock.pair)
        await access.check.access.start()
        app = create_app(service, requests, readiness, live, {}, access, max_body=MAX_BODY)
        caller = await stack.enter_async_context(client(app))
        await until(lambda: all(department.was_reached for department in departments.values()))
        yield System(programs, service, clock, caller)


async def test_the_set_menus_seven_texts(system: System) -> None:
    async def ask(drink: str, meal: str, dessert: str) -> list[str]:
        choice = {"drink": drink, "meal": meal, "dessert": dessert}
        response = await system.client.post("/api/restaurants", json=choice)
        assert response.status_code == 201
        body = response.json()
        return [body["drink"], body["meal"], body["dessert"]]

    assert await ask("coffee", "pizza", "cookie") == ["Delivery!"] * 3
    assert await ask("커피", "피자", "쿠키") == ["Delivery!"] * 3
    assert await ask("beer", "meat", "gelato") == ["Drink out of stock", "Meal out of stock", "Dessert out of stock"]
    assert await ask("와인", "생선 요리", "브라우니") == ["Drink not Found", "Meal not Found", "Dessert not Found"]
    stock = await system.bar.stock()
    assert (stock["coffee"].on_hand, stock["coffee"].sold) == (8, 2)


async def test_an_order_is_split_stocked_and_ticketed(system: System) -> None:
    lines = [
        {"department": "bar", "item": "coffee", "quantity": 2},
        {"department": "kitchen", "item": "pizza", "quantity": 6},
        {"department": "bakery", "item": "donut"},
    ]
    response = await system.client.post("/orders", json={"table": "7", "lines": lines})
    assert response.status_code == 201
    body = response.json()
    assert [line["outcome"] for line in body["lines"]] == ["accepted", "out_of_stock", "accepted"]
    assert body["lines"][1]["available"] == 5
    prices = {program.menu.name: program.menu.items for program in system.programs.values()}
    assert body["total"] == 2 * prices["bar"]["coffee"].price + prices["bakery"]["donut"].price
    assert await system.bar.states() == {body["order_id"]: TicketState.QUEUED}
    assert await system.kitchen.states() == {body["order_id"]: TicketState.NONE}


async def test_what_the_staff_take_off_sale_is_refused_and_served_once_it_is_back(system: System) -> None:
    lines = [{"department": "bar", "item": "coffee"}, {"department": "bar", "item": "soda", "allergy": True}]
    await system.bar.app.set_on_sale("coffee", "Ana", on_sale=False)
    body = (await system.client.post("/orders", json={"lines": lines})).json()
    assert [(line["outcome"], line["allergy"]) for line in body["lines"]] == [("off_sale", False), ("accepted", True)]
    menu = (await system.client.get("/menu")).json()["departments"][0]["items"]
    assert [item["on_sale"] for item in menu] == [False, True, True]
    await system.bar.app.set_on_sale("coffee", "Ana", on_sale=True)
    body = (await system.client.post("/orders", json={"lines": lines})).json()
    assert [line["outcome"] for line in body["lines"]] == ["accepted", "accepted"]


async def test_the_menu_shows_live_stock_and_who_is_away(system: System) -> None:
    await system.client.post("/orders", json={"lines": [{"department": "bar", "item": "coffee", "quantity": 4}]})
    await system.kitchen.stop()
    body = (await system.client.get("/menu")).json()
    assert [department["state"] for department in body["departments"]] == ["open", "unreachable", "open"]
    assert body["departments"][0]["items"][0]["available"] == 6
    assert body["departments"][1]["titles"]["ko"] == system.kitchen.menu.titles["ko"]


async def test_an_order_is_cancelled_and_restocked(system: System) -> None:
    placed = (await system.client.post("/orders", json={"lines": [{"department": "bar", "item": "coffee"}]})).json()
    response = await system.client.delete(f"/orders/{placed['order_id']}")
    assert response.status_code == 200
    assert (await system.bar.stock())["coffee"].on_hand == 10
    assert await system.bar.states() == {placed["order_id"]: TicketState.CANCELLED}


async def test_a_department_that_was_away_decides_when_it_is_back(system: System) -> None:
    await system.kitchen.stop()
    placed = await system.service.place(order("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "pending"]
    await system.kitchen.open()
    await system.settle()
    assert outcomes(await system.service.find(placed.order_id)) == ["accepted", "accepted"]
    assert (await system.kitchen.stock())["pizza"].sold == 1


@pytest.mark.parametrize("status", [*ABOUT_THE_CALLER, Grpc.UNIMPLEMENTED, Grpc.RESOURCE_EXHAUSTED, Grpc.INTERNAL])
async def test_an_order_waits_for_a_department_that_is_set_up_wrongly_to_be_put_right(
    system: System, status: Grpc
) -> None:
    system.kitchen.network.on_call = refuse(status)
    placed = await system.service.place(order("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "pending"]
    system.kitchen.network.calls.clear()
    await until(lambda: len(system.kitchen.network.calls) >= 3)
    assert outcomes(await system.service.find(placed.order_id)) == ["accepted", "pending"]
    system.kitchen.network.on_call = lambda: None
    await system.settle()
    assert outcomes(await system.service.find(placed.order_id)) == ["accepted", "accepted"]


@pytest.mark.parametrize("status", [Grpc.RESOURCE_EXHAUSTED, Grpc.INVALID_ARGUMENT, Grpc.NOT_FOUND, Grpc.INTERNAL])
async def test_a_decision_that_a_department_refuses_with_a_status_is_delivered_once_it_takes_it(
    system: System, status: Grpc
) -> None:
    """An all-or-nothing order is never carried out in part."""

    def refuse_decisions() -> None:
        if system.kitchen.network.calls[-1][0] == "confirm":
            raise GRPCError(status, "as the test asks")

    system.kitchen.network.on_call = refuse_decisions
    placed = await system.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "accepted"]
    tries = len(system.kitchen.network.sizes("confirm"))
    await until(lambda: len(system.kitchen.network.sizes("confirm")) >= tries + 2)
    assert (await system.kitchen.states())[placed.order_id] is TicketState.HELD
    system.kitchen.network.on_call = lambda: None
    await system.settle()
    assert (await system.kitchen.states())[placed.order_id] is TicketState.QUEUED


async def test_a_department_that_hangs_delays_an_order_no_longer_than_the_deadline_and_the_next_not_at_all(
    system: System,
) -> None:
    system.kitchen.network.gate.clear()
    loop = asyncio.get_running_loop()
    for most in (CALL_POLICY.deadline * 3, CALL_POLICY.deadline * 0.8):
        started = loop.time()
        placed = await system.service.place(order("bar coffee", "kitchen pizza"))
        assert loop.time() - started < most
        assert outcomes(placed) == ["accepted", "pending"]
    system.kitchen.network.gate.set()
    await system.settle()
    assert (await system.kitchen.stock())["pizza"].sold == 2


async def test_all_or_nothing_over_real_departments(system: System) -> None:
    had, not_had = all_or_nothing("bar coffee", "kitchen pizza"), all_or_nothing("bar coffee", "kitchen meat")
    assert (await system.service.place(had)).status is Status.ACCEPTED
    assert (await system.service.place(not_had)).status is Status.REFUSED
    stock = (await system.bar.stock())["coffee"]
    assert (stock.on_hand, stock.held, stock.sold) == (9, 0, 1)
    assert await system.bar.states() == {had.order_id: TicketState.QUEUED, not_had.order_id: TicketState.CANCELLED}


async def test_all_or_nothing_takes_nothing_anywhere_where_one_price_has_changed(system: System) -> None:
    lines = [
        {"department": "bar", "item": "coffee", "expected_price": 340},
        {"department": "kitchen", "item": "pizza", "quantity": 2},
    ]
    response = await system.client.post("/orders", json={"policy": "all_or_nothing", "lines": lines})
    refused = response.json()["order"]["lines"]
    assert response.status_code == 409
    assert [(line["outcome"], line["unit_price"]) for line in refused] == [("price_changed", 350), ("cancelled", None)]
    await system.settle()
    for department, item in ((system.bar, "coffee"), (system.kitchen, "pizza")):
        stock = (await department.stock())[item]
        assert (stock.on_hand, stock.held, stock.sold) == (stock.received, 0, 0)


async def test_all_or_nothing_waits_for_a_department_that_is_away_and_holds_the_rest(system: System) -> None:
    await system.kitchen.stop()
    placed = await system.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert placed.status is Status.PENDING
    assert (await system.bar.stock())["coffee"].held == 1
    await system.kitchen.open()
    await system.settle()
    assert (await system.service.find(placed.order_id)).status is Status.ACCEPTED
    stock = (await system.bar.stock())["coffee"]
    assert (stock.held, stock.sold) == (0, 1)


async def test_an_order_that_expires_leaves_a_tombstone(system: System) -> None:
    await system.kitchen.stop()
    placed = await system.service.place(order("kitchen pizza"))
    system.clock.now += 301
    await until(lambda: outcomes(placed) == ["expired"])
    await system.kitchen.open()
    await system.settle()
    assert await system.kitchen.states() == {placed.order_id: TicketState.CANCELLED}
    assert (await system.kitchen.stock())["pizza"].on_hand == 5


async def test_the_last_of_an_item_is_sold_once_however_many_want_it(system: System) -> None:
    results = await asyncio.gather(*(system.service.place(order("bar coffee", "bakery cookie")) for _ in range(64)))
    sold = [result.lines[0].outcome is Outcome.ACCEPTED for result in results]
    assert sum(sold) == 10
    stock = (await system.bar.stock())["coffee"]
    assert (stock.received, stock.on_hand, stock.sold) == (10, 0, 10)


async def test_what_a_department_would_not_take_is_refused_alone(system: System) -> None:
    poison = order("bar coffee")
    poison.lines[0].note = "x" * 500  # more than departments take, as after a change of limits
    sound = [order("bar coffee") for _ in range(4)]
    results = await asyncio.gather(*(system.service.place(each) for each in [*sound[:2], poison, *sound[2:]]))
    assert [outcomes(result) for result in results] == [["accepted"]] * 2 + [["rejected"]] + [["accepted"]] * 2
    assert str(results[2].lines[0].reason).startswith("bar refused it: notes[")


async def test_a_department_that_fails_every_call_is_called_no_more_than_there_are_orders(system: System) -> None:
    system.bar.network.on_call = refuse(Grpc.UNAVAILABLE)
    system.bar.network.calls.clear()
    for _ in range(300):
        placed = await system.service.place(order("bar coffee"))
        assert outcomes(placed) == ["pending"]
    assert len(system.bar.network.calls) <= 1.1 * 300
    system.bar.network.on_call = lambda: None
    system.bar.network.calls.clear()
    await system.settle()
    assert len(system.bar.network.calls) < 20, "what was owed is not sent in batches"
    stock = (await system.bar.stock())["coffee"]
    assert (stock.on_hand, stock.sold) == (0, 10)
