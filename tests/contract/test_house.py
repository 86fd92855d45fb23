"""The whole gateway over real departments: REST at one end, gRPC and three databases at the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from grpclib.const import Status as Grpc
from grpclib.exceptions import GRPCError

from departments.domain.tickets import State
from gateway.department_client.client import CallPolicy
from gateway.domain.order import Outcome, Status
from gateway.orders.journal import Journal
from gateway.orders.service import OrderService, RetryPolicy
from gateway.rest.app import create_app
from gateway.rest.restaurant import House, OrderLimits
from gateway.storage import MIGRATIONS
from tests.contract.floors import Floor, open_floor
from tests.contract.test_floor import ABOUT_THE_CALLER, refuse
from tests.gateway.fakes import BreakableDatabase, Clock, all_or_nothing, new_id, order, outcomes, until
from tests.gateway.served import MAX_BODY, client

NAMES = ("bar", "kitchen", "bakery")
PATIENCE = RetryPolicy(first_retry=0.01, retry_cap=0.3, journal_retry=0.01)
CALLING = CallPolicy(deadline=1.0)


@dataclass
class Whole:
    """All of it."""

    floors: dict[str, Floor]
    ordering: OrderService
    clock: Clock
    guest: httpx.AsyncClient

    @property
    def bar(self) -> Floor:
        return self.floors["bar"]

    @property
    def kitchen(self) -> Floor:
        return self.floors["kitchen"]

    async def settle(self) -> None:
        await until(lambda: not self.ordering._running and not any(map(len, self.ordering.backlogs.values())))


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with AsyncExitStack() as stack:
        floors = {name: await stack.enter_async_context(open_floor(name, tmp_path)) for name in NAMES}
        database = BreakableDatabase(f"sqlite:///{tmp_path}/gateway.db")
        database.prepare(MIGRATIONS)
        stack.callback(database.close)
        clock = Clock()
        departments = {name: floor.department(CALLING) for name, floor in floors.items()}
        ordering = OrderService(Journal(database), departments, PATIENCE, clock=clock, random=lambda: 1.0)
        house = House(ordering, OrderLimits(), "EUR", new_order_id=new_id, clock=clock, wait_for_departments=10.0)
        await ordering.start()
        stack.push_async_callback(ordering.close)
        guest = await stack.enter_async_context(client(create_app(house, max_body=MAX_BODY)))
        await until(lambda: all(department.was_reached for department in departments.values()))
        yield Whole(floors, ordering, clock, guest)


async def test_the_set_menus_seven_texts(whole: Whole) -> None:
    async def ask(drink: str, meal: str, dessert: str) -> list[str]:
        wish = {"drink": drink, "meal": meal, "dessert": dessert}
        response = await whole.guest.post("/api/restaurants", json=wish)
        assert response.status_code == 201
        body = response.json()
        return [body["drink"], body["meal"], body["dessert"]]

    assert await ask("coffee", "pizza", "cookie") == ["Delivery!"] * 3
    assert await ask("커피", "피자", "쿠키") == ["Delivery!"] * 3
    assert await ask("beer", "meat", "gelato") == ["Drink out of stock", "Meal out of stock", "Dessert out of stock"]
    assert await ask("와인", "생선 요리", "브라우니") == ["Drink not Found", "Meal not Found", "Dessert not Found"]
    stock = await whole.bar.stock()
    assert (stock["coffee"].on_hand, stock["coffee"].sold) == (8, 2)


async def test_an_order_is_split_stocked_ticketed_and_answered(whole: Whole) -> None:
    lines = [
        {"department": "bar", "item": "coffee", "quantity": 2},
        {"department": "kitchen", "item": "pizza", "quantity": 6},
        {"department": "bakery", "item": "donut"},
    ]
    response = await whole.guest.post("/orders", json={"table": "7", "lines": lines})
    assert response.status_code == 201
    body = response.json()
    assert [line["outcome"] for line in body["lines"]] == ["accepted", "out_of_stock", "accepted"]
    assert body["lines"][1]["available"] == 5
    prices = {floor.menu.name: floor.menu.items for floor in whole.floors.values()}
    assert body["total"] == 2 * prices["bar"]["coffee"].price + prices["bakery"]["donut"].price
    assert await whole.bar.states() == {body["order_id"]: State.QUEUED}
    assert await whole.kitchen.states() == {body["order_id"]: State.NONE}


async def test_the_menu_shows_live_stock_and_who_is_away(whole: Whole) -> None:
    await whole.guest.post("/orders", json={"lines": [{"department": "bar", "item": "coffee", "quantity": 4}]})
    await whole.kitchen.stop()
    body = (await whole.guest.get("/menu")).json()
    assert [department["state"] for department in body["departments"]] == ["open", "unreachable", "open"]
    assert body["departments"][0]["items"][0]["available"] == 6
    assert body["departments"][1]["titles"]["ko"] == whole.kitchen.menu.titles["ko"]


async def test_an_order_is_cancelled_and_restocked(whole: Whole) -> None:
    placed = (await whole.guest.post("/orders", json={"lines": [{"department": "bar", "item": "coffee"}]})).json()
    response = await whole.guest.delete(f"/orders/{placed['order_id']}")
    assert response.status_code == 200
    assert (await whole.bar.stock())["coffee"].on_hand == 10
    assert await whole.bar.states() == {placed["order_id"]: State.CANCELLED}


async def test_a_department_that_was_away_decides_when_it_is_back(whole: Whole) -> None:
    await whole.kitchen.stop()
    placed = await whole.ordering.place(order("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "pending"]
    await whole.kitchen.open()
    await whole.settle()
    assert outcomes(await whole.ordering.find(placed.order_id)) == ["accepted", "accepted"]
    assert (await whole.kitchen.stock())["pizza"].sold == 1


@pytest.mark.parametrize("status", [*ABOUT_THE_CALLER, Grpc.UNIMPLEMENTED, Grpc.RESOURCE_EXHAUSTED, Grpc.INTERNAL])
async def test_an_order_waits_for_a_department_that_is_set_up_wrongly_to_be_put_right(
    whole: Whole, status: Grpc
) -> None:
    whole.kitchen.wire.on_call = refuse(status)
    placed = await whole.ordering.place(order("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "pending"]
    whole.kitchen.wire.calls.clear()
    await until(lambda: len(whole.kitchen.wire.calls) >= 3)
    assert outcomes(await whole.ordering.find(placed.order_id)) == ["accepted", "pending"]
    whole.kitchen.wire.on_call = lambda: None
    await whole.settle()
    assert outcomes(await whole.ordering.find(placed.order_id)) == ["accepted", "accepted"]


@pytest.mark.parametrize("status", [Grpc.RESOURCE_EXHAUSTED, Grpc.INVALID_ARGUMENT, Grpc.NOT_FOUND, Grpc.INTERNAL])
async def test_a_decision_that_a_department_answers_with_a_status_is_delivered_once_it_takes_it(
    whole: Whole, status: Grpc
) -> None:
    """So that no order ends half."""

    def refuse_decisions() -> None:
        if whole.kitchen.wire.calls[-1][0] == "confirm":
            raise GRPCError(status, "as the test asks")

    whole.kitchen.wire.on_call = refuse_decisions
    placed = await whole.ordering.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "accepted"]
    tries = len(whole.kitchen.wire.sizes("confirm"))
    await until(lambda: len(whole.kitchen.wire.sizes("confirm")) >= tries + 2)
    assert (await whole.kitchen.states())[placed.order_id] is State.HELD
    whole.kitchen.wire.on_call = lambda: None
    await whole.settle()
    assert (await whole.kitchen.states())[placed.order_id] is State.QUEUED


async def test_a_department_that_hangs_delays_an_order_no_longer_than_the_deadline_and_the_next_not_at_all(
    whole: Whole,
) -> None:
    whole.kitchen.wire.way.clear()
    loop = asyncio.get_running_loop()
    for most in (CALLING.deadline * 3, CALLING.deadline * 0.8):
        started = loop.time()
        placed = await whole.ordering.place(order("bar coffee", "kitchen pizza"))
        assert loop.time() - started < most
        assert outcomes(placed) == ["accepted", "pending"]
    whole.kitchen.wire.way.set()
    await whole.settle()
    assert (await whole.kitchen.stock())["pizza"].sold == 2


async def test_all_or_nothing_over_real_departments(whole: Whole) -> None:
    had, not_had = all_or_nothing("bar coffee", "kitchen pizza"), all_or_nothing("bar coffee", "kitchen meat")
    assert (await whole.ordering.place(had)).status is Status.ACCEPTED
    assert (await whole.ordering.place(not_had)).status is Status.REFUSED
    stock = (await whole.bar.stock())["coffee"]
    assert (stock.on_hand, stock.held, stock.sold) == (9, 0, 1)
    assert await whole.bar.states() == {had.order_id: State.QUEUED, not_had.order_id: State.CANCELLED}


async def test_all_or_nothing_waits_for_a_department_that_is_away_and_holds_the_rest(whole: Whole) -> None:
    await whole.kitchen.stop()
    placed = await whole.ordering.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert placed.status is Status.PENDING
    assert (await whole.bar.stock())["coffee"].held == 1
    await whole.kitchen.open()
    await whole.settle()
    assert (await whole.ordering.find(placed.order_id)).status is Status.ACCEPTED
    stock = (await whole.bar.stock())["coffee"]
    assert (stock.held, stock.sold) == (0, 1)


async def test_an_order_that_expires_leaves_a_tombstone(whole: Whole) -> None:
    await whole.kitchen.stop()
    placed = await whole.ordering.place(order("kitchen pizza"))
    whole.clock.now += 301
    await until(lambda: outcomes(placed) == ["expired"])
    await whole.kitchen.open()
    await whole.settle()
    assert await whole.kitchen.states() == {placed.order_id: State.CANCELLED}
    assert (await whole.kitchen.stock())["pizza"].on_hand == 5


async def test_the_last_of_an_item_is_sold_once_however_many_want_it(whole: Whole) -> None:
    answers = await asyncio.gather(*(whole.ordering.place(order("bar coffee", "bakery cookie")) for _ in range(64)))
    sold = [answer.lines[0].outcome is Outcome.ACCEPTED for answer in answers]
    assert sum(sold) == 10
    stock = (await whole.bar.stock())["coffee"]
    assert (stock.received, stock.on_hand, stock.sold) == (10, 0, 10)


async def test_what_a_department_would_not_take_is_refused_alone(whole: Whole) -> None:
    poison = order("bar coffee")
    poison.lines[0].note = "x" * 500  # more than departments take, as after a change of limits
    sound = [order("bar coffee") for _ in range(4)]
    answers = await asyncio.gather(*(whole.ordering.place(each) for each in [*sound[:2], poison, *sound[2:]]))
    assert [outcomes(answer) for answer in answers] == [["accepted"]] * 2 + [["rejected"]] + [["accepted"]] * 2
    assert str(answers[2].lines[0].reason).startswith("bar refused it: notes[")


async def test_a_department_that_fails_every_call_is_called_no_more_than_there_are_orders(whole: Whole) -> None:
    whole.bar.wire.on_call = refuse(Grpc.UNAVAILABLE)
    whole.bar.wire.calls.clear()
    for _ in range(300):
        placed = await whole.ordering.place(order("bar coffee"))
        assert outcomes(placed) == ["pending"]
    assert len(whole.bar.wire.calls) <= 1.1 * 300
    whole.bar.wire.on_call = lambda: None
    whole.bar.wire.calls.clear()
    await whole.settle()
    assert len(whole.bar.wire.calls) < 20, "what was owed is not handed over in batches"
    stock = (await whole.bar.stock())["coffee"]
    assert (stock.on_hand, stock.sold) == (0, 10)
