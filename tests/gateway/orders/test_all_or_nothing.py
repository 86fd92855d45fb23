"""All or nothing: everything that was ordered, or nothing at all."""

import asyncio

import pytest

from gateway.domain.errors import NotCancellable
from gateway.domain.lines import TicketState
from gateway.domain.order import Status
from gateway.domain.transitions import Goal
from tests.support.fake_departments import STOCK
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, outcomes
from tests.support.waiting import until


async def test_everything_is_held_then_confirmed(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert placed.status is Status.ACCEPTED
    assert placed.total == 1450
    for department in (restaurant.bar, restaurant.kitchen):
        assert department.asked(placed.order_id) == [Goal.HOLD, Goal.CONFIRM]
        assert department.state(placed.order_id) is TicketState.QUEUED
    await restaurant.settle()


async def test_where_one_thing_is_missing_everything_is_cancelled(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen meat", "bakery cookie"))
    assert placed.status is Status.REFUSED
    assert outcomes(placed) == ["cancelled", "out_of_stock", "cancelled"]
    assert placed.lines[0].reason == "the order is all or nothing, and not everything could be served"
    assert restaurant.bar.asked(placed.order_id) == [Goal.HOLD, Goal.CANCEL]
    assert restaurant.kitchen.asked(placed.order_id) == [Goal.HOLD]
    for department in restaurant.departments.values():
        assert department.stock == STOCK[department.name]
    await restaurant.settle()


async def test_where_nothing_could_be_held_no_department_gets_a_decision(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar beer", "kitchen meat"))
    assert placed.status is Status.REFUSED
    assert restaurant.bar.asked(placed.order_id) == [Goal.HOLD]
    await restaurant.settle()


async def test_a_department_that_refuses_the_order_makes_it_nothing(restaurant: Restaurant) -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    restaurant.kitchen.refuses[asked.order_id] = "no"
    placed = await restaurant.service.place(asked)
    assert outcomes(placed) == ["cancelled", "rejected"]
    assert restaurant.bar.stock == STOCK["bar"]
    await restaurant.settle()


async def test_the_decision_is_on_disk_before_it_reaches_any_department(restaurant: Restaurant) -> None:
    restaurant.bar.mouth.clear()
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.tickets != {})
    restaurant.database.way.clear()
    writes = restaurant.database.writes
    restaurant.bar.mouth.set()
    await until(lambda: restaurant.database.writes > writes)
    assert restaurant.bar.asked(asked.order_id) == restaurant.kitchen.asked(asked.order_id) == [Goal.HOLD]
    assert not placing.done()
    restaurant.database.way.set()
    await placing
    assert restaurant.kitchen.asked(asked.order_id) == [Goal.HOLD, Goal.CONFIRM]


async def test_a_decision_that_cannot_be_written_is_tried_until_it_can(restaurant: Restaurant) -> None:
    restaurant.bar.mouth.clear()
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.bar.tickets != {})
    restaurant.database.is_read_only = True
    restaurant.bar.mouth.set()
    await until(lambda: restaurant.database.failures >= 3)
    told = await placing
    assert outcomes(told) == ["pending", "pending"]
    assert restaurant.bar.asked(asked.order_id) == [Goal.HOLD]
    restaurant.database.is_read_only = False
    await restaurant.settle()
    assert (await restaurant.service.find(asked.order_id)).status is Status.ACCEPTED


async def test_a_department_that_is_away_leaves_the_order_pending_and_the_rest_held(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert placed.status is Status.PENDING
    assert restaurant.bar.state(placed.order_id) is TicketState.HELD
    restaurant.kitchen.come_back()
    await restaurant.settle()
    found = await restaurant.service.find(placed.order_id)
    assert found.status is Status.ACCEPTED
    assert restaurant.bar.state(placed.order_id) is TicketState.QUEUED
    assert restaurant.kitchen.state(placed.order_id) is TicketState.QUEUED


async def test_a_department_that_comes_back_empty_releases_the_rest(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    restaurant.kitchen.stock["pizza"] = 0
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["cancelled", "out_of_stock"]
    assert restaurant.bar.stock == STOCK["bar"]


async def test_a_department_that_goes_away_after_the_decision_is_owed_it(restaurant: Restaurant) -> None:
    restaurant.kitchen.mouth.clear()
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.database.way.clear()
    writes = restaurant.database.writes
    restaurant.kitchen.mouth.set()
    await until(lambda: restaurant.database.writes > writes)
    restaurant.kitchen.go_away()
    restaurant.database.way.set()
    placed = await placing
    assert placed.status is Status.ACCEPTED
    assert placed.owed == {"kitchen": Goal.CONFIRM}
    assert restaurant.kitchen.state(asked.order_id) is TicketState.HELD
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert restaurant.kitchen.state(asked.order_id) is TicketState.QUEUED


async def test_a_late_response_to_a_hold_does_not_decide_again(restaurant: Restaurant) -> None:
    restaurant.bakery.go_away()
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "bakery cookie"))
    (late,) = await restaurant.bar.attempt(Goal.HOLD, [placed])
    epoch = placed.epoch
    await restaurant.service.cancel(placed.order_id)
    restaurant.service.backlogs["bar"]._receive(placed, Goal.HOLD, epoch, late)
    assert outcomes(placed) == ["cancelled", "pending"]
    restaurant.bakery.come_back()
    await restaurant.settle()
    assert outcomes(placed) == ["cancelled", "cancelled"]


async def test_a_confirmed_order_is_cancelled_whole(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    responded = await restaurant.service.cancel(placed.order_id)
    assert responded.status is Status.CANCELLED
    assert restaurant.bar.asked(placed.order_id) == [Goal.HOLD, Goal.CONFIRM, Goal.SUSPEND, Goal.CANCEL]
    await restaurant.settle()
    restaurant.check_books(responded)
    assert restaurant.bar.stock == STOCK["bar"]


async def test_a_confirmed_order_that_one_department_has_begun_is_kept_whole(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    restaurant.kitchen.start(placed.order_id)
    with pytest.raises(NotCancellable, match="kitchen has it preparing"):
        await restaurant.service.cancel(placed.order_id)
    found = await restaurant.service.find(placed.order_id)
    assert outcomes(found) == ["accepted", "accepted"]
    await restaurant.settle()
    restaurant.check_books(found)
    assert restaurant.bar.state(placed.order_id) is TicketState.QUEUED


async def test_a_cancel_waits_for_a_department_that_may_have_begun(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    await restaurant.settle()
    restaurant.kitchen.start(placed.order_id)
    restaurant.kitchen.go_away()
    asked = await restaurant.service.cancel(placed.order_id)
    assert asked.owed == {"kitchen": Goal.SUSPEND}
    assert restaurant.bar.state(placed.order_id) is TicketState.HELD
    restaurant.kitchen.come_back()
    await restaurant.settle()
    found = await restaurant.service.find(placed.order_id)
    assert outcomes(found) == ["accepted", "accepted"]
    restaurant.check_books(found)


async def test_a_late_suspension_does_not_undo_a_later_confirmation(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    restaurant.kitchen.start(placed.order_id)
    with pytest.raises(NotCancellable):
        await restaurant.service.cancel(placed.order_id)
    await restaurant.settle()
    placed.epoch -= 1
    await restaurant.bar.attempt(Goal.SUSPEND, [placed])
    assert restaurant.bar.state(placed.order_id) is TicketState.QUEUED


async def test_a_cancel_while_the_decision_is_written_down_waits_for_it(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    await restaurant.journal.flush()
    restaurant.database.way.clear()
    writes = restaurant.database.writes
    restaurant.kitchen.come_back()
    await until(lambda: restaurant.database.writes > writes)
    cancelling = asyncio.create_task(restaurant.service.cancel(placed.order_id))
    again = asyncio.create_task(
        restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza", order_id=placed.order_id))
    )
    _, waiting = await asyncio.wait({cancelling, again}, timeout=0.02)
    assert waiting == {cancelling, again}
    assert restaurant.bar.asked(placed.order_id) == [Goal.HOLD]
    restaurant.database.way.set()
    assert (await cancelling).status is Status.CANCELLED
    await again
    await restaurant.settle()
    assert restaurant.bar.asked(placed.order_id) == [Goal.HOLD, Goal.CONFIRM, Goal.SUSPEND, Goal.CANCEL]
    restaurant.check_books(await restaurant.service.find(placed.order_id))
