"""The staff's cancels of single lines, in transactions. The fixture checks the stock law after every test."""

from collections import Counter
from dataclasses import replace

import pytest

from departments import stock_audit
from departments.archiving import sums_of
from departments.domain.errors import (
    LineNotCancellable,
    LineNotFound,
    OrderIdTaken,
    StepConflict,
    StepIdTaken,
    StepNotAllowed,
)
from departments.domain.placing import Placement
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import CancelledLine, Outcome, Ticket, TicketState, Verb
from departments.menu_file import SHIPPED, read_menu
from tests.departments.department_database import DepartmentDatabase, state
from tests.support.department_factories import new_id, order

QUEUED, PREPARING, CANCELLED = TicketState.QUEUED, TicketState.PREPARING, TicketState.CANCELLED


def three_lines(*, hold: bool = False) -> Placement:
    return order(("coffee", 3), ("soda", 2), ("coffee", 1), hold=hold)


def cancel(
    placement: Placement, line: int, expected: TicketState = QUEUED, step_id: str = "", reason: str = "no milk"
) -> Move:
    return Move(placement.order_id, Verb.CANCEL_LINE, expected, step_id or new_id(), "Ana", reason, line)


def outcomes(ticket: Ticket) -> list[str]:
    return [line.outcome.value for line in ticket.lines]


async def test_a_line_that_was_not_started_goes_back_to_the_stock(department: DepartmentDatabase) -> None:
    placement = three_lines()
    await department.place(placement)
    ticket = await department.take(cancel(placement, 0))
    assert (ticket.state, outcomes(ticket)) == (QUEUED, ["cancelled", "accepted", "accepted"])
    assert (ticket.moved_by, ticket.moved_at_ms, ticket.withdrawn) == ("Ana", 3, False)
    assert ticket.cancelled_lines == [CancelledLine(0, "no milk", False)]
    assert await department.stock("coffee") == Stock("coffee", 10, 9, 0, 1)
    assert await department.stock("soda") == Stock("soda", 5, 3, 0, 2)
    assert (await department.changes())[0] == [ticket]


async def test_a_line_that_was_started_is_wasted(department: DepartmentDatabase) -> None:
    placement = three_lines()
    await department.place(placement)
    started = await department.move(placement.order_id, Verb.START)
    ticket = await department.take(cancel(placement, 0, PREPARING), now_ms=9)
    assert (ticket.state, ticket.started_at_ms) == (PREPARING, started.started_at_ms)
    assert ticket.cancelled_lines == [CancelledLine(0, "no milk", True)]
    assert await department.stock("coffee") == Stock("coffee", 10, 6, 0, 1, wasted=3)
    assert (await department.changes())[0] == [ticket]


async def test_what_is_left_of_a_ticket_is_served(department: DepartmentDatabase) -> None:
    placement = three_lines()
    await department.place(placement)
    await department.move(placement.order_id, Verb.START)
    await department.take(cancel(placement, 0, PREPARING))
    ticket = await department.move(placement.order_id, Verb.FINISH, Verb.SERVE)
    assert (ticket.state, outcomes(ticket)) == (TicketState.SERVED, ["cancelled", "accepted", "accepted"])
    assert await department.stock("coffee") == Stock("coffee", 10, 6, 0, 1, wasted=3)
    sums = sums_of([ticket])
    assert (sums.sold, sums.wasted) == (Counter(coffee=1, soda=2), Counter(coffee=3))


async def test_each_line_is_booked_by_the_state_in_which_it_was_cancelled(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 4), ("coffee", 3), ("coffee", 2), ("soda", 1))
    await department.place(placement)
    await department.take(cancel(placement, 2))
    await department.move(placement.order_id, Verb.START)
    await department.take(cancel(placement, 1, PREPARING))
    await department.move(placement.order_id, Verb.RECALL)
    ticket = await department.move(placement.order_id, Verb.CANCEL)
    assert (ticket.state, ticket.withdrawn, ticket.wasted) == (CANCELLED, True, False)
    assert outcomes(ticket) == ["accepted", "cancelled", "cancelled", "accepted"]
    assert await department.stock("coffee") == Stock("coffee", 10, 7, 0, 0, wasted=3)
    assert await department.stock("soda") == Stock("soda", 5, 5, 0, 0)
    sums = sums_of([ticket])
    assert (sums.sold, sums.wasted) == (Counter(), Counter(coffee=3))
    stock = await department.database.read(stock_audit.stock_by_tickets)
    assert (stock.sold, stock.wasted, stock.unreadable) == (Counter(), Counter(coffee=3), 0)


async def test_a_ticket_of_which_a_line_was_wasted_is_wasted_whole_later(department: DepartmentDatabase) -> None:
    placement = three_lines()
    await department.place(placement)
    await department.move(placement.order_id, Verb.START)
    await department.take(cancel(placement, 2, PREPARING))
    ticket = await department.move(placement.order_id, Verb.CANCEL)
    assert await department.stock("coffee") == Stock("coffee", 10, 6, 0, 0, wasted=4)
    stock = await department.database.read(stock_audit.stock_by_tickets)
    assert stock.wasted == Counter(coffee=4, soda=2) == sums_of([ticket]).wasted


@pytest.mark.parametrize("verbs", [(), (Verb.START,)])
async def test_an_item_without_a_stock_figure_obeys_the_law(database_url: str, verbs: tuple[Verb, ...]) -> None:
    menu = read_menu(SHIPPED / "bar.toml")
    items = {**menu.items, "coffee": replace(menu.items["coffee"], stock=0, unlimited=True)}
    department = await DepartmentDatabase.open(database_url, replace(menu, items=items))
    placement = three_lines()
    await department.place(placement)
    ticket = await department.move(placement.order_id, *verbs) if verbs else None
    await department.take(cancel(placement, 0, ticket.state if ticket else QUEUED))
    stock = await department.stock("coffee")
    assert (stock.on_hand, stock.sold, stock.wasted) == (0, 1, 3 if verbs else 0)
    await department.check_the_law()
    department.database.close()


@pytest.mark.parametrize("verbs", [(), (Verb.START,)])
async def test_the_last_accepted_line_takes_the_ticket_with_it(
    department: DepartmentDatabase, verbs: tuple[Verb, ...]
) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2))
    await department.place(placement)
    await department.take(cancel(placement, 2))
    expected = (await department.move(placement.order_id, *verbs)).state if verbs else QUEUED
    last = cancel(placement, 0, expected, "last", "it fell down")
    ticket = await department.take(last)
    assert (ticket.state, ticket.withdrawn, ticket.wasted) == (CANCELLED, True, bool(verbs))
    assert (ticket.cancel_reason, outcomes(ticket)) == ("it fell down", ["accepted", "out_of_stock", "cancelled"])
    assert ticket.cancelled_lines == [CancelledLine(2, "no milk", False)]
    stock = Stock("coffee", 10, 7, 0, 0, wasted=3) if verbs else Stock("coffee", 10, 10, 0, 0)
    assert await department.stock("coffee") == stock
    assert await department.take(last) == ticket


async def test_the_gateway_suspends_confirms_and_cancels_what_is_left(department: DepartmentDatabase) -> None:
    placement = three_lines(hold=True)
    await department.place(placement)
    await department.confirm(placement.order_id, epoch=1)
    await department.take(cancel(placement, 0))
    (held,) = await department.suspend(placement.order_id, epoch=2)
    assert state(held) is TicketState.HELD
    assert await department.stock("coffee") == Stock("coffee", 10, 9, 1, 0)
    with pytest.raises(StepNotAllowed, match="is held: cancel_line is not allowed"):
        await department.take(cancel(placement, 1, TicketState.HELD))
    (queued,) = await department.confirm(placement.order_id, epoch=3)
    assert isinstance(queued, Ticket)
    assert (queued.state, outcomes(queued)) == (QUEUED, ["cancelled", "accepted", "accepted"])
    (gone,) = await department.cancel(placement.order_id, epoch=4)
    assert isinstance(gone, Ticket)
    assert (gone.state, gone.withdrawn) == (CANCELLED, False)
    assert gone.cancelled_lines == [CancelledLine(0, "no milk", False)]
    assert await department.stock("coffee") == Stock("coffee", 10, 10, 0, 0)


async def test_an_order_that_is_placed_again_has_the_outcome_of_the_line(department: DepartmentDatabase) -> None:
    placement = three_lines()
    await department.place(placement)
    ticket = await department.take(cancel(placement, 1))
    assert await department.place_one(placement) == ticket
    assert outcomes(ticket) == ["accepted", "cancelled", "accepted"]
    (other,) = await department.place(order(("coffee", 3), ("coffee", 1), order_id=placement.order_id))
    assert isinstance(other, OrderIdTaken)


async def test_a_cancel_that_is_repeated_returns_what_it_returned_and_cancels_nothing(
    department: DepartmentDatabase,
) -> None:
    placement = three_lines()
    await department.place(placement)
    first = await department.take(cancel(placement, 0, step_id="a"), now_ms=5)
    await department.move(placement.order_id, Verb.START)
    second = await department.take(cancel(placement, 1, PREPARING, "b"), now_ms=7)
    before = await department.changes(), await department.stock_levels()
    assert await department.take(cancel(placement, 0, step_id="a"), now_ms=99) == first
    assert await department.take(cancel(placement, 1, PREPARING, "b"), now_ms=99) == second
    assert (await department.changes())[0] == before[0][0]
    assert (await department.stock_levels()).stock == before[1].stock
    assert [outcomes(each).count(Outcome.CANCELLED) for each in (first, second)] == [1, 2]


async def test_a_step_id_that_is_known_with_another_line_is_refused(department: DepartmentDatabase) -> None:
    placement = three_lines()
    await department.place(placement)
    taken = await department.take(cancel(placement, 0, step_id="a"))
    for move in (
        cancel(placement, 1, step_id="a"),
        Move(placement.order_id, Verb.CANCEL, QUEUED, "a"),
    ):
        with pytest.raises(StepIdTaken, match="was cancel_line from queued"):
            await department.take(move)
    assert (await department.changes())[0] == [taken]


async def test_what_cannot_be_cancelled_says_why_and_leaves_no_trace(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2))
    await department.place(placement)
    await department.take(cancel(placement, 0))
    before = await department.stock_levels(), await department.changes()
    for move, error, reason in (
        (cancel(placement, 0), LineNotCancellable, "line 0 of ticket .* is cancelled: only an accepted line can be"),
        (cancel(placement, 1), LineNotCancellable, "line 1 of ticket .* is out_of_stock: only an accepted line can"),
        (cancel(placement, 3), LineNotFound, "has no line 3: its lines are 0 to 2"),
        (cancel(placement, 2**32 - 1), LineNotFound, "has no line 4294967295"),
        (cancel(placement, 2, PREPARING), StepConflict, "is queued, not preparing"),
    ):
        with pytest.raises(error, match=reason):
            await department.take(move)
    assert (await department.stock_levels(), await department.changes()) == before


async def test_a_conflict_names_who_recalled_the_ticket_and_not_who_cancelled_a_line(
    department: DepartmentDatabase,
) -> None:
    placement = three_lines()
    await department.place(placement)
    await department.take(cancel(placement, 0))
    with pytest.raises(StepConflict) as conflict:
        await department.take(Move(placement.order_id, Verb.FINISH, PREPARING, "a", "Bo"))
    assert str(conflict.value) == f"ticket {placement.order_id} is queued, not preparing"


async def test_of_several_steps_one_cancels_a_line_and_each_has_its_own_result(department: DepartmentDatabase) -> None:
    one, other, wrong = (three_lines() for _ in range(3))
    await department.place(one, other)
    await department.place(wrong)
    results = await department.take_all(
        cancel(one, 0), Move(other.order_id, Verb.START, QUEUED, "b"), cancel(wrong, 7, step_id="c")
    )
    assert [type(each.error) for each in results] == [type(None), type(None), LineNotFound]
    assert [outcomes(each.ticket).count("cancelled") for each in results if each.ticket] == [1, 0, 0]


async def test_cancelled_lines_are_kept_across_a_restart(database_url: str) -> None:
    placement = three_lines()
    first = await DepartmentDatabase.open(database_url)
    await first.place(placement)
    move = cancel(placement, 1, reason='"no" \\ 우유')
    ticket = await first.take(move)
    first.database.close()
    second = await DepartmentDatabase.open(database_url)
    assert await second.take(move) == ticket
    assert (await second.changes())[0] == [ticket]
    await second.check_the_law()
    second.database.close()


async def test_an_order_that_took_too_much_is_found_by_what_was_wasted_of_it(department: DepartmentDatabase) -> None:
    first, second = order(("coffee", 3), ("soda", 1)), order(("coffee", 2))
    await department.place(first)
    await department.move(first.order_id, Verb.START)
    await department.take(cancel(first, 0, PREPARING))
    await department.place(second, now_ms=2)
    beyond = await department.database.read(stock_audit.orders_beyond_stock, "coffee", 4)
    assert beyond == [second.order_id]
