"""The order path: written down, asked at once, one response."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.department_client.errors import Unreachable
from gateway.domain.errors import OrderIdTaken, OrderNotFound, Overloaded
from gateway.domain.lines import TicketState
from gateway.domain.order import Order, Status
from gateway.domain.transitions import Goal
from infra.errors import DatabaseError
from tests.support.fake_departments import STOCK, FakeDepartment
from tests.support.order_path import QUICK, Restaurant
from tests.support.orders import all_or_nothing, new_id, order, outcomes
from tests.support.waiting import until


async def test_an_order_is_responded_to_line_by_line(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee 2", "kitchen meat", "bakery brownie", "bar beer"))
    assert outcomes(placed) == ["accepted", "out_of_stock", "not_on_menu", "out_of_stock"]
    assert placed.status is Status.PARTLY_ACCEPTED
    assert placed.total == 700
    assert placed.response_recorded
    assert placed.owed == {}


async def test_an_order_is_on_disk_before_it_reaches_any_department(restaurant: Restaurant) -> None:
    seen: list[tuple[str, Order | None]] = []

    def look(department: FakeDepartment) -> None:
        async def look(goal: Goal, orders: Sequence[Order]) -> None:
            seen.extend([(department.name, await restaurant.journal.find(each.order_id)) for each in orders])

        department.on_call = look

    for department in restaurant.departments.values():
        look(department)
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza", "bakery cookie"))
    assert sorted(name for name, _ in seen) == ["bakery", "bar", "kitchen"]
    for _, found in seen:
        assert found is not None
        assert found.asks_the_same(placed)
        assert found.owed == dict.fromkeys(("bar", "kitchen", "bakery"), Goal.PLACE)


async def test_departments_are_asked_at_the_same_time(restaurant: Restaurant) -> None:
    for department in restaurant.departments.values():
        department.mouth.clear()
    placing = asyncio.create_task(restaurant.service.place(order("bar coffee", "kitchen pizza", "bakery cookie")))
    await until(lambda: all(department.tickets for department in restaurant.departments.values()))
    assert not placing.done()
    for department in restaurant.departments.values():
        department.mouth.set()
    assert (await placing).status is Status.ACCEPTED


async def test_only_the_departments_concerned_are_asked(restaurant: Restaurant) -> None:
    await restaurant.service.place(order("bar coffee"))
    assert restaurant.kitchen.calls == []
    assert len(restaurant.bar.calls) == 1


async def test_the_outcome_is_written_down(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen meat"))
    written = await restaurant.written(placed.order_id)
    assert outcomes(written) == ["accepted", "out_of_stock"]
    assert written.response_recorded
    assert written.owed == {}


async def test_an_order_is_forgotten_once_everything_is_written(restaurant: Restaurant) -> None:
    asked = [order("bar coffee"), order("kitchen meat"), all_or_nothing("bar soda"), all_or_nothing("bar beer")]
    await asyncio.gather(*map(restaurant.service.place, asked))
    await restaurant.settle()
    assert await restaurant.journal.unfinished() == []


async def test_the_same_order_again_is_the_same_response_and_no_second_effect(restaurant: Restaurant) -> None:
    first = order("bar coffee 2", "kitchen meat")
    await restaurant.service.place(first)
    again = await restaurant.service.place(order("bar coffee 2", "kitchen meat", order_id=first.order_id))
    await restaurant.settle()
    and_again = await restaurant.service.place(order("bar coffee 2", "kitchen meat", order_id=first.order_id))
    assert again == first == and_again
    assert restaurant.bar.stock["coffee"] == 8
    assert len(restaurant.bar.asked(first.order_id)) == 1
    await restaurant.settle()


async def test_the_same_order_sent_ten_times_at_once_has_one_effect_and_one_response(restaurant: Restaurant) -> None:
    copies = [order("bar coffee", "kitchen pizza", order_id=new_id()) for _ in range(1)]
    copies += [order("bar coffee", "kitchen pizza", order_id=copies[0].order_id) for _ in range(9)]
    responses = await asyncio.gather(*map(restaurant.service.place, copies))
    assert all(response == responses[0] for response in responses)
    assert outcomes(responses[0]) == ["accepted", "accepted"]
    assert restaurant.bar.stock["coffee"] == STOCK["bar"]["coffee"] - 1
    assert len(restaurant.bar.asked(copies[0].order_id)) == 1
    await restaurant.settle()


async def test_one_that_comes_while_the_first_is_in_flight_waits_for_its_response(restaurant: Restaurant) -> None:
    restaurant.kitchen.mouth.clear()
    first = order("bar coffee", "kitchen pizza")
    one = asyncio.create_task(restaurant.service.place(first))
    await until(lambda: restaurant.kitchen.tickets != {})
    other = asyncio.create_task(restaurant.service.place(order("bar coffee", "kitchen pizza", order_id=first.order_id)))
    _, waiting = await asyncio.wait({one, other}, timeout=0.02)
    assert waiting == {one, other}
    restaurant.kitchen.mouth.set()
    assert await one == await other


async def test_another_body_with_a_known_id_is_refused(restaurant: Restaurant) -> None:
    first = order("bar coffee")
    await restaurant.service.place(first)
    for settled in (False, True):
        if settled:
            await restaurant.settle()
        with pytest.raises(OrderIdTaken, match=f"order {first.order_id} exists with another body"):
            await restaurant.service.place(order("bar soda", order_id=first.order_id))
    await restaurant.settle()
    assert restaurant.bar.stock["soda"] == 5
    assert outcomes(await restaurant.service.find(first.order_id)) == ["accepted"]


async def test_another_body_at_the_same_moment_is_refused(restaurant: Restaurant) -> None:
    first = order("bar coffee")
    responses = await asyncio.gather(
        restaurant.service.place(first),
        restaurant.service.place(order("bar soda", order_id=first.order_id)),
        return_exceptions=True,
    )
    assert responses[0] is first
    assert isinstance(responses[1], OrderIdTaken)
    assert restaurant.bar.stock == STOCK["bar"] | {"coffee": 9}


async def test_two_bodies_at_once_with_the_id_of_an_older_order_are_each_compared_with_that(
    restaurant: Restaurant,
) -> None:
    old = order("bar coffee")
    await restaurant.service.place(old)
    await restaurant.settle()
    impostors_and_the_true_one = [
        order("bar soda", order_id=old.order_id),
        order("bar soda", order_id=old.order_id),
        order("bar coffee", order_id=old.order_id),
    ]
    responses = await asyncio.gather(*map(restaurant.service.place, impostors_and_the_true_one), return_exceptions=True)
    assert [type(response) for response in responses] == [OrderIdTaken, OrderIdTaken, Order]
    assert responses[2] == old
    assert restaurant.bar.stock["soda"] == 5


async def test_more_orders_than_may_wait_are_turned_away_before_anything_is_written(restaurant: Restaurant) -> None:
    await restaurant.close()
    restaurant.retry_policy = replace(QUICK, waiting=2)
    await restaurant.open()
    restaurant.bar.mouth.clear()
    waiting = [asyncio.create_task(restaurant.service.place(order("bar coffee"))) for _ in range(2)]
    await until(lambda: len(restaurant.bar.calls) == 2)
    turned_away = order("bar coffee")
    with pytest.raises(Overloaded, match="2 orders are waiting"):
        await restaurant.service.place(turned_away)
    restaurant.bar.mouth.set()
    await asyncio.gather(*waiting)
    assert await restaurant.journal.find(turned_away.order_id) is None
    assert (await restaurant.service.place(turned_away)).status is Status.ACCEPTED


async def test_where_the_journal_cannot_be_written_nothing_is_acknowledged_and_no_department_is_asked(
    restaurant: Restaurant,
) -> None:
    restaurant.database.is_broken = True
    lost = order("bar coffee")
    responses = await asyncio.gather(
        restaurant.service.place(lost),
        restaurant.service.place(order("bar coffee", order_id=lost.order_id)),
        return_exceptions=True,
    )
    assert [str(response) for response in responses] == ["the disk is gone"] * 2
    assert [type(response) for response in responses] == [DatabaseError] * 2
    assert restaurant.bar.calls == []
    assert restaurant.forgot_everything()


async def test_orders_work_again_once_the_journal_does(restaurant: Restaurant) -> None:
    restaurant.database.is_broken = True
    lost = order("bar coffee")
    with pytest.raises(DatabaseError):
        await restaurant.service.place(lost)
    restaurant.database.is_broken = False
    assert (await restaurant.service.place(order("bar coffee", order_id=lost.order_id))).status is Status.ACCEPTED
    assert (await restaurant.service.place(order("kitchen pizza"))).status is Status.ACCEPTED
    await restaurant.settle()


async def test_an_outcome_that_cannot_be_written_yet_is_written_later(restaurant: Restaurant) -> None:
    async def lose_the_disk(goal: Goal, orders: Sequence[Order]) -> None:
        restaurant.database.is_broken = True

    restaurant.bar.on_call = lose_the_disk
    placed = await restaurant.service.place(order("bar coffee"))
    assert placed.status is Status.ACCEPTED
    await until(lambda: restaurant.database.failures >= 2)
    assert not restaurant.forgot_everything()
    restaurant.database.is_broken = False
    await restaurant.settle()
    assert await restaurant.journal.find(placed.order_id) == placed


async def test_an_order_that_is_looked_up_is_found_in_memory_and_on_disk(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    assert await restaurant.service.find(placed.order_id) == placed
    await restaurant.settle()
    assert await restaurant.service.find(placed.order_id) == placed
    with pytest.raises(OrderNotFound, match="there is no order"):
        await restaurant.service.find(new_id())
    assert restaurant.forgot_everything()


async def test_the_history_shows_orders_as_they_stand(restaurant: Restaurant) -> None:
    first = await restaurant.service.place(order("bar coffee", table="7"))
    second = await restaurant.service.place(order("kitchen meat"))
    page = await restaurant.service.list_orders(10, None, None, None)
    assert page.orders == [second, first]
    assert [each.order_id for each in (await restaurant.service.list_orders(10, None, None, "7")).orders] == [
        first.order_id
    ]
    page = await restaurant.service.list_orders(10, None, Status.REFUSED, None)
    assert page.orders == [second]


async def test_menus_are_asked_for_all_at_once_and_one_that_is_away_is_closed(restaurant: Restaurant) -> None:
    await until(lambda: all(department.was_reached for department in restaurant.departments.values()))
    restaurant.kitchen.go_away()
    menus = await restaurant.service.menus()
    assert [(menu.name, menu.is_open) for menu in menus] == [("bar", True), ("kitchen", False), ("bakery", True)]
    assert menus[0].items[0].available == 10
    assert menus[1].titles["ko"] == "주방"
    assert menus[1].items == []


# What a department that cannot be reached does to an order.


async def test_a_department_that_is_away_leaves_its_lines_pending_and_the_others_decided(
    restaurant: Restaurant,
) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "pending"]
    assert placed.lines[1].reason == "kitchen cannot be reached; it is still being tried"
    assert placed.status is Status.PENDING
    written = await restaurant.written(placed.order_id)
    assert outcomes(written) == ["accepted", "pending"]
    assert written.owed == {"kitchen": Goal.PLACE}
    assert written.response_recorded


async def test_a_pending_line_is_decided_when_its_department_comes_back(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    restaurant.kitchen.come_back()
    await restaurant.settle()
    found = await restaurant.journal.find(placed.order_id)
    assert found is not None
    assert outcomes(found) == ["accepted", "accepted"]
    assert found.lines[1].reason is None
    assert restaurant.kitchen.stock["pizza"] == 4
    assert len(restaurant.bar.asked(placed.order_id)) == 1


async def test_a_department_that_carried_an_order_out_and_lost_its_response_does_not_carry_it_out_twice(
    restaurant: Restaurant,
) -> None:
    restaurant.kitchen.mouth.clear()
    placing = asyncio.create_task(restaurant.service.place(order("kitchen pizza 2")))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.kitchen.go_away()
    assert outcomes(await placing) == ["pending"]
    restaurant.kitchen.come_back()
    await restaurant.settle()
    assert restaurant.kitchen.stock["pizza"] == 3


async def test_a_pending_order_sent_again_is_responded_to_at_once_as_it_stands(restaurant: Restaurant) -> None:
    restaurant.kitchen.go_away()
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    again = await restaurant.service.place(order("bar coffee", "kitchen pizza", order_id=placed.order_id))
    assert again is placed
    with pytest.raises(OrderIdTaken):
        await restaurant.service.place(order("bar soda", order_id=placed.order_id))
    assert restaurant.bar.stock["coffee"] == 9


async def test_any_number_of_pending_orders_is_decided_in_batches(restaurant: Restaurant) -> None:
    restaurant.bar.go_away()
    restaurant.bar.stock["coffee"] = 100
    placed = await asyncio.gather(*(restaurant.service.place(order("bar coffee")) for _ in range(30)))
    assert len(restaurant.service.backlogs["bar"]) == 30
    restaurant.bar.come_back()
    await restaurant.settle()
    assert restaurant.bar.stock["coffee"] == 70
    assert all(restaurant.bar.state(each.order_id) is TicketState.QUEUED for each in placed)


async def test_while_a_department_is_away_no_order_waits_for_it_and_one_call_at_a_time_is_made(
    restaurant: Restaurant,
) -> None:
    restaurant.bar.go_away()
    await restaurant.service.place(order("bar coffee"))
    restaurant.bar.calls.clear()
    restaurant.bar.ears.clear()
    responses = await asyncio.gather(*(restaurant.service.place(order("bar coffee")) for _ in range(40)))
    assert all(outcomes(response) == ["pending"] for response in responses)
    await until(lambda: len(restaurant.bar.calls) >= 1)
    assert len(restaurant.bar.calls) == 1
    restaurant.bar.ears.set()


async def test_a_department_that_has_no_orders_is_probed_until_it_is_there(restaurant: Restaurant) -> None:
    await until(lambda: restaurant.bar.was_reached)
    restaurant.bar.go_away()
    await restaurant.service.menus()
    assert not restaurant.bar.is_reachable
    restaurant.bar.come_back()
    await until(lambda: restaurant.bar.is_reachable)
    assert restaurant.bar.calls == []


async def test_a_department_that_refuses_an_order_rejects_it_with_its_reason(restaurant: Restaurant) -> None:
    refused = order("bar coffee", "kitchen pizza")
    restaurant.bar.refuses[refused.order_id] = "the id is taken"
    placed = await restaurant.service.place(refused)
    assert outcomes(placed) == ["rejected", "accepted"]
    assert placed.lines[0].reason == "bar refused it: the id is taken"
    await restaurant.settle()


async def test_a_pending_order_that_is_refused_later_does_not_hold_up_the_others(restaurant: Restaurant) -> None:
    restaurant.bar.go_away()
    poison, sound = order("bar coffee"), order("bar soda")
    for each in (poison, sound):
        await restaurant.service.place(each)
    restaurant.bar.refuses[poison.order_id] = "no"
    restaurant.bar.come_back()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(poison.order_id)) == ["rejected"]
    assert outcomes(await restaurant.service.find(sound.order_id)) == ["accepted"]


async def test_a_fault_in_asking_is_logged_and_asked_again(restaurant: Restaurant) -> None:
    faults = 2

    async def fail(goal: Goal, orders: Sequence[Order]) -> None:
        nonlocal faults
        faults -= 1
        if faults >= 0:
            raise (KeyError("a fault of ours") if faults else Unreachable("away"))

    restaurant.bar.on_call = fail
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    assert restaurant.bar.asked(placed.order_id) == [Goal.PLACE] * 3
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["accepted"]


async def test_closing_stops_asking_and_hangs_up(restaurant: Restaurant) -> None:
    restaurant.bar.go_away()
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.service.close()
    assert all(department.is_closed for department in restaurant.departments.values())
    written = await restaurant.journal.find(placed.order_id)
    assert written is not None
    assert written.response_recorded
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_an_order_path_that_could_not_start_is_closed_all_the_same(tmp_path: Path) -> None:
    restaurant = Restaurant(f"sqlite:///{tmp_path}/gateway.db")
    restaurant.prepare()
    restaurant.database.is_broken = True
    with pytest.raises(DatabaseError):
        await restaurant.service.start()
    await restaurant.close()
    assert all(department.is_closed for department in restaurant.departments.values())
    assert asyncio.all_tasks() == {asyncio.current_task()}
