"""Which indexes the statements use, on a database that has no statistics yet."""

import itertools
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from departments import staff_transactions, stock_tables, tables, transactions
from departments.domain.menu import Menu
from departments.domain.steps import Move
from departments.domain.tickets import OPEN, Decision, TicketState, Verb
from departments.schema import IS_OPEN
from tests.departments.department_database import EVERYTHING, DepartmentDatabase
from tests.support.department_factories import coffees, new_id, small_menu
from tests.support.postgresql import new_postgresql_database

FETCHED = sa.text("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'tickets'")


async def test_a_plan_from_when_a_table_was_empty_still_finds_tickets_by_their_keys(postgresql: str) -> None:
    """Before it has statistics, PostgreSQL believes that few of the tickets are of a restaurant, and keeps its plan."""
    menu = small_menu(coffee=EVERYTHING)
    department = await DepartmentDatabase.open(new_postgresql_database(postgresql), menu)
    numbers = itertools.count()

    def rows_read(connection: sa.Connection) -> int:
        """Place an order, and take each kind of step with it."""
        _work(connection, menu, next(numbers))
        return int(connection.execute(FETCHED).scalar_one())

    few = [await department.database.write(rows_read) for _ in range(10)]
    await department.place(*(coffees(1) for _ in range(2000)))
    assert await department.database.write(rows_read) <= 2 * max(few)
    department.database.close()


def _work(connection: sa.Connection, menu: Menu, number: int) -> None:
    held, started = coffees(1, hold=True), coffees(1)
    transactions.place(connection, menu, [held, started], 1)
    transactions.confirm(connection, [Decision(held.order_id, 1)], 1)
    transactions.suspend(connection, [Decision(held.order_id, 2)], 1)
    transactions.cancel(connection, [Decision(held.order_id), Decision(new_id())], 1)
    staff_transactions.move(connection, Move(started.order_id, Verb.START, TicketState.QUEUED, str(number)), 1)


@pytest.mark.parametrize("states", [OPEN, [TicketState.QUEUED], ()])
async def test_a_snapshot_of_open_tickets_reads_no_others(
    department: DepartmentDatabase, states: list[TicketState]
) -> None:
    def plan(connection: sa.Connection) -> str:
        _without_scans(connection)
        return _plan(connection, lambda: tables.changed_tickets(connection, 0, EVERYTHING, states, 100))

    index = "ix_tickets_open" if states else "ix_tickets_revision"
    assert index in await department.database.read(plan)


async def test_the_open_tickets_are_read_by_their_index(department: DepartmentDatabase) -> None:
    def plan(connection: sa.Connection) -> str:
        _without_scans(connection)
        return _plan(connection, lambda: tables.open_tickets(connection))

    assert "ix_tickets_open" in await department.database.read(plan)


@pytest.mark.parametrize(("item", "index"), [("", "ix_stock_changes_revision"), ("coffee", "ix_stock_changes_item")])
async def test_the_history_of_the_stock_is_read_by_its_index(
    department: DepartmentDatabase, item: str, index: str
) -> None:
    def plan(connection: sa.Connection) -> str:
        _without_scans(connection)
        return _plan(connection, lambda: stock_tables.changes_before(connection, item, EVERYTHING, 10))

    assert index in await department.database.read(plan)


async def test_the_open_tickets_are_those_that_are_not_done_in_the_order_of_their_arrival(
    department: DepartmentDatabase,
) -> None:
    orders = [coffees(1, hold=number == 0) for number in range(4)]
    for now_ms, order in enumerate(orders, start=1):
        await department.place(order, now_ms=now_ms)
    await department.move(orders[1].order_id, Verb.START, Verb.FINISH)
    await department.move(orders[2].order_id, Verb.START, Verb.FINISH, Verb.SERVE)
    await department.cancel(new_id())
    found = await department.database.read(tables.open_tickets)
    assert [ticket.order_id for ticket in found] == [orders[0].order_id, orders[1].order_id, orders[3].order_id]


def _without_scans(connection: sa.Connection) -> None:
    """Let PostgreSQL plan as for a large table."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")


def _plan(connection: sa.Connection, read: Callable[[], object]) -> str:
    """Return the plan of the query that a function executes."""
    queries: list[sa.Select[tuple[object]]] = []

    def note(_connection: sa.Connection, query: "sa.Select[tuple[object]]", *_more: object) -> None:
        queries.append(query)

    sa.event.listen(connection, "before_execute", note)
    read()
    sa.event.remove(connection, "before_execute", note)
    text = str(queries[0].compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {text}"))


def test_the_open_states_are_those_of_the_index() -> None:
    assert set(re.findall("state = '([a-z]+)'", IS_OPEN.text)) == {state.value for state in OPEN}
