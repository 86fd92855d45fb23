"""Ticks, and several steps at once, in transactions. The fixture checks the stock law after every test."""

import pytest

from departments import staff_transactions
from departments.domain.errors import (
    LineNotFound,
    OrderNotFound,
    StepConflict,
    StepIdTaken,
    StepNotAllowed,
    TickNotAllowed,
)
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketState, Verb
from tests.departments.department_database import DepartmentDatabase
from tests.support.department_factories import coffees, new_id, order


async def test_a_tick_is_kept_shared_and_a_change_of_its_ticket(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 1), ("soda", 1))
    await department.place(placement)
    (before,), after = await department.changes()
    ticked = await department.tick(placement.order_id, 1)
    assert [line.made for line in ticked.lines] == [False, True]
    assert (ticked.state, ticked.moved_at_ms) == (TicketState.QUEUED, 0)
    assert ticked.revision > before.revision
    assert (await department.changes(after))[0] == [ticked]
    assert await department.place_one(placement) == ticked
    off = await department.tick(placement.order_id, 1, made=False)
    assert [line.made for line in off.lines] == [False, False]


async def test_a_tick_that_is_sent_again_changes_nothing(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    ticked = await department.tick(placement.order_id)
    assert await department.tick(placement.order_id) == ticked


async def test_ticks_stay_while_a_ticket_is_moved_on_and_back(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.tick(placement.order_id)
    ticket = await department.move(placement.order_id, Verb.START, Verb.FINISH, Verb.RECALL)
    assert ticket.lines[0].made


async def test_what_cannot_be_ticked_says_why(department: DepartmentDatabase) -> None:
    placement, held = order(("coffee", 1), ("beer", 1)), coffees(1, hold=True)
    await department.place(placement, held)
    for order_id, line, error in (
        (new_id(), 0, OrderNotFound),
        (placement.order_id, 2, LineNotFound),
        (placement.order_id, 1, TickNotAllowed),
        (held.order_id, 0, TickNotAllowed),
    ):
        with pytest.raises(error):
            await department.tick(order_id, line)


async def test_a_conflict_names_who_moved_the_ticket_also_after_a_tick(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START, moved_by="Ana")
    await department.tick(placement.order_id)
    with pytest.raises(StepConflict, match="is preparing, not queued; Ana moved it at"):
        await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Bo"))


async def test_a_conflict_names_nobody_where_the_gateway_changed_the_state(department: DepartmentDatabase) -> None:
    recalled, cancelled = coffees(1), coffees(1)
    await department.place(recalled, cancelled)
    for placement in (recalled, cancelled):
        await department.move(placement.order_id, Verb.START, Verb.RECALL, moved_by="Ana")
    await department.suspend(recalled.order_id)
    await department.confirm(recalled.order_id)
    await department.cancel(cancelled.order_id)
    for placement, expected in ((recalled, TicketState.READY), (cancelled, TicketState.QUEUED)):
        with pytest.raises(StepConflict) as conflict:
            await department.take(Move(placement.order_id, Verb.RECALL, expected, "b", "Bo"))
        assert "moved it" not in str(conflict.value)


def step(placement_id: str, verb: Verb, expected: TicketState, step_id: str = "a", reason: str = "") -> Move:
    return Move(placement_id, verb, expected, step_id, "Ana", reason)


async def test_each_of_several_steps_has_a_result_and_one_that_is_refused_affects_no_other(
    department: DepartmentDatabase,
) -> None:
    started, gone, taken, served = (coffees(1) for _ in range(4))
    await department.place(started, gone, taken, served)
    await department.move(gone.order_id, Verb.START, Verb.CANCEL, moved_by="Bo")
    await department.take(step(taken.order_id, Verb.START, TicketState.QUEUED))
    unknown, queued, preparing = new_id(), TicketState.QUEUED, TicketState.PREPARING
    results = await department.take_all(
        step(started.order_id, Verb.START, queued),
        step(unknown, Verb.START, queued),
        step(gone.order_id, Verb.START, queued),
        step(taken.order_id, Verb.FINISH, preparing),
        step(served.order_id, Verb.SERVE, queued),
    )
    assert [type(result.error) for result in results] == [
        type(None),
        OrderNotFound,
        StepConflict,
        StepIdTaken,
        StepNotAllowed,
    ]
    states = [result.ticket.state if result.ticket else None for result in results]
    assert states == [preparing, None, TicketState.CANCELLED, preparing, queued]
    assert "Bo moved it" in str(results[2].error)
    assert await department.state(started.order_id) is preparing


async def test_several_steps_that_are_sent_again_are_taken_once(department: DepartmentDatabase) -> None:
    placements = [coffees(1) for _ in range(3)]
    await department.place(*placements)
    moves = [step(each.order_id, Verb.START, TicketState.QUEUED) for each in placements]
    first = await department.take_all(*moves)
    assert await department.take_all(*moves) == first
    revisions = [result.ticket.revision for result in first if result.ticket]
    assert len(set(revisions)) == 3


async def test_several_cancels_put_back_what_was_not_started_and_waste_what_was(
    department: DepartmentDatabase,
) -> None:
    queued, started = coffees(2), coffees(3)
    await department.place(queued, started)
    await department.move(started.order_id, Verb.START)
    results = await department.take_all(
        step(queued.order_id, Verb.CANCEL, TicketState.QUEUED, reason="no milk"),
        step(started.order_id, Verb.CANCEL, TicketState.PREPARING, reason="no milk"),
    )
    assert [result.error for result in results] == [None, None]
    stock = await department.stock()
    assert stock == Stock("coffee", 10, 7, 0, 0, wasted=3)
    assert results[1].ticket is not None
    assert stock.revision >= results[1].ticket.revision


async def test_the_tickets_of_some_orders_are_read_in_their_order(department: DepartmentDatabase) -> None:
    placements = [coffees(1) for _ in range(3)]
    await department.place(*placements)
    ids = [placements[2].order_id, new_id(), placements[0].order_id, placements[2].order_id]
    tickets, incarnation = await department.database.read(staff_transactions.tickets_of, ids)
    assert [ticket.order_id for ticket in tickets if isinstance(ticket, Ticket)] == [ids[0], ids[2]]
    assert incarnation == (await department.stock_levels()).incarnation
