"""Which indexes the journal's statements use, on a database that has no statistics yet."""

import sqlalchemy as sa

from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.transitions import Goal
from gateway.orders import journal, leases
from gateway.orders.journal import Journal, _Entry
from gateway.orders.open_numbers import open_numbers
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
