"""The gateway crashes, at every step that can be told apart, and opens again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from gateway.domain.errors import NotCancellable
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.order import Order, Policy, Status
from gateway.domain.transitions import Goal
from tests.support.fake_departments import STOCK
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order, outcomes
from tests.support.waiting import until

pytestmark = pytest.mark.long


# Windows with a name.


async def test_an_order_that_no_department_was_asked_for_is_placed_after_the_crash(restaurant: Restaurant) -> None:
    for department in restaurant.departments.values():
        department.ears.clear()
    asked = order("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.calls != [])
    placing.cancel()
    await restaurant.crash_and_open()
    await restaurant.settle()
    found = await restaurant.service.find(asked.order_id)
    assert outcomes(found) == ["accepted", "accepted"]
    restaurant.check_stock()
    assert restaurant.bar.stock["coffee"] == 9


async def test_an_expected_price_is_stated_again_after_the_crash(restaurant: Restaurant) -> None:
    restaurant.bar.ears.clear()
    asked = order("bar coffee")
    asked.lines[0].expected_price = 350
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.calls != [])
    placing.cancel()
    restaurant.bar.prices["coffee"] = 370
    await restaurant.crash_and_open()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["price_changed"]
    assert restaurant.bar.stock == STOCK["bar"]


async def test_an_order_that_some_have_responded_to_is_asked_of_all_again_and_served_once(
    restaurant: Restaurant,
) -> None:
    restaurant.kitchen.ears.clear()
    asked = order("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.tickets != {} and restaurant.kitchen.calls != [])
    placing.cancel()
    await restaurant.crash_and_open()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["accepted", "accepted"]
    assert restaurant.bar.stock["coffee"] == 9
    assert restaurant.bar.asked(asked.order_id) == [Goal.PLACE, Goal.PLACE]


async def test_an_order_that_all_have_responded_to_but_that_is_not_on_record_keeps_its_outcome(
    restaurant: Restaurant,
) -> None:
    asked = order("bar coffee", "kitchen pizza 6")
    restaurant.kitchen.mouth.clear()
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.database.is_read_only = True
    restaurant.kitchen.mouth.set()
    told = outcomes(await placing)
    restaurant.kitchen.stock["pizza"] = 100  # what came in since does not change a response
    await restaurant.crash_and_open()
    await restaurant.settle()
    found = await restaurant.service.find(asked.order_id)
    assert outcomes(found) == told == ["accepted", "out_of_stock"]
    assert restaurant.bar.stock["coffee"] == 9


async def test_a_client_that_asks_again_after_the_crash_gets_the_order_as_it_stands(restaurant: Restaurant) -> None:
    restaurant.kitchen.mouth.clear()
    asked = order("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    placing.cancel()
    await restaurant.crash_and_open()
    again = await restaurant.service.place(order("bar coffee", "kitchen pizza", order_id=asked.order_id))
    await restaurant.settle()
    assert outcomes(again) == ["accepted", "accepted"]
    assert restaurant.kitchen.stock["pizza"] == 4


async def test_a_decision_that_is_on_disk_is_delivered_after_the_crash(restaurant: Restaurant) -> None:
    restaurant.kitchen.mouth.clear()
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.bar.ears.clear()
    restaurant.kitchen.mouth.set()
    await until(lambda: restaurant.kitchen.state(asked.order_id) is TicketState.QUEUED)
    assert restaurant.bar.state(asked.order_id) is TicketState.HELD
    placing.cancel()
    await restaurant.crash()
    restaurant.bar.stock["coffee"] = 0  # it cannot be decided again: it was, and the stock is held
    restaurant.bar.ears.set()
    await restaurant.open()
    await restaurant.settle()
    assert (await restaurant.service.find(asked.order_id)).status is Status.ACCEPTED
    assert restaurant.bar.state(asked.order_id) is TicketState.QUEUED


async def test_an_order_beyond_what_is_resumed_is_taken_up_when_its_client_asks_again(restaurant: Restaurant) -> None:
    asked = order("bar coffee")
    await restaurant.journal.insert(asked)  # as another gateway on the same database would
    again = await restaurant.service.place(order("bar coffee", order_id=asked.order_id))
    assert outcomes(again) == ["accepted"]
    await restaurant.settle()


async def test_what_was_to_be_placed_at_a_department_that_there_is_no_more_is_rejected_and_cancelled_once_it_is_back(
    restaurant: Restaurant,
) -> None:
    kitchen = restaurant.kitchen
    kitchen.go_away()
    placed = [
        await restaurant.service.place(order("bar coffee", "kitchen pizza")),
        await restaurant.service.place(order("kitchen pizza")),
        await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza")),
        await restaurant.service.place(all_or_nothing("kitchen pizza", "bar coffee")),
    ]
    await restaurant.journal.flush()
    await restaurant.crash()
    del restaurant.departments["kitchen"]
    await restaurant.open()
    owed = {each.order_id: restaurant.service._in_flight.get(each.order_id) for each in placed}
    await until(lambda: all(each and each.order.owed == {"kitchen": Goal.CANCEL} for each in owed.values()))
    found = [await restaurant.written(each.order_id) for each in placed]
    assert [outcomes(each) for each in found] == [
        ["accepted", "rejected"],
        ["rejected"],
        ["cancelled", "rejected"],
        ["rejected", "cancelled"],
    ]
    assert found[0].lines[1].reason == "there is no department kitchen any more"
    assert restaurant.bar.stock["coffee"] == 9
    assert restaurant.bar.state(placed[2].order_id) is TicketState.CANCELLED
    await restaurant.crash()
    restaurant.departments["kitchen"] = kitchen
    kitchen.come_back()
    await restaurant.open()
    await restaurant.settle()
    assert [kitchen.state(each.order_id) for each in placed] == [TicketState.CANCELLED] * 4


async def test_many_unfinished_orders_are_all_resumed(restaurant: Restaurant) -> None:
    for department in restaurant.departments.values():
        department.ears.clear()
    asked = [order("bar coffee", "kitchen pizza", "bakery cookie") for _ in range(40)]
    placing = [asyncio.create_task(restaurant.service.place(each)) for each in asked]
    await until(lambda: len(restaurant.bakery.calls) == 40)
    for task in placing:
        task.cancel()
    await restaurant.crash_and_open()
    await restaurant.settle()
    found = [await restaurant.service.find(each.order_id) for each in asked]
    assert sum(each.lines[0].outcome is Outcome.ACCEPTED for each in found) == 10
    assert sum(each.lines[1].outcome is Outcome.ACCEPTED for each in found) == 5
    for each in found:
        restaurant.check_books(each)
    restaurant.check_stock()


# Every window: the process stops at its first, second, third … step.


class Fuse:
    """Lets a process take a number of steps; at the next one it stops for good."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.is_burned = False
        self.is_over = asyncio.Event()

    async def step(self) -> None:
        if self.left == 0:
            self.is_burned = True
            await self.is_over.wait()
            raise asyncio.CancelledError
        self.left -= 1

    def put_into(self, restaurant: Restaurant) -> None:
        async def step(goal: Goal, orders: Sequence[Order]) -> None:
            await self.step()

        restaurant.database.on_write = self.step
        for department in restaurant.departments.values():
            department.on_call = department.on_response = step

    async def take_out_of(self, restaurant: Restaurant) -> None:
        """End the process that stopped, and start another."""
        self.is_over.set()
        self.left = -1
        await restaurant.crash_and_open()
        for department in restaurant.departments.values():
            department.come_back()


Story = Callable[[Restaurant, Order], Awaitable[None]]


async def placed(restaurant: Restaurant, asked: Order) -> None:
    await restaurant.service.place(asked)
    await restaurant.settle()


async def placed_and_cancelled(restaurant: Restaurant, asked: Order) -> None:
    await restaurant.service.place(asked)
    await restaurant.service.cancel(asked.order_id)
    await restaurant.settle()


async def placed_and_cancelled_too_late(restaurant: Restaurant, asked: Order) -> None:
    await restaurant.service.place(asked)
    restaurant.bar.start(asked.order_id)
    restaurant.kitchen.start(asked.order_id)
    with pytest.raises(NotCancellable):
        await restaurant.service.cancel(asked.order_id)
    await restaurant.settle()


async def pending_for_a_while(restaurant: Restaurant, asked: Order) -> None:
    restaurant.kitchen.go_away()
    await restaurant.service.place(asked)
    restaurant.kitchen.come_back()
    await restaurant.settle()


async def pending_for_too_long(restaurant: Restaurant, asked: Order) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(asked)
    restaurant.clock.now += 301
    await until(lambda: Outcome.EXPIRED in {line.outcome for line in placed.lines})
    restaurant.kitchen.come_back()
    await restaurant.settle()


@pytest.mark.parametrize(
    "story",
    [placed, placed_and_cancelled, placed_and_cancelled_too_late, pending_for_a_while, pending_for_too_long],
    ids=lambda story: story.__name__,
)
@pytest.mark.parametrize("policy", list(Policy))
async def test_wherever_the_gateway_stops_the_order_ends_well(tmp_path: Path, policy: Policy, story: Story) -> None:
    for steps in count():
        restaurant = Restaurant(f"sqlite:///{tmp_path}/{steps}.db", ["bar", "kitchen"])
        await restaurant.open()
        asked = order("bar coffee 2", "kitchen pizza", policy=policy)
        if not await _stops(restaurant, story, asked, Fuse(steps)):
            await restaurant.close()
            break
        await _ends_well(restaurant, asked)
        await restaurant.close()
    assert steps >= 8, "an order takes more steps than that"


@pytest.mark.parametrize("policy", list(Policy))
async def test_wherever_the_gateway_stops_an_order_that_cannot_be_had_ends_well(tmp_path: Path, policy: Policy) -> None:
    for steps in count():
        restaurant = Restaurant(f"sqlite:///{tmp_path}/{steps}.db", ["bar", "kitchen"])
        await restaurant.open()
        asked = order("bar coffee 2", "kitchen meat", policy=policy)
        if not await _stops(restaurant, placed, asked, Fuse(steps)):
            await restaurant.close()
            break
        await _ends_well(restaurant, asked)
        assert restaurant.bar.stock["coffee"] in ((8, 10) if policy is Policy.BEST_EFFORT else (10,))
        await restaurant.close()
    assert steps >= 8, "an order takes more steps than that"


async def _stops(restaurant: Restaurant, story: Story, asked: Order, fuse: Fuse) -> bool:
    """Tell a story until the fuse stops it; then open the restaurant anew. Returns False where it came to its end."""
    fuse.put_into(restaurant)
    telling = asyncio.ensure_future(story(restaurant, asked))
    await until(lambda: telling.done() or fuse.is_burned)
    if telling.done():
        await telling
        return False
    telling.cancel()
    await asyncio.wait({telling})
    await fuse.take_out_of(restaurant)
    return True


async def _ends_well(restaurant: Restaurant, asked: Order) -> None:
    await restaurant.settle()
    found = await restaurant.journal.find(asked.order_id)
    if found is None:
        assert all(department.tickets == {} for department in restaurant.departments.values())
        assert restaurant.bar.stock == STOCK["bar"]
        return
    assert found.owed == {}
    assert found.status is not Status.PENDING
    restaurant.check_books(found)
    restaurant.check_stock()
    if found.policy is Policy.ALL_OR_NOTHING:
        assert len({line.outcome is Outcome.ACCEPTED for line in found.lines}) == 1
