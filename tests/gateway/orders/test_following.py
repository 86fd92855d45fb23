"""An order follows its tickets: what the staff did is in its record, whatever crashes."""

import asyncio
from collections.abc import Collection, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.lines import TicketState
from gateway.domain.order import Order, Policy, Status
from gateway.domain.progress import OrderProgress
from gateway.domain.tickets import ChangePage, Position
from gateway.domain.transitions import Goal
from gateway.orders.following import AWAY_SECONDS
from gateway.orders.ticket_states import Page, Withdrawal
from tests.support.fake_watches import live_ticket
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, new_id, order, outcomes
from tests.support.waiting import until

PREPARING, READY, SERVED, CANCELLED = (
    TicketState.PREPARING,
    TicketState.READY,
    TicketState.SERVED,
    TicketState.CANCELLED,
)


async def until_known(restaurant: Restaurant, order_id: str, **expected: object) -> Order:
    """Wait until an order is found to be as expected."""
    async with asyncio.timeout(10):
        while True:
            found = await restaurant.service.find(order_id)
            if all(getattr(found, name) == value for name, value in expected.items()):
                return found
            await asyncio.sleep(0.005)


def watch_is_quiet(restaurant: Restaurant) -> bool:
    return restaurant.service.following.unsettled == 0


async def test_an_order_is_as_far_as_its_staff(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    assert placed.progress is OrderProgress.QUEUED
    bar, kitchen = restaurant.watches["bar"], restaurant.watches["kitchen"]
    await bar.move(placed.order_id, PREPARING)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.PREPARING)
    await bar.move(placed.order_id, READY)
    found = await until_known(restaurant, placed.order_id, progress=OrderProgress.PARTLY_READY)
    assert found.line_progress() == ["ready", "queued"]
    assert found.tickets["bar"].started_at_ms < found.tickets["bar"].ready_at_ms
    await kitchen.move(placed.order_id, READY)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.READY)
    await bar.move(placed.order_id, SERVED)
    await kitchen.move(placed.order_id, SERVED)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.SERVED)
    await restaurant.settle()
    await restaurant.crash_and_open()
    assert (await restaurant.service.find(placed.order_id)).progress is OrderProgress.SERVED


async def test_a_recall_takes_the_order_back_one_step(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.watches["bar"].move(placed.order_id, READY)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.READY)
    await restaurant.watches["bar"].move(placed.order_id, PREPARING)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.PREPARING)


async def test_a_staff_cancel_reaches_the_order_its_total_and_its_record(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee 2", "kitchen pizza"))
    await restaurant.settle()
    await restaurant.watches["kitchen"].move(placed.order_id, CANCELLED, "no dough")
    found = await until_known(restaurant, placed.order_id, total=700)
    assert outcomes(found) == ["accepted", "cancelled"]
    assert found.lines[1].reason == "kitchen has withdrawn it: no dough"
    assert found.line_progress() == ["queued", "withdrawn"]
    assert found.status is Status.PARTLY_ACCEPTED
    await until(lambda: watch_is_quiet(restaurant))
    assert outcomes(await restaurant.written(placed.order_id)) == ["accepted", "cancelled"]
    assert await restaurant.journal.unsettled(Withdrawal(placed.order_id, "kitchen")) is None
    await restaurant.settle()


async def test_a_staff_cancel_right_after_the_response_is_recorded(restaurant: Restaurant) -> None:
    """The order's first record may not be written yet."""
    placed = [await restaurant.service.place(order("bar coffee")) for _ in range(5)]
    for each in placed:
        await restaurant.watches["bar"].move(each.order_id, CANCELLED)
    for each in placed:
        assert outcomes(await until_known(restaurant, each.order_id, total=0)) == ["cancelled"]
    await restaurant.settle()


async def test_an_all_or_nothing_order_says_that_a_part_was_withdrawn(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert placed.status is Status.ACCEPTED
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED, "the machine is broken")
    found = await until_known(restaurant, placed.order_id, total=1100)
    assert found.policy is Policy.ALL_OR_NOTHING
    assert found.lines[0].reason == "bar has withdrawn it: the machine is broken"
    await restaurant.settle()


async def test_a_staff_cancel_while_the_gateway_is_away_is_recorded_at_its_start(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    await restaurant.settle()
    await restaurant.crash()
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED)
    await restaurant.open()
    await until_known(restaurant, placed.order_id, total=1100)


async def test_a_staff_cancel_is_recorded_whichever_write_a_crash_undoes(restaurant: Restaurant) -> None:
    """The gateway crashes at each of the writes in turn, before and after it is on disk."""
    for crash_at in range(1, 9):
        placed = await restaurant.service.place(order("bar coffee"))
        await restaurant.settle()
        restaurant.database.break_at_write(crash_at)
        await restaurant.watches["bar"].move(placed.order_id, CANCELLED)
        await until(lambda: restaurant.database.is_broken or watch_is_quiet(restaurant))
        await restaurant.crash_and_open()
        assert outcomes(await until_known(restaurant, placed.order_id, total=0)) == ["cancelled"]
        await until(lambda: watch_is_quiet(restaurant))
        restaurant.bar.stock["coffee"] = 10


async def test_a_staff_cancel_outlasts_a_database_that_fails(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    restaurant.database.is_read_only = True
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED)
    await until(lambda: restaurant.database.failures >= 2)
    restaurant.database.is_read_only = False
    await until_known(restaurant, placed.order_id, total=0)


async def test_a_cancel_by_the_client_is_no_withdrawal(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.service.cancel(placed.order_id)
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED)
    await until(lambda: watch_is_quiet(restaurant))
    found = await restaurant.service.find(placed.order_id)
    assert [line.reason for line in found.lines] == ["it was cancelled"]
    await restaurant.settle()


async def test_a_client_cancels_what_the_staff_have_left(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED, "none left")
    await until_known(restaurant, placed.order_id, total=1100)
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert (cancelled.status, cancelled.total) == (Status.CANCELLED, 0)
    assert [line.reason for line in cancelled.lines] == ["bar has withdrawn it: none left", "it was cancelled"]
    await restaurant.settle()


async def test_a_withdrawal_waits_for_what_the_department_is_owed(restaurant: Restaurant) -> None:
    """The department's response says that the ticket is cancelled; nothing is recorded twice."""
    restaurant.bar.mouth.clear()
    placing = asyncio.create_task(restaurant.service.place(order("bar coffee", order_id=(order_id := new_id()))))
    await until(lambda: restaurant.bar.state(order_id) is TicketState.QUEUED)
    await restaurant.watches["bar"].move(order_id, CANCELLED)
    restaurant.bar.go_away()
    placed = await placing
    assert placed.status is Status.PENDING
    await until(lambda: restaurant.service.following.unsettled == 1)
    restaurant.bar.come_back()
    assert outcomes(await until_known(restaurant, order_id, status=Status.CANCELLED)) == ["cancelled"]
    await until(lambda: watch_is_quiet(restaurant))
    await restaurant.settle()


async def test_the_position_is_kept_over_a_restart(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    bar = restaurant.watches["bar"]
    await bar.move(placed.order_id, PREPARING)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.PREPARING)
    await restaurant.crash_and_open()
    await until(lambda: len(bar.opened) == 2)
    assert bar.opened == [None, Position("first", bar.revision)]


async def test_a_watch_that_breaks_is_opened_again_where_it_was(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    bar = restaurant.watches["bar"]
    await bar.move(placed.order_id, PREPARING)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.PREPARING)
    await bar.break_off()
    await bar.move(placed.order_id, READY)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.READY)
    assert bar.opened[1] == Position("first", bar.revision - 1)


async def test_a_restored_department_makes_void_what_was_known_of_it(restaurant: Restaurant) -> None:
    placed = [await restaurant.service.place(order("bar coffee")) for _ in range(5)]
    bar = restaurant.watches["bar"]
    for each in placed:
        await bar.move(each.order_id, READY)
        await until_known(restaurant, each.order_id, progress=OrderProgress.READY)
    await bar.restore()
    for each in placed[:3]:
        await bar.move(each.order_id, PREPARING)
    for each in placed[:3]:
        await until_known(restaurant, each.order_id, progress=OrderProgress.PREPARING)
    for each in placed[3:]:
        await until_known(restaurant, each.order_id, progress=OrderProgress.QUEUED)


async def withdrawn(restaurant: Restaurant, placed: Order) -> None:
    """Let the bar's staff cancel an order's ticket, and wait until the order says so."""
    await restaurant.settle()
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED, "the machine is broken")
    await until_known(restaurant, placed.order_id, status=Status.CANCELLED)
    await until(lambda: watch_is_quiet(restaurant))
    await restaurant.settle()


async def test_a_staff_cancel_that_a_restored_department_lacks_is_asked_for_again(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await withdrawn(restaurant, placed)
    restaurant.bar.tickets[placed.order_id].state = TicketState.QUEUED
    await restaurant.watches["bar"].restore()
    await until(lambda: restaurant.bar.state(placed.order_id) is CANCELLED)
    await until(lambda: watch_is_quiet(restaurant))
    await restaurant.settle()
    found = await restaurant.written(placed.order_id)
    assert outcomes(found) == ["cancelled"]
    assert found.lines[0].reason == "bar has withdrawn it: the machine is broken"
    assert found.owed == {}
    assert found.tickets == {}
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE, Goal.CANCEL]


async def test_what_a_restored_department_has_started_is_made_though_its_staff_had_cancelled_it(
    restaurant: Restaurant,
) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await withdrawn(restaurant, placed)
    await restaurant.watches["bar"].restore()
    await restaurant.watches["bar"].move(placed.order_id, PREPARING)
    found = await until_known(restaurant, placed.order_id, status=Status.ACCEPTED, total=350)
    assert found.lines[0].reason == "it cannot be cancelled any more: bar has it preparing"
    assert (await until_known(restaurant, placed.order_id, progress=OrderProgress.PREPARING)).owed == {}


async def test_a_part_of_an_all_or_nothing_order_is_cancelled_again_and_the_rest_stands(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    await restaurant.settle()
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED)
    await until_known(restaurant, placed.order_id, total=1100)
    restaurant.bar.tickets[placed.order_id].state = TicketState.QUEUED
    await restaurant.watches["bar"].restore()
    await until(lambda: restaurant.bar.state(placed.order_id) is CANCELLED)
    await restaurant.settle()
    assert outcomes(await restaurant.written(placed.order_id)) == ["cancelled", "accepted"]
    assert restaurant.kitchen.state(placed.order_id) is TicketState.QUEUED


async def test_an_order_agrees_with_a_department_that_lost_a_cancel_before_it_was_recorded(
    restaurant: Restaurant,
) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    restaurant.watches["bar"].tickets.clear()
    await restaurant.journal.write_followed(
        Page(
            "bar",
            "gone",
            [live_ticket(placed.order_id, 7, CANCELLED, moved_at_ms=5, cancelled_at_ms=5)],
            Position("gone", 7),
            is_snapshot=False,
        )
    )
    await restaurant.crash_and_open()
    await until(lambda: watch_is_quiet(restaurant))
    await until(lambda: len(restaurant.watches["bar"].opened) == 2)
    await restaurant.settle()
    restaurant.check_books(await restaurant.written(placed.order_id))


async def test_a_lost_staff_cancel_is_asked_for_again_whichever_write_a_crash_undoes(restaurant: Restaurant) -> None:
    """The gateway crashes at each of the writes after the restore in turn, before and after it is on disk."""
    for crash_at in range(1, 9):
        placed = await restaurant.service.place(order("bar coffee"))
        await withdrawn(restaurant, placed)
        restaurant.bar.tickets[placed.order_id].state = TicketState.QUEUED
        restaurant.database.break_at_write(crash_at)
        await restaurant.watches["bar"].restore()
        ticket = restaurant.bar.tickets[placed.order_id]
        await until(lambda ticket=ticket: restaurant.database.is_broken or ticket.state is CANCELLED)  # type: ignore[misc]
        await restaurant.crash_and_open()
        await until(lambda ticket=ticket: ticket.state is CANCELLED)  # type: ignore[misc]
        await until(lambda: watch_is_quiet(restaurant))
        await restaurant.settle()
        assert outcomes(await restaurant.written(placed.order_id)) == ["cancelled"]
        restaurant.bar.stock["coffee"] = 10


async def test_a_counter_sale_is_no_order(restaurant: Restaurant) -> None:
    sale = new_id()
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.watches["bar"].move(sale, CANCELLED, source="counter")
    await restaurant.watches["bar"].move(placed.order_id, READY)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.READY)
    assert await restaurant.journal.tickets([sale]) == {}


async def test_a_withdrawal_of_an_order_that_is_not_known_is_settled(restaurant: Restaurant) -> None:
    await restaurant.watches["bar"].move(order_id := new_id(), CANCELLED)
    await until(lambda: restaurant.service.following._positions.get("bar") == Position("first", 101))
    await until(lambda: watch_is_quiet(restaurant))
    assert await restaurant.journal.unsettled(Withdrawal(order_id, "bar")) is None


async def test_an_order_that_is_sent_again_comes_back_with_its_progress(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.watches["bar"].move(placed.order_id, READY)
    await until_known(restaurant, placed.order_id, progress=OrderProgress.READY)
    again = await restaurant.service.place(order("bar coffee", order_id=placed.order_id))
    assert again.progress is OrderProgress.READY


async def test_whoever_listens_gets_the_orders_that_changed(restaurant: Restaurant) -> None:
    heard: list[str] = []

    def listen(order_ids: Collection[str]) -> None:
        heard.extend(order_ids)

    restaurant.service.following.on_change = listen
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.watches["bar"].move(placed.order_id, PREPARING)
    await until(lambda: heard == [placed.order_id])
    await restaurant.watches["bar"].move(placed.order_id, CANCELLED)
    await until(lambda: heard == [placed.order_id] * 3)
    assert (await restaurant.service.find(placed.order_id)).total == 0


async def test_whoever_listens_gets_the_steps_as_they_come(restaurant: Restaurant) -> None:
    heard: list[str] = []

    def listen(page: ChangePage) -> None:
        heard.extend(ticket.order_id for ticket in page.tickets)

    restaurant.service.following.on_steps = listen
    await until(lambda: len(restaurant.service.following._positions) == 3)
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.watches["bar"].move(placed.order_id, PREPARING)
    await until(lambda: heard == [placed.order_id])


@pytest.mark.parametrize("count", [0, 3])
async def test_following_costs_the_order_path_no_write(restaurant: Restaurant, count: int) -> None:
    await restaurant.settle()
    await until(lambda: all(len(each.opened) == 1 for each in restaurant.watches.values()))
    await until(lambda: len(restaurant.service.following._positions) == 3)
    before = restaurant.database.writes
    for _ in range(count):
        await restaurant.service.place(order("bar coffee"))
        await restaurant.settle()
    assert restaurant.database.writes - before == 2 * count


async def test_the_log_says_once_that_a_department_is_not_followed_and_once_that_it_is_again(
    restaurant: Restaurant,
) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    bar = restaurant.watches["bar"]

    def tried(times: int) -> bool:
        return len(bar.opened) >= times

    with capture_logs() as lines:
        bar.is_up = False
        await bar.wake()
        await until(lambda: tried(3))
        assert of_following(lines) == []  # as after a restart
        restaurant.clock.now += AWAY_SECONDS
        before = len(bar.opened)
        await until(lambda: tried(before + 3))
        bar.is_up = True
        await bar.move(placed.order_id, PREPARING)
        await until_known(restaurant, placed.order_id, progress=OrderProgress.PREPARING)

    away, again = of_following(lines)
    assert away == {
        "event": "the tickets of orders cannot be followed",
        "log_level": "warning",
        "department": "bar",
        "reason": "bar is away",
    }
    assert (again["event"], again["log_level"]) == ("the tickets of orders are followed again", "info")


def of_following(lines: "list[MutableMapping[str, Any]]") -> "list[MutableMapping[str, Any]]":
    """Return the lines about tickets that are followed or not."""
    return [line for line in lines if line["event"].startswith("the tickets of orders")]
