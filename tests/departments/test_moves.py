"""The staff's steps in transactions. The fixture checks the stock law after every test."""

import pytest

from departments.domain.errors import (
    OrderNotFound,
    StepConflict,
    StepIdTaken,
    StepNotAllowed,
)
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketState, Verb
from tests.departments.department_database import DepartmentDatabase
from tests.support.department_factories import NEXT, WALKS, coffees, new_id, order


async def test_staff_walk_a_ticket_to_the_table_and_back(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    await department.place(placement)
    for verb, after in (
        (Verb.START, TicketState.PREPARING),
        (Verb.FINISH, TicketState.READY),
        (Verb.SERVE, TicketState.SERVED),
        (Verb.RECALL, TicketState.READY),
        (Verb.RECALL, TicketState.PREPARING),
        (Verb.RECALL, TicketState.QUEUED),
    ):
        assert (await department.move(placement.order_id, verb)).state is after
        assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_a_ticket_has_the_time_of_each_step(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    await department.place(placement)
    times = []
    for now_ms, (verb, expected) in enumerate(
        (
            (Verb.START, TicketState.QUEUED),
            (Verb.FINISH, TicketState.PREPARING),
            (Verb.RECALL, TicketState.READY),
            (Verb.FINISH, TicketState.PREPARING),
            (Verb.SERVE, TicketState.READY),
        ),
        start=10,
    ):
        await department.take(Move(placement.order_id, verb, expected, str(now_ms)), now_ms)
        ((ticket,), _) = await department.changes()
        times.append((ticket.started_at_ms, ticket.ready_at_ms, ticket.served_at_ms))
    assert times == [(10, 0, 0), (10, 11, 0), (10, 0, 0), (10, 13, 0), (10, 13, 14)]


async def test_staff_who_cancel_what_is_not_started_put_its_stock_back(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2))
    await department.place(placement)
    ticket = await department.take(
        Move(placement.order_id, Verb.CANCEL, TicketState.QUEUED, "1", "Ana", "the client has left")
    )
    assert (ticket.state, ticket.withdrawn, ticket.wasted) == (TicketState.CANCELLED, True, False)
    assert (ticket.moved_by, ticket.moved_at_ms, ticket.cancel_reason) == ("Ana", 3, "the client has left")
    assert await department.stock("coffee") == Stock("coffee", 10, 10, 0, 0)
    assert await department.stock("soda") == Stock("soda", 5, 5, 0, 0)
    assert (await department.changes())[0] == [ticket]


async def test_staff_who_cancel_what_was_started_waste_its_stock(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2))
    await department.place(placement, coffees(1))
    await department.move(placement.order_id, Verb.START)
    ticket = await department.take(
        Move(placement.order_id, Verb.CANCEL, TicketState.PREPARING, "2", "Bo", "it fell down")
    )
    assert (ticket.state, ticket.withdrawn, ticket.wasted) == (TicketState.CANCELLED, True, True)
    assert (ticket.moved_by, ticket.moved_at_ms, ticket.cancel_reason) == ("Bo", 3, "it fell down")
    assert (ticket.started_at_ms, ticket.cancelled_at_ms) == (3, 3)
    assert await department.stock("coffee") == Stock("coffee", 10, 6, 0, 1, wasted=3)
    assert await department.stock("soda") == Stock("soda", 5, 3, 0, 0, wasted=2)
    assert (await department.place_one(placement)) == ticket


async def test_what_is_started_and_recalled_goes_back_into_stock_when_it_is_cancelled(
    department: DepartmentDatabase,
) -> None:
    by_staff, by_client = coffees(2), coffees(3)
    await department.place(by_staff, by_client)
    for placement in (by_staff, by_client):
        await department.move(placement.order_id, Verb.START, Verb.RECALL)
    cancelled = await department.move(by_staff.order_id, Verb.CANCEL), *await department.cancel(by_client.order_id)
    for ticket, withdrawn in zip(cancelled, (True, False), strict=True):
        assert isinstance(ticket, Ticket)
        assert (ticket.state, ticket.withdrawn, ticket.wasted) == (TicketState.CANCELLED, withdrawn, False)
    assert await department.stock() == Stock("coffee", 10, 10, 0, 0)


async def test_a_recall_that_is_sent_twice_goes_back_one_step(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START, Verb.FINISH)
    recall = Move(placement.order_id, Verb.RECALL, TicketState.READY, "recall-1", "Ana")
    first = await department.take(recall, now_ms=5)
    assert (first.state, first.moved_by, first.moved_at_ms) == (TicketState.PREPARING, "Ana", 5)
    assert await department.take(recall, now_ms=99) == first
    assert await department.state(placement.order_id) is TicketState.PREPARING


async def test_a_step_that_is_repeated_after_later_steps_returns_what_it_returned_and_takes_none(
    department: DepartmentDatabase,
) -> None:
    placement = coffees(1)
    await department.place(placement)
    steps = [
        Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"),
        Move(placement.order_id, Verb.RECALL, TicketState.PREPARING, "b", "Bo"),
        Move(
            placement.order_id, Verb.START, TicketState.QUEUED, "c", "Cy"
        ),  # the state that the first one expects, again
        Move(placement.order_id, Verb.CANCEL, TicketState.PREPARING, "d", "Di", "no milk"),
    ]
    returned = [await department.take(step, now_ms=number) for number, step in enumerate(steps, start=10)]
    before = await department.changes(), (await department.stock_levels()).stock
    for step, ticket in zip(steps, returned, strict=True):
        assert await department.take(step, now_ms=99) == ticket
    assert ((await department.changes())[0], (await department.stock_levels()).stock) == (before[0][0], before[1])
    assert [ticket.state for ticket in returned] == [
        TicketState.PREPARING,
        TicketState.QUEUED,
        TicketState.PREPARING,
        TicketState.CANCELLED,
    ]
    assert [ticket.started_at_ms for ticket in returned] == [10, 0, 12, 12]


async def test_steps_are_kept_across_a_restart(database_url: str) -> None:
    placement = coffees(1)
    first = await DepartmentDatabase.open(database_url)
    await first.place(placement)
    start = Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana")
    started = await first.take(start)
    await first.move(placement.order_id, Verb.RECALL)
    first.database.close()
    second = await DepartmentDatabase.open(database_url)
    assert await second.take(start) == started
    assert await second.state(placement.order_id) is TicketState.QUEUED
    await second.check_the_law()
    second.database.close()


async def test_a_step_id_belongs_to_one_ticket(department: DepartmentDatabase) -> None:
    one, other = coffees(1), coffees(2)
    await department.place(one, other)
    for placement in (one, other):
        ticket = await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a"))
        assert (ticket.order_id, ticket.state) == (placement.order_id, TicketState.PREPARING)


async def test_a_step_id_that_is_known_with_another_step_is_refused(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a"))
    for verb, expected in ((Verb.FINISH, TicketState.PREPARING), (Verb.START, TicketState.PREPARING)):
        with pytest.raises(StepIdTaken, match=r"step 'a' of ticket .* was start from queued; a new step needs an id"):
            await department.take(Move(placement.order_id, verb, expected, "a"))
    assert await department.state(placement.order_id) is TicketState.PREPARING


async def test_of_two_cooks_one_wins_and_the_other_learns_who_and_when(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.take(
        Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"), now_ms=1_800_000_000_000
    )
    with pytest.raises(StepConflict) as refusal:
        await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "b", "Bo"))
    moved = "; Ana moved it at 2027-01-15T08:00:00+00:00"
    assert str(refusal.value) == f"ticket {placement.order_id} is preparing, not queued{moved}"
    assert refusal.value.facts == {
        "order_id": placement.order_id,
        "state": "preparing",
        "expected_state": "queued",
        "moved_by": "Ana",
        "moved_at_ms": "1800000000000",
    }


async def test_a_cook_is_not_named_for_what_the_gateway_did(department: DepartmentDatabase) -> None:
    placement, untouched = coffees(1), coffees(1)
    await department.place(placement, untouched)
    await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"))
    await department.take(Move(placement.order_id, Verb.RECALL, TicketState.PREPARING, "b", "Ana"))
    await department.cancel(placement.order_id)
    for order_id, expected, reached in (
        (placement.order_id, TicketState.QUEUED, TicketState.CANCELLED),
        (untouched.order_id, TicketState.READY, TicketState.QUEUED),
    ):
        with pytest.raises(StepConflict) as refusal:
            await department.take(Move(order_id, Verb.START, expected, "c"))
        assert str(refusal.value) == f"ticket {order_id} is {reached}, not {expected}"
        assert (refusal.value.facts["moved_by"], refusal.value.facts["moved_at_ms"]) == ("", "0")


async def test_of_a_ticket_without_accepted_lines_staff_learn_that_there_is_nothing_to_prepare(
    department: DepartmentDatabase,
) -> None:
    placement = order(("beer", 1))
    await department.place(placement)
    with pytest.raises(StepConflict, match=r"^ticket \S+ has nothing to prepare, as no line was accepted$"):
        await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a"))


async def test_a_step_that_is_refused_is_not_recorded(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    finish = Move(placement.order_id, Verb.FINISH, TicketState.PREPARING, "a")
    with pytest.raises(StepConflict):
        await department.take(finish)
    await department.move(placement.order_id, Verb.START)
    assert (await department.take(finish)).state is TicketState.READY


@pytest.mark.parametrize("reached", [*WALKS, TicketState.NONE])
async def test_a_step_that_is_not_allowed_leaves_no_trace(department: DepartmentDatabase, reached: TicketState) -> None:
    placement = order(("beer", 1)) if reached is TicketState.NONE else coffees(3, hold=True)
    await department.place(placement)
    if reached is not TicketState.NONE and WALKS[reached]:
        await department.move(placement.order_id, *WALKS[reached])
    before = await department.stock_levels(), await department.changes()
    for verb in set(Verb) - set(NEXT[reached]):
        line = 0 if verb is Verb.CANCEL_LINE else None
        with pytest.raises(StepNotAllowed, match=f"is {reached}: {verb} is not allowed"):
            await department.take(Move(placement.order_id, verb, reached, new_id(), line=line))
    assert (await department.stock_levels(), await department.changes()) == before


async def test_a_step_with_a_ticket_that_is_unknown_is_refused(department: DepartmentDatabase) -> None:
    unknown = new_id()
    with pytest.raises(OrderNotFound, match=unknown):
        await department.move(unknown, Verb.START)
    assert (await department.changes())[0] == []
