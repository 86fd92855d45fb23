"""Tickets and steps with values that another version of the program wrote."""

import pytest
from sqlalchemy import Connection, text

from departments.domain.errors import (
    TicketUnreadable,
)
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketState, Verb
from tests.departments.department_database import DepartmentDatabase, state
from tests.support.department_factories import coffees


@pytest.mark.parametrize(
    "change",
    [
        "state = 'plated'",
        "source = 'kiosk'",
        """lines = replace(lines, '"accepted"', '"promised"')""",
        'cancelled_lines = \'[{"line":"first"}]\'',
    ],
)
async def test_a_ticket_with_unknown_values_stops_no_other_order(database_url: str, change: str) -> None:
    department = await DepartmentDatabase.open(database_url)
    strange, known, new = coffees(1), coffees(2), coffees(3)
    placed, _ = await department.place(strange, known)
    assert isinstance(placed, Ticket)
    await department.database.write(_falsify, f"{change} WHERE order_id = '{strange.order_id}'")
    results = await department.place(known, strange, new)
    assert [state(results[0]), state(results[2])] == [TicketState.QUEUED, TicketState.QUEUED]
    for use_case in (department.place, department.confirm, department.suspend, department.cancel):
        requested = [strange] if use_case == department.place else [strange.order_id]
        (result,) = await use_case(*requested)
        assert isinstance(result, TicketUnreadable)
        assert (result.order_id, result.revision) == (strange.order_id, placed.revision)
    with pytest.raises(TicketUnreadable, match=f"ticket {strange.order_id} cannot be read by this version"):
        await department.take(Move(strange.order_id, Verb.START, TicketState.QUEUED, "a"))
    assert await department.stock() == Stock("coffee", 10, 4, 0, 6)
    department.database.close()


async def test_a_ticket_with_unknown_values_is_left_out_of_the_list_and_reported(database_url: str) -> None:
    department = await DepartmentDatabase.open(database_url)
    orders = [coffees(1) for _ in range(5)]
    await department.place(*orders)
    strange = orders[1].order_id
    await department.database.write(_falsify, f"state = 'plated' WHERE order_id = '{strange}'")
    listed, left_out, position = [], [], Position()
    while True:
        page = await department.page(position, limit=2)
        listed += [ticket.order_id for ticket in page.tickets]
        left_out += [ticket.order_id for ticket in page.unreadable]
        position = Position(page.revision, page.incarnation, page.snapshot)
        if not page.snapshot:
            break
    assert listed == [placement.order_id for placement in orders if placement.order_id != strange]
    assert left_out == [strange]
    department.database.close()


async def test_a_step_of_an_unknown_verb_is_not_taken_again(database_url: str) -> None:
    department = await DepartmentDatabase.open(database_url)
    placement = coffees(1)
    await department.place(placement)
    start = Move(placement.order_id, Verb.START, TicketState.QUEUED, "a")
    await department.take(start)
    await department.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE steps SET verb = 'plate'").rowcount
    )
    with pytest.raises(TicketUnreadable, match="'plate' is not a valid Verb"):
        await department.take(start)
    department.database.close()


def _falsify(connection: Connection, change: str) -> None:
    connection.execute(text(f"UPDATE tickets SET {change}".replace(":", "\\:")))
