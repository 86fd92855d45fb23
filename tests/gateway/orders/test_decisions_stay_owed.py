"""What was decided reaches every department, whatever a department responds, and though it is not configured."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.department_client.errors import Deferred, IdTaken, Refused
from gateway.domain.errors import NotCancellable
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.order import Order, Status
from gateway.domain.transitions import PLACING, Goal
from tests.support.fake_departments import STOCK, FakeDepartment
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order, outcomes
from tests.support.rest_app import serve
from tests.support.waiting import until

EXHAUSTED = Deferred("kitchen", "RESOURCE_EXHAUSTED: too much to do")
INVALID = Refused("kitchen refused it: INVALID_ARGUMENT")


def fail(department: FakeDepartment, error: Exception, *goals: Goal, only: str | None = None) -> None:
    """Let a department respond with an error to these goals, or to all for one order."""
    department.failure = lambda goal, order: error if goal in goals and only in (None, order.order_id) else None


def relent(department: FakeDepartment) -> None:
    department.failure = lambda goal, order: None


async def reopen_without(restaurant: Restaurant, name: str) -> FakeDepartment:
    """Stop, take a department out of the configuration, and start."""
    await restaurant.journal.flush()
    await restaurant.crash()
    taken = restaurant.departments.pop(name)
    await restaurant.open()
    return taken


async def reopen_with(restaurant: Restaurant, department: FakeDepartment) -> None:
    """Stop, put a department back, and start."""
    await restaurant.journal.flush()
    await restaurant.crash()
    restaurant.departments[department.name] = department
    await restaurant.open()


@pytest.mark.parametrize("error", [EXHAUSTED, INVALID], ids=["exhausted", "invalid"])
async def test_a_confirm_that_a_department_does_not_take_stays_owed_until_it_does(
    restaurant: Restaurant, error: Exception
) -> None:
    fail(restaurant.kitchen, error, Goal.CONFIRM)
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    assert placed.status is Status.ACCEPTED
    assert (await restaurant.written(placed.order_id)).owed == {"kitchen": Goal.CONFIRM}
    assert restaurant.kitchen.state(placed.order_id) is TicketState.HELD
    assert restaurant.kitchen.is_reachable
    relent(restaurant.kitchen)
    await restaurant.settle()
    assert restaurant.kitchen.state(placed.order_id) is TicketState.QUEUED
    restaurant.check_books(await restaurant.service.find(placed.order_id))


@pytest.mark.parametrize("error", [EXHAUSTED, INVALID], ids=["exhausted", "invalid"])
async def test_a_cancel_that_a_department_does_not_take_stays_owed_until_it_does(
    restaurant: Restaurant, error: Exception
) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    fail(restaurant.kitchen, error, Goal.CANCEL)
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert outcomes(cancelled) == ["cancelled", "accepted"]
    assert cancelled.owed == {"kitchen": Goal.CANCEL}
    relent(restaurant.kitchen)
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["cancelled", "cancelled"]
    assert restaurant.kitchen.stock == STOCK["kitchen"]


async def test_a_suspend_that_a_department_does_not_take_stays_owed_until_it_does(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    fail(restaurant.kitchen, INVALID, Goal.SUSPEND)
    asked = await restaurant.service.cancel(placed.order_id)
    assert asked.owed == {"kitchen": Goal.SUSPEND}
    assert outcomes(asked) == ["accepted", "accepted"]
    relent(restaurant.kitchen)
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["cancelled", "cancelled"]
    restaurant.check_stock()


async def test_a_decision_that_is_not_acknowledged_is_logged_once_for_each_reason(restaurant: Restaurant) -> None:
    fail(restaurant.kitchen, INVALID, Goal.CONFIRM)
    with capture_logs() as lines:
        placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
        await until(lambda: len(restaurant.kitchen.asked(placed.order_id)) >= 5)
        fail(restaurant.kitchen, EXHAUSTED, Goal.CONFIRM)
        calls = len(restaurant.kitchen.calls)
        await until(lambda: len(restaurant.kitchen.calls) >= calls + 4)
    said = [line for line in lines if line["event"] == "a decision is still owed"]
    assert [(line["order_id"], line["log_level"], line["reason"]) for line in said] == [
        (placed.order_id, "error", str(INVALID)),
        (placed.order_id, "error", EXHAUSTED.cause),
    ]


async def test_an_order_that_always_fails_holds_up_no_other(restaurant: Restaurant) -> None:
    poison = all_or_nothing("bar soda", "kitchen pizza")
    fail(restaurant.kitchen, EXHAUSTED, Goal.CONFIRM)
    placed = [await restaurant.service.place(poison)]
    placed += [await restaurant.service.place(all_or_nothing("kitchen pasta")) for _ in range(9)]
    fail(restaurant.kitchen, EXHAUSTED, Goal.CONFIRM, only=poison.order_id)
    await until(lambda: all(restaurant.kitchen.state(each.order_id) is TicketState.QUEUED for each in placed[1:]))
    assert restaurant.kitchen.state(poison.order_id) is TicketState.HELD
    assert (await restaurant.service.place(order("kitchen pizza"))).status is Status.ACCEPTED
    relent(restaurant.kitchen)
    await restaurant.settle()


async def test_a_placing_that_a_department_cannot_take_now_is_pending_and_tried_again(restaurant: Restaurant) -> None:
    fail(restaurant.kitchen, EXHAUSTED, *PLACING)
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    assert outcomes(placed) == ["accepted", "pending"]
    assert placed.lines[1].reason == "kitchen cannot take it now; it is still being tried"
    relent(restaurant.kitchen)
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["accepted", "accepted"]


async def test_a_placing_that_a_department_can_never_take_expires(restaurant: Restaurant) -> None:
    fail(restaurant.kitchen, EXHAUSTED, *PLACING)
    placed = await restaurant.service.place(order("kitchen pizza"))
    restaurant.clock.now += 301
    await until(lambda: outcomes(placed) == ["expired"])
    await restaurant.settle()
    assert restaurant.kitchen.state(placed.order_id) is TicketState.CANCELLED


async def test_a_fault_of_this_program_leaves_the_order_owed_and_is_logged_with_its_traceback(
    restaurant: Restaurant,
) -> None:
    fail(restaurant.kitchen, TypeError("unsupported operand"), *PLACING)
    with capture_logs() as lines:
        placed = await restaurant.service.place(order("kitchen pizza"))
    assert outcomes(placed) == ["pending"]
    assert restaurant.kitchen.is_reachable
    (fault,) = [line for line in lines if line["event"] == "asking a department failed"]
    assert isinstance(fault["exc_info"], TypeError)
    relent(restaurant.kitchen)
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["accepted"]


async def test_what_a_department_refuses_to_place_is_rejected_and_gets_a_tombstone_there(
    restaurant: Restaurant,
) -> None:
    """An earlier try may have been carried out, and its response lost."""
    asked = order("bar coffee", "kitchen pizza")
    restaurant.kitchen.refuses[asked.order_id] = "no"
    placed = await restaurant.service.place(asked)
    assert outcomes(placed) == ["accepted", "rejected"]
    assert placed.lines[1].reason == "kitchen refused it: no"
    assert placed.status is Status.PARTLY_ACCEPTED
    await restaurant.settle()
    assert restaurant.kitchen.asked(asked.order_id) == [Goal.PLACE, Goal.CANCEL]
    restaurant.check_books(await restaurant.service.find(asked.order_id))


async def test_another_order_under_the_same_id_is_not_cancelled(restaurant: Restaurant) -> None:
    asked = order("kitchen pizza")
    fail(restaurant.kitchen, IdTaken("kitchen refused it: known here with other lines"), Goal.PLACE)
    placed = await restaurant.service.place(asked)
    assert outcomes(placed) == ["rejected"]
    assert placed.status is Status.REFUSED
    await restaurant.settle()
    assert restaurant.kitchen.asked(asked.order_id) == [Goal.PLACE]


# A department that is not configured.


async def test_a_confirmed_order_is_not_cancelled_by_halves_while_a_department_is_not_configured(
    restaurant: Restaurant,
) -> None:
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    kitchen = await reopen_without(restaurant, "kitchen")
    cancelled = await restaurant.service.cancel(placed.order_id)
    assert outcomes(cancelled) == ["accepted", "accepted"]
    assert cancelled.owed == {"kitchen": Goal.SUSPEND}
    assert restaurant.bar.state(placed.order_id) is TicketState.HELD
    await reopen_with(restaurant, kitchen)
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["cancelled", "cancelled"]
    restaurant.check_stock()
    assert restaurant.kitchen.stock == STOCK["kitchen"]


async def test_a_cancel_is_owed_to_a_department_that_is_not_configured(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    kitchen = await reopen_without(restaurant, "kitchen")
    with capture_logs() as lines:
        cancelled = await restaurant.service.cancel(placed.order_id)
        again = await restaurant.service.cancel(placed.order_id)
    assert outcomes(cancelled) == ["cancelled", "accepted"]
    assert cancelled.owed == again.owed == {"kitchen": Goal.CANCEL}
    assert [line["reason"] for line in lines if line["event"] == "a decision is still owed"] == [
        "there is no department kitchen any more"
    ]
    assert (await restaurant.written(placed.order_id)).owed == {"kitchen": Goal.CANCEL}
    await reopen_with(restaurant, kitchen)
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(placed.order_id)) == ["cancelled", "cancelled"]
    assert restaurant.kitchen.stock == STOCK["kitchen"]


async def test_a_confirm_is_owed_to_a_department_that_is_not_configured(restaurant: Restaurant) -> None:
    fail(restaurant.kitchen, EXHAUSTED, Goal.CONFIRM)
    placed = await restaurant.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    kitchen = await reopen_without(restaurant, "kitchen")
    assert (await restaurant.written(placed.order_id)).owed == {"kitchen": Goal.CONFIRM}
    relent(kitchen)
    await reopen_with(restaurant, kitchen)
    await restaurant.settle()
    assert restaurant.kitchen.state(placed.order_id) is TicketState.QUEUED
    restaurant.check_books(await restaurant.service.find(placed.order_id))


async def test_an_order_that_such_a_department_may_have_accepted_before_a_crash_is_neither_made_twice_nor_lost(
    restaurant: Restaurant,
) -> None:
    """The response may have said so; only the department knows."""
    restaurant.kitchen.mouth.clear()
    asked = order("bar coffee", "kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.database.is_read_only = True
    restaurant.kitchen.mouth.set()
    assert outcomes(await placing) == ["accepted", "accepted"]
    await restaurant.crash()
    kitchen = restaurant.departments.pop("kitchen")
    await restaurant.open()
    await until(lambda: _owed(restaurant, asked) == {"kitchen": Goal.CONFIRM})
    found = await restaurant.written(asked.order_id)
    assert outcomes(found) == ["accepted", "pending"]
    assert found.lines[1].reason == "there is no department kitchen any more"
    await reopen_with(restaurant, kitchen)
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["accepted", "accepted"]
    assert restaurant.kitchen.stock["pizza"] == 4


async def test_an_order_that_such_a_department_made_of_what_was_returned_as_pending_is_cancelled(
    restaurant: Restaurant,
) -> None:
    restaurant.kitchen.mouth.clear()
    asked = order("kitchen pizza")
    placing = asyncio.create_task(restaurant.service.place(asked))
    await until(lambda: restaurant.kitchen.tickets != {})
    restaurant.kitchen.go_away()
    assert outcomes(await placing) == ["pending"]
    kitchen = await reopen_without(restaurant, "kitchen")
    await until(lambda: _owed(restaurant, asked) == {"kitchen": Goal.CANCEL})
    assert outcomes(await restaurant.written(asked.order_id)) == ["rejected"]
    kitchen.come_back()
    await reopen_with(restaurant, kitchen)
    await restaurant.settle()
    assert restaurant.kitchen.stock == STOCK["kitchen"]
    restaurant.check_books(await restaurant.service.find(asked.order_id))


async def test_orders_for_the_others_are_taken_meanwhile(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("kitchen pizza"))
    await reopen_without(restaurant, "kitchen")
    await restaurant.service.cancel(placed.order_id)
    assert (await restaurant.service.place(order("bar coffee"))).status is Status.ACCEPTED


async def test_a_cancel_over_http_is_accepted_and_owed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    async with serve(url) as served:
        response = await served.order("bar coffee", "kitchen pizza", policy="all_or_nothing")
        order_id = response.json()["order_id"]
        assert response.status_code == 201
        tickets = served.restaurant.bar.tickets
    async with serve(url, ["bar", "bakery"]) as served:
        served.restaurant.bar.tickets = tickets
        response = await served.client.delete(f"/orders/{order_id}")
        assert response.status_code == 202
        assert {line["outcome"] for line in response.json()["lines"]} == {"accepted"}


async def test_what_was_rejected_cannot_be_cancelled(restaurant: Restaurant) -> None:
    asked = order("kitchen pizza")
    restaurant.kitchen.refuses[asked.order_id] = "no"
    placed = await restaurant.service.place(asked)
    assert [line.outcome for line in placed.lines] == [Outcome.REJECTED]
    with pytest.raises(NotCancellable, match="it is refused"):
        await restaurant.service.cancel(placed.order_id)


def _owed(restaurant: Restaurant, asked: Order) -> dict[str, Goal] | None:
    in_flight = restaurant.service._in_flight.get(asked.order_id)
    return None if in_flight is None or in_flight.order.decision_unwritten else in_flight.order.owed
