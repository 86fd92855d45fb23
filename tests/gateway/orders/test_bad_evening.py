"""A bad evening: departments come and go, the disk fails, the gateway crashes, clients change their minds."""

import asyncio
import random
from collections.abc import Sequence
from copy import deepcopy

import pytest

from gateway.domain.errors import NotCancellable, OrderNotFound
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.order import Order, Policy, Status
from gateway.domain.transitions import Goal
from infra.errors import DatabaseError
from tests.support.fake_departments import STOCK
from tests.support.order_path import Restaurant
from tests.support.orders import order

WISHES = [f"{name} {item}" for name, stock in STOCK.items() for item in [*stock, "water"]]
ORDERS = 40


class Evening:
    """What goes on, and what clients were told."""

    def __init__(self, restaurant: Restaurant, seed: int) -> None:
        self.restaurant = restaurant
        self.luck = random.Random(seed)
        self.asked: list[Order] = []
        self.told: dict[str, list[Outcome]] = {}
        self.cancelled: set[str] = set()
        self.clients: set[asyncio.Task[None]] = set()
        self.crashes = 0

    async def pause(self) -> None:
        for _ in range(self.luck.randrange(12)):
            await asyncio.sleep(0)

    async def on_the_way(self, goal: Goal, orders: Sequence[Order]) -> None:
        await self.pause()

    async def dine(self, asked: Order) -> None:
        """Order, perhaps once more, and perhaps cancel."""
        for _ in range(self.luck.choice((1, 1, 2))):
            try:
                response = await self.restaurant.service.place(deepcopy(asked))
            except DatabaseError:
                continue
            if response.policy is Policy.BEST_EFFORT or response.status is Status.ACCEPTED:
                self.told[asked.order_id] = [line.outcome for line in response.lines]
            else:
                self.told.setdefault(asked.order_id, [])
            await self.pause()
        if self.luck.random() < 0.3:
            self.cancelled.add(asked.order_id)
            try:
                await self.restaurant.service.cancel(asked.order_id)
            except (DatabaseError, NotCancellable, OrderNotFound):
                return

    def something_happens(self) -> None:
        department = self.luck.choice(list(self.restaurant.departments.values()))
        event = self.luck.randrange(10)
        if event < 3:
            department.go_away()
        elif event < 7:
            department.come_back()
        elif event == 7:
            for ticket in department.tickets.values():
                if ticket.state is TicketState.QUEUED:
                    ticket.state = TicketState.PREPARING
        elif event == 8:
            self.restaurant.database.is_read_only = not self.restaurant.database.is_read_only
        else:
            self.restaurant.clock.now += self.luck.choice((1, 10, 302))

    async def crash(self) -> None:
        self.crashes += 1
        for dining in self.clients:
            dining.cancel()
        if self.clients:
            await asyncio.wait(self.clients)
        await self.restaurant.crash_and_open()

    async def go_on(self) -> None:
        for number in range(ORDERS):
            wishes = self.luck.sample(WISHES, self.luck.randint(1, 4))
            asked = order(
                *(f"{wish} {self.luck.randint(1, 2)}" for wish in wishes),
                policy=self.luck.choice(list(Policy)),
                now_ms=int(self.restaurant.clock.now * 1000),
            )
            self.asked.append(asked)
            dining = asyncio.get_running_loop().create_task(self.dine(asked))
            self.clients.add(dining)
            dining.add_done_callback(self.clients.discard)
            await self.pause()
            if self.luck.random() < 0.4:
                self.something_happens()
            if number in (ORDERS // 3, 2 * ORDERS // 3):
                await self.crash()

    async def calm_down(self) -> None:
        self.restaurant.database.is_read_only = False
        for department in self.restaurant.departments.values():
            department.come_back()
        if self.clients:
            await asyncio.wait(self.clients)
        await self.restaurant.settle()


@pytest.mark.parametrize("seed", range(12))
async def test_after_a_bad_evening_the_books_agree(restaurant: Restaurant, seed: int) -> None:
    evening = Evening(restaurant, seed)
    for department in restaurant.departments.values():
        department.on_call = department.on_response = evening.on_the_way
    await evening.go_on()
    await evening.calm_down()
    assert evening.crashes == 2
    assert await restaurant.journal.unfinished() == []
    for asked in evening.asked:
        found = await restaurant.journal.find(asked.order_id)
        if found is None:
            assert asked.order_id not in evening.told, "an order that was acknowledged is lost"
            continue
        assert found.asks_the_same(asked)
        assert found.status is not Status.PENDING
        restaurant.check_books(found)
        _check_promises(found, evening.told.get(asked.order_id, []), asked.order_id in evening.cancelled)
    restaurant.check_stock()
    restaurant.bar.stock["coffee"] = 1
    assert (await restaurant.service.place(order("bar coffee"))).status is Status.ACCEPTED


def _check_promises(found: Order, told: list[Outcome], was_cancelled: bool) -> None:
    """Fail where a client was told something that turned out not to be so."""
    for line, outcome in zip(found.lines, told, strict=False):
        if outcome in (Outcome.OUT_OF_STOCK, Outcome.NOT_ON_MENU):
            assert line.outcome is outcome
        if outcome is Outcome.ACCEPTED:
            assert line.outcome is Outcome.ACCEPTED or (was_cancelled and line.outcome is Outcome.CANCELLED)
    if found.policy is Policy.ALL_OR_NOTHING and not was_cancelled:
        assert len({line.outcome is Outcome.ACCEPTED for line in found.lines}) == 1
