"""An order follows the cancels of single lines, whatever crashes, and whatever the client does meanwhile."""

import asyncio

from gateway.domain.lines import TicketState
from gateway.domain.order import Status
from gateway.domain.progress import OrderProgress
from gateway.domain.transitions import Goal
from gateway.orders.ticket_states import Withdrawal
from tests.gateway.orders.test_following import until_known, watch_is_quiet
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order, outcomes
from tests.support.waiting import until

QUEUED, PREPARING, CANCELLED = TicketState.QUEUED, TicketState.PREPARING, TicketState.CANCELLED


async def quiet(restaurant: Restaurant) -> None:
    await until(lambda: watch_is_quiet(restaurant))
    await restaurant.settle()


async def test_a_cancelled_line_reaches_the_order_its_total_and_its_record(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee 2", "kitchen pizza", "bar soda"))
    await restaurant.settle()
    await restaurant.watches["bar"].cancel_line(placed.order_id, 1, "none left")
    found = await until_known(restaurant, placed.order_id, total=1800)
    assert outcomes(found) == ["accepted", "accepted", "cancelled"]
    assert found.lines[2].reason == "bar has withdrawn it: none left"
    assert found.line_progress() == ["queued", "queued", "withdrawn"]
    assert (found.status, found.progress) == (Status.PARTLY_ACCEPTED, OrderProgress.QUEUED)
    await quiet(restaurant)
    written = await restaurant.written(placed.order_id)
    assert (outcomes(written), written.owed) == (["accepted", "accepted", "cancelled"], {})
    assert await restaurant.journal.unsettled(Withdrawal(placed.order_id, "bar")) is None
    restaurant.check_books(written)
    restaurant.check_stock()
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE]


async def test_one_line_after_another_and_then_the_rest(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "bar soda 2", "bar coffee 3"))
    bar = restaurant.watches["bar"]
    await bar.cancel_line(placed.order_id, 2, "a")
    await until_known(restaurant, placed.order_id, total=950)
    await bar.move(placed.order_id, PREPARING)
    await bar.cancel_line(placed.order_id, 0, "b")
    await until_known(restaurant, placed.order_id, total=600, progress=OrderProgress.PREPARING)
    await bar.move(placed.order_id, CANCELLED, "c")
    found = await until_known(restaurant, placed.order_id, status=Status.CANCELLED, total=0)
    assert [line.reason for line in found.lines] == [f"bar has withdrawn it: {each}" for each in "bca"]
    assert found.line_progress() == ["withdrawn"] * 3
    await quiet(restaurant)


async def test_what_is_left_is_served(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "bar soda"))
    bar = restaurant.watches["bar"]
    await bar.cancel_line(placed.order_id, 0)
    for state in (PREPARING, TicketState.READY, TicketState.SERVED):
        await bar.move(placed.order_id, state)
    found = await until_known(restaurant, placed.order_id, progress=OrderProgress.SERVED, total=300)
    assert found.line_progress() == ["withdrawn", "served"]
    await quiet(restaurant)
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE]


async def test_a_cancel_right_after_the_response_is_recorded(restaurant: Restaurant) -> None:
    """The order's first record may not be written yet."""
    placed = [await restaurant.service.place(order("bar coffee", "bar coffee")) for _ in range(5)]
    for each in placed:
        await restaurant.watches["bar"].cancel_line(each.order_id, 1)
    for each in placed:
        assert outcomes(await until_known(restaurant, each.order_id, total=350)) == ["accepted", "cancelled"]
    await quiet(restaurant)


async def test_the_rest_of_an_all_or_nothing_order_stands(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "bar soda", "kitchen pizza"))
    assert placed.status is Status.ACCEPTED
    await restaurant.watches["bar"].cancel_line(placed.order_id, 0, "the machine is broken")
    found = await until_known(restaurant, placed.order_id, total=1400)
    assert outcomes(found) == ["cancelled", "accepted", "accepted"]
    await quiet(restaurant)
    assert restaurant.kitchen.state(placed.order_id) is QUEUED


async def test_a_client_cancels_what_is_left_and_nothing_is_owed_anew(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "bar soda"))
    await restaurant.watches["bar"].cancel_line(placed.order_id, 0, "none left")
    await until_known(restaurant, placed.order_id, total=300)
    await quiet(restaurant)
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert (cancelled.status, cancelled.total) == (Status.CANCELLED, 0)
    await restaurant.watches["bar"].show_cancel_by_client(placed.order_id)
    await quiet(restaurant)
    await restaurant.crash_and_open()
    await quiet(restaurant)
    found = await restaurant.service.find(placed.order_id)
    assert [line.reason for line in found.lines] == ["bar has withdrawn it: none left", "it was cancelled"]
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE, Goal.CANCEL]
    restaurant.check_stock()


async def test_a_cancel_while_the_gateway_is_away_is_recorded_at_its_start(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "bar soda"))
    await restaurant.settle()
    await restaurant.crash()
    await restaurant.watches["bar"].cancel_line(placed.order_id, 0)
    await restaurant.open()
    await until_known(restaurant, placed.order_id, total=300)


async def test_a_cancel_is_recorded_whichever_write_a_crash_undoes(restaurant: Restaurant) -> None:
    """The gateway crashes at each of the writes in turn, before and after it is on disk."""
    for crash_at in range(1, 7):
        placed = await restaurant.service.place(order("bar coffee", "bar coffee"))
        await restaurant.settle()
        restaurant.database.break_at_write(crash_at)
        await restaurant.watches["bar"].cancel_line(placed.order_id, 1)
        await until(lambda: restaurant.database.is_broken or watch_is_quiet(restaurant))
        await restaurant.crash_and_open()
        assert outcomes(await until_known(restaurant, placed.order_id, total=350)) == ["accepted", "cancelled"]
        await quiet(restaurant)
        restaurant.bar.stock["coffee"] = 10


async def test_a_cancel_outlasts_a_database_that_fails(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "bar soda"))
    await restaurant.settle()
    restaurant.database.is_read_only = True
    await restaurant.watches["bar"].cancel_line(placed.order_id, 1)
    await until(lambda: restaurant.database.failures >= 2)
    restaurant.database.is_read_only = False
    await until_known(restaurant, placed.order_id, total=350)


async def test_a_cancel_waits_for_what_the_department_is_owed(restaurant: Restaurant) -> None:
    """The department's response says so, too; nothing is recorded twice."""
    restaurant.bar.mouth.clear()
    asked = order("bar coffee", "bar soda")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.state(asked.order_id) is QUEUED)
    await restaurant.watches["bar"].cancel_line(asked.order_id, 1)
    restaurant.bar.go_away()
    assert (await placing).status is Status.PENDING
    await until(lambda: restaurant.service.following.unsettled == 1)
    restaurant.bar.come_back()
    found = await until_known(restaurant, asked.order_id, status=Status.PARTLY_ACCEPTED)
    assert outcomes(found) == ["accepted", "cancelled"]
    await quiet(restaurant)
    restaurant.check_books(await restaurant.written(asked.order_id))


async def test_what_a_restored_department_makes_after_all_is_accepted_again(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "bar soda"))
    bar = restaurant.watches["bar"]
    await bar.move(placed.order_id, PREPARING)
    then = list(restaurant.bar.tickets[placed.order_id].lines)
    await bar.cancel_line(placed.order_id, 1, "none left")
    await until_known(restaurant, placed.order_id, total=350)
    await quiet(restaurant)
    restaurant.bar.tickets[placed.order_id].lines = then
    await bar.restore()
    await bar.move(placed.order_id, PREPARING)
    await until_known(restaurant, placed.order_id, status=Status.ACCEPTED, total=650)
    await quiet(restaurant)
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE, Goal.CONFIRM]
    restaurant.check_books(await restaurant.written(placed.order_id))


async def test_a_restored_department_that_tells_nothing_of_the_ticket_is_asked(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "bar soda"))
    await restaurant.settle()
    then = list(restaurant.bar.tickets[placed.order_id].lines)
    await restaurant.watches["bar"].cancel_line(placed.order_id, 1, "none left")
    await until_known(restaurant, placed.order_id, total=350)
    await quiet(restaurant)
    restaurant.bar.tickets[placed.order_id].lines = then
    restaurant.bar.stock["soda"] -= 1
    await restaurant.watches["bar"].restore()
    await until_known(restaurant, placed.order_id, status=Status.ACCEPTED, total=650)
    await quiet(restaurant)
    written = await restaurant.written(placed.order_id)
    assert (written.owed, written.tickets) == ({}, {})
    restaurant.check_books(written)
    restaurant.check_stock()
