"""Which indexes the journal's statements use, on a database that has no statistics yet."""

import asyncio
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Status
from gateway.domain.transitions import Goal
from gateway.orders import journal, leases, queries, ticket_states
from gateway.orders.journal import Journal, _Entry
from gateway.orders.open_numbers import open_numbers
from gateway.orders.tables import _ARCHIVED
from gateway.orders.wanted import ANY
from gateway.storage import MIGRATIONS
from infra.db.database import Database
from tests.support.migrated import prepare
from tests.support.orders import order
from tests.support.postgresql import new_postgresql_database

FETCHED = sa.text("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'orders'")


async def test_a_plan_from_when_a_table_was_empty_still_finds_orders_by_their_keys(postgresql: str) -> None:
    """Before it has statistics, PostgreSQL believes that few of the orders are of a restaurant, and keeps its plan."""
    database = Database(new_postgresql_database(postgresql), schema="gateway")
    prepare(database, MIGRATIONS)
    writer = Journal(database)
    await writer.enlist()

    def rows_read(connection: sa.Connection) -> int:
        """Write an order, as it is asked and as it ends, read it, take over what nobody owns, and begin a day."""
        new = order("bar coffee")
        new.owner = writer.number
        journal._write(connection, [_Entry(new, is_new=True)], None)
        journal._write(connection, [_Entry(new, is_new=True)], None)  # it is known, and is read
        new.record_response("bar", Goal.PLACE, TicketResult(TicketState.QUEUED, [LineResult(Outcome.ACCEPTED, 0, 1)]))
        journal._write(connection, [_Entry(new)], None)
        leases.take(connection, writer.number, new.order_id)
        leases.claim(connection, writer.number, dict, 100)
        open_numbers(connection, 1)  # of a time in which no order was placed
        return int(connection.execute(FETCHED).scalar_one())

    def fill(connection: sa.Connection) -> None:
        done = [order("bar coffee") for _ in range(2000)]
        for each in done:
            each.owed, each.owner = {}, writer.number
        journal._write(connection, [_Entry(each, is_new=True) for each in done], None)

    few = [await database.write(rows_read) for _ in range(10)]
    await database.write(fill)
    assert await database.write(rows_read) <= 2 * max(few)
    database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_unsettled_is_found_by_its_index(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Nearly every row is settled, and the audit asks once for each slice of the orders."""
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    database = Database(
        new_postgresql_database(server) if server else f"sqlite:///{tmp_path}/gateway.db", schema="gateway"
    )
    prepare(database, MIGRATIONS)

    def plan(connection: sa.Connection) -> str:
        if kind == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN" if kind == "postgresql" else "EXPLAIN QUERY PLAN"
        return str(connection.exec_driver_sql(f"{explain} {ticket_states._UNSETTLED.text(connection)}").all())

    assert "ix_ticket_states_unsettled" in asyncio.run(database.read(plan))
    database.close()


def test_a_new_order_does_not_read_what_was_archived(tmp_path: Path) -> None:
    """SQLite has no statistics, and takes a join for one that finds little by the restaurant alone."""
    with closing(Database(f"sqlite:///{tmp_path}/gateway.db", schema="gateway")) as database:
        prepare(database, MIGRATIONS)

        def plan(connection: sa.Connection) -> str:
            text = f"EXPLAIN QUERY PLAN {_ARCHIVED.text(connection)}"
            return str(_driver(connection).execute(text, {"order_ids": "[]"}).fetchall())

        assert "PRIMARY KEY (restaurant=? AND order_id=?)" in asyncio.run(database.write(plan))


BY_STATUS = {
    Status.ACCEPTED: ("ix_orders_seq", "orders_pkey"),
    Status.PENDING: ("ix_orders_unfinished",),
    **dict.fromkeys((Status.PARTLY_ACCEPTED, Status.REFUSED, Status.CANCELLED), ("ix_orders_status_seq",)),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_page_of_a_status_passes_over_few_others(
    kind: str, status: Status, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Nearly all orders are accepted, and their index by place serves a page of them."""
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    url = new_postgresql_database(server) if server else f"sqlite:///{tmp_path}/gateway.db"
    with closing(Database(url, schema="gateway")) as database:
        prepare(database, MIGRATIONS)
        asyncio.run(database.write(_fill))
        if server:
            asyncio.run(database.write(lambda connection: connection.exec_driver_sql("ANALYZE orders")))
        plan = asyncio.run(database.read(_plan_of_page, status))
    assert any(index in plan for index in BY_STATUS[status])
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def _fill(connection: sa.Connection) -> None:
    accepted = [order("bar coffee") for _ in range(2000)]
    for each in accepted:
        each.record_response("bar", Goal.PLACE, TicketResult(TicketState.QUEUED, [LineResult(Outcome.ACCEPTED, 0, 1)]))
    journal._write(connection, [_Entry(each, is_new=True) for each in accepted], None)


def _plan_of_page(connection: sa.Connection, status: Status) -> str:
    """Return how the first page of orders of a status is read."""
    plans: list[str] = []

    def explain(_: object, cursor: Any, text: str, values: Any, *__: object) -> None:
        if "FROM orders" in text:
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.dialect.name == 'sqlite' else ''}{text}", values)
            plans.append(str(cursor.fetchall()))

    sa.event.listen(connection, "before_cursor_execute", explain)
    queries.page(connection, 10, None, status, None, [], ANY)
    sa.event.remove(connection, "before_cursor_execute", explain)
    (plan,) = plans
    return plan


async def test_a_batch_waits_for_postgresql_twice(postgresql: str, tmp_path: Path) -> None:
    """Once for the first result that is read, with which all others come, and once for the commit."""
    database = Database(new_postgresql_database(postgresql), schema="gateway")
    prepare(database, MIGRATIONS)
    writer = Journal(database)
    known, new = order("bar coffee"), order("bar coffee")
    await writer.insert(known)
    sent = (tmp_path / "sent").open("w+")
    await database.write(lambda connection: _driver(connection).pgconn.trace(sent.fileno()))

    await asyncio.gather(writer.insert(new), writer.update(known))

    await database.write(lambda connection: _driver(connection).pgconn.untrace())
    sent.seek(0)
    trace = sent.read()
    sent.close()
    database.close()
    batch = trace.split('CommandComplete\t "COMMIT"')[1]
    directions = "".join(re.findall(r"^[^\t\n]+\t([FB])\t", batch, re.MULTILINE))  # to the server, and from it
    assert len(re.findall("F+B+", directions)) == 2, batch


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection
