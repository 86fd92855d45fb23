"""What is listed and looked up is what clients were told, without a write for it, and not behind a long page."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from gateway.domain.order import Order, Status
from gateway.orders.in_flight import InFlightOrder
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order, outcomes
from tests.support.waiting import until

SECONDS = 5.0


@pytest.fixture
async def restaurant(database_url: str) -> AsyncIterator[Restaurant]:
    restaurant = Restaurant(database_url)
    await restaurant.open()
    yield restaurant
    restaurant.repair()
    await restaurant.close()


async def listed(restaurant: Restaurant, status: Status | None = None, limit: int = 10) -> list[str]:
    """Follow the pages to the end, which must not need a write."""
    ids: list[str] = []
    before = None
    while True:
        page = await asyncio.wait_for(restaurant.service.list_orders(limit, before, status, None), SECONDS)
        assert len(page.orders) <= limit
        assert all(status in (None, each.status) for each in page.orders)
        ids += [each.order_id for each in page.orders]
        if page.cursor is None:
            return ids
        assert len(page.orders) == limit
        before = page.cursor


async def told_and_not_written(restaurant: Restaurant, *asked: Order) -> list[str]:
    """Place orders whose records cannot be written yet."""
    departments = {name for each in asked for name in each.shares}
    for name in departments:
        restaurant.departments[name].mouth.clear()
    placing = [asyncio.create_task(restaurant.service.place(each)) for each in asked]
    await until(
        lambda: all(each.order_id in restaurant.departments[name].tickets for each in asked for name in each.shares)
    )
    restaurant.database.way.clear()
    for name in departments:
        restaurant.departments[name].mouth.set()
    await asyncio.gather(*placing)
    return [each.order_id for each in asked]


async def test_orders_are_listed_as_they_were_returned_before_that_is_written(restaurant: Restaurant) -> None:
    accepted, refused = await told_and_not_written(restaurant, order("bar coffee"), order("kitchen meat"))
    assert sorted(await listed(restaurant)) == sorted([accepted, refused])
    assert await listed(restaurant, Status.ACCEPTED) == [accepted]
    assert await listed(restaurant, Status.REFUSED) == [refused]
    assert await listed(restaurant, Status.PENDING) == []
    page = await restaurant.service.list_orders(10, None, Status.ACCEPTED, None)
    assert outcomes(page.orders[0]) == ["accepted"]
    assert (await restaurant.service.find(accepted)).status is Status.ACCEPTED


async def test_pages_of_one_status_are_full_and_in_order_though_some_is_not_written(restaurant: Restaurant) -> None:
    wishes = ("bar coffee", "bar beer", "bar coffee", "bar beer")
    written = [(await restaurant.service.place(order(wish))).order_id for wish in wishes]
    await restaurant.settle()
    asked = [order("kitchen pizza") if number % 2 else order("kitchen meat") for number in range(8)]
    new = await told_and_not_written(restaurant, *asked)
    accepted, refused = [written[0], written[2], *new[1::2]], [written[1], written[3], *new[0::2]]
    for limit in (1, 2, 3, 10):
        assert sorted(await listed(restaurant, Status.ACCEPTED, limit)) == sorted(accepted)
        assert sorted(await listed(restaurant, Status.REFUSED, limit)) == sorted(refused)
        assert await listed(restaurant, Status.PENDING, limit) == []
    assert (await listed(restaurant, Status.ACCEPTED, 2))[-2:] == [written[2], written[0]]


async def test_orders_of_a_table_are_listed_as_they_were_returned(restaurant: Restaurant) -> None:
    mine, _ = await told_and_not_written(restaurant, order("bar coffee", table="7"), order("bar coffee", table="8"))
    page = await restaurant.service.list_orders(10, None, Status.ACCEPTED, "7")
    assert [each.order_id for each in page.orders] == [mine]


async def test_an_order_whose_insertion_is_not_committed_is_not_listed(restaurant: Restaurant) -> None:
    restaurant.database.way.clear()
    asked = order("bar coffee")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: asked.order_id in restaurant.service._in_flight)
    assert await listed(restaurant) == await listed(restaurant, Status.PENDING) == []
    restaurant.database.way.set()
    await placing
    assert await listed(restaurant) == [asked.order_id]


async def test_a_record_that_is_written_while_a_page_is_read_is_listed_as_it_was_returned(
    restaurant: Restaurant,
) -> None:
    """The page was read before, and the order is forgotten after."""
    (told,) = await told_and_not_written(restaurant, order("bar coffee"))

    async def write_meanwhile() -> None:
        restaurant.database.way.set()
        await restaurant.settle()

    restaurant.database.after_read = write_meanwhile
    page = await restaurant.service.list_orders(10, None, None, None)
    assert [each.status for each in page.orders] == [Status.ACCEPTED]
    assert [each.order_id for each in page.orders] == [told]


async def test_listing_forces_no_write(restaurant: Restaurant) -> None:
    placed = [await restaurant.service.place(order("bar coffee"))]
    await restaurant.settle()
    restaurant.database.is_read_only = True
    assert await listed(restaurant) == [placed[0].order_id]
    assert restaurant.database.failures == 0


async def test_what_is_decided_is_listed_once_it_is_written(restaurant: Restaurant) -> None:
    """A decision that no crash can take back, and not one that may still be taken back by one."""
    restaurant.bar.mouth.clear()
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: asked.order_id in restaurant.bar.tickets)
    restaurant.database.way.clear()
    writes = restaurant.database.writes
    restaurant.bar.mouth.set()
    await until(lambda: restaurant.database.writes > writes)
    assert await listed(restaurant, Status.PENDING) == [asked.order_id]
    assert await listed(restaurant, Status.ACCEPTED) == []
    restaurant.database.way.set()
    await placing
    assert await listed(restaurant, Status.ACCEPTED) == [asked.order_id]


async def test_what_becomes_known_after_the_response_is_returned_once_it_is_written(restaurant: Restaurant) -> None:
    """A crash before that would let the order be given up, if its department were away or not configured then."""
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    await restaurant.journal.flush()
    restaurant.database.way.clear()
    restaurant.kitchen.come_back()
    await until(lambda: running_of(restaurant, placed).order.status is Status.ACCEPTED)
    assert (await restaurant.service.find(placed.order_id)).status is Status.PENDING
    assert await listed(restaurant, Status.ACCEPTED) == []
    assert await listed(restaurant, Status.PENDING) == [placed.order_id]
    again = asyncio.create_task(
        restaurant.service.place(order("bar coffee", "kitchen pizza", order_id=placed.order_id))
    )
    await asyncio.sleep(0)
    restaurant.database.way.set()
    assert (await again).status is Status.ACCEPTED
    assert (await restaurant.service.find(placed.order_id)).status is Status.ACCEPTED


async def test_a_pending_order_that_is_sent_again_costs_no_write(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    await restaurant.journal.flush()
    await until(lambda: running_of(restaurant, placed).is_response_written)
    writes = restaurant.database.writes
    again = await restaurant.service.place(order("bar coffee", "kitchen pizza", order_id=placed.order_id))
    assert outcomes(again) == ["accepted", "pending"]
    assert restaurant.database.writes == writes


def running_of(restaurant: Restaurant, placed: Order) -> InFlightOrder:
    in_flight = restaurant.service._in_flight.get(placed.order_id)
    assert in_flight is not None
    return in_flight


# What an all-or-nothing order waits for.


@pytest.mark.parametrize("wishes", [("bar coffee", "kitchen pizza"), ("bar coffee", "kitchen meat")])
async def test_all_or_nothing_is_responded_to_after_two_writes(restaurant: Restaurant, wishes: tuple[str, str]) -> None:
    before = restaurant.database.writes
    placed = await restaurant.service.place(all_or_nothing(*wishes))
    assert restaurant.database.writes == before + 2
    assert placed.status is not Status.PENDING
    await restaurant.settle()
    assert await restaurant.journal.find(placed.order_id) == placed


async def test_a_cancel_that_a_department_is_still_owed_costs_no_write_more_than_its_decision(
    restaurant: Restaurant,
) -> None:
    restaurant.bar.go_away()
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.journal.flush()
    before = restaurant.database.writes
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert cancelled.owed
    assert restaurant.database.writes == before + 1


@pytest.fixture
async def long_page(restaurant: Restaurant) -> AsyncIterator[None]:
    """Somebody reads a page that takes its time."""
    begun, over = threading.Event(), threading.Event()

    def read(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT 1"))
        begun.set()
        over.wait(SECONDS)

    reading = asyncio.create_task(restaurant.database.read(read))
    await until(begun.is_set)
    yield
    assert not reading.done()
    over.set()
    await reading


@pytest.mark.usefixtures("long_page")
async def test_no_client_that_places_or_finds_an_order_waits_behind_a_long_page(restaurant: Restaurant) -> None:
    placed = await asyncio.wait_for(restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza")), 2.0)
    await restaurant.settle()
    found = await asyncio.wait_for(restaurant.service.find(placed.order_id), 2.0)
    assert found.status is Status.ACCEPTED
    again = await asyncio.wait_for(
        restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza", order_id=placed.order_id)), 2.0
    )
    assert again == found
    assert (await asyncio.wait_for(restaurant.service.cancel(placed.order_id), 2.0)).status is Status.CANCELLED
