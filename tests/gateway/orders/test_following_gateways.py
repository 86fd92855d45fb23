"""Gateways that share a journal follow the same departments: each staff cancel is recorded once, whoever dies."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection

import pytest

from gateway.domain.lines import TicketState
from gateway.domain.progress import OrderProgress
from gateway.domain.transitions import Goal
from gateway.orders.backoff import RetryPolicy
from infra.clock import Clock
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order, outcomes
from tests.support.postgresql import new_postgresql_database
from tests.support.waiting import eventually, until

STEADY = RetryPolicy(first_retry=0.001, retry_cap=0.004, journal_retry=0.005, lease=60.0)


@pytest.fixture
async def pair(postgresql: str) -> AsyncIterator[tuple[Restaurant, Restaurant]]:
    """Two gateways of one restaurant, whose leases do not end."""
    url = new_postgresql_database(postgresql)
    one, other = (Restaurant(url, retry_policy=STEADY, clock=Clock()) for _ in range(2))
    other.watches = one.watches
    for name, department in other.departments.items():
        department.tickets, department.stock = one.departments[name].tickets, one.departments[name].stock
    for restaurant in (one, other):
        await restaurant.open()
    yield one, other
    for restaurant in (one, other):
        restaurant.repair()
        await restaurant.close()


async def until_outcomes(restaurant: Restaurant, order_id: str, *expected: str) -> None:
    async def is_known() -> bool:
        return outcomes(await restaurant.service.find(order_id)) == list(expected)

    await eventually(is_known, f"{order_id} is {expected}")


def is_settled(*restaurants: Restaurant) -> bool:
    return all(each.service.following.unsettled == 0 for each in restaurants)


async def test_a_staff_cancel_is_shown_by_both_gateways(pair: tuple[Restaurant, Restaurant]) -> None:
    one, other = pair
    heard: Counter[str] = Counter()

    def hear(order_ids: Collection[str]) -> None:
        heard.update(order_ids)

    other.service.following.on_change = hear
    placed = [await one.service.place(order("bar coffee", "kitchen pizza")) for _ in range(3)]
    placed.append(await other.service.place(all_or_nothing("bar coffee", "kitchen pizza")))
    for each in placed:
        await one.watches["bar"].move(each.order_id, TicketState.CANCELLED, "no milk")
    for each in placed:
        await until_outcomes(one, each.order_id, "cancelled", "accepted")
        await until_outcomes(other, each.order_id, "cancelled", "accepted")
    await until(lambda: is_settled(one, other))
    # The other one says so when it read the step, and again once the order's record says it, whoever wrote that.
    assert all(heard[each.order_id] == 2 for each in placed)
    for each in placed:
        assert (await one.written(each.order_id)).epoch <= each.epoch + 4


async def test_cancels_of_single_lines_are_shown_by_both_and_recorded_once(pair: tuple[Restaurant, Restaurant]) -> None:
    one, other = pair
    placed = [await each.service.place(order("bar coffee", "bar soda", "bar coffee")) for each in pair]
    for each in placed:
        await one.watches["bar"].cancel_line(each.order_id, 0, "no milk")
        await one.watches["bar"].cancel_line(each.order_id, 1, "none left")
    for each in placed:
        for restaurant in pair:
            await until_outcomes(restaurant, each.order_id, "cancelled", "cancelled", "accepted")
    await until(lambda: is_settled(one, other))
    for each in placed:
        written = await one.written(each.order_id)
        assert [line.reason for line in written.lines] == [
            "bar has withdrawn it: no milk",
            "bar has withdrawn it: none left",
            None,
        ]
        assert (written.owed, one.bar.asked(each.order_id) + other.bar.asked(each.order_id)) == ({}, [Goal.PLACE])


async def test_a_cancel_that_a_gateway_has_read_before_it_died_is_recorded_by_the_other(
    pair: tuple[Restaurant, Restaurant],
) -> None:
    one, other = pair
    placed = await one.service.place(order("bar coffee"))
    await one.settle()
    written = asyncio.Event()

    async def die_after_the_page() -> None:
        if (await other.journal.tickets([placed.order_id])) and not one.database.is_broken:
            one.database.is_broken = True
            written.set()

    one.database.on_write = die_after_the_page
    other.database.way.clear()
    await one.watches["bar"].move(placed.order_id, TicketState.CANCELLED)
    await written.wait()
    await one.crash()
    other.database.way.set()
    await until_outcomes(other, placed.order_id, "cancelled")
    await until(lambda: is_settled(other))
    await one.open()


async def test_each_gateway_shows_the_progress_that_either_has_read(pair: tuple[Restaurant, Restaurant]) -> None:
    one, other = pair
    placed = await one.service.place(order("bar coffee"))
    await one.settle()
    await one.watches["bar"].move(placed.order_id, TicketState.READY)

    async def is_ready() -> bool:
        found = [await each.service.find(placed.order_id) for each in pair]
        return all(each.progress is OrderProgress.READY for each in found)

    await eventually(is_ready, "both show it")
    assert await one.journal.followed() == await other.journal.followed()
