"""Orders that nobody responds to in time."""

import asyncio

import pytest

from gateway.department_client.errors import Unreachable
from gateway.domain.lines import TicketState
from gateway.domain.order import Order, Status
from gateway.domain.transitions import Goal
from tests.support.fake_departments import STOCK
from tests.support.order_path import Restaurant
from tests.support.orders import NOON_MS, all_or_nothing, order, outcomes
from tests.support.waiting import until

TOO_LATE = 301.0
HOUR = 3600.0
DAY = 86_400.0


async def test_what_is_pending_for_too_long_expires(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    restaurant.clock.now += TOO_LATE
    await until(lambda: outcomes(placed) == ["accepted", "expired"])
    assert placed.status is Status.PARTLY_ACCEPTED
    assert placed.owed == {"kitchen": Goal.CANCEL}
    assert placed.lines[1].reason == "kitchen did not answer in time; this will not be made"
    await until(lambda: not placed.decision_unwritten)
    written = await restaurant.written(placed.order_id)
    assert outcomes(written) == ["accepted", "expired"]
    assert written.owed == {"kitchen": Goal.CANCEL}


async def test_the_tombstone_is_delivered_when_the_department_comes_back(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    restaurant.clock.now += TOO_LATE
    await until(lambda: outcomes(placed) == ["expired"])
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert restaurant.kitchen.state(placed.order_id) is TicketState.CANCELLED
    assert restaurant.kitchen.stock == STOCK["kitchen"]
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["expired"]


async def test_what_is_not_old_enough_does_not_expire(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    restaurant.clock.now += 299
    calls = len(restaurant.kitchen.calls)
    await until(lambda: len(restaurant.kitchen.calls) > calls + 3)
    assert outcomes(placed) == ["pending"]


async def test_an_order_that_was_placed_without_its_response_is_cancelled(restaurant: Restaurant) -> None:
    restaurant.kitchen.mouth.clear()
    placing = asyncio.create_task(restaurant.service.place(order("kitchen pizza")))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.kitchen.go_away()
    placed = await placing
    restaurant.clock.now += TOO_LATE
    await until(lambda: outcomes(placed) == ["expired"])
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert restaurant.kitchen.stock == STOCK["kitchen"]
    restaurant.check_books(placed)


async def test_an_expired_order_that_turns_out_to_be_made_is_accepted_after_all(restaurant: Restaurant) -> None:
    restaurant.kitchen.mouth.clear()
    placing = asyncio.create_task(restaurant.service.place(order("kitchen pizza")))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.kitchen.go_away()
    placed = await placing
    restaurant.kitchen.start(placed.order_id)
    restaurant.clock.now += TOO_LATE
    await until(lambda: outcomes(placed) == ["expired"])
    restaurant.kitchen.come_back()
    await restaurant.settle()
    found = await restaurant.journal.find(placed.order_id)
    assert found is not None
    assert outcomes(found) == ["accepted"]
    assert found.lines[0].reason == "it cannot be cancelled any more: kitchen has it preparing"
    assert found.total == 1100
    restaurant.check_books(found)


async def test_all_or_nothing_that_expires_releases_what_is_held(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    restaurant.clock.now += TOO_LATE
    await until(lambda: restaurant.bar.state(placed.order_id) is TicketState.CANCELLED)
    assert outcomes(placed) == ["cancelled", "expired"]
    assert restaurant.bar.stock == STOCK["bar"]
    restaurant.kitchen.come_back()
    await restaurant.settle()
    restaurant.check_books(placed)


async def test_expiring_is_on_disk_before_it_reaches_any_department(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    await restaurant.journal.flush()
    restaurant.database.way.clear()
    writes = restaurant.database.writes
    restaurant.clock.now += TOO_LATE
    await until(lambda: restaurant.database.writes > writes)
    assert restaurant.bar.asked(placed.order_id) == [Goal.HOLD]
    restaurant.kitchen.come_back()
    await until(lambda: restaurant.kitchen.is_reachable)
    assert Goal.CANCEL not in restaurant.kitchen.asked(placed.order_id)
    restaurant.database.way.set()
    await restaurant.settle()
    assert restaurant.kitchen.asked(placed.order_id)[-1] is Goal.CANCEL
    assert restaurant.bar.asked(placed.order_id) == [Goal.HOLD, Goal.CANCEL]


async def test_an_expiring_that_cannot_be_written_is_tried_until_it_can(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    await restaurant.journal.flush()
    restaurant.database.is_read_only = True
    restaurant.clock.now += TOO_LATE
    await until(lambda: restaurant.database.failures >= 3)
    restaurant.kitchen.come_back()
    restaurant.database.is_read_only = False
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["expired"]


async def test_an_order_whose_response_is_not_on_record_does_not_expire(restaurant: Restaurant) -> None:
    """The response may have said that it is accepted, before the crash: only its departments know."""
    restaurant.kitchen.mouth.clear()
    asked = order("kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.database.is_read_only = True
    restaurant.kitchen.mouth.set()
    assert outcomes(await placing) == ["accepted"]
    restaurant.kitchen.go_away()
    await restaurant.crash_and_open()
    restaurant.clock.now += 10 * TOO_LATE
    calls = len(restaurant.kitchen.calls)
    await until(lambda: len(restaurant.kitchen.calls) > calls + 3)
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["pending"]
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["accepted"]


async def test_an_order_that_was_pending_before_a_crash_expires_after_it(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    await restaurant.journal.flush()
    restaurant.clock.now += TOO_LATE
    await restaurant.crash_and_open()
    resumed = restaurant.service._in_flight.get(placed.order_id)
    assert resumed is not None
    await until(lambda: outcomes(resumed.order) == ["expired"])


async def test_an_order_that_may_have_been_returned_before_a_crash_is_not_placed_when_it_is_too_old(
    restaurant: Restaurant,
) -> None:
    restaurant.kitchen.ears.clear()
    asked = order("kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.calls != [])
    restaurant.kitchen.is_up = False
    await restaurant.crash_and_open()
    with pytest.raises(Unreachable):
        await restaurant.kitchen.probe()
    restaurant.clock.now += TOO_LATE
    calls = len(restaurant.kitchen.calls)
    await until(lambda: (Goal.CONFIRM, [asked.order_id]) in restaurant.kitchen.calls[calls:])
    restaurant.kitchen.come_back()
    await restaurant.settle()
    found = await restaurant.service.find(asked.order_id)
    assert outcomes(found) == ["expired"]
    assert restaurant.kitchen.stock == STOCK["kitchen"]
    assert restaurant.kitchen.state(asked.order_id) is TicketState.CANCELLED
    placing.cancel()


async def test_an_old_order_whose_department_responds_after_a_crash_does_not_expire(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    await restaurant.journal.flush()
    await restaurant.crash()
    restaurant.clock.now += TOO_LATE
    restaurant.kitchen.come_back()
    await restaurant.open()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["accepted"]


async def test_a_cancel_that_is_owed_for_long_is_owed_still(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    await restaurant.service.cancel(placed.order_id)
    restaurant.clock.now += TOO_LATE
    calls = len(restaurant.kitchen.calls)
    await until(lambda: len(restaurant.kitchen.calls) > calls + 3)
    assert placed.owed == {"kitchen": Goal.CANCEL}
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert placed.status is Status.CANCELLED


async def test_a_clock_that_is_set_ahead_expires_nothing_early(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    restaurant.clock.set_ahead = HOUR
    await look_again(restaurant)
    assert outcomes(placed) == ["pending"]
    restaurant.clock.now += TOO_LATE
    await until(lambda: outcomes(placed) == ["expired"])


async def test_a_clock_that_is_set_back_keeps_nothing_from_expiring(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    restaurant.clock.set_ahead = -DAY
    restaurant.clock.now += TOO_LATE
    await until(lambda: outcomes(placed) == ["expired"])
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert restaurant.kitchen.state(placed.order_id) is TicketState.CANCELLED


async def test_time_goes_on_across_a_crash(restaurant: Restaurant) -> None:
    placed = await pending_across_a_crash(restaurant, before=200.0)
    restaurant.clock.now += 99.0
    await look_again(restaurant)
    assert outcomes(placed) == ["pending"]
    restaurant.clock.now += 2.0
    await until(lambda: outcomes(placed) == ["expired"])


async def test_after_a_crash_a_clock_that_went_back_meanwhile_expires_nothing_early_and_nothing_never(
    restaurant: Restaurant,
) -> None:
    """The order is from tomorrow. It counts as new, and its time goes on from there."""
    placed = await pending_across_a_crash(restaurant, before=200.0, set_ahead=-DAY)
    restaurant.clock.now += 299.0
    await look_again(restaurant)
    assert outcomes(placed) == ["pending"]
    restaurant.clock.now += 2.0
    await until(lambda: outcomes(placed) == ["expired"])


async def test_after_a_crash_the_clock_may_be_set_as_often_as_one_likes(restaurant: Restaurant) -> None:
    placed = await pending_across_a_crash(restaurant, before=200.0)
    for seconds in (HOUR, -DAY, 2 * HOUR):
        restaurant.clock.set_ahead = seconds
        await look_again(restaurant)
        assert outcomes(placed) == ["pending"]
    restaurant.clock.set_ahead = -DAY
    restaurant.clock.now += 101.0
    await until(lambda: outcomes(placed) == ["expired"])


async def pending_across_a_crash(restaurant: Restaurant, *, before: float, set_ahead: float = 0.0) -> Order:
    """Place an order whose department is away, and crash; return the order as the next process has it."""
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    await restaurant.journal.flush()
    restaurant.clock.now += before
    restaurant.clock.set_ahead = set_ahead
    await restaurant.crash_and_open()
    in_flight = restaurant.service._in_flight.get(placed.order_id)
    assert in_flight is not None
    return in_flight.order


async def look_again(restaurant: Restaurant) -> None:
    """Wait until the gateway has looked several times which orders are too old."""
    calls = len(restaurant.kitchen.calls)
    await until(lambda: len(restaurant.kitchen.calls) > calls + 3)


async def test_an_order_that_is_taken_for_a_clients_sake_does_not_expire_by_two_machines_clocks(
    restaurant: Restaurant,
) -> None:
    """The clock of the gateway that placed it is an hour behind, and the order is to be cancelled here."""
    restaurant.kitchen.go_away()
    asked = order("kitchen pizza", now_ms=NOON_MS - 3_600_000)
    asked.response_recorded = True
    await restaurant.journal.insert(asked)
    in_flight = await restaurant.service._cancelling.own(asked.order_id)
    await look_again(restaurant)
    assert outcomes(in_flight.order) == ["pending"]
    restaurant.clock.now += TOO_LATE
    await until(lambda: outcomes(in_flight.order) == ["expired"])
