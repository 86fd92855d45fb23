"""A client cancels an order."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.department_client.errors import Unreachable
from gateway.domain.errors import NotCancellable, OrderNotFound
from gateway.domain.lines import TicketState
from gateway.domain.order import Order, Status
from gateway.domain.transitions import Goal
from infra.errors import DatabaseError
from tests.support.fake_departments import STOCK
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, new_id, order, outcomes
from tests.support.waiting import until


async def test_a_cancelled_order_goes_back_into_stock(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee 2", "kitchen pizza"))
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert cancelled.status is Status.CANCELLED
    assert cancelled.total == 0
    assert cancelled.owed == {}
    assert [line.reason for line in cancelled.lines] == ["it was cancelled"] * 2
    assert restaurant.bar.stock == STOCK["bar"]
    await restaurant.settle()
    assert await restaurant.journal.find(placed.order_id) == cancelled


async def test_an_order_that_is_only_on_disk_can_be_cancelled(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    assert (await restaurant.service.cancel(placed.order_id)).status is Status.CANCELLED
    await restaurant.settle()


async def test_a_cancel_is_on_disk_before_it_reaches_any_department(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    restaurant.database.way.clear()
    cancelling = asyncio.create_task(restaurant.service.cancel(placed.order_id))
    await until(lambda: restaurant.database.writes >= 3)
    assert Goal.CANCEL not in restaurant.bar.asked(placed.order_id)
    restaurant.database.way.set()
    await cancelling
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE, Goal.CANCEL]


async def test_an_order_that_is_not_known_cannot_be_cancelled(restaurant: Restaurant) -> None:
    with pytest.raises(OrderNotFound):
        await restaurant.service.cancel(new_id())
    assert restaurant.forgot_everything()


@pytest.mark.parametrize("wishes", [["bar coffee"], ["bar coffee", "bar beer"], ["bar coffee", "kitchen meat"]])
async def test_cancelling_again_is_the_same_response(restaurant: Restaurant, wishes: list[str]) -> None:
    placed = await restaurant.service.place(order(*wishes))
    first = await restaurant.service.cancel(placed.order_id)
    again = await restaurant.service.cancel(placed.order_id)
    await restaurant.settle()
    and_again = await restaurant.service.cancel(placed.order_id)
    assert first == again == and_again
    assert restaurant.bar.stock == STOCK["bar"]
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE, Goal.CANCEL]
    await restaurant.settle()


async def test_two_cancels_at_once_are_one(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    one, other = await asyncio.gather(*(restaurant.service.cancel(placed.order_id) for _ in range(2)))
    assert one.status is other.status is Status.CANCELLED
    assert restaurant.bar.stock == STOCK["bar"]
    await restaurant.settle()


async def test_two_cancels_of_an_order_on_disk_at_once_are_one(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    one, other = await asyncio.gather(*(restaurant.service.cancel(placed.order_id) for _ in range(2)))
    assert one.status is other.status is Status.CANCELLED
    assert restaurant.bar.stock == STOCK["bar"]
    await restaurant.settle()


async def test_a_cancel_that_comes_while_the_order_is_being_placed_waits_for_its_response(
    restaurant: Restaurant,
) -> None:
    restaurant.kitchen.mouth.clear()
    asked = order("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    cancels = [asyncio.create_task(restaurant.service.cancel(asked.order_id)) for _ in range(3)]
    await asyncio.sleep(0)
    restaurant.kitchen.mouth.set()
    await placing
    assert [(await cancel).status for cancel in cancels] == [Status.CANCELLED] * 3
    assert restaurant.kitchen.stock == STOCK["kitchen"]
    await restaurant.settle()


async def test_what_has_been_started_stays_and_the_rest_is_cancelled(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    restaurant.kitchen.start(placed.order_id)
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert outcomes(cancelled) == ["cancelled", "accepted"]
    assert cancelled.lines[1].reason == "it cannot be cancelled any more: kitchen has it preparing"
    assert cancelled.total == 1100
    assert outcomes(await restaurant.service.cancel(placed.order_id)) == ["cancelled", "accepted"]
    await restaurant.settle()
    restaurant.check_books(cancelled)


async def test_an_order_that_has_been_started_everywhere_cannot_be_cancelled(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    for department in (restaurant.bar, restaurant.kitchen):
        department.start(placed.order_id)
    for _ in range(2):
        with pytest.raises(NotCancellable, match=r"bar has it preparing; .*kitchen has it preparing"):
            await restaurant.service.cancel(placed.order_id)
        await restaurant.settle()
    found = await restaurant.service.find(placed.order_id)
    assert outcomes(found) == ["accepted", "accepted"]


async def test_an_order_that_was_refused_cannot_be_cancelled(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar beer"))
    await restaurant.settle()
    with pytest.raises(NotCancellable, match="it is refused"):
        await restaurant.service.cancel(placed.order_id)
    assert restaurant.forgot_everything()


async def test_a_department_that_is_away_is_owed_the_cancel(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    restaurant.kitchen.go_away()
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert outcomes(cancelled) == ["cancelled", "accepted"]
    assert cancelled.owed == {"kitchen": Goal.CANCEL}
    written = await restaurant.written(placed.order_id)
    assert written.owed == {"kitchen": Goal.CANCEL}
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["cancelled", "cancelled"]
    assert restaurant.kitchen.stock == STOCK["kitchen"]


async def test_a_pending_order_that_is_cancelled_leaves_a_tombstone(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("kitchen pizza"))
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert cancelled.owed == {"kitchen": Goal.CANCEL}
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert restaurant.kitchen.state(placed.order_id) is TicketState.CANCELLED
    assert (await restaurant.service.find(placed.order_id)).status is Status.CANCELLED
    assert restaurant.kitchen.stock == STOCK["kitchen"]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_cancel_while_the_order_is_being_tried_again_is_delivered_too(
    restaurant: Restaurant, carried_out: bool
) -> None:
    bar = restaurant.bar
    bar.go_away()
    placed = await restaurant.service.place(order("bar coffee"))
    way = bar.mouth if carried_out else bar.ears
    way.clear()
    bar.calls.clear()
    bar.come_back()
    await until(lambda: bar.state(placed.order_id) is not None if carried_out else bar.calls != [])
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert cancelled.owed == {"bar": Goal.CANCEL}
    way.set()
    await restaurant.settle()
    found = await restaurant.service.find(placed.order_id)
    assert found.status is Status.CANCELLED
    assert bar.state(placed.order_id) is TicketState.CANCELLED
    assert bar.stock == STOCK["bar"]


async def test_a_refusal_of_what_is_no_longer_wanted_changes_nothing(restaurant: Restaurant) -> None:
    bar = restaurant.bar
    bar.go_away()
    placed = await restaurant.service.place(order("bar coffee"))
    bar.ears.clear()
    bar.calls.clear()
    bar.come_back()
    await until(lambda: bar.calls != [])
    await restaurant.service.cancel(placed.order_id)
    bar.refuses[placed.order_id] = "no"

    async def relent(goal: Goal, orders: Sequence[Order]) -> None:
        bar.refuses.clear()

    bar.on_response = relent
    bar.ears.set()
    await restaurant.settle()
    assert bar.asked(placed.order_id) == [Goal.PLACE, Goal.CANCEL]
    assert (await restaurant.service.find(placed.order_id)).status is Status.CANCELLED


async def test_a_late_failure_of_what_has_been_responded_to_is_forgotten(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    restaurant.service.backlogs["bar"]._receive(placed, Goal.PLACE, placed.epoch, Unreachable("late"))
    assert outcomes(placed) == ["accepted"]
    assert len(restaurant.service.backlogs["bar"]) == 0
    await restaurant.settle()


async def test_a_response_that_comes_while_a_cancel_is_written_down_does_not_end_the_cancel(
    restaurant: Restaurant,
) -> None:
    bar = restaurant.bar
    bar.go_away()
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.journal.flush()
    bar.ears.clear()
    bar.calls.clear()
    bar.come_back()
    await until(lambda: bar.calls != [])
    restaurant.database.way.clear()
    cancelling = asyncio.create_task(restaurant.service.cancel(placed.order_id))
    await asyncio.sleep(0)
    bar.ears.set()
    await until(lambda: bar.is_reachable)
    restaurant.database.way.set()
    cancelled = await cancelling
    assert cancelled.owed == {}
    assert cancelled.status is Status.CANCELLED
    await restaurant.settle()
    assert bar.stock == STOCK["bar"]


async def test_a_cancel_that_cannot_be_written_changes_nothing(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen meat"))
    await restaurant.settle()
    restaurant.database.is_read_only = True
    with pytest.raises(DatabaseError, match="the disk is gone"):
        await restaurant.service.cancel(placed.order_id)
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE]
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["accepted", "out_of_stock"]
    restaurant.database.is_read_only = False
    await restaurant.settle()
    again = await restaurant.service.place(order("bar coffee", "kitchen meat", order_id=placed.order_id))
    assert outcomes(again) == ["accepted", "out_of_stock"]
    assert outcomes(await restaurant.service.cancel(placed.order_id)) == ["cancelled", "out_of_stock"]
    await restaurant.settle()


async def test_a_cancel_of_a_pending_order_that_cannot_be_written_leaves_it_pending_and_tried(
    restaurant: Restaurant,
) -> None:
    restaurant.bar.go_away()
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    await restaurant.journal.flush()
    restaurant.database.is_read_only = True
    with pytest.raises(DatabaseError):
        await restaurant.service.cancel(placed.order_id)
    assert placed.owed == {"bar": Goal.PLACE}
    restaurant.database.is_read_only = False
    restaurant.bar.come_back()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["accepted", "accepted"]


async def test_two_cancels_that_cannot_be_written_both_say_so(restaurant: Restaurant) -> None:
    restaurant.kitchen.mouth.clear()
    asked = order("kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.database.is_read_only = True
    cancels = [asyncio.create_task(restaurant.service.cancel(asked.order_id)) for _ in range(2)]
    await asyncio.sleep(0)
    restaurant.kitchen.mouth.set()
    await placing
    results = await asyncio.gather(*cancels, return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseError] * 2
    restaurant.database.is_read_only = False
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["accepted"]


async def test_an_order_that_was_cancelled_and_is_sent_again_stays_cancelled(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.service.cancel(placed.order_id)
    await restaurant.settle()
    again = await restaurant.service.place(order("bar coffee", order_id=placed.order_id))
    assert again.status is Status.CANCELLED
    assert restaurant.bar.stock == STOCK["bar"]


async def test_a_cancel_meets_an_order_that_is_sent_again_at_the_same_moment(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    again, cancelled = await asyncio.gather(
        restaurant.service.place(order("bar coffee", order_id=placed.order_id)),
        restaurant.service.cancel(placed.order_id),
    )
    assert again.order_id == cancelled.order_id == placed.order_id
    assert cancelled.status is Status.CANCELLED
    await restaurant.settle()
    assert (await restaurant.service.find(placed.order_id)).status is Status.CANCELLED
    assert restaurant.bar.stock == STOCK["bar"]


async def test_a_cancel_of_a_decided_all_or_nothing_order_takes_everything_back(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert (await restaurant.service.cancel(placed.order_id)).status is Status.CANCELLED
    restaurant.check_stock()
    assert restaurant.bar.stock == STOCK["bar"]
