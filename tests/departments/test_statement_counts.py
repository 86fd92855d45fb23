"""A batch costs the same number of statements whatever its size.

On SQLite one that takes rows is sent in parts (`MOST_ROWS`), which count as one here.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any, ClassVar

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import Connection

from departments import transactions as use_cases
from departments.domain.placing import Placement
from departments.domain.tickets import Decision
from tests.departments.department_database import DepartmentDatabase
from tests.support.department_factories import coffees, new_id, order, small_menu

MOST_PARTS = 20  # of the largest batch here, of 902 rows: 14 of 64, and the rest in powers of two
MENU = small_menu(coffee=100_000, soda=100_000, tea=0)


class RecordingCursor(psycopg.Cursor[Any]):
    """Remembers every statement that goes to the server."""

    sent: ClassVar[list[str]] = []

    def execute(self, query: Any, *args: Any, **options: Any) -> "RecordingCursor":
        self.sent.append(str(query))
        return super().execute(query, *args, **options)


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    """Record what the driver sends."""
    raw = connection.connection.driver_connection
    sent: list[str] = []
    if isinstance(raw, sqlite3.Connection):
        raw.set_trace_callback(sent.append)
        yield sent
        raw.set_trace_callback(None)
        runs = [list(run) for _, run in groupby(sent, lambda text: text.partition("VALUES")[0])]
        assert max(map(len, runs)) <= MOST_PARTS
        sent[:] = [run[0] for run in runs]
    else:
        assert isinstance(raw, psycopg.Connection)
        plain, RecordingCursor.sent[:] = raw.cursor_factory, []
        raw.cursor_factory = RecordingCursor
        yield sent
        raw.cursor_factory = plain
        sent[:] = RecordingCursor.sent


def batch(size: int) -> list[Placement]:
    """Orders of every fate: accepted, held, refused, twice in the batch."""
    return [
        placement
        for _ in range(size)
        for placement in (order(("coffee", 1), ("tea", 1)), order(("soda", 1), hold=True), order(("milk", 1)))
    ] + [coffees(1, order_id=new_id())] * 2


@pytest_asyncio.fixture
async def department(database_url: str) -> AsyncIterator[DepartmentDatabase]:
    department = await DepartmentDatabase.open(database_url, MENU)
    yield department
    await department.check_the_law()
    department.database.close()


async def test_placing_takes_five_statements_whatever_the_size(department: DepartmentDatabase) -> None:
    def count(connection: Connection, placements: list[Placement]) -> int:
        with statements(connection) as sent:
            use_cases.place(connection, MENU, placements, 1)
        return len(sent)

    for size in (1, 2, 40, 300):
        known = batch(size)
        await department.place(*known)
        assert await department.database.write(count, batch(size)) == 5
        assert await department.database.write(count, known + batch(size)) == 5
        assert await department.database.write(count, known) == 3  # nothing is new: two reads, and the turn taken


@pytest.mark.parametrize("use_case", [use_cases.confirm, use_cases.suspend])
async def test_confirming_and_suspending_take_five_statements_whatever_the_size(
    department: DepartmentDatabase, use_case: Any
) -> None:
    def count(connection: Connection, order_ids: list[str], epoch: int) -> int:
        with statements(connection) as sent:
            use_case(connection, [Decision(order_id, epoch) for order_id in order_ids], 1)
        return len(sent)

    for size in (1, 40, 300):
        placements = batch(size)
        await department.place(*placements)
        ids = [placement.order_id for placement in placements]
        assert await department.database.write(count, ids, 2) == 5
        assert await department.database.write(count, ids, 3) == 3  # no stock moves: their epochs are written
        assert await department.database.write(count, ids, 1) == 2  # too late, all of them


async def test_cancelling_takes_six_statements_whatever_the_size(department: DepartmentDatabase) -> None:
    def count(connection: Connection, order_ids: list[str]) -> int:
        with statements(connection) as sent:
            use_cases.cancel(connection, [Decision(order_id) for order_id in order_ids], 1)
        return len(sent)

    for size in (1, 40, 300):
        placements = batch(size)
        await department.place(*placements)
        ids = [placement.order_id for placement in placements] + [new_id() for _ in range(size)]
        assert await department.database.write(count, ids) == 6
