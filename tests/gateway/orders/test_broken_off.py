"""Requests that are broken off, or meet a fault of this program: no order id waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.domain.errors import BrokenOff
from gateway.domain.lines import TicketState
from gateway.domain.order import Order, Status
from gateway.domain.transitions import Goal
from tests.support.fake_departments import STOCK
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order, outcomes
from tests.support.waiting import until

SECONDS = 5.0
"""More than anything here may take: who waits longer waits for ever."""


async def in_time(work: Awaitable[Order]) -> Order:
    return await asyncio.wait_for(work, SECONDS)


def again(asked: Order, *wishes: str) -> Order:
    return order(*wishes, order_id=asked.order_id)


def fail_once(restaurant: Restaurant, error: Exception) -> None:
    """Let the next write fail in a way that nobody foresaw."""

    async def fail() -> None:
        restaurant.database.on_write = _fine
        raise error

    restaurant.database.on_write = fail


async def _fine() -> None:
    """What a disk does when nothing is wrong with it."""


def at_write(restaurant: Restaurant) -> Callable[[], bool]:
    """Stop the next write, and tell whether it has begun."""
    restaurant.database.way.clear()
    writes = restaurant.database.writes
    return lambda: restaurant.database.writes > writes


async def break_off(task: "asyncio.Task[Order]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_id_whose_insertion_failed_in_an_unforeseen_way_can_be_sent_again(restaurant: Restaurant) -> None:
    asked = order("bar coffee")
    fail_once(restaurant, RuntimeError("a fault of ours"))
    responses = await asyncio.gather(
        restaurant.service.place(asked), restaurant.service.place(again(asked, "bar coffee")), return_exceptions=True
    )
    assert [str(response) for response in responses] == ["a fault of ours"] * 2
    assert restaurant.forgot_everything()
    assert (await in_time(restaurant.service.place(again(asked, "bar coffee")))).status is Status.ACCEPTED


async def test_an_id_whose_client_left_while_it_was_inserted_can_be_sent_again(restaurant: Restaurant) -> None:
    asked = order("bar coffee")
    has_begun = at_write(restaurant)
    first = asyncio.create_task(restaurant.service.place(asked))
    second = asyncio.create_task(restaurant.service.place(again(asked, "bar coffee")))
    await until(has_begun)
    await break_off(first)
    with pytest.raises(BrokenOff, match="send it again"):
        await in_time(second)
    restaurant.database.way.set()
    assert (await in_time(restaurant.service.place(again(asked, "bar coffee")))).status is Status.ACCEPTED
    await restaurant.settle()
    assert restaurant.bar.stock["coffee"] == STOCK["bar"]["coffee"] - 1


async def test_an_order_whose_client_left_while_it_was_inserted_is_found(restaurant: Restaurant) -> None:
    """It was written all the same, as this gateway's."""
    asked = order("bar coffee")
    has_begun = at_write(restaurant)
    first = asyncio.create_task(restaurant.service.place(asked))
    await until(has_begun)
    await break_off(first)
    restaurant.database.way.set()
    while await restaurant.journal.find(asked.order_id) is None:  # noqa: ASYNC110 - a fact on disk tells nobody
        await asyncio.sleep(0.001)
    await restaurant.service._lease_keeper._find_unknown()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["accepted"]


async def test_a_client_that_leaves_does_not_take_the_response_from_others(restaurant: Restaurant) -> None:
    restaurant.bar.mouth.clear()
    asked = order("bar coffee")
    first = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.tickets != {})
    second = asyncio.create_task(restaurant.service.place(again(asked, "bar coffee")))
    third = asyncio.create_task(restaurant.service.cancel(asked.order_id))
    await asyncio.sleep(0)
    await break_off(first)
    restaurant.bar.mouth.set()
    assert (await in_time(second)).order_id == asked.order_id
    assert (await in_time(third)).status is Status.CANCELLED
    await restaurant.settle()


async def test_a_cancel_that_is_broken_off_while_the_order_is_taken_up_can_be_sent_again(
    restaurant: Restaurant,
) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    has_begun = at_write(restaurant)
    cancelling = asyncio.create_task(restaurant.service.cancel(placed.order_id))
    await until(has_begun)
    await break_off(cancelling)
    restaurant.database.way.set()
    assert (await in_time(restaurant.service.cancel(placed.order_id))).status is Status.CANCELLED
    await restaurant.settle()


async def test_a_cancel_that_meets_a_fault_while_the_order_is_taken_up_can_be_sent_again(
    restaurant: Restaurant,
) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    fail_once(restaurant, RuntimeError("a fault of ours"))
    with pytest.raises(RuntimeError):
        await restaurant.service.cancel(placed.order_id)
    assert restaurant.forgot_everything()
    assert (await in_time(restaurant.service.cancel(placed.order_id))).status is Status.CANCELLED
    await restaurant.settle()


@pytest.mark.parametrize("make", [order, all_or_nothing])
async def test_a_cancel_that_is_broken_off_while_it_is_written_is_carried_out(
    restaurant: Restaurant, make: Callable[..., Order]
) -> None:
    """It may be on disk; whether its client still waits changes nothing."""
    restaurant.bakery.go_away()  # so that the order is looked after here
    placed = await restaurant.service.place(make("bar coffee", "bakery cookie"))
    await restaurant.journal.flush()
    has_begun = at_write(restaurant)
    cancelling = asyncio.create_task(restaurant.service.cancel(placed.order_id))
    await until(has_begun)
    await break_off(cancelling)
    restaurant.database.way.set()
    assert (await in_time(restaurant.service.cancel(placed.order_id))).owed == {"bakery": Goal.CANCEL}
    restaurant.bakery.come_back()
    await restaurant.settle()
    assert restaurant.bar.state(placed.order_id) is TicketState.CANCELLED
    assert (await restaurant.service.find(placed.order_id)).status is Status.CANCELLED


async def test_a_cancel_that_meets_a_fault_while_it_is_written_is_carried_out(restaurant: Restaurant) -> None:
    restaurant.bakery.go_away()
    placed = await restaurant.service.place(order("bar coffee", "bakery cookie"))
    await restaurant.journal.flush()
    fail_once(restaurant, RuntimeError("a fault of ours"))
    with pytest.raises(RuntimeError):
        await restaurant.service.cancel(placed.order_id)
    restaurant.bakery.come_back()
    await restaurant.settle()
    assert (await in_time(restaurant.service.find(placed.order_id))).status is Status.CANCELLED


async def test_a_decision_that_meets_a_fault_while_it_is_written_is_written_in_the_end(restaurant: Restaurant) -> None:
    restaurant.bar.mouth.clear()
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.tickets != {})
    fail_once(restaurant, RuntimeError("a fault of ours"))
    restaurant.bar.mouth.set()
    await in_time(placing)
    await restaurant.settle()
    assert (await restaurant.service.find(asked.order_id)).status is Status.ACCEPTED
    restaurant.check_books(await restaurant.service.find(asked.order_id))
